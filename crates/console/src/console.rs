//! A console that runs: what it needs, how it starts and how it stops.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_http_api::{Hosts, Key, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::doors::{self, House, lock};
use crate::proxy::Proxy;

/// Longest wait for connections to end by themselves.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What a console needs.
#[derive(Clone)]
pub struct ConsoleConfig {
    /// A port 0 is chosen by the system; several addresses should have the same port.
    pub listen: Vec<SocketAddr>,
    /// Who sends it as `Authorization: Bearer` may make links.
    pub link_key: String,
    pub upstreams: Vec<Upstream>,
    /// Told to the page when somebody is signed in; holds no secret.
    pub about: serde_json::Value,
    /// What `Host` may be besides `localhost` and IP addresses: a name for any port, or with its port.
    pub hosts: Vec<String>,
}

/// An API that the console speaks to.
#[derive(Clone)]
pub struct Upstream {
    /// In lower-case letters; its paths are below `/api/<name>/`.
    pub name: &'static str,
    /// `http://host:port`, with a path if the API is below one.
    pub base: String,
    /// Sent as `Authorization: Bearer`; never leaves for the browser.
    pub key: String,
}

impl std::fmt::Debug for ConsoleConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleConfig")
            .field("listen", &self.listen)
            .field("upstreams", &self.upstreams)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("name", &self.name).field("base", &self.base).finish_non_exhaustive()
    }
}

/// Why a console doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the console can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("the console has no address to listen on: name at least one")]
    NoAddress,
    #[error("the console's link key is empty: anybody could sign in")]
    NoLinkKey,
    #[error("the console can't use its upstream {name:?}: it {what}")]
    Upstream { name: &'static str, what: &'static str },
}

/// A running console. Dropping it cuts all connections; [`Console::shutdown`] lets them end.
#[derive(Debug)]
pub struct Console {
    house: Arc<House>,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Console {
    /// Ready when it listens. Whether the upstreams can be reached shows when they are asked.
    pub async fn start(config: ConsoleConfig) -> Result<Self, StartError> {
        if config.link_key.is_empty() {
            return Err(StartError::NoLinkKey);
        }
        let proxy = Proxy::new(&config.upstreams)?;
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in config.listen {
            let failed = |source| StartError::Listen { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push(listener);
        }
        let port = addresses.first().ok_or(StartError::NoAddress)?.port();
        let house = Arc::new(House {
            link_key: Key::new(&config.link_key),
            links: Mutex::default(),
            sessions: Mutex::default(),
            attempts: Mutex::default(),
            about: config.about,
            proxy,
            port,
        });
        let router = doors::router(Arc::clone(&house), Hosts::new(config.hosts));
        let (stop, stopping) = watch::channel(false);
        let mut servers = JoinSet::new();
        for listener in listeners {
            servers.spawn(serve(listener, router.clone(), stopping.clone()));
        }
        Ok(Self { house, addresses, stop, servers })
    }

    /// Where it listens; a port 0 in the configuration is the real one here.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A link that signs one person in, once, within ten minutes. Whoever sees it can use it.
    pub fn fresh_link(&self) -> String {
        self.house.fresh_link()
    }

    /// Takes no more connections, ends all sessions with what streams in them, and lets other answers come to their end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        lock(&self.house.sessions).end_all();
        let ended = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::warn!("connections to the console were cut, since they didn't end in time");
        }
    }
}
