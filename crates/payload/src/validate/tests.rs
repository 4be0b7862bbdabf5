//! What `validate` says of good payloads and of frequent mistakes.

use super::*;

/// `severity path` of each finding.
fn marks(json: &str, push_type: Option<PushType>) -> Vec<String> {
    validate(json.as_bytes(), push_type).iter().map(|f| format!("{} {}", f.severity, f.path)).collect()
}

fn only(json: &str, push_type: Option<PushType>) -> Finding {
    let findings = validate(json.as_bytes(), push_type);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.into_iter().next().unwrap()
}

#[test]
fn good_payloads_have_no_findings() {
    let good = [
        (r#"{"aps":{"alert":"Hi"}}"#, None),
        (r#"{"aps":{"alert":{"title":"T","body":"B"},"badge":0,"sound":"default"},"url":"https://x"}"#, None),
        (r#"{"aps":{"alert":{"title-loc-key":"K","title-loc-args":["a"]},"mutable-content":1}}"#, None),
        (r#"{"aps":{"content-available":1},"id":5}"#, Some(PushType::Background)),
        (r#"{"aps":{"alert":"x","sound":{"critical":1,"name":"default","volume":0.5}}}"#, None),
        (r#"{"aps":{"timestamp":1700000000,"event":"update","content-state":{"a":1}}}"#, None),
        (
            r#"{"aps":{"timestamp":1700000000,"event":"start","content-state":{},"attributes-type":"A",
                "attributes":{},"alert":{"title":{"loc-key":"K","loc-args":["1"]},"body":"b","sound":"default"},
                "input-push-token":1}}"#,
            None,
        ),
        (r#"{"aps":{"content-changed":true}}"#, Some(PushType::Controls)),
        (r#"{"mdm":"magic"}"#, None),
        (r#"{"caller":"Ann","alert":"x"}"#, Some(PushType::Voip)),
    ];
    for (json, push_type) in good {
        assert_eq!(marks(json, push_type), Vec::<String>::new(), "{json}");
    }
}

#[test]
fn each_frequent_mistake_is_told_with_its_place() {
    let mistakes = [
        (r#"{"aps":{"alert":"x","badge":"3"}}"#, "error $.aps.badge"),
        (r#"{"aps":{"alert":"x","badge":-1}}"#, "error $.aps.badge"),
        (r#"{"aps":{"alert":"x","badge":1.5}}"#, "error $.aps.badge"),
        (r#"{"aps":{"alert":"x","content-available":true}}"#, "error $.aps.content-available"),
        (r#"{"aps":{"alert":"x","content_available":1}}"#, "error $.aps.content_available"),
        (r#"{"aps":{"alert":"x","mutable_content":1}}"#, "error $.aps.mutable_content"),
        (r#"{"aps":{"alert":"x","title":"y"}}"#, "error $.aps.title"),
        (r#"{"aps":{"alert":"x","url":"y"}}"#, "warning $.aps.url"),
        (r#"{"aps":{"alert":{"body":"b","titel":"y"}}}"#, "error $.aps.alert.titel"),
        (r#"{"aps":{"alert":{"body":"b","badge":1}}}"#, "error $.aps.alert.badge"),
        (r#"{"aps":{"alert":{"body":"b","url":1}}}"#, "warning $.aps.alert.url"),
        (
            r#"{"aps":{"alert":{"title-loc-key":"K","title-loc-args":["a",2]}}}"#,
            "error $.aps.alert.title-loc-args[1]",
        ),
        (r#"{"aps":{"alert":{"body":"b","loc-args":["a"]}}}"#, "warning $.aps.alert.loc-args"),
        (r#"{"aps":{"alert":{"body":"b","loc-key":"K"}}}"#, "warning $.aps.alert.body"),
        (r#"{"aps":{"alert":{}}}"#, "warning $.aps.alert"),
        (r#"{"aps":{"alert":"x","sound":{"critical":1,"name":"d","volume":2}}}"#, "error $.aps.sound.volume"),
        (r#"{"aps":{"alert":"x","sound":{"name":"d","volume":1}}}"#, "warning $.aps.sound.volume"),
        (r#"{"aps":{"alert":"x","sound":{"name":"d","critical":true}}}"#, "error $.aps.sound.critical"),
        (r#"{"aps":{"alert":"x","sound":""}}"#, "warning $.aps.sound"),
        (r#"{"aps":{"alert":"x","sound":"d","interruption-level":"passive"}}"#, "warning $.aps.sound"),
        (r#"{"aps":{"alert":"x"},"badge":1}"#, "warning $.badge"),
        (r#"{"aps":{"badge":1},"alert":"x","Simulator Target Bundle":"c.x"}"#, "warning $.alert"),
        (r#"{"aps":{"alert":"x","relevance-score":"1"}}"#, "error $.aps.relevance-score"),
        (r#"{"aps":{"alert":"a","alert":"b"}}"#, "warning $.aps.alert"),
        (r#"{"aps":{"alert":"a"},"x":[{"k":1,"k":2}]}"#, "warning $.x[0].k"),
        (r#"{"aps":{"alert":"a\u0000b"}}"#, "warning $.aps.alert"),
        (r#"{"aps":{"alert":"a"},"x y":null}"#, "note $['x y']"),
        (r#"{"aps":{"mutable-content":1,"badge":1}}"#, "warning $.aps.mutable-content"),
        (r#"{"aps":{"alert":"x","summary-arg":"y"}}"#, "note $.aps.summary-arg"),
        (r#"{"aps":{"alert":"x","stale-date":1700000000}}"#, "warning $.aps.stale-date"),
    ];
    for (json, mark) in mistakes {
        assert_eq!(marks(json, None).first().map(String::as_str), Some(mark), "{json}");
    }
}

#[test]
fn fixes_can_be_copied() {
    let fix = |json: &str| only(json, None).fix;
    assert_eq!(fix(r#"{"aps":{"alert":"x","badge":"3"}}"#), "write 3 without quotes");
    assert_eq!(fix(r#"{"aps":{"alert":"x","content-available":true}}"#), "write 1, or leave the key out");
    assert_eq!(
        fix(r#"{"aps":{"alert":"x","interruption-level":"timeSensitive"}}"#),
        "did you mean \"time-sensitive\"?"
    );
    assert_eq!(fix(r#"{"aps":{"alert":"x","contentAvailable":1}}"#), "did you mean content-available?");
    assert_eq!(fix(r#"{"aps":{"alert":"x","title":"y"}}"#), "move it to $.aps.alert.title");
    assert_eq!(fix(r#"{"aps":{"alert":"x","thread-id":7}}"#), "write \"7\" with quotes");
    assert_eq!(fix(r#"{"Aps":{"alert":"x"}}"#.replace("Aps", "asp").as_str()), "did you mean aps?");
}

#[test]
fn an_alert_beside_aps_is_an_error_when_nothing_else_is_shown() {
    assert_eq!(marks(r#"{"aps":{"thread-id":"t"},"alert":"x"}"#, None), ["error $.alert", "warning $.aps"]);
    assert_eq!(marks(r#"{"alert":"x"}"#, None), ["error $.alert", "error $.aps"]);
}

#[test]
fn a_background_push_must_wake_and_must_not_show() {
    let background = Some(PushType::Background);
    assert_eq!(marks(r#"{"aps":{"alert":"x","content-available":1}}"#, background), ["error $.aps.alert"]);
    assert_eq!(marks(r#"{"aps":{}}"#, background), ["error $.aps.content-available"]);
    assert_eq!(marks(r#"{"aps":{"content-available":"1"}}"#, background), ["error $.aps.content-available"]);
    assert_eq!(
        marks(r#"{"aps":{"content-available":1}}"#, Some(PushType::Alert)),
        ["warning $.aps.content-available"]
    );
    assert_eq!(marks(r#"{"a":1}"#, background), ["error $.aps"]);
}

#[test]
fn a_live_activity_names_what_is_missing() {
    let live = Some(PushType::LiveActivity);
    assert_eq!(
        marks(r#"{"aps":{"event":"start"}}"#, live),
        ["timestamp", "content-state", "attributes-type", "attributes", "alert"]
            .map(|key| format!("error $.aps.{key}"))
    );
    assert_eq!(
        marks(r#"{"aps":{"event":"udpate","timestamp":1700000000000,"content-state":{}}}"#, live),
        ["error $.aps.event", "error $.aps.timestamp"]
    );
    assert_eq!(
        marks(
            r#"{"aps":{"event":"update","timestamp":1,"content-state":{},"dismissal-date":2,"attributes":{}}}"#,
            live
        ),
        ["warning $.aps.attributes", "warning $.aps.dismissal-date"]
    );
}

#[test]
fn widgets_and_mdm_need_their_key() {
    assert_eq!(marks(r#"{"aps":{}}"#, Some(PushType::Widgets)), ["error $.aps.content-changed"]);
    assert_eq!(
        marks(r#"{"aps":{"content-changed":1}}"#, Some(PushType::Widgets)),
        ["error $.aps.content-changed"]
    );
    assert_eq!(marks(r#"{"mdm":1}"#, Some(PushType::Mdm)), ["error $.mdm"]);
}

#[test]
fn the_limit_is_the_push_types_and_exactly_reaching_it_is_fine() {
    let json = |len: usize| {
        let frame = r#"{"aps":{"alert":""}}"#;
        frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(len - frame.len())))
    };
    assert_eq!(marks(&json(4096), None), Vec::<String>::new());
    let finding = only(&json(4097), None);
    assert!(finding.reason.contains("4097 bytes") && finding.reason.contains("4096"), "{finding}");
    assert_eq!(finding.fix, "shorten it by 1 bytes");
    assert_eq!(marks(&json(5120), Some(PushType::Voip)), Vec::<String>::new());
    assert_eq!(marks(&json(5121), Some(PushType::Voip)), ["error $"]);
    let spaced = format!("{}{}", " ".repeat(5000), json(100));
    assert!(only(&spaced, None).fix.contains("without spaces"));
}

#[test]
fn what_cannot_be_read_is_one_error_with_its_place() {
    let reason = |bytes: &[u8]| {
        let findings = validate(bytes, None);
        assert_eq!(findings.len(), 1);
        findings[0].reason.clone()
    };
    assert_eq!(reason(b""), "the payload is empty, and Apple answers 400 PayloadEmpty");
    assert_eq!(reason(b"[1]"), "the payload is an array, not an object");
    assert!(reason(b"{\"aps\":\n {\"alert\":\"x\",}}").contains("trailing comma at line 2, column"));
    assert!(reason(b"{\"aps\":{}} x").contains("trailing characters"));
    assert!(reason(b"{\"aps\":\"\xff\"}").contains("not JSON"));
    assert!(reason(b"\xEF\xBB\xBF{}").contains("byte order mark"));
    assert!(reason(b"{\"aps\":{}}\0").contains("not JSON"));
    assert!(reason(format!("{{\"a\":{}", "[".repeat(100_000)).as_bytes()).contains("127 levels"));
}

#[test]
fn an_apns_file_of_the_simulator_is_fine() {
    let finding = only(r#"{"Simulator Target Bundle":"com.example.news","aps":{"alert":"x"}}"#, None);
    assert_eq!(finding.severity, Severity::Note);
}

#[test]
fn an_empty_aps_is_noted_as_a_wallet_update() {
    assert_eq!(marks("{}", None), ["note $"]);
    assert_eq!(marks(r#"{"aps":{}}"#, None), ["note $"]);
}

#[test]
fn a_relevance_score_lies_between_0_and_1_but_in_a_live_activity() {
    let finding = only(r#"{"aps":{"alert":"x","relevance-score":7}}"#, None);
    assert_eq!((finding.severity, finding.path.as_str()), (Severity::Warning, "$.aps.relevance-score"));
    assert!(marks(r#"{"aps":{"alert":"x","relevance-score":1}}"#, None).is_empty());
}
