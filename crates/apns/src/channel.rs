//! Broadcast channels as Apple's provider protocol has them (*Sending channel management requests to APNs*, *Sending broadcast
//! push notification requests to APNs*): paths, ids, storage policies and bodies. Which channels there are, and who may use
//! them, is decided by the push service.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use serde_json::{Map, Value, json};

use crate::Reason;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

const APPS: &str = "/1/apps/";
const BROADCASTS: &str = "/4/broadcasts/apps/";
/// The push type that channels are for, as Apple writes it in a channel's JSON; it is read in any case.
const LIVE_ACTIVITY: &str = "LiveActivity";

/// A channel's id: opaque bytes, base64 with padding in `apns-channel-id`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(Box<[u8]>);

impl ChannelId {
    /// Most bytes taken. Apple says that an id may be too long, not how long; its own have some ten.
    pub const MAX_LEN: usize = 64;

    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Base64 or base64url, padded or not; what can't be decoded or is too long is [`Reason::BadChannelId`].
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        // Base64 needs four letters for three bytes.
        if value.len() > Self::MAX_LEN.div_ceil(3) * 4 {
            return Err(Reason::BadChannelId);
        }
        let decoded = STANDARD.decode(value).or_else(|_| URL_SAFE.decode(value));
        match decoded {
            Ok(bytes) if (1..=Self::MAX_LEN).contains(&bytes.len()) => Ok(Self(bytes.into())),
            Ok(_) | Err(_) => Err(Reason::BadChannelId),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Without padding, `/` and `+`: as it stands in an MQTT topic or a URL.
    pub fn url_safe(&self) -> String {
        general_purpose::URL_SAFE_NO_PAD.encode(&self.0)
    }
}

impl std::str::FromStr for ChannelId {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::parse(text.as_bytes())
    }
}

impl std::fmt::Display for ChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&general_purpose::STANDARD.encode(&self.0))
    }
}

impl std::fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// What a channel keeps for devices that come later. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoragePolicy {
    /// 0: nothing, for a higher publishing budget.
    Nothing,
    /// 1: the most recent message, for at most eight hours.
    MostRecent,
}

impl StoragePolicy {
    pub const fn number(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::MostRecent => 1,
        }
    }

    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Nothing),
            1 => Some(Self::MostRecent),
            _ => None,
        }
    }
}

/// What is asked of the channels of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelOperation {
    Create,
    Read,
    Delete,
    List,
    Broadcast,
}

/// A request about channels: what is asked, and of which app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRequest<'a> {
    pub operation: ChannelOperation,
    /// As it stands in the path.
    pub bundle_id: &'a str,
    /// An id in the path, where early APNSwift puts it; Apple has it in `apns-channel-id`.
    pub id_in_path: Option<&'a str>,
}

impl<'a> ChannelRequest<'a> {
    /// `None`: the path is not of this family. A path that is none of Apple's, or one that doesn't go with the method:
    /// [`Reason::BadPath`]; a method that no path of the family takes: [`Reason::MethodNotAllowed`].
    pub fn of(method: &str, path: &'a str) -> Option<Result<Self, Reason>> {
        let without_query = |rest: &'a str| rest.split_once('?').map_or(rest, |(rest, _)| rest);
        if let Some(bundle_id) = path.strip_prefix(BROADCASTS) {
            return Some(Self::broadcast(method, without_query(bundle_id)));
        }
        path.strip_prefix(APPS).map(|rest| Self::management(method, without_query(rest)))
    }

    fn broadcast(method: &str, bundle_id: &'a str) -> Result<Self, Reason> {
        if bundle_id.is_empty() || bundle_id.contains('/') {
            return Err(Reason::BadPath);
        }
        if method != "POST" {
            return Err(Reason::MethodNotAllowed);
        }
        Ok(Self { operation: ChannelOperation::Broadcast, bundle_id, id_in_path: None })
    }

    fn management(method: &str, rest: &'a str) -> Result<Self, Reason> {
        let (bundle_id, of_app) = rest.split_once('/').ok_or(Reason::BadPath)?;
        let (what, id_in_path) = match of_app.split_once('/') {
            Some((what, id)) => (what, Some(id).filter(|id| !id.is_empty())),
            None => (of_app, None),
        };
        if bundle_id.is_empty() || !matches!(what, "channels" | "all-channels") {
            return Err(Reason::BadPath);
        }
        let operation = match (what, method, id_in_path) {
            ("channels", "POST", None) => ChannelOperation::Create,
            ("channels", "GET", _) => ChannelOperation::Read,
            ("channels", "DELETE", _) => ChannelOperation::Delete,
            ("all-channels", "GET", None) => ChannelOperation::List,
            (_, "POST" | "GET" | "DELETE", _) => return Err(Reason::BadPath),
            (_, _, _) => return Err(Reason::MethodNotAllowed),
        };
        Ok(Self { operation, bundle_id, id_in_path })
    }
}

/// The paths, for whoever sends a request.
pub mod path {
    /// Create, read and delete.
    pub fn channels(bundle_id: &str) -> String {
        format!("{}{bundle_id}/channels", super::APPS)
    }

    pub fn all_channels(bundle_id: &str) -> String {
        format!("{}{bundle_id}/all-channels", super::APPS)
    }

    pub fn broadcast(bundle_id: &str) -> String {
        format!("{}{bundle_id}", super::BROADCASTS)
    }
}

/// The body that creates a channel: `{"message-storage-policy": 0 or 1, "push-type": "LiveActivity"}`. No JSON object is
/// [`Reason::BadRequestPayload`], another key or a policy that is none [`Reason::BadRequestParams`].
pub fn read_creation(body: &[u8]) -> Result<StoragePolicy, Reason> {
    if body.is_empty() {
        return Err(Reason::PayloadEmpty);
    }
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Reason::BadRequestPayload)?;
    if fields.keys().any(|key| !matches!(key.as_str(), "message-storage-policy" | "push-type")) {
        return Err(Reason::BadRequestParams);
    }
    let push_type = fields.get("push-type").ok_or(Reason::MissingPushType)?;
    if !push_type.as_str().is_some_and(is_live_activity) {
        return Err(Reason::InvalidPushType);
    }
    let policy = fields.get("message-storage-policy").and_then(Value::as_u64);
    policy.and_then(StoragePolicy::from_number).ok_or(Reason::BadRequestParams)
}

/// Whether a broadcast's body is in order: a JSON object, else [`Reason::BadRequestPayload`]. One that would start a Live
/// Activity is the same, since Apple's pages say that a broadcast can't.
pub fn check_broadcast(body: &[u8]) -> Result<(), Reason> {
    if body.is_empty() {
        return Err(Reason::PayloadEmpty);
    }
    let payload: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Reason::BadRequestPayload)?;
    let event = payload.get("aps").and_then(|aps| aps.get("event"));
    match event.and_then(Value::as_str) {
        Some("start") => Err(Reason::BadRequestPayload),
        Some(_) | None => Ok(()),
    }
}

/// The body that creates a channel, and the one that describes it.
pub fn describe(policy: StoragePolicy) -> Vec<u8> {
    json!({"message-storage-policy": policy.number(), "push-type": LIVE_ACTIVITY}).to_string().into_bytes()
}

/// The body of the list of all channels.
pub fn list(ids: &[ChannelId]) -> Vec<u8> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    json!({"channels": ids}).to_string().into_bytes()
}

/// Whether a word names the only push type that channels have, in any case: Apple's pages spell it in three ways.
pub fn is_live_activity(word: &str) -> bool {
    word.eq_ignore_ascii_case(LIVE_ACTIVITY)
}

#[cfg(test)]
mod tests;
