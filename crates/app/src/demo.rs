//! The demo app: a news reader, after the article *Message push in iOS*. At launch it sets its delegate and registers
//! for remote notifications; a tapped notification opens the page that its `userInfo.url` names. It reminds its user of
//! articles by local notifications, reminds who refused permission now and then, and refreshes itself silently.
//!
//! What it shows goes to a watch channel as JSON (`screen`), so that a device can put it on a screen or a test can read
//! it; what its user touches comes back as JSON (`touches`).

mod hands;
mod keepsakes;
mod permission;
mod reader;
mod reminders;
mod screen;
mod touches;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use homing_local::{AppManifest, PresentationOption, UnixMillis};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::app::App;
use crate::center::{AppError, NotificationCenter};
use crate::provider::{IdentityTokens, ProviderConfig, ProviderSdk};
use hands::Hands;
use keepsakes::Keepsakes;
use permission::Permission;
use reader::NewsReader;
use reminders::Reminders;
use screen::ScreenHandle;
pub use screen::{Did, Refresh, Reminding, Said, Screen, Visit};
pub use touches::Touch;

/// The bundle ID of the demo.
pub const BUNDLE_ID: &str = "com.example.news";

/// How the demo behaves where an app may choose.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// What it answers to `willPresent`, until its user has chosen. Empty, Apple's default: nothing is shown while it is in
    /// foreground.
    pub in_foreground: Vec<PresentationOption>,
    /// Whether it asks for permission when it comes to the foreground and the user wasn't asked yet.
    pub asks_when_opened: bool,
    /// Who may sign in. The first does so by itself at the first launch after install.
    pub accounts: Vec<String>,
    /// The business behind the demo; without it nobody signs in.
    pub business: Option<Business>,
    pub time: DeviceTime,
}

/// What time it is on the device, which may be ahead of ours. A process of its own would ask its system.
#[derive(Clone)]
pub struct DeviceTime(Arc<dyn Fn() -> UnixMillis + Send + Sync>);

impl DeviceTime {
    pub fn new(now: impl Fn() -> UnixMillis + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> UnixMillis {
        (self.0)()
    }
}

impl Default for DeviceTime {
    fn default() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }
}

impl std::fmt::Debug for DeviceTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DeviceTime").field(&self.now()).finish()
    }
}

/// The business behind the demo: where its provider is, and how it vouches for its users.
#[derive(Clone, Debug)]
pub struct Business {
    /// The provider's base URL, without `/v1` and trailing slash.
    pub provider: String,
    /// How its users prove who they are.
    pub identity_tokens: IdentityTokens,
}

/// What the device gives the demo at launch, besides the stream.
#[derive(Debug)]
pub struct DemoLaunch {
    /// As the device has it.
    pub manifest: AppManifest,
    /// The app's data container.
    pub container: PathBuf,
    /// What the user touches: each a [`Touch`] in JSON.
    pub touches: mpsc::Receiver<Value>,
}

/// Touches the demo hasn't looked at; more are refused.
pub const TOUCHES_QUEUED: usize = 16;

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            in_foreground: Vec::new(),
            asks_when_opened: true,
            accounts: ["reader", "ann", "bob"].map(str::to_owned).to_vec(),
            business: None,
            time: DeviceTime::default(),
        }
    }
}

/// The manifest of the demo, built for one environment: `development` or `production`; another word is the error.
pub fn manifest(environment: &str) -> Result<AppManifest, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "bundle_id": BUNDLE_ID,
        "name": "News",
        "version": "1.0",
        "entitlements": {"aps-environment": environment, "time-sensitive": true},
        "background_modes": ["remote-notification"],
        "sounds": [{"name": "breaking.caf", "seconds": 2.5}],
        "localisations": {
            "en": {"BREAKING_TITLE": "Breaking: %@", "NEW_STORIES": "%@ new stories in %@"},
            "zh": {"BREAKING_TITLE": "突发:%@", "NEW_STORIES": "%2$@有%1$@条新消息"}
        }
    }))
}

/// Runs the demo on `stream` until the device closes it. `screen` gets a [`Screen`] whenever it changes.
pub async fn run<S>(
    stream: S,
    launch: DemoLaunch,
    options: DemoOptions,
    screen: watch::Sender<Value>,
) -> Result<(), AppError>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let DemoLaunch { manifest, container, touches } = launch;
    let (center, application, events) = App::in_process(stream, &manifest.bundle_id).await?.into_parts();
    let kept = Keepsakes::in_container(&container);
    let screen = ScreenHandle::new(Screen::of(&options, kept.read()), screen);
    let sdk = match &options.business {
        Some(business) => start_sdk(&center, business, manifest, &container).await,
        None => Err("nobody can sign in: this app has no provider".to_owned()),
    };
    let hands = Hands {
        permission: Permission::new(&center, &application, &container, &options, screen.clone()),
        reminders: Reminders { center: center.clone(), screen: screen.clone() },
        screen,
        sdk,
        container,
        kept,
    };
    let first = options.accounts.first().cloned();
    let reader = NewsReader { hands: hands.clone(), application, options, launched_for: None };
    // The article: register at every launch. The token comes to the delegate, which waits for it from here on.
    center.register_for_remote_notifications().await?;
    hands.permission.look().await?;
    tokio::select! {
        ended = center.run_delegate(events, reader) => ended,
        never = hands.serve(first, touches) => match never {},
        never = hands.show_sign_in() => match never {},
    }
}

/// Without the SDK nobody signs in; the error says why.
async fn start_sdk(
    center: &NotificationCenter,
    business: &Business,
    manifest: AppManifest,
    container: &Path,
) -> Result<ProviderSdk, String> {
    let config = ProviderConfig {
        url: business.provider.clone(),
        ca_pem: None,
        manifest,
        container: container.to_owned(),
        identity_tokens: business.identity_tokens.clone(),
    };
    let started = ProviderSdk::start(center.clone(), config).await;
    started.map_err(|error| format!("nobody can sign in: {error}"))
}

#[cfg(test)]
mod tests;
