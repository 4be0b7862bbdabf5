//! Several virtual devices in one process, with the HTTP API around them: what is started, and how it is stopped.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use homing_clock::Clock;
use homing_local::AppManifest;
use homing_trace::UnixMillis;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::api::{self, Api};
use crate::happening::{self, Happening};
use crate::launcher::AppLauncher;
use crate::link::Link;
use crate::phone::questions::Refusal;
use crate::phone::{self, Input, Phone, PhoneConfig, Question, Tokens};
use crate::store::StoreError;
use crate::tls::{Dialler, TlsError};

/// Longest wait for devices and API to end by themselves.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// What a host of devices needs.
#[derive(Clone)]
pub struct DeviceConfig {
    /// One file per device; made if it isn't there, open to its owner only.
    pub data_dir: PathBuf,
    pub clock: Clock,
    /// Host and port of the push service's device link.
    pub link: (String, u16),
    /// The only root that is trusted, as PEM.
    pub ca_pem: Vec<u8>,
    pub enrolment_key: String,
    /// Where the HTTP API listens.
    pub api: Vec<SocketAddr>,
    pub api_key: String,
    pub devices: Vec<VirtualDevice>,
    pub launcher: Arc<dyn AppLauncher>,
}

impl std::fmt::Debug for DeviceConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceConfig")
            .field("data_dir", &self.data_dir)
            .field("link", &self.link)
            .field("api", &self.api)
            .field("devices", &self.devices)
            .finish_non_exhaustive()
    }
}

/// One device.
#[derive(Clone, Debug)]
pub struct VirtualDevice {
    /// Letters, digits, `-`, `_` and `.`, at most 64; also the name of its file.
    pub name: String,
    /// Installed when the device is new; later it keeps what it has.
    pub apps: Vec<AppManifest>,
}

/// Why there are no devices.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the device's data directory {path} can't be used: {source}")]
    DataDir { path: PathBuf, source: std::io::Error },
    #[error(
        "{0:?} can't be a device's name: use up to 64 letters, digits, `-`, `_` and `.`, not starting with `.`"
    )]
    Name(String),
    #[error("two devices are called {0:?}: give each a name of its own")]
    SameName(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("device {name}: {source}")]
    Store { name: String, source: StoreError },
    #[error("the device API can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// Devices that run. Dropping it ends them as a power cut would; [`DeviceHost::shutdown`] is the switch.
#[derive(Debug)]
pub struct DeviceHost {
    handles: Arc<[Handle]>,
    tokens: watch::Receiver<Tokens>,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
    tasks: Vec<AbortHandle>,
}

/// One device, for those who speak to it.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) name: String,
    inputs: mpsc::Sender<Input>,
    happenings: broadcast::Sender<Arc<Happening>>,
}

impl Handle {
    /// Asks the phone; the answer comes when all that follows from it is on disk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Phone) -> Result<Result<T, Refusal>, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (question, answered) = Question::new(ask);
        self.inputs.send(question.into()).await.map_err(|_| Refusal::Broken)?;
        answered.await.map_err(|_| Refusal::Broken)?
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Happening>> {
        self.happenings.subscribe()
    }
}

impl DeviceHost {
    /// Starts everything; ready when the API listens. Whether the push service can be reached shows in the API.
    pub async fn start(config: DeviceConfig) -> Result<Self, StartError> {
        check_names(&config.devices)?;
        let in_data_dir = |source| StartError::DataDir { path: config.data_dir.clone(), source };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.data_dir)
            .map_err(in_data_dir)?;
        let dialler = Dialler::new(&config.link.0, config.link.1, &config.ca_pem)?;
        let listeners = listen(&config.api).await?;
        let tokens = watch::Sender::new(Tokens::new());
        let mut handles = Vec::new();
        let mut tasks = Vec::new();
        for device in &config.devices {
            let (handle, started) = start_device(&config, device, &tokens).await?;
            let link = Link {
                dialler: dialler.clone(),
                enrolment_key: config.enrolment_key.clone(),
                identity: started.identity,
                phone: started.inputs.clone(),
                online: started.online,
            };
            tasks.push(tokio::spawn(link.run()).abort_handle());
            let waking = wake(config.clock.clone(), started.wake, started.inputs);
            tasks.push(tokio::spawn(waking).abort_handle());
            handles.push(handle);
        }
        let handles: Arc<[Handle]> = handles.into();
        let (stop, stopped) = watch::channel(false);
        let api = Api::new(Arc::clone(&handles), config.clock, &config.api_key, stopped.clone());
        let mut addresses = Vec::new();
        let mut servers = JoinSet::new();
        for (listener, address) in listeners {
            addresses.push(address);
            servers.spawn(api::serve(listener, api.clone(), stopped.clone()));
        }
        Ok(Self { handles, tokens: tokens.subscribe(), addresses, stop, servers, tasks })
    }

    /// Where the API listens; a port 0 in the configuration is the real one here.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The tokens of all apps, and when they change.
    pub fn tokens(&self) -> watch::Receiver<Tokens> {
        self.tokens.clone()
    }

    /// Which apps are on which device, as (device name, bundle ID). A device that broke down has none.
    pub async fn installed(&self) -> BTreeSet<(String, String)> {
        let mut installed = BTreeSet::new();
        for handle in self.handles.iter() {
            let apps = handle.ask(|phone| Ok(Ok(phone.app_details()))).await.unwrap_or_default();
            installed.extend(apps.into_iter().map(|app| (handle.name.clone(), app.app.bundle_id)));
        }
        installed
    }

    /// Stops the API, then the devices, which write down everything. Nothing waits longer than a few seconds.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let ended = async {
            while self.servers.join_next().await.is_some() {}
            for handle in self.handles.iter() {
                let (done, is_done) = oneshot::channel();
                if handle.inputs.send(Input::Stop(done)).await.is_ok() {
                    // A phone that can't write its file has said so in the log.
                    let _ = is_done.await;
                }
            }
        };
        if tokio::time::timeout(STOP_DEADLINE, ended).await.is_err() {
            tracing::warn!("the devices didn't stop in time");
        }
    }
}

impl Drop for DeviceHost {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn start_device(
    config: &DeviceConfig,
    device: &VirtualDevice,
    tokens: &watch::Sender<Tokens>,
) -> Result<(Handle, phone::Started), StartError> {
    let happenings = broadcast::Sender::new(happening::KEPT);
    let started = phone::start(PhoneConfig {
        name: device.name.clone(),
        path: config.data_dir.join(format!("{}.db", device.name)),
        apps: device.apps.clone(),
        clock: config.clock.clone(),
        launcher: Arc::clone(&config.launcher),
        happenings: happenings.clone(),
        tokens: tokens.clone(),
    });
    let started = started.await.map_err(|source| StartError::Store { name: device.name.clone(), source })?;
    let handle = Handle { name: device.name.clone(), inputs: started.inputs.clone(), happenings };
    Ok((handle, started))
}

fn check_names(devices: &[VirtualDevice]) -> Result<(), StartError> {
    let mut seen = std::collections::BTreeSet::new();
    for VirtualDevice { name, .. } in devices {
        let fits = !name.is_empty()
            && name.len() <= 64
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if !fits {
            return Err(StartError::Name(name.clone()));
        }
        if !seen.insert(name) {
            return Err(StartError::SameName(name.clone()));
        }
    }
    Ok(())
}

async fn listen(addresses: &[SocketAddr]) -> Result<Vec<(TcpListener, SocketAddr)>, StartError> {
    let mut listeners = Vec::new();
    for &address in addresses {
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        listeners.push((listener, bound));
    }
    Ok(listeners)
}

/// Tells the phone when the time it waits for has come, whether time passed or the clock was moved.
async fn wake(clock: Clock, mut at: watch::Receiver<Option<UnixMillis>>, phone: mpsc::Sender<Input>) {
    loop {
        let next = *at.borrow_and_update();
        match next {
            None => {
                if at.changed().await.is_err() {
                    return;
                }
            }
            Some(next) => tokio::select! {
                changed = at.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = clock.sleep_until(next) => {
                    // The phone says anew what it waits for after every batch.
                    if phone.send(Input::Wake).await.is_err() || at.changed().await.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_the_directory_is_refused() {
        let named = |name: &str| [VirtualDevice { name: name.to_owned(), apps: Vec::new() }];
        for wrong in ["", ".", "../x", "a/b", "a b"] {
            assert!(check_names(&named(wrong)).is_err(), "{wrong:?}");
        }
        assert!(check_names(&named("iphone-development")).is_ok());
    }
}
