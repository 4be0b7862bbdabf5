//! The demo with a business behind it: who signs in, by hand and by itself, and what a tap comes to.

use std::path::Path;
use std::time::Duration;

use homing_app::demo::{
    self, BUNDLE_ID, Business, DemoLaunch, DemoOptions, DeviceTime, TOUCHES_QUEUED, manifest,
};
use homing_app::provider::user_tag;
use homing_local::message::UserInfo;
use homing_local::{
    AppStateWord, ApplicationState, AuthorizationStatus, DeviceEvent, NotificationResponse, UnixMillis,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::device::Device;
use crate::provider::{FakeProvider, Mood};
use crate::{business, response};

/// A run of the demo; dropping it ends the run, as the system does.
struct Run {
    app: AbortHandle,
    touches: mpsc::Sender<Value>,
    screen: watch::Receiver<Value>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.app.abort();
    }
}

impl Run {
    fn start(device: &Device, container: &Path, provider: Option<&FakeProvider>) -> Self {
        Self::start_at(device, container, provider, DeviceTime::default())
    }

    fn start_at(
        device: &Device,
        container: &Path,
        provider: Option<&FakeProvider>,
        time: DeviceTime,
    ) -> Self {
        let (touches, touched) = mpsc::channel(TOUCHES_QUEUED);
        let (shows, screen) = watch::channel(Value::Null);
        let manifest = manifest("development").expect("it is a manifest");
        let launch = DemoLaunch { manifest, container: container.to_owned(), touches: touched };
        let business =
            provider.map(|provider| Business { provider: provider.url(), identity_tokens: business() });
        let options = DemoOptions { business, time, ..DemoOptions::default() };
        let app = tokio::spawn(demo::run(device.open(), launch, options, shows)).abort_handle();
        Self { app, touches, screen }
    }

    async fn touch(&self, touch: Value) {
        self.touches.send(touch).await.expect("it runs");
    }

    async fn until(&mut self, what: impl FnMut(&Value) -> bool) -> Value {
        let shown = tokio::time::timeout(Duration::from_secs(30), self.screen.wait_for(what)).await;
        let shown = shown.map(|shown| shown.expect("it runs").clone());
        shown.unwrap_or_else(|_| panic!("the screen stays at {}", *self.screen.borrow()))
    }

    async fn signed_in(&mut self, user: &str) -> Value {
        self.until(|screen| screen["user"] == user && screen["signing_in"] == false).await
    }
}

fn registered(device: &Device) {
    device.tell(DeviceEvent::DidRegister { device_token: "01".to_owned() });
}

#[tokio::test]
async fn the_first_account_signs_in_by_itself_once_and_then_the_user_decides() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut run = Run::start(&device, dir.path(), Some(&provider));
    run.until(|screen| screen["user"] == "reader").await;
    registered(&device);
    let screen = run.signed_in("reader").await;
    assert_eq!(screen["accounts"], json!(["reader", "ann", "bob"]));
    assert_eq!((&screen["permission"], &screen["sign_in_error"]), (&json!("not-determined"), &Value::Null));
    assert_eq!(provider.user("01").as_deref(), Some("reader"));
    run.touch(json!({"touch": "sign-out"})).await;
    run.until(|screen| screen["user"].is_null()).await;
    drop(run);

    let mut run = Run::start(&device, dir.path(), Some(&provider));
    registered(&device);
    run.until(|screen| screen["device_token"] == "01").await;
    run.touch(json!({"touch": "sign-in", "user": "eve"})).await;
    let screen = run.until(|screen| screen["sign_in_error"].is_string()).await;
    assert_eq!(
        (&screen["user"], &screen["sign_in_error"]),
        (&Value::Null, &json!("eve has no account here"))
    );
    run.touch(json!({"touch": "sign-in", "user": "ann"})).await;
    run.signed_in("ann").await;
    assert_eq!(provider.user("01").as_deref(), Some("ann"));
    drop(run);

    let mut run = Run::start(&device, dir.path(), Some(&provider));
    registered(&device);
    run.signed_in("ann").await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_on_the_screen() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    provider.set_mood(Mood::Away);
    let mut run = Run::start(&device, dir.path(), Some(&provider));
    run.until(|screen| screen["user"] == "reader").await;
    registered(&device);
    let screen = run.until(|screen| screen["sign_in_error"].is_string()).await;
    assert_eq!(screen["signing_in"], true);
    provider.set_mood(Mood::Good);
    let screen = run.signed_in("reader").await;
    assert_eq!(screen["sign_in_error"], Value::Null);
}

#[tokio::test]
async fn without_a_provider_nobody_signs_in_and_the_demo_says_so() {
    let device = Device::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut run = Run::start(&device, dir.path(), None);
    run.until(Value::is_object).await;
    for touch in [json!({"touch": "sign-in", "user": "ann"}), json!({"touch": "sign-out"})] {
        run.touch(touch).await;
        let screen = run.until(|screen| screen["sign_in_error"].is_string()).await;
        assert_eq!(screen["sign_in_error"], "nobody can sign in: this app has no provider");
    }
    assert!(device.recipients().is_empty(), "then every notification is for the user");
    run.touch(json!({"touch": "open", "url": "https://news.example/1"})).await;
    run.until(|screen| screen["url"] == "https://news.example/1").await;
    run.touch(json!({"touch": "go-home"})).await;
    run.until(|screen| screen["url"].is_null()).await;
}

#[tokio::test]
async fn a_tap_opens_the_page_and_is_reported_and_anothers_is_not() {
    let (device, provider) = (Device::start(), FakeProvider::start().await);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut run = Run::start(&device, dir.path(), Some(&provider));
    run.until(|screen| screen["user"] == "reader").await;
    registered(&device);
    run.signed_in("reader").await;
    for (user, push) in [("ann", "p1"), ("reader", "p2")] {
        let homing = json!({"push": push, "user": user_tag(BUNDLE_ID, user)});
        let mut tapped = response(NotificationResponse::DEFAULT_ACTION, homing);
        let content = &mut tapped.notification.request.content;
        content.title = user.into();
        content
            .user_info
            .insert("userInfo".to_owned(), json!({"url": format!("https://news.example/{user}")}));
        device.tell(DeviceEvent::DidReceive { completion: 1, response: Box::new(tapped) });
    }
    let screen = run.until(|screen| !screen["url"].is_null()).await;
    assert_eq!(screen["url"], "https://news.example/reader");
    assert_eq!(screen["history"].as_array().map(Vec::len), Some(1));
    assert_eq!(screen["history"][0]["title"], "reader");
    assert_eq!(provider.reports(1).await, ["01 p2 opened by reader"]);
    run.touch(json!({"touch": "sign-out"})).await;
    let screen = run.until(|screen| screen["user"].is_null() && screen["url"].is_null()).await;
    assert_eq!(screen["history"], json!([]));
}

#[tokio::test]
async fn who_refused_is_reminded_and_then_left_alone_for_a_week() {
    let device = Device::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    device.set_status(AuthorizationStatus::Denied);
    let day = |days: i64| DeviceTime::new(move || UnixMillis(1_800_000_000_000 + days * 24 * 3_600_000));
    for (today, advice, times) in
        [(0, "remind", 1), (1, "leave-alone", 1), (6, "leave-alone", 1), (7, "remind", 2)]
    {
        let mut run = Run::start_at(&device, dir.path(), None, day(today));
        run.until(Value::is_object).await;
        device.tell(DeviceEvent::StateChanged { state: AppStateWord::Foreground });
        let screen = run.until(|screen| screen["reminding"]["advice"].is_string()).await;
        let reminding = &screen["reminding"];
        assert_eq!(
            (&reminding["advice"], &reminding["times"]),
            (&json!(advice), &json!(times)),
            "day {today}"
        );
        assert_eq!(reminding["shown"], advice == "remind");
        run.touch(json!({"touch": "not-now"})).await;
        run.until(|screen| screen["reminding"]["shown"] == false).await;
    }
    device.set_status(AuthorizationStatus::Authorized);
    let mut run = Run::start_at(&device, dir.path(), None, day(20));
    run.until(Value::is_object).await;
    device.tell(DeviceEvent::StateChanged { state: AppStateWord::Foreground });
    let screen = run.until(|screen| screen["reminding"]["advice"] == "nothing").await;
    assert_eq!((&screen["reminding"]["shown"], &screen["permission"]), (&json!(false), &json!("authorized")));
}

#[tokio::test]
async fn reminders_are_scheduled_replaced_by_identifier_and_cancelled() {
    let device = Device::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut run = Run::start(&device, dir.path(), None);
    let wish = |seconds: u32| {
        json!({
            "touch": "schedule", "identifier": "tea", "title": "Tea", "body": "", "url": "https://news.example/tea",
            "trigger": {"kind": "time-interval", "seconds": seconds},
        })
    };
    for (touch, did, waiting) in [
        (wish(10), "scheduled", json!(10.0)),
        (wish(20), "replaced", json!(20.0)),
        (json!({"touch": "cancel", "identifier": "tea"}), "cancelled", Value::Null),
    ] {
        run.touch(touch).await;
        let is_done = |screen: &Value| {
            let seconds = &screen["pending"][0]["request"]["trigger"]["seconds"];
            screen["said"]["did"] == did && *seconds == waiting
        };
        let screen = run.until(is_done).await;
        assert_eq!(screen["said"]["identifier"], "tea");
        assert_eq!(screen["pending"].as_array().map(Vec::len), Some(usize::from(!waiting.is_null())));
    }
}

#[tokio::test]
async fn a_silent_notification_brings_a_page_that_the_next_run_still_shows() {
    let device = Device::start();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let silent = |url: Option<&str>| {
        let payload = json!({"aps": {"content-available": 1}, "userInfo": {"url": url}});
        let user_info = UserInfo(payload.as_object().expect("it is an object").clone());
        DeviceEvent::DidReceiveRemoteNotification {
            completion: 1,
            user_info,
            application_state: ApplicationState::Background,
            deadline: "2026-11-22T02:04:35.067Z".parse().expect("it is a time"),
        }
    };
    let mut run = Run::start(&device, dir.path(), None);
    run.until(Value::is_object).await;
    device.tell(DeviceEvent::StateChanged { state: AppStateWord::Background });
    device.tell(silent(Some("https://news.example/a")));
    device.tell(silent(None));
    let screen = run.until(|screen| screen["background_updates"] == 2).await;
    assert_eq!(screen["refreshed"].as_array().map(Vec::len), Some(1), "{screen}");
    assert_eq!(screen["refreshed"][0]["state"], "background");
    run.touch(json!({"touch": "in-foreground", "banner": true})).await;
    run.until(|screen| screen["banner_in_foreground"] == true).await;
    drop(run);
    let mut run = Run::start(&device, dir.path(), None);
    let screen = run.until(Value::is_object).await;
    assert_eq!(screen["refreshed"][0]["url"], "https://news.example/a");
    assert_eq!(screen["banner_in_foreground"], true);
}
