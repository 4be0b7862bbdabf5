//! The iOS 9 API in the words of the local one: *UIUserNotificationSettings*, *UILocalNotification*, and the callbacks of
//! *UIApplicationDelegate* that UserNotifications replaced. What follows from them is decided by `notification-center`.

use std::collections::BTreeSet;

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::message::UserInfo;
use crate::{CalendarIdentifier, NotificationRequest, Region, Text, Trigger};

/// What an app asks by the iOS 9 API, named after *UIApplication*'s methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum LegacyCall {
    /// *registerUserNotificationSettings(_:)*; answered at once, and by
    /// `did-register-user-notification-settings` when the user has decided.
    RegisterUserNotificationSettings { settings: UserNotificationSettings },
    /// *currentUserNotificationSettings*.
    CurrentUserNotificationSettings,
    /// *scheduleLocalNotification(_:)*.
    ScheduleLocalNotification { notification: Box<LocalNotification> },
    /// *presentLocalNotificationNow(_:)*.
    PresentLocalNotificationNow { notification: Box<LocalNotification> },
    /// *cancelLocalNotification(_:)*.
    CancelLocalNotification { notification: Box<LocalNotification> },
    /// *cancelAllLocalNotifications()*.
    CancelAllLocalNotifications,
    /// *scheduledLocalNotifications*, read.
    ScheduledLocalNotifications,
    /// *scheduledLocalNotifications*, set: the whole list.
    SetScheduledLocalNotifications { notifications: Vec<LocalNotification> },
    /// *applicationIconBadgeNumber*, set.
    SetApplicationIconBadgeNumber { count: i64 },
}

/// Which methods of iOS 9 an app's *UIApplicationDelegate* has, beside
/// *application(_:didReceiveRemoteNotification:fetchCompletionHandler:)*. They are called only in an app without a
/// *UNUserNotificationCenterDelegate*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LegacyMethods {
    /// *application(_:didReceiveRemoteNotification:)*.
    pub did_receive_remote_notification: bool,
    /// *application(_:didReceive:)* with a *UILocalNotification* (*application:didReceiveLocalNotification:*).
    pub did_receive_local_notification: bool,
    /// *application(_:handleActionWithIdentifier:forRemoteNotification:withResponseInfo:completionHandler:)*, and the same
    /// for local ones.
    pub handle_action: bool,
}

impl LegacyMethods {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// *UIApplication.State*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationState {
    /// *UIApplicationStateActive*.
    #[default]
    Active,
    /// *UIApplicationStateInactive*: on the way to the front, or behind a prompt.
    Inactive,
    /// *UIApplicationStateBackground*.
    Background,
}

/// The callbacks of the iOS 9 API. The one with the fetch completion handler is `did-receive-remote-notification` among the
/// device's other events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "callback", rename_all = "kebab-case")]
pub enum LegacyCallback {
    /// *application(_:didRegister:)*: what the user allows.
    DidRegisterUserNotificationSettings { settings: UserNotificationSettings },
    /// *application(_:didReceiveRemoteNotification:)*.
    DidReceiveRemoteNotification { user_info: UserInfo, application_state: ApplicationState },
    /// *application(_:didReceive:)* with a *UILocalNotification*.
    DidReceiveLocalNotification { notification: Box<LocalNotification>, application_state: ApplicationState },
    /// *application(_:handleActionWithIdentifier:for…:withResponseInfo:completionHandler:)*; its completion handler is
    /// that of `didReceive`.
    HandleAction {
        completion: u64,
        identifier: String,
        /// Of a remote notification: its payload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remote_notification: Option<UserInfo>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local_notification: Option<Box<LocalNotification>>,
        response_info: ResponseInfo,
        application_state: ApplicationState,
    },
}

impl LegacyCallback {
    /// The number of its completion handler, if it has one.
    pub const fn completion(&self) -> Option<u64> {
        match self {
            Self::HandleAction { completion, .. } => Some(*completion),
            Self::DidRegisterUserNotificationSettings { .. }
            | Self::DidReceiveRemoteNotification { .. }
            | Self::DidReceiveLocalNotification { .. } => None,
        }
    }
}

/// What came with an action.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ResponseInfo {
    /// *UIUserNotificationActionResponseTypedTextKey*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typed_text: Option<String>,
}

impl std::fmt::Debug for ResponseInfo {
    /// What people write stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseInfo").finish_non_exhaustive()
    }
}

/// *UIUserNotificationType*, one bit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserNotificationType {
    /// 1.
    Badge,
    /// 2.
    Sound,
    /// 4.
    Alert,
}

impl UserNotificationType {
    /// Its bit, as Apple numbers them.
    pub const fn raw_value(self) -> u8 {
        match self {
            Self::Badge => 1,
            Self::Sound => 2,
            Self::Alert => 4,
        }
    }
}

/// *UIUserNotificationSettings*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserNotificationSettings {
    /// Empty is *UIUserNotificationTypeNone*: of the current settings, that the user refused.
    pub types: BTreeSet<UserNotificationType>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<LegacyCategory>,
}

/// *UIUserNotificationCategory*: its actions for each *UIUserNotificationActionContext*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegacyCategory {
    /// What `aps.category` or a local notification's `category` names.
    pub identifier: String,
    /// *UIUserNotificationActionContextDefault*: an alert that stays shows the first four.
    #[serde(default)]
    pub default_actions: Vec<LegacyAction>,
    /// *UIUserNotificationActionContextMinimal*: two, shown elsewhere; without any, the first two of the others.
    #[serde(default)]
    pub minimal_actions: Vec<LegacyAction>,
}

/// *UIUserNotificationAction*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegacyAction {
    pub identifier: String,
    #[serde(default)]
    pub title: String,
    /// `foreground` if absent, as on iOS.
    #[serde(default)]
    pub activation_mode: ActivationMode,
    /// Has no effect on an action that brings the app to the front, which needs it anyhow.
    #[serde(default)]
    pub authentication_required: bool,
    #[serde(default)]
    pub destructive: bool,
    #[serde(default)]
    pub behavior: ActionBehavior,
}

/// *UIUserNotificationActivationMode*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActivationMode {
    #[default]
    Foreground,
    Background,
}

/// *UIUserNotificationActionBehavior*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionBehavior {
    #[default]
    Default,
    /// The user writes a text: *UIUserNotificationActionResponseTypedTextKey*.
    TextInput,
}

/// *NSCalendarUnit*, as far as one may repeat a notification: never more often than once a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarUnit {
    /// 2. There is no next one: it comes once.
    Era,
    /// 4.
    Year,
    /// 2048: three months.
    Quarter,
    /// 8.
    Month,
    /// 256, *NSWeekCalendarUnit*: the older name of the next.
    Week,
    /// 8192.
    WeekOfYear,
    /// 512: one weekday later, which is one day.
    Weekday,
    /// 16.
    Day,
    /// 32.
    Hour,
    /// 64.
    Minute,
}

impl CalendarUnit {
    /// The unit of Apple's number; `None` of another one, and of several units together.
    pub const fn from_raw_value(value: u64) -> Option<Self> {
        Some(match value {
            2 => Self::Era,
            4 => Self::Year,
            8 => Self::Month,
            16 => Self::Day,
            32 => Self::Hour,
            64 => Self::Minute,
            256 => Self::Week,
            8192 => Self::WeekOfYear,
            512 => Self::Weekday,
            2048 => Self::Quarter,
            _ => return None,
        })
    }
}

/// *UILocalNotificationDefaultSoundName*.
pub const DEFAULT_SOUND_NAME: &str = "UILocalNotificationDefaultSoundName";

/// *UILocalNotification*.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocalNotification {
    /// Absent or past: it comes when it is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fire_date: Option<UnixMillis>,
    /// Absent: the fire date is a moment, as of a countdown. With a zone of the IANA database, it is what a clock on the
    /// wall shows there at that moment, and comes when the device's clock shows it, as of an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Absent: once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<CalendarUnit>,
    /// Absent: the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_calendar: Option<CalendarIdentifier>,
    /// Instead of a fire date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    pub region_triggers_once: bool,
    /// Absent: no alert is shown; badge and sound may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_action: Option<String>,
    pub has_action: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_launch_image: Option<String>,
    /// Absent: silent. `UILocalNotificationDefaultSoundName`, or one of the app's sounds, with its extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound_name: Option<String>,
    /// 0 leaves the badge as it is, which is the opposite of UserNotifications.
    pub application_icon_badge_number: u32,
    /// A property list: no `null`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub user_info: Map<String, Value>,
    /// A category that was registered with the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

impl Default for LocalNotification {
    fn default() -> Self {
        Self {
            fire_date: None,
            time_zone: None,
            repeat_interval: None,
            repeat_calendar: None,
            region: None,
            region_triggers_once: true,
            alert_body: None,
            alert_title: None,
            alert_action: None,
            has_action: true,
            alert_launch_image: None,
            sound_name: None,
            application_icon_badge_number: 0,
            user_info: Map::new(),
            category: None,
        }
    }
}

impl LocalNotification {
    /// The one that a request was made of, or as the iOS 9 API gives one of the newer API to an app.
    pub fn of(request: &NotificationRequest) -> Self {
        let content = &request.content;
        if let Some(Trigger::Legacy { notification }) = &request.trigger {
            return Self { user_info: content.user_info.clone(), ..(**notification).clone() };
        }
        let text = |text: &Text| match text {
            Text::Plain(text) if text.is_empty() => None,
            Text::Plain(text) => Some(text.clone()),
            Text::Localized { loc_key, .. } => Some(loc_key.clone()),
        };
        Self {
            alert_body: text(&content.body),
            alert_title: text(&content.title),
            sound_name: content.sound.as_ref().map(|sound| sound.name.clone()),
            application_icon_badge_number: content.badge.unwrap_or(0).try_into().unwrap_or(0),
            user_info: content.user_info.clone(),
            category: Some(content.category_identifier.clone()).filter(|category| !category.is_empty()),
            ..Self::default()
        }
    }
}

impl std::fmt::Debug for LocalNotification {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalNotification")
            .field("fire_date", &self.fire_date)
            .field("time_zone", &self.time_zone)
            .field("repeat_interval", &self.repeat_interval)
            .field("has_body", &self.alert_body.is_some())
            .finish_non_exhaustive()
    }
}
