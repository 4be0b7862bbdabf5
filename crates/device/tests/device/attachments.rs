//! Device facts §5.6: attachments, through the API and as an app's processes give them.

use std::path::Path;

use homing_device::DeviceHost;
use serde_json::{Value, json};

use crate::hands::{APP, allow, get, send, send_bytes, start, until};
use crate::push_service::{PushService, Sent};

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const BUNDLE: &str = "com.example.news";
const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";

/// A device whose app is permitted and driven.
pub(crate) async fn driven(dir: &Path, service: &PushService) -> DeviceHost {
    let host = start(dir, service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    assert_eq!(send(&host, "PUT", &format!("{APP}/driver"), json!({})).await.0, 204);
    host
}

/// Puts a file into the app's container; its URL.
pub(crate) async fn upload(host: &DeviceHost, name: &str, bytes: &[u8]) -> String {
    let (status, answer) = send_bytes(host, "PUT", &format!("{APP}/files/{name}"), bytes.to_vec()).await;
    let answer: Value = serde_json::from_slice(&answer).expect("it is JSON");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["bytes"], bytes.len());
    answer["url"].as_str().expect("it has one").to_owned()
}

pub(crate) fn request(attachments: Value, seconds: Option<u32>) -> Value {
    let trigger = seconds.map(|seconds| json!({"kind": "time-interval", "seconds": seconds}));
    json!({"identifier": "a", "content": {"body": "n", "attachments": attachments}, "trigger": trigger})
}

async fn add(host: &DeviceHost, request: Value) {
    let (status, answer) = send(host, "POST", &format!("{APP}/requests"), request).await;
    assert_eq!(status, 204, "{answer}");
}

async fn status_of_file(host: &DeviceHost, name: &str) -> u16 {
    send_bytes(host, "GET", &format!("{APP}/files/{name}"), Vec::new()).await.0
}

/// The bytes of an attachment, by its URL.
async fn stored(host: &DeviceHost, url: &Value) -> (u16, Vec<u8>) {
    let name = url.as_str().and_then(|url| url.rsplit('/').next()).expect("it is a URL").to_owned();
    let (status, bytes) = send_bytes(host, "GET", &format!("{APP}/attachments/{name}"), Vec::new()).await;
    (status, bytes.to_vec())
}

#[tokio::test]
async fn a_file_moves_into_the_store_and_stays_as_long_as_something_refers_to_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let url = upload(&host, "pictures/my photo.png".replace(' ', "%20").as_str(), PNG).await;
    assert_eq!(status_of_file(&host, "pictures/my%20photo.png").await, 200);
    let options = json!({"thumbnail_clipping_rect": {"x": 0.0, "y": 0.0, "width": 0.5, "height": 1.0}});
    add(&host, request(json!([{"identifier": "photo", "url": url, "options": options}]), Some(60))).await;
    assert_eq!(status_of_file(&host, "pictures/my%20photo.png").await, 404, "it was moved");

    let pending = get(&host, &format!("{APP}/pending")).await;
    let attachment = pending["pending"][0]["request"]["content"]["attachments"][0].clone();
    assert_eq!(
        (&attachment["identifier"], &attachment["type_identifier"]),
        (&json!("photo"), &json!("public.png"))
    );
    assert_eq!(attachment["options"], options);
    assert_ne!(attachment["url"], url);
    assert_eq!(stored(&host, &attachment["url"]).await, (200, PNG.to_vec()));
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(stored(&host, &attachment["url"]).await.0, 200, "it outlives a restart");
    send(&host, "POST", "/v1/clock/advance", json!({"seconds": 60})).await;
    let shown = get(&host, NOTIFICATIONS).await;
    assert_eq!(shown["notifications"][0]["attachments"], json!([attachment]));
    let delivered = get(&host, &format!("{APP}/delivered")).await;
    assert_eq!(delivered["delivered"][0]["request"]["content"]["attachments"], json!([attachment]));

    let dismiss = json!({"app": BUNDLE, "identifier": "a"});
    assert_eq!(send(&host, "POST", &format!("{NOTIFICATIONS}/dismiss"), dismiss).await.0, 204);
    assert_eq!(stored(&host, &attachment["url"]).await.0, 404, "nothing refers to it any more");
    host.shutdown().await;
}

#[tokio::test]
async fn of_too_many_the_others_are_not_even_looked_at() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let url = upload(&host, "photo.png", PNG).await;
    let mut attachments = vec![json!({"url": "file:///none.png"}); 16];
    attachments.push(json!({"url": url}));
    let too_many = request(json!(attachments), None);
    assert_eq!(send(&host, "POST", &format!("{APP}/requests"), too_many).await.0, 422);
    let answers = json!({"behaviour": "answer", "changes": {"attachments": attachments}});
    assert_eq!(send(&host, "PUT", &format!("{APP}/service-extension"), answers).await.0, 204);
    let payload = json!({"aps": {"alert": "n", "mutable-content": 1}}).to_string();
    service.publish(1, &Sent { seq: 1, apns_id: "a", push_type: "alert", payload: &payload });
    let shown = until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
    assert_eq!(shown["notifications"][0]["attachments"].as_array().map_or(0, Vec::len), 0, "{shown}");
    assert_eq!(status_of_file(&host, "photo.png").await, 200, "it stays with the app");
    host.shutdown().await;
}

#[tokio::test]
async fn what_is_left_of_an_upload_goes_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let large: Vec<u8> = (0..200_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    upload(&host, "large.bin", &large).await;
    let read = send_bytes(&host, "GET", &format!("{APP}/files/large.bin"), Vec::new()).await;
    assert_eq!((read.0, &read.1[..]), (200, &large[..]));
    let left = dir.path().join("iphone.apps/.upload-7");
    std::fs::write(&left, b"half").expect("a crash leaves it");
    host.shutdown().await;
    let host = start(dir.path(), &service).await;
    assert!(!left.exists());
    host.shutdown().await;
}

#[tokio::test]
async fn two_notifications_share_a_file_and_a_replaced_one_gives_its_up() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let url = upload(&host, "photo.png", PNG).await;
    add(&host, request(json!([{"url": url}]), Some(60))).await;
    let attached = |pending: Value| pending["pending"][0]["request"]["content"]["attachments"][0].clone();
    let first = attached(get(&host, &format!("{APP}/pending")).await);
    assert!(first["identifier"].as_str().is_some_and(|identifier| !identifier.is_empty()), "{first}");
    let mut second = request(json!([{"identifier": "again", "url": first["url"]}]), Some(120));
    second["identifier"] = json!("b");
    add(&host, second).await;
    let other = upload(&host, "photo.png", PNG).await;
    add(&host, request(json!([{"url": other}]), Some(60))).await;
    assert_eq!(stored(&host, &first["url"]).await.0, 200, "the second has it still");
    let remove = format!("{APP}/pending?identifier=b");
    assert_eq!(send(&host, "DELETE", &remove, json!({})).await.0, 204);
    assert_eq!(stored(&host, &first["url"]).await.0, 404);
    let replacing = attached(get(&host, &format!("{APP}/pending")).await);
    assert_eq!(stored(&host, &replacing["url"]).await.0, 200);
    host.shutdown().await;
}

#[tokio::test]
async fn a_refused_request_leaves_its_file_where_it_was() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let url = upload(&host, "photo.png", PNG).await;
    let both =
        json!([{"identifier": "a", "url": url}, {"identifier": "b", "url": url.replace("photo", "none")}]);
    let (status, problem) = send(&host, "POST", &format!("{APP}/requests"), request(both, None)).await;
    assert_eq!((status, &problem["error"]["code"]), (422, &json!(100)));
    assert_eq!(status_of_file(&host, "photo.png").await, 200);
    let store = dir.path().join("iphone.apps/1.attachments");
    assert_eq!(std::fs::read_dir(store).expect("it is there").count(), 0);
    host.shutdown().await;
}

#[tokio::test]
async fn a_file_of_the_bundle_is_copied_and_all_end_with_the_app() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let bundle = tempfile::tempdir().expect("a temporary directory");
    let photo = bundle.path().join("photo.png");
    std::fs::write(&photo, PNG).expect("it can be written");
    let manifest = json!({"bundle_id": BUNDLE, "name": "News", "bundle": bundle.path()});
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 200);
    add(&host, request(json!([{"url": format!("file://{}", photo.display())}]), Some(60))).await;
    assert!(photo.exists(), "it was copied");
    let store = dir.path().join("iphone.apps/1.attachments");
    assert_eq!(std::fs::read_dir(&store).expect("it is there").count(), 1);
    assert_eq!(send(&host, "DELETE", APP, json!({})).await.0, 204);
    assert!(!store.exists());
    host.shutdown().await;
}

#[tokio::test]
async fn pending_attachments_are_in_backups() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let url = upload(&host, "photo.png", PNG).await;
    add(&host, request(json!([{"identifier": "photo", "url": url}]), Some(60))).await;
    let (status, backup) = send(&host, "POST", "/v1/devices/iphone/backup", json!({})).await;
    assert!(status < 300, "{backup}");
    assert_eq!(send(&host, "DELETE", &format!("{APP}/pending"), json!({})).await.0, 204);
    let restore = json!({"backup": backup["backup"]});
    let (status, answer) = send(&host, "POST", "/v1/devices/iphone/restore", restore).await;
    assert!(status < 300, "{answer}");
    let pending = get(&host, &format!("{APP}/pending")).await;
    let attachment = &pending["pending"][0]["request"]["content"]["attachments"][0];
    assert_eq!(stored(&host, &attachment["url"]).await, (200, PNG.to_vec()));
    host.shutdown().await;
}

/// §5.6: of a remote one, what its service extension attached is checked when that has finished.
#[tokio::test]
async fn a_service_extension_attaches_and_what_is_wrong_is_dropped() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let url = upload(&host, "photo.png", PNG).await;
    let missing = url.replace("photo", "none");
    let attachments = json!([{"identifier": "none", "url": missing}, {"identifier": "photo", "url": url}]);
    let extension = json!({"behaviour": "answer", "changes": {"title": "t", "attachments": attachments}});
    assert_eq!(send(&host, "PUT", &format!("{APP}/service-extension"), extension).await.0, 204);
    let payload = r#"{"aps":{"alert":"n","mutable-content":1}}"#;
    service.publish(1, &Sent { seq: 1, apns_id: "a", push_type: "alert", payload });
    let shown = until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
    let attachments = shown["notifications"][0]["attachments"].as_array().expect("it is a list").clone();
    assert_eq!((attachments.len(), &attachments[0]["identifier"]), (1, &json!("photo")));
    assert_eq!(stored(&host, &attachments[0]["url"]).await.0, 200);
    assert_eq!(status_of_file(&host, "photo.png").await, 404, "it was moved");

    let never = json!({"setting": "show-previews", "when": "never"});
    assert_eq!(send(&host, "PUT", &format!("{APP}/settings"), never).await.0, 200);
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"][0]["attachments"], json!([]));
    host.shutdown().await;
}

#[tokio::test]
async fn an_upload_stays_in_the_container_and_within_its_bounds() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let put = async |path: &str, bytes: Vec<u8>| send_bytes(&host, "PUT", path, bytes).await.0;
    let large = vec![0; 300 * 1024];
    assert_eq!(put(&format!("{APP}/files/large.bin"), large).await, 200, "larger than other bodies may be");
    for outside in ["%2e%2e/up.png", "a/../../up.png", "%2fetc%2fpasswd"] {
        let status = put(&format!("{APP}/files/{outside}"), PNG.to_vec()).await;
        assert!(matches!(status, 400 | 404), "{outside}: {status}");
    }
    assert_eq!(put("/v1/devices/iphone/apps/com.example.none/files/a.png", PNG.to_vec()).await, 404);
    assert_eq!(put(&format!("{APP}/files/huge.bin"), vec![0; 64 * 1024 * 1024 + 1]).await, 413);
    assert_eq!(status_of_file(&host, "huge.bin").await, 404);
    assert_eq!(send_bytes(&host, "DELETE", &format!("{APP}/files/large.bin"), Vec::new()).await.0, 204);
    assert_eq!(status_of_file(&host, "large.bin").await, 404);
    host.shutdown().await;
}
