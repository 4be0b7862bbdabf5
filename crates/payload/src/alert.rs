//! The `alert` of a notification: the texts a person sees, given or to be localised. Where and whether they are
//! shown is the device's decision.

use serde_json::{Map, Value};

use crate::fields::{Fields, texts, wrong_type};
use crate::finding::{Findings, child};
use crate::localization::resolve;
use crate::nearest::nearest;
use crate::sound::Sound;

pub(crate) const KEYS: [&str; 15] = [
    "title",
    "subtitle",
    "body",
    "launch-image",
    "title-loc-key",
    "title-loc-args",
    "subtitle-loc-key",
    "subtitle-loc-args",
    "loc-key",
    "loc-args",
    "action-loc-key",
    "action",
    "sound",
    "summary-arg",
    "summary-arg-count",
];

/// What a notification says (*Generating a remote notification*). An alert that is a mere string is a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alert {
    pub title: Option<String>,
    pub subtitle: Option<String>,
    pub body: Option<String>,
    pub launch_image: Option<String>,
    pub title_loc_key: Option<String>,
    pub title_loc_args: Vec<String>,
    pub subtitle_loc_key: Option<String>,
    pub subtitle_loc_args: Vec<String>,
    pub loc_key: Option<String>,
    pub loc_args: Vec<String>,
    /// The label of the action button (before iOS 10).
    pub action_loc_key: Option<String>,
    /// The label of the action button (Safari websites).
    pub action: Option<String>,
    /// The sound of a Live Activity's alert; everything else has it beside the alert.
    pub sound: Option<Sound>,
    /// Replaced in the summary of a group (iOS 12 to 14).
    pub summary_arg: Option<String>,
    pub summary_arg_count: Option<u32>,
    /// Keys Apple doesn't document, and documented ones whose value has a wrong type, as received.
    pub unknown: Map<String, Value>,
}

/// The texts of an alert in the language of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertTexts {
    pub title: Option<String>,
    pub subtitle: Option<String>,
    pub body: Option<String>,
}

impl Alert {
    pub fn with_body(body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::default() }
    }

    /// Whether any text would be shown.
    pub fn has_text(&self) -> bool {
        let given = [&self.title, &self.subtitle, &self.body];
        let localized = [&self.title_loc_key, &self.subtitle_loc_key, &self.loc_key];
        given.into_iter().chain(localized).any(|text| text.as_ref().is_some_and(|text| !text.is_empty()))
    }

    /// The texts to show, where `table` finds a key in the app's localised strings. A localisation key wins over
    /// the text beside it; a key the app doesn't have is shown itself.
    pub fn texts(&self, table: impl Fn(&str) -> Option<String>) -> AlertTexts {
        let text = |text: &Option<String>, key: &Option<String>, args: &[String]| match key {
            Some(key) => Some(match table(key) {
                Some(format) => resolve(&format, args),
                None => resolve(key, args),
            }),
            None => text.clone(),
        };
        AlertTexts {
            title: text(&self.title, &self.title_loc_key, &self.title_loc_args),
            subtitle: text(&self.subtitle, &self.subtitle_loc_key, &self.subtitle_loc_args),
            body: text(&self.body, &self.loc_key, &self.loc_args),
        }
    }

    pub(crate) fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let map = match value {
            Value::String(body) => return Some(Self::with_body(body)),
            Value::Object(map) => map,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                wrong_type(value, "a string or an object", path, findings);
                return None;
            }
        };
        let mut fields = Fields::new(path, map, findings);
        let (title, title_key) = Text::split(fields.with("title", Text::read));
        let (body, body_key) = Text::split(fields.with("body", Text::read));
        let mut alert = Self {
            title,
            subtitle: fields.text("subtitle"),
            body,
            launch_image: fields.text("launch-image"),
            title_loc_key: fields.text("title-loc-key"),
            title_loc_args: fields.texts("title-loc-args"),
            subtitle_loc_key: fields.text("subtitle-loc-key"),
            subtitle_loc_args: fields.texts("subtitle-loc-args"),
            loc_key: fields.text("loc-key"),
            loc_args: fields.texts("loc-args"),
            action_loc_key: fields.with("action-loc-key", action_loc_key).flatten(),
            action: fields.text("action"),
            sound: fields.with("sound", Sound::read),
            summary_arg: fields.text("summary-arg"),
            summary_arg_count: fields.count("summary-arg-count"),
            unknown: fields.finish(unknown_key),
        };
        if let (None, Some((key, args))) = (&alert.title_loc_key, title_key) {
            (alert.title_loc_key, alert.title_loc_args) = (Some(key), args);
        }
        if let (None, Some((key, args))) = (&alert.loc_key, body_key) {
            (alert.loc_key, alert.loc_args) = (Some(key), args);
        }
        Some(alert)
    }

    pub(crate) fn to_value(&self) -> Value {
        if let Some(body) = &self.body {
            let body_only = Self { body: Some(body.clone()), ..Self::default() };
            if *self == body_only {
                return body.clone().into();
            }
        }
        let mut map = self.unknown.clone();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::String);
        let texts = |texts: &[String]| (!texts.is_empty()).then(|| Value::from(texts));
        put("title", text(&self.title));
        put("subtitle", text(&self.subtitle));
        put("body", text(&self.body));
        put("launch-image", text(&self.launch_image));
        put("title-loc-key", text(&self.title_loc_key));
        put("title-loc-args", texts(&self.title_loc_args));
        put("subtitle-loc-key", text(&self.subtitle_loc_key));
        put("subtitle-loc-args", texts(&self.subtitle_loc_args));
        put("loc-key", text(&self.loc_key));
        put("loc-args", texts(&self.loc_args));
        put("action-loc-key", text(&self.action_loc_key));
        put("action", text(&self.action));
        put("sound", self.sound.as_ref().map(Sound::to_value));
        put("summary-arg", text(&self.summary_arg));
        put("summary-arg-count", self.summary_arg_count.map(Value::from));
        map.into()
    }
}

/// A title or body: in Live Activities it may itself name a localisation key.
enum Text {
    Given(String),
    Localized { key: String, args: Vec<String> },
}

type LocalizedText = (String, Vec<String>);

impl Text {
    fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Some(Self::Given(text.to_owned()));
        }
        let Some(map) = value.as_object() else {
            wrong_type(value, "a string", path, findings);
            return None;
        };
        let Some(key) = map.get("loc-key").and_then(Value::as_str) else {
            findings.error(
                path,
                "the value is an object without a string loc-key, and is ignored",
                "write a string, or in a Live Activity {\"loc-key\": …, \"loc-args\": […]}",
            );
            return None;
        };
        let args = map.get("loc-args").and_then(|args| texts(args, &child(path, "loc-args"), findings));
        Some(Self::Localized { key: key.to_owned(), args: args.unwrap_or_default() })
    }

    fn split(text: Option<Self>) -> (Option<String>, Option<LocalizedText>) {
        match text {
            None => (None, None),
            Some(Self::Given(text)) => (Some(text), None),
            Some(Self::Localized { key, args }) => (None, Some((key, args))),
        }
    }
}

/// A string, or null for "no button"; the outer `None` is a wrong type.
#[expect(clippy::option_option, reason = "null is a value of its own here")]
fn action_loc_key(value: &Value, path: &str, findings: &mut Findings) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(key) => Some(Some(key.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            wrong_type(value, "a string or null", path, findings);
            None
        }
    }
}

fn unknown_key(path: &str, key: &str, findings: &mut Findings) {
    if let Some(known) = nearest(key, &KEYS) {
        findings.error(
            path,
            "Apple doesn't know this key of an alert and ignores it",
            format!("did you mean {known}?"),
        );
    } else if crate::aps::KEYS.contains(&key) {
        findings.error(
            path,
            "this key belongs beside alert, not into it, and is ignored",
            format!("move it to $.aps.{key}"),
        );
    } else {
        findings.warning(
            path,
            "Apple doesn't know this key of an alert and ignores it",
            "put data of your own beside aps, at the top level",
        );
    }
}
