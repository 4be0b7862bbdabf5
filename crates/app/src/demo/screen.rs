//! What the demo shows: a value, and the same as JSON for whoever draws it.

use homing_local::{AuthorizationStatus, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// Pages remembered in [`Screen::history`].
const HISTORY: usize = 20;

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
    /// Whether the app may send notifications, when it last looked.
    pub permission: AuthorizationStatus,
    /// The title of the newest notification that came while the app was in foreground: its own alert.
    pub in_app_alert: Option<String>,
    /// Silent notifications since launch.
    pub background_updates: u32,
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
    pub url: Option<String>,
    pub opened_at: UnixMillis,
}

impl Screen {
    pub(super) fn of(accounts: &[String]) -> Self {
        Self { accounts: accounts.to_owned(), ..Self::default() }
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
    pub(super) fn has_account(&self, user: &str) -> bool {
        self.now.borrow().accounts.iter().any(|account| account == user)
    }
}
