//! *UIApplication*, as far as notifications are concerned: registering for remote ones, where the app stands, its badge,
//! and the way to Settings. The notifications themselves are `center`'s.

use homing_local::message::Page;
use homing_local::{AppCall, AppStateWord, Reply};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::center::{AppError, NotificationCenter, unexpected};

/// *UIApplication.shared*. Clones are the same.
#[derive(Clone, Debug)]
pub struct Application {
    center: NotificationCenter,
}

impl Application {
    pub(crate) fn of(center: &NotificationCenter) -> Self {
        Self { center: center.clone() }
    }

    /// *registerForRemoteNotifications()*: the token comes to [`crate::AppDelegate::did_register`], or an error to
    /// [`crate::AppDelegate::did_fail_to_register`]. To be called at every launch: the token may be another.
    pub async fn register_for_remote_notifications(&self) -> Result<(), AppError> {
        self.center.register_for_remote_notifications().await
    }

    /// *unregisterForRemoteNotifications()*: the device holds on to the token and shows nothing more.
    pub async fn unregister_for_remote_notifications(&self) -> Result<(), AppError> {
        self.center.unregister_for_remote_notifications().await
    }

    /// *isRegisteredForRemoteNotifications*.
    pub async fn is_registered_for_remote_notifications(&self) -> Result<bool, AppError> {
        self.center.is_registered_for_remote_notifications().await
    }

    /// *applicationState*, as the device last said: foreground is *active*, background *background*.
    pub fn application_state(&self) -> AppStateWord {
        *self.center.state().borrow()
    }

    /// *applicationState*, and when it changes.
    pub fn watch_application_state(&self) -> watch::Receiver<AppStateWord> {
        self.center.state()
    }

    /// *applicationIconBadgeNumber*, read.
    pub async fn application_icon_badge_number(&self) -> Result<u32, AppError> {
        let reply = self.center.call(AppCall::GetBadgeCount).await?;
        if let Reply::Badge(count) = reply { Ok(count) } else { Err(unexpected(reply)) }
    }

    /// *open(URL(string: UIApplication.openSettingsURLString))*: the user sees the app's page in Settings, and the app
    /// goes to background. Only an app in foreground may.
    pub async fn open_settings(&self) -> Result<(), AppError> {
        self.center.done(AppCall::OpenSettings).await
    }

    /// What the app shows, for who looks at the device; its member `url` is the page that is open. On iOS an app draws.
    pub async fn show(&self, screen: Map<String, Value>) -> Result<(), AppError> {
        self.center.done(AppCall::Show { screen: Page(screen) }).await
    }
}
