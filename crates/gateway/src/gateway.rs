//! Puts the push service together: opens what it keeps, binds every address before it serves any, starts a thread with
//! a runtime for each core and one for the admin API, and stops them in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use homing_clock::{Agenda, Attendance, Clock};
use homing_trace::Environment;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, Semaphore, watch};

use crate::admin::{self, AdminContext};
use crate::advice::Advice;
use crate::authority::{Authority, AuthorityError};
use crate::centre::{Centre, CentreError};
use crate::device_port::{DevicePort, DevicePortConfig};
use crate::hub::{BUDGET, Hub, Inboxes};
use crate::legacy_port::{LegacyPort, Service};
use crate::listen::{self, Bound, ListenError, accept, stopped};
use crate::notification::lock;
use crate::provider_port::{ProviderPort, ProviderPortConfig, ProviderRules};
use crate::store::{Store, StoreConfig, StoreError, hex};
use crate::testers::Testers;
use crate::token::TokenSealer;

/// Connections one core serves at once; the limit of open files is mostly lower.
const CONNECTIONS: u32 = 250_000;

/// How long connections get to finish what they have begun when the gateway stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// What a push service needs to run.
#[derive(Clone)]
pub struct GatewayConfig {
    pub data_dir: PathBuf,
    /// Expiry and the times in traces are read on it.
    pub clock: Clock,
    /// Threads that serve connections.
    pub cores: usize,
    /// Where providers come in, by the environment of those who name none of Apple's hosts.
    pub apns: Vec<(Environment, Vec<SocketAddr>)>,
    /// How its ports answer where there is a choice.
    pub rules: ProviderRules,
    /// Where Apple's legacy binary interface is served; nowhere if empty.
    pub legacy: Vec<(Environment, Vec<SocketAddr>)>,
    /// Where its feedback service is.
    pub feedback: Vec<(Environment, Vec<SocketAddr>)>,
    /// Whether its commands 0 and 1 carry the documented 256 bytes and no more, instead of 2,048.
    pub strict_legacy: bool,
    pub device_link: Vec<SocketAddr>,
    pub admin: Vec<SocketAddr>,
    pub admin_key: String,
    /// Whether the admin API has what only tests need: marks on tokens, faults, the journal of requests.
    pub for_testers: bool,
}

impl std::fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayConfig")
            .field("data_dir", &self.data_dir)
            .field("cores", &self.cores)
            .field("apns", &self.apns)
            .field("legacy", &self.legacy)
            .field("feedback", &self.feedback)
            .field("device_link", &self.device_link)
            .field("admin", &self.admin)
            .field("for_testers", &self.for_testers)
            .finish_non_exhaustive()
    }
}

/// Where a push service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    pub apns: Vec<(Environment, Vec<SocketAddr>)>,
    pub legacy: Vec<(Environment, Vec<SocketAddr>)>,
    pub feedback: Vec<(Environment, Vec<SocketAddr>)>,
    pub device_link: Vec<SocketAddr>,
    pub admin: Vec<SocketAddr>,
}

/// Why a push service doesn't start. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Centre(#[from] CentreError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("the provider API can't be set up: {0}")]
    ProviderPort(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the legacy interface can't be set up: {0}")]
    LegacyPort(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the device link can't be set up: {0}")]
    DevicePort(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the start was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// A running push service. Dropping it stops it without waiting; [`Gateway::shutdown`] waits.
#[derive(Debug)]
pub struct Gateway {
    addresses: Addresses,
    store: Store,
    centre: Centre,
    authority: Arc<Authority>,
    hub: Arc<Hub>,
    testers: Option<Arc<Testers>>,
    stop: watch::Sender<bool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    _attendance: Attendance,
}

/// Everything that listens, before it is served.
struct Listeners {
    apns: Vec<(Environment, Bound)>,
    legacy: Vec<(LegacyRole, Bound)>,
    device_link: Bound,
    admin: Bound,
}

/// What a legacy port speaks, and for whom.
type LegacyRole = (Environment, Service);

/// What one core serves.
struct Core {
    core: usize,
    hub: Arc<Hub>,
    provider_port: Arc<ProviderPort>,
    legacy_port: Arc<LegacyPort>,
    device_port: Arc<DevicePort>,
    apns: Vec<(Environment, std::net::TcpListener)>,
    legacy: Vec<(LegacyRole, std::net::TcpListener)>,
    device_link: Vec<std::net::TcpListener>,
    stop: watch::Receiver<bool>,
    all_drained: Arc<Barrier>,
}

impl Gateway {
    /// Opens everything in `data_dir`, binds every address, and serves.
    pub async fn start(config: GatewayConfig) -> Result<Self, StartError> {
        let cores = config.cores.max(1);
        let listeners = Listeners::bind(&config, cores)?;
        let inboxes = Inboxes::new(cores);
        let (store, authority) = open(&config, &inboxes).await?;
        let started = Self::serve(config, listeners, inboxes, store.clone(), authority).await;
        if started.is_err() {
            tokio::task::spawn_blocking(move || store.close()).await?;
        }
        started
    }

    async fn serve(
        config: GatewayConfig,
        listeners: Listeners,
        inboxes: Inboxes,
        store: Store,
        authority: Arc<Authority>,
    ) -> Result<Self, StartError> {
        let centre = Centre::open(store.clone()).await?;
        let sealer = TokenSealer::load(&store).await?;
        let (stop, stopping) = watch::channel(false);
        let hub = Arc::new(Hub::new(store.clone(), config.clock.clone(), inboxes, BUDGET));
        let advice = Arc::new(Advice::default());
        let testers = config.for_testers.then(Arc::<Testers>::default);
        let provider_port = Arc::new(
            ProviderPort::new(ProviderPortConfig {
                testers: testers.clone(),
                hub: Arc::clone(&hub),
                store: store.clone(),
                centre: centre.clone(),
                sealer: sealer.clone(),
                chain: authority.server_chain(),
                key: authority.server_key(),
                client_roots: authority.provider_roots(),
                rules: config.rules.clone(),
                advice: Arc::clone(&advice),
            })
            .map_err(|error| StartError::ProviderPort(error.into()))?,
        );
        let legacy_port = LegacyPort::new(Arc::clone(&provider_port), &authority, config.strict_legacy);
        let legacy_port = Arc::new(legacy_port.map_err(|error| StartError::LegacyPort(error.into()))?);
        let device_port = Arc::new(
            DevicePort::new(DevicePortConfig {
                hub: Arc::clone(&hub),
                store: store.clone(),
                centre: centre.clone(),
                sealer: sealer.clone(),
                authority: Arc::clone(&authority),
                stop: stopping.clone(),
            })
            .map_err(|error| StartError::DevicePort(error.into()))?,
        );
        let addresses = listeners.addresses();
        let threads = Mutex::new(Vec::new());
        // From here on dropping it stops what has started.
        let _attendance = config.clock.attend({
            let hub = Arc::downgrade(&hub);
            move || {
                let at_work = hub.upgrade().is_some_and(|hub| hub.is_delivering());
                Agenda { at_work, ..Agenda::default() }
            }
        });
        let gateway = Self { addresses, store, centre, authority, hub, testers, stop, threads, _attendance };
        let Listeners { mut apns, mut legacy, mut device_link, admin } = listeners;
        let cores = device_link.per_core.len();
        let all_drained = Arc::new(Barrier::new(cores));
        for core in 0..cores {
            let runtime = runtime()?;
            let core = Core {
                core,
                hub: Arc::clone(&gateway.hub),
                provider_port: Arc::clone(&provider_port),
                legacy_port: Arc::clone(&legacy_port),
                device_port: Arc::clone(&device_port),
                apns: of_core(&mut apns, core),
                legacy: of_core(&mut legacy, core),
                device_link: std::mem::take(&mut device_link.per_core[core]),
                stop: stopping.clone(),
                all_drained: Arc::clone(&all_drained),
            };
            gateway.spawn(format!("gateway-{}", core.core), move || runtime.block_on(core.run()))?;
        }
        gateway.serve_admin(admin, (sealer, advice), config.admin_key, stopping)?;
        tracing::info!(cores, "push service started");
        tracing::debug!(addresses = ?gateway.addresses, "push service listens");
        Ok(gateway)
    }

    fn spawn(&self, name: String, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name).spawn(run)?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn centre(&self) -> &Centre {
        &self.centre
    }

    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A token, in hex, for a topic of an app whose device is always away: what is sent to it is kept. `None` if there is no
    /// such topic.
    pub async fn deviceless_token(
        &self,
        topic: &str,
        environment: Environment,
    ) -> Result<Option<String>, StoreError> {
        let directory = self.centre.directory();
        let Some(entry) = directory.topic(topic) else { return Ok(None) };
        let registration = self.store.register_deviceless(environment, entry.topic_no).await?;
        Ok(Some(hex(&TokenSealer::load(&self.store).await?.seal(&registration))))
    }

    /// Devices connected now.
    pub fn connected_devices(&self) -> usize {
        self.hub.connected()
    }

    /// Takes no more connections, lets requests be answered and devices be told, and closes the store.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        let threads = std::mem::take(&mut *lock(&self.threads));
        let store = self.store.clone();
        let stopped = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the push service has panicked");
                }
            }
            store.close();
        });
        if let Err(error) = stopped.await {
            tracing::error!(%error, "the push service was not stopped in order");
        }
        tracing::info!("push service stopped");
    }
}

/// The listeners of one core, with what each is for.
fn of_core<T: Copy>(bound: &mut [(T, Bound)], core: usize) -> Vec<(T, std::net::TcpListener)> {
    let taken = bound.iter_mut().map(|(role, bound)| (*role, std::mem::take(&mut bound.per_core[core])));
    taken.flat_map(|(role, listeners)| listeners.into_iter().map(move |listener| (role, listener))).collect()
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

async fn open(config: &GatewayConfig, inboxes: &Inboxes) -> Result<(Store, Arc<Authority>), StartError> {
    let (dir, clock, sinks) = (config.data_dir.clone(), config.clock.clone(), inboxes.sinks());
    let opened = tokio::task::spawn_blocking(move || {
        let store = Store::open(StoreConfig { dir: dir.clone(), clock }, sinks)?;
        match Authority::open(&dir) {
            Ok(authority) => Ok((store, Arc::new(authority))),
            Err(error) => {
                store.close();
                Err(StartError::from(error))
            }
        }
    });
    opened.await?
}

impl Listeners {
    fn bind(config: &GatewayConfig, cores: usize) -> Result<Self, ListenError> {
        let mut apns = Vec::new();
        for (environment, addresses) in &config.apns {
            let role = match environment {
                Environment::Development => "the provider API (development)",
                Environment::Production => "the provider API (production)",
            };
            apns.push((*environment, listen::bind(role, addresses, cores)?));
        }
        let mut legacy = Vec::new();
        for (service, configured) in
            [(Service::Notifications, &config.legacy), (Service::Feedback, &config.feedback)]
        {
            for (environment, addresses) in configured {
                let role = match (service, environment) {
                    (Service::Notifications, Environment::Development) => {
                        "the legacy interface (development)"
                    }
                    (Service::Notifications, Environment::Production) => "the legacy interface (production)",
                    (Service::Feedback, Environment::Development) => "the feedback service (development)",
                    (Service::Feedback, Environment::Production) => "the feedback service (production)",
                };
                legacy.push(((*environment, service), listen::bind(role, addresses, cores)?));
            }
        }
        let device_link = listen::bind("the device link", &config.device_link, cores)?;
        Ok(Self {
            apns,
            legacy,
            device_link,
            admin: listen::bind("the gateway's admin API", &config.admin, 1)?,
        })
    }

    fn addresses(&self) -> Addresses {
        let apns = self.apns.iter().map(|(environment, bound)| (*environment, bound.addresses.clone()));
        let of = |service| {
            let bound = self.legacy.iter().filter(move |((_, of), _)| *of == service);
            bound.map(|((environment, _), bound)| (*environment, bound.addresses.clone())).collect()
        };
        Addresses {
            apns: apns.collect(),
            legacy: of(Service::Notifications),
            feedback: of(Service::Feedback),
            device_link: self.device_link.addresses.clone(),
            admin: self.admin.addresses.clone(),
        }
    }
}

impl Core {
    /// Serves until it is told to stop, then lets what has begun come to its end.
    async fn run(mut self) {
        let limit = Arc::new(Semaphore::new(CONNECTIONS as usize));
        let hub = Arc::clone(&self.hub);
        let core = self.core;
        let routing = tokio::spawn(async move { hub.serve(core).await });
        let (hub, store) = (Arc::clone(&self.hub), self.provider_port.store.clone());
        let broadcasting = tokio::spawn(async move {
            let keep = async {
                if core == 0 {
                    store.keep_tallies().await;
                }
            };
            tokio::join!(hub.serve_broadcasts(core), keep)
        });
        if let Err(error) = self.listen(&limit) {
            tracing::error!(%error, core, "a listener can't be served");
        }
        stopped(&mut self.stop).await;
        self.hub.close(core);
        let all = limit.acquire_many(CONNECTIONS);
        if tokio::time::timeout(DRAIN_WITHIN, all).await.is_err() {
            tracing::warn!(
                core,
                seconds = DRAIN_WITHIN.as_secs(),
                "connections were cut, since they didn't end in time"
            );
        }
        // What other cores still hand over is worked through.
        self.all_drained.wait().await;
        routing.abort();
        broadcasting.abort();
    }

    fn listen(&mut self, limit: &Arc<Semaphore>) -> std::io::Result<()> {
        let core = self.core;
        for (environment, listener) in self.apns.drain(..) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (port, stop) = (Arc::clone(&self.provider_port), self.stop.clone());
            let serve = move |stream, peer, permit| {
                let serving = Arc::clone(&port).serve(core, environment, stream, peer, stop.clone());
                tokio::spawn(async move {
                    serving.await;
                    drop(permit);
                });
            };
            tokio::spawn(accept(listener, "provider API", Arc::clone(limit), self.stop.clone(), serve));
        }
        for (role, listener) in self.legacy.drain(..) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (port, stop) = (Arc::clone(&self.legacy_port), self.stop.clone());
            let serve = move |stream, peer, permit| {
                let serving = Arc::clone(&port).serve(core, role, stream, peer, stop.clone());
                tokio::spawn(async move {
                    serving.await;
                    drop(permit);
                });
            };
            tokio::spawn(accept(listener, "legacy interface", Arc::clone(limit), self.stop.clone(), serve));
        }
        for listener in self.device_link.drain(..) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let port = Arc::clone(&self.device_port);
            let serve = move |stream, peer, permit| {
                let serving = Arc::clone(&port).serve(core, stream, peer);
                tokio::spawn(async move {
                    serving.await;
                    drop(permit);
                });
            };
            tokio::spawn(accept(listener, "device link", Arc::clone(limit), self.stop.clone(), serve));
        }
        Ok(())
    }
}

impl Gateway {
    /// The admin API has a thread of its own, so that a long question never holds up a device.
    fn serve_admin(
        &self,
        bound: Bound,
        (sealer, advice): (TokenSealer, Arc<Advice>),
        admin_key: String,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let router = admin::router(AdminContext {
            store: self.store.clone(),
            centre: self.centre.clone(),
            authority: Arc::clone(&self.authority),
            sealer,
            advice,
            testers: self.testers.clone(),
            stop: stop.clone(),
            admin_key: admin_key.into(),
        });
        let runtime = runtime()?;
        self.spawn("gateway-admin".to_owned(), move || runtime.block_on(serve_admin(bound, router, stop)))
    }
}

async fn serve_admin(bound: Bound, router: axum::Router, mut stop: watch::Receiver<bool>) {
    let mut serving = tokio::task::JoinSet::new();
    for listener in bound.per_core.into_iter().flatten() {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "the admin API can't be served");
                continue;
            }
        };
        serving.spawn(homing_http_api::serve(listener, router.clone(), stop.clone()));
    }
    stopped(&mut stop).await;
    let drained = async { while serving.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_WITHIN, drained).await.is_err() {
        tracing::warn!("questions to the admin API were cut, since they didn't end in time");
    }
}
