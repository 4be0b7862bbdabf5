//! What a device remembers of what came, shown or not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::hands::{APP, allow, get, put_state, send, start, until};
use crate::push_service::{PushService, Sent};
use crate::{HELLO, hello};

const ARRIVALS: &str = "/v1/devices/iphone/arrivals";

/// Newest first: number, stage, reason.
fn told(answer: &Value) -> Vec<(u64, &str, &str)> {
    let arrivals = answer["arrivals"].as_array().expect("there is a list");
    let told = arrivals.iter().map(|arrival| {
        let decision = &arrival["decision"];
        let seq = arrival["seq"].as_u64().expect("it is numbered");
        (seq, decision["stage"].as_str().unwrap_or("open"), decision["reason"].as_str().unwrap_or(""))
    });
    told.collect()
}

#[tokio::test]
async fn each_arrival_says_what_became_of_it_and_why() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    service.publish(1, &hello(1, "a"));
    service.until("it says why", |seen| seen.receipts.len() == 1).await;
    allow(&host).await;
    service.publish(2, &hello(2, "b"));
    service.publish(3, &Sent { payload: "7", ..hello(3, "c") });
    service.until("both are told", |seen| seen.receipts.len() == 3).await;
    let shown = get(&host, "/v1/devices/iphone/notifications").await;
    let tapped = json!({"app": "com.example.news", "identifier": shown["notifications"][0]["identifier"]});
    send(&host, "POST", "/v1/devices/iphone/notifications/tap", tapped).await;

    let answer = get(&host, ARRIVALS).await;
    let told = told(&answer);
    let wanted = [(3, "suppressed", "unreadable"), (2, "displayed", ""), (1, "suppressed", "not-permitted")];
    assert_eq!(told, wanted);
    let opened = &answer["arrivals"][1];
    assert_eq!((&opened["title"], &opened["body"]), (&json!("Hello"), &json!("World")));
    assert_eq!((&opened["app_state"], &opened["push_type"]), (&json!("background"), &json!("alert")));
    let surfaces = json!(["banner", "lock-screen", "notification-center", "sound", "badge"]);
    assert_eq!(opened["decision"]["surfaces"], surfaces);
    assert_eq!(opened["responses"][0]["stage"], "opened");
    let why = "The user was told: a banner, the lock screen, the notification list, a sound and the badge.";
    assert_eq!(opened["why"], why);
    let why = answer["arrivals"][2]["why"].as_str().expect("it says why");
    assert!(why.contains("hasn't allowed"), "{why}");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, ARRIVALS).await, answer, "they are kept");
    host.shutdown().await;
}

#[tokio::test]
async fn an_arrival_is_open_while_the_app_thinks() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    put_state(&host, "foreground").await;
    service.publish(1, &hello(1, "a"));
    let answer = until(&host, ARRIVALS, |answer| answer["arrivals"][0]["decision"].is_object()).await;
    assert_eq!(told(&answer), [(1, "suppressed", "foreground")]);
    assert_eq!(answer["arrivals"][0]["app_state"], "foreground");
    host.shutdown().await;
}

#[tokio::test]
async fn the_newest_five_hundred_are_remembered() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let ids: Vec<String> = (1..=520).map(|number| format!("id-{number}")).collect();
    for (number, id) in (1_u16..).zip(&ids) {
        service
            .publish(number, &Sent { seq: number.into(), apns_id: id, push_type: "alert", payload: HELLO });
    }
    let told_of = service.until("all are told", |seen| seen.receipts.len() == 520);
    tokio::time::timeout(Duration::from_secs(60), told_of).await.expect("they are told in time");
    let answer = get(&host, &format!("{ARRIVALS}?limit=500")).await;
    let seqs: Vec<u64> = told(&answer).iter().map(|arrival| arrival.0).collect();
    assert_eq!(seqs, (21..=520).rev().collect::<Vec<u64>>());
    assert_eq!(told(&get(&host, &format!("{ARRIVALS}?limit=2")).await).len(), 2);
    assert_eq!(told(&get(&host, ARRIVALS).await).len(), 100);
    for wrong in ["limit=0", "limit=501", "limit=-1", "limit=many", "skip=1"] {
        let (status, answer) = send(&host, "GET", &format!("{ARRIVALS}?{wrong}"), json!({})).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
        assert!(answer["detail"].is_string(), "{wrong}: {answer}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn what_comes_for_an_app_that_is_gone_is_remembered() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    assert_eq!(send(&host, "DELETE", APP, json!({})).await.0, 204);
    service.publish(1, &hello(1, "a"));
    let answer = until(&host, ARRIVALS, |answer| answer["arrivals"][0]["seq"] == 1).await;
    assert_eq!(told(&answer), [(1, "suppressed", "unknown-app")]);
    assert_eq!(answer["arrivals"][0]["app_state"], Value::Null);
    host.shutdown().await;
}

/// §2.2 and §4.7: the old token stays routable for a while.
#[tokio::test]
async fn the_push_service_may_learn_of_a_removal_only_when_it_sends_something() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    assert_eq!(send(&host, "DELETE", &format!("{APP}?tell=later"), json!({})).await.0, 204);
    assert_eq!(send(&host, "GET", APP, json!({})).await.0, 404);
    service.publish(1, &hello(1, "a"));
    let seen = service.until("it is told then", |seen| seen.unsubscribed.len() == 1).await;
    assert!(seen.acknowledged.contains(&(1, 0)), "taken all the same");
    let seen = service.until("it is said", |seen| seen.receipts.len() == 1).await;
    assert_eq!(crate::said(&seen.receipts[0]), (1, homing_trace::Stage::Suppressed, "unknown-app"));
    let answer = get(&host, ARRIVALS).await;
    assert!(
        answer["arrivals"][0]["why"].as_str().is_some_and(|why| why.contains("isn't on this device")),
        "{answer}"
    );

    // Installed again meanwhile, the old registration ends first.
    let manifest = homing_app::demo::manifest("development").expect("it is a manifest");
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 201);
    service.until("it registers", |seen| seen.subscribed.len() == 2).await;
    assert_eq!(send(&host, "DELETE", &format!("{APP}?tell=later"), json!({})).await.0, 204);
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 201);
    let seen = service.until("it registers anew", |seen| seen.subscribed.len() == 3).await;
    assert_eq!(seen.unsubscribed.len(), 2);
    host.shutdown().await;
}
