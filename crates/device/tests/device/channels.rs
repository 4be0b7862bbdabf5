//! An app that follows broadcast channels.

use serde_json::json;

use crate::hands::{APP, get, send, start, until};
use crate::push_service::{PushService, UNKNOWN_CHANNEL};

const CHANNEL: &str = "channel/development/com.example.news/dHN0LXNyY2gtY2hubA";

fn path(id: &str) -> String {
    format!("{APP}/channels/{id}")
}

#[tokio::test]
async fn a_channel_is_followed_over_restarts_and_its_last_message_is_kept() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    // As it stands in apns-channel-id.
    let (status, view) = send(&host, "PUT", &path("dHN0LXNyY2gtY2hubA=="), json!({})).await;
    assert_eq!((status, &view["channel"]), (202, &json!("dHN0LXNyY2gtY2hubA")), "{view}");
    let (status, _) = send(&host, "PUT", &path("dHN0LXNyY2gtY2hubA"), json!({})).await;
    assert_eq!(status, 200, "it follows already");
    let view = until(&host, &path("dHN0LXNyY2gtY2hubA"), |view| view["state"] == "subscribed").await;
    assert_eq!((&view["messages"], &view["environment"]), (&json!(0), &json!("development")));
    for (packet_id, seq) in [(1, 7), (2, 7), (3, 8)] {
        service.broadcast(packet_id, CHANNEL, seq, &json!({"aps": {"n": seq}}).to_string());
    }
    let seen = service.until("all are acknowledged", |seen| seen.acknowledged.contains(&(3, 0))).await;
    assert!(seen.acknowledged.contains(&(2, 0)), "a repeat, too");
    let view = get(&host, &path("dHN0LXNyY2gtY2hubA")).await;
    assert_eq!((&view["messages"], &view["last"]["seq"]), (&json!(2), &json!(8)), "{view}");
    assert_eq!(view["last"]["payload"]["aps"]["n"], 8);
    assert_eq!(view["last"]["apns_request_id"], "r");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    service.until("it follows again", |seen| seen.subscribed.len() == 4).await;
    let view = until(&host, &path("dHN0LXNyY2gtY2hubA"), |view| view["state"] == "subscribed").await;
    assert_eq!(view["messages"], 2);
    let listed = get(&host, &format!("{APP}/channels")).await;
    assert_eq!(listed["channels"].as_array().map(Vec::len), Some(1));
    let (status, _) = send(&host, "DELETE", &path("dHN0LXNyY2gtY2hubA"), json!({})).await;
    assert_eq!(status, 204);
    service.until("it leaves", |seen| seen.unsubscribed == [CHANNEL]).await;
    let (status, _) = send(&host, "DELETE", &path("dHN0LXNyY2gtY2hubA"), json!({})).await;
    assert_eq!(status, 404);
    host.shutdown().await;
}

#[tokio::test]
async fn a_channel_that_is_none_or_isnt_there_is_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let (status, problem) = send(&host, "PUT", &path("a*b"), json!({})).await;
    assert!(status == 400 || status == 422, "{status} {problem}");
    let (status, _) = send(&host, "PUT", "/v1/devices/iphone/apps/com.x/channels/AAAA", json!({})).await;
    assert_eq!(status, 404);
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let (status, _) = send(&host, "PUT", &path(UNKNOWN_CHANNEL), json!({})).await;
    assert_eq!(status, 202);
    let view = until(&host, &path(UNKNOWN_CHANNEL), |view| view["state"] == "refused").await;
    assert!(view["why"].as_str().is_some_and(|why| !why.is_empty()), "{view}");
    // The app goes, and with it what it followed.
    let (status, _) = send(&host, "DELETE", APP, json!({})).await;
    assert_eq!(status, 204);
    service
        .until("it leaves", |seen| seen.unsubscribed.iter().any(|left| left.starts_with("channel/")))
        .await;
    host.shutdown().await;
}
