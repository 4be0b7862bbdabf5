//! A user's finger on an app's page, and the app's data container.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::hands::{APP, get, put_state, send, start, until};
use crate::push_service::PushService;

#[tokio::test]
async fn the_app_in_foreground_gets_the_touch() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    put_state(&host, "foreground").await;
    let touch = format!("{APP}/page/touch");
    let open = json!({"touch": "open", "url": "https://news.example/1"});
    let (status, answer) = send(&host, "POST", &touch, open.clone()).await;
    assert_eq!(status, 202, "{answer}");
    until(&host, &format!("{APP}/page"), |page| page["url"] == "https://news.example/1").await;
    assert_eq!(send(&host, "POST", &touch, json!({"touch": "go-home"})).await.0, 202);
    until(&host, &format!("{APP}/page"), |page| page["url"].is_null()).await;
    assert_eq!(send(&host, "POST", &touch, json!({"what": "is this"})).await.0, 202, "the app's own words");

    for state in ["background", "ended", "force-quit"] {
        put_state(&host, state).await;
        let (status, answer) = send(&host, "POST", &touch, open.clone()).await;
        assert_eq!(status, 409, "{state}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("foreground")), "{answer}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn what_is_no_touch_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    put_state(&host, "foreground").await;
    let touch = format!("{APP}/page/touch");
    let table = [
        (400, touch.clone(), json!([])),
        (400, touch.clone(), json!("sign-out")),
        (413, touch.clone(), json!({"touch": "x".repeat(16 * 1024)})),
        (413, touch, json!({"touch": "x".repeat(300_000)})),
        (404, "/v1/devices/iphone/apps/com.example.other/page/touch".to_owned(), json!({})),
        (404, "/v1/devices/nobody/apps/com.example.news/page/touch".to_owned(), json!({})),
    ];
    for (wanted, path, body) in table {
        let (status, answer) = send(&host, "POST", &path, body).await;
        assert_eq!(status, wanted, "{path}: {answer}");
        assert!(answer["detail"].is_string(), "{path}: {answer}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn an_app_has_a_directory_of_its_own_that_ends_with_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let containers = || {
        let entries = std::fs::read_dir(dir.path().join("iphone.apps")).expect("they are there");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("it is readable").path()).collect();
        paths.sort();
        paths
    };
    until(&host, APP, |app| app["screen"].is_object()).await;
    let [first] = containers().try_into().expect("the app has one");
    let mode = std::fs::metadata(&first).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    std::fs::write(first.join("state"), "kept").expect("it can be written to");
    let manifest = homing_app::demo::manifest("development").expect("it is a manifest");
    let install = json!({"manifest": manifest});
    assert_eq!(send(&host, "PUT", APP, install.clone()).await.0, 200, "a newer version");
    put_state(&host, "ended").await;
    put_state(&host, "foreground").await;
    assert_eq!(std::fs::read_to_string(first.join("state")).expect("it is kept"), "kept");

    assert_eq!(send(&host, "DELETE", APP, json!({})).await.0, 204);
    assert!(containers().is_empty(), "it ended with its app");
    assert_eq!(send(&host, "PUT", APP, install).await.0, 201);
    until(&host, APP, |app| app["screen"].is_object()).await;
    let [second] = containers().try_into().expect("the app has one");
    assert_ne!(second, first);
    assert_eq!(std::fs::read_dir(&second).expect("it is there").count(), 0);
    std::fs::create_dir(dir.path().join("iphone.apps/999")).expect("a crash left it behind");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(containers(), [second], "what belongs to no app is removed");
    assert_eq!(get(&host, APP).await["state"], "ended");
    host.shutdown().await;
}
