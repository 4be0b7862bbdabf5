//! The engine of the provider: everything the API can ask for, on one handle. What is kept stands in `store`, the rules in
//! the modules below; this file only joins them.

mod app;
mod error;
mod installation;
mod push;
mod server_key;

use std::path::PathBuf;
use std::sync::Arc;

use homing_apns::jwt::VerifyingKey;
use homing_clock::Clock;
use homing_trace::{Environment, UnixMillis};
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

pub use app::{App, AppChanges, Credential, CredentialView, Policy, PushService};
pub use error::EngineError;
pub use installation::{
    Installation, InstallationState, Page, Registration, Report, ReportedEvent, TokenRefusal, User,
};
pub use push::{
    Audience, Content, Counts, Created, ExpirationWish, History, HistoryEvent, HistoryQuery, Idempotency,
    NewPush, Notification, NotificationState, Push, PushChange, PushDetail, PushOptions, PushState, Reasons,
};
pub use server_key::{CreatedKey, NewServerKey, Scope, ServerKey};

use crate::store::StoreError;

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
    clock: Clock,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// How the provider is.
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

const UNFINISHED: EngineError = EngineError::Store(StoreError::Busy);

impl Engine {
    /// Opens what is kept and goes on sending what isn't finished.
    pub async fn start(config: EngineConfig) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Inner { clock: config.clock })))
    }

    /// Hands nothing more over, waits a little for answers under way, and closes the store.
    pub async fn shutdown(&self) {}

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub async fn status(&self) -> Result<Status, EngineError> {
        Err(UNFINISHED)
    }
}

/// Apps, their credentials and identity keys. `bundle_id` of an app that isn't there is `NotFound`, as everywhere below.
impl Engine {
    /// By bundle ID.
    pub async fn apps(&self) -> Result<Vec<App>, EngineError> {
        Err(UNFINISHED)
    }

    pub async fn app(&self, _bundle_id: &str) -> Result<App, EngineError> {
        Err(UNFINISHED)
    }

    /// Makes or changes an app; `true` if it is new.
    pub async fn put_app(&self, _bundle_id: &str, _changes: AppChanges) -> Result<(App, bool), EngineError> {
        Err(UNFINISHED)
    }

    /// Removes the app with everything that is kept of it.
    pub async fn delete_app(&self, _bundle_id: &str) -> Result<(), EngineError> {
        Err(UNFINISHED)
    }

    pub async fn put_credential(
        &self,
        _bundle_id: &str,
        _environment: Environment,
        _credential: Credential,
    ) -> Result<App, EngineError> {
        Err(UNFINISHED)
    }

    pub async fn delete_credential(
        &self,
        _bundle_id: &str,
        _environment: Environment,
    ) -> Result<App, EngineError> {
        Err(UNFINISHED)
    }

    /// `public_key_pem`: a P-256 key as SPKI.
    pub async fn put_identity_key(
        &self,
        _bundle_id: &str,
        _kid: &str,
        _public_key_pem: &str,
    ) -> Result<App, EngineError> {
        Err(UNFINISHED)
    }

    pub async fn delete_identity_key(&self, _bundle_id: &str, _kid: &str) -> Result<App, EngineError> {
        Err(UNFINISHED)
    }

    /// The key to check an identity token with; `None` if app or key isn't there.
    pub async fn identity_key(
        &self,
        _bundle_id: &str,
        _kid: &str,
    ) -> Result<Option<VerifyingKey>, EngineError> {
        Err(UNFINISHED)
    }
}

/// Server keys.
impl Engine {
    pub async fn create_key(&self, _wish: NewServerKey) -> Result<CreatedKey, EngineError> {
        Err(UNFINISHED)
    }

    /// All but the root key, oldest first.
    pub fn keys(&self) -> Vec<ServerKey> {
        Vec::new()
    }

    pub async fn delete_key(&self, _id: &str) -> Result<(), EngineError> {
        Err(UNFINISHED)
    }

    /// The key whose secret this is. Never waits.
    pub fn key_of(&self, _secret: &str) -> Option<Arc<ServerKey>> {
        None
    }
}

/// Installations and users. A `token` is hex in either case.
impl Engine {
    /// Tells a token, makes it live, and with a user logs the user in; `true` if the token is new.
    pub async fn register(
        &self,
        _bundle_id: &str,
        _token: &str,
        _registration: Registration,
    ) -> Result<(Installation, bool), EngineError> {
        Err(UNFINISHED)
    }

    /// Logs the user out. After the answer no send to this user on this token begins. Fine if the user isn't bound.
    pub async fn log_out(
        &self,
        _bundle_id: &str,
        _token: &str,
        _user: &str,
        _epoch: Option<u64>,
    ) -> Result<(), EngineError> {
        Err(UNFINISHED)
    }

    pub async fn installation(&self, _bundle_id: &str, _token: &str) -> Result<Installation, EngineError> {
        Err(UNFINISHED)
    }

    /// Removes the record of a token. After the answer no send to it begins.
    pub async fn forget(&self, _bundle_id: &str, _token: &str) -> Result<(), EngineError> {
        Err(UNFINISHED)
    }

    /// In the order of their first registration; `after` is a page's `next`.
    pub async fn installations(
        &self,
        _bundle_id: &str,
        _user: Option<&str>,
        _limit: usize,
        _after: Option<&str>,
    ) -> Result<Page<Installation>, EngineError> {
        Err(UNFINISHED)
    }

    /// By name; `after` is a page's `next`.
    pub async fn users(
        &self,
        _bundle_id: &str,
        _limit: usize,
        _after: Option<&str>,
    ) -> Result<Page<User>, EngineError> {
        Err(UNFINISHED)
    }

    /// Counts what an app says of a notification of `token`, once. With `user`, only one that is for this user.
    pub async fn report(
        &self,
        _bundle_id: &str,
        _token: &str,
        _user: Option<&str>,
        _report: Report,
    ) -> Result<(), EngineError> {
        Err(UNFINISHED)
    }
}

/// Pushes and what became of them.
impl Engine {
    /// Plans a push; durable when this answers.
    pub async fn create_push(
        &self,
        _bundle_id: &str,
        _push: NewPush,
        _idempotency: Option<Idempotency>,
    ) -> Result<Created, EngineError> {
        Err(UNFINISHED)
    }

    /// Newest first; `before` is a page's `next`.
    pub async fn pushes(
        &self,
        _bundle_id: &str,
        _limit: usize,
        _before: Option<&str>,
    ) -> Result<Page<Push>, EngineError> {
        Err(UNFINISHED)
    }

    pub async fn push(&self, _bundle_id: &str, _push_id: &str) -> Result<Push, EngineError> {
        Err(UNFINISHED)
    }

    pub async fn push_detail(
        &self,
        _bundle_id: &str,
        _push_id: &str,
        _limit: usize,
        _skip: usize,
    ) -> Result<PushDetail, EngineError> {
        Err(UNFINISHED)
    }

    /// In the order of planning; `true` if there are more.
    pub async fn notifications(
        &self,
        _bundle_id: &str,
        _query: HistoryQuery,
        _limit: usize,
        _skip: usize,
    ) -> Result<(Vec<History>, bool), EngineError> {
        Err(UNFINISHED)
    }

    /// Tells of changes from now on: of one push, or of all the app's. Ends with the engine.
    pub async fn watch(&self, _bundle_id: &str, _push_id: Option<&str>) -> Result<PushChanges, EngineError> {
        Err(UNFINISHED)
    }
}

/// Changes of pushes, as they happen.
#[derive(Debug)]
pub struct PushChanges {}

impl PushChanges {
    /// The next change; `None` when the engine stops. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<PushChange> {
        std::future::pending().await
    }
}
