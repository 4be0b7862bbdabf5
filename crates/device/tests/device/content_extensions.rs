//! Content extensions as processes of their own, real ones (§5.7): one that behaves, and those that don't. The app itself
//! is driven through the API, so that what it is told is seen.

use std::path::Path;
use std::time::Duration;

use homing_device::DeviceHost;
use serde_json::{Value, json};

use crate::driven::{BUNDLE, NOTIFICATIONS, driven, publish, told};
use crate::hands::{APP, get, send, start, until};
use crate::processes::{example, kernel_state};
use crate::push_service::PushService;

const DRAWS: &str = "/v1/devices/iphone/apps/com.example.news/content-extension";

/// A device whose app has this content extension for the category "story", permitted, in background.
async fn installed(dir: &Path, service: &PushService, argv: Value) -> DeviceHost {
    let host = start(dir, service).await;
    driven(&host, service, json!({})).await;
    let mut manifest = json!(homing_app::demo::manifest("development").expect("it is a manifest"));
    manifest["content_extensions"] = json!([{"categories": ["story"], "command": {"argv": argv}}]);
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 200);
    let actions = ["like", "archive", "close", "open", "share"].map(|one| json!({"identifier": one}));
    let set = json!({"categories": [{"identifier": "story", "actions": actions}]});
    assert_eq!(send(&host, "PUT", &format!("{APP}/categories"), set).await.0, 204);
    host
}

/// A story comes, and the user opens it without opening the app.
async fn opened(host: &DeviceHost, service: &PushService, seq: u16) -> String {
    let title = format!("story {seq}");
    publish(service, seq, &json!({"aps": {"alert": {"title": title}, "category": "story"}}));
    let shown = until(host, NOTIFICATIONS, |all| all["notifications"][0]["title"] == title.as_str()).await;
    let identifier = shown["notifications"][0]["identifier"].as_str().expect("it has one").to_owned();
    let expand = json!({"app": BUNDLE, "identifier": identifier});
    let answer = send(host, "POST", &format!("{NOTIFICATIONS}/expand"), expand).await;
    assert_eq!(answer, (200, json!({"content_extension": true})));
    identifier
}

async fn choose(host: &DeviceHost, identifier: &str, action: &str) {
    let choice = json!({"app": BUNDLE, "identifier": identifier, "action": action});
    let (status, answer) = send(host, "POST", &format!("{NOTIFICATIONS}/action"), choice).await;
    assert_eq!(status, 204, "{answer}");
}

async fn collapse(host: &DeviceHost) {
    let answer = send(host, "POST", &format!("{NOTIFICATIONS}/collapse"), json!({"app": BUNDLE})).await;
    assert_eq!(answer.0, 204, "{}", answer.1);
}

async fn is_gone(pid: &Value) {
    for _ in 0..6_000 {
        if kernel_state(pid).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the process {pid} stays {:?}", kernel_state(pid));
}

/// What the app was told of actions, oldest first.
async fn actions_told(host: &DeviceHost) -> Vec<Value> {
    let calls = get(host, &format!("{APP}/calls")).await;
    let calls = calls["calls"].as_array().cloned().unwrap_or_default().into_iter();
    let responses = calls.filter(|call| call["event"]["event"] == "did-receive");
    responses.map(|call| call["event"]["response"]["action_identifier"].clone()).collect()
}

#[tokio::test]
async fn it_draws_what_is_open_and_is_asked_first_about_its_actions() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, json!([example("content-extension-process")])).await;
    let container = get(&host, &format!("{APP}/credentials")).await["container"].clone();
    let drawn = Path::new(container.as_str().expect("a path")).join("drawn");
    let has_drawn = async |lines: &str| {
        for _ in 0..1_000 {
            if std::fs::read_to_string(&drawn).is_ok_and(|drawn| drawn == lines) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it has drawn {:?}", std::fs::read_to_string(&drawn));
    };

    let first = opened(&host, &service, 1).await;
    has_drawn("story 1\n").await;
    let pid = get(&host, DRAWS).await["pid"].clone();
    assert!(kernel_state(&pid).is_some());

    // A later one of the category and the thread comes to the same process, while the first is open.
    publish(&service, 2, &json!({"aps": {"alert": {"title": "story 2"}, "category": "story"}}));
    has_drawn("story 1\nstory 2\n").await;

    // doNotDismiss, and other notificationActions.
    choose(&host, &first, "like").await;
    let like_is = async |action: &str| {
        until(&host, NOTIFICATIONS, |all| all["notifications"][1]["actions"][0]["identifier"] == action).await
    };
    like_is("unlike").await;
    until(&host, DRAWS, |draws| draws["open"] == first.as_str() && draws["pid"] == pid).await;
    assert_eq!(actions_told(&host).await, [""; 0], "the app isn't told");

    // dismissNotificationContentExtension: it is closed, and where it was; its actions are the category's again.
    choose(&host, &first, "close").await;
    until(&host, DRAWS, |draws| draws["open"].is_null() && draws["pid"].is_null()).await;
    is_gone(&pid).await;
    like_is("like").await;
    assert_eq!(actions_told(&host).await, [""; 0]);
    host.shutdown().await;
}

#[tokio::test]
async fn each_option_does_what_apple_says_of_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, json!([example("content-extension-process")])).await;

    // dismiss: gone, and the app isn't told.
    let first = opened(&host, &service, 1).await;
    let pid = get(&host, DRAWS).await["pid"].clone();
    choose(&host, &first, "archive").await;
    until(&host, NOTIFICATIONS, |all| all["notifications"] == json!([])).await;
    is_gone(&pid).await;
    assert_eq!(actions_told(&host).await, [""; 0]);

    // dismissAndForwardAction: gone, and the app is told.
    let second = opened(&host, &service, 2).await;
    choose(&host, &second, "share").await;
    assert_eq!(told(&host, "did-receive").await["event"]["response"]["action_identifier"], "share");
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"], json!([]));

    // performNotificationDefaultAction: the app is in front, as after a tap.
    let third = opened(&host, &service, 3).await;
    choose(&host, &third, "open").await;
    until(&host, APP, |app| app["state"] == "foreground").await;
    let default = "com.apple.UNNotificationDefaultActionIdentifier";
    assert_eq!(actions_told(&host).await, ["share", default]);

    let receipts = service.until("all is told", |seen| seen.receipts.len() == 6).await.receipts;
    let said: Vec<_> = receipts.iter().map(|one| (one.seq, one.event.to_string())).collect();
    let said: Vec<_> = said.iter().map(|(seq, stage)| (*seq, stage.as_str())).collect();
    let displayed = |seq| (seq, "displayed");
    let expected = [displayed(1), (1, "action"), displayed(2), (2, "action"), displayed(3), (3, "opened")];
    assert_eq!(said, expected);
    host.shutdown().await;
}

/// Whatever ends what is open ends its process; nothing starts one but the user who opens a notification.
#[tokio::test]
async fn its_process_ends_with_what_is_open() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    // It starts another that leaves its group.
    let script = "(setsid sleep 1000 &); while read line; do :; done";
    let host = installed(dir.path(), &service, json!(["sh", "-c", script])).await;
    for (seq, how) in (1_u16..).zip(["collapsed", "tapped", "dismissed", "removed", "locked", "another"]) {
        let identifier = opened(&host, &service, seq).await;
        let draws = until(&host, DRAWS, |draws| draws["pid"].is_number()).await;
        let this = json!({"app": BUNDLE, "identifier": identifier});
        let (method, path, body) = match how {
            "collapsed" => ("POST", format!("{NOTIFICATIONS}/collapse"), json!({"app": BUNDLE})),
            "tapped" => ("POST", format!("{NOTIFICATIONS}/tap"), this),
            "dismissed" => ("POST", format!("{NOTIFICATIONS}/dismiss"), this),
            "removed" => ("DELETE", format!("{APP}/delivered"), json!({})),
            "locked" => ("PUT", "/v1/devices/iphone/lock".to_owned(), json!({"locked": true})),
            _ => {
                opened(&host, &service, seq + 1).await;
                until(&host, DRAWS, |after| after["pid"].is_number() && after["pid"] != draws["pid"]).await;
                is_gone(&draws["pid"]).await;
                continue;
            }
        };
        let (status, answer) = send(&host, method, &path, body).await;
        assert!(status < 300, "{how}: {status} {answer}");
        is_gone(&draws["pid"]).await;
        until(&host, DRAWS, |open| open["open"].is_null() && open["pid"].is_null()).await;
        for (path, body) in [("state", json!({"state": "background"})), ("lock", json!({"locked": false}))] {
            let path =
                if path == "lock" { "/v1/devices/iphone/lock".to_owned() } else { format!("{APP}/{path}") };
            assert_eq!(send(&host, "PUT", &path, body).await.0, 200, "{how}");
        }
    }
    let last = get(&host, DRAWS).await["pid"].clone();
    host.shutdown().await;
    is_gone(&last).await;
}

/// However it fails, the user's choice reaches the app, as without an extension, and the device goes on.
#[tokio::test]
async fn a_hostile_one_takes_nothing_from_the_user() {
    let reads = "read first; read second;";
    for (what, script) in [
        ("ends at once", "exit 3".to_owned()),
        ("crashes when it is asked", format!("{reads} kill -9 $$")),
        ("ends without an answer", format!("{reads} exit 0")),
        ("closes its output", format!("{reads} exec >&-; sleep 1000")),
        ("closes its input and output", "exec <&- >&-; sleep 1000".to_owned()),
        ("says what is no JSON", format!("{reads} echo nonsense; sleep 1000")),
        ("says nothing but an empty line", format!("{reads} echo; sleep 1000")),
        ("says what isn't UTF-8", format!("{reads} printf '\\377\\376\\n'; sleep 1000")),
        ("nests JSON", format!("{reads} head -c 100000 /dev/zero | tr '\\0' '['; echo; sleep 1000")),
        ("says a line without end", "cat /dev/zero".to_owned()),
        (
            "answers what is no option",
            format!(r#"{reads} echo '{{"answer":{{"call":1,"option":"x"}}}}'; sleep 9"#),
        ),
        ("answers without end", r#"yes '{"answer":{"call":123456789,"option":"dismiss"}}'"#.to_owned()),
        ("sets actions without end", r#"yes '{"set_actions":[{"identifier":"like"}]}'"#.to_owned()),
        ("sets actions that are none", r#"yes '{"set_actions":[{"identifier":""}]}'"#.to_owned()),
        ("writes a log without end", "yes >&2".to_owned()),
        ("never answers", "while read line; do :; done; sleep 1000".to_owned()),
        ("never reads", "sleep 1000".to_owned()),
    ] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let service = PushService::start().await;
        let host = installed(dir.path(), &service, json!(["sh", "-c", script])).await;
        let identifier = opened(&host, &service, 1).await;
        let pid = get(&host, DRAWS).await["pid"].clone();
        choose(&host, &identifier, "like").await;
        if what.starts_with("never") || what.ends_with("log without end") {
            assert_eq!(actions_told(&host).await, [""; 0], "{what}: it has ten seconds");
            let again = json!({"app": BUNDLE, "identifier": identifier, "action": "like"});
            let again = send(&host, "POST", &format!("{NOTIFICATIONS}/action"), again).await;
            assert_eq!(again.0, 409, "{what}: {}", again.1);
            let passed = send(&host, "POST", "/v1/clock/advance", json!({"seconds": 10})).await;
            assert_eq!(passed.0, 200, "{what}");
        }
        let told = told(&host, "did-receive").await;
        assert_eq!(told["event"]["response"]["action_identifier"], "like", "{what}");
        assert_eq!(get(&host, NOTIFICATIONS).await["notifications"], json!([]), "{what}");
        until(&host, DRAWS, |draws| draws["open"].is_null() && draws["pid"].is_null()).await;
        if pid.is_number() {
            is_gone(&pid).await;
        }
        host.shutdown().await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_leaves_the_actions_to_the_app() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, json!(["/no/such/program"])).await;
    let identifier = opened(&host, &service, 1).await;
    choose(&host, &identifier, "like").await;
    assert_eq!(told(&host, "did-receive").await["event"]["response"]["action_identifier"], "like");
    host.shutdown().await;
}

/// One that doesn't read is ended when too much waits for it; the notification stays open.
#[tokio::test]
async fn what_is_not_read_is_bounded() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, json!(["sleep", "1000"])).await;
    opened(&host, &service, 1).await;
    let pid = get(&host, DRAWS).await["pid"].clone();
    // A pipe has room for 64 KiB.
    let long = "x".repeat(3_000);
    for seq in 2..200 {
        publish(&service, seq, &json!({"aps": {"alert": {"title": long}, "category": "story"}}));
    }
    is_gone(&pid).await;
    let draws = until(&host, DRAWS, |draws| draws["pid"].is_null()).await;
    assert!(draws["open"].is_string(), "the device draws it: {draws}");
    collapse(&host).await;
    host.shutdown().await;
}

/// What is laid down through the API takes the place of the process, until it is taken back.
#[tokio::test]
async fn what_is_laid_down_comes_before_the_process() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = installed(dir.path(), &service, json!([example("content-extension-process")])).await;
    assert_eq!(send(&host, "PUT", DRAWS, json!({"response": "do-not-dismiss"})).await.0, 204);
    let identifier = opened(&host, &service, 1).await;
    assert_eq!(get(&host, DRAWS).await["pid"], Value::Null);
    choose(&host, &identifier, "archive").await;
    assert_eq!(get(&host, DRAWS).await["open"], identifier.as_str());
    assert_eq!(send(&host, "DELETE", DRAWS, json!({})).await.0, 204);
    opened(&host, &service, 2).await;
    assert!(get(&host, DRAWS).await["pid"].is_number());
    host.shutdown().await;
}
