//! How a Homing starts, starts again, and refuses to start: each refusal names what is wrong and how to mend it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use homing_testkit::ports::free_block;
use homing_trace::Stage;
use serde_json::json;

use crate::home::{BINARY, Home};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_keeps_apps_devices_tokens_and_notifications() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let first = Home::up(&data_dir, 8).await;
    let token = first.token().await;
    let apns_id = first.alert("before the restart").await;
    first.story(&apns_id, Stage::Suppressed).await;
    let (status, _) = first.homing.stop().await.unwrap();
    assert!(status.success(), "{status}");
    assert!(!data_dir.join("endpoints.json").exists(), "a clean stop removes it");

    let second = Home::up(&data_dir, 9).await;
    assert_eq!(second.token().await, token);
    let story = second.story(&apns_id, Stage::Suppressed).await;
    assert_eq!(story.first().unwrap(), "accepted");
    let fresh = second.alert("after the restart").await;
    second.story(&fresh, Stage::Suppressed).await;
    second.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pushed_to_the_demos_user_right_after_the_start_has_somebody_to_go_to() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 53).await;
    for environment in ["development", "production"] {
        let push = json!({
            "environment": environment, "audience": {"user": "reader"}, "content": {"title": "Hello"},
        });
        let pushed = home.provider_api().post("/v1/apps/com.example.news/pushes", push).await.unwrap();
        assert_eq!(pushed["planned"], 1, "{pushed}");
    }
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_wait_for_an_app_that_was_removed() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let first = Home::up(&data_dir, 33).await;
    first.phone.delete(crate::home::NEWS).await.unwrap();
    first.homing.stop().await.unwrap();

    let second = Home::up(&data_dir, 34).await;
    let (_, said) = second.homing.stop().await.unwrap();
    assert!(!said.contains("no device tokens yet"), "{said}");
    assert!(said.contains("not registered yet"), "the greeting says which token is missing: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_app_that_was_removed_is_installed_again_with_a_new_token() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(dir.path(), 35).await;
    let old = home.token().await;
    home.phone.delete(crate::home::NEWS).await.unwrap();
    let install = ["device", "install", "--device", "iphone-development", "--data-dir"];
    let installed = Command::new(BINARY).args(install).arg(dir.path()).output().unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let new = home.token().await;
    assert_ne!(new, old, "a reinstall gets a new token");
    home.homing.stop().await.unwrap();
}

fn refused(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new(BINARY).args(args).output().unwrap();
    assert!(!status.success() && stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

fn refused_up(data_dir: &Path, ports_from: u16) -> String {
    refused(&["up", "--data-dir", data_dir.to_str().unwrap(), "--ports-from", &ports_from.to_string()])
}

#[test]
fn a_port_in_use_is_named_with_its_role_and_leaves_no_endpoints() {
    let dir = tempfile::tempdir().unwrap();
    let roles = [
        (1, "development"),
        (2, "legacy interface (production)"),
        (3, "feedback service (production)"),
        (4, "legacy interface (development)"),
        (5, "feedback service (development)"),
        (6, "device link"),
        (7, "console"),
        (8, "provider API"),
        (9, "device API"),
        (10, "admin"),
    ];
    for (offset, role) in roles {
        let from = free_block(10 + offset).unwrap();
        let taken = TcpListener::bind(("127.0.0.1", from + offset)).unwrap();
        let said = refused_up(dir.path(), from);
        let port = taken.local_addr().unwrap().port().to_string();
        assert!(said.contains(&port) && said.contains(role), "{role}: {said}");
        assert!(!dir.path().join("endpoints.json").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_in_use_is_refused_and_its_endpoints_stay() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(dir.path(), 30).await;
    let said = refused_up(dir.path(), free_block(31).unwrap());
    assert!(said.contains("in use") && said.contains("--data-dir"), "{said}");
    assert!(dir.path().join("endpoints.json").exists());
    home.homing.stop().await.unwrap();
}

#[test]
fn a_data_directory_of_a_newer_version_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("version"), "7").unwrap();
    let said = refused_up(dir.path(), free_block(32).unwrap());
    assert!(said.contains("version 7") && said.contains("newer"), "{said}");
    assert!(!dir.path().join("gateway").exists());
}

#[test]
fn a_misspelt_configuration_key_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("gateway.toml");
    let example = include_str!("../../../../docs/gateway.toml").replace("device_link", "devcie_link");
    std::fs::write(&config, example).unwrap();
    let said = refused(&["gateway", "--config", config.to_str().unwrap()]);
    assert!(said.contains("devcie_link") && said.contains("device_link"), "{said}");
    assert!(!dir.path().join("gateway-data").exists(), "nothing was made");
}

#[test]
fn a_question_to_nobody_says_how_to_start_somebody() {
    let dir = tempfile::tempdir().unwrap();
    let said = refused(&["trace", "some-id", "--data-dir", dir.path().to_str().unwrap()]);
    assert!(said.contains("homing up"), "{said}");
}
