//! The iOS 9 API (*UIApplication*, *UILocalNotification*, *UIUserNotificationSettings*), for apps that were written before
//! UserNotifications, on the same device: what is scheduled here is pending there, and permission is one.
//!
//! Which callback an app gets is decided in `callbacks`, what a *UILocalNotification* waits for in `local`; who implements
//! [`LegacyDelegate`] is run by [`run`].

mod callbacks;
mod delegate;
mod local;

use std::time::SystemTime;

use homing_local::{
    AlertStyle, AuthorizationOption, AuthorizationStatus, Category, NotificationSetting,
    NotificationSettings, UnixMillis,
};

use crate::app::App;
use crate::application::Application;
use crate::center::{AppError, NotificationCenter};
pub use callbacks::{ApplicationState, Callback, Has, Moment, Origin, callback};
pub use delegate::{Action, LegacyDelegate, run};
pub use local::{CalendarUnit, DEFAULT_SOUND_NAME, LocalNotification, MAX_ALERT};

/// *UIUserNotificationType*, a set; the bits are Apple's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserNotificationType(u8);

impl UserNotificationType {
    /// *UIUserNotificationTypeNone*: of the current settings, that the user refused.
    pub const NONE: Self = Self(0);
    pub const BADGE: Self = Self(1);
    pub const SOUND: Self = Self(1 << 1);
    pub const ALERT: Self = Self(1 << 2);

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn bits(self) -> u8 {
        self.0
    }

    fn options(self) -> Vec<AuthorizationOption> {
        let pairs = [
            (Self::BADGE, AuthorizationOption::Badge),
            (Self::SOUND, AuthorizationOption::Sound),
            (Self::ALERT, AuthorizationOption::Alert),
        ];
        pairs.into_iter().filter(|(kind, _)| self.contains(*kind)).map(|(_, option)| option).collect()
    }

    /// What is in force, the user's switches included.
    fn in_force(settings: &NotificationSettings) -> Self {
        if matches!(
            settings.authorization_status,
            AuthorizationStatus::NotDetermined | AuthorizationStatus::Denied
        ) {
            return Self::NONE;
        }
        let alert = settings.alert_setting == NotificationSetting::Enabled
            && settings.alert_style != AlertStyle::None;
        let of = |on: bool, kind: Self| if on { kind } else { Self::NONE };
        of(settings.badge_setting == NotificationSetting::Enabled, Self::BADGE)
            .and(of(settings.sound_setting == NotificationSetting::Enabled, Self::SOUND))
            .and(of(alert, Self::ALERT))
    }
}

/// *UIUserNotificationSettings*.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserNotificationSettings {
    pub types: UserNotificationType,
    /// Its actions in the default context; the device shows as many as there is room for (*minimal*: two).
    pub categories: Vec<Category>,
}

/// Why a call of the iOS 9 API does nothing.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// What UIKit raises as an exception.
    #[error("{0}")]
    Exception(String),
    #[error(transparent)]
    App(#[from] AppError),
}

/// *UIApplication*, as of iOS 9. Clones are the same.
#[derive(Clone, Debug)]
pub struct LegacyApplication {
    center: NotificationCenter,
    application: Application,
}

impl LegacyApplication {
    pub fn of(app: &App) -> Self {
        Self { center: app.notification_center(), application: app.application() }
    }

    /// *registerUserNotificationSettings(_:)*: the first call asks the user, each overwrites the settings before. What
    /// comes back is what *application(_:didRegister:)* is given: what the user allows now.
    pub async fn register_user_notification_settings(
        &self,
        settings: UserNotificationSettings,
    ) -> Result<UserNotificationSettings, LegacyError> {
        self.center.set_notification_categories(settings.categories).await?;
        let options = settings.types.options();
        if !options.is_empty() {
            self.center.request_authorization(&options).await?;
        }
        self.current_user_notification_settings().await
    }

    /// *currentUserNotificationSettings*: the types in force, the user's switches included; none if they refused.
    pub async fn current_user_notification_settings(&self) -> Result<UserNotificationSettings, LegacyError> {
        let types = UserNotificationType::in_force(&self.center.notification_settings().await?);
        Ok(UserNotificationSettings { types, categories: self.center.notification_categories().await? })
    }

    /// *presentLocalNotificationNow(_:)*: whatever its fire date.
    pub async fn present_local_notification_now(
        &self,
        notification: &LocalNotification,
    ) -> Result<(), LegacyError> {
        Ok(self.center.add(notification.request_now()?).await?)
    }

    /// *scheduleLocalNotification(_:)*: a copy waits for its fire date; without one, or past it, it comes at once. An
    /// equal one that waits is replaced.
    pub async fn schedule_local_notification(
        &self,
        notification: &LocalNotification,
    ) -> Result<(), LegacyError> {
        Ok(self.center.add(notification.request(now())?).await?)
    }

    /// *cancelLocalNotification(_:)*: the one that is equal, waiting or delivered.
    pub async fn cancel_local_notification(
        &self,
        notification: &LocalNotification,
    ) -> Result<(), LegacyError> {
        let identifier = notification.identifier();
        self.center.remove_pending_notification_requests(&[&identifier]).await?;
        Ok(self.center.remove_delivered_notifications(&[&identifier]).await?)
    }

    /// *cancelAllLocalNotifications()*.
    pub async fn cancel_all_local_notifications(&self) -> Result<(), LegacyError> {
        for notification in self.scheduled_local_notifications().await? {
            self.cancel_local_notification(&notification).await?;
        }
        Ok(())
    }

    /// *scheduledLocalNotifications*, read.
    pub async fn scheduled_local_notifications(&self) -> Result<Vec<LocalNotification>, LegacyError> {
        let pending = self.center.pending_notification_requests().await?;
        Ok(pending.iter().filter_map(|view| LocalNotification::of(&view.request)).collect())
    }

    /// *scheduledLocalNotifications*, set: the whole list is replaced.
    pub async fn set_scheduled_local_notifications(
        &self,
        notifications: &[LocalNotification],
    ) -> Result<(), LegacyError> {
        let now = now();
        // One that can't be scheduled leaves the list as it is.
        let requests = notifications.iter().map(|one| one.request(now)).collect::<Result<Vec<_>, _>>()?;
        for waiting in self.scheduled_local_notifications().await? {
            self.center.remove_pending_notification_requests(&[&waiting.identifier()]).await?;
        }
        for request in requests {
            self.center.add(request).await?;
        }
        Ok(())
    }

    /// *applicationIconBadgeNumber*, read.
    pub async fn application_icon_badge_number(&self) -> Result<u32, LegacyError> {
        Ok(self.application.application_icon_badge_number().await?)
    }

    /// *applicationIconBadgeNumber*, set: 0 hides it, and clears the app's notifications, as iOS 9 did.
    pub async fn set_application_icon_badge_number(&self, count: i64) -> Result<(), LegacyError> {
        self.center.set_badge_count(count).await?;
        if count == 0 {
            self.center.remove_all_delivered_notifications().await?;
        }
        Ok(())
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_in_force_are_what_the_user_left_switched_on() {
        let on = NotificationSetting::Enabled;
        let settings = |status, style| NotificationSettings {
            authorization_status: status,
            alert_setting: on,
            sound_setting: NotificationSetting::Disabled,
            badge_setting: on,
            alert_style: style,
            ..NotificationSettings::default()
        };
        use AuthorizationStatus::*;
        for (status, style, bits) in [
            (NotDetermined, AlertStyle::Banner, 0),
            (Denied, AlertStyle::Banner, 0),
            (Authorized, AlertStyle::Banner, 5),
            (Authorized, AlertStyle::None, 1),
        ] {
            assert_eq!(
                UserNotificationType::in_force(&settings(status, style)).bits(),
                bits,
                "{status:?} {style:?}"
            );
        }
    }
}
