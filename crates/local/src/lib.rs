//! Device and app: what they say to each other, in UserNotifications' own terms.
//!
//! This crate decides the words of the local API and how they stand on a byte stream: [`frame`] for the frames,
//! [`message`] for requests, replies and events, [`legacy`] for those of the iOS 9 API, [`manifest`] for what an app declares, [`launch`] for
//! what its process is given, [`content_extension`] for what that of a content extension says and hears, [`view`] for
//! what the device's HTTP API shows. What the device does about them is decided by `notification-center`; who may connect, by `device`.
//!
//! Words of enumerations are kebab-case, names of fields snake_case; raw values are Apple's.

pub mod attachment;
pub mod authorization;
pub mod category;
pub mod communication;
pub mod content;
pub mod content_extension;
mod error;
pub mod frame;
pub mod launch;
pub mod legacy;
pub mod manifest;
pub mod message;
pub mod trigger;
pub mod view;

/// What times in messages are.
pub use homing_trace::UnixMillis;

pub use attachment::{Attachment, AttachmentOptions, ClippingRect};
pub use authorization::{
    AlertStyle, AuthorizationOption, AuthorizationStatus, NotificationSetting, NotificationSettings,
    PresentationOption, ShowPreviews,
};
pub use category::{Action, ActionOptions, Category, CategoryOptions, TextInput};
pub use communication::{Communication, CommunicationIntent, Person};
pub use content::{
    InterruptionLevel, Notification, NotificationContent, NotificationRequest, NotificationResponse,
    NotificationSound, Text,
};
pub use error::{ErrorDomain, LocalError};
pub use legacy::{
    ActionBehavior, ActivationMode, ApplicationState, CalendarUnit, LegacyAction, LegacyCall, LegacyCallback,
    LegacyCategory, LegacyMethods, LocalNotification, ResponseInfo, UserNotificationSettings,
    UserNotificationType,
};
pub use manifest::{
    AppManifest, Command, ContentExtension, Finding, ManifestError, PluralFormat, PluralForms,
};
pub use message::{
    AppCall, AppReply, AppRequest, DeviceEvent, FetchResult, LaunchOptions, MessageError, Recipient, Reply,
};
pub use trigger::{CalendarIdentifier, Coordinate, DateComponents, LocationPermission, Region, Trigger};
pub use view::{AppStateWord, NotificationView, PendingView, PromptView, Surface};
