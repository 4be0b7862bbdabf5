//! Requests an app makes, their triggers, and why one isn't taken. When they fire is decided by `schedule`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{
    AttachmentFault, DateComponents, LocalNotification, LocalNotificationError, NotificationContent, Region,
};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Trigger {
    /// *UNTimeIntervalNotificationTrigger*: more than 0 s, at least 60 s to repeat. The k-th time is the time of the
    /// request plus k intervals, without drift.
    TimeInterval { seconds: f64, repeats: bool },
    /// *UNCalendarNotificationTrigger*: each time that fits the components, which is strictly after the request.
    Calendar {
        date_components: Box<DateComponents>,
        repeats: bool,
        /// A time that doesn't exist (31 June, 02:30 when the clock is put forward) is passed over. Without it, as on
        /// iOS, the next one that exists takes its place.
        #[serde(default)]
        strict: bool,
    },
    /// *UNLocationNotificationTrigger*: the device enters the region, or leaves it.
    Location { region: Box<Region>, repeats: bool },
    /// *UNPushNotificationTrigger*: what a remote notification has; refused in a request.
    Push,
    /// Said of a *UILocalNotification*, whose `user_info` is its content's; refused in a request.
    Legacy { notification: Box<LocalNotification> },
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
    /// `None` of a region.
    pub next_trigger_date: Option<UnixMillis>,
    /// The date is the first one after this. An older state doesn't say: its date stands, and if it is past, it is due.
    #[serde(default)]
    pub(crate) counted_from: UnixMillis,
    /// The device was in the region when last seen.
    #[serde(default)]
    pub(crate) inside: bool,
}

/// Why a request isn't taken (*UNError.Code*, and what UserNotifications raises as an exception).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("the app may not send notifications: the user has not allowed it, or was not asked yet")]
    NotificationsNotAllowed,
    #[error(
        "the trigger has no date: an interval is a number of seconds between 0 and 3e9, more than 0; date components \
         name at least one part of a date, each within its range, and fit a time in the future"
    )]
    NoDate,
    #[error("{name:?} is no time zone of the IANA database: give one such as Europe/Berlin")]
    UnknownTimeZone { name: String },
    #[error("there is nothing to present: give the content a title, subtitle, body, sound or badge")]
    NoContent,
    #[error("a badge count is 0 or more, and at most 4294967295")]
    BadgeInputInvalid,
    #[error("the identifier is empty: give each request one of its own")]
    EmptyIdentifier,
    #[error("a trigger repeats only from 60 seconds on: give a longer interval, or components with a second")]
    RepeatsTooOften,
    #[error("a legacy trigger is that of a UILocalNotification: schedule one, or give another trigger")]
    LegacyTrigger,
    #[error(transparent)]
    LocalNotification(#[from] LocalNotificationError),
    #[error("a push trigger comes with remote notifications only: give another one, or none")]
    PushTrigger,
    #[error(
        "a region has an identifier of 1 to 1024 bytes, a latitude of −90 to 90 and a longitude of −180 to 180 degrees, \
         and a radius of more than 0 and at most 2.1e7 metres"
    )]
    BadRegion,
    #[error(
        "{max} regions of the app are watched already: remove a pending request with another region first"
    )]
    TooManyRegions { max: usize },
    #[error("the identifier has {len} bytes, at most {max} are taken")]
    IdentifierTooLong { len: usize, max: usize },
    #[error("the content has {len} bytes of JSON, at most {max} are taken: shorten its texts or user_info")]
    ContentTooLarge { len: usize, max: usize },
    #[error("the attachment {identifier:?} can't be taken: {fault}")]
    Attachment { identifier: String, fault: AttachmentFault },
    #[error("an attachment's identifier is empty or another's: {identifier:?}; give each one of its own")]
    AttachmentIdentifier { identifier: String },
    #[error(
        "the options of the attachment {identifier:?} are out of range: a clipping rectangle lies within 0 and 1 and \
         isn't empty, a thumbnail's time is 0 or more"
    )]
    AttachmentOptions { identifier: String },
    #[error("a notification has at most {max} attachments")]
    TooManyAttachments { max: usize },
    #[error("a summary argument count of 0 is illegal: leave it out, or give 1 or more")]
    SummaryArgumentCount,
    #[error(
        "the content may not be updated from a communication's intent: the app lacks the entitlement \
         com.apple.developer.usernotifications.communication (\"communication\" in the manifest)"
    )]
    ContentProvidingObjectNotAllowed,
    #[error("the intent names no sender: give it a display name or a handle")]
    ContentProvidingObjectInvalid,
    #[error("the content's user_info nests more than 64 levels deep: flatten it")]
    ContentTooDeep,
}

impl RequestError {
    /// The code in `UNErrorDomain`; `None` for what UserNotifications raises as an exception.
    pub const fn un_error_code(&self) -> Option<u32> {
        match self {
            Self::NotificationsNotAllowed => Some(1),
            Self::NoDate => Some(1400),
            Self::NoContent => Some(1401),
            Self::BadgeInputInvalid => Some(1600),
            Self::Attachment { fault, .. } => Some(fault.code()),
            Self::ContentProvidingObjectNotAllowed => Some(1500),
            Self::ContentProvidingObjectInvalid => Some(1501),
            Self::EmptyIdentifier
            | Self::BadRegion
            | Self::TooManyRegions { .. }
            | Self::UnknownTimeZone { .. }
            | Self::RepeatsTooOften
            | Self::PushTrigger
            | Self::AttachmentIdentifier { .. }
            | Self::AttachmentOptions { .. }
            | Self::TooManyAttachments { .. }
            | Self::SummaryArgumentCount
            | Self::LegacyTrigger
            | Self::LocalNotification(_)
            | Self::IdentifierTooLong { .. }
            | Self::ContentTooLarge { .. }
            | Self::ContentTooDeep => None,
        }
    }
}
