//! The lanes: one for each app and environment, with a task that sends and one that reads receipts. Here they are started,
//! told where to send, and stopped; what they do is `sending`'s and `receipts`' affair.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use homing_apns_client::{ClientConfig, DEVELOPMENT_HOST, PRODUCTION_HOST, Roots};
use homing_clock::{Agenda, Attendance, Clock};
use homing_trace::Environment;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::changes::Changes;
use super::credentials::{destination, loaded};
use super::standings::Standings;
use super::{Engine, apps, receipts, sending};
use crate::store::{Store, StoreError};

/// Apple's port.
const APPLE_PORT: u16 = 443;

/// The number of an app's lane in an environment.
pub(super) const fn lane_no(app_no: i64, environment: Environment) -> i64 {
    2 * app_no
        + match environment {
            Environment::Development => 0,
            Environment::Production => 1,
        }
}

/// Where a lane sends to, and as whom.
#[derive(Debug)]
pub(super) struct Destination {
    /// Or why nothing can be sent.
    pub(super) config: Result<ClientConfig, String>,
    /// Whether there may be a stream of receipts: Apple has none.
    pub(super) tells_receipts: bool,
}

/// What a lane's tasks use.
#[derive(Clone)]
pub(super) struct LaneParts {
    pub(super) lane: i64,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) standings: Standings,
    pub(super) changes: Changes,
    pub(super) state: Arc<LaneState>,
}

/// What others see of a lane.
#[derive(Debug)]
pub(super) struct LaneState {
    wake: Notify,
    /// Where a push made now begins in the order of sending: right after the notification claimed last. So it waits for
    /// no more than one notification of each push before it, and none of those waits for more than one of its.
    pub(super) place: AtomicI64,
    trouble: Mutex<Option<String>>,
    /// How often it was woken.
    wakes: AtomicU64,
    /// What it has to do, as far as it had been woken when it said so.
    agenda: Mutex<(Agenda, u64)>,
}

impl LaneState {
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(super) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// Tells who lets time pass what it has to do, knowing of so many wakes.
    pub(super) fn plan(&self, agenda: Agenda, wakes: u64) {
        *lock(&self.agenda) = (agenda, wakes);
    }

    fn agenda(&self) -> Agenda {
        let (agenda, wakes) = *lock(&self.agenda);
        Agenda { at_work: agenda.at_work || wakes != self.wakes(), ..agenda }
    }

    /// What keeps it from sending now; `true` if that is news.
    pub(super) fn set_trouble(&self, trouble: Option<String>) -> bool {
        let mut known = lock(&self.trouble);
        let news = *known != trouble;
        *known = trouble;
        news
    }
}

/// All lanes that run.
#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<Mutex<HashMap<i64, Lane>>>);

struct Lane {
    state: Arc<LaneState>,
    destination: watch::Sender<Arc<Destination>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    _attendance: Attendance,
}

impl Lanes {
    /// Where a new push begins in the order of sending.
    pub(super) fn place(&self, lane: i64) -> i64 {
        let place = |lane: &Lane| lane.state.place.load(std::sync::atomic::Ordering::Relaxed);
        lock(&self.0).get(&lane).map_or(0, place)
    }

    /// There is something new to send.
    pub(super) fn wake(&self, lane: i64) {
        if let Some(lane) = lock(&self.0).get(&lane) {
            lane.state.wake();
        }
    }

    /// What keeps a lane from sending now.
    pub(super) fn trouble(&self, lane: i64) -> Option<String> {
        lock(&self.0).get(&lane).and_then(|lane| lock(&lane.state.trouble).clone())
    }

    /// A lane whose tasks have been stopped, and which others still see.
    #[cfg(test)]
    pub(super) async fn detached(&self, lane: i64) -> Arc<LaneState> {
        let mut running = lock(&self.0).remove(&lane).expect("it runs");
        let _ = running.stop.send(true);
        for task in running.tasks.drain(..) {
            task.await.expect("it ends in order");
        }
        let state = Arc::clone(&running.state);
        lock(&self.0).insert(lane, running);
        state
    }

    async fn stop(&self, wanted: impl Fn(i64) -> bool) {
        let stopping: Vec<Lane> = {
            let mut lanes = lock(&self.0);
            let numbers: Vec<i64> = lanes.keys().copied().filter(|lane| wanted(*lane)).collect();
            numbers.iter().filter_map(|lane| lanes.remove(lane)).collect()
        };
        for lane in &stopping {
            let _ = lane.stop.send(true);
        }
        for task in stopping.into_iter().flat_map(|lane| lane.tasks) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of a lane has ended in disorder");
            }
        }
    }
}

impl Engine {
    /// Starts the lanes of every app.
    pub(crate) async fn start_lanes(&self) -> Result<(), StoreError> {
        let apps = self.store().read(apps::numbers).await?;
        for app_no in apps {
            self.reload_lanes(app_no).await?;
        }
        Ok(())
    }

    /// Tells an app's lanes where to send now; starts them if need be.
    pub(super) async fn reload_lanes(&self, app_no: i64) -> Result<(), StoreError> {
        // Of two changes the later one's reading is told last.
        let _turn = self.reloading().lock().await;
        if !self.store().read(move |connection| apps::is_there(connection, app_no)).await? {
            return Ok(());
        }
        for environment in Environment::ALL {
            let lane = lane_no(app_no, environment);
            let (service, credential, place) = self
                .store()
                .read(move |connection| {
                    let (service, credential) = destination(connection, app_no, environment)?;
                    Ok::<_, StoreError>((service, credential, sending::first_place(connection, lane)?))
                })
                .await?;
            let tells_receipts = service.is_some();
            let config = match credential.as_ref().map(loaded) {
                None => Err(format!("there is no credential for {environment}")),
                Some(Err(error)) => Err(error.to_string()),
                Some(Ok(credential)) => Ok(match service {
                    None => ClientConfig::new(apples_host(environment), APPLE_PORT, credential),
                    Some(service) => {
                        let roots = service.ca_pem.map_or(Roots::Native, |pem| Roots::Pem(pem.into_bytes()));
                        ClientConfig { roots, ..ClientConfig::new(service.host, service.port, credential) }
                    }
                }),
            };
            self.tell_lane((lane, place), Arc::new(Destination { config, tells_receipts }));
        }
        Ok(())
    }

    /// Stops an app's lanes; when it returns, nothing of the app is handed over.
    pub(super) async fn stop_lanes(&self, app_no: i64) {
        self.lanes().stop(|lane| lane / 2 == app_no).await;
    }

    pub(super) async fn stop_all_lanes(&self) {
        self.lanes().stop(|_| true).await;
    }

    fn tell_lane(&self, (lane, place): (i64, i64), destination: Arc<Destination>) {
        let mut lanes = lock(&self.lanes().0);
        if let Some(known) = lanes.get(&lane) {
            known.destination.send_replace(destination);
            return;
        }
        let state = Arc::new(LaneState {
            wake: Notify::new(),
            place: AtomicI64::new(place),
            trouble: Mutex::default(),
            wakes: AtomicU64::new(0),
            agenda: Mutex::new((Agenda { next: None, at_work: true }, 0)),
        });
        let parts = LaneParts {
            lane,
            store: self.store().clone(),
            clock: self.clock().clone(),
            standings: self.standings().clone(),
            changes: self.changes().clone(),
            state: Arc::clone(&state),
        };
        let (destination, told) = watch::channel(destination);
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(sending::run(parts.clone(), told.clone(), stopped.clone())),
            tokio::spawn(receipts::run(parts, told, stopped)),
        ];
        let _attendance = self.clock().attend({
            let state = Arc::clone(&state);
            move || state.agenda()
        });
        lanes.insert(lane, Lane { state, destination, stop, tasks, _attendance });
    }
}

const fn apples_host(environment: Environment) -> &'static str {
    match environment {
        Environment::Development => DEVELOPMENT_HOST,
        Environment::Production => PRODUCTION_HOST,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
