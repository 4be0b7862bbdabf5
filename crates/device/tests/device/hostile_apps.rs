//! Hostile processes that have attached as an app, or may not: whatever one sends, it harms at most itself, and another
//! user's isn't let in at all. What a process must prove is `socket`'s.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use homing_device::DeviceHost;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::hands::{APP, get, send, until};
use crate::processes::example;
use crate::socket::{PATIENCE, Wire, attach, framed, socket, two_apps};

/// The app's process, attached.
async fn attached(news: &Value) -> Wire {
    let mut app = Wire::connect(socket(news)).await;
    app.say(&attach(news)).await;
    assert_eq!(app.reply().await["reply"], "done");
    app
}

/// The device answers the API, and lets the app in again.
async fn is_well(host: &DeviceHost, news: &Value, what: &str) {
    until(host, APP, |app| app["state"] == "ended").await;
    let mut app = attached(news).await;
    app.say(&json!({"id": 2, "call": "get-notification-settings"})).await;
    assert_eq!(app.reply().await["reply"], "settings", "{what}");
    drop(app);
    until(host, APP, |app| app["state"] == "ended").await;
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[tokio::test]
async fn what_no_app_would_say_ends_it_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let beyond = u32::try_from(homing_local::frame::MAX_LEN + 1).expect("it fits").to_be_bytes().to_vec();
    for (what, bytes) in [
        ("an empty frame", vec![0; 4]),
        ("a frame longer than any", vec![0xFF; 4]),
        ("one byte more than a frame may have", beyond),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("no JSON", framed(b"nonsense")),
        ("JSON that is no object", framed(b"[1]")),
        ("no UTF-8", framed(b"{\"id\":2,\"call\":\"\xff\xfe\"}")),
        ("brackets without end", framed(nested(100_000).as_bytes())),
        ("objects without end", framed("{\"a\":".repeat(100_000).as_bytes())),
        ("a megabyte of nothing", framed(&vec![b' '; homing_local::frame::MAX_LEN])),
        ("no number", framed(br#"{"call":"get-notification-settings"}"#)),
        ("a number below 0", framed(br#"{"id":-1,"call":"get-notification-settings"}"#)),
    ] {
        let mut app = attached(&news).await;
        app.write(&bytes).await;
        while app.hear().await.is_some() {}
        is_well(&host, &news, what).await;
    }
    host.shutdown().await;
}

#[tokio::test]
async fn what_an_app_may_not_ask_is_answered_with_an_error_and_it_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, other) = two_apps(dir.path()).await;
    let mut app = attached(&news).await;
    let deep: Value = serde_json::from_str(&nested(100)).expect("it isn't too deep to be read");
    let request = |content: Value| json!({"identifier": "a", "content": content});
    let table = [
        ("a call of no kind", json!({"call": "open-sesame"})),
        ("a call that lacks something", json!({"call": "add"})),
        ("another app's bundle ID", {
            let mut again = attach(&other);
            again["id"] = json!(9);
            again
        }),
        ("a badge below 0", json!({"call": "set-badge-count", "count": -1})),
        ("a badge beyond 64 bits", json!({"call": "set-badge-count", "count": 1e300})),
        ("deep user info", json!({"call": "add", "request": request(json!({"user_info": {"a": deep}}))})),
        ("a user without a name", json!({"call": "set-recipient", "recipient": {"user": ""}})),
        (
            "a category twice",
            json!({"call": "set-notification-categories", "categories": [
            {"identifier": "a"}, {"identifier": "a"}]}),
        ),
        (
            "more than 64 KiB of categories",
            json!({"call": "set-notification-categories", "categories": [
            {"identifier": "x".repeat(70_000)}]}),
        ),
    ];
    for (number, (what, mut call)) in (10..).zip(table) {
        call["id"] = json!(number);
        app.say(&call).await;
        let answer = app.reply().await;
        assert_eq!((&answer["reply_to"], &answer["reply"]), (&json!(number), &json!("error")), "{what}");
    }
    // What is long, and no longer than it may be, is taken.
    let long = json!({"id": 30, "call": "show", "screen": {"text": "x".repeat(900_000)}});
    app.say(&long).await;
    assert_eq!(app.reply().await["reply"], "done");
    assert_eq!(get(&host, APP).await["state"], "foreground");
    let pending = get(&host, &format!("{APP}/pending")).await;
    assert_eq!(pending["pending"], json!([]));
    drop(app);
    is_well(&host, &news, "after all that").await;
    host.shutdown().await;
}

#[tokio::test]
async fn thousands_of_calls_at_once_are_answered_in_order() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let app = attached(&news).await;
    let calls: Vec<u8> = (2..5_002_u64)
        .flat_map(|id| {
            let call = if id % 2 == 0 { "get-badge-count" } else { "get-pending-notification-requests" };
            framed(json!({"id": id, "call": call}).to_string().as_bytes())
        })
        .collect();
    let (mut reads, mut writes) = app.into_halves();
    let writing = tokio::spawn(async move {
        writes.write_all(&calls).await.expect("it is taken");
        writes
    });
    for id in 2..5_002_u64 {
        assert_eq!(reads.reply().await["reply_to"], id);
    }
    drop(writing.await.expect("it is written"));
    host.shutdown().await;
}

/// A byte now and then is no way to keep a place: who hasn't said who it is after five seconds is closed.
#[tokio::test]
async fn a_process_that_says_its_name_too_slowly_is_closed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let mut slow = Wire::connect(socket(&news)).await;
    let began = Instant::now();
    let first = framed(attach(&news).to_string().as_bytes());
    let dripping = async {
        for byte in first {
            if slow.stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("it was heard to the end");
    };
    tokio::time::timeout(PATIENCE, dripping).await.expect("it is closed");
    assert!(began.elapsed() >= Duration::from_secs(4), "it had its time");
    is_well(&host, &news, "meanwhile").await;
    host.shutdown().await;
}

/// The socket is its owner's, under whatever name; another user's process isn't let in even where the file's permissions
/// were opened, and with the right secret.
#[tokio::test]
async fn another_user_s_process_is_not_let_in() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let data = dir.path().join("data");
    let (host, news, _) = two_apps(&data).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(Path::new(socket(&news))), mode(&data)), (0o600, 0o700));
    let elsewhere = dir.path().join("elsewhere.sock");
    std::fs::hard_link(socket(&news), &elsewhere).expect("it is the same file system");
    assert_eq!(mode(&elsewhere), 0o600);
    let mut linked = Wire::connect(elsewhere.to_str().expect("it is text")).await;
    let mut wrong = attach(&news);
    wrong["secret"] = json!("0".repeat(64));
    linked.say(&wrong).await;
    assert_eq!(linked.hear().await.expect("it is answered")["reply"], "error");

    // Only root can be another user.
    if rustix::process::geteuid().is_root() {
        let open = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        };
        let program = dir.path().join("app");
        std::fs::copy(example("app-process"), &program).expect("it is copied");
        open(&program, 0o755);
        open(dir.path(), 0o755);
        let variables = [("SOCKET", "socket"), ("BUNDLE_ID", "bundle_id"), ("SECRET", "secret")];
        let stranger = async || {
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
            for (variable, given) in variables {
                command.env(format!("HOMING_{variable}"), news[given].as_str().expect("it is given"));
            }
            command.env("HOMING_CONTAINER", "/").env("HOMING_DEVICE", "iphone");
            let ended = tokio::task::spawn_blocking(move || command.output());
            let ended = tokio::time::timeout(PATIENCE, ended).await.expect("it ends by itself");
            let ended = ended.expect("it ran").expect("there is setpriv");
            assert!(!ended.status.success());
            String::from_utf8_lossy(&ended.stderr).into_owned()
        };
        let refused = stranger().await;
        assert!(refused.contains("PermissionDenied"), "{refused}");
        open(&data, 0o755);
        open(Path::new(socket(&news)), 0o666);
        let closed = stranger().await;
        assert!(closed.contains("Disconnected"), "{closed}");
        assert_eq!(get(&host, APP).await["state"], "ended");
    }
    is_well(&host, &news, "its own user").await;
    host.shutdown().await;
    for _ in 0..1_000 {
        if std::os::unix::net::UnixStream::connect(&elsewhere).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what is linked still leads to the device");
}

/// It registers, schedules and asks as fast as it can, and reads what it is told: the device goes on for everybody.
#[tokio::test]
async fn an_app_that_calls_without_end_holds_up_nobody() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (host, news, _) = two_apps(dir.path()).await;
    let app = attached(&news).await;
    let (mut reads, mut writes) = app.into_halves();
    let flooding = tokio::spawn(async move {
        for id in 2_u64.. {
            let content = json!({"title": "n"});
            let request = json!({"identifier": format!("r{}", id % 100), "content": content});
            let call = match id % 3 {
                0 => json!({"id": id, "call": "add", "request": request}),
                1 => json!({"id": id, "call": "register-for-remote-notifications"}),
                _ => json!({"id": id, "call": "request-authorization", "options": ["alert"]}),
            };
            if writes.write_all(&framed(call.to_string().as_bytes())).await.is_err() {
                return;
            }
        }
    });
    let reading = tokio::spawn(async move { while reads.hear().await.is_some() {} });
    for _ in 0..50 {
        let began = Instant::now();
        assert_eq!(get(&host, APP).await["state"], "foreground");
        assert!(began.elapsed() < Duration::from_secs(5), "the API waits {:?}", began.elapsed());
    }
    let ended = send(&host, "PUT", &format!("{APP}/state"), json!({"state": "force-quit"})).await;
    assert_eq!(ended.0, 200);
    tokio::time::timeout(PATIENCE, async { tokio::join!(flooding, reading) })
        .await
        .expect("it is closed")
        .0
        .expect("it ends");
    host.shutdown().await;
}
