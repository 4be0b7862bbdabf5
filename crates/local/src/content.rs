//! Requests, their content, and delivered notifications, as an app writes and reads them. Which requests
//! are taken and when they fire is decided by `notification-center`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Attachment, Communication, Trigger};

/// A text, or the key of one in the app's localisations that is looked up when the notification is shown
/// (*localizedUserNotificationString(forKey:arguments:)*).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a text is a string, or {\"loc_key\": …, \"loc_args\": […]}"
)]
pub enum Text {
    Plain(String),
    Localized {
        loc_key: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        loc_args: Vec<String>,
    },
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl Text {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Plain(text) if text.is_empty())
    }
}

impl std::fmt::Debug for Text {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "({} bytes)", text.len()),
            Self::Localized { loc_key, loc_args } => {
                write!(f, "{loc_key:?} with {} arguments", loc_args.len())
            }
        }
    }
}

/// *UNNotificationSound*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationSound {
    /// `default`, or the file name of one of the app's sounds, with its extension.
    pub name: String,
    /// Plays past the mute switch, if entitlement and permission allow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub critical: bool,
    /// Of a critical sound only: 0 to 1; what lies outside is brought into it.
    #[schema(minimum = 0, maximum = 1)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<f64>,
}

/// *UNNotificationInterruptionLevel*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InterruptionLevel {
    Passive,
    #[default]
    Active,
    TimeSensitive,
    Critical,
}

/// *UNNotificationContent*. Absent fields have Apple's defaults: `badge` unchanged, no sound, level `active`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationContent {
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub title: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub subtitle: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub body: Text,
    /// 0 hides the badge, absent leaves it; what no badge can be is refused (1600).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    pub badge: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<NotificationSound>,
    /// Of a remote notification: the whole payload.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub user_info: Map<String, Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category_identifier: String,
    /// Groups notifications; empty is the app's own group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub thread_identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_content_identifier: Option<String>,
    pub interruption_level: InterruptionLevel,
    /// 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_criteria: Option<String>,
    /// Named in the summary of its group (iOS 12 to 14).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary_argument: String,
    /// How much it counts there; absent is 1, 0 illegal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub summary_argument_count: Option<u32>,
    /// Kept, and without effect as on newer systems.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub launch_image_name: String,
    /// At most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The intent of people that it was updated from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
}

impl std::fmt::Debug for NotificationContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationContent")
            .field("title", &self.title)
            .field("body", &self.body)
            .field("badge", &self.badge)
            .field("sound", &self.sound)
            .field("thread_identifier", &self.thread_identifier)
            .field("interruption_level", &self.interruption_level)
            .finish_non_exhaustive()
    }
}

/// *UNNotificationRequest*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationRequest {
    /// Not empty, unique in the app: a request replaces the pending and the delivered one of the same identifier.
    pub identifier: String,
    pub content: NotificationContent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
}

/// *UNNotification*: a request that was delivered. Its texts are resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    #[schema(value_type = String, format = DateTime)]
    pub date: UnixMillis,
    pub request: NotificationRequest,
}

/// *UNNotificationResponse*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NotificationResponse {
    /// `com.apple.UNNotificationDefaultActionIdentifier` for a tap, `com.apple.UNNotificationDismissActionIdentifier` for a
    /// notification that was cleared, else the action's own.
    pub action_identifier: String,
    pub notification: Notification,
    /// What the user typed, for a text action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_text: Option<String>,
}

impl NotificationResponse {
    /// *UNNotificationDefaultActionIdentifier*.
    pub const DEFAULT_ACTION: &str = "com.apple.UNNotificationDefaultActionIdentifier";
    /// *UNNotificationDismissActionIdentifier*.
    pub const DISMISS_ACTION: &str = "com.apple.UNNotificationDismissActionIdentifier";
}
