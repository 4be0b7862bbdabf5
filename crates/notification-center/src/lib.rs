//! What a device decides about notifications: a pure state machine.
//!
//! [`Center::handle`] takes one [`Input`] and the time, and answers with [`Output`]s that the device carries out:
//! show, play, call the app, say a receipt. [`Center::next_wake`] tells when it wants to be asked again. Nothing here
//! reads a clock, draws a random number, or does I/O: the same inputs at the same times give the same outputs, so a
//! device may keep a journal of inputs since its last snapshot instead of a snapshot for each.
//!
//! Left to the device: the connection, processes of apps, files, and how things look.

mod app;
mod arrival;
mod attachment;
mod authorization;
mod backup;
mod badge;
mod budget;
mod calendar;
mod category;
mod center;
mod communication;
mod conditions;
mod content;
mod content_extension;
mod depth;
mod extension;
mod group;
mod input;
mod installation;
mod legacy;
mod local;
mod output;
mod plural;
mod presentation;
mod profile;
mod prompt;
mod recipient;
mod region;
mod request;
mod response;
mod schedule;
mod seen;
mod summary;
mod thrift;
mod trigger;

pub use attachment::{
    Attachment, AttachmentFault, AttachmentOptions, AttachmentType, ClippingRect, FileFormat, FoundFile,
    MAX_ATTACHMENTS, Medium,
};
pub use authorization::{
    AlertStyle, AuthorizationOptions, AuthorizationStatus, NotificationSetting, NotificationSettings,
    SettingChange, ShowPreviews,
};
pub use calendar::{CalendarIdentifier, DateComponents};
pub use category::{Action, ActionOptions, Category, CategoryError, CategoryOptions, NoAction, TextInput};
pub use center::{Center, StateError};
pub use communication::{Communication, CommunicationIntent, Person};
pub use conditions::{ConditionError, Focus, Summary};
pub use content::{InterruptionLevel, NotificationContent, NotificationSound, Text};
pub use content_extension::{ContentExtension, ContentExtensionOption};
pub use depth::is_too_deep;
pub use extension::ExtensionCall;
pub use group::{Group, Grouping, Preview};
pub use input::{
    AppInput, AppState, Delegate, DeviceSetting, FetchResult, Identifiers, Input, RemoteNotification,
};
pub use legacy::{
    ApplicationState, CalendarUnit, LegacyAction, LegacyActionBehavior, LegacyActivationMode, LegacyCall,
    LegacyCategory, LegacyInput, LegacyMethods, LegacySubject, LocalNotification, LocalNotificationError,
    UserNotificationSettings, UserNotificationType,
};
pub use output::{
    AppReceipt, Delivered, LaunchOptions, MoveCause, Output, PlayedSound, PresentationOptions, Prompt,
    RemoteMark, Response, Shown, Surface, UserInfo,
};
pub use plural::{PluralFormat, PluralForms};
pub use profile::AppProfile;
pub use recipient::Recipient;
pub use region::{Coordinate, LocationPermission, Region};
pub use request::{Notification, NotificationRequest, Pending, RequestError, Trigger};
pub use thrift::Thrift;
