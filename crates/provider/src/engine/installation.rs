//! Installations: the provider's record of one token, and which user it belongs to. The rules of binding are in
//! `binding`.

use std::collections::BTreeSet;

use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One token of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Installation {
    /// Hex in lower case.
    pub token: String,
    #[schema(value_type = String)]
    pub environment: Environment,
    /// Whoever logged in last and has not logged out.
    pub user: Option<String>,
    /// What the notifications for this user carry, so that the SDK can tell whose they are. Null if the app itself never
    /// logged this user in: then they carry none.
    pub user_tag: Option<String>,
    /// The greatest epoch of a login or logout that is known: a login with a lower one is stale.
    pub epoch: Option<u64>,
    /// Time of the login.
    #[schema(value_type = Option<String>)]
    pub bound_at: Option<UnixMillis>,
    /// When the token was last told: a push service's older word on it doesn't count. 1970 for a token that only a push
    /// has named: then `environment` is that of the last push.
    #[schema(value_type = String)]
    pub registered_at: UnixMillis,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub app_version: Option<String>,
    /// Words of the business for what this installation is interested in; in order.
    pub tags: Vec<String>,
    pub state: InstallationState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_reason: Option<String>,
    /// The push service refused the token since it was last told, in a way that doesn't end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refusal: Option<TokenRefusal>,
}

/// Whether notifications are sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstallationState {
    Live,
    /// The push service said that the token is of no use any more.
    Retired,
}

/// Apple's word against a token: perhaps the environment or the app is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenRefusal {
    /// `BadDeviceToken` or `DeviceTokenNotForTopic`.
    pub reason: String,
    pub advice: String,
    #[schema(value_type = String)]
    pub at: UnixMillis,
}

/// Tells a token, and with `user` logs the user in on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    #[schema(value_type = String)]
    pub environment: Environment,
    /// The business's own id; absent: the binding stays as it is.
    #[serde(default)]
    pub user: Option<String>,
    /// Rises with every login and logout on this token, so that a late request can't undo a newer one. Absent: the
    /// request is the newest.
    #[serde(default)]
    pub epoch: Option<u64>,
    #[serde(default)]
    pub locale: Option<String>,
    #[serde(default)]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub app_version: Option<String>,
    /// All of the installation's tags, at most 100 of 1 to 64 bytes each; absent: they stay as they are.
    #[serde(default)]
    pub tags: Option<BTreeSet<String>>,
}

/// Who tells a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teller {
    /// A server of the business. The app on the device needn't know of it.
    Server,
    /// The app itself, with this user's identity token. If it logs the user in, its SDK knows from then on whose
    /// notifications are wanted: they carry the user's tag.
    App(String),
}

/// A user of an app, who has or had logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    pub user: String,
    /// How many live installations are bound to the user.
    pub installations: u64,
    #[schema(value_type = String)]
    pub last_login_at: UnixMillis,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// What to ask for to get the next part; `None` at the end.
    pub next: Option<String>,
}

/// What a device's app says of a notification, over the provider instead of the push service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub push_id: String,
    pub event: ReportedEvent,
    /// Now, if absent; never later than now.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub at: Option<UnixMillis>,
}

/// What an app can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportedEvent {
    Displayed,
    Opened,
    Dismissed,
    Action,
}
