//! Each message as it stands on the stream, the messages that can't be understood, and arbitrary ones there and back.

mod goldens;
mod refused;
mod roundtrip;

use homing_local::*;
use homing_trace::UnixMillis;
use serde_json::json;

/// 2026-11-22T02:04:05.067Z.
pub(crate) const AT: UnixMillis = UnixMillis(1_795_313_045_067);

pub(crate) fn request() -> NotificationRequest {
    NotificationRequest {
        identifier: "tea".to_owned(),
        content: NotificationContent {
            title: Text::Localized { loc_key: "TEA".to_owned(), loc_args: vec!["oolong".to_owned()] },
            body: "The tea is ready".into(),
            badge: Some(0),
            sound: Some(NotificationSound { name: "chime.caf".to_owned(), critical: false, volume: None }),
            user_info: json!({"url": "https://example.com/1"}).as_object().cloned().unwrap_or_default(),
            ..NotificationContent::default()
        },
        trigger: Some(Trigger::TimeInterval { seconds: 180.0, repeats: false }),
    }
}

pub(crate) fn notification() -> Notification {
    let content = NotificationContent { body: "News".into(), ..NotificationContent::default() };
    let identifier = "5f1d…".to_owned();
    Notification {
        date: AT,
        request: NotificationRequest { identifier, content, trigger: Some(Trigger::Push) },
    }
}

pub(crate) fn settings() -> NotificationSettings {
    NotificationSettings {
        authorization_status: AuthorizationStatus::Authorized,
        sound_setting: NotificationSetting::Enabled,
        badge_setting: NotificationSetting::Disabled,
        alert_setting: NotificationSetting::Enabled,
        notification_center_setting: NotificationSetting::Enabled,
        lock_screen_setting: NotificationSetting::Enabled,
        car_play_setting: NotificationSetting::NotSupported,
        alert_style: AlertStyle::Banner,
        show_previews_setting: ShowPreviews::WhenAuthenticated,
        critical_alert_setting: NotificationSetting::NotSupported,
        time_sensitive_setting: NotificationSetting::NotSupported,
        announcement_setting: NotificationSetting::NotSupported,
        scheduled_delivery_setting: NotificationSetting::Disabled,
        direct_messages_setting: NotificationSetting::NotSupported,
        provides_app_notification_settings: false,
    }
}
