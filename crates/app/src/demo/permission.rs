//! Whether the demo may send notifications, and what it does about it: who was never asked is asked, who refused is reminded
//! now and then, as [`PermissionReminder`] advises.

use std::path::Path;

use homing_local::AuthorizationStatus;

use super::screen::{Reminding, ScreenHandle};
use super::{DemoOptions, DeviceTime};
use crate::application::Application;
use crate::center::{AppError, NotificationCenter};
use crate::reminder::{Advice, PermissionReminder, ReminderError, ReminderPolicy};

#[derive(Clone, Debug)]
pub(super) struct Permission {
    pub(super) center: NotificationCenter,
    reminder: PermissionReminder,
    time: DeviceTime,
    asks: bool,
    screen: ScreenHandle,
}

impl Permission {
    pub(super) fn new(
        center: &NotificationCenter,
        application: &Application,
        container: &Path,
        options: &DemoOptions,
        screen: ScreenHandle,
    ) -> Self {
        let policy = ReminderPolicy::default();
        Self {
            center: center.clone(),
            reminder: PermissionReminder::new(center.clone(), application.clone(), container, policy),
            time: options.time.clone(),
            asks: options.asks_when_opened,
            screen,
        }
    }

    pub(super) async fn look(&self) -> Result<AuthorizationStatus, AppError> {
        let permission = self.center.notification_settings().await?.authorization_status;
        self.screen.change(|screen| screen.permission = permission);
        Ok(permission)
    }

    /// Asks in a task of its own: the answer may take the user minutes, and callbacks must not wait for it.
    pub(super) fn ask(&self) {
        let permission = self.clone();
        tokio::spawn(async move {
            if let Err(error) = permission.ask_and_wait().await {
                tracing::debug!(%error, "the user can't be asked");
            }
        });
    }

    async fn ask_and_wait(&self) -> Result<(), ReminderError> {
        let granted = self.reminder.ask().await?;
        self.screen.change(|screen| screen.granted = Some(granted));
        self.look().await?;
        Ok(())
    }

    /// The app came to the front: the user may have been in Settings meanwhile, or was never asked.
    pub(super) fn opened(&self) {
        let permission = self.clone();
        tokio::spawn(async move {
            if let Err(error) = permission.follow_advice().await {
                tracing::debug!(%error, "the settings can't be read");
            }
        });
    }

    async fn follow_advice(&self) -> Result<(), ReminderError> {
        let advice = self.reminder.at_launch(self.time.now()).await?;
        let history = self.reminder.history();
        self.screen.change(|screen| {
            screen.reminding = Reminding {
                advice: Some(advice),
                shown: advice == Advice::Remind,
                times: history.times,
                at_most: history.at_most,
                not_before: history.not_before,
            };
        });
        self.look().await?;
        if advice == Advice::Ask && self.asks {
            self.ask();
        }
        Ok(())
    }

    /// The reminder goes, whatever the user chose.
    pub(super) fn put_reminder_away(&self) {
        self.screen.change(|screen| screen.reminding.shown = false);
    }

    pub(super) async fn open_settings(&self) {
        self.put_reminder_away();
        if let Err(error) = self.reminder.open_settings().await {
            tracing::debug!(%error, "the app stays in front");
        }
    }
}
