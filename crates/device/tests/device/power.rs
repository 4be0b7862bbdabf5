//! A device that is off, and one that is turned on: `spec/device.md` §3.8, "due while powered off".

use serde_json::{Value, json};

use crate::hands::{APP, allow, events_after, get, send, start, until};
use crate::hello;
use crate::push_service::PushService;

const DEVICE: &str = "/v1/devices/iphone";
const POWER: &str = "/v1/devices/iphone/power";

async fn add(host: &homing_device::DeviceHost, identifier: &str, trigger: Value) {
    let request = json!({"identifier": identifier, "content": {"title": identifier}, "trigger": trigger});
    let (status, answer) = send(host, "POST", &format!("{APP}/requests"), request).await;
    assert_eq!(status, 204, "{answer}");
}

#[tokio::test]
async fn nothing_happens_to_a_device_that_is_off_and_what_is_overdue_fires_once_when_it_is_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    let token = get(&host, APP).await["device_token"].clone();
    allow(&host).await;
    add(&host, "later", json!({"kind": "time-interval", "seconds": 7200})).await;
    add(&host, "sooner", json!({"kind": "time-interval", "seconds": 3600})).await;
    add(&host, "hourly", json!({"kind": "time-interval", "seconds": 3600, "repeats": true})).await;
    let mark = get(&host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number");

    for _ in 0..2 {
        let (status, off) = send(&host, "PUT", POWER, json!({"on": false})).await;
        assert_eq!(status, 200, "{off}");
        assert_eq!((&off["on"], &off["link"]["connected"]), (&json!(false), &json!(false)), "{off}");
    }
    service.until("it goes away", |seen| !seen.connected).await;
    assert_eq!(get(&host, DEVICE).await["link"]["why"], "the device is off");
    assert_eq!(get(&host, "/v1/devices").await["devices"][0]["on"], false);
    let calls = [
        ("GET", APP.to_owned(), json!({})),
        ("GET", format!("{DEVICE}/notifications"), json!({})),
        ("PUT", format!("{APP}/state"), json!({"state": "foreground"})),
        ("PUT", format!("{DEVICE}/lock"), json!({"locked": true})),
        ("POST", format!("{DEVICE}/restart"), json!({})),
        ("POST", format!("{DEVICE}/erase"), json!({})),
        ("POST", format!("{DEVICE}/backup"), json!({})),
        ("DELETE", DEVICE.to_owned(), json!({})),
    ];
    for (method, path, body) in calls {
        let (status, problem) = send(&host, method, &path, body).await;
        assert_eq!((status, &problem["title"]), (409, &json!("The device is off")), "{method} {path}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(POWER)), "{problem}");
    }
    let advance = json!({"seconds": 4 * 3600 + 60});
    assert_eq!(send(&host, "POST", "/v1/clock/advance", advance).await.0, 200, "others' time passes");
    let kinds = |events: &[Value]| events.iter().map(|told| told["kind"].clone()).collect::<Vec<_>>();
    assert!(!kinds(&events_after(&host, mark).await).contains(&json!("presented")));

    let (status, on) = send(&host, "PUT", POWER, json!({"on": true})).await;
    assert_eq!((status, &on["on"]), (200, &json!(true)), "{on}");
    let events = events_after(&host, mark).await;
    let presented = events.iter().filter(|told| told["kind"] == "presented");
    let presented: Vec<_> = presented.map(|told| told["detail"]["identifier"].clone()).collect();
    assert_eq!(presented.len(), 3, "each fires once: {presented:?}");
    assert_eq!(presented[2], "later", "in the order in which they were due: {presented:?}");
    let switched = kinds(&events).into_iter().filter(|kind| kind == "turned-off" || kind == "turned-on");
    assert_eq!(switched.collect::<Vec<_>>(), ["turned-off", "turned-on"]);
    let pending = get(&host, &format!("{APP}/pending")).await;
    assert_eq!(pending["pending"].as_array().map(Vec::len), Some(1), "{pending}");
    assert_eq!(pending["pending"][0]["request"]["identifier"], "hourly");
    let app = get(&host, APP).await;
    assert_eq!((&app["state"], &app["device_token"]), (&json!("ended"), &token));
    service.until("it is back", |seen| seen.connections == 2 && seen.subscribed.len() == 2).await;
    service.publish(1, &hello(1, "a"));
    until(&host, &format!("{DEVICE}/notifications"), |shown| shown["notifications"][0]["apns_id"] == "a")
        .await;

    // Off once more: with Homing itself it is on again.
    assert_eq!(send(&host, "PUT", POWER, json!({"on": false})).await.0, 200);
    host.shutdown().await;
    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, DEVICE).await["on"], true);
    host.shutdown().await;
}
