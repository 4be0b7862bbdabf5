//! The socket where app processes attach, and what hostile ones get there.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use homing_device::DeviceHost;
use homing_local::frame;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::hands::{APP, get, put_state, send, start, until};
use crate::push_service::PushService;

const OTHER: &str = "/v1/devices/iphone/apps/com.example.other";
/// Longer than any deadline of the device's.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An app's process, as bad as a test wants it.
pub(crate) struct Wire<S = UnixStream> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(socket: &str) -> Self {
        Self { stream: UnixStream::connect(socket).await.expect("it listens"), read: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The device may have closed it already.
        let _ = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.write(&framed(message.to_string().as_bytes())).await;
    }

    /// For who reads and writes at a time.
    pub(crate) fn into_halves(self) -> (Wire<OwnedReadHalf>, OwnedWriteHalf) {
        let (reads, writes) = self.stream.into_split();
        (Wire { stream: reads, read: self.read }, writes)
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// The next message; `None` when the device has closed the stream.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        let hear = async {
            loop {
                if let Some((json, taken)) = frame::decode(&self.read).expect("it is a frame") {
                    let message = serde_json::from_slice(json).expect("it is JSON");
                    self.read.drain(..taken);
                    return Some(message);
                }
                if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                    return None;
                }
            }
        };
        tokio::time::timeout(PATIENCE, hear).await.expect("it answers or closes")
    }

    pub(crate) async fn reply(&mut self) -> Value {
        loop {
            let message = self.hear().await.expect("it is open");
            if message.get("reply_to").is_some() {
                return message;
            }
        }
    }
}

pub(crate) fn framed(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::encode(json, &mut out).expect("it is short");
    out
}

pub(crate) fn attach(of: &Value) -> Value {
    json!({"id": 1, "call": "attach", "bundle_id": of["bundle_id"], "device": of["device"], "secret": of["secret"]})
}

async fn credentials(host: &DeviceHost, app: &str) -> Value {
    get(host, &format!("{app}/credentials")).await
}

/// The demo, which has ended, and another app, which sleeps and never attaches.
pub(crate) async fn two_apps(dir: &Path) -> (DeviceHost, Value, Value) {
    let service = PushService::start().await;
    let host = start(dir, &service).await;
    put_state(&host, "ended").await;
    let manifest = json!({
        "bundle_id": "com.example.other", "name": "Other", "launch": {"argv": ["sleep", "1000"]},
    });
    let installed = send(&host, "PUT", OTHER, json!({"manifest": manifest})).await;
    assert_eq!(installed.0, 201, "{}", installed.1);
    let (news, other) = (credentials(&host, APP).await, credentials(&host, OTHER).await);
    (host, news, other)
}

pub(crate) fn socket(of: &Value) -> &str {
    of["socket"].as_str().expect("it has one")
}

#[tokio::test]
async fn a_process_with_the_secret_is_the_app_and_in_front() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, other) = two_apps(dir.path()).await;
    assert_eq!(std::fs::metadata(socket(&news)).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(news["secret"].as_str().map(str::len), Some(64));
    assert_ne!(news["secret"], other["secret"]);

    let mut app = Wire::connect(socket(&news)).await;
    app.say(&attach(&news)).await;
    assert_eq!(app.hear().await, Some(json!({"reply_to": 1, "reply": "done"})));
    let shown = get(&host, APP).await;
    assert_eq!((&shown["state"], &shown["pid"]), (&json!("foreground"), &json!(std::process::id())));
    app.say(&json!({"id": 2, "call": "get-pending-notification-requests"})).await;
    assert_eq!(app.reply().await["value"], json!([]));
    app.say(&json!({"id": 3, "call": "show", "screen": {"url": "https://news.example/7"}})).await;
    assert_eq!(app.reply().await["reply"], "done");
    assert_eq!(get(&host, &format!("{APP}/page")).await["url"], "https://news.example/7");
    let touched = send(&host, "POST", &format!("{APP}/page/touch"), json!({"touch": "go-home"})).await;
    assert_eq!(touched.0, 202, "{}", touched.1);
    let touch = loop {
        let message = app.hear().await.expect("it is open");
        if message["event"] == "touched" {
            break message;
        }
    };
    assert_eq!(touch["touch"], json!({"touch": "go-home"}));

    drop(app);
    until(&host, APP, |app| app["state"] == "ended").await;
    host.shutdown().await;
    assert!(!Path::new(socket(&news)).exists(), "the socket goes with the device");
}

#[tokio::test]
async fn nobody_else_is_let_in() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, other) = two_apps(dir.path()).await;
    let with = |key: &str, value: Value| {
        let mut call = attach(&news);
        call[key] = value;
        call
    };
    let not_the_app = "no app of this bundle ID and secret";
    for (what, call, said) in [
        ("a secret that is none", with("secret", json!("0".repeat(64))), not_the_app),
        ("no secret", with("secret", Value::Null), not_the_app),
        (
            "half a secret",
            with("secret", json!(&news["secret"].as_str().expect("it is one")[..32])),
            not_the_app,
        ),
        ("another app's secret", with("secret", other["secret"].clone()), not_the_app),
        ("another app's bundle ID", with("bundle_id", other["bundle_id"].clone()), not_the_app),
        ("an app that isn't here", with("bundle_id", json!("com.example.none")), not_the_app),
        ("a device that isn't here", with("device", json!("ipad")), not_the_app),
        ("an app whose process is another", attach(&other), "only that process"),
        ("another call", json!({"id": 1, "call": "finish-launching"}), "the first call on a stream"),
        ("a call of no kind", json!({"id": 1, "call": "open-sesame"}), "no call of this device"),
        ("a call that lacks something", json!({"id": 1, "call": "attach"}), "doesn't hold what it should"),
    ] {
        let mut app = Wire::connect(socket(&news)).await;
        app.say(&call).await;
        let answer = app.hear().await.unwrap_or_else(|| panic!("{what} isn't answered"));
        assert_eq!((&answer["reply_to"], &answer["reply"]), (&json!(1), &json!("error")), "{what}: {answer}");
        let message = answer["value"]["message"].as_str().expect("it says why");
        assert!(message.contains(said), "{what}: {message}");
        assert_eq!(app.hear().await, None, "{what}: the stream is closed");
    }
    assert_eq!(get(&host, APP).await["state"], "ended");
    host.shutdown().await;
}

#[tokio::test]
async fn what_is_no_call_is_closed_without_a_word() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let whole = framed(attach(&news).to_string().as_bytes());
    for (what, bytes) in [
        ("nothing for too long", Vec::new()),
        ("half a length", whole[..2].to_vec()),
        ("half a frame", whole[..whole.len() - 1].to_vec()),
        ("an empty frame", vec![0; 4]),
        ("a frame longer than any", vec![0xFF; 4]),
        ("a frame longer than a first call", framed(&[b' '; 5000])),
        ("no JSON", framed(b"GET / HTTP/1.1")),
        ("JSON that is no call", framed(b"[1]")),
    ] {
        let mut app = Wire::connect(socket(&news)).await;
        app.write(&bytes).await;
        assert_eq!(app.hear().await, None, "{what}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn one_process_at_a_time_is_an_app() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let mut first = Wire::connect(socket(&news)).await;
    first.say(&attach(&news)).await;
    assert_eq!(first.reply().await["reply"], "done");

    let mut second = Wire::connect(socket(&news)).await;
    second.say(&attach(&news)).await;
    let answer = second.reply().await;
    assert!(answer["value"]["message"].as_str().is_some_and(|why| why.contains("runs already")), "{answer}");
    assert_eq!(second.hear().await, None);
    first.say(&json!({"id": 2, "call": "is-registered-for-remote-notifications"})).await;
    assert_eq!(first.reply().await["reply"], "registered", "the first stays the app");

    put_state(&host, "force-quit").await;
    while first.hear().await.is_some() {}
    host.shutdown().await;
}

#[tokio::test]
async fn a_crowd_of_one_process_leaves_room_for_others() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(Wire::connect(socket(&news)).await);
    }
    let mut fifth = Wire::connect(socket(&news)).await;
    assert_eq!(fifth.hear().await, None, "four newcomers of a process are enough");
    for mut wire in idle {
        assert_eq!(wire.hear().await, None, "they had their time");
    }
    let mut app = Wire::connect(socket(&news)).await;
    app.say(&attach(&news)).await;
    assert_eq!(app.reply().await["reply"], "done");
    host.shutdown().await;
}

#[tokio::test]
async fn an_app_that_floods_and_never_reads_is_ended_and_holds_up_nobody() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let mut app = Wire::connect(socket(&news)).await;
    app.say(&attach(&news)).await;
    assert_eq!(app.reply().await["reply"], "done");

    let call = framed(br#"{"id":2,"call":"get-notification-settings"}"#);
    let flood = call.repeat(500);
    let flooding = async {
        // The device stops reading, then hangs up.
        while app.stream.write_all(&flood).await.is_ok() {}
    };
    let meanwhile = async {
        until(&host, APP, |app| app["state"] == "ended").await;
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(flooding, meanwhile) }).await.expect("it is ended");
    host.shutdown().await;
}

#[tokio::test]
async fn half_a_call_of_an_app_holds_up_nobody() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let mut app = Wire::connect(socket(&news)).await;
    app.say(&attach(&news)).await;
    assert_eq!(app.reply().await["reply"], "done");
    let call = framed(br#"{"id":2,"call":"get-notification-settings"}"#);
    app.write(&call[..9]).await;
    assert_eq!(get(&host, APP).await["state"], "foreground");
    app.write(&call[9..]).await;
    assert_eq!(app.reply().await["reply"], "settings");

    app.write(&framed(b"nonsense")).await;
    while app.hear().await.is_some() {}
    until(&host, APP, |app| app["state"] == "ended").await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_data_directory_with_a_long_path_has_its_socket_elsewhere() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let long = dir.path().join("x".repeat(100));
    let (host, news, _) = two_apps(&long).await;
    assert!(!Path::new(socket(&news)).starts_with(&long), "{news}");
    let place = Path::new(socket(&news)).parent().expect("it is in a directory").to_owned();
    assert_eq!(std::fs::metadata(&place).expect("it is there").permissions().mode() & 0o777, 0o700);
    let mut app = Wire::connect(socket(&news)).await;
    app.say(&attach(&news)).await;
    assert_eq!(app.reply().await["reply"], "done");
    host.shutdown().await;
    std::fs::remove_dir(place).expect("it is empty");
}
