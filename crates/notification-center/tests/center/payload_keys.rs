//! Device facts §4.1: what each key of a payload comes to, and that a value of a wrong type takes only its own key along.

use serde_json::Value;

use super::*;

fn content_of(aps: &Value) -> NotificationContent {
    let payload = json!({"aps": aps, "story": 7}).to_string();
    Phone::new().center.content_of(NEWS, payload.as_bytes()).expect("it can be read")
}

fn whole() -> Value {
    json!({
        "alert": {
            "title": "t", "subtitle": "s", "body": "b", "launch-image": "l", "summary-arg": "a",
            "summary-arg-count": 2
        },
        "badge": 3, "sound": {"critical": 1, "name": "chime.caf", "volume": 0.5}, "thread-id": "th",
        "category": "c", "target-content-id": "w", "filter-criteria": "f", "interruption-level": "passive",
        "relevance-score": 0.5
    })
}

/// The content as an object of its fields, without the payload itself.
fn fields(aps: &Value) -> serde_json::Map<String, Value> {
    let content = content_of(aps);
    assert_eq!(content.user_info["story"], 7);
    assert_eq!(&content.user_info["aps"], aps, "the whole payload, as it came");
    let mut fields = serde_json::to_value(content).expect("it is JSON");
    let fields = fields.as_object_mut().expect("it is an object");
    fields.remove("user_info");
    std::mem::take(fields)
}

#[test]
fn each_key_comes_to_its_field() {
    let wanted = json!({
        "title": "t", "subtitle": "s", "body": "b", "badge": 3,
        "sound": {"name": "chime.caf", "critical": true, "volume": 0.5}, "category_identifier": "c",
        "thread_identifier": "th", "target_content_identifier": "w", "interruption_level": "passive",
        "relevance_score": 0.5, "filter_criteria": "f", "summary_argument": "a", "summary_argument_count": 2,
        "launch_image_name": "l"
    });
    assert_eq!(Value::Object(fields(&whole())), wanted);
    let outside = content_of(&json!({"alert": "b", "summary-arg": "a", "summary-arg-count": 2}));
    assert_eq!((outside.summary_argument.as_str(), outside.summary_argument_count), ("a", Some(2)));
}

#[test]
fn a_value_of_a_wrong_type_is_as_if_its_key_were_not_there() {
    let without = |path: &[&str]| {
        let mut aps = whole();
        match path {
            [key] => drop(aps.as_object_mut().expect("an object").remove(*key)),
            [outer, key] => drop(aps[*outer].as_object_mut().expect("an object").remove(*key)),
            _ => panic!("one or two keys"),
        }
        fields(&aps)
    };
    let with = |path: &[&str], value: &Value| {
        let mut aps = whole();
        match path {
            [key] => aps[*key] = value.clone(),
            [outer, key] => aps[*outer][*key] = value.clone(),
            _ => panic!("one or two keys"),
        }
        fields(&aps)
    };
    let no_text = [json!(1), json!(true), json!([]), json!({}), json!(null)];
    let no_number = [json!("1"), json!([]), json!({}), json!(null)];
    let table: [(&[&str], &[Value]); 15] = [
        (&["alert"], &[json!(1), json!(true), json!([]), json!(null)]),
        (&["alert", "title"], &no_text),
        (&["alert", "subtitle"], &no_text),
        (&["alert", "body"], &no_text),
        (&["alert", "launch-image"], &no_text),
        (&["alert", "summary-arg"], &no_text),
        (&["alert", "summary-arg-count"], &no_number),
        (&["badge"], &[json!("1"), json!(-1), json!(1.5), json!([]), json!({}), json!(null)]),
        (&["sound"], &[json!(1), json!([]), json!(null)]),
        (&["sound", "volume"], &no_number),
        (&["thread-id"], &no_text),
        (&["category"], &no_text),
        (&["target-content-id"], &no_text),
        (&["filter-criteria"], &no_text),
        (&["interruption-level"], &[json!(1), json!("loud"), json!([]), json!(null)]),
    ];
    for (path, values) in table {
        for value in values {
            assert_eq!(with(path, value), without(path), "{path:?}: {value}");
        }
    }
    for value in &no_number {
        let path: &[&str] = &["relevance-score"];
        assert_eq!(with(path, value), without(path), "{path:?}: {value}");
    }
    for (key, value) in [("content-available", json!("yes")), ("mutable-content", json!([]))] {
        let mut aps = whole();
        aps[key] = value;
        assert_eq!(fields(&aps), fields_of_whole(), "{key}");
    }
}

fn fields_of_whole() -> serde_json::Map<String, Value> {
    fields(&whole())
}

/// Attachments and intents are an extension's to add: a payload that speaks of them says nothing.
#[test]
fn a_payload_attaches_nothing() {
    let mut aps = whole();
    aps["attachments"] =
        json!([{"identifier": "a", "url": "file:///etc/passwd", "found": {"found": "missing"}}]);
    aps["communication"] = json!({"intent": "send-message"});
    assert_eq!(fields(&aps), fields_of_whole());
}
