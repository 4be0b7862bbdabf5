//! What the device answers when it can't do what an app asked. Apple's codes where Apple has one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose numbers a code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum ErrorDomain {
    /// *UNError.Code*.
    #[serde(rename = "UNErrorDomain")]
    UserNotifications,
    /// 3000: no valid `aps-environment` entitlement.
    #[serde(rename = "NSCocoaErrorDomain")]
    Cocoa,
    /// What UserNotifications raises as an exception, and what only this API can get wrong.
    #[serde(rename = "HomingErrorDomain")]
    Homing,
}

/// An error as an app's completion handler gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message} ({domain:?} {code})")]
pub struct LocalError {
    pub domain: ErrorDomain,
    pub code: u32,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl LocalError {
    /// A request that breaks a rule of this API; what UserNotifications would raise as an exception.
    pub const INVALID_ARGUMENT: u32 = 1;
    /// A call of a kind that this device doesn't know.
    pub const UNKNOWN_CALL: u32 = 2;

    /// The stream isn't an app's: it didn't begin with a call to attach, or may not be the app that it named.
    pub const NOT_ATTACHED: u32 = 3;
    /// What the app asked for is longer than a frame can be.
    pub const TOO_LONG: u32 = 4;

    /// What Apple calls the code; `None` of what isn't Apple's.
    pub const fn name(&self) -> Option<&'static str> {
        match (self.domain, self.code) {
            (ErrorDomain::UserNotifications, 1) => Some("NotificationsNotAllowed"),
            (ErrorDomain::UserNotifications, 100) => Some("AttachmentInvalidURL"),
            (ErrorDomain::UserNotifications, 101) => Some("AttachmentUnrecognizedType"),
            (ErrorDomain::UserNotifications, 102) => Some("AttachmentInvalidFileSize"),
            (ErrorDomain::UserNotifications, 103) => Some("AttachmentNotInDataStore"),
            (ErrorDomain::UserNotifications, 104) => Some("AttachmentMoveIntoDataStoreFailed"),
            (ErrorDomain::UserNotifications, 105) => Some("AttachmentCorrupt"),
            (ErrorDomain::UserNotifications, 1400) => Some("NotificationInvalidNoDate"),
            (ErrorDomain::UserNotifications, 1401) => Some("NotificationInvalidNoContent"),
            (ErrorDomain::UserNotifications, 1500) => Some("ContentProvidingObjectNotAllowed"),
            (ErrorDomain::UserNotifications, 1501) => Some("ContentProvidingInvalid"),
            (ErrorDomain::UserNotifications, 1600) => Some("BadgeInputInvalid"),
            (ErrorDomain::UserNotifications | ErrorDomain::Cocoa | ErrorDomain::Homing, _) => None,
        }
    }

    pub fn homing(code: u32, message: impl Into<String>) -> Self {
        Self { domain: ErrorDomain::Homing, code, message: message.into() }
    }

    /// The answer to `registerForRemoteNotifications` of an app without the entitlement.
    pub fn no_aps_environment() -> Self {
        Self {
            domain: ErrorDomain::Cocoa,
            code: 3000,
            message:
                "no valid aps-environment entitlement: add \"aps-environment\" to the manifest's entitlements"
                    .to_owned(),
        }
    }
}
