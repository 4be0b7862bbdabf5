//! What the demo shows: a value, and the same as JSON for whoever draws it.

use homing_local::{
    AppStateWord, AuthorizationStatus, LocalError, NotificationRequest, PendingView, PresentationOption,
    UnixMillis,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::DemoOptions;
use super::keepsakes::Kept;
use crate::reminder::Advice;

/// Pages remembered in [`Screen::history`].
const HISTORY: usize = 20;
/// Pages remembered in [`Screen::refreshed`].
const REFRESHED: usize = 3;

/// What the demo shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Screen {
    /// The page that is open; `None` is the front page.
    pub url: Option<String>,
    /// What `didRegisterForRemoteNotificationsWithDeviceToken` brought, in hexadecimal.
    pub device_token: Option<String>,
    /// What `didFailToRegisterForRemoteNotificationsWithError` said.
    pub registration_error: Option<String>,
    /// Whether the user granted something when asked in this run.
    pub granted: Option<bool>,
    /// Whether the app may send notifications, when it last looked.
    pub permission: AuthorizationStatus,
    /// What the app makes of it, and how often it reminded its user.
    pub reminding: Reminding,
    /// The title of the newest notification that came while the app was in foreground: its own alert.
    pub in_app_alert: Option<String>,
    /// Its answer to `willPresent`: the system shows the notification, too.
    pub banner_in_foreground: bool,
    /// Silent notifications since launch.
    pub background_updates: u32,
    /// Pages that silent notifications brought, newest first.
    pub refreshed: Vec<Refresh>,
    /// Local notifications that wait for their trigger, the next first.
    pub pending: Vec<PendingView>,
    /// Requests whose notifications stand in Notification Center, newest first.
    pub delivered: Vec<NotificationRequest>,
    /// What came of the last touch on one of these.
    pub said: Option<Said>,
    /// Who is signed in.
    pub user: Option<String>,
    /// Who may sign in.
    pub accounts: Vec<String>,
    /// The business or its provider hasn't answered yet.
    pub signing_in: bool,
    /// Why signing in or out isn't done.
    pub sign_in_error: Option<String>,
    /// Pages opened by tapping a notification since launch, newest first.
    pub history: Vec<Visit>,
}

/// A page that a notification opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The notification's.
    pub title: Option<String>,
    /// The page; `None` is the front page.
    pub url: Option<String>,
    /// On the device's clock.
    pub opened_at: UnixMillis,
    /// The app didn't run: the tap started it.
    pub cold: bool,
    /// A local notification's.
    pub local: bool,
}

/// How the app deals with whom it may not notify (its [`crate::PermissionReminder`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminding {
    /// When the app last looked.
    pub advice: Option<Advice>,
    /// The reminder is on the screen.
    pub shown: bool,
    pub times: u32,
    pub at_most: u32,
    /// Not again before.
    pub not_before: Option<UnixMillis>,
}

/// What a silent notification brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The page that the payload names.
    pub url: String,
    pub at: UnixMillis,
    /// Where the app stood: in foreground or in background.
    pub state: AppStateWord,
}

/// What came of a touch on a request or a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub identifier: String,
    pub did: Did,
    /// Of what was refused.
    pub error: Option<LocalError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Did {
    Scheduled,
    /// The request of the same identifier made room.
    Replaced,
    Cancelled,
    /// Taken out of Notification Center.
    Withdrawn,
    Refused,
}

impl Screen {
    pub(super) fn of(options: &DemoOptions, kept: Kept) -> Self {
        Self {
            accounts: options.accounts.clone(),
            banner_in_foreground: kept
                .banner_in_foreground
                .unwrap_or_else(|| options.in_foreground.contains(&PresentationOption::Banner)),
            refreshed: kept.refreshed,
            ..Self::default()
        }
    }

    pub(super) fn refresh(&mut self, refresh: Refresh) {
        self.refreshed.retain(|older| older.url != refresh.url);
        self.refreshed.insert(0, refresh);
        self.refreshed.truncate(REFRESHED);
    }

    pub(super) fn visit(&mut self, visit: Visit) {
        self.url.clone_from(&visit.url);
        self.history.insert(0, visit);
        self.history.truncate(HISTORY);
    }
}

/// The screen as a value and as JSON.
#[derive(Clone, Debug)]
pub(super) struct ScreenHandle {
    now: watch::Sender<Screen>,
    out: watch::Sender<Value>,
}

impl ScreenHandle {
    pub(super) fn new(screen: Screen, out: watch::Sender<Value>) -> Self {
        let handle = Self { now: watch::Sender::new(screen), out };
        handle.change(|_| {});
        handle
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Screen)) {
        self.now.send_modify(change);
        let value = serde_json::to_value(&*self.now.borrow()).unwrap_or_default();
        self.out.send_replace(value);
    }

    pub(super) fn now(&self) -> Screen {
        self.now.borrow().clone()
    }

    pub(super) fn has_account(&self, user: &str) -> bool {
        self.now.borrow().accounts.iter().any(|account| account == user)
    }
}
