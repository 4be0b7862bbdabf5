//! Several virtual devices in one process, with the HTTP API around them: what is started, and how it is stopped.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use homing_clock::Clock;
use homing_local::AppManifest;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::api::{self, Api};
use crate::face::{Desktop, FaceError};
use crate::fleet::{Fleet, Workshop, is_name};
use crate::launcher::AppLauncher;
use crate::phone::Tokens;
use crate::socket::AppSocket;
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
    /// Besides those that were added while a host ran on this directory.
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
    Device { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the socket for apps can't be made: {0}")]
    Socket(std::io::Error),
    #[error("the device API can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// Devices that run. Dropping it ends them as a power cut would; [`DeviceHost::shutdown`] is the switch.
#[derive(Debug)]
pub struct DeviceHost {
    fleet: Arc<Fleet>,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
    telling: AbortHandle,
    _socket: AppSocket,
    faces: JoinSet<()>,
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
        let mut socket = AppSocket::bind(&config.data_dir).map_err(StartError::Socket)?;
        let workshop = Workshop {
            data_dir: config.data_dir.clone(),
            clock: config.clock.clone(),
            dialler,
            enrolment_key: config.enrolment_key,
            launcher: config.launcher,
            socket: socket.path().to_owned(),
        };
        let fleet = Arc::new(Fleet::new(workshop).map_err(in_data_dir)?);
        socket.open(Arc::clone(&fleet));
        for device in every(&fleet, config.devices).map_err(in_data_dir)? {
            let name = device.name.clone();
            let in_device = |source| StartError::Device { name, source: Box::new(source) };
            fleet.start(device).await.map_err(in_device)?;
        }
        let telling = fleet.tell_farewells();
        let (stop, stopped) = watch::channel(false);
        let api = Api::new(Arc::clone(&fleet), config.clock, &config.api_key, stopped.clone());
        let mut addresses = Vec::new();
        let mut servers = JoinSet::new();
        for (listener, address) in listeners {
            addresses.push(address);
            servers.spawn(api::serve(listener, api.clone(), stopped.clone()));
        }
        Ok(Self { fleet, addresses, stop, servers, telling, _socket: socket, faces: JoinSet::new() })
    }

    /// Shows what all devices show on this machine's desktop, too, and takes what its user does there.
    pub async fn show_on_desktop(&mut self) -> Result<(), FaceError> {
        self.faces.spawn(Desktop::find(Arc::clone(&self.fleet)).await?.run());
        Ok(())
    }

    /// Where the API listens; a port 0 in the configuration is the real one here.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The tokens of all apps, and when they change.
    pub fn tokens(&self) -> watch::Receiver<Tokens> {
        self.fleet.tokens()
    }

    /// Which apps are on which device, as (device name, bundle ID). A device that broke down has none.
    pub async fn installed(&self) -> BTreeSet<(String, String)> {
        let mut installed = BTreeSet::new();
        for handle in self.fleet.all() {
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
            self.fleet.stop().await;
        };
        if tokio::time::timeout(STOP_DEADLINE, ended).await.is_err() {
            tracing::warn!("the devices didn't stop in time");
        }
    }
}

impl Drop for DeviceHost {
    fn drop(&mut self) {
        self.telling.abort();
        self.fleet.abort();
    }
}

fn check_names(devices: &[VirtualDevice]) -> Result<(), StartError> {
    let mut seen = BTreeSet::new();
    for VirtualDevice { name, .. } in devices {
        if !is_name(name) {
            return Err(StartError::Name(name.clone()));
        }
        if !seen.insert(name) {
            return Err(StartError::SameName(name.clone()));
        }
    }
    Ok(())
}

/// Those of the configuration, and those that were added while the host ran.
fn every(fleet: &Fleet, mut devices: Vec<VirtualDevice>) -> std::io::Result<Vec<VirtualDevice>> {
    for name in fleet.found()? {
        if devices.iter().all(|device| device.name != name) {
            devices.push(VirtualDevice { name, apps: Vec::new() });
        }
    }
    Ok(devices)
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
