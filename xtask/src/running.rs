//! One `homing up` of the built binary on a free block of ports and a data directory of its own, for the clients, the
//! documents and the measurements. It is stopped and its directory removed when this is dropped.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::step::target_dir;

/// `--ports-from N` takes N…N+19.
const BLOCK: u16 = 20;
/// Below the ports that the kernel hands out to clients.
const LOWEST: u16 = 20_000;
const HIGHEST: u16 = 32_000;
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(30);
const LOOKS_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// The folder that holds everything of this run; `homing` inside is the data directory.
    pub(crate) home: PathBuf,
    pub(crate) binary: PathBuf,
}

impl Running {
    /// Starts `binary up`; its words go to `home/homing.log`.
    pub(crate) fn start(binary: PathBuf, name: &str, extra: &[&str]) -> Result<Running> {
        let home = fresh_home(name)?;
        let ports_from = free_block()?.to_string();
        let args = [&["up", "--ports-from", &ports_from], extra].concat();
        Self::run(binary, home, &args)
    }

    /// Starts the push service alone, with the demo team: `binary gateway`.
    pub(crate) fn start_gateway(binary: PathBuf, name: &str) -> Result<Running> {
        let home = fresh_home(name)?;
        let from = free_block()?;
        let listen = |offset: u16| format!("listen = [\"127.0.0.1:{}\"]\n", from + offset);
        let config = home.join("gateway.toml");
        let text = format!(
            "data_dir = \"homing\"\ndemo = true\n[production]\n{}[development]\n{}[device_link]\n{}[admin]\n{}",
            listen(0),
            listen(1),
            listen(6),
            listen(10)
        );
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let config = config.display().to_string();
        Self::run(binary, home, &["gateway", "--config", &config])
    }

    fn run(binary: PathBuf, home: PathBuf, args: &[&str]) -> Result<Running> {
        ensure!(binary.exists(), "{} is not built", binary.display());
        let log = File::create(home.join("homing.log"))?;
        let child = Command::new(&binary)
            .args(args)
            .env("XDG_DATA_HOME", &home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let mut running = Running { child, home, binary };
        running.wait_until_ready()?;
        Ok(running)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.endpoints_file().exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("homing up ended at its start ({status}):\n{}", self.log());
            }
            ensure!(
                Instant::now() < deadline,
                "homing up was not ready within {READY_WITHIN:?}:\n{}",
                self.log()
            );
            pause();
        }
        Ok(())
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.join("homing")
    }

    pub(crate) fn endpoints_file(&self) -> PathBuf {
        self.data_dir().join("endpoints.json")
    }

    pub(crate) fn endpoints(&self) -> Result<serde_json::Value> {
        let text = std::fs::read(self.endpoints_file())?;
        serde_json::from_slice(&text).context("endpoints.json is not JSON")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("homing.log")).unwrap_or_default()
    }

    /// Asks it to stop, as a service manager does, and waits.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let status = self.terminate()?;
        ensure!(status.success(), "homing up ended with {status} after SIGTERM");
        ensure!(!self.endpoints_file().exists(), "endpoints.json is still there after a clean stop");
        Ok(())
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            bail!("homing up was no longer running ({status}):\n{}", self.log());
        }
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        let deadline = Instant::now() + STOPS_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "homing up did not stop within {STOPS_WITHIN:?} of SIGTERM");
            pause();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let left_running = self.child.try_wait().is_ok_and(|status| status.is_none());
        if left_running && self.terminate().is_err() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if std::env::var_os("KEEP").is_none() {
            std::fs::remove_dir_all(&self.home).ok();
        }
    }
}

/// The end of another process has no event we could wait for without its own thread: look again soon.
fn pause() {
    let (_never, nothing) = sync_channel::<()>(0);
    match nothing.recv_timeout(LOOKS_EVERY) {
        Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
    }
}

/// A new folder for everything of one run.
fn fresh_home(name: &str) -> Result<PathBuf> {
    let home = target_dir().join("running").join(format!("{name}-{}", std::process::id()));
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    Ok(home)
}

fn free_block() -> Result<u16> {
    let blocks = (HIGHEST - LOWEST) / BLOCK;
    let start = u16::try_from(std::process::id() % u32::from(blocks))?;
    let candidates = (0..blocks).map(|step| LOWEST + (start + step) % blocks * BLOCK);
    let is_free = |from: &u16| {
        (*from..*from + BLOCK).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
    };
    candidates.into_iter().find(is_free).context("no block of 20 free ports on loopback")
}

/// The binary that `cargo build` makes without `--release`.
pub(crate) fn debug_binary() -> PathBuf {
    target_dir().join("debug/homing")
}

/// Puts the folder of `binary` before the others in PATH.
pub(crate) fn path_with(folders: &[&Path]) -> Result<std::ffi::OsString> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().map(|folder| folder.to_path_buf()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).context("PATH")
}
