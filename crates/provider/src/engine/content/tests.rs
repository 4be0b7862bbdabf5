//! What a push says, and what becomes of it on the wire.

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_313_045_067);
const BUNDLE: &str = "com.example.news";
const ID: &str = "019ab000-0000-7000-8000-000000000000";

fn read(push: Value) -> NewPush {
    let Value::Object(mut whole) = push else { panic!("{push} is no push") };
    whole.insert("environment".to_owned(), json!("development"));
    whole.insert("audience".to_owned(), json!({ "user": "ann" }));
    serde_json::from_value(Value::Object(whole)).unwrap()
}

fn message(push: Value) -> Answer<Message> {
    Message::of(&read(push), BUNDLE, ID, NOW)
}

fn field(push: Value) -> String {
    let error = message(push).unwrap_err();
    let EngineError::Invalid { field, problem } = error else { panic!("{error}") };
    assert!(!problem.is_empty());
    field
}

#[test]
fn content_becomes_the_payload_apple_documents() {
    let built = message(json!({ "content": {
        "title": "道", "body": "可道", "badge": 1, "sound": "default", "category": "NEWS", "thread_id": "t",
        "interruption_level": "time-sensitive", "relevance_score": 0.5, "user_info": { "url": "x" },
    } }))
    .unwrap();
    let expected = json!({
        "aps": {
            "alert": { "title": "道", "body": "可道" }, "badge": 1, "sound": "default", "category": "NEWS",
            "thread-id": "t", "interruption-level": "time-sensitive", "relevance-score": 0.5,
        },
        "userInfo": { "url": "x" },
    });
    assert_eq!(Value::Object(built.payload), expected);
    assert_eq!((built.push_type, built.topic.as_str(), built.priority), (PushType::Alert, BUNDLE, None));
}

#[test]
fn a_silent_push_is_of_type_background_and_shows_nothing() {
    let built = message(json!({ "content": { "silent": true } })).unwrap();
    assert_eq!(Value::Object(built.payload), json!({ "aps": { "content-available": 1 } }));
    assert_eq!((built.push_type, built.priority), (PushType::Background, Some(homing_apns::Priority::Five)));
    assert_eq!(field(json!({ "content": { "silent": true, "body": "x" } })), "content.silent");
    let hurried = json!({ "content": { "silent": true }, "options": { "priority": 10 } });
    assert_eq!(field(hurried), "options.priority");
}

#[test]
fn every_payload_says_which_push_and_whose_it_is() {
    let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let whole = read(with_homing(r#"{"aps":{"alert":"}"}}"#, "p", Some("t")));
    assert_eq!(whole, json!({ "aps": { "alert": "}" }, "homing": { "push": "p", "user": "t" } }));
    assert_eq!(read(with_homing("{}", "p", None)), json!({ "homing": { "push": "p" } }));
}

#[test]
fn what_cannot_be_sent_is_refused_by_its_field() {
    let body = json!({ "body": "x" });
    let with = |options: Value| json!({ "content": body, "options": options });
    assert_eq!(field(json!({})), "content");
    assert_eq!(field(json!({ "content": {} })), "content");
    assert_eq!(field(json!({ "content": body, "payload": {} })), "payload");
    assert_eq!(field(json!({ "payload": { "homing": 1 } })), "payload.homing");
    assert_eq!(
        field(json!({ "content": { "body": "x", "interruption_level": "loud" } })),
        "content.interruption_level"
    );
    assert_eq!(field(with(json!({ "priority": 7 }))), "options.priority");
    assert_eq!(field(with(json!({ "collapse_id": "x".repeat(65) }))), "options.collapse_id");
    assert_eq!(field(with(json!({ "collapse_id": "a\nb" }))), "options.collapse_id");
    assert_eq!(field(with(json!({ "expiration": 5 }))), "options.expiration");
    assert_eq!(field(with(json!({ "expiration": -1 }))), "options.expiration");
    for topic in
        ["com.example.newspaper", "org.example.rival", "com.example.news.voip", "", "com.example.news/x"]
    {
        assert_eq!(field(with(json!({ "topic": topic }))), "options.topic", "{topic}");
    }
}

#[test]
fn a_payload_too_large_is_refused_with_its_findings_and_one_byte_less_is_not() {
    let of_len = |len: usize| message(json!({ "content": { "body": "x".repeat(len) } }));
    let limit = PushType::Alert.max_payload_len();
    let longest = (3_000..limit).rev().find(|len| of_len(*len).is_ok()).unwrap();
    let text = Value::Object(of_len(longest).unwrap().payload).to_string();
    assert_eq!(with_homing(&text, ID, Some("0123456789abcdef")).len(), limit);
    let EngineError::Payload { findings, bytes, limit: told } = of_len(longest + 1).unwrap_err() else {
        panic!("it is too large")
    };
    assert_eq!((bytes, told), (limit + 1, limit));
    assert!(findings.iter().any(|finding| finding.path == "$"), "{findings:?}");
}

#[test]
fn a_push_is_tried_until_it_expires_and_at_most_a_day() {
    let until = |expiration: Value| {
        let built =
            message(json!({ "content": { "body": "x" }, "options": { "expiration": expiration } })).unwrap();
        (built.expiration, built.deadline.millis_since(NOW))
    };
    let soon = NOW.secs() + 60;
    assert_eq!(until(Value::Null), (Expiration::Default, PATIENCE_MS));
    assert_eq!(until(json!(0)), (Expiration::Once, NOW_OR_NEVER_MS));
    assert_eq!(until(json!(soon)), (Expiration::At(soon), 59_933));
    assert_eq!(until(json!("2026-11-22T02:05:05Z")), (Expiration::At(soon), 59_933));
    assert_eq!(until(json!(soon * 2)), (Expiration::At(soon * 2), PATIENCE_MS));
}
