//! Whether a payload does what its push type is for (*Sending notification requests to APNs*, the table of push
//! types): Apple may delay or drop one that contradicts it.

use serde_json::Value;

use super::is_meant_as_aps;
use crate::aps::Aps;
use crate::finding::Findings;
use crate::push_type::PushType;
use crate::whole::Payload;

pub(super) fn check(payload: &Payload, push_type: PushType, findings: &mut Findings) {
    match push_type {
        PushType::Alert => alert(payload, findings),
        PushType::Background => background(payload, findings),
        PushType::Controls | PushType::Widgets => reload(payload, push_type, findings),
        PushType::Mdm => mdm(payload, findings),
        PushType::LiveActivity => {
            needs_aps(payload, push_type, findings);
        }
        // Their content is the app's own affair.
        PushType::Complication
        | PushType::FileProvider
        | PushType::Location
        | PushType::PushToTalk
        | PushType::Voip => {}
    }
}

fn needs_aps<'p>(payload: &'p Payload, push_type: PushType, findings: &mut Findings) -> Option<&'p Aps> {
    // An aps that isn't an object, or is misspelt, was reported already.
    if payload.aps.is_none() && !payload.custom.keys().any(|key| is_meant_as_aps(key)) {
        findings.error(
            "$.aps",
            format!("a push of type {push_type} needs aps, and there is none"),
            "add an aps object",
        );
    }
    payload.aps.as_ref()
}

fn alert(payload: &Payload, findings: &mut Findings) {
    // `{}` and `{"aps":{}}` update a Wallet pass.
    let wallet = payload.custom.is_empty() && payload.aps.as_ref().is_none_or(|aps| *aps == Aps::default());
    if wallet {
        findings.note(
            "$",
            "nothing is shown: such a payload only updates Wallet passes",
            "add \"aps\": {\"alert\": …} to show a notification",
        );
        return;
    }
    let Some(aps) = needs_aps(payload, PushType::Alert, findings) else { return };
    if aps.is_background_only() {
        findings.warning(
            "$.aps.content-available",
            "the payload only wakes the app, which is a background push: as an alert it may be delayed or dropped",
            "send it with push type background and priority 5",
        );
    } else if aps.is_silent() && aps.unknown.is_empty() {
        findings.warning(
            "$.aps",
            "there is no alert, badge or sound, so nothing is shown",
            "add an alert, or for a silent push content-available",
        );
    }
}

fn background(payload: &Payload, findings: &mut Findings) {
    let Some(aps) = needs_aps(payload, PushType::Background, findings) else { return };
    if !aps.content_available && !aps.unknown.contains_key("content-available") {
        findings.error(
            "$.aps.content-available",
            "a background push needs this key, without which the app isn't woken",
            "add \"content-available\": 1",
        );
    }
    let visible =
        [("alert", aps.alert.is_some()), ("badge", aps.badge.is_some()), ("sound", aps.sound.is_some())];
    for (key, present) in visible {
        if present {
            findings.error(
                format!("$.aps.{key}"),
                "a background push may have no alert, badge or sound, and Apple may delay or drop it",
                format!("remove {key}, or send it with push type alert"),
            );
        }
    }
}

fn reload(payload: &Payload, push_type: PushType, findings: &mut Findings) {
    let Some(aps) = needs_aps(payload, push_type, findings) else { return };
    if !aps.content_changed && !aps.unknown.contains_key("content-changed") {
        findings.error(
            "$.aps.content-changed",
            format!("a push of type {push_type} reloads nothing without this key"),
            "add \"content-changed\": true",
        );
    }
}

fn mdm(payload: &Payload, findings: &mut Findings) {
    if !payload.custom.get("mdm").is_some_and(Value::is_string) {
        findings.error(
            "$.mdm",
            "a push of type mdm needs the device's PushMagic string here",
            "add \"mdm\": \"<PushMagic>\"",
        );
    }
}
