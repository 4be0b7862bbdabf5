//! The `sound` of a notification. Which file is played, and how loud, is the device's decision.

use serde_json::{Map, Value};

use crate::fields::{Fields, wrong_type};
use crate::finding::Findings;
use crate::nearest::nearest;

const KEYS: [&str; 3] = ["critical", "name", "volume"];

/// What to play: a name alone, or the dictionary of a critical alert (*Generating a remote notification*).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// A file of the app, or `default`.
    pub name: Option<String>,
    /// Plays even when the device is muted, if the app may.
    pub critical: bool,
    /// From 0 (silent) to 1 (full); for critical alerts only.
    pub volume: Option<f64>,
    /// Keys Apple doesn't document, and documented ones whose value has a wrong type, as received.
    pub unknown: Map<String, Value>,
}

impl Sound {
    /// The system's sound.
    pub fn default_sound() -> Self {
        Self::named("default")
    }

    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    pub(crate) fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let map = match value {
            Value::String(name) => return Some(Self::named(name)),
            Value::Object(map) => map,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                wrong_type(value, "a string or an object", path, findings);
                return None;
            }
        };
        let mut fields = Fields::new(path, map, findings);
        Some(Self {
            name: fields.text("name"),
            critical: fields.one("critical"),
            volume: fields.number("volume"),
            unknown: fields.finish(|path, key, findings| {
                let fix = match nearest(key, &KEYS) {
                    Some(known) => format!("did you mean {known}?"),
                    None => "a sound has the keys critical, name and volume".to_owned(),
                };
                findings.warning(path, "Apple doesn't know this key of a sound and ignores it", fix);
            }),
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let Self { name, critical, volume, unknown } = self;
        if let (Some(name), false, None, true) = (name, critical, volume, unknown.is_empty()) {
            return name.clone().into();
        }
        let mut map = unknown.clone();
        if *critical {
            map.insert("critical".to_owned(), 1.into());
        }
        if let Some(name) = name {
            map.insert("name".to_owned(), name.clone().into());
        }
        if let Some(volume) = volume {
            map.insert("volume".to_owned(), (*volume).into());
        }
        map.into()
    }
}
