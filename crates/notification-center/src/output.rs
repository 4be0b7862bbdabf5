//! Everything that a notification centre wants done. The device carries it out, in order.

use homing_trace::{Receipt, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    AppState, ApplicationState, AuthorizationOptions, LegacyCall, Notification, NotificationRequest,
    RequestError,
};

/// One thing to do. `bundle` is a bundle ID; `request` is the number that came with the input.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask the user; the answer is [`crate::Input::PromptAnswered`].
    ShowPrompt(Prompt),
    /// The question is no more.
    WithdrawPrompt {
        bundle: String,
    },
    AuthorizationResult {
        bundle: String,
        request: u64,
        granted: bool,
    },
    AddResult {
        bundle: String,
        request: u64,
        result: Result<(), RequestError>,
    },
    BadgeResult {
        bundle: String,
        request: u64,
        result: Result<(), RequestError>,
    },

    /// Show it on its surfaces. It replaces what had the same identifier.
    Present {
        bundle: String,
        delivered: Box<Delivered>,
    },
    PlaySound {
        bundle: String,
        sound: PlayedSound,
    },
    /// The number on the icon; 0 hides it.
    SetBadge {
        bundle: String,
        badge: u32,
    },
    /// No more to be seen: withdrawn, opened, dismissed, or crowded out.
    Removed {
        bundle: String,
        identifiers: Vec<String>,
    },

    /// The scheduled summary came, with these, most relevant first: bundle ID and identifier. Each is presented, too.
    SummaryDelivered {
        notifications: Vec<(String, String)>,
    },

    /// The app has other categories now.
    CategoriesChanged {
        bundle: String,
    },

    /// Run the app's service extension on a notification, before `deadline`. The answer is
    /// [`crate::AppInput::ServiceExtensionAnswered`]; that it crashed, [`crate::AppInput::ServiceExtensionEnded`].
    RunServiceExtension {
        bundle: String,
        call: u64,
        request: Box<NotificationRequest>,
        deadline: UnixMillis,
    },
    /// `serviceExtensionTimeWillExpire`: it has a second for its best attempt.
    ServiceExtensionTimeWillExpire {
        bundle: String,
        call: u64,
    },
    /// It has had its time: end what still works on this call.
    EndServiceExtension {
        bundle: String,
        call: u64,
    },

    /// `didReceive(_ notification:)` of the content extension that the user has open.
    ContentExtensionReceives {
        bundle: String,
        notification: Box<Notification>,
        /// The user has just opened this one; else it is a later one that belongs to it.
        opened: bool,
    },
    /// `didReceive(_ response:completionHandler:)` of it: the user chose an action. What isn't answered by `deadline`
    /// goes to the app.
    ContentExtensionResponds {
        bundle: String,
        call: u64,
        response: Box<Response>,
        deadline: UnixMillis,
    },

    /// Ask the running app how to show it, before `deadline`.
    CallWillPresent {
        bundle: String,
        completion: u64,
        notification: Box<Notification>,
        deadline: UnixMillis,
    },
    CallDidReceive {
        bundle: String,
        completion: u64,
        response: Box<Response>,
    },
    /// An app in background took longer over a response than it may: it is to be suspended.
    ResponseTimeExpired {
        bundle: String,
        completion: u64,
    },
    /// `openSettingsFor`: the app is to show its own settings.
    CallOpenSettings {
        bundle: String,
        notification: Option<Box<Notification>>,
    },
    /// `didReceiveRemoteNotification`; an app in background that isn't done by `deadline` is ended.
    CallDidReceiveRemoteNotification {
        bundle: String,
        completion: u64,
        user_info: UserInfo,
        application_state: ApplicationState,
        deadline: UnixMillis,
    },
    /// A callback of the iOS 9 API.
    CallLegacy {
        bundle: String,
        call: Box<LegacyCall>,
    },
    /// The app is to be elsewhere: start its process, end it, or tell it.
    AppMoved {
        bundle: String,
        from: AppState,
        to: AppState,
        cause: MoveCause,
        /// Why its process is started, of an app that didn't run.
        launch: LaunchOptions,
    },

    /// The screen is locked now, or isn't.
    LockMoved {
        locked: bool,
    },

    /// To be said to the push service.
    Receipt(AppReceipt),
}

/// The question on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub bundle: String,
    pub app_name: String,
    /// What the app asked for, all its open requests together.
    pub options: AuthorizationOptions,
}

/// `UIApplication.LaunchOptionsKey`, of those that concern notifications.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LaunchOptions {
    /// By its icon, or not started now.
    #[default]
    None,
    /// The user acted on a remote notification, or a silent one woke it.
    RemoteNotification(UserInfo),
    /// The user acted on a local one.
    LocalNotification(Box<Notification>),
}

/// Why an app goes elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveCause {
    /// As the input said.
    Input,
    /// The user tapped one of its notifications.
    Response,
    /// A silent notification.
    RemoteNotification,
    /// Another app came to the foreground.
    OtherAppInForeground,
    /// It took longer than it may in background.
    BackgroundTimeExpired,
    /// The screen was locked.
    Locked,
}

/// A receipt and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppReceipt {
    pub bundle: String,
    pub registration: String,
    pub receipt: Receipt,
    /// What the user sees and hears of it, of a notification that is put before them.
    pub shown: Shown,
}

/// What of a notification reaches the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub surfaces: Vec<Surface>,
    pub sound: bool,
    pub badge: bool,
}

/// A notification as it stands on the screen. Its texts are resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivered {
    pub notification: Notification,
    /// `None` for a local one.
    pub remote: Option<RemoteMark>,
    pub surfaces: Vec<Surface>,
    /// The sound that played.
    pub sound: Option<PlayedSound>,
    /// The badge it set.
    pub badge: Option<u32>,
    /// Whether the user was told, or it only waits in Notification Center for who looks.
    pub(crate) displayed: bool,
    /// Of a temporary banner: when it goes by itself.
    pub(crate) gone_at: Option<UnixMillis>,
    /// Its place among all that came on the screen.
    #[serde(default)]
    pub(crate) order: u64,
    /// It lights the screen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lights_screen: bool,
}

impl Delivered {
    pub fn identifier(&self) -> &str {
        &self.notification.request.identifier
    }

    /// What came on the screen later is greater. Dates don't say: a local notification has the one that it was due.
    pub(crate) const fn age(&self) -> (u64, UnixMillis) {
        (self.order, self.notification.date)
    }

    /// Where it is to be seen now: a temporary banner goes after a while, and what is listed stays without it.
    pub fn surfaces_at(&self, now: UnixMillis) -> impl Iterator<Item = Surface> {
        let is_gone = self.gone_at.is_some_and(|gone_at| gone_at <= now);
        self.surfaces.iter().copied().filter(move |surface| !(is_gone && *surface == Surface::Banner))
    }

    /// Whether it is in Notification Center, and so in the app's list of delivered notifications.
    pub fn is_listed(&self) -> bool {
        self.surfaces.contains(&Surface::NotificationCenter)
    }
}

/// Which remote notification it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteMark {
    pub registration: String,
    pub seq: u64,
    pub apns_id: String,
    /// The method with the fetch completion handler gets it, whatever else is done with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) told: bool,
}

/// Where a notification is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// Goes by itself, after about five seconds.
    Banner,
    /// Stays until the user acts.
    PersistentBanner,
    LockScreen,
    NotificationCenter,
}

impl Surface {
    pub(crate) const fn is_banner(self) -> bool {
        match self {
            Self::Banner | Self::PersistentBanner => true,
            Self::LockScreen | Self::NotificationCenter => false,
        }
    }
}

/// A sound as it is to be played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayedSound {
    /// One of the app's files; `None` is the default sound.
    pub file: Option<String>,
    /// Past the mute switch.
    pub critical: bool,
    /// 0 to 1, of a critical sound.
    pub volume: Option<f64>,
}

/// What a user did with a notification.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub action_identifier: String,
    pub notification: Notification,
    /// What they typed, for a text action.
    #[serde(default)]
    pub user_text: Option<String>,
}

impl Response {
    /// *UNNotificationDefaultActionIdentifier*: a tap.
    pub const DEFAULT_ACTION: &str = "com.apple.UNNotificationDefaultActionIdentifier";
    /// *UNNotificationDismissActionIdentifier*: cleared.
    pub const DISMISS_ACTION: &str = "com.apple.UNNotificationDismissActionIdentifier";
}

impl std::fmt::Debug for Response {
    /// What people write stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("action_identifier", &self.action_identifier)
            .field("notification", &self.notification)
            .finish_non_exhaustive()
    }
}

/// A payload as an app reads it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserInfo(pub Map<String, Value>);

impl std::fmt::Debug for UserInfo {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} keys)", self.0.len())
    }
}

/// *UNNotificationPresentationOptions*, by Apple's bits: badge 1, sound 2, alert 4 (list and banner), list 8,
/// banner 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PresentationOptions(u16);

impl PresentationOptions {
    pub const NONE: Self = Self(0);
    pub const BADGE: Self = Self(1);
    pub const SOUND: Self = Self(1 << 1);
    pub const ALERT: Self = Self(1 << 2);
    pub const LIST: Self = Self(1 << 3);
    pub const BANNER: Self = Self(1 << 4);
    pub const ALL: Self = Self(0b1_1011);

    /// From Apple's raw value; other bits have no effect.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn badge(self) -> bool {
        self.0 & Self::BADGE.0 != 0
    }

    pub(crate) const fn sound(self) -> bool {
        self.0 & Self::SOUND.0 != 0
    }

    pub(crate) const fn list(self) -> bool {
        self.0 & (Self::LIST.0 | Self::ALERT.0) != 0
    }

    pub(crate) const fn banner(self) -> bool {
        self.0 & (Self::BANNER.0 | Self::ALERT.0) != 0
    }
}
