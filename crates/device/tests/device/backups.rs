//! Backups that can't be restored: what is said, and that the device stays as it was.

use std::path::{Path, PathBuf};

use homing_device::DeviceHost;
use serde_json::{Value, json};

use crate::attachments::{driven, upload};
use crate::hands::{APP, get, send, start};
use crate::push_service::PushService;

const IPHONE: &str = "/v1/devices/iphone";
const BUNDLE: &str = "com.example.news";

/// What somebody did to a backup, and what is said when it is to be restored.
struct Row {
    what: &'static str,
    done: fn(&Path),
    status: u16,
    said: &'static [&'static str],
}

fn data(backup: &Path) -> PathBuf {
    backup.join("apps").join(BUNDLE)
}

fn edit(backup: &Path, change: impl FnOnce(&mut Value)) {
    let path = backup.join("backup.json");
    let mut json: Value =
        serde_json::from_slice(&std::fs::read(&path).expect("it can be done")).expect("it can be done");
    change(&mut json);
    std::fs::write(path, json.to_string()).expect("it can be done");
}

const ROWS: [Row; 14] = [
    Row {
        what: "a file of the app's is damaged",
        done: |backup| {
            std::fs::write(data(backup).join("notes"), "sixteen bytes 16").expect("it can be done")
        },
        status: 422,
        said: &["data of com.example.news", "damaged or changed", "take another"],
    },
    Row {
        what: "a file of the app's is cut short",
        done: |backup| std::fs::write(data(backup).join("notes"), "fifteen").expect("it can be done"),
        status: 422,
        said: &["data of com.example.news", "damaged or changed"],
    },
    Row {
        what: "a file of the app's is gone",
        done: |backup| std::fs::remove_file(data(backup).join("notes")).expect("it can be done"),
        status: 422,
        said: &["data of com.example.news", "apps/com.example.news"],
    },
    Row {
        what: "a file came to it",
        done: |backup| std::fs::write(data(backup).join("more"), "x").expect("it can be done"),
        status: 422,
        said: &["damaged or changed"],
    },
    Row {
        what: "a symbolic link leads out of it",
        done: |backup| {
            std::os::unix::fs::symlink("/etc/hostname", data(backup).join("link")).expect("it can be done")
        },
        status: 422,
        said: &["link", "neither a file nor a directory"],
    },
    Row {
        what: "the app's data is a symbolic link",
        done: |backup| {
            std::fs::remove_dir_all(data(backup)).expect("it can be done");
            std::os::unix::fs::symlink("/etc", data(backup)).expect("it can be done");
        },
        status: 422,
        said: &["apps/com.example.news", "neither a file nor a directory"],
    },
    Row {
        what: "it holds more than an app may have",
        done: |backup| {
            let file = std::fs::File::create(data(backup).join("huge")).expect("it can be done");
            file.set_len(257 << 20).expect("it can be done");
        },
        status: 409,
        said: &["com.example.news", "256 MiB"],
    },
    Row {
        what: "its account is cut short",
        done: |backup| {
            let json = std::fs::read(backup.join("backup.json")).expect("it can be done");
            std::fs::write(backup.join("backup.json"), &json[..json.len() / 2]).expect("it can be done");
        },
        status: 422,
        said: &["backup.json", "EOF", "take another"],
    },
    Row {
        what: "its account is too large",
        done: |backup| {
            let file = std::fs::OpenOptions::new()
                .append(true)
                .open(backup.join("backup.json"))
                .expect("it can be done");
            file.set_len(65 << 20).expect("it can be done");
        },
        status: 422,
        said: &["backup.json", "more than 64 MiB"],
    },
    Row {
        what: "it has no account",
        done: |backup| std::fs::remove_file(backup.join("backup.json")).expect("it can be done"),
        status: 404,
        said: &["no backup", "GET /v1/backups"],
    },
    Row {
        what: "it is of a newer version",
        done: |backup| edit(backup, |json| json["version"] = json!(7)),
        status: 422,
        said: &["version 7", "newer one"],
    },
    Row {
        what: "its state is of a newer version",
        done: |backup| edit(backup, |json| json["center"]["version"] = json!(1_000)),
        status: 422,
        said: &["version 1000", "newer one"],
    },
    Row {
        what: "an app's name leads out of it",
        done: |backup| edit(backup, |json| json["apps"][0]["manifest"]["bundle_id"] = json!("../../../etc")),
        status: 422,
        said: &["bundle_id"],
    },
    Row {
        what: "it has an app twice",
        done: |backup| {
            edit(backup, |json| {
                let app = json["apps"][0].clone();
                json["apps"].as_array_mut().expect("it can be done").push(app);
            });
        },
        status: 422,
        said: &["com.example.news twice"],
    },
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be done");
    for entry in std::fs::read_dir(from).expect("it can be done").map(|entry| entry.expect("it can be read"))
    {
        let to = to.join(entry.file_name());
        if entry.file_type().expect("it can be done").is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("it can be done");
        }
    }
}

async fn restore(host: &DeviceHost, backup: &str) -> (u16, Value) {
    send(host, "POST", &format!("{IPHONE}/restore"), json!({"backup": backup})).await
}

/// What the app's own file says.
fn notes(dir: &Path) -> String {
    let containers = std::fs::read_dir(dir.join("iphone.apps")).expect("it can be done");
    let mut files = containers.map(|container| container.expect("it can be done").path().join("notes"));
    std::fs::read_to_string(files.find(|file| file.exists()).expect("it can be done"))
        .expect("it can be done")
}

#[tokio::test]
async fn a_backup_that_is_not_whole_is_refused_with_why_and_the_device_stays_as_it_was() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = driven(dir.path(), &service).await;
    let token = get(&host, &format!("{APP}/token")).await;
    upload(&host, "notes", b"sixteen bytes 15").await;
    let (status, taken) = send(&host, "POST", &format!("{IPHONE}/backup"), json!({})).await;
    assert_eq!(status, 201, "{taken}");
    let name = taken["backup"].as_str().expect("it can be done");
    let backups = dir.path().join("backups");

    for (number, Row { what, done, status, said }) in ROWS.iter().enumerate() {
        let bad = format!("bad-{number}");
        copy(&backups.join(name), &backups.join(&bad));
        done(&backups.join(&bad));
        let (answered, problem) = restore(&host, &bad).await;
        assert_eq!(answered, *status, "{what}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(&bad) || answered == 409, "{what}: {detail}");
        for part in *said {
            assert!(detail.contains(part), "{what}: {part:?} isn't in {detail}");
        }
        assert_eq!(get(&host, &format!("{APP}/token")).await, token, "{what}");
        assert_eq!(notes(dir.path()), "sixteen bytes 15", "{what}");
        let mut left = std::fs::read_dir(&backups)
            .expect("it can be done")
            .map(|entry| entry.expect("it can be done").file_name());
        assert!(left.all(|name| !name.to_string_lossy().starts_with('.')), "{what}");
        // It can be removed, whatever is in it.
        let (removed, answer) = send(&host, "DELETE", &format!("/v1/backups/{bad}"), json!({})).await;
        assert_eq!(removed, 204, "{what}: {answer}");
    }
    // The one that nobody touched is restored, with the app's data.
    upload(&host, "notes", b"other").await;
    let (status, answer) = restore(&host, name).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(notes(dir.path()), "sixteen bytes 15");
    host.shutdown().await;
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_no_backups() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    for name in ["../iphone", "..", ".", "", "a/b", "/etc", "nothing"] {
        let (status, answer) = restore(&host, name).await;
        assert_eq!(status, 404, "{name:?}: {answer}");
    }
    host.shutdown().await;
}
