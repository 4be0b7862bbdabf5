//! What an app registers for beside its own notifications, and what comes of it.

use homing_device::DeviceHost;
use homing_link::RegistrationName;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::hands::{APP, get, send, start, until};
use crate::push_service::{PushService, Sent};
use crate::said;

const REGISTRATIONS: &str = "/v1/devices/iphone/apps/com.example.news/registrations";
const CALLS: &str = "development/com.example.news.voip";
const ACTIVITIES: &str = "development/com.example.news.push-type.liveactivity";

fn name(of: &str) -> RegistrationName<'_> {
    RegistrationName::parse(of).expect("it is one")
}

async fn put(host: &DeviceHost, what: &str) -> (u16, Value) {
    send(host, "PUT", &format!("{REGISTRATIONS}/{what}"), json!({})).await
}

#[tokio::test]
async fn each_kind_has_a_topic_and_a_token_of_its_own_that_outlive_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    let kinds = [
        ("complication", "com.example.news.complication"),
        ("controls", "com.example.news.push-type.controls"),
        ("fileprovider", "com.example.news.pushkit.fileprovider"),
        ("liveactivity", "com.example.news.push-type.liveactivity"),
        ("location", "com.example.news.location-query"),
        ("pushtotalk", "com.example.news.voip-ptt"),
        ("voip", "com.example.news.voip"),
        ("widgets", "com.example.news.push-type.widgets"),
    ];
    for (kind, topic) in kinds {
        let (status, view) = put(&host, kind).await;
        assert_eq!(
            (status, &view["topic"], &view["environment"]),
            (202, &json!(topic), &json!("development"))
        );
        let token = service.token(&format!("development/{topic}"));
        let path = format!("{REGISTRATIONS}/{kind}");
        until(&host, &path, |view| view["device_token"] == token.as_str()).await;
        assert_eq!(put(&host, kind).await.0, 200, "it is there already");
    }
    let all = get(&host, REGISTRATIONS).await;
    assert_eq!(all["registrations"].as_array().map(Vec::len), Some(8));
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, REGISTRATIONS).await, all);
    // The app's own and the others, once for each run.
    service.until("all are subscribed again", |seen| seen.subscribed.len() == 18).await;
    host.shutdown().await;
}

#[tokio::test]
async fn what_comes_for_a_framework_is_told_with_its_payload_and_shown_nowhere() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    put(&host, "voip").await;
    service.until("both are subscribed", |seen| seen.subscribed.len() == 2).await;
    let call = Sent { seq: 1, apns_id: "a", push_type: "voip", payload: r#"{"caller":"u42"}"# };
    service.publish_to(&name(CALLS), 1, &call);
    let seen = service.until("it is told", |seen| seen.receipts.len() == 1).await;
    assert_eq!(said(&seen.receipts[0]), (1, Stage::Suppressed, "for-framework"));
    // The same one again is no second call.
    service.publish_to(&name(CALLS), 2, &Sent { seq: 2, ..call });
    let seen = service.until("the repeat is told", |seen| seen.receipts.len() == 2).await;
    assert_eq!(said(&seen.receipts[1]), (2, Stage::Suppressed, "duplicate"));
    let arrivals = get(&host, "/v1/devices/iphone/arrivals").await;
    let (again, first) = (&arrivals["arrivals"][0], &arrivals["arrivals"][1]);
    assert_eq!((&first["app"], &first["payload"]), (&json!("com.example.news"), &json!({"caller": "u42"})));
    assert_eq!(first["decision"]["reason"], "for-framework");
    assert!(again["payload"].is_null(), "{again}");
    assert_eq!(get(&host, "/v1/devices/iphone/notifications").await["notifications"], json!([]));
    host.shutdown().await;
}

#[tokio::test]
async fn an_ended_activity_gives_its_token_back_and_a_started_one_gets_its_own() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    put(&host, "liveactivity").await;
    put(&host, "liveactivity?instance=trip-7").await;
    let seen = service.until("all are subscribed", |seen| seen.subscribed.len() == 3).await;
    let trip = format!("{ACTIVITIES}@trip-7");
    assert!(seen.subscribed.contains(&trip), "{seen:?}");
    let of = |seq, apns_id, payload| Sent { seq, apns_id, push_type: "liveactivity", payload };
    service.publish_to(
        &name(&trip),
        1,
        &of(1, "a", r#"{"aps":{"event":"update","content-state":{"at":3}}}"#),
    );
    service.publish_to(&name(&trip), 2, &of(2, "b", r#"{"aps":{"event":"end","content-state":{"at":9}}}"#));
    service.until("it is ended", |seen| seen.unsubscribed == [trip.as_str()]).await;
    let arrivals = get(&host, "/v1/devices/iphone/arrivals").await;
    assert_eq!(arrivals["arrivals"][0]["instance"], "trip-7");
    assert_eq!(arrivals["arrivals"][0]["payload"]["aps"]["content-state"]["at"], 9);
    let path = format!("{REGISTRATIONS}/liveactivity?instance=trip-7");
    assert_eq!(send(&host, "GET", &path, json!({})).await.0, 404);

    let start = r#"{"aps":{"event":"start","input-push-token":1,"attributes-type":"Trip","attributes":{}}}"#;
    service.publish_to(&name(ACTIVITIES), 3, &of(3, "c", start));
    let started = format!("{ACTIVITIES}@c");
    service.until("it has a token of its own", |seen| seen.subscribed.contains(&started)).await;
    let path = format!("{REGISTRATIONS}/liveactivity?instance=c");
    until(&host, &path, |view| view["device_token"].is_string()).await;
    assert_eq!(send(&host, "DELETE", &path, json!({})).await.0, 204);
    service.until("its user has ended it", |seen| seen.unsubscribed.contains(&started)).await;
    host.shutdown().await;
}

#[tokio::test]
async fn what_ends_offline_is_told_later_and_all_ends_with_the_app() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    put(&host, "voip").await;
    put(&host, "liveactivity?instance=trip-7").await;
    service.until("all are subscribed", |seen| seen.subscribed.len() == 3).await;
    send(&host, "PUT", "/v1/devices/iphone/network", json!({"online": false})).await;
    service.until("it goes away", |seen| !seen.connected).await;
    assert_eq!(send(&host, "DELETE", APP, json!({})).await.0, 204);
    host.shutdown().await;
    let host = start(dir.path(), &service).await;
    send(&host, "PUT", "/v1/devices/iphone/network", json!({"online": true})).await;
    let seen = service.until("it is told of all", |seen| seen.unsubscribed.len() == 3).await;
    for registration in [CALLS, &format!("{ACTIVITIES}@trip-7"), "development/com.example.news"] {
        assert!(seen.unsubscribed.iter().any(|ended| ended == registration), "{registration}: {seen:?}");
    }
    host.shutdown().await;
}

#[tokio::test]
async fn what_can_t_be_registered_is_refused_with_words_that_help() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    for (what, words) in [
        ("carrier-pigeon", "voip"),
        ("alert", "registration"),
        ("voip?instance=1", "liveactivity"),
        ("liveactivity?instance=a%2Fb", "128"),
        ("liveactivity?instance=", "128"),
    ] {
        let (status, problem) = put(&host, what).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(words), "{what}: {status} {problem}");
    }
    for number in 0..32 {
        assert_eq!(put(&host, &format!("liveactivity?instance={number}")).await.0, 202);
    }
    assert_eq!(put(&host, "voip").await.0, 400, "there is a limit");
    assert_eq!(send(&host, "DELETE", &format!("{REGISTRATIONS}/voip"), json!({})).await.0, 404);
    host.shutdown().await;
}
