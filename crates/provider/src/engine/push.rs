//! A push: what is asked for, and what is said of it and its notifications afterwards.

use std::collections::BTreeMap;

use homing_payload::PushType;
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::app::Policy;

/// One request to the provider: content, audience, options.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPush {
    #[schema(value_type = String)]
    pub environment: Environment,
    pub audience: Audience,
    /// The app's own when absent.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Either this or `payload`.
    #[serde(default)]
    pub content: Option<Content>,
    /// The payload as it is to be sent; `homing` is added beside `aps`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Map<String, Value>>,
    #[serde(default)]
    pub options: PushOptions,
}

/// Whom a push is for: one of these keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "AudienceWish")]
pub enum Audience {
    User(String),
    Users(Vec<String>),
    Token(String),
    Tokens(Vec<String>),
    /// All live installations that have this tag.
    Tag(String),
}

/// An audience as it is written: read so that two keys, or none, are refused in words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AudienceWish {
    user: Option<String>,
    users: Option<Vec<String>>,
    token: Option<String>,
    tokens: Option<Vec<String>>,
    tag: Option<String>,
}

impl TryFrom<AudienceWish> for Audience {
    type Error = &'static str;

    fn try_from(wish: AudienceWish) -> Result<Self, Self::Error> {
        let AudienceWish { user, users, token, tokens, tag } = wish;
        let (by_user, by_token) = (
            [user.map(Self::User), users.map(Self::Users)],
            [token.map(Self::Token), tokens.map(Self::Tokens)],
        );
        let named = by_user.into_iter().chain(by_token).chain([tag.map(Self::Tag)]);
        let mut named = named.flatten();
        match (named.next(), named.next()) {
            (Some(audience), None) => Ok(audience),
            (Some(_), Some(_)) | (None, _) => {
                Err("name exactly one of `user`, `users`, `token`, `tokens`, `tag`")
            }
        }
    }
}

impl Audience {
    /// Most users or tokens of one push.
    pub const MAX: usize = 10_000;
}

/// Whom a push was for, as it is shown afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AudienceView {
    /// Of a long list the first names.
    #[serde(flatten)]
    pub audience: Audience,
    /// How many more there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<usize>,
}

impl AudienceView {
    pub(super) fn cut(names: &[String], most: usize, of: impl FnOnce(Vec<String>) -> Audience) -> Self {
        let shown = names.iter().take(most).cloned().collect();
        Self { audience: of(shown), more: names.len().checked_sub(most).filter(|more| *more > 0) }
    }
}

/// What to say, without Apple's words for it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Content {
    pub title: Option<String>,
    pub subtitle: Option<String>,
    pub body: Option<String>,
    pub badge: Option<u32>,
    /// A sound of the app, or `default`.
    pub sound: Option<String>,
    pub category: Option<String>,
    pub thread_id: Option<String>,
    /// `passive`, `active`, `time-sensitive` or `critical`.
    pub interruption_level: Option<String>,
    pub relevance_score: Option<f64>,
    /// Wakes the app and shows nothing.
    pub silent: bool,
    /// Goes to the payload's `userInfo`.
    #[schema(value_type = Option<Object>)]
    pub user_info: Option<Map<String, Value>>,
}

/// How to deliver it: Apple's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PushOptions {
    /// Told from the payload when absent.
    #[schema(value_type = Option<String>)]
    pub push_type: Option<PushType>,
    /// 10, 5 or 1.
    pub priority: Option<u8>,
    pub expiration: Option<ExpirationWish>,
    pub collapse_id: Option<String>,
    /// The bundle ID with the push type's suffix when absent.
    pub topic: Option<String>,
}

/// 0 (now or never), seconds since 1970, or RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "an expiration is 0, seconds since 1970, or a time as RFC 3339 has it")]
pub enum ExpirationWish {
    Seconds(i64),
    #[schema(value_type = String)]
    At(UnixMillis),
}

/// The name by which a request may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// [`super::ServerKey::id`] of who asks.
    pub server_key: String,
    /// At most 255 bytes.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_digest: [u8; 32],
}

/// What a push became at once. It is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Created {
    pub push_id: String,
    pub state: PushState,
    pub planned: u64,
    /// One sentence, when nobody or not everybody can be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether this is the answer to an earlier request under the same `Idempotency-Key`.
    #[serde(skip)]
    pub replayed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushState {
    Sending,
    /// Every notification was accepted, refused, withdrawn or given up.
    Finished,
}

/// A push as it stands, without its notifications.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Push {
    pub push_id: String,
    #[schema(value_type = String)]
    pub environment: Environment,
    pub state: PushState,
    #[schema(value_type = String)]
    pub created_at: UnixMillis,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<UnixMillis>,
    pub audience: AudienceView,
    pub policy: Policy,
    /// As it is sent, but for the user's tag.
    #[schema(value_type = Object)]
    pub payload: Map<String, Value>,
    pub counts: Counts,
    pub reasons: Reasons,
    /// Why not everybody is reached, or what keeps it from being sent now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A push with a part of its notifications, in the order of planning.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PushDetail {
    #[serde(flatten)]
    pub push: Push,
    pub notifications: Vec<Notification>,
    /// Whether there are more than these.
    pub notifications_truncated: bool,
}

/// The funnel: how many notifications came how far. Each counts once in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    pub planned: u64,
    /// Handed to a connection at least once, and answered or of unknown outcome.
    pub sent: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Given up: at the deadline, or because it can't be sent.
    pub failed: u64,
    /// Not sent, because the binding changed or the installation ended before hand-over.
    pub withdrawn: u64,
    pub delivered: u64,
    pub displayed: u64,
    pub suppressed: u64,
    pub opened: u64,
    pub dismissed: u64,
    pub action: u64,
}

/// Why not, at each step: how many notifications for each word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reasons {
    pub refused: BTreeMap<String, u64>,
    pub failed: BTreeMap<String, u64>,
    pub withdrawn: BTreeMap<String, u64>,
    pub suppressed: BTreeMap<String, u64>,
    /// Accepted but not delivered: `expired`, `replaced`, or why the push service discarded it.
    pub ended: BTreeMap<String, u64>,
}

/// One notification of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notification {
    pub apns_id: String,
    pub token: String,
    /// Whom it is for; `null` when the token was bound to nobody.
    pub user: Option<String>,
    pub state: NotificationState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    pub delivered: bool,
    pub displayed: bool,
    /// Why the device didn't show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
    pub opened: bool,
    pub dismissed: bool,
    pub action: bool,
    /// Of the last that is known of it.
    #[schema(value_type = String)]
    pub at: UnixMillis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationState {
    Planned,
    /// Tried at least once; will be tried again.
    Sending,
    Accepted,
    Refused,
    Failed,
    Withdrawn,
}

/// A notification with everything the provider knows of it, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct History {
    pub apns_id: String,
    pub push_id: String,
    pub token: String,
    #[schema(value_type = String)]
    pub environment: Environment,
    pub user: Option<String>,
    pub events: Vec<HistoryEvent>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HistoryEvent {
    #[schema(value_type = String)]
    pub at: UnixMillis,
    /// `planned`, `sent`, `failed`, `withdrawn`, or a word of the trace.
    pub stage: &'static str,
    pub reason: Option<String>,
}

/// Whose notifications are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryQuery {
    User(String),
    /// In either case.
    ApnsId(String),
    /// In either case.
    Token(String),
}

/// What changed of an app's pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushChange {
    /// The push of this id, and perhaps others too.
    Changed(String),
    /// More changed than could be told: read again what you watch.
    Many,
}
