//! An app that follows broadcast channels.

use serde_json::json;

use crate::hands::{APP, allow, get, send, start, until};
use crate::push_service::{PushService, Seen, Sent, UNKNOWN_CHANNEL};

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
    // It may be there meanwhile: whoever asks again is heard.
    let filter = format!("channel/development/com.example.news/{UNKNOWN_CHANNEL}");
    let asked = |seen: &Seen| seen.asked.iter().filter(|asked| **asked == filter).count();
    service.until("it was asked for", |seen| asked(seen) == 1).await;
    // The push service may have refused it again before this is answered.
    let (status, view) = send(&host, "PUT", &path(UNKNOWN_CHANNEL), json!({})).await;
    assert_eq!(status, 202, "{view}");
    service.until("it is asked for again", |seen| asked(seen) == 2).await;
    until(&host, &path(UNKNOWN_CHANNEL), |view| view["state"] == "refused").await;
    // The app goes, and with it what it followed.
    let (status, _) = send(&host, "DELETE", APP, json!({})).await;
    assert_eq!(status, 204);
    service
        .until("it leaves", |seen| seen.unsubscribed.iter().any(|left| left.starts_with("channel/")))
        .await;
    host.shutdown().await;
}

/// JSON in JSON, so many levels of it, as text: its reader takes 127.
fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

#[tokio::test]
async fn what_nests_too_deeply_is_not_kept_and_the_host_starts_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    send(&host, "PUT", &format!("{APP}/registrations/voip"), json!({})).await;
    send(&host, "PUT", &path("dHN0LXNyY2gtY2hubA"), json!({})).await;
    until(&host, &path("dHN0LXNyY2gtY2hubA"), |view| view["state"] == "subscribed").await;
    service.until("all are subscribed", |seen| seen.subscribed.len() == 3).await;
    service.broadcast(1, CHANNEL, 7, &nested(127));
    let deep = nested(126);
    let call = Sent { seq: 8, apns_id: "call", push_type: "voip", payload: &deep };
    let calls = homing_link::RegistrationName::parse("development/com.example.news.voip").expect("it is one");
    service.publish_to(&calls, 2, &call);
    let alert = format!(r#"{{"aps":{{"alert":"n"}},"deep":{deep}}}"#);
    service.publish(3, &Sent { seq: 9, apns_id: "alert", push_type: "alert", payload: &alert });
    let seen = service.until("all are told", |seen| seen.receipts.len() == 2).await;
    for receipt in &seen.receipts {
        assert_eq!(receipt.reason.as_ref().map(ToString::to_string).as_deref(), Some("unreadable"));
    }
    let user_info: serde_json::Value = serde_json::from_str(&nested(120)).expect("it is JSON");
    let content = json!({"body": "n", "user_info": user_info});
    let trigger = json!({"kind": "time-interval", "seconds": 3_600, "repeats": false});
    let request = json!({"identifier": "deep", "content": content, "trigger": trigger});
    let (status, problem) = send(&host, "POST", &format!("{APP}/requests"), request).await;
    assert!((400..500).contains(&status) && problem.to_string().contains("64 levels"), "{status} {problem}");
    let answer = json!({"behaviour": "answer", "changes": {"user_info": user_info}});
    assert_eq!(send(&host, "PUT", &format!("{APP}/service-extension"), answer).await.0, 400);
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    let view = get(&host, &path("dHN0LXNyY2gtY2hubA")).await;
    assert_eq!(
        (&view["messages"], &view["last"]["payload"]),
        (&json!(1), &serde_json::Value::Null),
        "{view}"
    );
    host.shutdown().await;
}
