//! Traces: found by label and by token, complete up to the question, in order.

use std::time::Duration;

use super::*;

fn reached(whose: &Subscribed, seq: u64, stage: Stage, at: UnixMillis) -> StageEvent {
    StageEvent::Reached { seq, registration: whose.registration, stage, reason: None, at }
}

fn refused(label: &str, token: Option<&str>, at: UnixMillis) -> StageEvent {
    StageEvent::Refused(Box::new(Refused {
        apns_id: label.into(),
        team: Some("ABCDE12345".into()),
        topic: Some("com.example.news".into()),
        environment: Some(Environment::Production),
        token: token.map(Into::into),
        injected: None,
        reason: Some(Reason::known("BadDeviceToken")),
        at,
    }))
}

#[tokio::test]
async fn a_stored_notification_tells_its_whole_life_in_order() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let label = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
    let seq = stored(bench.away(whose.registration, label));
    for stage in [Stage::Sent, Stage::Sent] {
        bench.store.record(reached(&whose, seq, stage, bench.clock.now())).expect("there is room");
    }
    bench.end(&whose, seq, Stage::Acknowledged, None);
    // What the hub says of the same acknowledgement is told once.
    bench.store.record(reached(&whose, seq, Stage::Acknowledged, bench.clock.now())).expect("there is room");
    // A device's clock may be behind.
    let at = bench.clock.now().plus_millis(-5_000);
    for stage in [Stage::Displayed, Stage::Opened] {
        bench.store.record(reached(&whose, seq, stage, at)).expect("there is room");
    }
    let life = [
        Stage::Accepted,
        Stage::Stored,
        Stage::Sent,
        Stage::Sent,
        Stage::Acknowledged,
        Stage::Displayed,
        Stage::Opened,
    ];
    assert_eq!(bench.stages_of(&label.to_ascii_uppercase()).await, life);
    let traces = bench.store.trace(TraceQuery::ApnsId(label.to_owned()), 10).await.expect("it is read");
    assert_eq!(traces[0].seq, Some(seq));
    assert_eq!(traces[0].apns_id, label);
    assert_eq!(traces[0].environment, Some(Environment::Development));
}

#[tokio::test]
async fn a_receipt_that_comes_again_is_told_once_and_a_redelivery_each_time() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let seq = stored(bench.away(whose.registration, "again"));
    let at = bench.clock.now();
    let later = at.plus_millis(7);
    for (stage, at) in [
        (Stage::Sent, at),
        (Stage::Sent, at),
        (Stage::Displayed, at),
        (Stage::Displayed, at),
        (Stage::Action, at),
        (Stage::Action, later),
    ] {
        bench.store.record(reached(&whose, seq, stage, at)).expect("there is room");
    }
    let life = [
        Stage::Accepted,
        Stage::Stored,
        Stage::Sent,
        Stage::Sent,
        Stage::Displayed,
        Stage::Action,
        Stage::Action,
    ];
    assert_eq!(bench.stages_of("again").await, life);
}

#[tokio::test]
async fn traces_of_one_label_come_in_the_order_of_acceptance_refused_ones_among_them() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let first = stored(bench.away(whose.registration, "Same"));
    bench.clock.advance(Duration::from_secs(1)).expect("nothing is written");
    bench.store.record(refused("SAME", None, bench.clock.now())).expect("there is room");
    bench.clock.advance(Duration::from_secs(1)).expect("nothing is written");
    let last = stored(bench.away(whose.registration, "same"));
    let traces = bench.store.trace(TraceQuery::ApnsId("same".to_owned()), 10).await.expect("it is read");
    let found: Vec<_> = traces.iter().map(|trace| (trace.apns_id.as_str(), trace.seq)).collect();
    assert_eq!(found, [("Same", Some(first)), ("SAME", None), ("same", Some(last))]);
    assert_eq!(traces[1].events[0].reason, Some(Reason::known("BadDeviceToken")));
    let none = bench.store.trace(TraceQuery::ApnsId("other".to_owned()), 10).await.expect("it is read");
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_token_finds_all_of_its_registration_and_what_was_refused_for_it() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let other = bench.subscribe(2).await;
    stored(bench.away(whose.registration, "a"));
    stored(bench.away(other.registration, "b"));
    let once = bench.notification(Expiration::Once, "c");
    bench.append(Place::Away { registration: whose.registration }, &once);
    bench.store.record(refused("d", Some("00FF"), bench.clock.now().plus_millis(10))).expect("there is room");
    let query = TraceQuery::Token { token: "00ff".to_owned(), registration: Some(whose.registration) };
    let traces = bench.store.trace(query, 10).await.expect("it is read");
    let labels: Vec<_> = traces.iter().map(|trace| trace.apns_id.as_str()).collect();
    assert_eq!(labels, ["a", "c", "d"]);
}

#[tokio::test]
async fn a_label_is_found_after_a_crash_took_the_second_file() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    stored(bench.away(whose.registration, "kept"));
    drop(bench);
    for entry in std::fs::read_dir(dir.path()).expect("it exists") {
        let path = entry.expect("it is listed").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("stages.db")) {
            std::fs::remove_file(path).expect("it is removed");
        }
    }
    let bench = Bench::open(dir.path());
    assert_eq!(bench.stages_of("kept").await, [Stage::Accepted, Stage::Stored]);
}

#[tokio::test]
async fn stages_go_after_a_week_and_a_living_notification_is_found_for_a_month() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let seq = stored(bench.away(whose.registration, "patient"));
    bench.store.record(reached(&whose, seq, Stage::Sent, bench.clock.now())).expect("there is room");
    bench.store.record(refused("early", None, bench.clock.now())).expect("there is room");
    assert_eq!(bench.stages_of("early").await, [Stage::Refused]);
    bench.clock.advance(Duration::from_secs(9 * 24 * 60 * 60)).expect("nothing is written");
    bench.store.record(refused("late", None, bench.clock.now())).expect("there is room");
    assert_eq!(bench.stages_of("late").await, [Stage::Refused]);
    assert!(bench.stages(TraceQuery::ApnsId("early".to_owned())).await.is_empty());
    assert_eq!(bench.stages_of("patient").await, [Stage::Accepted, Stage::Stored]);
}

#[tokio::test]
async fn a_receipt_may_speak_only_of_what_its_registration_was_sent() {
    let dir = dir();
    let bench = Bench::open(dir.path());
    let whose = bench.subscribe(1).await;
    let other = bench.subscribe(2).await;
    let kept = stored(bench.away(whose.registration, "kept"));
    let notification = bench.notification(Expiration::Once, "once");
    let Appended::Over { seq: once } =
        bench.append(Place::Away { registration: whose.registration }, &notification)
    else {
        panic!("its device is away")
    };
    for seq in [kept, once] {
        assert!(bench.store.was_sent(whose.registration_no, seq).await.expect("it is read"));
        assert!(!bench.store.was_sent(other.registration_no, seq).await.expect("it is read"));
    }
    assert!(!bench.store.was_sent(whose.registration_no, 1 << 40).await.expect("it is read"));
}
