//! A notification's life told to people: a heading, then a line per step with what it means.

use homing_trace::{Broadcast, Event, Reason, Stage, Trace};

/// The whole story: with the push it belongs to, and how it stands where there is no step, as far as that is known.
pub(super) fn text(trace: &Trace, push: Option<&str>, standing: Option<&str>) -> String {
    let mut story = format!("notification {}", trace.apns_id);
    if let Some(seq) = trace.seq {
        story.push_str(&format!("  (seq {seq})"));
    }
    if let Some(topic) = &trace.topic {
        story.push_str(&format!("\n  for {topic}"));
        if let Some(environment) = trace.environment {
            story.push_str(&format!(", {environment}"));
        }
    }
    if let Some(unique_id) = &trace.apns_unique_id {
        story.push_str(&format!("\n  apns-unique-id {unique_id}"));
    }
    if let Some(Broadcast { channel, sent, acknowledged, refused }) = &trace.broadcast {
        story.push_str(&format!("\n  on channel {channel}: sent {sent} times, {acknowledged} acknowledged"));
        if *refused > 0 {
            story.push_str(&format!(", {refused} refused by the device"));
        }
    }
    if let Some(push) = push {
        story.push_str(&format!("\n  {push}"));
    }
    if let Some(standing) = standing.filter(|_| trace.events.is_empty()) {
        story.push_str(&format!("\n  {standing}"));
    }
    for event in &trace.events {
        story.push_str(&format!("\n  {}  {:<12}  {}", event.at, event.stage.as_str(), meaning(event)));
    }
    story
}

/// One sentence on what a step means.
fn meaning(event: &Event) -> String {
    let reason = event.reason.as_ref().map_or("", Reason::as_str);
    match event.stage {
        Stage::Accepted => "the push service answered 200".to_owned(),
        Stage::Refused => {
            let known = homing_apns::Reason::from_word(reason);
            format!("{reason}: {}", known.advice())
        }
        Stage::Stored if reason == "low-power" => {
            "low-power: its priority lets it wait while the device saves power".to_owned()
        }
        Stage::Stored => "safe on disk, to be delivered".to_owned(),
        Stage::Replaced => "a newer one for the same app took its place while the device was away".to_owned(),
        Stage::Expired => "apns-expiration passed before it could be delivered".to_owned(),
        Stage::Discarded => format!("{reason}: {}", discarded(reason)),
        Stage::Sent => "handed to the device's connection".to_owned(),
        Stage::Acknowledged => "the device has it safe".to_owned(),
        Stage::Displayed => {
            if reason.is_empty() {
                "shown to the user".to_owned()
            } else {
                format!("shown to the user ({reason})")
            }
        }
        Stage::Suppressed => format!("{reason}: {}", suppressed(reason)),
        Stage::Opened => "the user tapped it".to_owned(),
        Stage::Dismissed => "the user cleared it".to_owned(),
        Stage::Action => format!("the user chose {reason:?}"),
        Stage::Injected => format!("{reason}: {}", injected(reason)),
    }
}

fn injected(reason: &str) -> &'static str {
    match reason {
        "mark-unregistered" => "a tester has marked the token as unregistered",
        "mark-expired" => "a tester has marked the token as expired",
        "fault-refuse" => "a tester's rule had the request refused",
        "fault-delay" => "a tester's rule had the answer wait",
        "fault-silence" => "a tester's rule left the request without an answer, and took nothing",
        "fault-reset" => "a tester's rule reset the request's stream, and took nothing",
        "fault-go-away" => "a tester's rule sent the connection away, and took nothing",
        "fault-drop" => "a tester's rule cut the connection, and took nothing",
        "fault-one-stream" => "a tester's rule lowered the connection to one stream",
        "fault-legacy-status" => "a tester's rule answered a status and closed, and took nothing",
        "fault-legacy-close" => "a tester's rule closed the connection, and took nothing",
        _ => "a tester had it so",
    }
}

fn discarded(reason: &str) -> &'static str {
    match reason {
        "unregistered" => "the registration ended before it could be delivered",
        "device-away" => "the device wasn't connected and apns-expiration was 0, so it was not stored",
        "low-power" => "the device saved power, its priority was below 10 and apns-expiration was 0",
        "too-large-for-device" => "it is larger than the device takes in one packet",
        "channel-deleted" => "its channel was deleted",
        "refused-by-device" => "the device answered that it doesn't take it",
        _ => "the push service gave it up",
    }
}

fn suppressed(reason: &str) -> &'static str {
    match reason {
        "not-permitted" => "the user hasn't allowed this app to show notifications",
        "not-registered" => "the app has unregistered from remote notifications",
        "foreground" => "the app was in front and chose to show nothing",
        "focus" => "a Focus held it back",
        "summary" => "it waits for the scheduled summary",
        "provisional" => "provisional permission: only in the notification list",
        "duplicate" => "the device had it already",
        "superseded" => "a newer one replaced it",
        "silent" => "a background push: the app was told, nothing is shown",
        "throttled" => "too many background pushes: the app wasn't woken",
        "another-user" => "it is for another user than the one signed in to the app",
        "unknown-app" => "the app isn't on the device any more",
        "expired" => "its time had passed when it arrived",
        "not-displayable" => "it has no alert, sound or badge to show",
        "for-framework" => "its push type goes to a framework of its own, not to the notification centre",
        "unreadable" => "its payload isn't a JSON object, or nests more than 64 levels deep",
        _ => "the device didn't show it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use homing_trace::{Environment, UnixMillis};

    #[test]
    fn an_app_that_unregistered_is_told_as_such() {
        let event =
            Event { at: UnixMillis(0), stage: Stage::Suppressed, reason: Some(Reason::NOT_REGISTERED) };
        assert_eq!(meaning(&event), "not-registered: the app has unregistered from remote notifications");
    }

    #[test]
    fn the_story_names_every_step_and_why() {
        let at = |millis: i64| UnixMillis(1_795_313_045_000 + millis);
        let step = |millis, stage, reason| Event { at: at(millis), stage, reason };
        let trace = Trace {
            apns_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".to_owned(),
            seq: Some(12),
            topic: Some("com.example.news".to_owned()),
            environment: Some(Environment::Development),
            events: vec![
                step(0, Stage::Accepted, None),
                step(1, Stage::Stored, None),
                step(2, Stage::Sent, None),
                step(5, Stage::Acknowledged, None),
                step(6, Stage::Suppressed, Some(Reason::NOT_PERMITTED)),
            ],
            apns_unique_id: None,
            broadcast: None,
        };
        insta::assert_snapshot!(text(&trace, Some("of push 7 to reader"), None), @r"
        notification 9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10  (seq 12)
          for com.example.news, development
          of push 7 to reader
          2026-11-22T02:04:05.000Z  accepted      the push service answered 200
          2026-11-22T02:04:05.001Z  stored        safe on disk, to be delivered
          2026-11-22T02:04:05.002Z  sent          handed to the device's connection
          2026-11-22T02:04:05.005Z  acknowledged  the device has it safe
          2026-11-22T02:04:05.006Z  suppressed    not-permitted: the user hasn't allowed this app to show notifications
        ");
    }
}
