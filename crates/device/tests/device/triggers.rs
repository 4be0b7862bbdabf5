//! Local requests that wait for a time on the wall or for a place, by the API.

use serde_json::{Value, json};

use crate::hands::{APP, allow, get, put_state, send, start};
use crate::push_service::PushService;

const DEVICE: &str = "/v1/devices/iphone";

fn request(identifier: &str, trigger: &Value) -> Value {
    json!({"identifier": identifier, "content": {"title": "Hello"}, "trigger": trigger})
}

#[tokio::test]
async fn a_calendar_trigger_follows_the_device_through_zones_restarts_and_time() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    put_state(&host, "ended").await;
    assert_eq!(get(&host, &format!("{DEVICE}/time-zone")).await["time_zone"], "UTC");
    let zone = json!({"time_zone": "Asia/Shanghai"});
    let (status, device) = send(&host, "PUT", &format!("{DEVICE}/time-zone"), zone).await;
    assert_eq!((status, &device["time_zone"]), (200, &json!("Asia/Shanghai")), "{device}");

    let trigger = json!({"kind": "calendar", "date_components": {"hour": 9}, "repeats": true});
    let added = send(&host, "POST", &format!("{APP}/requests"), request("nine", &trigger)).await;
    assert_eq!(added.0, 204, "{}", added.1);
    let pending = get(&host, &format!("{APP}/pending")).await;
    let date = pending["pending"][0]["next_trigger_date"].as_str().expect("it has a date").to_owned();
    assert!(date.ends_with("T01:00:00.000Z"), "09:00 in Shanghai: {date}");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, &format!("{APP}/pending")).await, pending, "it is kept");
    let zone = json!({"time_zone": "America/New_York"});
    send(&host, "PUT", &format!("{DEVICE}/time-zone"), zone).await;
    let pending = get(&host, &format!("{APP}/pending")).await;
    let date = pending["pending"][0]["next_trigger_date"].as_str().expect("it has a date").to_owned();
    assert!(date.ends_with("T13:00:00.000Z") || date.ends_with("T14:00:00.000Z"), "{date}");
    send(&host, "POST", "/v1/clock/advance", json!({"seconds": 86_400})).await;
    let shown = get(&host, &format!("{DEVICE}/notifications")).await;
    assert_eq!(shown["notifications"][0]["date"], date.as_str(), "{shown}");
    let wrong =
        send(&host, "PUT", &format!("{DEVICE}/time-zone"), json!({"time_zone": "Mars/Olympus"})).await;
    assert_eq!(wrong.0, 400, "{}", wrong.1);
    host.shutdown().await;
}

#[tokio::test]
async fn a_location_trigger_fires_when_the_device_is_moved_over_its_border() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let allowed = json!({"permission": "when-in-use"});
    let (status, app) = send(&host, "PUT", &format!("{APP}/location-permission"), allowed).await;
    assert_eq!((status, &app["location_permission"]), (200, &json!("when-in-use")), "{app}");
    let center = json!({"latitude": 31.23, "longitude": 121.47});
    let region = json!({"identifier": "home", "center": center, "radius": 100});
    let trigger = json!({"kind": "location", "region": region});
    let added = send(&host, "POST", &format!("{APP}/requests"), request("at home", &trigger)).await;
    assert_eq!(added.0, 204, "{}", added.1);
    let pending = get(&host, &format!("{APP}/pending")).await;
    assert_eq!(pending["pending"][0]["next_trigger_date"], Value::Null);

    assert_eq!(get(&host, &format!("{DEVICE}/location")).await["location"], Value::Null);
    let moved = send(&host, "PUT", &format!("{DEVICE}/location"), center).await;
    assert_eq!(moved.0, 200, "{}", moved.1);
    let shown = get(&host, &format!("{DEVICE}/notifications")).await;
    assert_eq!(shown["notifications"][0]["identifier"], "at home");
    let delivered = get(&host, &format!("{APP}/delivered")).await;
    assert_eq!(delivered["delivered"], json!([]), "the app doesn't get what a region fired");
    let removed = send(&host, "DELETE", &format!("{APP}/delivered?identifier=at%20home"), Value::Null).await;
    assert_eq!(removed.0, 204, "{}", removed.1);
    assert_eq!(get(&host, &format!("{DEVICE}/notifications")).await["notifications"], json!([]));
    let nowhere = json!({"latitude": 91, "longitude": 0});
    assert_eq!(send(&host, "PUT", &format!("{DEVICE}/location"), nowhere).await.0, 400);
    host.shutdown().await;
}

#[tokio::test]
async fn each_wrong_trigger_is_refused_with_the_code_of_apple_where_there_is_one() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let calendar = |components: Value| json!({"kind": "calendar", "date_components": components});
    let region = json!({"identifier": "", "center": {"latitude": 0, "longitude": 0}, "radius": 1});
    for (trigger, status, code) in [
        (calendar(json!({"hour": -24})), 422, Some(1400)),
        (calendar(json!({"month": 13})), 422, Some(1400)),
        (calendar(json!({"year": 2001, "month": 1, "day": 1})), 422, Some(1400)),
        (calendar(json!({})), 422, Some(1400)),
        (calendar(json!({"hour": 1, "time_zone": "Mars/Olympus"})), 422, Some(1)),
        (json!({"kind": "location", "region": region}), 422, Some(1)),
        (calendar(json!({"hours": 1})), 400, None),
        (calendar(json!({"hour": "nine"})), 400, None),
        (json!({"kind": "tide"}), 400, None),
    ] {
        let (said, answer) = send(&host, "POST", &format!("{APP}/requests"), request("a", &trigger)).await;
        assert_eq!(said, status, "{trigger}: {answer}");
        assert_eq!(answer["error"]["code"].as_u64(), code, "{trigger}: {answer}");
    }
    host.shutdown().await;
}
