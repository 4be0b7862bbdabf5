//! What an app may ask for, what the user granted, and what is in force: the vocabulary of permission. Who is asked,
//! and when, is decided by `notification-center`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One of *UNAuthorizationOptions*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizationOption {
    Badge,
    Sound,
    Alert,
    CarPlay,
    CriticalAlert,
    ProvidesAppNotificationSettings,
    Provisional,
    Announcement,
    TimeSensitive,
}

impl AuthorizationOption {
    pub const ALL: [Self; 9] = [
        Self::Badge,
        Self::Sound,
        Self::Alert,
        Self::CarPlay,
        Self::CriticalAlert,
        Self::ProvidesAppNotificationSettings,
        Self::Provisional,
        Self::Announcement,
        Self::TimeSensitive,
    ];

    /// Apple's bit.
    pub const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The set as Apple's raw value.
    pub fn bits(options: &[Self]) -> u16 {
        options.iter().fold(0, |bits, option| bits | option.bit())
    }

    /// The set of a raw value, in the order of the bits; bits that Apple doesn't define are left out.
    pub fn from_bits(bits: u16) -> Vec<Self> {
        Self::ALL.into_iter().filter(|option| bits & option.bit() != 0).collect()
    }
}

/// One of *UNNotificationPresentationOptions*: how an app in foreground wants a notification shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PresentationOption {
    Badge,
    Sound,
    /// Deprecated by Apple since iOS 14: list and banner.
    Alert,
    List,
    Banner,
}

impl PresentationOption {
    pub const ALL: [Self; 5] = [Self::Badge, Self::Sound, Self::Alert, Self::List, Self::Banner];

    /// Apple's bit.
    pub const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The set as Apple's raw value.
    pub fn bits(options: &[Self]) -> u16 {
        options.iter().fold(0, |bits, option| bits | option.bit())
    }
}

/// *UNAuthorizationStatus*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizationStatus {
    #[default]
    NotDetermined,
    Denied,
    Authorized,
    Provisional,
    /// Of an App Clip, for eight hours after it was opened.
    Ephemeral,
}

/// *UNNotificationSetting*: `not-supported` when the app never asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationSetting {
    #[default]
    NotSupported,
    Disabled,
    Enabled,
}

/// *UNAlertStyle*: a `banner` goes by itself, an `alert` stays until the user acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertStyle {
    #[default]
    None,
    Banner,
    Alert,
}

/// *UNShowPreviewsSetting*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShowPreviews {
    #[default]
    Always,
    WhenAuthenticated,
    Never,
}

/// *UNNotificationSettings*: a snapshot; it changes outside the app at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationSettings {
    pub authorization_status: AuthorizationStatus,
    pub sound_setting: NotificationSetting,
    pub badge_setting: NotificationSetting,
    pub alert_setting: NotificationSetting,
    pub notification_center_setting: NotificationSetting,
    pub lock_screen_setting: NotificationSetting,
    pub car_play_setting: NotificationSetting,
    pub alert_style: AlertStyle,
    pub show_previews_setting: ShowPreviews,
    pub critical_alert_setting: NotificationSetting,
    pub time_sensitive_setting: NotificationSetting,
    pub announcement_setting: NotificationSetting,
    pub scheduled_delivery_setting: NotificationSetting,
    pub direct_messages_setting: NotificationSetting,
    pub provides_app_notification_settings: bool,
}
