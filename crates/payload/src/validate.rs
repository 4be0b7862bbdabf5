//! All that is wrong with a payload: what reading it found, its size, and the rules of its parts and its push type.
//! It says so and decides nothing: whether to send it all the same is the caller's affair.

mod content;
mod live_activity;
mod purpose;

use serde_json::{Map, Value};

use crate::finding::{Finding, Findings, Severity, child, element};
use crate::json::PayloadError;
use crate::nearest::nearest;
use crate::push_type::PushType;
use crate::whole::Payload;

/// The key by which Xcode's Simulator knows the app an `.apns` file is for.
const SIMULATOR_KEY: &str = "Simulator Target Bundle";

/// Everything that is wrong with `bytes` as the payload of a push of `push_type` (inferred when `None`), the gravest
/// first. It never fails: what can't be read at all is a finding, too.
pub fn validate(bytes: &[u8], push_type: Option<PushType>) -> Vec<Finding> {
    let (payload, read) = match Payload::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return vec![unreadable(&error)],
    };
    let mut findings = Findings::default();
    let push_type = push_type.unwrap_or_else(|| payload.inferred_push_type());
    size(bytes.len(), &payload, push_type, &mut findings);
    findings.extend(read);
    beside_aps(&payload, push_type, &mut findings);
    if let Some(aps) = &payload.aps {
        content::check(aps, &mut findings);
        live_activity::check(aps, push_type, &mut findings);
    }
    purpose::check(&payload, push_type, &mut findings);
    odd_values("$", &Value::Object(payload.to_map()), &mut findings);
    findings.into_sorted()
}

fn size(len: usize, payload: &Payload, push_type: PushType, findings: &mut Findings) {
    let limit = push_type.max_payload_len();
    if len <= limit {
        return;
    }
    let compact = payload.to_bytes().len();
    let fix = if compact <= limit {
        format!("write it without spaces and line breaks: then it has {compact} bytes")
    } else {
        format!("shorten it by {} bytes", compact - limit)
    };
    findings.error(
        "$",
        format!(
            "the payload has {len} bytes, a push of type {push_type} may have {limit}, and Apple answers 413 \
             PayloadTooLarge"
        ),
        fix,
    );
}

/// What stands at the top level but isn't the sender's own.
fn beside_aps(payload: &Payload, push_type: PushType, findings: &mut Findings) {
    for key in payload.custom.keys() {
        let path = child("$", key);
        if key == SIMULATOR_KEY {
            findings.note(
                path,
                "only Xcode's Simulator reads this key; sent to a device it is data like any other",
                "leave it in an .apns file, leave it out of what your server sends",
            );
        } else if payload.aps.is_none() && key != "aps" && is_meant_as_aps(key) {
            findings.error(path, "Apple doesn't know this key, and there is no aps", "did you mean aps?");
        } else if takes_alert(push_type) {
            misplaced(payload, key, path, findings);
        }
    }
}

fn is_meant_as_aps(key: &str) -> bool {
    nearest(key, &["aps"]).is_some()
}

/// An aps key at the top level. The sender may mean it as data of its own, so only what can't be missed is an error.
fn misplaced(payload: &Payload, key: &str, path: String, findings: &mut Findings) {
    const LIKELY: [&str; 7] = [
        "alert",
        "badge",
        "sound",
        "content-available",
        "mutable-content",
        "interruption-level",
        "thread-id",
    ];
    if !LIKELY.contains(&key) {
        return;
    }
    let reason = "the key stands beside aps, where Apple reads nothing";
    let fix = format!("move it to $.aps.{key}");
    let shows_nothing = payload.aps.as_ref().is_none_or(crate::Aps::is_silent);
    if key == "alert" && shows_nothing {
        findings.error(path, reason, fix);
    } else {
        findings.warning(path, reason, fix);
    }
}

/// Whether pushes of this type show an alert by their `aps`.
const fn takes_alert(push_type: PushType) -> bool {
    match push_type {
        PushType::Alert | PushType::Background | PushType::LiveActivity => true,
        PushType::Complication
        | PushType::Controls
        | PushType::FileProvider
        | PushType::Location
        | PushType::Mdm
        | PushType::PushToTalk
        | PushType::Voip
        | PushType::Widgets => false,
    }
}

/// Values that are JSON but that apps trip over, wherever they stand. The depth is bounded by the reader.
fn odd_values(path: &str, value: &Value, findings: &mut Findings) {
    match value {
        Value::String(text) if text.contains('\0') => findings.warning(
            path,
            "the string holds a NUL character, at which many programs cut a text off",
            "remove \\u0000",
        ),
        Value::Null if path != "$.aps.alert.action-loc-key" && !path.starts_with("$.aps.") => findings.note(
            path,
            "null is none of the values Apple allows here, and apps that save the payload as a property list fail on it",
            "leave the key out",
        ),
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                odd_values(&element(path, index), value, findings);
            }
        }
        Value::Object(map) => odd_entries(path, map, findings),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn odd_entries(path: &str, map: &Map<String, Value>, findings: &mut Findings) {
    for (key, value) in map {
        let path = child(path, key);
        if key.contains('\0') {
            findings.warning(&path, "the key holds a NUL character", "remove \\u0000");
        }
        odd_values(&path, value, findings);
    }
}

fn unreadable(error: &PayloadError) -> Finding {
    let (reason, fix) = match error {
        PayloadError::Empty => (
            "the payload is empty, and Apple answers 400 PayloadEmpty".to_owned(),
            "send at least {\"aps\":{}}",
        ),
        PayloadError::NotJson { what, line, column } => (
            format!("the payload is not JSON: {what} at line {line}, column {column}"),
            "mend the JSON there",
        ),
        PayloadError::TooDeep { line, column } => (
            format!("the payload nests more than 127 levels deep at line {line}, column {column}"),
            "flatten it",
        ),
        PayloadError::NotAnObject { found } => {
            (format!("the payload is {found}, not an object"), "wrap it in {\"aps\":{…}}")
        }
    };
    Finding { path: "$".to_owned(), severity: Severity::Error, reason, fix: fix.to_owned() }
}

#[cfg(test)]
mod tests;
