//! What the user sets for the whole device, through the API, and what that does to what arrives.

use homing_device::DeviceHost;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::hands::{APP, allow, get, send, start, until};
use crate::push_service::{PushService, Sent};
use crate::said;

const DEVICE: &str = "/v1/devices/iphone";
const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";

async fn put(host: &DeviceHost, path: &str, body: Value) -> Value {
    let (status, answer) = send(host, "PUT", path, body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn publish(service: &PushService, seq: u16, push_type: &str, payload: &Value) {
    let (payload, apns_id) = (payload.to_string(), format!("id-{seq}"));
    let sent = Sent { seq: u64::from(seq), apns_id: &apns_id, push_type, payload: &payload };
    service.publish(seq, &sent);
}

#[tokio::test]
async fn the_push_service_is_told_of_low_power_before_anything_is_subscribed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    assert_eq!(service.seen().low_power, [], "nothing is to be said");
    let low_power = format!("{DEVICE}/low-power");
    assert_eq!(put(&host, &low_power, json!({"low_power": true})).await["low_power"], true);
    service.until("it says so", |seen| seen.low_power == [(true, 1)]).await;
    put(&host, &low_power, json!({"low_power": true})).await;

    service.drop_connections();
    service.until("it says so again, first", |seen| seen.low_power == [(true, 1), (true, 1)]).await;
    service.until("it is back", |seen| seen.subscribed.len() == 2).await;
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    service.until("it is back", |seen| seen.subscribed.len() == 3).await;
    assert_eq!(service.seen().low_power.last(), Some(&(true, 2)), "it is kept over a restart");
    put(&host, &low_power, json!({"low_power": false})).await;
    service.until("it says that, too", |seen| seen.low_power.last() == Some(&(false, 3))).await;
    service.drop_connections();
    service.until("it is back", |seen| seen.subscribed.len() == 4).await;
    assert_eq!(service.seen().low_power.len(), 4);
    host.shutdown().await;
}

#[tokio::test]
async fn focus_summary_and_mute_switch_hold_back_what_the_user_doesnt_want() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    let alert = |score: f64| json!({"aps": {"alert": "n", "sound": "default", "relevance-score": score}});

    let focus = put(&host, &format!("{DEVICE}/focus"), json!({"focus": {"name": "Work"}})).await;
    assert_eq!(focus["focus"]["time_sensitive"], true);
    publish(&service, 1, "alert", &alert(0.0));
    let seen = service.until("it is told", |seen| seen.receipts.len() == 1).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Suppressed, "focus"));
    let shown = get(&host, NOTIFICATIONS).await;
    assert_eq!(shown["notifications"][0]["surfaces"], json!(["notification-center"]));
    assert_eq!(put(&host, &format!("{DEVICE}/focus"), json!({"focus": null})).await, json!({"focus": null}));

    assert_eq!(put(&host, &format!("{DEVICE}/mute"), json!({"muted": true})).await["muted"], true);
    publish(&service, 2, "alert", &alert(0.0));
    let shown = until(&host, NOTIFICATIONS, |shown| shown["notifications"][0]["apns_id"] == "id-2").await;
    assert_eq!(shown["notifications"][0]["sound"], Value::Null);

    let summary = format!("{DEVICE}/summary");
    for bad in [json!(["8:00"]), json!([]), json!(["24:00"])] {
        let body = json!({"summary": {"times": bad, "apps": []}});
        assert_eq!(send(&host, "PUT", &summary, body).await.0, 400);
    }
    let plan = json!({"summary": {"times": ["08:00", "20:30"], "apps": ["com.example.news"]}});
    let planned = put(&host, &summary, plan.clone()).await;
    assert_eq!(planned["summary"], plan["summary"]);
    publish(&service, 3, "alert", &alert(0.1));
    publish(&service, 4, "alert", &alert(0.9));
    let waiting = until(&host, &summary, |summary| summary["waiting"][1].is_object()).await;
    assert_eq!(waiting["waiting"][0]["identifier"], "id-4");
    send(&host, "POST", "/v1/clock/advance", json!({"seconds": 86_400})).await;
    let shown = get(&host, NOTIFICATIONS).await;
    let on_top: Vec<_> =
        shown["groups"][0]["identifiers"].as_array().expect("it is a list").iter().take(2).collect();
    assert_eq!(on_top, ["id-4", "id-3"]);
    assert_eq!(get(&host, &summary).await["waiting"], json!([]));
    host.shutdown().await;
}

#[tokio::test]
async fn groups_summaries_and_hidden_previews_are_as_the_user_and_the_language_want() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    for (seq, thread) in [(1, "a"), (2, "b"), (3, "a")] {
        publish(&service, seq, "alert", &json!({"aps": {"alert": "secret", "thread-id": thread}}));
    }
    let shown = until(&host, NOTIFICATIONS, |shown| shown["notifications"][2].is_object()).await;
    let a = json!({"app": "com.example.news", "thread": "a", "identifiers": ["id-3", "id-1"], "summary": "1 more notification"});
    assert_eq!(shown["groups"][0], a);
    put(&host, &format!("{APP}/settings"), json!({"setting": "grouping", "how": "by-app"})).await;
    assert_eq!(
        send(&host, "PUT", &format!("{DEVICE}/locale"), json!({"locale": "not a language"})).await.0,
        400
    );
    assert_eq!(
        put(&host, &format!("{DEVICE}/locale"), json!({"locale": "zh-Hans"})).await["locale"],
        "zh-Hans"
    );
    let shown = get(&host, NOTIFICATIONS).await;
    assert_eq!(shown["groups"][0]["summary"], "还有 2 个通知");

    put(&host, &format!("{APP}/settings"), json!({"setting": "show-previews", "when": "when-authenticated"}))
        .await;
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"][0]["body"], "secret");
    put(&host, &format!("{DEVICE}/lock"), json!({"locked": true})).await;
    let locked = &get(&host, NOTIFICATIONS).await["notifications"][0];
    assert_eq!((&locked["body"], &locked["preview_hidden"]), (&json!("通知"), &json!(true)));
    let delivered = get(&host, &format!("{APP}/delivered")).await;
    assert_eq!(delivered["delivered"][0]["request"]["content"]["body"], "secret", "the app reads its own");
    host.shutdown().await;
}

#[tokio::test]
async fn silent_notifications_are_throttled_and_the_newest_comes_when_the_app_is_opened() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let driver = json!({"fetch": "new-data"});
    assert_eq!(send(&host, "PUT", &format!("{APP}/driver"), driver).await.0, 204);
    for seq in 1..=5 {
        publish(&service, seq, "background", &json!({"aps": {"content-available": 1}, "number": seq}));
    }
    let seen = service.until("all are told", |seen| seen.receipts.len() == 6).await;
    let reasons: Vec<_> = seen.receipts.iter().map(|receipt| (said(receipt).0, said(receipt).2)).collect();
    let silent = [(1, "silent"), (2, "silent"), (3, "silent")];
    assert_eq!(reasons[..3], silent);
    assert_eq!(reasons[3..], [(4, "throttled"), (4, "superseded"), (5, "throttled")]);
    let arrivals = get(&host, &format!("{DEVICE}/arrivals")).await;
    assert_eq!(arrivals["arrivals"][1]["decision"]["reason"], "superseded");

    let (status, _) = send(&host, "PUT", &format!("{APP}/state"), json!({"state": "foreground"})).await;
    assert_eq!(status, 200);
    let calls = get(&host, &format!("{APP}/calls")).await;
    let numbers: Vec<_> = calls["calls"]
        .as_array()
        .expect("it is a list")
        .iter()
        .filter_map(|call| call["event"]["user_info"]["number"].as_u64())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 5]);
    let arrivals = get(&host, &format!("{DEVICE}/arrivals")).await;
    assert_eq!(arrivals["arrivals"][0]["decision"]["reason"], "silent");
    host.shutdown().await;
}
