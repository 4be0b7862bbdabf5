//! An app without a process: what it is told and answers, its categories and its service extension, all through the
//! API.

use homing_device::DeviceHost;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::hands::{APP, allow, get, put_state, send, start, until};
use crate::push_service::{PushService, Sent};
use crate::said;

pub(crate) const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";
pub(crate) const BUNDLE: &str = "com.example.news";

/// The app is permitted, and driven: it stands in background.
pub(crate) async fn driven(host: &DeviceHost, service: &PushService, driver: Value) {
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(host).await;
    let (status, answer) = send(host, "PUT", &format!("{APP}/driver"), driver).await;
    assert_eq!(status, 204, "{answer}");
}

pub(crate) fn publish(service: &PushService, seq: u16, payload: &Value) {
    let (payload, apns_id) = (payload.to_string(), format!("id-{seq}"));
    let sent = Sent { seq: u64::from(seq), apns_id: &apns_id, push_type: "alert", payload: &payload };
    service.publish(seq, &sent);
}

pub(crate) async fn told(host: &DeviceHost, event: &str) -> Value {
    let is = |call: &&Value| call["event"]["event"] == event;
    let answer = until(host, &format!("{APP}/calls"), |answer| {
        answer["calls"].as_array().is_some_and(|calls| calls.iter().any(|call| is(&call)))
    })
    .await;
    answer["calls"].as_array().expect("it is a list").iter().rev().find(is).expect("it is there").clone()
}

#[tokio::test]
async fn a_driven_app_answers_as_it_was_laid_down_or_by_hand() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let (status, problem) = send(&host, "GET", &format!("{APP}/calls"), json!({})).await;
    assert_eq!(status, 409, "{problem}");
    driven(&host, &service, json!({"will_present": ["banner", "list"], "fetch": "by-hand"})).await;

    put_state(&host, "foreground").await;
    publish(&service, 1, &json!({"aps": {"alert": "n", "sound": "default", "content-available": 1}}));
    let seen = service.until("it is displayed", |seen| seen.receipts.len() == 1).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Displayed, ""));
    let shown = get(&host, NOTIFICATIONS).await;
    assert_eq!(shown["notifications"][0]["surfaces"], json!(["banner", "notification-center"]));
    assert_eq!(told(&host, "will-present").await["open"], false);

    let fetch = told(&host, "did-receive-remote-notification").await;
    assert_eq!(fetch["open"], true);
    let address = format!("{APP}/calls/{}", fetch["event"]["completion"]);
    assert_eq!(send(&host, "POST", &address, json!({"options": []})).await.0, 400);
    assert_eq!(send(&host, "POST", &address, json!({"result": "new-data"})).await.0, 204);
    assert_eq!(send(&host, "POST", &address, json!({"result": "new-data"})).await.0, 404, "it counts once");

    send(&host, "PUT", &format!("{APP}/driver"), json!({"will_present": "by-hand"})).await;
    publish(&service, 2, &json!({"aps": {"alert": "m"}}));
    let asked = until(&host, &format!("{APP}/calls"), |answer| {
        answer["calls"].as_array().is_some_and(|calls| calls.last().is_some_and(|call| call["open"] == true))
    })
    .await;
    let asked = asked["calls"].as_array().and_then(|calls| calls.last().cloned()).expect("it is there");
    assert_eq!(asked["event"]["notification"]["request"]["content"]["body"], "m");
    let address = format!("{APP}/calls/{}", asked["event"]["completion"]);
    assert_eq!(send(&host, "POST", &address, json!({"options": []})).await.0, 204);
    let seen = service.until("it is told", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[1]), (2, Stage::Suppressed, "foreground"));
    host.shutdown().await;
}

/// §4.5: the delegate of the application is there at every launch, that of the notification centre when it was set.
#[tokio::test]
async fn a_silent_push_that_starts_an_app_reaches_its_application_delegate_whenever_the_other_is_set() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({"delegate_at_launch": false, "fetch": "new-data"})).await;
    put_state(&host, "ended").await;
    publish(&service, 1, &json!({"aps": {"content-available": 1}}));
    let fetch = told(&host, "did-receive-remote-notification").await;
    assert_eq!(fetch["event"]["user_info"]["aps"]["content-available"], 1, "{fetch}");
    host.shutdown().await;
}

/// §4.3 and §4.5: what wasn't answered in time can't be answered any more.
#[tokio::test]
async fn a_call_is_open_until_its_time_is_over() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({"will_present": "by-hand", "fetch": "by-hand"})).await;
    put_state(&host, "foreground").await;
    publish(&service, 1, &json!({"aps": {"alert": "n", "content-available": 1}}));
    for (event, seconds, answer) in [
        ("will-present", 10, json!({"options": ["list"]})),
        ("did-receive-remote-notification", 30, json!({"result": "new-data"})),
    ] {
        let asked = told(&host, event).await;
        assert_eq!(asked["open"], true, "{event}");
        let (status, passed) = send(&host, "POST", "/v1/clock/advance", json!({"seconds": seconds})).await;
        assert_eq!(status, 200, "{passed}");
        assert_eq!(told(&host, event).await["open"], false, "{event}");
        let address = format!("{APP}/calls/{}", asked["event"]["completion"]);
        assert_eq!(send(&host, "POST", &address, answer).await.0, 404, "{event}");
    }
    let arrivals = get(&host, "/v1/devices/iphone/arrivals").await;
    assert_eq!(arrivals["arrivals"][0]["why"], "The app was open, and didn't say that it was to be shown.");
    host.shutdown().await;
}

/// §2.1.
#[tokio::test]
async fn an_app_that_does_not_run_is_told_nothing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    put_state(&host, "force-quit").await;
    let calls = get(&host, &format!("{APP}/calls")).await;
    let token = get(&host, APP).await["device_token"].clone();
    let (status, answer) = send(&host, "POST", &format!("{APP}/token/rotate"), json!({})).await;
    assert!(status < 300, "{answer}");
    let new = until(&host, APP, |app| app["device_token"].is_string() && app["device_token"] != token).await;
    assert_eq!(send(&host, "PUT", &format!("{APP}/registration"), json!({})).await.0, 202);
    assert_eq!(get(&host, &format!("{APP}/calls")).await, calls);
    put_state(&host, "foreground").await;
    assert_eq!(send(&host, "PUT", &format!("{APP}/registration"), json!({})).await.0, 202);
    assert_eq!(told(&host, "did-register").await["event"]["device_token"], new["device_token"]);
    host.shutdown().await;
}

#[tokio::test]
async fn actions_reach_the_app_with_its_launch_options_and_what_the_user_wrote() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let categories = json!({"categories": [{
        "identifier": "mail",
        "actions": [
            {"identifier": "reply", "title": "Reply", "text_input": {"placeholder": "Your answer"}},
            {"identifier": "delete", "title": "Delete", "options": {"authentication_required": true}},
        ],
    }]});
    let address = format!("{APP}/categories");
    let (status, answer) = send(&host, "PUT", &address, categories.clone()).await;
    assert_eq!(status, 204, "{answer}");
    let twice = json!({"categories": [{"identifier": "a"}, {"identifier": "a"}]});
    assert_eq!(send(&host, "PUT", &address, twice).await.0, 422);
    assert_eq!(get(&host, &address).await["categories"][0]["actions"][0]["identifier"], "reply");

    put_state(&host, "ended").await;
    publish(
        &service,
        1,
        &json!({"aps": {"alert": "n", "category": "mail"}, "url": "https://news.example/1"}),
    );
    let shown =
        until(&host, NOTIFICATIONS, |shown| shown["notifications"][0]["actions"][0].is_object()).await;
    let actions = &shown["notifications"][0]["actions"];
    assert_eq!(actions[0]["text_input"]["placeholder"], "Your answer");
    let identifier = &shown["notifications"][0]["identifier"];
    let choose = |action: &str, text: Value| json!({"app": BUNDLE, "identifier": identifier, "action": action, "text": text});
    let address = format!("{NOTIFICATIONS}/action");
    let (status, problem) = send(&host, "POST", &address, choose("archive", Value::Null)).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("reply, delete")), "{problem}");

    let (status, answer) = send(&host, "POST", &address, choose("reply", json!("Yes!"))).await;
    assert_eq!(status, 204, "{answer}");
    let launched = told(&host, "launched").await;
    assert_eq!(launched["event"]["launch_options"]["remote_notification"]["url"], "https://news.example/1");
    let response = told(&host, "did-receive").await["event"]["response"].clone();
    assert_eq!((&response["action_identifier"], &response["user_text"]), (&json!("reply"), &json!("Yes!")));
    assert_eq!(get(&host, APP).await["state"], "background");
    let seen = service.until("it is told", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[1]), (1, Stage::Action, "reply"));

    publish(&service, 2, &json!({"aps": {"alert": "n", "category": "mail"}}));
    until(&host, NOTIFICATIONS, |shown| shown["notifications"][0]["apns_id"] == "id-2").await;
    send(&host, "PUT", "/v1/devices/iphone/lock", json!({"locked": true})).await;
    let delete = json!({"app": BUNDLE, "identifier": "id-2", "action": "delete"});
    assert_eq!(send(&host, "POST", &address, delete).await.0, 202, "it waits");
    send(&host, "PUT", "/v1/devices/iphone/lock", json!({"locked": false})).await;
    let seen = service.until("it is told", |seen| seen.receipts.len() == 4).await;
    assert_eq!(said(&seen.receipts[3]), (2, Stage::Action, "delete"));
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, &format!("{APP}/categories")).await, categories_with_defaults());
    assert_eq!(get(&host, &format!("{APP}/calls")).await["calls"], json!([]), "it is still driven");
    host.shutdown().await;
}

fn categories_with_defaults() -> Value {
    let action = |identifier: &str, title: &str, authentication_required: bool| {
        json!({"identifier": identifier, "title": title, "options": {
            "authentication_required": authentication_required, "destructive": false, "foreground": false,
        }})
    };
    let mut reply = action("reply", "Reply", false);
    reply["text_input"] = json!({"button_title": "", "placeholder": "Your answer"});
    json!({"categories": [{
        "identifier": "mail",
        "actions": [reply, action("delete", "Delete", true)],
        "options": {"custom_dismiss_action": false, "allow_in_car_play": false, "hidden_previews_show_title": false,
            "hidden_previews_show_subtitle": false, "allow_announcement": false},
    }]})
}

#[tokio::test]
async fn a_service_extension_does_what_was_laid_down_or_is_answered_by_hand() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let address = format!("{APP}/service-extension");
    let alert = json!({"aps": {"alert": {"title": "t", "body": "b"}, "mutable-content": 1}});
    let newest = |wanted: (&'static str, &'static str)| {
        let host = &host;
        async move {
            until(host, NOTIFICATIONS, |shown| {
                let newest = &shown["notifications"][0];
                newest["title"] == wanted.0 && newest["apns_id"] == wanted.1
            })
            .await
        }
    };

    let misspelt = json!({"behaviour": "answer", "changes": {"titel": "T"}});
    assert_eq!(send(&host, "PUT", &address, misspelt).await.0, 400);
    let answer = json!({"behaviour": "answer", "changes": {"title": "T"}});
    assert_eq!(send(&host, "PUT", &address, answer).await.0, 204);
    publish(&service, 1, &alert);
    newest(("T", "id-1")).await;

    assert_eq!(send(&host, "PUT", &address, json!({"behaviour": "crash"})).await.0, 204);
    publish(&service, 2, &alert);
    newest(("t", "id-2")).await;

    assert_eq!(send(&host, "PUT", &address, json!({"behaviour": "by-hand"})).await.0, 204);
    publish(&service, 3, &alert);
    let open = until(&host, &address, |extension| extension["calls"][0].is_object()).await;
    assert_eq!(open["calls"][0]["request"]["content"]["body"], "b");
    let call = format!("{address}/calls/{}", open["calls"][0]["call"]);
    assert_eq!(send(&host, "POST", &call, json!({"changes": {"title": "by hand"}})).await.0, 204);
    newest(("by hand", "id-3")).await;
    assert_eq!(send(&host, "POST", &call, json!({})).await.0, 404);

    let best = json!({"behaviour": "best-attempt", "changes": {"title": "best"}});
    assert_eq!(send(&host, "PUT", &address, best).await.0, 204);
    publish(&service, 4, &alert);
    until(&host, &address, |extension| extension["calls"][0].is_object()).await;
    send(&host, "POST", "/v1/clock/advance", json!({"seconds": 30})).await;
    newest(("best", "id-4")).await;

    assert_eq!(send(&host, "DELETE", &address, json!({})).await.0, 204);
    publish(&service, 5, &alert);
    newest(("t", "id-5")).await;
    host.shutdown().await;
}

#[tokio::test]
async fn a_content_extension_is_asked_first_about_the_actions_of_what_is_open() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let mut manifest = json!(homing_app::demo::manifest("development").expect("it is a manifest"));
    manifest["content_extensions"] = json!([{"categories": ["mail"], "initial_content_size_ratio": 0.5}]);
    assert_eq!(send(&host, "PUT", APP, json!({"manifest": manifest})).await.0, 200);
    let set = json!({"categories": [{"identifier": "mail", "actions": [{"identifier": "like"}]}]});
    assert_eq!(send(&host, "PUT", &format!("{APP}/categories"), set).await.0, 204);
    publish(&service, 1, &json!({"aps": {"alert": "n", "category": "mail"}}));
    until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;

    let address = format!("{APP}/content-extension");
    assert_eq!(send(&host, "PUT", &address, json!({"response": "do-not-dismiss"})).await.0, 204);
    let opened = json!({"app": BUNDLE, "identifier": "id-1"});
    let expand = format!("{NOTIFICATIONS}/expand");
    assert_eq!(send(&host, "POST", &expand, opened).await, (200, json!({"content_extension": true})));
    let like = json!({"app": BUNDLE, "identifier": "id-1", "action": "like"});
    let action = format!("{NOTIFICATIONS}/action");
    assert_eq!(send(&host, "POST", &action, like.clone()).await.0, 204);
    let open = json!({"open": "id-1", "response": "do-not-dismiss"});
    assert_eq!(get(&host, &address).await, open, "it stays open");

    assert_eq!(send(&host, "PUT", &address, json!({"response": "dismiss-and-forward-action"})).await.0, 204);
    assert_eq!(send(&host, "POST", &action, like).await.0, 204);
    assert_eq!(told(&host, "did-receive").await["event"]["response"]["action_identifier"], "like");
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"], json!([]));
    let collapse = json!({"app": BUNDLE});
    assert_eq!(send(&host, "POST", &format!("{NOTIFICATIONS}/collapse"), collapse).await.0, 204);
    host.shutdown().await;
}

/// §4.4 and §5.1: about thirty seconds in background, whoever forgets the completion handler.
#[tokio::test]
async fn a_driven_app_that_never_completes_a_response_is_suspended_until_it_is_told_something() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({"did_receive": "by-hand"})).await;
    let categories = json!({"categories": [{"identifier": "mail", "actions": [{"identifier": "read"}]}]});
    assert_eq!(send(&host, "PUT", &format!("{APP}/categories"), categories).await.0, 204);
    for (seq, completes) in [(1, false), (2, true)] {
        publish(&service, seq, &json!({"aps": {"alert": "n", "category": "mail"}}));
        let shown =
            until(&host, NOTIFICATIONS, |shown| shown["notifications"][0]["actions"][0].is_object()).await;
        let identifier = &shown["notifications"][0]["identifier"];
        let choice = json!({"app": BUNDLE, "identifier": identifier, "action": "read"});
        assert_eq!(send(&host, "POST", &format!("{NOTIFICATIONS}/action"), choice).await.0, 204);
        let call = told(&host, "did-receive").await;
        assert_eq!((&call["open"], &get(&host, APP).await["suspended"]), (&json!(true), &json!(false)));
        let address = format!("{APP}/calls/{}", call["event"]["completion"]);
        if completes {
            assert_eq!(send(&host, "POST", &address, json!({})).await.0, 204);
        }
        assert_eq!(send(&host, "POST", "/v1/clock/advance", json!({"seconds": 30})).await.0, 200);
        assert_eq!(get(&host, APP).await["suspended"], !completes);
        assert_eq!(send(&host, "POST", &address, json!({})).await.0, 404, "it is open no more");
    }
    host.shutdown().await;
}
