//! Rules of Live Activity pushes (*Starting and updating Live Activities with ActivityKit push notifications*).

use crate::aps::{Aps, LiveActivityEvent};
use crate::finding::{Findings, child};
use crate::push_type::PushType;

/// Later than the year 5000 in seconds: the sender wrote milliseconds.
const SURELY_MILLISECONDS: i64 = 100_000_000_000;

pub(super) fn check(aps: &Aps, push_type: PushType, findings: &mut Findings) {
    let mut present = present(aps).into_iter().filter_map(|(key, present)| present.then_some(key));
    if push_type != PushType::LiveActivity {
        if let Some(key) = present.next() {
            findings.warning(
                child("$.aps", key),
                format!("the key is for Live Activities, not for a push of type {push_type}"),
                "send it with push type liveactivity, to the topic with .push-type.liveactivity, or remove it",
            );
        }
        return;
    }
    required(aps, findings);
    dates(aps, findings);
    match aps.event {
        Some(LiveActivityEvent::Start) => start(aps, findings),
        Some(LiveActivityEvent::Update | LiveActivityEvent::End) => running(aps, findings),
        // Already reported as missing or misspelt.
        None => {}
    }
}

/// The keys that mean nothing outside Live Activities.
fn present(aps: &Aps) -> [(&'static str, bool); 9] {
    [
        ("event", aps.event.is_some()),
        ("content-state", aps.content_state.is_some()),
        ("stale-date", aps.stale_date.is_some()),
        ("dismissal-date", aps.dismissal_date.is_some()),
        ("attributes-type", aps.attributes_type.is_some()),
        ("attributes", aps.attributes.is_some()),
        ("input-push-channel", aps.input_push_channel.is_some()),
        ("input-push-token", aps.input_push_token),
        ("timestamp", aps.timestamp.is_some()),
    ]
}

fn missing(aps: &Aps, key: &'static str, fix: &str, findings: &mut Findings) {
    // A key that is there but of a wrong type was reported by the reader.
    if !aps.unknown.contains_key(key) {
        findings.error(child("$.aps", key), "a Live Activity push needs this key", fix);
    }
}

fn required(aps: &Aps, findings: &mut Findings) {
    if aps.event.is_none() {
        missing(aps, "event", "add \"event\": \"start\", \"update\" or \"end\"", findings);
    }
    if aps.timestamp.is_none() {
        missing(aps, "timestamp", "add the time of sending in UNIX seconds", findings);
    }
    if aps.content_state.is_none() {
        missing(aps, "content-state", "add an object that decodes to the app's ContentState", findings);
    }
}

fn start(aps: &Aps, findings: &mut Findings) {
    if aps.attributes_type.is_none() {
        missing(aps, "attributes-type", "add the name of the app's ActivityAttributes type", findings);
    }
    if aps.attributes.is_none() {
        missing(aps, "attributes", "add an object that decodes to that type", findings);
    }
    if aps.alert.is_none() {
        missing(aps, "alert", "add an alert with title and body: a start must be announced", findings);
    }
    if aps.input_push_channel.is_some() && aps.input_push_token {
        findings.error(
            "$.aps.input-push-token",
            "a Live Activity is updated either by a channel or by a token",
            "keep input-push-channel or input-push-token",
        );
    }
}

fn running(aps: &Aps, findings: &mut Findings) {
    let start_only = [
        ("attributes-type", aps.attributes_type.is_some()),
        ("attributes", aps.attributes.is_some()),
        ("input-push-channel", aps.input_push_channel.is_some()),
        ("input-push-token", aps.input_push_token),
    ];
    for (key, present) in start_only {
        if present {
            findings.warning(child("$.aps", key), "the key counts only in a start", "remove it");
        }
    }
    if aps.dismissal_date.is_some() && aps.event == Some(LiveActivityEvent::Update) {
        findings.warning(
            "$.aps.dismissal-date",
            "the date counts only when the Live Activity ends",
            "remove it, or send \"event\": \"end\"",
        );
    }
}

fn dates(aps: &Aps, findings: &mut Findings) {
    let dates = [
        ("timestamp", aps.timestamp),
        ("stale-date", aps.stale_date),
        ("dismissal-date", aps.dismissal_date),
    ];
    for (key, date) in dates {
        if date.is_some_and(|date| date >= SURELY_MILLISECONDS) {
            findings.error(
                child("$.aps", key),
                "the value is a time in milliseconds, but Apple reads seconds",
                "divide it by 1000",
            );
        }
    }
}
