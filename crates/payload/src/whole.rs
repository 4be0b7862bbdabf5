//! The whole payload: `aps` and the sender's own keys beside it, read from bytes and written back unchanged.

use serde_json::{Map, Value};

use crate::aps::Aps;
use crate::finding::{Finding, Findings};
use crate::json::{self, PayloadError};
use crate::push_type::PushType;

/// What a provider writes and an app reads.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// `None` where there is none, or it isn't an object.
    pub aps: Option<Aps>,
    /// The keys beside `aps`, as received. (An `aps` that isn't an object is among them.)
    pub custom: Map<String, Value>,
    /// The dictionary this was read from: forms that say the same, such as `1.0` for 1, are written back as they came.
    received: Option<Map<String, Value>>,
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        (&self.aps, &self.custom) == (&other.aps, &other.custom)
    }
}

impl Payload {
    pub fn new(aps: Aps) -> Self {
        Self { aps: Some(aps), custom: Map::new(), received: None }
    }

    /// Sets a key of the sender's own, beside `aps`.
    #[must_use]
    pub fn with_custom(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.custom.insert(key.into(), value.into());
        self
    }

    /// Reads a payload leniently: a key of a wrong type is ignored, kept, and becomes a finding.
    ///
    /// # Errors
    /// Only for bytes that aren't a JSON object, or one nested deeper than 127 levels.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Vec<Finding>), PayloadError> {
        let mut findings = Findings::default();
        let map = json::read(bytes, &mut findings)?;
        let payload = Self::read(map, &mut findings);
        Ok((payload, findings.into_vec()))
    }

    /// Reads a dictionary leniently, as [`Payload::parse`] does.
    pub fn from_map(map: Map<String, Value>) -> (Self, Vec<Finding>) {
        let mut findings = Findings::default();
        let payload = Self::read(map, &mut findings);
        (payload, findings.into_vec())
    }

    fn read(map: Map<String, Value>, findings: &mut Findings) -> Self {
        let (aps, custom) = Self::split(&map, findings);
        Self { aps, custom, received: Some(map) }
    }

    fn split(map: &Map<String, Value>, findings: &mut Findings) -> (Option<Aps>, Map<String, Value>) {
        let aps = map.get("aps").and_then(|aps| Aps::read(aps, "$.aps", findings));
        let mut custom = map.clone();
        if aps.is_some() {
            custom.shift_remove("aps");
        }
        (aps, custom)
    }

    /// The whole dictionary: as received, or if it was changed or built here, in the shortest form that says the
    /// same. Unknown keys are in it.
    pub fn to_map(&self) -> Map<String, Value> {
        if let Some(received) = &self.received {
            let (aps, custom) = Self::split(received, &mut Findings::default());
            if (&aps, &custom) == (&self.aps, &self.custom) {
                return received.clone();
            }
        }
        let mut map = Map::new();
        if let Some(aps) = &self.aps {
            map.insert("aps".to_owned(), aps.to_map().into());
        }
        for (key, value) in &self.custom {
            map.entry(key.clone()).or_insert_with(|| value.clone());
        }
        map
    }

    /// [`Payload::to_map`] as a JSON value: an app's `userInfo`.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_map())
    }

    /// [`Payload::to_map`] as compact JSON, ready to be sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }

    /// The push type to send this under when the sender doesn't say: what the keys are for, else `background` if
    /// it is silent and wakes the app, else `alert`.
    pub fn inferred_push_type(&self) -> PushType {
        let Some(aps) = &self.aps else {
            return if self.custom.contains_key("mdm") { PushType::Mdm } else { PushType::Alert };
        };
        if aps.event.is_some() || aps.content_state.is_some() {
            PushType::LiveActivity
        } else if aps.content_changed && aps.is_silent() {
            PushType::Widgets
        } else if aps.is_background_only() && !aps.mutable_content {
            PushType::Background
        } else {
            PushType::Alert
        }
    }
}
