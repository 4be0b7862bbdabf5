//! The engine of the provider: everything the API can ask for, on one handle.
//!
//! This file opens and closes it. What can be asked for stands beside what decides it: apps (`apps`, `credentials`), server
//! keys (`keys`), installations and users (`installations` and `logouts`, by the rules in `binding`), pushes (`planning` makes them by the
//! rules in `plan` and `content`, `pushes` reads them, `changes` tells of them). `lanes` runs what sends (`sending`) and what
//! reads receipts (`receipts`); both count in `ledger`. No send begins that `standings` doesn't admit.

mod app;
mod apps;
mod binding;
mod changes;
mod content;
mod credentials;
mod error;
mod installation;
mod installations;
mod keys;
mod lanes;
mod ledger;
mod logouts;
mod names;
mod plan;
mod planning;
mod push;
mod pushes;
mod receipts;
mod sending;
mod server_key;
mod set_up;
mod standings;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use homing_clock::Clock;
use homing_trace::UnixMillis;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use utoipa::ToSchema;
use zeroize::Zeroizing;

pub use app::{App, AppChanges, Credential, CredentialView, Policy, PushService};
pub use changes::PushChanges;
pub use error::EngineError;
pub use installation::{
    Installation, InstallationState, Page, Registration, Report, ReportedEvent, Teller, TokenRefusal, User,
};
pub(crate) use installations::MAX_PAGE;
pub use push::{
    Audience, AudienceView, Content, Counts, Created, ExpirationWish, History, HistoryEvent, HistoryQuery,
    Idempotency, NewPush, Notification, NotificationState, Push, PushChange, PushDetail, PushOptions,
    PushState, Reasons,
};
pub use server_key::{CreatedKey, NewServerKey, Scope, ServerKey};

use crate::store::{Store, StoreError};
use changes::Changes;
use keys::KeyRing;
use lanes::Lanes;
use standings::Standings;

/// Where the engine keeps its data, and by which clock it lives.
#[derive(Clone)]
pub struct EngineConfig {
    pub data_dir: PathBuf,
    pub clock: Clock,
    /// A key with every scope, for every app.
    pub root_key: Zeroizing<String>,
}

impl std::fmt::Debug for EngineConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineConfig").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// A handle on the engine; clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    keys: KeyRing,
    standings: Standings,
    changes: Changes,
    lanes: Lanes,
    reloading: tokio::sync::Mutex<()>,
    stop: watch::Sender<bool>,
    sweeping: std::sync::Mutex<Option<JoinHandle<()>>>,
    /// There is something to sweep.
    dirt: Arc<Notify>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.0.store).finish_non_exhaustive()
    }
}

/// How the provider is. A key that is limited to apps is told of these alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    pub version: &'static str,
    #[schema(value_type = String)]
    pub now: UnixMillis,
    pub apps: u64,
    /// Live ones.
    pub installations: u64,
    pub pushes_sending: u64,
}

impl Engine {
    /// Opens what is kept and goes on sending what isn't finished.
    pub async fn start(config: EngineConfig) -> Result<Self, StoreError> {
        let engine = Self::open(config).await?;
        engine.start_lanes().await?;
        Ok(engine)
    }

    /// Opens what is kept, and sends nothing yet.
    pub(crate) async fn open(config: EngineConfig) -> Result<Self, StoreError> {
        let EngineConfig { data_dir, clock, root_key } = config;
        let of_store = clock.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(data_dir, of_store));
        let store = opened.await.map_err(|_| StoreError::Closed)??;
        let now = clock.now();
        let keys = store.read(move |connection| KeyRing::load(connection, &root_key, now)).await?;
        let (stop, stopped) = watch::channel(false);
        let dirt = Arc::new(Notify::new());
        let sweeping = tokio::spawn(sweep::run(store.clone(), clock.clone(), Arc::clone(&dirt), stopped));
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            keys,
            standings: Standings::default(),
            changes: Changes::default(),
            lanes: Lanes::default(),
            reloading: tokio::sync::Mutex::default(),
            stop,
            sweeping: std::sync::Mutex::new(Some(sweeping)),
            dirt,
        })))
    }

    /// Hands nothing more over, waits a little for answers under way, and closes the store. What is asked afterwards fails.
    pub async fn shutdown(&self) {
        self.0.stop.send_replace(true);
        self.stop_all_lanes().await;
        let sweeping = self.0.sweeping.lock().map(|mut sweeping| sweeping.take());
        if let Ok(Some(sweeping)) = sweeping {
            // A panic in it was logged as such.
            let _ = sweeping.await;
        }
        let store = self.0.store.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::error!(%error, "the provider's store was not closed in order");
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Counts what the key is for.
    pub async fn status(&self, key: &ServerKey) -> Result<Status, EngineError> {
        let now = self.clock().now();
        let apps = key.apps.as_ref().map(|apps| serde_json::json!(apps).to_string());
        self.store()
            .read(move |connection| {
                let of = "app_no IN (SELECT app_no FROM apps
                     WHERE ?1 IS NULL OR bundle_id IN (SELECT value FROM json_each(?1)))";
                let count = |rows: &str| {
                    let sql = format!("SELECT count(*) FROM {rows} {of}");
                    connection.query_row(&sql, [&apps], |row| row.get(0))
                };
                Ok(Status {
                    version: env!("CARGO_PKG_VERSION"),
                    now,
                    apps: count("apps WHERE")?,
                    installations: count("installations WHERE retired_reason IS NULL AND")?,
                    pushes_sending: count("pushes WHERE finished_at IS NULL AND")?,
                })
            })
            .await
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn key_ring(&self) -> &KeyRing {
        &self.0.keys
    }

    fn standings(&self) -> &Standings {
        &self.0.standings
    }

    fn changes(&self) -> &Changes {
        &self.0.changes
    }

    fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }

    fn reloading(&self) -> &tokio::sync::Mutex<()> {
        &self.0.reloading
    }

    /// What is kept of a deleted app goes now, not within the hour.
    fn sweep_soon(&self) {
        self.0.dirt.notify_one();
    }

    fn stopped(&self) -> watch::Receiver<bool> {
        self.0.stop.subscribe()
    }
}

/// Does it whole, also if whoever asked goes away meanwhile and this future is dropped.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| {
        Err(if error.is_panic() { StoreError::Panicked } else { StoreError::Closed }.into())
    })
}

/// Ends when `stop` says true or nobody is left to say it.
async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}

/// Random bytes of the kernel's.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // Without randomness keys could be guessed: nothing may go on.
        panic!("the kernel gives no random bytes: {error}");
    }
    bytes
}

fn random_u64() -> u64 {
    u64::from_ne_bytes(random())
}
