//! The iOS 9 API through the HTTP API alone: an app without a process that has only iOS 9's callbacks.

use homing_device::DeviceHost;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::hands::{APP, get, put_state, send, start, until};
use crate::push_service::{PushService, Sent};
use crate::said;

const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";
const BUNDLE: &str = "com.example.news";

fn legacy(what: &str) -> String {
    format!("{APP}/legacy/{what}")
}

/// What the app was called for by the iOS 9 API, oldest first.
async fn callbacks(host: &DeviceHost) -> Vec<Value> {
    let calls = get(host, &format!("{APP}/calls")).await;
    let calls = calls["calls"].as_array().expect("it is a list").iter().map(|call| call["event"].clone());
    calls.filter(|event| event["event"] == "legacy").collect()
}

async fn called(host: &DeviceHost, count: usize) -> Value {
    let of_ios_9 = |answer: &Value| {
        let calls = answer["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        calls.iter().filter(|call| call["event"]["event"] == "legacy").count() == count
    };
    until(host, &format!("{APP}/calls"), of_ios_9).await;
    callbacks(host).await.pop().expect("there is one")
}

fn publish(service: &PushService, seq: u16, payload: &Value) {
    let (payload, apns_id) = (payload.to_string(), format!("id-{seq}"));
    let sent = Sent { seq: u64::from(seq), apns_id: &apns_id, push_type: "alert", payload: &payload };
    service.publish(seq, &sent);
}

async fn ok(host: &DeviceHost, method: &str, address: &str, body: Value) {
    let (status, answer) = send(host, method, address, body).await;
    assert_eq!(status, 204, "{method} {address}: {answer}");
}

/// In front, driven, with iOS 9's callbacks; the fetch completion handler's only if wanted.
async fn of_ios_9(host: &DeviceHost, service: &PushService, fetch: bool) {
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let mut driver = json!({"legacy": {
        "did_receive_remote_notification": true, "did_receive_local_notification": true, "handle_action": true,
    }});
    if fetch {
        driver["fetch"] = json!("new-data");
    }
    ok(host, "PUT", &format!("{APP}/driver"), driver).await;
    put_state(host, "foreground").await;
}

/// It registers for everything, and the user allows it.
async fn allowed(host: &DeviceHost) {
    let settings = json!({"types": ["badge", "sound", "alert"], "categories": [{
        "identifier": "mail",
        "default_actions": [
            {"identifier": "reply", "title": "Reply", "activation_mode": "background", "behavior": "text-input"},
            {"identifier": "open", "title": "Open"},
        ],
    }]});
    let (status, answer) = send(host, "POST", &legacy("user-notification-settings"), settings).await;
    assert_eq!(
        (status, &answer["prompt"]["options"]),
        (202, &json!(["badge", "sound", "alert"])),
        "{answer}"
    );
    let detail = get(host, APP).await;
    assert_eq!(detail["application_state"], "inactive", "the prompt is in front of it");
    let answered = send(host, "POST", "/v1/devices/iphone/prompt/answer", json!({"allow": true})).await;
    assert!(matches!(answered.0, 200 | 204), "{}", answered.1);
}

#[tokio::test]
async fn registering_settings_asks_once_and_the_callback_says_what_the_user_allows() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    of_ios_9(&host, &service, false).await;
    assert_eq!(get(&host, &legacy("user-notification-settings")).await["types"], json!([]));
    allowed(&host).await;
    let told = called(&host, 1).await;
    assert_eq!(told["callback"], "did-register-user-notification-settings");
    assert_eq!(told["settings"]["types"], json!(["badge", "sound", "alert"]));
    assert_eq!(told["settings"]["categories"][0]["identifier"], "mail");

    // Again: nobody is asked, and what is registered now takes its place.
    let fewer = json!({"types": ["sound"]});
    let (status, answer) = send(&host, "POST", &legacy("user-notification-settings"), fewer).await;
    assert_eq!((status, answer), (200, json!({"settings": {"types": ["sound"]}})));
    assert_eq!(called(&host, 2).await["settings"]["types"], json!(["sound"]));
    let detail = get(&host, APP).await;
    assert_eq!((&detail["application_state"], &detail["registered"]), (&json!("active"), &json!(true)));

    // Switched off in Settings: no types are in force, which is how iOS 9 says that the user refused.
    let off = json!({"setting": "allow-notifications", "on": false});
    assert_eq!(send(&host, "PUT", &format!("{APP}/settings"), off).await.0, 200);
    assert_eq!(get(&host, &legacy("user-notification-settings")).await["types"], json!([]));
    let twice = json!({"types": [], "categories": [{"identifier": "a"}, {"identifier": "a"}]});
    let (status, problem) = send(&host, "POST", &legacy("user-notification-settings"), twice).await;
    assert_eq!(status, 422, "{problem}");
    host.shutdown().await;
}

#[tokio::test]
async fn local_notifications_are_scheduled_listed_cancelled_and_come_with_the_clock() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    of_ios_9(&host, &service, false).await;
    let list = legacy("local-notifications");
    let (status, problem) = send(&host, "POST", &list, json!({"alert_body": "n"})).await;
    assert_eq!((status, &problem["error"]["code"]), (422, &json!(1)), "not without permission: {problem}");
    allowed(&host).await;
    put_state(&host, "background").await;

    let now = get(&host, "/v1/clock").await["now"].as_str().expect("it is a time").to_owned();
    let past = json!({"fire_date": now, "alert_body": "at once", "application_icon_badge_number": 2});
    ok(&host, "POST", &list, past).await;
    let shown = get(&host, NOTIFICATIONS).await;
    assert_eq!(shown["notifications"][0]["body"], "at once");
    assert_eq!(get(&host, &legacy("icon-badge-number")).await["count"], 2);

    let weekly = json!({"fire_date": "2099-01-01T08:00:00.000Z", "repeat_interval": "week-of-year", "alert_body": "w"});
    let daily = json!({"fire_date": "2099-01-01T07:00:00.000Z", "repeat_interval": "day", "alert_body": "d"});
    for one in [&weekly, &daily, &weekly] {
        ok(&host, "POST", &list, one.clone()).await;
    }
    let scheduled = get(&host, &list).await;
    let bodies = |list: &Value| {
        let all = list["local_notifications"].as_array().expect("it is a list").iter();
        all.map(|one| one["alert_body"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(&scheduled), ["d", "w", "w"], "soonest first, and two that are equal are two");
    ok(&host, "POST", &legacy("local-notifications/cancel"), weekly.clone()).await;
    assert_eq!(bodies(&get(&host, &list).await), ["d"]);
    ok(&host, "PUT", &list, json!({"local_notifications": [weekly]})).await;
    assert_eq!(bodies(&get(&host, &list).await), ["w"]);

    for wrong in [
        json!({"fire_date": now, "region": {"identifier": "r", "center": {"latitude": 1.0, "longitude": 2.0}, "radius": 3.0}}),
        json!({"fire_date": now, "time_zone": "Mars/Base"}),
        json!({"user_info": {"a": null}, "alert_body": "n"}),
    ] {
        let (status, problem) = send(&host, "POST", &list, wrong).await;
        assert_eq!(status, 422, "{problem}");
    }
    for unreadable in [json!({"repeat_interval": "second"}), json!({"repeat_interval": ["day", "hour"]})] {
        assert_eq!(
            send(&host, "POST", &list, unreadable).await.0,
            400,
            "one unit, and no shorter than a minute"
        );
    }

    ok(
        &host,
        "POST",
        &legacy("present-now"),
        json!({"fire_date": "2099-01-01T08:00:00.000Z", "alert_body": "now"}),
    )
    .await;
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"][0]["body"], "now");
    ok(&host, "DELETE", &list, json!({})).await;
    assert_eq!(bodies(&get(&host, &list).await), [""; 0]);
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"], json!([]), "also those that are shown");

    // One that repeats comes at once, being past, and waits for its next date.
    let clock = get(&host, "/v1/clock").await["now"].clone();
    ok(&host, "POST", &list, json!({"fire_date": clock, "alert_body": "again", "repeat_interval": "hour"}))
        .await;
    send(&host, "POST", "/v1/clock/advance", json!({"seconds": 3600})).await;
    let pending = get(&host, &format!("{APP}/pending")).await;
    assert_eq!(pending["pending"][0]["request"]["trigger"]["kind"], "legacy", "one store: {pending}");
    let shown = get(&host, NOTIFICATIONS).await;
    assert_eq!(shown["notifications"][0]["body"], "again");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(bodies(&get(&host, &list).await), ["again"], "over a restart");
    host.shutdown().await;
}

#[tokio::test]
async fn the_callbacks_come_in_each_state_and_nothing_is_shown_in_front() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    of_ios_9(&host, &service, false).await;
    allowed(&host).await;
    called(&host, 1).await;

    publish(&service, 1, &json!({"aps": {"alert": "n"}, "story": 1}));
    let told = called(&host, 2).await;
    assert_eq!(told["callback"], "did-receive-remote-notification");
    assert_eq!((&told["application_state"], &told["user_info"]["story"]), (&json!("active"), &json!(1)));
    let seen = service.until("it says why", |seen| seen.receipts.len() == 1).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Suppressed, "foreground"));
    ok(&host, "POST", &legacy("present-now"), json!({"alert_body": "local", "user_info": {"a": 1}})).await;
    let told = called(&host, 3).await;
    assert_eq!(told["callback"], "did-receive-local-notification");
    assert_eq!(
        (&told["application_state"], &told["notification"]["user_info"]["a"]),
        (&json!("active"), &json!(1))
    );
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"], json!([]));

    put_state(&host, "background").await;
    publish(&service, 2, &json!({"aps": {"alert": "n", "category": "mail"}, "story": 2}));
    until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
    let reply = json!({"app": BUNDLE, "identifier": "id-2", "action": "reply", "text": "Yes"});
    ok(&host, "POST", &format!("{NOTIFICATIONS}/action"), reply).await;
    let told = called(&host, 4).await;
    assert_eq!((&told["callback"], &told["identifier"]), (&json!("handle-action"), &json!("reply")));
    assert_eq!(told["response_info"]["typed_text"], "Yes");
    assert_eq!(
        (&told["application_state"], &told["remote_notification"]["story"]),
        (&json!("background"), &json!(2))
    );

    publish(&service, 3, &json!({"aps": {"alert": "n"}, "story": 3}));
    until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
    ok(&host, "POST", &format!("{NOTIFICATIONS}/tap"), json!({"app": BUNDLE, "identifier": "id-3"})).await;
    let told = called(&host, 5).await;
    assert_eq!((&told["application_state"], &told["user_info"]["story"]), (&json!("inactive"), &json!(3)));
    host.shutdown().await;
}

#[tokio::test]
async fn a_cold_launch_has_launch_options_and_calls_only_the_method_with_the_completion_handler() {
    for fetch in [false, true] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let service = PushService::start().await;
        let host = start(dir.path(), &service).await;
        of_ios_9(&host, &service, fetch).await;
        allowed(&host).await;
        put_state(&host, "ended").await;
        publish(&service, 1, &json!({"aps": {"alert": "n"}, "story": 1}));
        until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
        ok(&host, "POST", &format!("{NOTIFICATIONS}/tap"), json!({"app": BUNDLE, "identifier": "id-1"}))
            .await;
        let calls = get(&host, &format!("{APP}/calls")).await;
        let calls: Vec<_> =
            calls["calls"].as_array().expect("it is a list").iter().map(|call| &call["event"]).collect();
        let launched = calls.iter().rposition(|event| event["event"] == "launched").expect("it is started");
        assert_eq!(calls[launched]["launch_options"]["remote_notification"]["story"], 1);
        let after: Vec<_> =
            calls[launched..].iter().filter(|event| event["event"] != "state-changed").collect();
        if fetch {
            assert_eq!(after.len(), 2, "{after:?}");
            assert_eq!(after[1]["event"], "did-receive-remote-notification");
            assert_eq!(after[1]["application_state"], "inactive");
        } else {
            assert_eq!(after.len(), 1, "the plain one isn't called: {after:?}");
        }
        host.shutdown().await;
    }
}

#[tokio::test]
async fn zero_on_the_icon_hides_it_and_clears_the_list() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    of_ios_9(&host, &service, false).await;
    allowed(&host).await;
    put_state(&host, "background").await;
    publish(&service, 1, &json!({"aps": {"alert": "n", "badge": 3}}));
    until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
    ok(&host, "PUT", &legacy("icon-badge-number"), json!({"count": 1})).await;
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"].as_array().map(Vec::len), Some(1));
    ok(&host, "PUT", &legacy("icon-badge-number"), json!({"count": 0})).await;
    assert_eq!(get(&host, &legacy("icon-badge-number")).await["count"], 0);
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"], json!([]));
    assert_eq!(send(&host, "PUT", &legacy("icon-badge-number"), json!({"count": -1})).await.0, 422);
    host.shutdown().await;
}
