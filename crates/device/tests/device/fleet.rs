//! Devices that are added while the host runs, and devices that are erased.

use std::path::Path;

use homing_app::demo;
use homing_device::DeviceHost;
use serde_json::{Value, json};

use crate::hands::{APP, get, send, start, until};
use crate::push_service::PushService;

const ANN: &str = "/v1/devices/ann";

async fn names(host: &DeviceHost) -> Vec<String> {
    let answer = get(host, "/v1/devices").await;
    let devices = answer["devices"].as_array().expect("there is a list");
    devices.iter().filter_map(|device| Some(device["name"].as_str()?.to_owned())).collect()
}

async fn add(host: &DeviceHost, path: &str, body: Value) -> Value {
    let (status, answer) = send(host, "PUT", path, body).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

async fn erase(host: &DeviceHost, path: &str) {
    let (status, answer) = send(host, "DELETE", path, json!({})).await;
    assert_eq!(status, 204, "{answer}");
}

fn files(dir: &Path, name: &str) -> usize {
    let entries = std::fs::read_dir(dir).expect("it is there");
    entries
        .filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(name))
        })
        .count()
}

#[tokio::test]
async fn an_added_device_is_one_of_its_own_and_outlives_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let ann = add(&host, ANN, json!({"like": "iphone"})).await;
    assert_eq!((&ann["name"], &ann["apps"]), (&json!("ann"), &json!(["com.example.news"])));
    let app =
        until(&host, &format!("{ANN}/apps/com.example.news"), |app| app["device_token"].is_string()).await;
    assert_eq!(app["authorization_status"], "not-determined", "its user was never asked");
    let named = ("ann".to_owned(), "com.example.news".to_owned());
    assert!(host.tokens().borrow().contains_key(&named));
    assert_eq!(service.seen().enrolments, 2);
    let bob = add(&host, "/v1/devices/bob", json!({"apps": []})).await;
    assert_eq!(bob["apps"], json!([]));
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(names(&host).await, ["iphone", "ann", "bob"]);
    until(&host, ANN, |device| device["link"]["connected"] == true).await;
    assert_eq!(service.seen().enrolments, 3, "each enrols once");
    host.shutdown().await;
}

#[tokio::test]
async fn what_can_not_be_added_is_refused_with_what_would_help() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let like = || json!({"like": "iphone"});
    let long = format!("/v1/devices/{}", "a".repeat(65));
    let manifest = demo::manifest("development").expect("it is a manifest");
    let mut broken = serde_json::to_value(manifest).expect("it is JSON");
    broken["bundle_id"] = json!("../../etc");
    let table = [
        (409, "/v1/devices/iphone", like(), "DELETE"),
        (400, "/v1/devices/..%2Fann", like(), "letters"),
        (400, "/v1/devices/.ann", like(), "letters"),
        (400, "/v1/devices/a%20b", like(), "letters"),
        (400, long.as_str(), like(), "letters"),
        (404, ANN, json!({"like": "nobody"}), "GET /v1/devices"),
        (400, ANN, json!({}), "either"),
        (400, ANN, json!({"like": "iphone", "apps": []}), "either"),
        (400, ANN, json!({"likes": "iphone"}), "likes"),
        (400, ANN, json!({"apps": [7]}), "JSON"),
        (422, ANN, json!({"apps": [broken]}), "bundle ID"),
    ];
    for (wanted, path, body, hint) in table {
        let (status, answer) = send(&host, "PUT", path, body).await;
        assert_eq!(status, wanted, "{path}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{path}: {answer}");
    }
    assert_eq!(send(&host, "DELETE", ANN, json!({})).await.0, 404);
    assert_eq!(names(&host).await, ["iphone"]);
    assert_eq!(files(dir.path(), "ann"), 0, "a refused device leaves nothing behind");
    host.shutdown().await;
}

#[tokio::test]
async fn at_most_a_hundred_devices_are_added() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    for number in 1..100 {
        add(&host, &format!("/v1/devices/phone-{number}"), json!({"apps": []})).await;
    }
    let (status, answer) = send(&host, "PUT", ANN, json!({"apps": []})).await;
    assert_eq!(status, 409, "{answer}");
    erase(&host, "/v1/devices/phone-7").await;
    add(&host, ANN, json!({"apps": []})).await;
    host.shutdown().await;
}

#[tokio::test]
async fn an_erased_device_is_gone_here_and_at_the_push_service() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    add(&host, ANN, json!({"like": "iphone"})).await;
    let app = format!("{ANN}/apps/com.example.news");
    until(&host, &app, |app| app["device_token"].is_string() && app["screen"].is_object()).await;
    let device_id = get(&host, ANN).await["device_id"].as_str().expect("it is enrolled").to_owned();
    erase(&host, ANN).await;
    service.until("the push service is told", |seen| seen.left == [device_id.as_str()]).await;
    assert_eq!(send(&host, "GET", ANN, json!({})).await.0, 404);
    assert!(host.tokens().borrow().keys().all(|(device, _)| device == "iphone"));
    assert_eq!(files(dir.path(), "ann"), 0);

    let again = add(&host, ANN, json!({"like": "iphone"})).await;
    assert_ne!(again["device_id"], device_id.as_str(), "the same name, another device");
    until(&host, &app, |app| app["device_token"].is_string()).await;
    host.shutdown().await;
    let host = start(dir.path(), &service).await;
    assert_eq!(names(&host).await, ["iphone", "ann"]);
    host.shutdown().await;
}

#[tokio::test]
async fn a_device_erased_while_the_push_service_is_away_is_told_later() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let device = until(&host, "/v1/devices/iphone", |device| device["device_id"].is_string()).await;
    service.take_leave(false);
    erase(&host, "/v1/devices/iphone").await;
    assert_eq!(names(&host).await, [""; 0]);
    host.shutdown().await;

    // As if the machine had died before the files were removed.
    let kept =
        dir.path().join("erased").join(format!("{}.json", device["device_id"].as_str().expect("text")));
    let identity = std::fs::read(&kept).expect("it is remembered");
    service.take_leave(true);
    let host = start(dir.path(), &service).await;
    let left = device["device_id"].as_str().expect("text");
    service.until("it is told now", |seen| seen.left == [left]).await;
    let new = until(&host, "/v1/devices/iphone", |device| device["device_id"].is_string()).await;
    assert_ne!(new["device_id"], device["device_id"], "the configured device is there anew");
    host.shutdown().await;
    let new_id = new["device_id"].as_str().expect("text");
    let text = String::from_utf8(identity).expect("it is JSON").replace(left, new_id);
    std::fs::write(dir.path().join("erased").join(format!("{new_id}.json")), text).expect("it is written");

    let host = start(dir.path(), &service).await;
    let third = until(&host, "/v1/devices/iphone", |device| device["device_id"].is_string()).await;
    assert_ne!(third["device_id"], new["device_id"], "what was erased doesn't come back");
    until(&host, APP, |app| app["device_token"].is_string()).await;
    host.shutdown().await;
}

#[tokio::test]
async fn who_watches_all_devices_sees_those_that_come_later() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let mut stream = tokio::net::TcpStream::connect(host.addresses()[0]).await.expect("it listens");
    let head = format!(
        "GET /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        crate::hands::KEY
    );
    stream.write_all(head.as_bytes()).await.expect("it is taken");
    let (mut read, mut text) = (vec![0; 4096], String::new());
    let mut wait = async |word: &str| {
        while !text.contains(word) {
            let count = stream.read(&mut read).await.expect("it goes on");
            assert_ne!(count, 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&read[..count]));
        }
    };
    wait("text/event-stream").await;
    add(&host, ANN, json!({"apps": []})).await;
    wait("event: added").await;
    send(&host, "PUT", &format!("{ANN}/lock"), json!({"locked": true})).await;
    wait("event: lock").await;
    erase(&host, ANN).await;
    wait("event: erased").await;
    host.shutdown().await;
}
