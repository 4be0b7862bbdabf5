//! A device on a push service: what it keeps, what it says, and what its user sees.

mod api;
mod apple_names;
mod arrivals;
mod attachments;
mod backups;
mod channels;
mod clock;
mod conditions;
mod content_extensions;
mod crowd;
mod described;
mod driven;
mod errors;
mod fleet;
mod hands;
mod hostile_apps;
mod legacy;
mod lock;
mod own_calls;
mod permission;
mod power;
mod process_calls;
mod processes;
mod push_service;
mod recipient;
mod refused;
mod registrations;
mod sdk;
mod seen;
mod socket;
mod touch;
mod triggers;

use hands::{APP, allow, get, put_state, send, start, try_start, until};
use homing_trace::{Receipt, Stage};
use push_service::{PushService, Sent};
use serde_json::json;

const REGISTRATION: &str = "development/com.example.news";
const HELLO: &str = r#"{"aps":{"alert":{"title":"Hello","body":"World"},"sound":"default","badge":3},"userInfo":{"url":"https://news.example/7"}}"#;

fn hello(seq: u64, apns_id: &str) -> Sent<'_> {
    Sent { seq, apns_id, push_type: "alert", payload: HELLO }
}

fn said(receipt: &Receipt) -> (u64, Stage, &str) {
    (receipt.seq, receipt.event, receipt.reason.as_ref().map_or("", |reason| reason.as_str()))
}

#[tokio::test]
async fn a_device_enrols_once_and_its_app_gets_the_token() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let token = service.token(REGISTRATION);
    let app = until(&host, APP, |app| app["screen"]["device_token"] == token.as_str()).await;
    assert_eq!(app["state"], "background");
    assert_eq!(app["authorization_status"], "not-determined");
    assert_eq!(get(&host, &format!("{APP}/token")).await["device_token"], token.as_str());
    let named = ("iphone".to_owned(), "com.example.news".to_owned());
    assert_eq!(host.tokens().borrow().get(&named), Some(&token));
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    let seen =
        service.until("it connects again", |seen| seen.connections == 2 && seen.subscribed.len() == 2).await;
    assert_eq!(seen.enrolments, 1);
    let app = get(&host, APP).await;
    assert_eq!(app["device_token"], token.as_str());
    assert_eq!(app["state"], "ended", "a restart of the device starts no app");
    assert_eq!(get(&host, "/v1/devices/00000000000000ab").await["name"], "iphone");
    host.shutdown().await;
}

#[tokio::test]
async fn a_wrong_enrolment_key_is_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = try_start(dir.path(), &service, "bad").await.expect("the device runs all the same");
    let device = until(&host, "/v1/devices/iphone", |device| device["link"]["refused"] == true).await;
    assert!(device["link"]["why"].as_str().is_some_and(|why| why.contains("--enrolment-key")), "{device}");
    host.shutdown().await;
}

#[tokio::test]
async fn permission_decides_what_is_shown_and_a_tap_opens_the_page() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;

    service.publish(1, &hello(1, "a"));
    let seen = service.until("it says why", |seen| seen.receipts.len() == 1).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Suppressed, "not-permitted"));
    assert!(seen.acknowledged.contains(&(1, 0)));

    allow(&host).await;
    service.publish(2, &hello(2, "b"));
    let seen = service.until("it is displayed", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[1]), (2, Stage::Displayed, ""));
    let shown = get(&host, "/v1/devices/iphone/notifications").await;
    let view = &shown["notifications"][0];
    assert_eq!(
        (&view["title"], &view["body"], &view["sound"]),
        (&json!("Hello"), &json!("World"), &json!("default"))
    );
    assert_eq!(get(&host, &format!("{APP}/badge")).await["count"], 3);

    put_state(&host, "foreground").await;
    service.publish(3, &hello(3, "c"));
    let seen = service.until("the app is asked", |seen| seen.receipts.len() == 3).await;
    assert_eq!(said(&seen.receipts[2]), (3, Stage::Suppressed, "foreground"));

    put_state(&host, "ended").await;
    let tapped = json!({"app": "com.example.news", "identifier": view["identifier"]});
    let (status, answer) = send(&host, "POST", "/v1/devices/iphone/notifications/tap", tapped).await;
    assert_eq!(status, 204, "{answer}");
    until(&host, &format!("{APP}/page"), |page| page["url"] == "https://news.example/7").await;
    let seen = service.until("it is opened", |seen| seen.receipts.len() == 4).await;
    assert_eq!(said(&seen.receipts[3]), (2, Stage::Opened, ""));
    host.shutdown().await;
}

#[tokio::test]
async fn a_redelivery_is_acknowledged_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    service.publish(1, &hello(1, "a"));
    service.until("it is displayed", |seen| seen.receipts.len() == 1).await;
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    service.until("it is back", |seen| seen.subscribed.len() == 2).await;
    service.publish(7, &hello(1, "a"));
    service.publish(8, &hello(2, "a"));
    let seen =
        service.until("both are acknowledged", |seen| seen.acknowledged.iter().any(|ack| ack.0 == 8)).await;
    assert!(seen.acknowledged.contains(&(7, 0)));
    let seen = service.until("the repeat is told", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[1]), (2, Stage::Suppressed, "duplicate"));
    let shown = get(&host, "/v1/devices/iphone/notifications").await;
    assert_eq!(shown["notifications"].as_array().map(Vec::len), Some(1));
    host.shutdown().await;
}

#[tokio::test]
async fn a_redelivery_is_known_whatever_the_devices_clock_shows() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    service.publish(1, &hello(1, "a"));
    service.until("it is displayed", |seen| seen.receipts.len() == 1).await;
    let sixty_days = json!({"offset_seconds": 60 * 86_400});
    assert_eq!(send(&host, "PUT", "/v1/devices/iphone/clock", sixty_days).await.0, 200);
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    service.until("it is back", |seen| seen.subscribed.len() == 2).await;
    service.publish(7, &hello(1, "a"));
    service.publish(8, &hello(2, "b"));
    let seen = service.until("the other is displayed", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[1]), (2, Stage::Displayed, ""));
    assert!(seen.acknowledged.contains(&(7, 0)));
    host.shutdown().await;
}

#[tokio::test]
async fn a_receipt_is_owed_until_it_is_acknowledged() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    service.take_receipts(false);
    service.publish(1, &hello(1, "a"));
    service.until("it is said", |seen| seen.receipts.len() == 1).await;
    service.take_receipts(true);
    service.drop_connections();
    let seen = service.until("it is said again", |seen| seen.receipts.len() == 2).await;
    assert_eq!(seen.receipts[0], seen.receipts[1]);
    service.drop_connections();
    let seen = service.until("it is back", |seen| seen.connections == 3 && seen.subscribed.len() == 3).await;
    assert_eq!(seen.receipts.len(), 2);
    host.shutdown().await;
}

#[tokio::test]
async fn an_app_removed_offline_is_told_later_and_a_reinstall_has_a_new_token() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let old = service.token(REGISTRATION);
    until(&host, APP, |app| app["device_token"] == old.as_str()).await;
    send(&host, "PUT", "/v1/devices/iphone/network", json!({"online": false})).await;
    service.until("it goes away", |seen| !seen.connected).await;
    assert_eq!(send(&host, "DELETE", APP, json!({})).await.0, 204);
    assert_eq!(send(&host, "GET", APP, json!({})).await.0, 404);
    let manifest = homing_app::demo::manifest("development").expect("it is a manifest");
    let (status, answer) = send(&host, "PUT", APP, json!({"manifest": manifest})).await;
    assert_eq!(status, 201, "{answer}");
    assert!(service.seen().unsubscribed.is_empty());
    send(&host, "PUT", "/v1/devices/iphone/network", json!({"online": true})).await;
    service.until("it is told", |seen| seen.unsubscribed == [REGISTRATION]).await;
    let new = service.token(REGISTRATION);
    assert_ne!(new, old);
    until(&host, APP, |app| app["device_token"] == new.as_str()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_local_notification_fires_without_a_network_when_its_time_has_come() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    send(&host, "PUT", "/v1/devices/iphone/network", json!({"online": false})).await;
    let request = json!({
        "identifier": "tea",
        "content": {"title": "Tea", "body": "is ready"},
        "trigger": {"kind": "time-interval", "seconds": 7200},
    });
    let (status, answer) = send(&host, "POST", &format!("{APP}/requests"), request).await;
    assert_eq!(status, 204, "{answer}");
    let pending = get(&host, "/v1/devices/iphone/pending").await;
    assert_eq!(pending["pending"][0]["request"]["identifier"], "tea");
    let (status, answer) = send(&host, "POST", "/v1/clock/advance", json!({"seconds": 7200})).await;
    assert_eq!(status, 200, "{answer}");
    let shown = get(&host, "/v1/devices/iphone/notifications").await;
    assert_eq!(shown["notifications"][0]["title"], "Tea");
    assert_eq!(get(&host, "/v1/devices/iphone/pending").await["pending"], json!([]));
    host.shutdown().await;
}

#[tokio::test]
async fn a_burst_is_acknowledged_in_order_and_each_is_told_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let ids: Vec<String> = (0..200).map(|number| format!("id-{number}")).collect();
    for (number, id) in (1_u16..).zip(&ids) {
        service.publish(number, &hello(u64::from(number), id));
    }
    let seen = service.until("all are told", |seen| seen.receipts.len() == 200).await;
    let acknowledged: Vec<u16> =
        seen.acknowledged.iter().map(|ack| ack.0).filter(|id| *id < 60_000).collect();
    assert_eq!(acknowledged, (1..=200).collect::<Vec<u16>>());
    let told: Vec<u64> = seen.receipts.iter().map(|receipt| receipt.seq).collect();
    assert_eq!(told, (1..=200).collect::<Vec<u64>>());
    host.shutdown().await;
}
