//! Time, as it is driven through the API: what passes is lived through, what is set has jumped, and one device's clock may
//! be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use homing_device::{AppLauncher, DeviceHost, Launch, RunningApp};
use homing_local::PresentationOption;
use homing_trace::UnixMillis;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::hands::{APP, Demo, allow, get, put_state, send, start, start_apps, until};
use crate::push_service::{PushService, Sent};

/// An app that thinks for a while before it says anything, from when it is told to.
#[derive(Debug)]
struct Slow {
    app: Demo,
    thinks: Arc<AtomicBool>,
}

impl AppLauncher for Slow {
    fn launch(&self, launch: Launch) -> RunningApp {
        let (stream, theirs) = UnixStream::pair().expect("a socket pair");
        let (mut heard, mut to_app) = theirs.into_split();
        let (mut from_device, mut said) = launch.stream.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_device, &mut to_app).await });
        let thinks = Arc::clone(&self.thinks);
        tokio::spawn(async move {
            let mut words = [0; 4_096];
            while let Ok(read @ 1..) = heard.read(&mut words).await {
                if thinks.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(450)).await;
                }
                said.write_all(&words[..read]).await.expect("the device listens");
            }
        });
        self.app.launch(Launch { stream, ..launch })
    }
}

const CLOCK: &str = "/v1/devices/iphone/clock";

async fn driven(host: &DeviceHost, service: &PushService, driver: Value) {
    service.until("it registers", |seen| seen.subscribed.len() == 1).await;
    allow(host).await;
    let (status, answer) = send(host, "PUT", &format!("{APP}/driver"), driver).await;
    assert_eq!(status, 204, "{answer}");
}

async fn add(host: &DeviceHost, identifier: &str, trigger: Value) {
    let request = json!({"identifier": identifier, "content": {"title": "n"}, "trigger": trigger});
    let (status, answer) = send(host, "POST", &format!("{APP}/requests"), request).await;
    assert_eq!(status, 204, "{answer}");
}

async fn advance(host: &DeviceHost, seconds: u64) {
    let (status, answer) = send(host, "POST", "/v1/clock/advance", json!({"seconds": seconds})).await;
    assert_eq!(status, 200, "{answer}");
}

async fn now(host: &DeviceHost, path: &str) -> UnixMillis {
    serde_json::from_value(get(host, path).await["now"].clone()).expect("it is a time")
}

/// The dates of what the events after `mark` say was presented.
async fn presented(host: &DeviceHost, mark: u64, device: &str) -> Vec<String> {
    let events = crate::hands::events_after(host, mark).await;
    let shown = events.into_iter().filter(|told| told["kind"] == "presented" && told["device"] == device);
    shown.map(|told| told["detail"]["date"].as_str().expect("it has a date").to_owned()).collect()
}

async fn mark(host: &DeviceHost) -> u64 {
    get(host, "/v1/events/mark").await["mark"].as_u64().expect("it is a number")
}

/// §3.4, §3.5 and §3.8.
#[tokio::test]
async fn what_repeats_fires_at_each_of_its_times_while_time_passes() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let rows = [
        (json!({"kind": "time-interval", "seconds": 3600, "repeats": true}), 10_810, 3),
        (json!({"kind": "calendar", "date_components": {"hour": 9}, "repeats": true}), 604_800, 7),
        (json!({"kind": "time-interval", "seconds": 90, "repeats": true}), 270, 3),
    ];
    for (trigger, seconds, times) in rows {
        let began = mark(&host).await;
        add(&host, "beat", trigger.clone()).await;
        advance(&host, seconds).await;
        let mut dates = presented(&host, began, "iphone").await;
        assert_eq!(dates.len(), times, "{trigger}: {dates:?}");
        dates.dedup();
        assert_eq!(dates.len(), times, "each has its own date: {dates:?}");
        send(&host, "DELETE", &format!("{APP}/pending"), json!({})).await;
    }
    host.shutdown().await;
}

/// §5.4 and §5.6: 30 s for the extension, then what came is shown.
#[tokio::test]
async fn an_extension_that_never_answers_is_told_and_ended_on_the_way() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let by_hand = json!({"behaviour": "by-hand"});
    assert_eq!(send(&host, "PUT", &format!("{APP}/service-extension"), by_hand).await.0, 204);
    let payload = json!({"aps": {"alert": "n", "mutable-content": 1}}).to_string();
    service.publish(1, &Sent { seq: 1, apns_id: "a", push_type: "alert", payload: &payload });
    until(&host, &format!("{APP}/service-extension"), |extension| extension["calls"][0].is_object()).await;
    let arrivals = get(&host, "/v1/devices/iphone/arrivals").await;
    assert_eq!(arrivals["arrivals"][0]["decision"], Value::Null);
    advance(&host, 40).await;
    let arrivals = get(&host, "/v1/devices/iphone/arrivals").await;
    assert_eq!(arrivals["arrivals"][0]["decision"]["stage"], "displayed");
    host.shutdown().await;
}

/// What one device forgot doesn't cost another its reminders.
#[tokio::test]
async fn each_device_has_moments_of_its_own() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let manifest = json!({"bundle_id": "com.example.busy", "name": "Busy", "entitlements": {}});
    let (status, answer) = send(&host, "PUT", "/v1/devices/busy", json!({"apps": [manifest]})).await;
    assert_eq!(status, 201, "{answer}");
    let busy = "/v1/devices/busy/apps/com.example.busy";
    assert_eq!(send(&host, "PUT", &format!("{busy}/driver"), json!({})).await.0, 204);
    let asked =
        send(&host, "POST", &format!("{busy}/authorization"), json!({"options": ["provisional"]})).await;
    assert_eq!(asked.0, 200, "{}", asked.1);
    for (app, seconds) in [(APP, 2 * 86_400), (busy, 60)] {
        let trigger = json!({"kind": "time-interval", "seconds": seconds, "repeats": true});
        let request = json!({"identifier": "beat", "content": {"title": "n"}, "trigger": trigger});
        assert_eq!(send(&host, "POST", &format!("{app}/requests"), request).await.0, 204);
    }
    let began = mark(&host).await;
    let nine_days = json!({"seconds": 9 * 86_400});
    let (status, answer) = send(&host, "POST", "/v1/clock/advance", nine_days).await;
    assert_eq!((status, &answer["jumped"]), (200, &json!(["busy"])));
    let dates = presented(&host, began, "iphone").await;
    assert_eq!(dates.len(), 4, "{dates:?}");
    host.shutdown().await;
}

/// A device that restarts is gone for a moment.
#[tokio::test]
async fn time_passes_whatever_becomes_of_a_device_meanwhile() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    add(&host, "beat", json!({"kind": "time-interval", "seconds": 60, "repeats": true})).await;
    let restarting = async {
        loop {
            assert_eq!(send(&host, "POST", "/v1/devices/iphone/restart", json!({})).await.0, 200);
        }
    };
    let passing = async {
        for _ in 0..5 {
            advance(&host, 3_600).await;
        }
    };
    tokio::select! {
        () = passing => {}
        never = restarting => never,
    }
    assert_eq!(get(&host, "/v1/clock").await["offset_seconds"], 18_000.0);
    host.shutdown().await;
}

/// The demo is a process of its own kind: it answers in real time, however much virtual time is to pass.
#[tokio::test]
async fn an_app_that_is_asked_has_its_turn_before_time_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let options = homing_app::demo::DemoOptions {
        in_foreground: vec![PresentationOption::Banner],
        ..Default::default()
    };
    let thinks = Arc::new(AtomicBool::new(false));
    let app = Slow { app: Demo(options), thinks: Arc::clone(&thinks) };
    let host = start_apps(dir.path(), &service, Arc::new(app)).await;
    allow(&host).await;
    put_state(&host, "foreground").await;
    let began = mark(&host).await;
    add(&host, "beat", json!({"kind": "time-interval", "seconds": 60, "repeats": true})).await;
    thinks.store(true, Ordering::Relaxed);
    advance(&host, 600).await;
    assert_eq!(presented(&host, began, "iphone").await.len(), 10);
    host.shutdown().await;
}

#[tokio::test]
async fn a_clock_that_is_set_has_jumped_and_one_devices_clock_may_go_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    add(&host, "beat", json!({"kind": "time-interval", "seconds": 3600, "repeats": true})).await;
    let began = mark(&host).await;
    let at = now(&host, "/v1/clock").await.plus_millis(5 * 3_600_000);
    assert_eq!(send(&host, "POST", "/v1/clock/set", json!({"at": at})).await.0, 200);
    assert_eq!(presented(&host, began, "iphone").await.len(), 1, "what is overdue fires once");
    let (status, problem) = send(&host, "POST", "/v1/clock/set", json!({"at": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(status, 409, "{problem}");

    let began = mark(&host).await;
    let (status, answer) = send(&host, "PUT", CLOCK, json!({"offset_seconds": -7200})).await;
    assert_eq!((status, &answer["offset_seconds"]), (200, &json!(-7200.0)));
    let (host_shows, slow) = (now(&host, "/v1/clock").await, now(&host, CLOCK).await);
    assert!((7_140_000..=7_200_000).contains(&host_shows.millis_since(slow)), "{host_shows} {slow}");
    assert_eq!(presented(&host, began, "iphone").await, [""; 0], "what fired doesn't fire again");
    advance(&host, 3_600).await;
    assert_eq!(presented(&host, began, "iphone").await.len(), 1, "it goes on in step with its request");
    host.shutdown().await;

    let host = start(dir.path(), &service).await;
    assert_eq!(get(&host, CLOCK).await["offset_seconds"], -7200.0, "it stays wrong");
    let began = mark(&host).await;
    assert_eq!(send(&host, "PUT", CLOCK, json!({"offset_seconds": 7200})).await.0, 200);
    assert_eq!(presented(&host, began, "iphone").await.len(), 1, "put forward, it has missed some");
    assert_eq!(send(&host, "PUT", CLOCK, json!({"offset_seconds": 400_000_000})).await.0, 400);
    host.shutdown().await;
}

/// §6.1.
#[tokio::test]
async fn a_banner_goes_and_what_is_listed_stays() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let service = PushService::start().await;
    let host = start(dir.path(), &service).await;
    driven(&host, &service, json!({})).await;
    let surfaces = async || {
        let shown = get(&host, "/v1/devices/iphone/notifications").await;
        shown["notifications"][0]["surfaces"].clone()
    };
    let began = mark(&host).await;
    add(&host, "tea", json!({"kind": "time-interval", "seconds": 1})).await;
    advance(&host, 1).await;
    let told = crate::hands::events_after(&host, began).await;
    let presented = told.iter().find(|told| told["kind"] == "presented").expect("it is presented");
    let everywhere = json!(["banner", "lock-screen", "notification-center"]);
    assert_eq!(presented["detail"]["surfaces"], everywhere);
    advance(&host, 6).await;
    assert_eq!(surfaces().await, json!(["lock-screen", "notification-center"]));

    let persistent = json!({"setting": "alert-style", "style": "alert"});
    assert_eq!(send(&host, "PUT", &format!("{APP}/settings"), persistent).await.0, 200);
    add(&host, "tea", json!({"kind": "time-interval", "seconds": 1})).await;
    advance(&host, 600).await;
    let everywhere = json!(["persistent-banner", "lock-screen", "notification-center"]);
    assert_eq!(surfaces().await, everywhere, "it stays until the user acts");

    send(&host, "PUT", "/v1/devices/iphone/lock", json!({"locked": true})).await;
    assert_eq!(surfaces().await, json!(["lock-screen", "notification-center"]));
    send(&host, "PUT", "/v1/devices/iphone/lock", json!({"locked": false})).await;
    assert_eq!(surfaces().await, json!(["notification-center"]), "it is history");
    host.shutdown().await;
}
