//! Properties of reading, writing and truncating payloads, over arbitrary JSON and arbitrary bytes.

use homing_payload::{Payload, PushType, resolve, validate};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// JSON in which the keys of a payload occur often, with values of all types.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2i32..4).prop_map(Value::from),
        (-1000.0..1000.0f64).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["start", "passive", "default", "%1$@ %@ %", "a\u{0}b"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner).prop_map(Value::Object),
        ]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    const KEYS: [&str; 16] = [
        "aps",
        "alert",
        "badge",
        "sound",
        "title",
        "body",
        "loc-key",
        "loc-args",
        "content-available",
        "event",
        "critical",
        "volume",
        "interruption-level",
        "content-state",
        "timestamp",
        "mdm",
    ];
    let key = prop_oneof![3 => prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
    prop::collection::vec((key, value), 0..8).prop_map(|entries| entries.into_iter().collect())
}

fn payload() -> impl Strategy<Value = Map<String, Value>> {
    (object(json()), object(json()), any::<bool>()).prop_map(|(mut custom, aps, with_aps)| {
        if with_aps {
            custom.insert("aps".to_owned(), Value::Object(aps));
        }
        custom
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_or_the_judge_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Payload::parse(&bytes);
        validate(&bytes, None);
    }

    #[test]
    fn no_json_makes_the_judge_panic(map in payload(), push_type in prop::sample::select(PushType::ALL.to_vec())) {
        let bytes = serde_json::to_vec(&map).unwrap();
        validate(&bytes, Some(push_type));
        validate(&bytes, None);
    }

    #[test]
    fn what_was_received_is_written_back(map in payload()) {
        let bytes = serde_json::to_vec(&map).unwrap();
        let (payload, _) = Payload::parse(&bytes).unwrap();
        prop_assert_eq!(payload.to_value(), serde_json::from_slice::<Value>(&bytes).unwrap());
    }

    #[test]
    fn the_shortest_form_says_the_same(map in payload()) {
        let (mut payload, _) = Payload::from_map(map);
        // A change makes it be written anew rather than as received.
        payload.custom.insert("changed".to_owned(), true.into());
        let (again, _) = Payload::from_map(payload.to_map());
        prop_assert_eq!(again, payload);
    }

    #[test]
    fn truncating_fits_and_changes_the_body_only(body in "\\PC{0,200}", limit in 0usize..400, extra in "\\PC{0,20}") {
        let json = serde_json::json!({"aps": {"alert": {"body": body, "title": extra}}, "k": [extra]}).to_string();
        let (payload, _) = Payload::parse(json.as_bytes()).unwrap();
        match payload.truncated(limit) {
            Ok(short) => {
                prop_assert!(short.to_bytes().len() <= limit);
                let mut value = short.to_value();
                let cut = value["aps"]["alert"]["body"].as_str().unwrap().to_owned();
                let kept = cut.strip_suffix('…').filter(|_| cut != body).unwrap_or(&cut);
                prop_assert!(body.starts_with(kept));
                value["aps"]["alert"]["body"] = body.into();
                prop_assert_eq!(value, payload.to_value());
            }
            Err(error) => prop_assert!(error.shortest > limit && error.len == payload.to_bytes().len()),
        }
    }

    #[test]
    fn any_format_and_any_arguments_resolve(format in "[%@$0-9a%]{0,30}", args in prop::collection::vec("\\PC{0,5}", 0..4)) {
        resolve(&format, &args);
    }

    #[test]
    fn a_format_without_percent_signs_is_its_own_text(format in "[^%]{0,40}") {
        prop_assert_eq!(resolve(&format, &[]), format);
    }
}
