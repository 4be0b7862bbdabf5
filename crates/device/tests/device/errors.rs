//! Device facts §3.2: each error code, as the API tells it.

use serde_json::{Value, json};

use crate::attachments::{PNG, driven, request, upload};
use crate::hands::{APP, get, send, start};
use crate::push_service::PushService;

/// Code and name of the refusal; the status is 422 and the domain Apple's.
fn error((status, problem): (u16, Value)) -> (u64, String) {
    assert_eq!(status, 422, "{problem}");
    let error = &problem["error"];
    assert_eq!(error["domain"], "UNErrorDomain", "{problem}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
    (error["code"].as_u64().expect("a number"), error["name"].as_str().expect("a name").to_owned())
}

#[tokio::test]
async fn each_code_of_the_table_reaches_who_asks_through_the_api() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let requests = format!("{APP}/requests");
    let add = async |request: Value| send(&host, "POST", &requests, request).await;
    let of = |code, name: &str| (code, name.to_owned());
    assert_eq!(error(add(request(json!([]), None)).await), of(1, "NotificationsNotAllowed"));
    host.shutdown().await;

    let host = driven(dir.path(), &service).await;
    let add = async |request: Value| send(&host, "POST", &requests, request).await;
    let attach = async |name: &str, bytes: &[u8]| {
        let url = upload(&host, name, bytes).await;
        add(request(json!([{"identifier": "a", "url": url}]), None)).await
    };
    let url = "https://example.com/a.png";
    let elsewhere = add(request(json!([{"url": url}]), None)).await;
    assert_eq!(error(elsewhere), of(100, "AttachmentInvalidURL"));
    let outside = format!("file://{}/clock", dir.path().display());
    let outside = add(request(json!([{"url": outside, "options": {"type_hint": "public.png"}}]), None)).await;
    assert_eq!(error(outside), of(100, "AttachmentInvalidURL"));
    assert_eq!(error(attach("a.tmp", PNG).await), of(101, "AttachmentUnrecognizedType"));
    let mut large = PNG.to_vec();
    large.resize(10_000_001, 0);
    assert_eq!(error(attach("large.png", &large).await), of(102, "AttachmentInvalidFileSize"));
    assert_eq!(error(attach("text.png", b"text").await), of(105, "AttachmentCorrupt"));

    assert_eq!(attach("good.png", PNG).await.0, 204);
    let delivered = get(&host, &format!("{APP}/delivered")).await;
    let stored = delivered["delivered"][0]["request"]["content"]["attachments"][0]["url"].clone();
    assert_eq!(send(&host, "DELETE", &format!("{APP}/delivered"), json!({})).await.0, 204);
    let gone = add(request(json!([{"url": stored}]), None)).await;
    assert_eq!(error(gone), of(103, "AttachmentNotInDataStore"));
    let store = dir.path().join("iphone.apps/1.attachments");
    std::fs::remove_dir(&store).expect("it is empty");
    std::fs::write(&store, "in the way").expect("it can be written");
    assert_eq!(error(attach("good.png", PNG).await), of(104, "AttachmentMoveIntoDataStoreFailed"));

    let past = json!({"kind": "time-interval", "seconds": 0});
    let past = json!({"identifier": "a", "content": {"body": "n"}, "trigger": past});
    assert_eq!(error(add(past).await), of(1400, "NotificationInvalidNoDate"));
    assert_eq!(
        error(add(json!({"identifier": "a", "content": {}})).await),
        of(1401, "NotificationInvalidNoContent")
    );
    let message = |sender: Value| {
        let communication =
            json!({"intent": "send-message", "sender": sender, "conversation_identifier": "c"});
        json!({"identifier": "a", "content": {"body": "n", "communication": communication}})
    };
    let ann = json!({"display_name": "Ann"});
    assert_eq!(error(add(message(ann.clone())).await), of(1500, "ContentProvidingObjectNotAllowed"));
    let entitlements = json!({"aps-environment": "development", "communication": true});
    let manifest = json!({"bundle_id": "com.example.news", "name": "News", "entitlements": entitlements});
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 200);
    assert_eq!(error(add(message(Value::Null)).await), of(1501, "ContentProvidingInvalid"));
    assert_eq!(add(message(ann)).await.0, 204);
    let shown = get(&host, "/v1/devices/iphone/notifications").await;
    assert_eq!(shown["notifications"][0]["title"], "Ann");

    let badge = send(&host, "PUT", &format!("{APP}/badge"), json!({"count": -1})).await;
    assert_eq!(error(badge), of(1600, "BadgeInputInvalid"));
    host.shutdown().await;
}
