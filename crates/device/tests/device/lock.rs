//! The lock of the screen, by the API.

use serde_json::json;

use crate::hands::{APP, allow, get, put_state, send, start, until};
use crate::hello;
use crate::push_service::PushService;

const LOCK: &str = "/v1/devices/iphone/lock";

#[tokio::test]
async fn a_locked_screen_shows_no_banner_keeps_its_lock_and_is_unlocked_by_a_tap() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    put_state(&host, "foreground").await;
    let (status, device) = send(&host, "PUT", LOCK, json!({"locked": true})).await;
    assert_eq!((status, &device["locked"]), (200, &json!(true)), "{device}");
    assert_eq!(get(&host, APP).await["state"], "background");
    service.publish(1, &hello(1, "a"));
    service.until("it is displayed", |seen| seen.receipts.len() == 1).await;
    let shown = get(&host, "/v1/devices/iphone/notifications").await;
    assert_eq!(shown["notifications"][0]["surfaces"], json!(["lock-screen", "notification-center"]));
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, "/v1/devices/iphone").await["locked"], true, "it is kept");
    let tapped = json!({"app": "com.example.news", "identifier": shown["notifications"][0]["identifier"]});
    assert_eq!(send(&host, "POST", "/v1/devices/iphone/notifications/tap", tapped).await.0, 204);
    assert_eq!(get(&host, "/v1/devices/iphone").await["locked"], false);
    until(&host, &format!("{APP}/page"), |page| page["url"] == "https://news.example/7").await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_lock_that_is_no_lock_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    for wrong in [json!({}), json!({"locked": 1}), json!({"locked": true, "code": "1234"}), json!("locked")] {
        let (status, answer) = send(&host, "PUT", LOCK, wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
        assert!(answer["detail"].is_string(), "{answer}");
    }
    assert_eq!(send(&host, "PUT", "/v1/devices/nobody/lock", json!({"locked": true})).await.0, 404);
    host.shutdown().await;
}
