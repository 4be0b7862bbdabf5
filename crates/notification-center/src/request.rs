//! Requests an app makes, their triggers, and why one isn't taken. When they fire is decided by `schedule`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::NotificationContent;

/// *UNNotificationRequest*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotificationRequest {
    /// Not empty, unique in the app.
    pub identifier: String,
    pub content: NotificationContent,
    /// `None` delivers at once.
    pub trigger: Option<Trigger>,
}

/// *UNNotificationTrigger*.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Trigger {
    /// *UNTimeIntervalNotificationTrigger*: more than 0 s, at least 60 s to repeat. The k-th time is the time of the
    /// request plus k intervals, without drift.
    TimeInterval { seconds: f64, repeats: bool },
    /// *UNPushNotificationTrigger*: what a remote notification has; refused in a request.
    Push,
}

/// *UNNotification*: a request that was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// When it was due or arrived.
    pub date: UnixMillis,
    pub request: NotificationRequest,
}

/// A request that waits for its trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    pub request: NotificationRequest,
    pub added_at: UnixMillis,
    /// The true date, also of a fetched request, where iOS counts anew from now.
    pub next_trigger_date: UnixMillis,
}

/// Why a request isn't taken (*UNError.Code*, and what UserNotifications raises as an exception).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("the app may not send notifications: the user has not allowed it, or was not asked yet")]
    NotificationsNotAllowed,
    #[error("the trigger has no date: an interval is a number of seconds between 0 and 3e9, more than 0")]
    NoDate,
    #[error("there is nothing to present: give the content a title, subtitle, body, sound or badge")]
    NoContent,
    #[error("a badge count is 0 or more, and at most 4294967295")]
    BadgeInputInvalid,
    #[error("the identifier is empty: give each request one of its own")]
    EmptyIdentifier,
    #[error("a time interval repeats only from 60 seconds on")]
    RepeatsTooOften,
    #[error("a push trigger comes with remote notifications only: give a time interval, or no trigger")]
    PushTrigger,
    #[error("the identifier has {len} bytes, at most {max} are taken")]
    IdentifierTooLong { len: usize, max: usize },
    #[error("the content has {len} bytes of JSON, at most {max} are taken: shorten its texts or user_info")]
    ContentTooLarge { len: usize, max: usize },
}

impl RequestError {
    /// The code in `UNErrorDomain`; `None` for what UserNotifications raises as an exception.
    pub const fn un_error_code(&self) -> Option<u32> {
        match self {
            Self::NotificationsNotAllowed => Some(1),
            Self::NoDate => Some(1400),
            Self::NoContent => Some(1401),
            Self::BadgeInputInvalid => Some(1600),
            Self::EmptyIdentifier
            | Self::RepeatsTooOften
            | Self::PushTrigger
            | Self::IdentifierTooLong { .. }
            | Self::ContentTooLarge { .. } => None,
        }
    }
}
