//! A fleet: very many devices in one process, for load and for tests (`docs/devices.md`). They are what a profile says,
//! speak to the push service as every device does, and decide with the same notification center. What a device of
//! `host` has and these haven't: a file, so that nothing is safe on them; processes of apps; and a screen.

mod api;
mod counts;
mod dice;
mod hours;
mod identities;
mod line;
mod lot;
mod mobile;
mod profile;
mod share;
mod world;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use counts::FleetCounts;
pub use profile::{Profile, ProfileError};

use crate::enrol;
use crate::store::Identity;
use crate::tls::{Dialler, TlsError};
use identities::Identities;
use world::{AT_THE_GATE, Gate, World};

/// The most devices of a fleet.
pub const MAX_DEVICES: u64 = 1_000_000;
/// Longest wait for the devices to say goodbye.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// Longest wait for the push service to be told that they are no more.
const LEAVE_DEADLINE: Duration = Duration::from_secs(60);

/// What a fleet is made of.
#[derive(Debug)]
pub struct CrowdConfig {
    pub devices: u64,
    pub profile: Profile,
    pub clock: Clock,
    /// Host and port of the push service's device link.
    pub link: (String, u16),
    pub ca_pem: Vec<u8>,
    pub enrolment_key: String,
    /// The file in which the devices' identities outlive the process. Without it, they are given back at the end.
    pub identities: Option<PathBuf>,
    /// The file to which tokens are written, one a line; what is in it is lost.
    pub tokens: Option<PathBuf>,
}

/// A fleet can't start.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    #[error("a fleet has 1 to {MAX_DEVICES} devices, not {0}")]
    Devices(u64),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the devices' identities can't be kept in {path}: {source}")]
    Identities { path: PathBuf, source: std::io::Error },
    #[error("the tokens can't be written to {path}: {source}")]
    Tokens { path: PathBuf, source: std::io::Error },
    #[error("the fleet's API can't listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// How a fleet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// Devices that the push service doesn't know any more.
    pub removed: u64,
    /// That it still knows, though nobody has their secrets any more.
    pub left_behind: u64,
}

/// A fleet that lives.
#[derive(Debug)]
pub struct Crowd {
    world: Arc<World>,
    devices: u64,
    tasks: JoinSet<Option<Identity>>,
    servers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// Starts them all, in the calling runtime.
    pub fn start(config: CrowdConfig) -> Result<Self, CrowdError> {
        if config.devices == 0 || config.devices > MAX_DEVICES {
            return Err(CrowdError::Devices(config.devices));
        }
        let (host, port) = &config.link;
        let dialler = Dialler::new(host, *port, &config.ca_pem)?;
        let (identities, mut known) = match config.identities {
            None => (None, BTreeMap::new()),
            Some(path) => match Identities::open(&path) {
                Ok((identities, known)) => (Some(identities), known),
                Err(source) => return Err(CrowdError::Identities { path, source }),
            },
        };
        let tokens = config.tokens.as_deref().map(tokens_file).transpose()?;
        let world = Arc::new(World {
            profile: config.profile,
            clock: config.clock,
            dialler,
            enrolment_key: config.enrolment_key,
            identities,
            gate: Gate::default(),
            counts: Default::default(),
            tokens,
        });
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for device in 0..config.devices {
            let identity = known.remove(&device);
            if identity.is_some() {
                world.counts.enrolled.up();
            }
            tasks.spawn(line::live(Arc::clone(&world), device, identity, stop.subscribe()));
        }
        Ok(Self { world, devices: config.devices, tasks, servers: JoinSet::new(), stop })
    }

    /// Serves the fleet's HTTP API until it ends; gives the address, where a port 0 is a real one.
    pub async fn serve(&mut self, address: SocketAddr, key: &str) -> Result<SocketAddr, CrowdError> {
        let failed = |source| CrowdError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let (world, key, stopped) = (Arc::clone(&self.world), key.to_owned(), self.stop.subscribe());
        self.servers.spawn(api::serve(listener, world, self.devices, key, stopped));
        Ok(bound)
    }

    /// How it stands.
    pub fn counts(&self) -> FleetCounts {
        self.world.counts.view(self.devices)
    }

    /// Lets all devices say goodbye. Those whose identities aren't kept are removed from the push service, with bounded
    /// effort.
    pub async fn shutdown(mut self) -> Farewell {
        self.stop.send_replace(true);
        let mut homeless = Vec::new();
        let ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                homeless.extend(ended.unwrap_or_default());
            }
        };
        if tokio::time::timeout(STOP_DEADLINE, ended).await.is_err() {
            tracing::warn!(devices = self.tasks.len(), "not all devices of the fleet said goodbye in time");
        }
        if self.world.identities.is_some() {
            return Farewell { removed: 0, left_behind: 0 };
        }
        let enrolled = self.counts().enrolled;
        let removed = remove_all(&self.world, homeless).await;
        Farewell { removed, left_behind: enrolled.saturating_sub(removed) }
    }
}

/// Tells the push service of each; how many it has heard of.
async fn remove_all(world: &Arc<World>, identities: Vec<Identity>) -> u64 {
    let places = Arc::new(Semaphore::new(AT_THE_GATE));
    let mut leaving = JoinSet::new();
    for identity in identities {
        let (world, places) = (Arc::clone(world), Arc::clone(&places));
        leaving.spawn(async move {
            let _place = places.acquire().await.ok()?;
            enrol::leave(&world.dialler, &identity).await.ok()
        });
    }
    let mut removed = 0;
    let all = async {
        while let Some(left) = leaving.join_next().await {
            removed += u64::from(matches!(left, Ok(Some(()))));
        }
    };
    if tokio::time::timeout(LEAVE_DEADLINE, all).await.is_err() {
        tracing::warn!("the push service wasn't told of all devices in time");
    }
    removed
}

fn tokens_file(path: &Path) -> Result<Mutex<std::fs::File>, CrowdError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map(Mutex::new).map_err(|source| CrowdError::Tokens { path: path.to_owned(), source })
}
