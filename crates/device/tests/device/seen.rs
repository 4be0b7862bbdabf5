//! What a test sees of a notification beside its texts: whether it lit the screen, is in the car, is read out (§6.5, §1.1), and
//! the date of an interval as iOS tells it (§3.4, §9).

use homing_device::DeviceHost;
use homing_trace::UnixMillis;
use serde_json::{Value, json};

use crate::hands::{APP, allow, events_after, get, send, start, until};
use crate::push_service::{PushService, Sent};

const DEVICE: &str = "/v1/devices/iphone";
const NOTIFICATIONS: &str = "/v1/devices/iphone/notifications";

async fn put(host: &DeviceHost, path: &str, body: Value) -> Value {
    let (status, answer) = send(host, "PUT", path, body).await;
    assert!(matches!(status, 200 | 204), "{path}: {status} {answer}");
    answer
}

/// Pushes an alert; what is on the screen of it: lit, in the car, read out.
async fn seen_of(host: &DeviceHost, service: &PushService, seq: u16, aps: Value) -> [bool; 3] {
    let (payload, apns_id) = (json!({"aps": aps}).to_string(), format!("id-{seq}"));
    let sent = Sent { seq: u64::from(seq), apns_id: &apns_id, push_type: "alert", payload: &payload };
    service.publish(seq, &sent);
    let shown =
        until(host, NOTIFICATIONS, |shown| shown["notifications"][0]["apns_id"] == apns_id.as_str()).await;
    let view = &shown["notifications"][0];
    ["lights_screen", "in_car_play", "announced"].map(|member| view[member].as_bool().expect("it says so"))
}

#[tokio::test]
async fn what_lights_the_screen_is_in_the_car_and_is_read_out_is_said_of_each_notification() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    let driving = json!({"identifier": "drive", "options": {"allow_in_car_play": true}});
    put(&host, &format!("{APP}/categories"), json!({"categories": [driving]})).await;
    let mark = get(&host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number");
    let plain = json!({"alert": "n", "sound": "default"});
    let drive = json!({"alert": "n", "category": "drive"});
    let passive = json!({"alert": "n", "interruption-level": "passive"});
    assert_eq!(seen_of(&host, &service, 1, plain.clone()).await, [true, false, false]);
    assert_eq!(
        seen_of(&host, &service, 2, drive.clone()).await,
        [true, false, false],
        "the app never asked for CarPlay"
    );
    assert_eq!(seen_of(&host, &service, 3, passive.clone()).await, [false, false, false]);

    let car_play = json!({"options": ["alert", "sound", "badge", "car-play"]});
    assert_eq!(send(&host, "POST", &format!("{APP}/authorization"), car_play).await.0, 200);
    put(&host, &format!("{APP}/settings"), json!({"setting": "announcement", "on": true})).await;
    assert_eq!(seen_of(&host, &service, 4, drive.clone()).await, [true, true, true]);
    assert_eq!(
        seen_of(&host, &service, 5, plain.clone()).await,
        [true, false, true],
        "its category isn't for the car"
    );
    assert_eq!(seen_of(&host, &service, 6, passive).await, [false, false, false]);
    put(&host, &format!("{APP}/settings"), json!({"setting": "car-play", "on": false})).await;
    assert_eq!(seen_of(&host, &service, 7, drive.clone()).await, [true, false, true]);

    put(&host, &format!("{DEVICE}/focus"), json!({"focus": {"name": "Drive", "hides_badges": true}})).await;
    assert_eq!(seen_of(&host, &service, 8, json!({"alert": "n", "badge": 4})).await, [false, false, false]);
    assert_eq!(get(&host, &format!("{APP}/badge")).await, json!({"count": 4, "visible": 0}));
    assert_eq!(get(&host, APP).await["visible_badge"], 0);
    put(&host, &format!("{DEVICE}/focus"), json!({"focus": null})).await;
    assert_eq!(get(&host, &format!("{APP}/badge")).await, json!({"count": 4, "visible": 4}));

    let events = events_after(&host, mark).await;
    let lit =
        events.iter().filter(|told| told["kind"] == "presented").map(|told| &told["detail"]["lights_screen"]);
    assert_eq!(
        lit.collect::<Vec<_>>(),
        [true, true, false, true, true, false, true, false],
        "the events say the same"
    );
    host.shutdown().await;
}

/// The true date, or as iOS has it of a fetched request.
#[tokio::test]
async fn the_next_date_of_an_interval_is_true_unless_ios_s_own_is_wanted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    allow(&host).await;
    let interval = json!({"kind": "time-interval", "seconds": 3600});
    let request = json!({"identifier": "tea", "content": {"body": "n"}, "trigger": interval});
    assert_eq!(send(&host, "POST", &format!("{APP}/requests"), request).await.0, 204);
    let date = async || -> UnixMillis {
        let pending = get(&host, &format!("{APP}/pending")).await;
        serde_json::from_value(pending["pending"][0]["next_trigger_date"].clone()).expect("it has a date")
    };
    let (compatibility, before) = (format!("{DEVICE}/compatibility"), date().await);
    assert_eq!(get(&host, &compatibility).await, json!({"next_trigger_date_from_now": false}));
    assert_eq!(send(&host, "POST", "/v1/clock/advance", json!({"seconds": 1800})).await.0, 200);
    assert_eq!(date().await, before);
    put(&host, &compatibility, json!({"next_trigger_date_from_now": true})).await;
    assert!(date().await.millis_since(before) >= 1_800_000, "an hour from now");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, &compatibility).await, json!({"next_trigger_date_from_now": true}), "it is kept");
    put(&host, &compatibility, json!({"next_trigger_date_from_now": false})).await;
    assert_eq!(send(&host, "POST", "/v1/clock/advance", json!({"seconds": 1800})).await.0, 200);
    assert_eq!(get(&host, &format!("{APP}/pending")).await["pending"], json!([]), "it fired when it was due");
    assert_eq!(get(&host, DEVICE).await["supports_content_extensions"], true);
    host.shutdown().await;
}

/// §4.4: flicking a banner away doesn't count.
#[tokio::test]
async fn a_banner_that_is_flicked_away_is_no_answer() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(&host).await;
    put(&host, &format!("{APP}/driver"), json!({})).await;
    let category = json!({"identifier": "c", "options": {"custom_dismiss_action": true}});
    put(&host, &format!("{APP}/categories"), json!({"categories": [category]})).await;
    put(&host, &format!("{APP}/settings"), json!({"setting": "alert-style", "style": "alert"})).await;
    seen_of(&host, &service, 1, json!({"alert": "n", "category": "c"})).await;
    let before = get(&host, NOTIFICATIONS).await["notifications"][0]["surfaces"].clone();
    assert_eq!(before, json!(["persistent-banner", "lock-screen", "notification-center"]));
    let flick = format!("{NOTIFICATIONS}/flick");
    let one = |identifier: &str| json!({"app": "com.example.news", "identifier": identifier});
    assert_eq!(send(&host, "POST", &flick, one("nothing")).await.0, 404);
    assert_eq!(send(&host, "POST", &flick, one("id-1")).await.0, 204);
    let after = get(&host, NOTIFICATIONS).await["notifications"][0]["surfaces"].clone();
    assert_eq!(after, json!(["lock-screen", "notification-center"]));
    let told =
        async || get(&host, &format!("{APP}/calls")).await["calls"].to_string().contains("did-receive");
    assert!(!told().await);
    let receipts = service.seen().receipts.len();
    assert_eq!(send(&host, "POST", &format!("{NOTIFICATIONS}/dismiss"), one("id-1")).await.0, 204);
    assert!(told().await, "clearing it is one");
    service.until("it is said", |seen| seen.receipts.len() == receipts + 1).await;
    host.shutdown().await;
}
