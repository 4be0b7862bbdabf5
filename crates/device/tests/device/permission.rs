//! App Clips, and an app's button for settings of its own, by the API.

use serde_json::json;

use crate::hands::{APP, allow, get, put_state, send, start};
use crate::push_service::PushService;

const CLIP: &str = "/v1/devices/iphone/apps/com.example.cafe.clip";

#[tokio::test]
async fn an_app_clip_may_notify_for_eight_hours() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let manifest = json!({"bundle_id": "com.example.cafe.clip", "name": "Café", "app_clip": true});
    let (status, clip) = send(&host, "PUT", CLIP, json!({"manifest": manifest})).await;
    assert_eq!((status, &clip["authorization_status"]), (201, &json!("not-determined")), "{clip}");
    let (_, clip) = send(&host, "PUT", &format!("{CLIP}/state"), json!({"state": "foreground"})).await;
    assert_eq!(clip["authorization_status"], "ephemeral");
    send(&host, "PUT", &format!("{CLIP}/state"), json!({"state": "background"})).await;
    let ready = json!({"identifier": "coffee", "content": {"title": "Your coffee is ready"}});
    assert_eq!(send(&host, "POST", &format!("{CLIP}/requests"), ready.clone()).await.0, 204);
    assert_eq!(send(&host, "POST", "/v1/clock/advance", json!({"seconds": 8 * 3_600})).await.0, 200);
    assert_eq!(get(&host, CLIP).await["authorization_status"], "not-determined");
    let (status, answer) = send(&host, "POST", &format!("{CLIP}/requests"), ready).await;
    assert_eq!((status, &answer["error"]["code"]), (422, &json!(1)), "{answer}");
    host.shutdown().await;
}

#[tokio::test]
async fn the_button_for_its_own_settings_brings_the_app_to_the_front() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let open = format!("{APP}/settings/open");
    let (status, answer) = send(&host, "POST", &open, json!({})).await;
    assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("provides-app")), "{answer}");
    assert_eq!(status, 400);
    let options = json!({"options": ["provides-app-notification-settings"]});
    assert_eq!(send(&host, "POST", &format!("{APP}/authorization"), options).await.0, 200);
    put_state(&host, "background").await;
    assert_eq!(send(&host, "POST", &open, json!({"identifier": "nothing"})).await.0, 404);
    assert_eq!(send(&host, "POST", &open, json!({})).await.0, 204);
    assert_eq!(get(&host, APP).await["state"], "foreground");
    host.shutdown().await;
}
