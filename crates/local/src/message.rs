//! Messages between app and device: calls with the app's number, replies that carry it back, events of the device.
//! The stream's frames are [`crate::frame`]'s; who may speak for which app is decided by `device`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::view::AppStateWord;
use crate::{
    ApplicationState, AuthorizationOption, Category, LegacyCall, LegacyCallback, LegacyMethods, LocalError,
    LocalNotification, Notification, NotificationRequest, NotificationResponse, NotificationSettings,
    PendingView, PresentationOption, UserNotificationSettings,
};

/// App → device: one call. The device answers each with one [`AppReply`] of the same `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppRequest {
    /// The app's own number, unique among its open calls.
    pub id: u64,
    #[serde(flatten)]
    pub call: AppCall,
}

/// What an app asks, named after the methods of `UNUserNotificationCenter` and `UIApplication`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum AppCall {
    /// The first call on a stream: who is speaking. `device` and `secret` are what the process was given at its launch;
    /// in process there are none.
    Attach {
        bundle_id: String,
        /// Whose app, on a socket of several devices.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<Secret>,
    },
    /// Which methods the app's delegate has. A method that is missing is never called, and what it would have decided
    /// falls to Apple's default.
    SetDelegate {
        will_present: bool,
        did_receive: bool,
        /// `application(_:didReceiveRemoteNotification:fetchCompletionHandler:)`.
        did_receive_remote_notification: bool,
        /// Those of iOS 9.
        #[serde(default, skip_serializing_if = "LegacyMethods::is_none")]
        legacy: LegacyMethods,
    },
    /// `didFinishLaunching` has returned: what waited for a delegate that isn't there is lost.
    FinishLaunching,
    RequestAuthorization {
        options: Vec<AuthorizationOption>,
    },
    GetNotificationSettings,
    RegisterForRemoteNotifications,
    UnregisterForRemoteNotifications,
    IsRegisteredForRemoteNotifications,
    Add {
        request: Box<NotificationRequest>,
    },
    GetPendingNotificationRequests,
    RemovePendingNotificationRequests {
        identifiers: Vec<String>,
    },
    RemoveAllPendingNotificationRequests,
    GetDeliveredNotifications,
    RemoveDeliveredNotifications {
        identifiers: Vec<String>,
    },
    RemoveAllDeliveredNotifications,
    SetBadgeCount {
        count: i64,
    },
    /// *applicationIconBadgeNumber*, read.
    GetBadgeCount,
    /// *openSettingsURLString*, opened: the user looks at the app's page in Settings.
    OpenSettings,
    /// The whole set, in place of the one before. It outlives the app's process and newer versions.
    SetNotificationCategories {
        categories: Vec<Category>,
    },
    GetNotificationCategories,
    /// Whose notifications the app wants from now on: the device shows none that is for another user, and withdraws
    /// those it shows. It is Homing's own call. On iOS the same is done by a notification service extension, which may
    /// drop a notification only with the entitlement `com.apple.developer.usernotifications.filtering`, and by the
    /// app, which withdraws what is delivered.
    SetRecipient {
        recipient: Recipient,
    },
    /// What the app shows, for who looks at the device, in words of its own; its member `url` is the page that is open.
    /// It is Homing's own call: on iOS an app draws.
    Show {
        screen: Page,
    },
    /// The completion handler of `willPresent`; `completion` is the event's.
    WillPresentCompletion {
        completion: u64,
        options: Vec<PresentationOption>,
    },
    /// The completion handler of `didReceive`, and of iOS 9's `handleActionWithIdentifier`.
    DidReceiveCompletion {
        completion: u64,
    },
    /// The completion handler of `didReceiveRemoteNotification`.
    FetchCompletion {
        completion: u64,
        result: FetchResult,
    },
    /// By the iOS 9 API.
    Legacy {
        #[serde(flatten)]
        asked: LegacyCall,
    },
}

/// Who uses the app. A provider that knows its users tags a payload with one: `homing.user`, a string beside `aps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// As for an app that never said: every notification is taken.
    Anyone,
    /// Nobody is signed in: only what is for no user in particular is taken.
    Nobody,
    /// The user of this tag, 1 to 64 bytes: besides that, what bears the same tag.
    User(String),
}

impl Recipient {
    /// Longest tag, in bytes.
    pub const MAX_TAG: usize = 64;
}

/// What an app proves its bundle ID with; never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// To be compared in constant time.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `UIBackgroundFetchResult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchResult {
    NewData,
    NoData,
    Failed,
}

/// Device → app: the answer to the call `reply_to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppReply {
    pub reply_to: u64,
    #[serde(flatten)]
    pub reply: Reply,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "kebab-case")]
pub enum Reply {
    /// Done, and there is nothing to tell.
    Done,
    /// To `request-authorization`.
    Granted(bool),
    Settings(Box<NotificationSettings>),
    /// To `is-registered-for-remote-notifications`.
    Registered(bool),
    /// To `get-badge-count`.
    Badge(u32),
    Pending(Vec<PendingView>),
    Delivered(Vec<Notification>),
    Categories(Vec<Category>),
    /// To *currentUserNotificationSettings*.
    UserNotificationSettings(UserNotificationSettings),
    /// To *scheduledLocalNotifications*.
    LocalNotifications(Vec<LocalNotification>),
    Error(LocalError),
}

/// Device → app, unasked: the calls of the app's delegates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum DeviceEvent {
    /// `didRegisterForRemoteNotificationsWithDeviceToken`.
    DidRegister {
        /// Two lower-case hexadecimal digits a byte.
        device_token: String,
    },
    /// `didFailToRegisterForRemoteNotificationsWithError`.
    DidFailToRegister { error: LocalError },
    /// `willPresent`: answered with the options before `deadline`, else it isn't shown.
    WillPresent {
        completion: u64,
        notification: Box<Notification>,
        #[schema(value_type = String, format = DateTime)]
        deadline: UnixMillis,
    },
    /// `didReceive`.
    DidReceive { completion: u64, response: Box<NotificationResponse> },
    /// `didReceiveRemoteNotification`: answered with the result before `deadline`, else an app in
    /// background is ended.
    DidReceiveRemoteNotification {
        completion: u64,
        user_info: UserInfo,
        /// *applicationState*, while the app is called.
        #[serde(default)]
        application_state: ApplicationState,
        #[schema(value_type = String, format = DateTime)]
        deadline: UnixMillis,
    },
    /// `userNotificationCenter(_:openSettingsFor:)`: the app shows its own settings; `notification` is the one whose menu
    /// the user came from.
    OpenSettings { notification: Option<Box<Notification>> },
    /// `application(_:didFinishLaunchingWithOptions:)`: why the app was started. The first event of each run.
    Launched { launch_options: LaunchOptions },
    /// The app went elsewhere: `didBecomeActive`, `didEnterBackground`, `willTerminate`.
    StateChanged { state: AppStateWord },
    /// The user touched the app's page, in words of the app's own.
    Touched { touch: Page },
    /// A callback of the iOS 9 API.
    Legacy {
        #[serde(flatten)]
        callback: LegacyCallback,
    },
}

/// `UIApplication.LaunchOptionsKey`, of those that concern notifications. What is here comes by the delegate, too: an
/// app handles it once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct LaunchOptions {
    /// The payload of the remote notification that the user acted on, or of the silent one that woke the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_notification: Option<UserInfo>,
    /// The local notification that the user acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_notification: Option<Box<Notification>>,
}

/// An event of a kind that this version doesn't know: an app skips it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnknownEvent {
    pub event: String,
    #[serde(flatten)]
    pub body: Map<String, Value>,
}

/// The whole payload of a notification, as the provider wrote it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct UserInfo(pub Map<String, Value>);

impl std::fmt::Debug for UserInfo {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} keys)", self.0.len())
    }
}

/// What an app shows, or where it was touched: JSON in words of the app's own.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Page(pub Map<String, Value>);

impl std::fmt::Debug for Page {
    /// It may show what people are told.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} keys)", self.0.len())
    }
}

/// Everything that a device says on the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum DeviceMessage {
    Reply(AppReply),
    Event(DeviceEvent),
    /// Of a newer device.
    Unknown(UnknownEvent),
}

/// A message that can't be understood. Those with an `id` are answered, the others end the stream.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("a message is a JSON object: {0}")]
    Json(#[source] serde_json::Error),
    #[error(
        "a call carries its own number as \"id\" (0 to 2^64-1) and its name as \"call\"; {missing:?} is missing or no such value"
    )]
    NoCall { missing: &'static str },
    #[error("{call:?} is no call of this device, which may be older than the app")]
    UnknownCall { id: u64, call: String },
    #[error("the call {call:?} doesn't hold what it should: {source}")]
    BadCall { id: u64, call: String, source: serde_json::Error },
    #[error("the device's message {kind:?} doesn't hold what it should: {source}")]
    BadMessage { kind: String, source: serde_json::Error },
    #[error("a device's message has \"reply_to\" or \"event\"; this one has neither")]
    NoKind,
}

impl MessageError {
    /// The reply that tells the app, if the call's number could be read.
    pub fn reply(&self) -> Option<AppReply> {
        let (id, code) = match self {
            Self::UnknownCall { id, .. } => (*id, LocalError::UNKNOWN_CALL),
            Self::BadCall { id, .. } => (*id, LocalError::INVALID_ARGUMENT),
            Self::Json(_) | Self::NoCall { .. } | Self::BadMessage { .. } | Self::NoKind => return None,
        };
        Some(AppReply { reply_to: id, reply: Reply::Error(LocalError::homing(code, self.to_string())) })
    }
}

impl AppCall {
    /// The names of all calls.
    pub const NAMES: [&str; 26] = [
        "attach",
        "set-delegate",
        "finish-launching",
        "request-authorization",
        "get-notification-settings",
        "register-for-remote-notifications",
        "unregister-for-remote-notifications",
        "is-registered-for-remote-notifications",
        "add",
        "get-pending-notification-requests",
        "remove-pending-notification-requests",
        "remove-all-pending-notification-requests",
        "get-delivered-notifications",
        "remove-delivered-notifications",
        "remove-all-delivered-notifications",
        "set-badge-count",
        "set-notification-categories",
        "get-notification-categories",
        "get-badge-count",
        "open-settings",
        "set-recipient",
        "show",
        "will-present-completion",
        "did-receive-completion",
        "fetch-completion",
        "legacy",
    ];
}

impl DeviceEvent {
    /// The names of all events of this version.
    pub const NAMES: [&str; 10] = [
        "did-register",
        "did-fail-to-register",
        "will-present",
        "did-receive",
        "did-receive-remote-notification",
        "open-settings",
        "launched",
        "state-changed",
        "touched",
        "legacy",
    ];
}

impl AppRequest {
    /// Reads what an app said.
    pub fn from_json(json: &[u8]) -> Result<Self, MessageError> {
        let message: Map<String, Value> = serde_json::from_slice(json).map_err(MessageError::Json)?;
        let id = message.get("id").and_then(Value::as_u64).ok_or(MessageError::NoCall { missing: "id" })?;
        let call = message.get("call").and_then(Value::as_str);
        let call = call.ok_or(MessageError::NoCall { missing: "call" })?.to_owned();
        if !AppCall::NAMES.contains(&call.as_str()) {
            return Err(MessageError::UnknownCall { id, call });
        }
        serde_json::from_value(Value::Object(message)).map_err(|source| MessageError::BadCall {
            id,
            call,
            source,
        })
    }

    /// The JSON of a frame.
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }
}

impl DeviceMessage {
    /// Reads what a device said. An event of an unknown kind survives; a known one must be whole.
    pub fn from_json(json: &[u8]) -> Result<Self, MessageError> {
        let message: Map<String, Value> = serde_json::from_slice(json).map_err(MessageError::Json)?;
        let word = |key| message.get(key).and_then(Value::as_str).map(str::to_owned);
        let bad = |kind: String| move |source| MessageError::BadMessage { kind, source };
        if message.contains_key("reply_to") {
            let kind = word("reply").unwrap_or_default();
            return serde_json::from_value(Value::Object(message)).map(Self::Reply).map_err(bad(kind));
        }
        let event = word("event").ok_or(MessageError::NoKind)?;
        let known = DeviceEvent::NAMES.contains(&event.as_str());
        let message = Value::Object(message);
        if known {
            serde_json::from_value(message).map(Self::Event).map_err(bad(event))
        } else {
            serde_json::from_value(message).map(Self::Unknown).map_err(bad(event))
        }
    }

    /// The JSON of a frame.
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }
}

/// Every message is a struct of strings, numbers and maps with string keys, which can't fail to be written.
fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}
