//! The iOS 9 API (*UIApplication*, *UILocalNotification*, *UIUserNotificationSettings*), for apps that were written before
//! UserNotifications. Everything is decided by the device, in the same store as for newer apps: this is how it is asked
//! ([`LegacyApplication`]), and how it calls back ([`LegacyDelegate`], [`run`]).

mod delegate;

use homing_local::{AppCall, LegacyCall, Reply};

pub use delegate::{Action, Has, LaunchOptions, LegacyDelegate, run};
pub use homing_local::legacy::{
    ActionBehavior, ActivationMode, ApplicationState, CalendarUnit, DEFAULT_SOUND_NAME, LegacyAction,
    LegacyCategory, LocalNotification, UserNotificationSettings, UserNotificationType,
};

use crate::app::App;
use crate::application::Application;
use crate::center::{AppError, NotificationCenter, unexpected};

/// *UIApplication*, as of iOS 9. Clones are the same. What UIKit raises as an exception is the device's error.
#[derive(Clone, Debug)]
pub struct LegacyApplication {
    center: NotificationCenter,
    application: Application,
}

impl LegacyApplication {
    /// *UIApplication.shared*.
    pub fn of(app: &App) -> Self {
        Self { center: app.notification_center(), application: app.application() }
    }

    /// *registerUserNotificationSettings(_:)*: the first call asks the user, each overwrites the settings before. What the
    /// user allows comes to [`LegacyDelegate::did_register_user_notification_settings`].
    pub async fn register_user_notification_settings(
        &self,
        settings: UserNotificationSettings,
    ) -> Result<(), AppError> {
        self.done(LegacyCall::RegisterUserNotificationSettings { settings }).await
    }

    /// *currentUserNotificationSettings*: the types in force, the user's switches included; none if they refused.
    pub async fn current_user_notification_settings(&self) -> Result<UserNotificationSettings, AppError> {
        let reply = self.call(LegacyCall::CurrentUserNotificationSettings).await?;
        if let Reply::UserNotificationSettings(settings) = reply {
            Ok(settings)
        } else {
            Err(unexpected(reply))
        }
    }

    /// *presentLocalNotificationNow(_:)*: whatever its fire date.
    pub async fn present_local_notification_now(
        &self,
        notification: &LocalNotification,
    ) -> Result<(), AppError> {
        let notification = Box::new(notification.clone());
        self.done(LegacyCall::PresentLocalNotificationNow { notification }).await
    }

    /// *scheduleLocalNotification(_:)*: a copy waits for its fire date; without one, or past it, it comes at once.
    pub async fn schedule_local_notification(
        &self,
        notification: &LocalNotification,
    ) -> Result<(), AppError> {
        let notification = Box::new(notification.clone());
        self.done(LegacyCall::ScheduleLocalNotification { notification }).await
    }

    /// *cancelLocalNotification(_:)*: those that are equal, waiting or shown.
    pub async fn cancel_local_notification(&self, notification: &LocalNotification) -> Result<(), AppError> {
        let notification = Box::new(notification.clone());
        self.done(LegacyCall::CancelLocalNotification { notification }).await
    }

    /// *cancelAllLocalNotifications()*.
    pub async fn cancel_all_local_notifications(&self) -> Result<(), AppError> {
        self.done(LegacyCall::CancelAllLocalNotifications).await
    }

    /// *scheduledLocalNotifications*, read: soonest first.
    pub async fn scheduled_local_notifications(&self) -> Result<Vec<LocalNotification>, AppError> {
        let reply = self.call(LegacyCall::ScheduledLocalNotifications).await?;
        if let Reply::LocalNotifications(scheduled) = reply { Ok(scheduled) } else { Err(unexpected(reply)) }
    }

    /// *scheduledLocalNotifications*, set: the whole list is replaced, or stays if one of them can't be scheduled.
    pub async fn set_scheduled_local_notifications(
        &self,
        notifications: &[LocalNotification],
    ) -> Result<(), AppError> {
        let notifications = notifications.to_vec();
        self.done(LegacyCall::SetScheduledLocalNotifications { notifications }).await
    }

    /// *registerForRemoteNotifications()*.
    pub async fn register_for_remote_notifications(&self) -> Result<(), AppError> {
        self.application.register_for_remote_notifications().await
    }

    /// *isRegisteredForRemoteNotifications*.
    pub async fn is_registered_for_remote_notifications(&self) -> Result<bool, AppError> {
        self.application.is_registered_for_remote_notifications().await
    }

    /// *applicationIconBadgeNumber*, read.
    pub async fn application_icon_badge_number(&self) -> Result<u32, AppError> {
        self.application.application_icon_badge_number().await
    }

    /// *applicationIconBadgeNumber*, set: 0 hides it and, where there was a number, clears what the app has shown.
    pub async fn set_application_icon_badge_number(&self, count: i64) -> Result<(), AppError> {
        self.done(LegacyCall::SetApplicationIconBadgeNumber { count }).await
    }

    async fn done(&self, asked: LegacyCall) -> Result<(), AppError> {
        self.center.done(AppCall::Legacy { asked }).await
    }

    async fn call(&self, asked: LegacyCall) -> Result<Reply, AppError> {
        self.center.call(AppCall::Legacy { asked }).await
    }
}
