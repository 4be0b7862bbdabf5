//! The `homing` binary as a process: started, waited for, killed without mercy, started again, stopped politely.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::endpoints::{self, DeviceEndpoints, Endpoints, ProviderEndpoints};

/// How long a start or a stop may take on a machine that is busy with other tests.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// How often the file is looked for that says that all is ready.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of its output that are kept for a failure's message.
const KEPT_LINES: usize = 200;

/// A whole Homing, or its push service alone.
pub type Homing = Process<Endpoints>;
/// A device as a process of its own.
pub type Device = Process<DeviceEndpoints>;
/// A provider as a process of its own.
pub type Provider = Process<ProviderEndpoints>;

/// One `homing` process, what it wrote into its `endpoints.json`, and the way to start it again.
#[derive(Debug)]
pub struct Process<E> {
    binary: PathBuf,
    args: Vec<String>,
    data_dir: PathBuf,
    child: Child,
    words: Vec<JoinHandle<Vec<String>>>,
    endpoints: E,
}

impl Homing {
    /// `homing up` on a data directory and a block of ports.
    pub async fn up(binary: &Path, data_dir: &Path, ports_from: u16) -> anyhow::Result<Self> {
        let args =
            ["up", "--data-dir", &data_dir.display().to_string(), "--ports-from", &ports_from.to_string()];
        Self::start(binary, data_dir, args.map(str::to_owned).to_vec()).await
    }

    /// `homing gateway` with the demo team, its configuration written into the data directory's parent.
    pub async fn gateway(binary: &Path, data_dir: &Path, ports_from: u16) -> anyhow::Result<Self> {
        let config = data_dir.with_extension("toml");
        let listen = |port: u16| format!("listen = [\"127.0.0.1:{}\"]\n", ports_from + port);
        let text = format!(
            "data_dir = {:?}\ndemo = true\n[production]\n{}[development]\n{}[device_link]\n{}[admin]\n{}",
            data_dir.display().to_string(),
            listen(0),
            listen(1),
            listen(6),
            listen(10),
        );
        std::fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
        let args = vec!["gateway".to_owned(), "--config".to_owned(), config.display().to_string()];
        Self::start(binary, data_dir, args).await
    }
}

impl Device {
    /// `homing device run` with the demo app, on somebody's push service.
    pub async fn run(binary: &Path, data_dir: &Path, push_service: &Endpoints) -> anyhow::Result<Self> {
        let link = format!("{}:{}", push_service.device_link.host, push_service.device_link.port);
        let key = push_service.enrolment_key.clone().context("this push service gives no enrolment key")?;
        let (ca, data) = (push_service.ca_pem.display().to_string(), data_dir.display().to_string());
        let args =
            ["device", "run", "--link", &link, "--ca", &ca, "--enrolment-key", &key, "--data-dir", &data];
        Self::start(binary, data_dir, args.map(str::to_owned).to_vec()).await
    }
}

impl Provider {
    /// `homing provider` with the demo app, sending to somebody's push service.
    pub async fn run(binary: &Path, data_dir: &Path, push_service: &Endpoints) -> anyhow::Result<Self> {
        let demo = push_service.demo()?;
        let (at, ca) = (&push_service.apns.development, push_service.ca_pem.display().to_string());
        let port = crate::ports::free_block(90)?;
        let text = format!(
            "data_dir = {:?}\n[api]\nlisten = [\"127.0.0.1:{port}\"]\n[[apps]]\nbundle_id = {:?}\n\
             policy = \"all-devices\"\n[apps.credentials.development]\nkey = {:?}\nkey_id = {:?}\nteam_id = {:?}\n\
             [apps.push_services.development]\nhost = {:?}\nport = {}\nca = {ca:?}\n",
            data_dir.display().to_string(),
            demo.bundle_id,
            demo.key_p8.display().to_string(),
            demo.key_id,
            demo.team_id,
            at.host,
            at.port,
        );
        let config = data_dir.with_extension("toml");
        std::fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
        let args = vec!["provider".to_owned(), "--config".to_owned(), config.display().to_string()];
        Self::start(binary, data_dir, args).await
    }
}

impl<E: DeserializeOwned> Process<E> {
    /// Any long-running command that writes `endpoints.json` into `data_dir` once it is ready.
    pub async fn start(binary: &Path, data_dir: &Path, args: Vec<String>) -> anyhow::Result<Self> {
        // A killed Homing leaves its file behind; the new one's must not be mistaken for it.
        let stale = data_dir.join("endpoints.json");
        if stale.exists() {
            std::fs::remove_file(&stale).with_context(|| format!("removing {}", stale.display()))?;
        }
        let mut child = Command::new(binary)
            .args(&args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let mut words: Vec<_> = child.stdout.take().map(listen_to).into_iter().collect();
        words.extend(child.stderr.take().map(listen_to));
        match wait_until_ready(&mut child, data_dir).await {
            Ok(endpoints) => Ok(Self {
                binary: binary.to_owned(),
                args,
                data_dir: data_dir.to_owned(),
                child,
                words,
                endpoints,
            }),
            Err(error) => {
                child.kill().await.context("killing a Homing that didn't start")?;
                let said = said(words).await;
                Err(error.context(format!("homing {} said:\n{said}", args.join(" "))))
            }
        }
    }

    pub const fn endpoints(&self) -> &E {
        &self.endpoints
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// `kill -9`, then the same command again on the same data.
    pub async fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        self.kill().await?;
        *self = Self::start(&self.binary, &self.data_dir, self.args.clone()).await?;
        Ok(())
    }

    /// `kill -9`. Returns when the process is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("killing homing")
    }

    /// Asks it to stop (SIGTERM) and returns how it ended and what it said.
    pub async fn stop(mut self) -> anyhow::Result<(ExitStatus, String)> {
        let pid = self.child.id().context("homing has ended before it was asked to")?;
        let asked = Command::new("kill").arg(pid.to_string()).status().await.context("running kill")?;
        if !asked.success() {
            bail!("homing (process {pid}) couldn't be asked to stop");
        }
        let status = tokio::time::timeout(DEADLINE, self.child.wait())
            .await
            .context("homing didn't stop when it was asked to")??;
        Ok((status, said(std::mem::take(&mut self.words)).await))
    }
}

async fn wait_until_ready<E: DeserializeOwned>(child: &mut Child, data_dir: &Path) -> anyhow::Result<E> {
    let until = Instant::now() + DEADLINE;
    // A file has no event to wait for that works everywhere: look for it, bounded by the deadline.
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            status = child.wait() => bail!("it ended at its start: {}", status?),
            _ = look.tick() => {}
        }
        if let Some(endpoints) = endpoints::read(data_dir)? {
            return Ok(endpoints);
        }
        if Instant::now() > until {
            bail!("{} wasn't written within {DEADLINE:?}", data_dir.join("endpoints.json").display());
        }
    }
}

/// Keeps reading, so that the process never waits for us; the last lines are kept.
fn listen_to(stream: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        let mut kept = std::collections::VecDeque::new();
        while let Ok(Some(line)) = lines.next_line().await {
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        kept.into()
    })
}

async fn said(words: Vec<JoinHandle<Vec<String>>>) -> String {
    let mut all = Vec::new();
    for listener in words {
        all.extend(listener.await.unwrap_or_default());
    }
    all.join("\n")
}
