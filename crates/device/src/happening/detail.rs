//! What an event says beside its kind: the members of `detail`, kind by kind, as the API describes them. They are written
//! where the thing happens (`phone`); a test holds each event that it sees to this description.
#![expect(dead_code, reason = "only described: it is the schema of what is written as JSON elsewhere")]

use homing_local::{
    AppStateWord, ApplicationState, LocalError, NotificationView, PromptView, UserNotificationType,
};
use utoipa::ToSchema;

/// An event with its number: higher than that of any event before it on this host, also before a restart.
#[derive(ToSchema)]
#[schema(as = Told)]
pub(crate) struct ToldSchema {
    no: u64,
    #[schema(value_type = String, format = DateTime)]
    at: String,
    /// The device's name.
    device: String,
    /// The bundle ID, of what concerns an app.
    app: Option<String>,
    #[serde(flatten)]
    what: Happened,
}

/// What happened, and by its kind what exactly.
#[derive(ToSchema)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
pub(crate) enum Happened {
    /// The device is new here.
    Added(Nothing),
    /// The device and all that was its is gone.
    Erased(Nothing),
    /// The device was turned off and on.
    Restarted(Nothing),
    /// The device was turned off, and is.
    TurnedOff(Nothing),
    /// The device that was off was turned on.
    TurnedOn(Nothing),
    /// All content was erased: the device is as new.
    ContentErased(Nothing),
    /// A backup took the place of everything on the device.
    Restored(Nothing),
    /// The connection to the push service came or went.
    Link(LinkMoved),
    /// The screen was locked or unlocked.
    Lock(Locked),
    Installed(Installed),
    Removed(Nothing),
    /// An app went to the foreground, to the background, or ended.
    AppMoved(AppMoved),
    /// An app's process ended by itself, or couldn't be started.
    Crashed(Crashed),
    /// An app's process was stopped in background, or goes on.
    Suspended(Suspended),
    /// An app sent the user to its page in Settings.
    SettingsOpened(Nothing),
    /// The push service gave a token, or refused to.
    Token(TokenMoved),
    PromptShown(PromptView),
    PromptWithdrawn(Nothing),
    /// A notification came from the push service and is safe.
    Arrived(ArrivedOne),
    /// A notification is to be seen on `surfaces`.
    Presented(NotificationView),
    Sound(Played),
    Badge(BadgeSet),
    /// Notifications are no more to be seen.
    Withdrawn(Withdrawn),
    WillPresent(Asked),
    DidReceive(Responded),
    DidReceiveRemoteNotification(Woken),
    /// A callback of the iOS 9 API.
    LegacyCallback(CalledBack),
    /// The content extension was given a notification that is open, or an action of it.
    ContentExtension(InContentExtension),
    /// The scheduled summary came.
    Summary(Summarised),
    /// The service extension was given a notification, is told that its time is over, or has ended.
    ServiceExtension(InServiceExtension),
    /// What came isn't for the notification center: the framework of its push type has it. Of `voip`, a call was reported.
    HandedOver(HandedOver),
    /// The push service let an app follow a broadcast channel, or refused to.
    Channel(ChannelMoved),
    /// A broadcast came on a channel that an app follows, and is safe.
    Broadcast(BroadcastCame),
    /// What the device said about a notification.
    Receipt(ReceiptSaid),
    /// What a running app shows changed, in words of its own.
    Screen(ScreenShown),
    /// What the user decides changed, outside any app: permission, a switch in Settings, airplane mode.
    Changed(Changed),
}

/// Its kind says it all.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[derive(ToSchema)]
pub(crate) struct LinkMoved {
    connected: bool,
    /// Of one that went.
    why: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct Locked {
    locked: bool,
}

#[derive(ToSchema)]
pub(crate) struct Installed {
    name: String,
    version: String,
}

#[derive(ToSchema)]
pub(crate) struct AppMoved {
    from: AppStateWord,
    to: AppStateWord,
    cause: MoveCause,
}

#[derive(ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MoveCause {
    UserOrSystem,
    Response,
    RemoteNotification,
    OtherAppInForeground,
    BackgroundTimeExpired,
    Locked,
}

/// How a process ended: of `exit_status` and `signal` at most one isn't `null`.
#[derive(ToSchema)]
pub(crate) struct Crashed {
    #[schema(required = true)]
    exit_status: Option<i32>,
    #[schema(required = true)]
    signal: Option<i32>,
    /// If the device ended it for what it didn't do, or couldn't start it.
    #[schema(required = true)]
    why: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct Suspended {
    /// `false`: it goes on.
    suspended: bool,
    /// The numbers of the completion handlers that it never called.
    uncompleted: Option<Vec<u64>>,
}

/// A token that was given, one that was `refused`, or one of a push type's that `ended`.
#[derive(ToSchema)]
pub(crate) struct TokenMoved {
    device_token: Option<String>,
    /// Why there is none.
    refused: Option<String>,
    /// What *didFailToRegisterForRemoteNotificationsWithError* gets.
    error: Option<LocalError>,
    /// Of a token beside the app's own: its push type.
    kind: Option<String>,
    /// Of such a token: which of its push type.
    instance: Option<String>,
    /// The push type of a token that ended.
    ended: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct ArrivedOne {
    seq: u64,
    apns_id: String,
    #[schema(required = true)]
    push_type: Option<String>,
    title: String,
    body: String,
}

#[derive(ToSchema)]
pub(crate) struct Played {
    /// `default`, or a file of the app's.
    sound: String,
    /// It plays past mute switch and Focus.
    critical: bool,
    /// Of a critical one: 0 to 1.
    #[schema(required = true)]
    volume: Option<f64>,
}

#[derive(ToSchema)]
pub(crate) struct BadgeSet {
    /// The app's number; 0 is none.
    badge: u32,
}

#[derive(ToSchema)]
pub(crate) struct Withdrawn {
    identifiers: Vec<String>,
}

#[derive(ToSchema)]
pub(crate) struct Asked {
    identifier: String,
    #[schema(value_type = String, format = DateTime)]
    deadline: String,
}

#[derive(ToSchema)]
pub(crate) struct Responded {
    identifier: String,
    action_identifier: String,
}

#[derive(ToSchema)]
pub(crate) struct Woken {
    #[schema(value_type = String, format = DateTime)]
    deadline: String,
    application_state: ApplicationState,
}

#[derive(ToSchema)]
pub(crate) struct CalledBack {
    callback: CallbackName,
    /// Of `did-register-user-notification-settings`.
    types: Option<Vec<UserNotificationType>>,
    /// Of the others.
    application_state: Option<ApplicationState>,
    /// Of `handle-action`.
    action_identifier: Option<String>,
}

#[derive(ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallbackName {
    DidRegisterUserNotificationSettings,
    DidReceiveRemoteNotification,
    DidReceiveLocalNotification,
    HandleAction,
}

#[derive(ToSchema)]
pub(crate) struct InContentExtension {
    identifier: String,
    /// Of an action.
    action_identifier: Option<String>,
    /// `true`: its process has ended by itself.
    ended: Option<bool>,
}

#[derive(ToSchema)]
pub(crate) struct Summarised {
    /// The most relevant first.
    notifications: Vec<OfApp>,
}

#[derive(ToSchema)]
pub(crate) struct OfApp {
    /// The bundle ID.
    app: String,
    identifier: String,
}

/// It begins with `identifier` and `deadline`.
#[derive(ToSchema)]
pub(crate) struct InServiceExtension {
    call: u64,
    identifier: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    deadline: Option<String>,
    /// `true`: `serviceExtensionTimeWillExpire` was called.
    expiring: Option<bool>,
    /// `true`: its process was ended.
    ended: Option<bool>,
}

#[derive(ToSchema)]
pub(crate) struct HandedOver {
    push_type: String,
    #[schema(required = true)]
    instance: Option<String>,
    apns_id: String,
    #[schema(value_type = Object)]
    payload: serde_json::Value,
}

#[derive(ToSchema)]
pub(crate) struct ChannelMoved {
    channel: String,
    subscribed: bool,
    /// Of a refusal.
    why: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct BroadcastCame {
    channel: String,
    #[schema(required = true)]
    seq: Option<u64>,
    #[schema(required = true)]
    apns_request_id: Option<String>,
    /// `null` if it isn't JSON that can be kept.
    #[schema(value_type = Option<Object>, required = true)]
    payload: Option<serde_json::Value>,
}

#[derive(ToSchema)]
pub(crate) struct ReceiptSaid {
    seq: u64,
    apns_id: String,
    event: ReceiptStage,
    /// Why it is suppressed, or which action it is.
    #[schema(required = true)]
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: String,
}

#[derive(ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReceiptStage {
    Displayed,
    Suppressed,
    Opened,
    Dismissed,
    Action,
}

#[derive(ToSchema)]
#[schema(value_type = Object)]
pub(crate) struct ScreenShown(serde_json::Value);

/// Read again what you know: few changes say more than that there was one.
#[derive(ToSchema)]
pub(crate) struct Changed {
    /// Of a request for permission: the number of the call.
    request: Option<u64>,
    /// What came of it.
    granted: Option<bool>,
    /// Of a journey to another time zone.
    time_zone: Option<String>,
}
