//! The demo app: a news reader, after the article *Message push in iOS*. At launch it sets its delegate and registers
//! for remote notifications; a tapped notification opens the page that its `userInfo.url` names.
//!
//! What it shows goes to a watch channel as JSON, so that a device can put it on a screen or a test can read it.

use homing_local::{
    AppManifest, AppStateWord, AuthorizationOption, AuthorizationStatus, LocalError, Notification,
    NotificationResponse, PresentationOption, message::UserInfo,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::center::{AppError, UserNotificationCenter};
use crate::delegate::AppDelegate;

/// The bundle ID of the demo.
pub const BUNDLE_ID: &str = "com.example.news";

/// How the demo behaves where an app may choose.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// What it answers to `willPresent`. Empty, Apple's default: nothing is shown while it is in foreground.
    pub in_foreground: Vec<PresentationOption>,
    /// Whether it asks for permission when it comes to the foreground and the user wasn't asked yet.
    pub asks_when_opened: bool,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { in_foreground: Vec::new(), asks_when_opened: true }
    }
}

/// What the demo shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// The page that is open; `None` is the front page.
    pub url: Option<String>,
    /// What `didRegisterForRemoteNotifications` brought, in hexadecimal, or why it failed.
    pub device_token: Option<String>,
    pub registration_error: Option<String>,
    /// Whether the user granted something when asked in this run.
    pub granted: Option<bool>,
    /// The title of the newest notification that came while the app was in foreground: its own alert.
    pub in_app_alert: Option<String>,
    /// Silent notifications since launch.
    pub background_updates: u32,
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
    bundle_id: &str,
    options: DemoOptions,
    screen: watch::Sender<Value>,
) -> Result<(), AppError>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (center, events) = UserNotificationCenter::attach(stream, bundle_id).await?;
    let shown = ScreenHandle { now: watch::Sender::new(Screen::default()), out: screen };
    shown.change(|_| {});
    let reader = NewsReader { center: center.clone(), options, screen: shown };
    // The article: register at every launch. The token comes to the delegate, which waits for it from here on.
    center.register_for_remote_notifications().await?;
    center.run_delegate(events, reader).await
}

/// The screen as a value and as JSON.
#[derive(Clone, Debug)]
struct ScreenHandle {
    now: watch::Sender<Screen>,
    out: watch::Sender<Value>,
}

impl ScreenHandle {
    fn change(&self, change: impl FnOnce(&mut Screen)) {
        self.now.send_modify(change);
        let value = serde_json::to_value(&*self.now.borrow()).unwrap_or_default();
        self.out.send_replace(value);
    }
}

struct NewsReader {
    center: UserNotificationCenter,
    options: DemoOptions,
    screen: ScreenHandle,
}

impl NewsReader {
    /// Asks in a task of its own: the answer may take the user minutes, and callbacks must not wait for it.
    fn ask(&self) {
        let (center, screen) = (self.center.clone(), self.screen.clone());
        tokio::spawn(async move {
            let determined = match center.notification_settings().await {
                Ok(settings) => settings.authorization_status != AuthorizationStatus::NotDetermined,
                Err(error) => {
                    tracing::debug!(%error, "the settings can't be read");
                    return;
                }
            };
            if determined {
                return;
            }
            let options =
                [AuthorizationOption::Alert, AuthorizationOption::Sound, AuthorizationOption::Badge];
            match center.request_authorization(&options).await {
                Ok(granted) => screen.change(|screen| screen.granted = Some(granted)),
                Err(error) => tracing::debug!(%error, "the user can't be asked"),
            }
        });
    }
}

impl AppDelegate for NewsReader {
    const TAKES_SILENT: bool = true;

    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        let title = title_of(&notification);
        self.screen.change(|screen| screen.in_app_alert = title);
        self.options.in_foreground.clone()
    }

    async fn did_receive(&mut self, response: NotificationResponse) {
        if response.action_identifier != NotificationResponse::DEFAULT_ACTION {
            return;
        }
        let url = url_of(&response.notification);
        self.screen.change(|screen| screen.url = url);
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        let hex = device_token.iter().map(|byte| format!("{byte:02x}")).collect();
        self.screen.change(|screen| {
            screen.device_token = Some(hex);
            screen.registration_error = None;
        });
    }

    async fn did_fail_to_register(&mut self, error: LocalError) {
        self.screen.change(|screen| screen.registration_error = Some(error.to_string()));
    }

    async fn did_receive_remote(&mut self, _user_info: UserInfo) -> homing_local::FetchResult {
        self.screen.change(|screen| screen.background_updates = screen.background_updates.saturating_add(1));
        homing_local::FetchResult::NewData
    }

    async fn state_changed(&mut self, state: AppStateWord) {
        match state {
            AppStateWord::Foreground if self.options.asks_when_opened => self.ask(),
            AppStateWord::Foreground
            | AppStateWord::Background
            | AppStateWord::Ended
            | AppStateWord::ForceQuit => {}
        }
    }
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
