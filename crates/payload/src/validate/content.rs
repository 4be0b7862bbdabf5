//! Rules of the alert, the sound and the other keys of `aps` that hold for every push type.

use crate::alert::Alert;
use crate::aps::{Aps, InterruptionLevel};
use crate::finding::{Findings, child};
use crate::sound::Sound;

pub(super) fn check(aps: &Aps, findings: &mut Findings) {
    if let Some(alert) = &aps.alert {
        check_alert(alert, findings);
        if let Some(sound) = &alert.sound {
            check_sound(sound, "$.aps.alert.sound", findings);
        }
    }
    if let Some(sound) = &aps.sound {
        check_sound(sound, "$.aps.sound", findings);
        if aps.interruption_level == Some(InterruptionLevel::Passive) {
            findings.warning(
                "$.aps.sound",
                "a passive notification plays no sound",
                "remove the sound, or use interruption-level active",
            );
        }
    }
    // A Live Activity, which has an event, may use any number.
    if aps.event.is_none() && aps.relevance_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        findings.warning(
            "$.aps.relevance-score",
            "the score that orders a summary lies between 0 and 1",
            "use a number from 0 to 1",
        );
    }
    if aps.mutable_content && aps.alert.is_none() {
        findings.warning(
            "$.aps.mutable-content",
            "the app's service extension runs only for a notification with an alert",
            "add an alert (the extension may replace its text), or remove mutable-content",
        );
    }
    if aps.summary_arg.is_some() || aps.summary_arg_count.is_some() {
        deprecated_summary("$.aps", aps.summary_arg.is_some(), findings);
    }
}

fn check_alert(alert: &Alert, findings: &mut Findings) {
    const PATH: &str = "$.aps.alert";
    if !alert.has_text() {
        findings.warning(PATH, "the alert has no text, so nothing is shown", "add a title or a body");
    }
    let texts = [
        ("title", alert.title.is_some(), "title-loc-key", &alert.title_loc_key, &alert.title_loc_args),
        (
            "subtitle",
            alert.subtitle.is_some(),
            "subtitle-loc-key",
            &alert.subtitle_loc_key,
            &alert.subtitle_loc_args,
        ),
        ("body", alert.body.is_some(), "loc-key", &alert.loc_key, &alert.loc_args),
    ];
    for (text_key, has_text, loc_key, key, args) in texts {
        if key.is_none() && !args.is_empty() {
            let args_key = loc_key.replace("key", "args");
            findings.warning(
                child(PATH, &args_key),
                format!("there is no {loc_key} whose placeholders these would fill"),
                format!("add {loc_key}, or remove {args_key}"),
            );
        }
        if key.is_some() && has_text {
            findings.warning(
                child(PATH, text_key),
                format!("the {text_key} isn't shown, as {loc_key} wins over it"),
                format!("keep either {text_key} or {loc_key}"),
            );
        }
    }
    if alert.summary_arg.is_some() || alert.summary_arg_count.is_some() {
        deprecated_summary(PATH, alert.summary_arg.is_some(), findings);
    }
}

fn check_sound(sound: &Sound, path: &str, findings: &mut Findings) {
    if let Some(volume) = sound.volume {
        if !(0.0..=1.0).contains(&volume) {
            findings.error(
                child(path, "volume"),
                format!("the volume is {volume}, but goes from 0 (silent) to 1 (full)"),
                "write a number from 0 to 1",
            );
        } else if !sound.critical {
            findings.warning(
                child(path, "volume"),
                "only a critical alert has a volume",
                "add \"critical\": 1 if the app has the entitlement, or remove the volume",
            );
        }
    }
    match &sound.name {
        None => findings.warning(
            path,
            "the sound has no name",
            "add \"name\": \"default\", or the name of a sound file in the app",
        ),
        Some(name) if name.is_empty() => {
            findings.warning(
                path,
                "the sound has an empty name and is silent",
                "write \"default\", or remove it",
            );
        }
        Some(_) => {}
    }
}

fn deprecated_summary(path: &str, arg: bool, findings: &mut Findings) {
    let key = if arg { "summary-arg" } else { "summary-arg-count" };
    findings.note(child(path, key), "only iOS 12 to 14 read this key", "leave it out for newer systems");
}
