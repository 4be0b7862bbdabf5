//! What can't be done as it was asked: a body that isn't of its schema is a 400 that names the member, what the device refuses
//! as UserNotifications would is a 422 with the error that the app's completion handler gets.

use serde_json::{Value, json};

use crate::hands::{APP, allow, get, send, start};
use crate::push_service::PushService;

const DEVICE: &str = "/v1/devices/iphone";

#[tokio::test]
async fn what_the_device_refuses_is_an_error_of_the_app_s_call() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let content = |content: Value| json!({"identifier": "a", "content": content});
    let calendar = |calendar: &str| {
        let components = json!({"day": 1, "calendar": calendar});
        json!({"identifier": "a", "content": {"body": "n"}, "trigger": {"kind": "calendar", "date_components": components}})
    };
    let rows = [
        (content(json!({"body": "n", "user_info": {"key": null}})), "HomingErrorDomain", 1, "user_info"),
        (
            content(json!({"body": "n", "user_info": {"a": [{"b": null}]}})),
            "HomingErrorDomain",
            1,
            "user_info",
        ),
        (content(json!({"body": "n", "badge": -1})), "UNErrorDomain", 1600, "0 or more"),
        (content(json!({"body": "n", "badge": 4_294_967_296_u64})), "UNErrorDomain", 1600, "4294967295"),
        (calendar("buddhist"), "HomingErrorDomain", 1, "gregorian"),
        (calendar("islamic-umm-al-qura"), "HomingErrorDomain", 1, "gregorian"),
    ];
    for (request, domain, code, word) in rows {
        let (status, problem) = send(&host, "POST", &format!("{APP}/requests"), request.clone()).await;
        let error = &problem["error"];
        assert_eq!(
            (status, &error["domain"], &error["code"]),
            (422, &json!(domain), &json!(code)),
            "{request}: {problem}"
        );
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(word)),
            "{request}: {problem}"
        );
    }
    let legacy = json!({"alert_body": "n", "repeat_calendar": "hebrew"});
    let (status, problem) = send(&host, "POST", &format!("{APP}/legacy/local-notifications"), legacy).await;
    assert_eq!((status, &problem["error"]["code"]), (422, &json!(1)), "{problem}");
    assert_eq!(get(&host, &format!("{APP}/pending")).await["pending"], json!([]));
    host.shutdown().await;
}

#[tokio::test]
async fn what_isnt_of_its_schema_is_refused_with_the_member_s_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let rows = [
        ("PUT", format!("{APP}/settings"), json!({"setting": "keep-prominently", "on": true}), "on"),
        ("PUT", format!("{APP}/settings"), json!({"setting": "sound", "on": true, "off": 1}), "off"),
        ("PUT", format!("{APP}/service-extension"), json!({"behaviour": "crash", "changes": {}}), "changes"),
        ("PUT", format!("{APP}/service-extension"), json!({"behaviour": "by-hand", "after": 3}), "after"),
        (
            "PUT",
            format!("{APP}/service-extension"),
            json!({"behaviour": "answer", "changes": {"titel": "x"}}),
            "titel",
        ),
        (
            "PUT",
            format!("{APP}/service-extension"),
            json!({"behaviour": "answer", "changes": {"badge": -1}}),
            "badge",
        ),
        (
            "PUT",
            format!("{APP}/service-extension"),
            json!({"behaviour": "answer", "changes": {"sound": {"name": "a.caf", "loud": true}}}),
            "loud",
        ),
        (
            "POST",
            format!("{APP}/requests"),
            json!({"identifier": "a", "content": {"body": "n", "titel": "x"}}),
            "titel",
        ),
        (
            "POST",
            format!("{APP}/requests"),
            json!({"identifier": "a", "content": {}, "trigger": {"kind": "calendar", "date_components": {"calendar": "mayan"}}}),
            "mayan",
        ),
        ("POST", format!("{APP}/requests"), json!({"identifier": "a", "content": ["x"]}), "content"),
        (
            "POST",
            format!("{APP}/requests"),
            json!({"identifier": "a", "content": {"title": "x", "sound": ["default"]}}),
            "sound",
        ),
        (
            "PUT",
            format!("{APP}/categories"),
            json!({"categories": [{"identifier": "a", "options": [true, false, false, false, false]}]}),
            "options",
        ),
        (
            "PUT",
            format!("{DEVICE}/compatibility"),
            json!({"next_trigger_date_from_now": true, "leap": 1}),
            "leap",
        ),
        ("PUT", format!("{DEVICE}/power"), json!({"on": true, "off": false}), "off"),
    ];
    for (method, path, body, member) in rows {
        let (status, problem) = send(&host, method, &path, body.clone()).await;
        assert_eq!(status, 400, "{method} {path} {body}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(member), "{method} {path} {body}: {problem}");
    }
    host.shutdown().await;
}

/// §9: a text belongs to a text action.
#[tokio::test]
async fn a_text_for_an_action_that_takes_none_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let actions = json!([
        {"identifier": "delete", "title": "Delete"},
        {"identifier": "reply", "title": "Reply", "text_input": {"button_title": "Send", "placeholder": ""}},
    ]);
    let categories = json!({"categories": [{"identifier": "mail", "actions": actions}]});
    assert_eq!(send(&host, "PUT", &format!("{APP}/categories"), categories).await.0, 204);
    let request = json!({"identifier": "m", "content": {"body": "n", "category_identifier": "mail"}});
    assert_eq!(send(&host, "POST", &format!("{APP}/requests"), request).await.0, 204);
    let choose = async |action: &str, text: Value| {
        let choice = json!({"app": "com.example.news", "identifier": "m", "action": action, "text": text});
        send(&host, "POST", &format!("{DEVICE}/notifications/action"), choice).await
    };
    let (status, problem) = choose("delete", json!("no")).await;
    assert_eq!(status, 400, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("takes no text")), "{problem}");
    assert_eq!(choose("reply", json!("yes")).await.0, 204, "nothing had happened to the notification");
    host.shutdown().await;
}

#[tokio::test]
async fn an_app_is_on_a_device_once_and_leaves_it_as_is_said() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    assert_eq!(send(&host, "DELETE", &format!("{APP}?tell=never"), json!({})).await.0, 400);
    let manifest = json!({"bundle_id": "com.example.two", "name": "Two"});
    let twice = json!({"apps": [manifest, manifest]});
    let (status, problem) = send(&host, "PUT", "/v1/devices/another", twice).await;
    assert_eq!(status, 422, "{problem}");
    host.shutdown().await;
}
