//! What the push service promises for a device that is away, for one that is there, and for one whose app is gone.

use homing_apns::Expiration;
use homing_testkit::provider::{Answered, new_apns_id};
use homing_trace::Stage;
use serde_json::json;

use crate::home::{Home, IPHONE, NEWS, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_notifications_the_newest_waits_for_a_device_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 5).await;
    let token = home.token().await;
    home.leave().await;

    let first = home.alert("first").await;
    let second = home.alert("second").await;
    let once = home.send(&token, Expiration::Once, json!({"aps": {"alert": "now or never"}})).await;
    assert_eq!(home.story(&first, Stage::Replaced).await, ["accepted", "stored", "replaced"]);
    assert_eq!(home.story(&once, Stage::Discarded).await, ["accepted", "discarded: device-away"]);
    assert_eq!(home.story(&second, Stage::Stored).await, ["accepted", "stored"]);

    home.phone.put(&format!("{IPHONE}/network"), json!({"online": true})).await.unwrap();
    let story = home.story(&second, Stage::Suppressed).await;
    assert_eq!(story, ["accepted", "stored", "sent", "acknowledged", "suppressed: not-permitted"]);

    // One that has expired by then is delivered no more.
    home.leave().await;
    let clock = home.phone.get("/v1/clock").await.unwrap();
    let now: homing_trace::UnixMillis = clock["now"].as_str().unwrap().parse().unwrap();
    let late = home.send(&token, Expiration::At(now.secs() + 3_600), json!({"aps": {"alert": "late"}})).await;
    home.phone.post("/v1/clock/advance", json!({"seconds": 7_200})).await.unwrap();
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": true})).await.unwrap();
    assert_eq!(home.story(&late, Stage::Expired).await, ["accepted", "stored", "expired"]);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connected_device_gets_every_one_of_a_burst_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 6).await;
    home.allow().await;
    home.state("background").await;
    let mut sent = Vec::new();
    for number in 0..40 {
        sent.push(home.alert(&format!("number {number}")).await);
    }
    home.story(sent.last().unwrap(), Stage::Displayed).await;
    let mut seqs = Vec::new();
    for apns_id in &sent {
        let story = home.story(apns_id, Stage::Displayed).await;
        assert_eq!(story, ["accepted", "stored", "sent", "acknowledged", "displayed"]);
        seqs.push(home.trace(apns_id).await[0].seq.unwrap());
    }
    assert!(seqs.is_sorted(), "{seqs:?}");
    let mut shown: Vec<String> =
        home.shown().await.iter().map(|shown| shown["apns_id"].as_str().unwrap().to_owned()).collect();
    shown.reverse();
    assert_eq!(shown, sent, "the newest is on top");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_app_is_removed_the_next_send_gets_410_with_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 7).await;
    let token = home.token().await;
    home.phone.delete(NEWS).await.unwrap();
    let refusal = wait(async || {
        let answered = home
            .provider
            .send(&token, new_apns_id().unwrap(), Expiration::Default, r#"{"aps":{"alert":"gone"}}"#)
            .await
            .unwrap();
        match answered {
            Answered::Refused { status, refusal } => Some((status, refusal)),
            Answered::Accepted | Answered::NotTaken | Answered::Unknown => None,
        }
    });
    let (status, refusal) = refusal.await;
    assert_eq!((status, refusal.reason), (410, homing_apns::Reason::Unregistered));
    assert!(refusal.timestamp.is_some());
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_nests_too_deeply_for_a_device_is_accounted_for_and_the_next_one_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 82).await;
    home.allow().await;
    home.state("background").await;
    let token = home.token().await;
    // With the payload itself one level more.
    let nested = |levels: usize| (2..levels).fold(json!({}), |inner, _| json!({"a": inner}));
    for (levels, said) in [
        (64, "displayed"),
        (65, "suppressed: unreadable"),
        (127, "suppressed: unreadable"),
        (500, "suppressed: unreadable"),
    ] {
        let payload = json!({"aps": {"alert": "deep"}, "a": nested(levels)});
        let apns_id = home.send(&token, Expiration::Default, payload).await;
        let stage = if levels > 64 { Stage::Suppressed } else { Stage::Displayed };
        let story = home.story(&apns_id, stage).await;
        assert_eq!(story, ["accepted", "stored", "sent", "acknowledged", said], "{levels} levels");
    }
    let plain = home.alert("plain").await;
    home.story(&plain, Stage::Displayed).await;
    home.homing.stop().await.unwrap();
}
