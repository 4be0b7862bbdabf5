//! Puts the provider together: opens what it keeps, binds every address before it serves any, makes the apps it was told
//! of, and stops in order.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use homing_clock::Clock;
use homing_trace::Environment;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::{self, ApiConfig};
use crate::engine::{Credential, Engine, EngineConfig, EngineError, Policy, PushService};
use crate::store::StoreError;

/// How long requests get to finish what they have begun when the provider stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// What a provider needs to run.
#[derive(Clone)]
pub struct ProviderConfig {
    /// Made if missing, with mode 0700.
    pub data_dir: PathBuf,
    /// Retries, deadlines and all times shown are read on it.
    pub clock: Clock,
    /// Where the API listens. Port 0 lets the kernel choose, once for all.
    pub api: Vec<SocketAddr>,
    /// A key with every scope, for every app.
    pub api_key: String,
    /// Made, or changed to this, at start.
    pub apps: Vec<AppSpec>,
    /// Further names by which the API may be called, beside `localhost` and addresses.
    pub hosts: Vec<String>,
}

impl std::fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("data_dir", &self.data_dir)
            .field("api", &self.api)
            .field("apps", &self.apps)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// An app that is to be there.
#[derive(Clone, Debug)]
pub struct AppSpec {
    pub bundle_id: String,
    pub name: String,
    /// Absent: as it is, `last-device` when never said.
    pub policy: Option<Policy>,
    /// An environment that isn't here is sent to Apple.
    pub push_services: BTreeMap<Environment, PushService>,
    /// An environment that isn't here keeps what it has.
    pub credentials: BTreeMap<Environment, Credential>,
    pub identity_keys: Vec<IdentityKeySpec>,
}

/// A key by which the business signs identity tokens.
#[derive(Clone, Debug)]
pub struct IdentityKeySpec {
    pub kid: String,
    /// P-256, SPKI.
    pub public_key_pem: String,
}

/// Why a provider doesn't start. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("port {} for the provider API is in use: stop what listens on {address}, or choose another port", address.port())]
    InUse { address: SocketAddr },
    #[error("can't listen on {address} for the provider API: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("no address to listen on for the provider API: name at least one")]
    NoAddress,
    #[error("the provider's API key is empty, so that everybody would have it: give it one")]
    NoKey,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the app {bundle_id} can't be set up: {source}")]
    App { bundle_id: String, source: EngineError },
}

/// A running provider. [`Provider::shutdown`] stops it in order.
#[derive(Debug)]
pub struct Provider {
    addresses: Vec<SocketAddr>,
    engine: Engine,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Provider {
    /// Opens everything in `data_dir`, binds every address, and serves.
    pub async fn start(config: ProviderConfig) -> Result<Self, StartError> {
        if config.api_key.is_empty() {
            return Err(StartError::NoKey);
        }
        let (addresses, listeners) = bind(&config.api)?;
        let engine = Engine::open(EngineConfig {
            data_dir: config.data_dir,
            clock: config.clock,
            root_key: config.api_key.into(),
        })
        .await?;
        for app in config.apps {
            let bundle_id = app.bundle_id.clone();
            if let Err(source) = engine.set_up(app).await {
                engine.shutdown().await;
                return Err(StartError::App { bundle_id, source });
            }
        }
        if let Err(error) = engine.start_lanes().await {
            engine.shutdown().await;
            return Err(error.into());
        }
        let (stop, stopping) = watch::channel(false);
        let api = ApiConfig { engine: engine.clone(), listeners, hosts: config.hosts };
        let serving = tokio::spawn(api::serve(api, stopping));
        tracing::info!(?addresses, "provider started");
        Ok(Self { addresses, engine, stop, serving })
    }

    /// Where the API listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes no more requests, lets those under way be answered, and closes the store.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        let mut serving = self.serving;
        if tokio::time::timeout(DRAIN_WITHIN, &mut serving).await.is_err() {
            tracing::warn!("requests to the provider API were cut, since they didn't end in time");
            serving.abort();
        }
        self.engine.shutdown().await;
        tracing::info!("provider stopped");
    }
}

/// Binds all addresses; a missing IPv6 loopback is passed over.
fn bind(wanted: &[SocketAddr]) -> Result<(Vec<SocketAddr>, Vec<TcpListener>), StartError> {
    let (mut addresses, mut listeners) = (Vec::<SocketAddr>::new(), Vec::new());
    for &address in wanted {
        let chosen = addresses.first().map_or(0, SocketAddr::port);
        let port = if address.port() == 0 { chosen } else { address.port() };
        let address = SocketAddr::new(address.ip(), port);
        match listen(address) {
            Ok((address, listener)) => {
                addresses.push(address);
                listeners.push(listener);
            }
            Err(error) if is_missing_loopback(address, &error) => {
                tracing::info!(%address, "this machine has no IPv6 loopback address");
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::InUse { address });
            }
            Err(source) => return Err(StartError::Listen { address, source }),
        }
    }
    if listeners.is_empty() { Err(StartError::NoAddress) } else { Ok((addresses, listeners)) }
}

fn listen(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?, listener))
}

/// Linux: the kernel was built or started without IPv6.
const EAFNOSUPPORT: i32 = 97;

fn is_missing_loopback(address: SocketAddr, error: &io::Error) -> bool {
    let missing = matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(EAFNOSUPPORT);
    missing && address.ip() == IpAddr::V6(Ipv6Addr::LOCALHOST)
}
