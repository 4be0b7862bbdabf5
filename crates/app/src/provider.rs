//! The provider's half of an app (*provider SDK*): who is signed in is told to the business's provider, so that it can
//! push to users by name, and what the user opened is reported to it.
//!
//! Signing in and out is done at once on the device, which from then on shows nothing that is for somebody else
//! ([`homing_local::AppCall::SetRecipient`]), and is told to the provider as soon as it can be reached: also after the
//! app was ended, since what isn't told yet stands in the app's data container. Each sign-in and sign-out bears a
//! number (*epoch*) that only rises, so that the newest wins at the provider in whatever order they arrive. The rules
//! of that are in `state`, the requests in `client`, their order and repetition in `worker`.

mod backoff;
mod client;
mod file;
mod state;
mod worker;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use homing_local::message::UserInfo;
use homing_local::{AppManifest, Notification, NotificationResponse, Recipient};
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::center::{AppError, NotificationCenter};
use client::Client;
pub use client::ClientError;
use file::StateFile;
pub use state::user_tag;
use state::{Deed, Kept};

/// Longest name of a user, in bytes (the provider's own limit).
const MAX_USER: usize = 255;
/// Longest tag, in bytes, and most of them (the provider's own limits).
const MAX_TAG: usize = 64;
const MAX_TAGS: usize = 100;
/// Longest identity token, in bytes (the provider's own limit).
const MAX_IDENTITY_TOKEN: usize = 4096;
/// Longest wait for the business.
const BUSINESS_DEADLINE: Duration = Duration::from_secs(15);

type Promise = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// How an app's users prove to the provider who they are: the business signs an identity token (a JWT, ES256, `sub` the
/// user, `aud` the bundle ID, at most 24 hours long) for the user who signed in there. In an iOS app this is a request
/// to the business's own server. An error is a sentence for the user.
#[derive(Clone)]
pub struct IdentityTokens(Arc<dyn Fn(String) -> Promise + Send + Sync>);

impl IdentityTokens {
    /// `of_user` asks the business for the token of this user.
    pub fn new<F, P>(of_user: F) -> Self
    where
        F: Fn(String) -> P + Send + Sync + 'static,
        P: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move |user| Box::pin(of_user(user))))
    }

    /// The token of this user, not longer than the provider takes, within 15 seconds.
    async fn of(&self, user: &str) -> Result<String, String> {
        let asked = tokio::time::timeout(BUSINESS_DEADLINE, (self.0)(user.to_owned())).await;
        let token = asked.map_err(|_| "the business doesn't answer: try again".to_owned())??;
        if (1..=MAX_IDENTITY_TOKEN).contains(&token.len()) && token.is_ascii() {
            Ok(token)
        } else {
            Err(format!("the business's identity token isn't one: a JWT has 1 to {MAX_IDENTITY_TOKEN} bytes"))
        }
    }
}

impl std::fmt::Debug for IdentityTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityTokens")
    }
}

/// What the SDK works with.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The provider's base URL, `http` or `https`, without `/v1` and trailing slash.
    pub url: String,
    /// The only roots that are trusted, as PEM; without them the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Bundle ID, version and environment of the app.
    pub manifest: AppManifest,
    /// The app's data container. The SDK keeps one file in it, readable by its owner only.
    pub container: PathBuf,
    /// How users prove who they are.
    pub identity_tokens: IdentityTokens,
}

/// Why the SDK can't do it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum ProviderError {
    #[error("the provider can't be used: {0}")]
    Client(#[from] ClientError),
    #[error("a user has 1 to {MAX_USER} bytes, this one {0}")]
    User(usize),
    #[error(
        "an installation has at most {MAX_TAGS} tags, each of 1 to {MAX_TAG} bytes without control characters"
    )]
    Tags,
    /// A sentence of the business.
    #[error("{0}")]
    Business(String),
    #[error("another sign-in or sign-out came after this one")]
    Superseded,
    #[error(transparent)]
    Device(#[from] AppError),
    #[error("what the app must remember can't be kept in {path}: {source}")]
    Container { path: PathBuf, source: std::io::Error },
}

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Who is signed in on this device.
    pub user: Option<String>,
    /// The provider has answered the newest sign-in or sign-out, and every one before.
    pub settled: bool,
    /// Why not, as a sentence; it is tried again by itself.
    pub trouble: Option<String>,
}

/// The provider SDK of one running app. Clones share it; when the last is gone, it stops.
#[derive(Clone, Debug)]
pub struct ProviderSdk {
    shared: Arc<Shared>,
    _worker: Arc<Worker>,
}

#[derive(Debug)]
struct Worker(AbortHandle);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the SDK and its worker share.
struct Shared {
    center: NotificationCenter,
    client: Client,
    identity_tokens: IdentityTokens,
    bundle_id: String,
    /// Who has it may change what is kept; the next waits in line.
    file: Arc<tokio::sync::Mutex<StateFile>>,
    kept: Mutex<Kept>,
    /// Sign-ins and sign-outs take their turn on device and disk.
    turn: tokio::sync::Mutex<()>,
    /// The number of the newest sign-in or sign-out of this run.
    newest: AtomicU64,
    changed: Notify,
    status: watch::Sender<Status>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("bundle_id", &self.bundle_id).finish_non_exhaustive()
    }
}

impl ProviderSdk {
    /// Begins where the app's last run ended: says to the device whose notifications the app wants, and goes on with
    /// what the provider hasn't answered. To be called at every launch, within a tokio runtime, before the delegate is
    /// set.
    pub async fn start(center: NotificationCenter, config: ProviderConfig) -> Result<Self, ProviderError> {
        let client = Client::new(&config)?;
        let path = config.container.clone();
        let file = StateFile::take(&config.container).await;
        let file = file.map_err(|source| ProviderError::Container { path, source })?;
        let kept = file.read();
        let shared = Arc::new(Shared {
            center,
            client,
            identity_tokens: config.identity_tokens,
            bundle_id: config.manifest.bundle_id,
            file: Arc::new(tokio::sync::Mutex::new(file)),
            status: watch::Sender::new(Status::default()),
            kept: Mutex::new(kept),
            turn: tokio::sync::Mutex::default(),
            newest: AtomicU64::new(0),
            changed: Notify::new(),
        });
        shared.tell_device().await?;
        shared.show(None);
        let worker = tokio::spawn(worker::run(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, _worker: Arc::new(Worker(worker)) })
    }

    /// Signs a user in: asks the business for the proof, tells the device, and remembers to tell the provider. Done when
    /// that is safe; [`ProviderSdk::status`] says when the provider has answered. A second sign-in of the same user
    /// makes this device the user's newest.
    pub async fn log_in(&self, user: &str) -> Result<(), ProviderError> {
        if !(1..=MAX_USER).contains(&user.len()) {
            return Err(ProviderError::User(user.len()));
        }
        let shared = &self.shared;
        let mine = shared.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let identity_token = shared.identity_tokens.of(user).await.map_err(ProviderError::Business)?;
        let _turn = shared.turn.lock().await;
        if shared.newest.load(Ordering::Relaxed) != mine {
            return Err(ProviderError::Superseded);
        }
        shared.center.set_recipient(Recipient::User(user_tag(&shared.bundle_id, user))).await?;
        let kept = shared.wish(|kept| kept.signed_in(user, identity_token)).await;
        if kept.is_err() {
            // The device goes on with who was signed in before.
            shared.tell_device().await?;
        }
        kept
    }

    /// Signs out: from now on the device shows nothing that is for a user. Works offline; the provider is told as soon
    /// as it can be reached, and after its answer sends this user nothing here any more.
    pub async fn log_out(&self) -> Result<(), ProviderError> {
        let shared = &self.shared;
        shared.newest.fetch_add(1, Ordering::Relaxed);
        let _turn = shared.turn.lock().await;
        let on_device = shared.center.set_recipient(Recipient::Nobody).await;
        shared.wish(|kept| kept.signed_out()).await?;
        Ok(on_device?)
    }

    /// To be called from [`crate::AppDelegate::did_register`], at every launch: the provider is told the token of who
    /// is signed in. Safe when this is done.
    pub async fn did_register(&self, device_token: &[u8]) -> Result<(), ProviderError> {
        let token: String = device_token.iter().map(|byte| format!("{byte:02x}")).collect();
        self.shared.wish(|kept| kept.registered(token)).await
    }

    /// Says which tags this installation has from now on, in place of those before: words of the business, like `sports`, to
    /// which it can push. Told with the sign-in, or at once if somebody is signed in; kept over launches. At most 100, of 1
    /// to 64 bytes without control characters. Safe when this is done.
    pub async fn set_tags<T: Into<String>>(
        &self,
        tags: impl IntoIterator<Item = T>,
    ) -> Result<(), ProviderError> {
        let tags: BTreeSet<String> = tags.into_iter().map(Into::into).collect();
        let wrong = |tag: &&String| !(1..=MAX_TAG).contains(&tag.len()) || tag.chars().any(char::is_control);
        if tags.len() > MAX_TAGS || tags.iter().any(|tag| wrong(&tag)) {
            return Err(ProviderError::Tags);
        }
        self.shared.wish(|kept| kept.tag(tags)).await
    }

    /// As the app said last, also in an earlier run.
    pub fn tags(&self) -> BTreeSet<String> {
        self.shared.kept().tags()
    }

    /// To be called from [`crate::AppDelegate::did_receive`]: what the user did is told to the provider, also later if
    /// it can't be reached now. Only of a notification that the provider sent, for who is signed in. Safe when this is
    /// done.
    pub async fn report_opened(&self, response: &NotificationResponse) -> Result<(), ProviderError> {
        let notification = &response.notification;
        if !self.concerns(notification) {
            return Ok(());
        }
        let user_info = &notification.request.content.user_info;
        let Some(push_id) = homing(user_info, "push").map(str::to_owned) else { return Ok(()) };
        let event = match response.action_identifier.as_str() {
            NotificationResponse::DEFAULT_ACTION => Deed::Opened,
            NotificationResponse::DISMISS_ACTION => Deed::Dismissed,
            _ => Deed::Action,
        };
        self.shared.wish(|kept| kept.opened(push_id, event)).await
    }

    /// Whether a notification is for who is signed in, or for no user in particular. The device sees to that, too; a
    /// tap that was on its way while the user signed out is known here.
    pub fn concerns(&self, notification: &Notification) -> bool {
        self.takes(&notification.request.content.user_info)
    }

    /// The same of a silent notification.
    pub fn concerns_silent(&self, user_info: &UserInfo) -> bool {
        self.takes(&user_info.0)
    }

    fn takes(&self, payload: &Map<String, Value>) -> bool {
        let Some(tag) = homing(payload, "user") else { return true };
        let user = self.shared.kept().user().map(str::to_owned);
        user.is_some_and(|user| user_tag(&self.shared.bundle_id, &user) == tag)
    }

    /// Who is signed in, and whether the provider knows.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }
}

impl Shared {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is kept: on disk when this returns, or not at all; also if nobody waits for it any more, and always
    /// before the next change begins.
    async fn change(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Kept),
        then: fn(&Self),
    ) -> Result<(), ProviderError> {
        let file = Arc::clone(&self.file).lock_owned().await;
        let mut next = self.kept().clone();
        change(&mut next);
        if *self.kept() == next {
            return Ok(());
        }
        let (shared, path) = (Arc::clone(self), file.path().to_owned());
        // The app's threads have other things to do than to wait for the disk.
        let written = tokio::task::spawn_blocking(move || {
            file.write(&next)?;
            *shared.kept() = next;
            then(&shared);
            Ok(())
        });
        let written = written.await.unwrap_or_else(|ended| Err(std::io::Error::other(ended)));
        written.map_err(|source| ProviderError::Container { path, source })
    }

    /// Of what the provider has answered.
    async fn keep(self: &Arc<Self>, change: impl FnOnce(&mut Kept)) -> Result<(), ProviderError> {
        let then = |shared: &Self| {
            let trouble = shared.status.borrow().trouble.clone();
            shared.show(trouble);
        };
        self.change(change, then).await
    }

    /// Of what the provider is to be told.
    async fn wish(self: &Arc<Self>, change: impl FnOnce(&mut Kept)) -> Result<(), ProviderError> {
        let then = |shared: &Self| {
            shared.show(None);
            shared.changed.notify_one();
        };
        self.change(change, then).await
    }

    async fn tell_device(&self) -> Result<(), AppError> {
        let recipient = match self.kept().user() {
            Some(user) => Recipient::User(user_tag(&self.bundle_id, user)),
            None => Recipient::Nobody,
        };
        self.center.set_recipient(recipient).await
    }

    fn show(&self, trouble: Option<String>) {
        let (user, settled) = {
            let kept = self.kept();
            (kept.user().map(str::to_owned), kept.is_settled())
        };
        let status = Status { user, settled, trouble: trouble.filter(|_| !settled) };
        self.status.send_if_modified(|shown| std::mem::replace(shown, status.clone()) != status);
    }
}

/// A member of the payload's `homing`, which the provider adds beside `aps`.
fn homing<'a>(payload: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    payload.get("homing")?.get(member)?.as_str()
}
