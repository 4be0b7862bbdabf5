//! Everything that can happen to a notification centre. What follows is decided by the modules named after it.

use homing_payload::PushType;
use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{
    Action, AppProfile, AuthorizationOptions, Category, ContentExtensionOption, Coordinate, Focus,
    LegacyInput, LegacyMethods, LocationPermission, NotificationContent, NotificationRequest,
    PresentationOptions, Recipient, SettingChange, Summary, Text,
};

/// One thing that happened. `bundle` is a bundle ID; what concerns an app that isn't installed has no effect, except
/// that a remote notification is answered with a receipt. `request` is the caller's number, given back in the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "kebab-case")]
pub enum Input {
    /// The device started with the state it had: no app runs, what was being asked is asked no more, what is overdue
    /// fires once.
    Booted,
    /// [`crate::Center::next_wake`] has come, or the clock was moved.
    TimePassed,
    /// The language changed: texts are looked up in it from now on. A BCP 47 tag.
    LocaleChanged {
        locale: String,
    },
    /// The device travelled, or its user chose another zone of the IANA database; one that isn't there has no effect.
    /// Calendar triggers without a zone of their own find their dates anew.
    TimeZoneChanged {
        time_zone: String,
    },
    /// The device is somewhere else: location triggers fire whose border it crossed.
    LocationMoved(Coordinate),
    /// Whether the app may know where the device is, as the user says. Without it, its location triggers don't fire.
    LocationPermissionChanged {
        bundle: String,
        permission: LocationPermission,
    },

    /// Installed, or replaced by another version, which keeps everything.
    AppInstalled(AppProfile),
    AppRemoved {
        bundle: String,
    },
    /// The user or the system moved the app, or its process ended. Answered with [`crate::Output::AppMoved`] if that
    /// changes anything. That the process of a force-quit app ended changes nothing.
    AppStateChanged {
        bundle: String,
        state: AppState,
    },
    /// Which methods the app's delegates have, from now until its process ends.
    DelegateSet {
        bundle: String,
        delegate: Delegate,
    },
    /// `didFinishLaunching` returned: what waits for a method the delegate hasn't is lost.
    LaunchFinished {
        bundle: String,
    },

    AuthorizationRequested {
        bundle: String,
        options: AuthorizationOptions,
        request: u64,
    },
    PromptAnswered {
        bundle: String,
        allow: bool,
    },
    SettingChanged {
        bundle: String,
        change: SettingChange,
    },

    /// Whether the app wants remote notifications. From its install it does; `unregisterForRemoteNotifications` keeps
    /// its token alive, and what arrives is suppressed.
    RegisteredForRemoteNotifications {
        bundle: String,
        registered: bool,
    },
    /// Who uses the app from now on, until it says otherwise or is removed.
    RecipientSet {
        bundle: String,
        recipient: Recipient,
    },
    RemoteArrived(RemoteNotification),
    RequestAdded {
        bundle: String,
        notification: Box<NotificationRequest>,
        request: u64,
    },
    PendingRemoved {
        bundle: String,
        identifiers: Identifiers,
    },
    /// Withdrawn by the app: not a word to the user or to anybody.
    DeliveredRemoved {
        bundle: String,
        identifiers: Identifiers,
    },
    BadgeSet {
        bundle: String,
        count: i64,
        request: u64,
    },

    /// The completion handler of `willPresent`; `completion` is that of [`crate::Output::CallWillPresent`].
    WillPresentAnswered {
        bundle: String,
        completion: u64,
        options: PresentationOptions,
    },
    /// The completion handler of `didReceiveRemoteNotification`.
    FetchCompleted {
        bundle: String,
        completion: u64,
        #[serde(default)]
        result: FetchResult,
    },

    /// The user locked the screen, or unlocked it. Opening an app and tapping a notification unlock it, too.
    LockSet {
        locked: bool,
    },
    /// The user tapped the notification.
    Tapped {
        bundle: String,
        identifier: String,
    },
    /// The user cleared it. Flicking a banner away isn't this.
    Dismissed {
        bundle: String,
        identifier: String,
    },
    /// The user set the whole device so.
    DeviceSet(DeviceSetting),
    /// Something that concerns one app alone.
    OfApp {
        bundle: String,
        what: AppInput,
    },
}

/// What the user sets for the whole device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "kebab-case")]
pub enum DeviceSetting {
    LowPower {
        on: bool,
    },
    /// The switch at the side.
    Muted {
        on: bool,
    },
    /// `None` ends it.
    Focus {
        focus: Option<Focus>,
    },
    /// `None`: there is none.
    Summary {
        summary: Option<Summary>,
    },
}

/// What concerns one app alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum AppInput {
    /// The user chose an action of a notification; `text` is what they wrote for a text action. Without effect unless
    /// [`crate::Center::offers`] it.
    Acted { identifier: String, action: String, text: Option<Text> },
    /// The user flicked a notification's banner away, which is no answer: what is listed stays there.
    Flicked { identifier: String },
    /// The user pressed the app's button in Settings, or in the menu of one of its notifications
    /// (*providesAppNotificationSettings*). Without effect for an app that never asked for the button.
    SettingsOpened { identifier: Option<String> },
    /// `setNotificationCategories`: the whole set, which outlives the app's process. Without effect unless
    /// [`Category::check`] takes it.
    CategoriesSet { categories: Vec<Category> },
    /// The content handler of the service extension; `call` is that of [`crate::Output::RunServiceExtension`].
    ServiceExtensionAnswered { call: u64, content: Box<NotificationContent> },
    /// The process of the service extension ended before it answered this call; without a number, before it answered
    /// any of the open ones.
    ServiceExtensionEnded { call: Option<u64> },
    /// The completion handler of `didReceive`; `completion` is that of [`crate::Output::CallDidReceive`].
    ResponseCompleted { completion: u64 },
    /// The user opened a notification on the screen, not its app: its content extension draws it, if there is one.
    Expanded { identifier: String },
    /// What was open is open no more.
    Closed,
    /// What the content extension made of an action; `call` is that of [`crate::Output::ContentExtensionResponds`].
    ContentExtensionAnswered { call: u64, option: ContentExtensionOption },
    /// The content extension set *notificationActions*: what is open offers these in place of its category's. Without
    /// effect unless [`Action::check`] takes them.
    ContentExtensionSetActions { actions: Vec<Action> },
    /// *dismissNotificationContentExtension*: as [`AppInput::Closed`], but what it was asked about is done with.
    ContentExtensionDismissed,
    /// The content extension can't be started, or has ended before the user closed what is open.
    ContentExtensionEnded,
    /// By the iOS 9 API.
    Legacy { asked: LegacyInput },
}

/// *UIBackgroundFetchResult*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchResult {
    #[default]
    NewData,
    NoData,
    Failed,
}

/// Where an app stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppState {
    Foreground,
    /// In background or suspended: its process lives.
    Background,
    /// Not running; the system may start it.
    Ended,
    /// Ended by the user: nothing starts it in background until the user opened it or the device restarted.
    ForceQuit,
}

impl AppState {
    /// Whether the app has a process.
    pub const fn is_running(self) -> bool {
        match self {
            Self::Foreground | Self::Background => true,
            Self::Ended | Self::ForceQuit => false,
        }
    }
}

/// The methods an app's delegates have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate {
    pub will_present: bool,
    pub did_receive: bool,
    /// `application(_:didReceiveRemoteNotification:fetchCompletionHandler:)`.
    pub did_receive_remote_notification: bool,
    /// Those of iOS 9.
    #[serde(default, skip_serializing_if = "LegacyMethods::is_none")]
    pub legacy: LegacyMethods,
}

/// Which of an app's requests or notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identifiers {
    All,
    /// Unknown ones are ignored.
    These(Vec<String>),
}

impl Identifiers {
    pub(crate) fn contains(&self, identifier: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(identifiers) => identifiers.iter().any(|one| one == identifier),
        }
    }
}

/// A notification from the push service, as it came over the device link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteNotification {
    /// The app its topic belongs to.
    pub bundle: String,
    /// Whatever names the registration it came for: stable while that lives. Given back with its receipts.
    pub registration: String,
    pub seq: u64,
    pub apns_id: String,
    /// `None` when the push service said none, or one that this device doesn't know.
    pub push_type: Option<PushType>,
    pub collapse_id: Option<String>,
    /// The moment from which it is shown no more.
    pub expires_at: Option<UnixMillis>,
    /// The provider's JSON.
    #[serde(with = "json_bytes")]
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for RemoteNotification {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteNotification")
            .field("bundle", &self.bundle)
            .field("seq", &self.seq)
            .field("apns_id", &self.apns_id)
            .field("push_type", &self.push_type)
            .field("collapse_id", &self.collapse_id)
            .field("expires_at", &self.expires_at)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// Payloads in a journal: as text when they are text, which JSON is, else byte by byte.
mod json_bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Payload {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub(super) fn serialize<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(payload) {
            Ok(text) => text.serialize(serializer),
            Err(_) => payload.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(match Payload::deserialize(deserializer)? {
            Payload::Text(text) => text.into_bytes(),
            Payload::Bytes(bytes) => bytes,
        })
    }
}
