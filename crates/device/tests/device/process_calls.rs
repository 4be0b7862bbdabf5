//! What processes that the device started do by the SDK: attach files, and never say that they are done.

use serde_json::{Value, json};

use crate::attachments::PNG;
use crate::hands::{events_after, get, send, send_bytes, start, until};
use crate::processes::{
    APP, BUNDLE, SILENT, advance, allowed, example, installed, kernel_says, manifest, publish, put_state,
    registered,
};
use crate::push_service::PushService;

const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";

/// §5.6: a file of the container is moved, one that isn't there leaves the request unscheduled.
#[tokio::test]
async fn a_process_attaches_a_file_of_its_container() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, None).await;
    registered(&host).await;
    allowed(&host).await;
    until(&host, APP, |app| app["screen"]["granted"] == true).await;
    let put = send_bytes(&host, "PUT", &format!("{APP}/files/photo.png"), PNG.to_vec()).await;
    assert_eq!(put.0, 200);
    let touch = async |identifier: &str, attach: Value| {
        let touch = json!({"touch": "schedule", "identifier": identifier, "title": identifier,
            "trigger": {"kind": "time-interval", "seconds": 60.0}, "attach": attach});
        let answer = send(&host, "POST", &format!("{APP}/page/touch"), touch).await;
        assert_eq!(answer.0, 202, "{}", answer.1);
    };
    touch("with", json!(["photo.png"])).await;
    let pending = until(&host, &format!("{APP}/pending"), |all| all["pending"][0].is_object()).await;
    let attached = &pending["pending"][0]["request"]["content"]["attachments"];
    assert_eq!(
        (&attached[0]["identifier"], &attached[0]["type_identifier"]),
        (&json!("photo.png"), &json!("public.png"))
    );
    let original = send_bytes(&host, "GET", &format!("{APP}/files/photo.png"), Vec::new()).await;
    assert_eq!(original.0, 404, "it was moved");

    touch("without", json!(["none.png"])).await;
    let why = until(&host, APP, |app| app["screen"]["scheduled"].is_string()).await;
    let why = why["screen"]["scheduled"].as_str().expect("it is a sentence").to_owned();
    assert!(why.contains("UserNotifications 100"), "AttachmentInvalidURL: {why}");
    put_state(&host, "background").await;
    advance(&host, 60).await;
    let shown = until(&host, NOTIFICATIONS, |all| all["notifications"][0].is_object()).await;
    assert_eq!(shown["notifications"].as_array().map(Vec::len), Some(1));
    assert_eq!(&shown["notifications"][0]["attachments"], attached);
    stored(&host, &attached[0]).await;
    host.shutdown().await;
}

async fn stored(host: &homing_device::DeviceHost, attached: &Value) {
    let name = attached["url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a URL").to_owned();
    let (status, bytes) = send_bytes(host, "GET", &format!("{APP}/attachments/{name}"), Vec::new()).await;
    assert_eq!((status, bytes.starts_with(&PNG[..8])), (200, true));
}

/// §5.4 and §5.6: of what a service extension attaches, what is there is in the store, and shown.
#[tokio::test]
async fn what_a_service_extension_s_process_attaches_is_moved_into_the_store() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let mut manifest = manifest(None);
    manifest["service_extension"] = json!({"argv": [example("extension-process"), "attaches"]});
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 201);
    registered(&host).await;
    allowed(&host).await;
    put_state(&host, "background").await;
    publish(&service, 1, "alert", r#"{"aps":{"alert":{"title":"Hello"},"mutable-content":1}}"#);
    let shown = until(&host, NOTIFICATIONS, |all| all["notifications"][0].is_object()).await;
    let attached = &shown["notifications"][0]["attachments"];
    assert_eq!((attached.as_array().map(Vec::len), &attached[0]["identifier"]), (Some(1), &json!("photo")));
    stored(&host, &attached[0]).await;
    let original = send_bytes(&host, "GET", &format!("{APP}/files/photo.png"), Vec::new()).await;
    assert_eq!(original.0, 404, "it was moved");
    host.shutdown().await;
}

/// §4.4: about thirty seconds in background for a response, then the process is stopped, and the event names the call.
#[tokio::test]
async fn a_process_that_never_completes_a_response_is_stopped_and_the_call_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, Some("never-completes")).await;
    let pid = registered(&host).await["pid"].clone();
    allowed(&host).await;
    put_state(&host, "background").await;
    let set = json!({"categories": [{"identifier": "mail", "actions": [{"identifier": "read"}]}]});
    assert_eq!(send(&host, "PUT", &format!("{APP}/categories"), set).await.0, 204);
    publish(&service, 1, "alert", r#"{"aps":{"alert":{"title":"Hello"},"category":"mail"}}"#);
    let shown = until(&host, NOTIFICATIONS, |all| all["notifications"][0].is_object()).await;
    let began = get(&host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number");
    let choice = json!({
        "app": BUNDLE, "identifier": shown["notifications"][0]["identifier"], "action": "read",
    });
    assert_eq!(send(&host, "POST", &format!("{NOTIFICATIONS}/action"), choice).await.0, 204);
    until(&host, APP, |app| app["screen"]["did_receive"] == "Hello").await;
    advance(&host, 31).await;
    until(&host, APP, |app| app["suspended"] == true).await;
    kernel_says(&pid, |state| state == Some('T')).await;
    let events = events_after(&host, began).await;
    let stopped = events.iter().find(|event| event["kind"] == "suspended").expect("it is told");
    assert_eq!(stopped["detail"]["uncompleted"].as_array().map(Vec::len), Some(1), "{stopped}");
    host.shutdown().await;
}

/// §5.1: about thirty seconds for a silent notification, then the process is ended.
#[tokio::test]
async fn a_process_that_never_completes_a_silent_notification_is_ended() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, Some("never-completes")).await;
    let pid = registered(&host).await["pid"].clone();
    let began = get(&host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number");
    publish(&service, 1, "background", SILENT);
    until(&host, APP, |app| app["screen"]["woken_by"]["story"] == 7).await;
    advance(&host, 31).await;
    until(&host, APP, |app| app["state"] == "ended").await;
    kernel_says(&pid, |state| state.is_none()).await;
    let events = events_after(&host, began).await;
    let moved = events.iter().rfind(|event| event["kind"] == "app-moved").expect("it is told");
    assert_eq!(
        (&moved["detail"]["to"], &moved["detail"]["cause"]),
        (&json!("ended"), &json!("background-time-expired"))
    );
    host.shutdown().await;
}
