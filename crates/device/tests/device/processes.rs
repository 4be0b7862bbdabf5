//! Apps as processes of their own, real ones: started, stopped, killed, crashing, hanging.

use std::path::{Path, PathBuf};
use std::time::Duration;

use homing_device::DeviceHost;
use serde_json::{Value, json};

use crate::hands::{get, send, start, until};
use crate::push_service::{PushService, Sent};

pub(crate) const BUNDLE: &str = "com.example.process";
pub(crate) const APP: &str = "/v1/devices/iphone/apps/com.example.process";
pub(crate) const ALERT: &str = r#"{"aps":{"alert":{"title":"Hello"}},"url":"https://news.example/7"}"#;
pub(crate) const SILENT: &str = r#"{"aps":{"content-available":1},"story":7}"#;

fn program() -> PathBuf {
    example("app-process")
}

pub(crate) fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("it is a file");
    let target = tests.parent().and_then(Path::parent).expect("it is in target/<profile>/deps");
    let program = target.join("examples").join(name);
    assert!(program.exists(), "{} is missing: cargo build -p homing-device --examples", program.display());
    program
}

pub(crate) fn manifest(fault: Option<&str>) -> Value {
    let mut argv = vec![json!(program())];
    argv.extend(fault.map(|fault| json!(fault)));
    json!({
        "bundle_id": BUNDLE, "name": "Process", "entitlements": {"aps-environment": "development"},
        "background_modes": ["remote-notification"], "launch": {"argv": argv},
    })
}

/// A device with this app, which was opened once, in background.
pub(crate) async fn installed(dir: &Path, service: &PushService, fault: Option<&str>) -> DeviceHost {
    let host = start(dir, service).await;
    let answer = send(&host, "PUT", APP, json!({"manifest": manifest(fault)})).await;
    assert_eq!(answer.0, 201, "{}", answer.1);
    host
}

pub(crate) async fn put_state(host: &DeviceHost, state: &str) {
    let (status, answer) = send(host, "PUT", &format!("{APP}/state"), json!({"state": state})).await;
    assert_eq!(status, 200, "{answer}");
}

pub(crate) async fn registered(host: &DeviceHost) -> Value {
    until(host, APP, |app| app["screen"]["device_token"].is_string()).await
}

/// Opened, allowed, and in front.
pub(crate) async fn allowed(host: &DeviceHost) {
    put_state(host, "foreground").await;
    until(host, "/v1/devices/iphone/prompt", |answer| answer["prompt"]["app"] == BUNDLE).await;
    let answered = send(host, "POST", "/v1/devices/iphone/prompt/answer", json!({"allow": true})).await;
    assert_eq!(answered.0, 204, "{}", answered.1);
}

pub(crate) async fn advance(host: &DeviceHost, seconds: u64) {
    let (status, answer) = send(host, "POST", "/v1/clock/advance", json!({"seconds": seconds})).await;
    assert_eq!(status, 200, "{answer}");
}

/// The state of a process as the kernel has it: `R`unning, `S`leeping, s`T`opped, `Z`ombie; `None` if there is none.
pub(crate) fn kernel_state(pid: &Value) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub(crate) async fn kernel_says(pid: &Value, wanted: impl Fn(Option<char>) -> bool) {
    for _ in 0..3_000 {
        if wanted(kernel_state(pid)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the process {pid} stays {:?}", kernel_state(pid));
}

/// What somebody else's process is writing into a file.
async fn number_in(file: &Path) -> Value {
    for _ in 0..3_000 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(line) = text.strip_suffix('\n') {
            return serde_json::from_str(line).expect("a number");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing is written to {}", file.display());
}

fn kill(pid: &Value) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.expect("it runs").success());
}

pub(crate) fn publish(service: &PushService, seq: u16, push_type: &str, payload: &str) {
    let apns_id = seq.to_string();
    service.publish_for(BUNDLE, seq, &Sent { seq: seq.into(), apns_id: &apns_id, push_type, payload });
}

#[tokio::test]
async fn an_app_is_started_registers_and_is_opened_by_a_tap() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, None).await;
    let app = registered(&host).await;
    assert_eq!(app["screen"]["device_token"], app["device_token"]);
    let first = app["pid"].clone();
    assert!(kernel_state(&first).is_some());
    allowed(&host).await;
    put_state(&host, "ended").await;
    kernel_says(&first, |state| state.is_none()).await;
    assert_eq!(get(&host, APP).await["pid"], Value::Null);

    publish(&service, 1, "alert", ALERT);
    let shown =
        until(&host, "/v1/devices/iphone/notifications", |all| all["notifications"][0]["title"] == "Hello")
            .await;
    let tap = json!({"app": BUNDLE, "identifier": shown["notifications"][0]["identifier"]});
    assert_eq!(send(&host, "POST", "/v1/devices/iphone/notifications/tap", tap).await.0, 204);
    let app = until(&host, APP, |app| app["url"] == "https://news.example/7").await;
    assert_eq!((&app["state"], &app["screen"]["did_receive"]), (&json!("foreground"), &json!("Hello")));
    assert_ne!(app["pid"], first);
    host.shutdown().await;
    kernel_says(&app["pid"], |state| state.is_none()).await;
}

#[tokio::test]
async fn an_app_in_background_is_stopped_when_its_time_is_over_and_goes_on_when_called() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, None).await;
    let pid = registered(&host).await["pid"].clone();
    advance(&host, 31).await;
    until(&host, APP, |app| app["suspended"] == true).await;
    kernel_says(&pid, |state| state == Some('T')).await;

    publish(&service, 1, "background", SILENT);
    let app = until(&host, APP, |app| app["screen"]["woken_by"]["story"] == 7).await;
    assert_eq!((&app["suspended"], &app["pid"]), (&json!(false), &pid));
    // It said that it is done, so it has a few seconds, not thirty.
    for _ in 0..100 {
        advance(&host, 6).await;
        if get(&host, APP).await["suspended"] == true {
            break;
        }
    }
    kernel_says(&pid, |state| state == Some('T')).await;

    put_state(&host, "foreground").await;
    until(&host, APP, |app| app["screen"]["state"] == "foreground").await;
    advance(&host, 3600).await;
    assert_eq!(get(&host, APP).await["suspended"], false, "in front it works as long as it likes");

    put_state(&host, "background").await;
    advance(&host, 31).await;
    kernel_says(&pid, |state| state == Some('T')).await;
    put_state(&host, "force-quit").await;
    kernel_says(&pid, |state| state.is_none()).await;
    publish(&service, 2, "background", SILENT);
    service.until("it is received", |seen| seen.acknowledged.contains(&(2, 0))).await;
    assert_eq!(get(&host, APP).await["pid"], Value::Null, "nothing starts an app that its user has ended");
    host.shutdown().await;
}

#[tokio::test]
async fn a_killed_app_has_crashed_and_what_it_was_asked_is_not_presented() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, Some("hangs-in-will-present")).await;
    let pid = registered(&host).await["pid"].clone();
    allowed(&host).await;
    publish(&service, 1, "alert", ALERT);
    service.until("it is received", |seen| seen.acknowledged.contains(&(1, 0))).await;
    kill(&pid);
    until(&host, APP, |app| app["state"] == "ended").await;
    kernel_says(&pid, |state| state.is_none()).await;
    let seen = service.until("it says why", |seen| !seen.receipts.is_empty()).await;
    let receipt = &seen.receipts[0];
    assert_eq!(receipt.reason.as_ref().map(homing_trace::Reason::as_str), Some("foreground"));
    assert_eq!(get(&host, "/v1/devices/iphone/notifications").await["notifications"], json!([]));

    put_state(&host, "foreground").await;
    let app = until(&host, APP, |app| app["pid"].is_number() && app["state"] == "foreground").await;
    assert_ne!(app["pid"], pid, "its user opens it again");
    host.shutdown().await;
}

#[tokio::test]
async fn however_an_app_fails_it_is_ended_and_leaves_no_process() {
    for fault in ["exits-at-launch", "hangs-up", "crashes-when-woken", "crashes-in-will-present"] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let service = PushService::start().await;
        let host = installed(dir.path(), &service, Some(fault)).await;
        let mut pid = get(&host, APP).await["pid"].clone();
        if fault.starts_with("crashes") {
            pid = registered(&host).await["pid"].clone();
            let (push_type, payload) =
                if fault == "crashes-when-woken" { ("background", SILENT) } else { ("alert", ALERT) };
            if push_type == "alert" {
                allowed(&host).await;
            }
            publish(&service, 1, push_type, payload);
        }
        let app = until(&host, APP, |app| app["state"] == "ended").await;
        assert_eq!(app["pid"], Value::Null, "{fault}");
        if pid.is_number() {
            kernel_says(&pid, |state| state.is_none()).await;
        }
        host.shutdown().await;
    }
}

#[tokio::test]
async fn a_newer_version_ends_the_older_and_begins_with_a_launch() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, None).await;
    let pid = registered(&host).await["pid"].clone();
    let mut newer = manifest(None);
    newer["version"] = json!("2.0");
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": newer})).await.0, 200);
    kernel_says(&pid, |state| state.is_none()).await;
    let app = get(&host, APP).await;
    assert_eq!((&app["version"], &app["state"]), (&json!("2.0"), &json!("ended")));
    put_state(&host, "foreground").await;
    until(&host, APP, |app| app["pid"].is_number() && app["pid"] != pid).await;
    host.shutdown().await;
}

#[tokio::test]
async fn setting_the_clock_back_gives_an_app_in_background_no_time() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, None).await;
    registered(&host).await;
    let back = json!({"offset_seconds": -7_200});
    assert_eq!(send(&host, "PUT", "/v1/devices/iphone/clock", back).await.0, 200);
    advance(&host, 31).await;
    until(&host, APP, |app| app["suspended"] == true).await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_ends_the_app() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let mut manifest = manifest(None);
    manifest["launch"]["argv"] = json!(["/no/such/program"]);
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 201);
    until(&host, APP, |app| app["state"] == "ended").await;
    host.shutdown().await;
}

#[tokio::test]
async fn what_an_app_started_ends_with_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let mut manifest = manifest(None);
    let started = dir.path().join("started");
    // The second leaves the group, and its parent has ended: nobody but the kernel knows whose it is.
    let script = format!(
        "sleep 1000 & echo $! > {0}; (setsid sh -c 'echo $$ > {0}.free; exec sleep 1000' &); {1}",
        started.display(),
        program().display()
    );
    manifest["launch"]["argv"] = json!(["sh", "-c", script]);
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 201);
    // The program isn't the process that the device started, but one of its group.
    registered(&host).await;
    let children = [number_in(&started).await, number_in(&started.with_extension("free")).await];
    assert!(children.iter().all(|child| kernel_state(child).is_some()));
    put_state(&host, "ended").await;
    for child in &children {
        kernel_says(child, |state| state.is_none() || state == Some('Z')).await;
    }
    host.shutdown().await;
}

#[tokio::test]
async fn a_service_extension_changes_a_notification_and_its_failures_show_the_original() {
    let alert = r#"{"aps":{"alert":{"title":"Hello"},"mutable-content":1}}"#;
    for (argument, title) in [
        (Some("Breaking"), "Breaking: Hello"),
        (Some("attaches"), "attaches: Hello"),
        (Some("crashes"), "Hello"),
        (Some("hangs"), "Hello"),
        (Some("tries"), "tries: Hello"),
        (None, "Hello"),
    ] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let service = PushService::start().await;
        let host = start(dir.path(), &service).await;
        let mut manifest = manifest(None);
        manifest["service_extension"] = match argument {
            Some(argument) => json!({"argv": [example("extension-process"), argument]}),
            None => json!({"argv": ["/no/such/program"]}),
        };
        assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 201);
        registered(&host).await;
        allowed(&host).await;
        put_state(&host, "background").await;
        publish(&service, 1, "alert", alert);
        service.until("it is received", |seen| seen.acknowledged.contains(&(1, 0))).await;
        if matches!(argument, Some("hangs" | "tries")) {
            let calls = format!("{APP}/service-extension");
            until(&host, &calls, |calls| calls["calls"].as_array().is_some_and(|calls| !calls.is_empty()))
                .await;
            // It is told that its thirty seconds are over, and has a moment for its best attempt.
            advance(&host, 30).await;
        }
        let all = until(&host, "/v1/devices/iphone/notifications", |all| {
            all["notifications"].as_array().is_some_and(|all| !all.is_empty())
        })
        .await;
        assert_eq!(all["notifications"][0]["title"], title, "{argument:?}");
        let attached = all["notifications"][0]["attachments"].as_array().map_or(0, Vec::len);
        assert_eq!(attached, usize::from(argument == Some("attaches")), "of two, one is there");
        host.shutdown().await;
    }
}
