//! What the device's HTTP API shows and takes: the state of apps, prompts, and what stands on the screen. Addresses
//! and status codes are decided by `device`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Action, AppManifest, Attachment, AuthorizationOption, AuthorizationStatus, InterruptionLevel,
    NotificationRequest,
};

/// Where an app stands (`UIApplication.State`, and the two ways of not running).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppStateWord {
    Foreground,
    Background,
    /// Not running; the system may start it in background.
    Ended,
    /// Ended by the user: nothing starts it but the user, or a restart of the device.
    ForceQuit,
}

/// Where a notification is to be seen or heard. A `banner` goes after 5 s, a `persistent-banner` when the user wants;
/// what is listed stays in `notification-center`. What was on the lock screen is only there once it is unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    Banner,
    PersistentBanner,
    LockScreen,
    NotificationCenter,
    Sound,
    Badge,
}

/// One notification on the screen. Its texts are resolved.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NotificationView {
    /// The request's identifier, unique in its app.
    pub identifier: String,
    /// The bundle ID.
    pub app: String,
    pub app_name: String,
    pub title: String,
    pub subtitle: String,
    pub body: String,
    /// The user hides previews, or does while the screen is locked: the texts aren't all that it says.
    pub preview_hidden: bool,
    pub badge: Option<u32>,
    /// The sound that played: `default` or a file of the app's.
    pub sound: Option<String>,
    /// What lies in the device's store; none while previews are hidden.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The key of its group; empty is the app's own group.
    pub thread: String,
    pub category: String,
    /// What its category offers, in order; a banner has room for the first two.
    pub actions: Vec<Action>,
    pub interruption_level: InterruptionLevel,
    #[schema(value_type = String, format = DateTime)]
    pub date: UnixMillis,
    /// Of a remote notification.
    pub apns_id: Option<String>,
    /// Where it is now; in an event, where it came.
    pub surfaces: Vec<Surface>,
    /// It lit the screen when it came: not what is passive or quiet, nor what an app in foreground asked for.
    #[serde(default)]
    pub lights_screen: bool,
    /// It is shown in the car, too: by the app's setting, and `allow_in_car_play` of its category.
    #[serde(default)]
    pub in_car_play: bool,
    /// It is read out to who wears headphones, by the app's setting.
    #[serde(default)]
    pub announced: bool,
}

impl std::fmt::Debug for NotificationView {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationView")
            .field("identifier", &self.identifier)
            .field("app", &self.app)
            .field("date", &self.date)
            .field("apns_id", &self.apns_id)
            .field("surfaces", &self.surfaces)
            .finish_non_exhaustive()
    }
}

/// One request that waits for its trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PendingView {
    /// The bundle ID.
    pub app: String,
    pub request: NotificationRequest,
    /// The true date, also of an interval, unless the device's compatibility says otherwise; `null` of a region.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_trigger_date: Option<UnixMillis>,
}

/// The question on the screen: may this app send notifications?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromptView {
    /// The bundle ID.
    pub app: String,
    pub app_name: String,
    /// What the app asked for.
    pub options: Vec<AuthorizationOption>,
}

/// The user's answer to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptAnswer {
    pub allow: bool,
}

/// An installed app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppView {
    pub bundle_id: String,
    pub name: String,
    pub version: String,
    pub state: AppStateWord,
    pub authorization_status: AuthorizationStatus,
    pub badge: u32,
    /// Hexadecimal, lower case; absent until the push service gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

/// Puts an app on the device, or a newer version in place of an older.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallApp {
    pub manifest: AppManifest,
}

/// Moves an app: what a user does at the home screen, or the system when memory is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAppState {
    pub state: AppStateWord,
}

/// One switch of the app's page in Settings, as the user turns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "setting", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChangeSetting {
    AllowNotifications {
        on: bool,
    },
    /// Answers a provisional trial: keep delivering, prominently.
    KeepProminently {},
    Alert {
        on: bool,
    },
    Sound {
        on: bool,
    },
    Badge {
        on: bool,
    },
    NotificationCenter {
        on: bool,
    },
    LockScreen {
        on: bool,
    },
    CriticalAlert {
        on: bool,
    },
    TimeSensitive {
        on: bool,
    },
    CarPlay {
        on: bool,
    },
    /// Announce Notifications, which is off until the user turns it on.
    Announcement {
        on: bool,
    },
    /// Of an app with the communication entitlement.
    DirectMessages {
        on: bool,
    },
    AlertStyle {
        style: crate::AlertStyle,
    },
    ShowPreviews {
        when: crate::ShowPreviews,
    },
    BackgroundAppRefresh {
        on: bool,
    },
    /// How the app's notifications stand together in Notification Center.
    Grouping {
        how: Grouping,
    },
}

/// By thread, one group for the app, or each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    Automatic,
    ByApp,
    Off,
}

/// Notifications that stand together in Notification Center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// The bundle ID.
    pub app: String,
    /// `null`: the app's own group, or no group at all.
    pub thread: Option<String>,
    /// Newest first.
    pub identifiers: Vec<String>,
    /// What stands behind the newest, of more than one: `3 more notifications`, or as the category says it.
    pub summary: Option<String>,
}
