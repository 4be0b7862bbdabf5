//! What a driven app does and is told beyond its notifications' content: answers by hand, permission asked through the
//! API, who is signed in, the way to Settings, touches, and several identifiers at once.

use homing_device::DeviceHost;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::hands::{APP, allow, events_after, get, put_state, send, start, until};
use crate::push_service::{PushService, Sent};
use crate::said;

const BUNDLE: &str = "com.example.news";
const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";

async fn drive(host: &DeviceHost, service: &PushService, driver: Value) {
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let (status, answer) = send(host, "PUT", &format!("{APP}/driver"), driver).await;
    assert_eq!(status, 204, "{answer}");
}

/// §1.3: both requesters get the prompt's answer.
#[tokio::test]
async fn what_came_of_a_request_for_permission_is_told_under_its_number() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    drive(&host, &service, json!({})).await;
    put_state(&host, "foreground").await;
    let began = get(&host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number");
    let ask = format!("{APP}/authorization");
    let mut numbers = Vec::new();
    for options in [json!(["alert"]), json!(["sound"])] {
        let (status, asked) = send(&host, "POST", &ask, json!({"options": options})).await;
        assert_eq!((status, &asked["prompt"]["app"]), (202, &json!(BUNDLE)), "{asked}");
        numbers.push(asked["request"].clone());
    }
    assert_eq!(get(&host, &format!("{APP}/calls")).await["replies"], json!([]));
    let answered = send(&host, "POST", "/v1/devices/iphone/prompt/answer", json!({"allow": true})).await;
    assert_eq!(answered.0, 204);
    let calls = get(&host, &format!("{APP}/calls")).await;
    let replies: Vec<_> = calls["replies"].as_array().expect("it is a list").iter().collect();
    let told: Vec<_> = replies.iter().map(|reply| (reply["request"].clone(), &reply["granted"])).collect();
    assert_eq!(told, [(numbers[0].clone(), &json!(true)), (numbers[1].clone(), &json!(true))]);
    let events = events_after(&host, began).await;
    let granted = |told: &&Value| told["kind"] == "changed" && told["detail"]["granted"] == true;
    assert_eq!(events.iter().filter(granted).count(), 2);
    let (status, asked) = send(&host, "POST", &ask, json!({"options": ["alert"]})).await;
    assert_eq!((status, &asked["granted"]), (200, &json!(true)), "it is decided");
    host.shutdown().await;
}

/// §4.4.
#[tokio::test]
async fn did_receive_is_completed_by_hand_if_the_driver_says_so() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    let (status, problem) = send(&host, "GET", &format!("{APP}/driver"), json!({})).await;
    assert_eq!(status, 409, "{problem}");
    drive(&host, &service, json!({"did_receive": "by-hand"})).await;
    assert_eq!(get(&host, &format!("{APP}/driver")).await["did_receive"], "by-hand");
    service.publish(1, &crate::hello(1, "a"));
    until(&host, NOTIFICATIONS, |shown| shown["notifications"][0].is_object()).await;
    let tapped = json!({"app": BUNDLE, "identifier": "a"});
    assert_eq!(send(&host, "POST", &format!("{NOTIFICATIONS}/tap"), tapped).await.0, 204);
    let calls = get(&host, &format!("{APP}/calls")).await;
    let call = calls["calls"].as_array().and_then(|calls| calls.iter().find(|call| call["open"] == true));
    let call = call.expect("it waits");
    assert_eq!(call["event"]["event"], "did-receive");
    let address = format!("{APP}/calls/{}", call["event"]["completion"]);
    assert_eq!(send(&host, "POST", &address, json!({})).await.0, 204);
    assert_eq!(send(&host, "POST", &address, json!({})).await.0, 404, "it counts once");

    let touch = json!({"touch": "like"});
    assert_eq!(send(&host, "POST", &format!("{APP}/page/touch"), touch.clone()).await.0, 202);
    let calls = get(&host, &format!("{APP}/calls")).await;
    let last = calls["calls"].as_array().and_then(|calls| calls.last()).expect("it is told");
    assert_eq!((&last["event"]["event"], &last["event"]["touch"]), (&json!("touched"), &touch));
    host.shutdown().await;
}

#[tokio::test]
async fn an_app_says_who_is_signed_in_and_goes_to_its_page_in_settings() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    drive(&host, &service, json!({})).await;
    let recipient = format!("{APP}/recipient");
    let (status, problem) = send(&host, "PUT", &recipient, json!({"recipient": {"user": ""}})).await;
    assert_eq!((status, &problem["error"]["domain"]), (422, &json!("HomingErrorDomain")));
    assert_eq!(send(&host, "PUT", &recipient, json!({"recipient": {"user": "ann"}})).await.0, 204);
    let payload = json!({"aps": {"alert": "n"}, "homing": {"user": "ben"}}).to_string();
    service.publish(1, &Sent { seq: 1, apns_id: "a", push_type: "alert", payload: &payload });
    let seen = service.until("it says why", |seen| seen.receipts.len() == 1).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Suppressed, "another-user"));

    let settings = format!("{APP}/open-settings");
    assert_eq!(send(&host, "POST", &settings, json!({})).await.0, 422, "only an app in foreground may");
    put_state(&host, "foreground").await;
    assert_eq!(send(&host, "POST", &settings, json!({})).await.0, 204);
    assert_eq!(get(&host, APP).await["state"], "background");
    host.shutdown().await;
}

/// §3.7, and §6.5: a Focus hides badges, and what lights the screen.
#[tokio::test]
async fn several_requests_leave_at_once_and_badges_can_be_hidden() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    drive(&host, &service, json!({})).await;
    for identifier in ["a", "b", "c"] {
        let trigger = json!({"kind": "time-interval", "seconds": 60});
        let tea = json!({"identifier": identifier, "content": {"title": "n"}, "trigger": trigger});
        assert_eq!(send(&host, "POST", &format!("{APP}/requests"), tea).await.0, 204);
        let now = json!({"identifier": identifier.to_uppercase(), "content": {
            "title": "n", "badge": 6, "interruption_level": if identifier == "a" { "passive" } else { "active" },
        }});
        assert_eq!(send(&host, "POST", &format!("{APP}/requests"), now).await.0, 204);
    }
    let several = format!("{APP}/pending?identifier=a&identifier=c");
    assert_eq!(send(&host, "DELETE", &several, json!({})).await.0, 204);
    let pending = get(&host, &format!("{APP}/pending")).await;
    assert_eq!(pending["pending"].as_array().map(Vec::len), Some(1));
    assert_eq!(pending["pending"][0]["request"]["identifier"], "b");
    assert_eq!(send(&host, "DELETE", &format!("{APP}/pending?id=b"), json!({})).await.0, 400);

    let shown = get(&host, NOTIFICATIONS).await;
    let lit = |identifier: &str| {
        let mut all = shown["notifications"].as_array().into_iter().flatten();
        all.find(|one| one["identifier"] == identifier).map(|one| one["lights_screen"].clone())
    };
    assert_eq!((lit("A"), lit("B")), (Some(json!(false)), Some(json!(true))));
    let several = format!("{APP}/delivered?identifier=A&identifier=C");
    assert_eq!(send(&host, "DELETE", &several, json!({})).await.0, 204);
    assert_eq!(get(&host, NOTIFICATIONS).await["notifications"].as_array().map(Vec::len), Some(1));

    let focus = json!({"focus": {"hides_badges": true}});
    assert_eq!(send(&host, "PUT", "/v1/devices/iphone/focus", focus).await.0, 200);
    assert_eq!(get(&host, &format!("{APP}/badge")).await, json!({"count": 6, "visible": 0}));
    host.shutdown().await;
}
