//! What isn't understood is said, with the number of the call if it could be read.

use homing_local::message::{DeviceMessage, UnknownEvent};

use super::*;

/// What the app is told, and its number; `None` where the stream can only be closed.
fn told(json: &str) -> (Option<(u64, u32)>, String) {
    let error = AppRequest::from_json(json.as_bytes()).expect_err("it can't be understood");
    let reply = error.reply().map(|reply| {
        let Reply::Error(error) = reply.reply else { panic!("an error: {reply:?}") };
        assert_eq!(error.domain, ErrorDomain::Homing);
        (reply.reply_to, error.code)
    });
    (reply, error.to_string())
}

#[test]
fn a_call_of_a_newer_app_is_answered_as_unknown() {
    let (reply, words) = told(r#"{"id": 3, "call": "set-live-activities", "categories": []}"#);
    assert_eq!(reply, Some((3, LocalError::UNKNOWN_CALL)));
    assert!(words.contains("set-live-activities"), "{words}");
}

#[test]
fn a_call_that_does_not_hold_what_it_should_says_what() {
    let table = [
        (r#"{"id": 3, "call": "add"}"#, "request"),
        (r#"{"id": 3, "call": "request-authorization", "options": ["loud"]}"#, "loud"),
        (r#"{"id": 3, "call": "set-badge-count", "count": "one"}"#, "expected i64"),
        (r#"{"id": 3, "call": "set-recipient", "recipient": "everyone"}"#, "everyone"),
        (r#"{"id": 3, "call": "add", "request": {"identifier": "a", "content": {"tittle": "x"}}}"#, "tittle"),
        (
            r#"{"id": 3, "call": "add", "request": {"identifier": "a", "content": {}, "trigger": {"kind": "tide", "hour": 9}}}"#,
            "unknown variant `tide`, expected one of `time-interval`, `calendar`, `location`, `push`",
        ),
        (
            r#"{"id": 3, "call": "add", "request": {"identifier": "a", "content": {}, "trigger": {"kind": "time-interval", "seconds": 60, "repeat": true}}}"#,
            "unknown field `repeat`, expected `seconds` or `repeats`",
        ),
        (
            r#"{"id": 3, "call": "add", "request": {"identifier": "a", "content": {"title": {"loc_key": "K", "loc_arg": ["a"]}}}}"#,
            r#"a text is a string, or {"loc_key": …, "loc_args": […]}"#,
        ),
    ];
    for (json, word) in table {
        let (reply, words) = told(json);
        assert_eq!(reply, Some((3, LocalError::INVALID_ARGUMENT)), "{json}");
        assert!(words.contains(word), "{word} in {words}");
    }
}

#[test]
fn without_a_number_nobody_can_be_answered() {
    for json in ["", "7", "[]", "{}", r#"{"id": -1, "call": "add"}"#, r#"{"id": 1}"#, r#"{"call": "add"}"#] {
        assert_eq!(told(json).0, None, "{json}");
    }
}

#[test]
fn an_event_of_a_newer_device_survives() {
    let json = r#"{"event":"play-dead","notification":null}"#;
    let message = DeviceMessage::from_json(json.as_bytes()).expect("it can be skipped");
    let DeviceMessage::Unknown(UnknownEvent { event, body }) = &message else {
        panic!("unknown: {message:?}")
    };
    assert_eq!((event.as_str(), body.len()), ("play-dead", 1));
    assert_eq!(message.to_json(), json.as_bytes());
}

#[test]
fn a_known_message_of_the_device_must_be_whole() {
    let said =
        |json: &str| DeviceMessage::from_json(json.as_bytes()).expect_err("it isn't whole").to_string();
    assert!(said(r#"{"event": "did-register"}"#).contains("device_token"));
    assert!(said(r#"{"reply_to": 1, "reply": "granted"}"#).contains("granted"));
    assert!(said(r#"{"hello": 1}"#).contains("reply_to"));
}
