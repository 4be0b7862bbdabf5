//! The `aps` dictionary: every key Apple documents, as a type. Whether the values make sense together is decided
//! in `validate`, what they do on the device by the device.

use serde_json::{Map, Value};

use crate::alert::Alert;
use crate::fields::{Fields, wrong_type};
use crate::finding::Findings;
use crate::nearest::nearest;
use crate::sound::Sound;

pub(crate) const KEYS: [&str; 24] = [
    "alert",
    "badge",
    "sound",
    "thread-id",
    "category",
    "content-available",
    "mutable-content",
    "target-content-id",
    "interruption-level",
    "relevance-score",
    "filter-criteria",
    "stale-date",
    "content-state",
    "timestamp",
    "event",
    "dismissal-date",
    "attributes-type",
    "attributes",
    "input-push-channel",
    "input-push-token",
    "content-changed",
    "url-args",
    "summary-arg",
    "summary-arg-count",
];

/// The `aps` dictionary (*Generating a remote notification*; the Live Activity keys: *Starting and updating Live
/// Activities with ActivityKit push notifications*).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aps {
    pub alert: Option<Alert>,
    /// The number on the app's icon; 0 removes it.
    pub badge: Option<u32>,
    pub sound: Option<Sound>,
    /// Groups notifications.
    pub thread_id: Option<String>,
    /// The category that was registered with the notification's actions.
    pub category: Option<String>,
    /// Wakes the app in the background.
    pub content_available: bool,
    /// Runs the app's service extension before the notification is shown.
    pub mutable_content: bool,
    /// The window to bring forward.
    pub target_content_id: Option<String>,
    pub interruption_level: Option<InterruptionLevel>,
    /// From 0 to 1; any number for a Live Activity.
    pub relevance_score: Option<f64>,
    /// What a Focus filter judges by.
    pub filter_criteria: Option<String>,
    /// Live Activity: outdated from then on, in UNIX seconds.
    pub stale_date: Option<i64>,
    /// Live Activity: the app's own state.
    pub content_state: Option<Map<String, Value>>,
    /// Live Activity: when it was sent, in UNIX seconds; the device ignores what is older than what it has.
    pub timestamp: Option<i64>,
    pub event: Option<LiveActivityEvent>,
    /// Live Activity: removed then, in UNIX seconds.
    pub dismissal_date: Option<i64>,
    /// Live Activity, start only: the name of the attributes' type.
    pub attributes_type: Option<String>,
    /// Live Activity, start only.
    pub attributes: Option<Map<String, Value>>,
    /// Live Activity, start only: the channel, in base64, that updates come by.
    pub input_push_channel: Option<String>,
    /// Live Activity, start only: asks for a token for updates.
    pub input_push_token: bool,
    /// Widgets and controls: reload.
    pub content_changed: bool,
    /// Safari websites: fills the website's URL.
    pub url_args: Vec<String>,
    /// Replaced in the summary of a group (iOS 12 to 14).
    pub summary_arg: Option<String>,
    pub summary_arg_count: Option<u32>,
    /// Keys Apple doesn't document, and documented ones whose value has a wrong type, as received.
    pub unknown: Map<String, Value>,
}

/// How much a notification may interrupt (*UNNotificationInterruptionLevel*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InterruptionLevel {
    /// Listed, without lighting the screen or a sound.
    Passive,
    /// What a notification is that doesn't say.
    Active,
    /// Breaks through Focus, if the app may.
    TimeSensitive,
    /// Breaks through everything, if the app may.
    Critical,
}

impl InterruptionLevel {
    pub const ALL: [Self; 4] = [Self::Passive, Self::Active, Self::TimeSensitive, Self::Critical];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
            Self::TimeSensitive => "time-sensitive",
            Self::Critical => "critical",
        }
    }
}

/// What a Live Activity push does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LiveActivityEvent {
    Start,
    Update,
    End,
}

impl LiveActivityEvent {
    pub const ALL: [Self; 3] = [Self::Start, Self::Update, Self::End];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Update => "update",
            Self::End => "end",
        }
    }
}

impl Aps {
    /// Nothing for the person: no alert, no sound, no badge.
    pub const fn is_silent(&self) -> bool {
        self.alert.is_none() && self.sound.is_none() && self.badge.is_none()
    }

    /// Wakes the app in the background and does nothing else.
    pub const fn is_background_only(&self) -> bool {
        self.content_available && self.is_silent()
    }

    pub(crate) fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let Some(map) = value.as_object() else {
            wrong_type(value, "an object", path, findings);
            return None;
        };
        let mut fields = Fields::new(path, map, findings);
        Some(Self {
            alert: fields.with("alert", Alert::read),
            badge: fields.count("badge"),
            sound: fields.with("sound", Sound::read),
            thread_id: fields.text("thread-id"),
            category: fields.text("category"),
            content_available: fields.one("content-available"),
            mutable_content: fields.one("mutable-content"),
            target_content_id: fields.text("target-content-id"),
            interruption_level: fields.with("interruption-level", |value, path, findings| {
                word(value, &InterruptionLevel::ALL.map(|level| (level.as_str(), level)), path, findings)
            }),
            relevance_score: fields.number("relevance-score"),
            filter_criteria: fields.text("filter-criteria"),
            stale_date: fields.seconds("stale-date"),
            content_state: fields.dictionary("content-state"),
            timestamp: fields.seconds("timestamp"),
            event: fields.with("event", |value, path, findings| {
                word(value, &LiveActivityEvent::ALL.map(|event| (event.as_str(), event)), path, findings)
            }),
            dismissal_date: fields.seconds("dismissal-date"),
            attributes_type: fields.text("attributes-type"),
            attributes: fields.dictionary("attributes"),
            input_push_channel: fields.text("input-push-channel"),
            input_push_token: fields.one("input-push-token"),
            content_changed: fields.truth("content-changed"),
            url_args: fields.texts("url-args"),
            summary_arg: fields.text("summary-arg"),
            summary_arg_count: fields.count("summary-arg-count"),
            unknown: fields.finish(unknown_key),
        })
    }

    /// The dictionary in its shortest form; a flag that isn't set is left out.
    pub fn to_map(&self) -> Map<String, Value> {
        let mut map = self.unknown.clone();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::String);
        let one = |flag: bool| flag.then(|| Value::from(1));
        put("alert", self.alert.as_ref().map(Alert::to_value));
        put("badge", self.badge.map(Value::from));
        put("sound", self.sound.as_ref().map(Sound::to_value));
        put("thread-id", text(&self.thread_id));
        put("category", text(&self.category));
        put("content-available", one(self.content_available));
        put("mutable-content", one(self.mutable_content));
        put("target-content-id", text(&self.target_content_id));
        put("interruption-level", self.interruption_level.map(|level| level.as_str().into()));
        put("relevance-score", self.relevance_score.map(Value::from));
        put("filter-criteria", text(&self.filter_criteria));
        put("stale-date", self.stale_date.map(Value::from));
        put("content-state", self.content_state.clone().map(Value::Object));
        put("timestamp", self.timestamp.map(Value::from));
        put("event", self.event.map(|event| event.as_str().into()));
        put("dismissal-date", self.dismissal_date.map(Value::from));
        put("attributes-type", text(&self.attributes_type));
        put("attributes", self.attributes.clone().map(Value::Object));
        put("input-push-channel", text(&self.input_push_channel));
        put("input-push-token", one(self.input_push_token));
        put("content-changed", self.content_changed.then_some(Value::Bool(true)));
        put("url-args", (!self.url_args.is_empty()).then(|| Value::from(self.url_args.as_slice())));
        put("summary-arg", text(&self.summary_arg));
        put("summary-arg-count", self.summary_arg_count.map(Value::from));
        map
    }
}

/// Reads one of a closed list of words; another one is ignored, and the nearest suggested.
fn word<T: Copy>(
    value: &Value,
    words: &[(&'static str, T)],
    path: &str,
    findings: &mut Findings,
) -> Option<T> {
    let Some(text) = value.as_str() else {
        wrong_type(value, "a string", path, findings);
        return None;
    };
    let found = words.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        let names: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
        let fix = match nearest(text, &names) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("write one of {}", names.join(", ")),
        };
        findings.error(path, "the value is not a word Apple knows, and is ignored", fix);
    }
    found.map(|(_, value)| *value)
}

fn unknown_key(path: &str, key: &str, findings: &mut Findings) {
    if crate::alert::KEYS.contains(&key) {
        findings.error(
            path,
            "this key belongs into alert and is ignored here",
            format!("move it to $.aps.alert.{key}"),
        );
    } else if let Some(known) = nearest(key, &KEYS) {
        findings.error(
            path,
            "Apple doesn't know this key of aps and ignores it",
            format!("did you mean {known}?"),
        );
    } else {
        findings.warning(
            path,
            "Apple doesn't know this key of aps and ignores it",
            "put data of your own beside aps, at the top level",
        );
    }
}
