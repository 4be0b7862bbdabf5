//! The demo app: a news reader, after the article *Message push in iOS*. At launch it sets its delegate and registers
//! for remote notifications; a tapped notification opens the page that its `userInfo.url` names.
//!
//! What it shows goes to a watch channel as JSON (`screen`), so that a device can put it on a screen or a test can read
//! it; what its user touches comes back as JSON (`touches`).

mod screen;
mod touches;

use std::path::PathBuf;
use std::time::SystemTime;

use homing_local::{
    AppManifest, AppStateWord, AuthorizationOption, AuthorizationStatus, LocalError, Notification,
    NotificationResponse, PresentationOption, UnixMillis, message::UserInfo,
};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::center::{AppError, UserNotificationCenter};
use crate::delegate::AppDelegate;
use crate::provider::IdentityTokens;
use screen::ScreenHandle;
pub use screen::{Screen, Visit};
pub use touches::Touch;

/// The bundle ID of the demo.
pub const BUNDLE_ID: &str = "com.example.news";

/// How the demo behaves where an app may choose.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// What it answers to `willPresent`. Empty, Apple's default: nothing is shown while it is in foreground.
    pub in_foreground: Vec<PresentationOption>,
    /// Whether it asks for permission when it comes to the foreground and the user wasn't asked yet.
    pub asks_when_opened: bool,
    /// Who may sign in. The first does so by itself at the first launch after install.
    pub accounts: Vec<String>,
    /// The business behind the demo; without it nobody signs in.
    pub business: Option<Business>,
}

/// The business behind the demo: where its provider is, and how it vouches for its users.
#[derive(Clone, Debug)]
pub struct Business {
    /// The provider's base URL, without `/v1` and trailing slash.
    pub provider: String,
    pub identity_tokens: IdentityTokens,
}

/// What the device gives the demo at launch, besides the stream.
#[derive(Debug)]
pub struct DemoLaunch {
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
    let (center, events) = UserNotificationCenter::attach(stream, &launch.manifest.bundle_id).await?;
    let screen =
        ScreenHandle::new(Screen { accounts: options.accounts.clone(), ..Screen::default() }, screen);
    let hands = Hands { center: center.clone(), screen: screen.clone() };
    let reader = NewsReader { hands: hands.clone(), options };
    // The article: register at every launch. The token comes to the delegate, which waits for it from here on.
    center.register_for_remote_notifications().await?;
    hands.look_at_permission().await?;
    tokio::select! {
        ended = center.run_delegate(events, reader) => ended,
        never = hands.serve(launch.touches) => match never {},
    }
}

/// What the user does on the page.
#[derive(Clone, Debug)]
struct Hands {
    center: UserNotificationCenter,
    screen: ScreenHandle,
}

impl Hands {
    async fn serve(&self, mut touches: mpsc::Receiver<Value>) -> std::convert::Infallible {
        while let Some(touch) = touches.recv().await {
            if let Some(touch) = Touch::read(&touch) {
                self.touched(touch);
            }
        }
        std::future::pending().await
    }

    fn touched(&self, touch: Touch) {
        match touch {
            Touch::SignIn { .. } | Touch::SignOut => self.screen.change(|screen| {
                screen.sign_in_error = Some("nobody can sign in: this app has no provider".to_owned());
            }),
            Touch::GoHome => self.screen.change(|screen| screen.url = None),
            Touch::Open { url } => self.screen.change(|screen| screen.url = Some(url)),
            Touch::AskPermission => self.ask(),
        }
    }

    async fn look_at_permission(&self) -> Result<AuthorizationStatus, AppError> {
        let permission = self.center.notification_settings().await?.authorization_status;
        self.screen.change(|screen| screen.permission = permission);
        Ok(permission)
    }

    /// Asks in a task of its own: the answer may take the user minutes, and callbacks must not wait for it.
    fn ask(&self) {
        let hands = self.clone();
        tokio::spawn(async move {
            if let Err(error) = hands.ask_and_wait().await {
                tracing::debug!(%error, "the user can't be asked");
            }
        });
    }

    async fn ask_and_wait(&self) -> Result<(), AppError> {
        let options = [AuthorizationOption::Alert, AuthorizationOption::Sound, AuthorizationOption::Badge];
        let granted = self.center.request_authorization(&options).await?;
        self.screen.change(|screen| screen.granted = Some(granted));
        self.look_at_permission().await?;
        Ok(())
    }

    /// The app came to the front: the user may have been in Settings meanwhile, or was never asked.
    fn opened(&self, asks: bool) {
        let hands = self.clone();
        tokio::spawn(async move {
            match hands.look_at_permission().await {
                Ok(AuthorizationStatus::NotDetermined) if asks => hands.ask(),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the settings can't be read"),
            }
        });
    }
}

struct NewsReader {
    hands: Hands,
    options: DemoOptions,
}

impl AppDelegate for NewsReader {
    const TAKES_SILENT: bool = true;

    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        let title = title_of(&notification);
        self.hands.screen.change(|screen| screen.in_app_alert = title);
        self.options.in_foreground.clone()
    }

    async fn did_receive(&mut self, response: NotificationResponse) {
        if response.action_identifier != NotificationResponse::DEFAULT_ACTION {
            return;
        }
        let notification = &response.notification;
        let visit = Visit {
            title: title_of(notification),
            url: url_of(notification),
            // The device's clock may be ahead of ours.
            opened_at: now().max(notification.date),
        };
        self.hands.screen.change(|screen| screen.visit(visit));
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        let hex = device_token.iter().map(|byte| format!("{byte:02x}")).collect();
        self.hands.screen.change(|screen| {
            screen.device_token = Some(hex);
            screen.registration_error = None;
        });
    }

    async fn did_fail_to_register(&mut self, error: LocalError) {
        self.hands.screen.change(|screen| screen.registration_error = Some(error.to_string()));
    }

    async fn did_receive_remote(&mut self, _user_info: UserInfo) -> homing_local::FetchResult {
        self.hands
            .screen
            .change(|screen| screen.background_updates = screen.background_updates.saturating_add(1));
        homing_local::FetchResult::NewData
    }

    async fn state_changed(&mut self, state: AppStateWord) {
        match state {
            AppStateWord::Foreground => self.hands.opened(self.options.asks_when_opened),
            AppStateWord::Background | AppStateWord::Ended | AppStateWord::ForceQuit => {}
        }
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `userInfo.url` of the payload (the article's custom key beside `aps`), or a plain `url` beside `aps`.
fn url_of(notification: &Notification) -> Option<String> {
    let user_info = serde_json::to_value(&notification.request.content.user_info).ok()?;
    let nested = user_info.get("userInfo").and_then(|custom| custom.get("url"));
    Some(nested.or_else(|| user_info.get("url"))?.as_str()?.to_owned())
}

fn title_of(notification: &Notification) -> Option<String> {
    match &notification.request.content.title {
        homing_local::Text::Plain(title) => Some(title.clone()),
        homing_local::Text::Localized { loc_key, .. } => Some(loc_key.clone()),
    }
}

#[cfg(test)]
mod tests;
