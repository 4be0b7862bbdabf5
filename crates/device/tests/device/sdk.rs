//! The app's SDK, `homing-app`, against a device: each call and each callback, by Apple's name, once of an app in the
//! device's own process and once of a process over the socket.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use homing_app::legacy::{
    LegacyApplication, LocalNotification, UserNotificationSettings, UserNotificationType,
};
use homing_app::reminder::{Advice, PermissionReminder, ReminderPolicy};
use homing_app::{App, AppDelegate, AppError, Environment, NotificationCenter};
use homing_device::{AppLauncher, DeviceHost, Launch, RunningApp};
use homing_local::message::{Page, Secret, UserInfo};
use homing_local::{
    AppStateWord, AuthorizationOption, AuthorizationStatus, Category, FetchResult, LaunchOptions, LocalError,
    Notification, NotificationContent, NotificationRequest, NotificationResponse, NotificationSetting,
    PresentationOption, Recipient, Text, Trigger, UnixMillis,
};
use homing_trace::Stage;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::driven::{BUNDLE, NOTIFICATIONS, publish};
use crate::hands::{APP, get, put_state, send, start, start_apps, until};
use crate::push_service::{PushService, Sent};
use crate::said;

/// What the delegate was called for.
#[derive(Debug, PartialEq)]
enum Told {
    Launched(LaunchOptions),
    Registered(Vec<u8>),
    WillPresent(Text),
    DidReceive(String, Option<String>),
    Silent(Value),
    OpenSettings(bool),
    State(AppStateWord),
    Touched(Value),
}

#[derive(Clone)]
struct Recorder(mpsc::Sender<Told>);

impl Recorder {
    async fn tell(&self, told: Told) {
        // The test may have seen enough.
        let _ = self.0.send(told).await;
    }
}

impl AppDelegate for Recorder {
    const TAKES_SILENT: bool = true;

    async fn did_finish_launching(&mut self, options: LaunchOptions) {
        self.tell(Told::Launched(options)).await;
    }

    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        self.tell(Told::WillPresent(notification.request.content.title)).await;
        vec![PresentationOption::Banner, PresentationOption::List]
    }

    async fn did_receive(&mut self, response: NotificationResponse) {
        self.tell(Told::DidReceive(response.action_identifier, response.user_text)).await;
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        self.tell(Told::Registered(device_token)).await;
    }

    async fn did_receive_remote(&mut self, user_info: UserInfo) -> FetchResult {
        self.tell(Told::Silent(json!(user_info))).await;
        FetchResult::NewData
    }

    async fn touched(&mut self, touch: Page) {
        self.tell(Told::Touched(json!(touch))).await;
    }

    async fn open_settings(&mut self, notification: Option<Notification>) {
        self.tell(Told::OpenSettings(notification.is_some())).await;
    }

    async fn state_changed(&mut self, state: AppStateWord) {
        self.tell(Told::State(state)).await;
    }
}

/// Gives the app's end of its stream to the test.
#[derive(Debug)]
struct Handing(mpsc::Sender<Launch>);

impl AppLauncher for Handing {
    fn launch(&self, launch: Launch) -> RunningApp {
        let (_shows, screen) = watch::channel(Value::Null);
        let (touches, _) = mpsc::channel(1);
        let abort = tokio::spawn(std::future::pending::<()>()).abort_handle();
        self.0.try_send(launch).expect("the test takes each");
        RunningApp { abort, screen, touches }
    }
}

/// An app that runs, and how it is heard.
struct Running {
    host: DeviceHost,
    service: PushService,
    center: NotificationCenter,
    told: mpsc::Receiver<Told>,
    app: homing_app::Application,
    legacy: LegacyApplication,
    /// The app's data container.
    container: std::path::PathBuf,
}

impl Running {
    /// In the device's own process.
    async fn inside(dir: &Path) -> Self {
        let service = PushService::start().await;
        let (launches, mut launched) = mpsc::channel(4);
        let host = start_apps(dir, &service, Arc::new(Handing(launches))).await;
        let Launch { stream, container, .. } = launched.recv().await.expect("it is launched");
        let app = App::in_process(stream, BUNDLE).await.expect("it attaches");
        Self::run(host, service, app, container)
    }

    /// A process that its developer started, over the socket.
    async fn over_the_socket(dir: &Path) -> Self {
        let service = PushService::start().await;
        let host = start(dir, &service).await;
        put_state(&host, "ended").await;
        let given = get(&host, &format!("{APP}/credentials")).await;
        let text = |name: &str| given[name].as_str().expect("it is given").to_owned();
        let environment = Environment {
            socket: text("socket").into(),
            device: Some(text("device")),
            bundle_id: text("bundle_id"),
            secret: Secret::new(text("secret")),
            container: text("container").into(),
        };
        let app = App::attach(&environment).await.expect("it attaches");
        Self::run(host, service, app, environment.container)
    }

    fn run(host: DeviceHost, service: PushService, app: App, container: std::path::PathBuf) -> Self {
        let (tell, told) = mpsc::channel(64);
        let (center, application) = (app.notification_center(), app.application());
        let legacy = LegacyApplication::of(&app);
        tokio::spawn(app.run(Recorder(tell)));
        Self { host, service, center, told, app: application, legacy, container }
    }

    /// The next thing that the delegate is told and that is of interest.
    async fn hears(&mut self, wanted: impl Fn(&Told) -> bool) -> Told {
        let hear = async {
            loop {
                let told = self.told.recv().await.expect("the app runs");
                if wanted(&told) {
                    return told;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), hear).await.expect("it is told")
    }

    async fn allow(&self, options: &[AuthorizationOption], allow: bool) -> bool {
        put_state(&self.host, "foreground").await;
        let (center, options) = (self.center.clone(), options.to_vec());
        let asking = tokio::spawn(async move { center.request_authorization(&options).await });
        let host = &self.host;
        until(host, "/v1/devices/iphone/prompt", |answer| answer["prompt"]["app"] == BUNDLE).await;
        let answered = send(host, "POST", "/v1/devices/iphone/prompt/answer", json!({"allow": allow})).await;
        assert_eq!(answered.0, 204, "{}", answered.1);
        asking.await.expect("it ends").expect("it is answered")
    }

    async fn act(&self, what: &str, more: Value) {
        let mut act = json!({"app": BUNDLE});
        act.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = send(&self.host, "POST", &format!("{NOTIFICATIONS}/{what}"), act).await;
        assert_eq!(answer.0, 204, "{what}: {}", answer.1);
    }

    /// An alert comes from the push service; its identifier.
    async fn alert(&self, seq: u16) -> String {
        let payload = json!({"aps": {"alert": {"title": format!("n{seq}")}, "category": "mail"}});
        publish(&self.service, seq, &payload);
        let title = format!("n{seq}");
        let shown =
            until(&self.host, NOTIFICATIONS, |all| all["notifications"][0]["title"] == title.as_str());
        shown.await["notifications"][0]["identifier"].as_str().expect("it has one").to_owned()
    }
}

fn request(identifier: &str, trigger: Option<Trigger>) -> NotificationRequest {
    let content =
        NotificationContent { title: Text::Plain("t".to_owned()), ..NotificationContent::default() };
    NotificationRequest { identifier: identifier.to_owned(), content, trigger }
}

fn after(seconds: f64) -> Option<Trigger> {
    Some(Trigger::TimeInterval { seconds, repeats: false })
}

/// Apple's number of an error.
fn code(result: Result<(), AppError>) -> u32 {
    match result {
        Err(AppError::Device(LocalError { code, .. })) => code,
        other => panic!("it is no error of the device: {other:?}"),
    }
}

/// *UNUserNotificationCenter*: permission, settings, requests, what is delivered, categories, the badge.
async fn calls_of_the_center(running: &mut Running) {
    let center = running.center.clone();
    assert!(NotificationCenter::supports_content_extensions());
    let settings = center.notification_settings().await.expect("settings");
    assert_eq!(settings.authorization_status, AuthorizationStatus::NotDetermined);
    assert_eq!(code(center.add(request("a", after(60.0))).await), 1, "NotificationsNotAllowed");
    let options = [
        AuthorizationOption::Alert,
        AuthorizationOption::Sound,
        AuthorizationOption::Badge,
        AuthorizationOption::ProvidesAppNotificationSettings,
    ];
    assert!(running.allow(&options, true).await);
    let settings = center.notification_settings().await.expect("settings");
    assert_eq!(settings.authorization_status, AuthorizationStatus::Authorized);
    assert!(settings.provides_app_notification_settings);

    let categories = json!([{
        "identifier": "mail", "options": {"custom_dismiss_action": true},
        "actions": [{"identifier": "reply", "text_input": {}}, {"identifier": "read"}],
    }]);
    let categories: Vec<Category> = serde_json::from_value(categories).expect("they are categories");
    center.set_notification_categories(categories.clone()).await.expect("they are taken");
    assert_eq!(center.notification_categories().await.expect("a set"), categories);

    for identifier in ["a", "b", "c"] {
        center.add(request(identifier, after(60.0))).await.expect("it waits");
    }
    center.remove_pending_notification_requests(&["a", "unknown"]).await.expect("it is gone");
    let pending = center.pending_notification_requests().await.expect("a list");
    let pending: Vec<_> = pending.iter().map(|one| one.request.identifier.as_str()).collect();
    assert_eq!(pending, ["b", "c"]);
    center.remove_all_pending_notification_requests().await.expect("all are gone");
    assert_eq!(center.pending_notification_requests().await.expect("a list"), []);
    assert_eq!(code(center.add(request("a", after(0.0))).await), 1400, "NotificationInvalidNoDate");

    center.set_badge_count(3).await.expect("it is set");
    assert_eq!(running.app.application_icon_badge_number().await.expect("a number"), 3);
    assert_eq!(code(center.set_badge_count(-1).await), 1600, "BadgeInputInvalid");
    center.set_badge_count(0).await.expect("it is hidden");
    assert_eq!(running.app.application_icon_badge_number().await.expect("a number"), 0);
}

/// *UIApplication*: registering, the state, the way to Settings.
async fn calls_of_the_application(running: &mut Running) {
    let (center, app) = (running.center.clone(), running.app.clone());
    app.register_for_remote_notifications().await.expect("it is taken");
    let Told::Registered(token) = running.hears(|told| matches!(told, Told::Registered(_))).await else {
        panic!("that was asked for");
    };
    let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(get(&running.host, &format!("{APP}/token")).await["device_token"], hex);
    assert!(app.is_registered_for_remote_notifications().await.expect("yes or no"));
    app.unregister_for_remote_notifications().await.expect("it is taken");
    assert!(!center.is_registered_for_remote_notifications().await.expect("yes or no"));
    center.register_for_remote_notifications().await.expect("it is taken");
    assert_eq!(running.hears(|told| matches!(told, Told::Registered(_))).await, Told::Registered(token));
    center.unregister_for_remote_notifications().await.expect("it is taken");
    center.register_for_remote_notifications().await.expect("it is taken");

    put_state(&running.host, "foreground").await;
    let mut states = app.watch_application_state();
    states.wait_for(|state| *state == AppStateWord::Foreground).await.expect("it goes on");
    app.open_settings().await.expect("it is in foreground");
    running.hears(|told| *told == Told::State(AppStateWord::Background)).await;
    assert_eq!(app.application_state(), AppStateWord::Background);
    assert_eq!(code(app.open_settings().await), LocalError::INVALID_ARGUMENT, "it isn't in foreground");
    let page = serde_json::Map::from_iter([("url".to_owned(), json!("https://news.example/7"))]);
    app.show(page).await.expect("it is taken");
}

/// *UNUserNotificationCenterDelegate* and the rest of *UIApplicationDelegate*.
async fn callbacks_of_the_delegate(running: &mut Running) {
    let center = running.center.clone();
    put_state(&running.host, "foreground").await;
    let first = running.alert(1).await;
    running.hears(|told| *told == Told::WillPresent(Text::Plain("n1".to_owned()))).await;
    running.act("action", json!({"identifier": first, "action": "reply", "text": "yes"})).await;
    let replied = Told::DidReceive("reply".to_owned(), Some("yes".to_owned()));
    running.hears(|told| *told == replied).await;

    put_state(&running.host, "background").await;
    let second = running.alert(2).await;
    running.act("tap", json!({"identifier": second})).await;
    let tapped = Told::DidReceive(NotificationResponse::DEFAULT_ACTION.to_owned(), None);
    running.hears(|told| *told == tapped).await;
    put_state(&running.host, "background").await;
    let third = running.alert(3).await;
    running.act("dismiss", json!({"identifier": third})).await;
    let dismissed = Told::DidReceive(NotificationResponse::DISMISS_ACTION.to_owned(), None);
    running.hears(|told| *told == dismissed).await;

    let (fourth, _fifth) = (running.alert(4).await, running.alert(5).await);
    let delivered = center.delivered_notifications().await.expect("a list");
    let titles: Vec<_> = delivered.iter().map(|one| json!(one.request.content.title)).collect();
    assert_eq!(titles, ["n5", "n4"]);
    center.remove_delivered_notifications(&[&fourth]).await.expect("it is gone");
    assert_eq!(center.delivered_notifications().await.expect("a list").len(), 1);
    center.remove_all_delivered_notifications().await.expect("all are gone");
    assert_eq!(get(&running.host, NOTIFICATIONS).await["notifications"], json!([]));

    let payload = json!({"aps": {"content-available": 1}, "story": 7}).to_string();
    let silent = Sent { seq: 6, apns_id: "id-6", push_type: "background", payload: &payload };
    running.service.publish(6, &silent);
    let told = running.hears(|told| matches!(told, Told::Silent(_))).await;
    assert!(matches!(told, Told::Silent(user_info) if user_info["story"] == 7));

    let button = send(&running.host, "POST", &format!("{APP}/settings/open"), json!({})).await;
    assert_eq!(button.0, 204, "{}", button.1);
    running.hears(|told| *told == Told::OpenSettings(false)).await;

    center.set_recipient(Recipient::User("ann".to_owned())).await.expect("it is taken");
    publish(&running.service, 7, &json!({"aps": {"alert": "n"}, "homing": {"user": "bob"}}));
    let of_bob = |seen: &crate::push_service::Seen| seen.receipts.iter().any(|one| one.seq == 7);
    let seen = running.service.until("it says why", of_bob).await;
    let last = seen.receipts.iter().find(|one| one.seq == 7).expect("it is there");
    assert_eq!(said(last), (7, Stage::Suppressed, "another-user"));
}

/// *UIApplication* and *UILocalNotification* as of iOS 9.
async fn calls_of_ios_9(running: &mut Running) {
    let legacy = running.legacy.clone();
    put_state(&running.host, "background").await;
    let settings = UserNotificationSettings {
        types: [UserNotificationType::Alert, UserNotificationType::Badge].into(),
        ..UserNotificationSettings::default()
    };
    legacy.register_user_notification_settings(settings.clone()).await.expect("it is taken");
    let current = legacy.current_user_notification_settings().await.expect("settings");
    assert!(current.types.contains(&UserNotificationType::Alert), "{current:?}");
    let of = |body: &str| LocalNotification {
        alert_body: Some(body.to_owned()),
        fire_date: Some(UnixMillis(4_000_000_000_000)),
        ..LocalNotification::default()
    };
    let bodies = async || {
        let scheduled = legacy.scheduled_local_notifications().await.expect("a list");
        scheduled.into_iter().filter_map(|one| one.alert_body).collect::<Vec<_>>()
    };
    legacy.schedule_local_notification(&of("a")).await.expect("it waits");
    legacy.schedule_local_notification(&of("b")).await.expect("it waits");
    legacy.cancel_local_notification(&of("a")).await.expect("it is gone");
    assert_eq!(bodies().await, ["b"]);
    legacy.set_scheduled_local_notifications(&[of("c"), of("d")]).await.expect("they wait");
    assert_eq!(bodies().await, ["c", "d"]);
    legacy.cancel_all_local_notifications().await.expect("all are gone");
    assert_eq!(bodies().await, [""; 0]);
    legacy.present_local_notification_now(&of("now")).await.expect("it comes");
    until(&running.host, NOTIFICATIONS, |all| all["notifications"][0]["body"] == "now").await;
    legacy.register_for_remote_notifications().await.expect("it is taken");
    assert!(legacy.is_registered_for_remote_notifications().await.expect("yes or no"));
    legacy.set_application_icon_badge_number(5).await.expect("it is set");
    assert_eq!(legacy.application_icon_badge_number().await.expect("a number"), 5);
    legacy.set_application_icon_badge_number(0).await.expect("it is hidden");
    assert_eq!(get(&running.host, NOTIFICATIONS).await["notifications"], json!([]), "0 clears, on iOS 9");
}

async fn everything(mut running: Running) {
    running.hears(|told| *told == Told::Launched(LaunchOptions::default())).await;
    calls_of_the_center(&mut running).await;
    calls_of_the_application(&mut running).await;
    callbacks_of_the_delegate(&mut running).await;
    calls_of_ios_9(&mut running).await;
    running.host.shutdown().await;
    assert!(matches!(running.center.notification_settings().await, Err(AppError::Disconnected)));
}

#[tokio::test]
async fn each_call_and_callback_of_an_app_in_the_device_s_process() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    everything(Running::inside(dir.path()).await).await;
}

#[tokio::test]
async fn each_call_and_callback_of_a_process_over_the_socket() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    everything(Running::over_the_socket(dir.path()).await).await;
}

#[tokio::test]
async fn a_process_over_the_socket_is_told_of_touches_on_its_page() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut running = Running::over_the_socket(dir.path()).await;
    let touched =
        send(&running.host, "POST", &format!("{APP}/page/touch"), json!({"touch": "go-home"})).await;
    assert_eq!(touched.0, 202, "{}", touched.1);
    running.hears(|told| *told == Told::Touched(json!({"touch": "go-home"}))).await;
    running.host.shutdown().await;
}

/// §1.2: the user changes a switch in Settings, and the app's next look sees it.
async fn switches(running: Running) {
    let center = &running.center;
    let options = [AuthorizationOption::Alert, AuthorizationOption::Sound, AuthorizationOption::Badge];
    assert!(running.allow(&options, true).await);
    let enabled = |setting: NotificationSetting| setting == NotificationSetting::Enabled;
    type Look = fn(&homing_local::NotificationSettings) -> NotificationSetting;
    let table: [(&str, Look); 5] = [
        ("alert", |settings| settings.alert_setting),
        ("sound", |settings| settings.sound_setting),
        ("badge", |settings| settings.badge_setting),
        ("lock-screen", |settings| settings.lock_screen_setting),
        ("notification-center", |settings| settings.notification_center_setting),
    ];
    for on in [false, true, false] {
        for (setting, look) in table {
            let change = json!({"setting": setting, "on": on});
            let changed = send(&running.host, "PUT", &format!("{APP}/settings"), change).await;
            assert!(changed.0 < 300, "{setting}: {}", changed.1);
            let settings = center.notification_settings().await.expect("settings");
            assert_eq!(enabled(look(&settings)), on, "{setting}");
            assert_eq!(settings.authorization_status, AuthorizationStatus::Authorized);
        }
    }
    // While the app looks again and again, and schedules, a switch turns: no look is of neither state.
    let turning = async {
        for on in (0..40).map(|number| number % 2 == 0) {
            let change = json!({"setting": "allow-notifications", "on": on});
            assert!(send(&running.host, "PUT", &format!("{APP}/settings"), change).await.0 < 300);
        }
    };
    let looking = async {
        for number in 0..200 {
            let settings = center.notification_settings().await.expect("settings");
            let status = settings.authorization_status;
            assert!(
                matches!(status, AuthorizationStatus::Authorized | AuthorizationStatus::Denied),
                "{status:?}"
            );
            match center.add(request(&format!("r{}", number % 8), after(3600.0))).await {
                Ok(()) => {}
                Err(AppError::Device(error)) => assert_eq!(error.code, 1, "{error}"),
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::join!(turning, looking);
    let settings = center.notification_settings().await.expect("settings");
    assert_eq!(settings.authorization_status, AuthorizationStatus::Denied, "the last turn was off");
    assert_eq!(code(center.add(request("a", after(60.0))).await), 1);
    assert!(!center.request_authorization(&options).await.expect("nobody is asked again"));
    running.host.shutdown().await;
}

#[tokio::test]
async fn an_app_in_the_device_s_process_sees_what_its_user_changes_in_settings() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    switches(Running::inside(dir.path()).await).await;
}

#[tokio::test]
async fn a_process_over_the_socket_sees_what_its_user_changes_in_settings() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    switches(Running::over_the_socket(dir.path()).await).await;
}

/// The article's reminder: the status at launch; who refused is led to Settings, but seldom.
async fn reminder(running: Running) {
    let policy = ReminderPolicy { days_between: 7, at_most: 2 };
    let of = || {
        let (center, app) = (running.center.clone(), running.app.clone());
        PermissionReminder::new(center, app, &running.container, policy)
    };
    let day = |day: i64| UnixMillis(1_800_000_000_000 + day * 24 * 3_600_000);
    assert_eq!(of().at_launch(day(0)).await.expect("advice"), Advice::Ask);
    put_state(&running.host, "foreground").await;
    let (reminder, host) = (of(), &running.host);
    let answered = async {
        until(host, "/v1/devices/iphone/prompt", |answer| answer["prompt"]["app"] == BUNDLE).await;
        let deny = json!({"allow": false});
        assert_eq!(send(host, "POST", "/v1/devices/iphone/prompt/answer", deny).await.0, 204);
    };
    let (granted, ()) = tokio::join!(reminder.ask(), answered);
    assert!(!granted.expect("it is answered"));
    for (today, advice) in
        [(0, Advice::Remind), (1, Advice::LeaveAlone), (7, Advice::Remind), (14, Advice::LeaveAlone)]
    {
        // Each launch is another run of the app, which finds what the last one kept.
        assert_eq!(of().at_launch(day(today)).await.expect("advice"), advice, "day {today}");
    }
    reminder.open_settings().await.expect("it is in foreground");
    assert_eq!(get(host, APP).await["state"], "background");
    let allow = json!({"setting": "allow-notifications", "on": true});
    assert!(send(host, "PUT", &format!("{APP}/settings"), allow).await.0 < 300);
    assert_eq!(of().at_launch(day(15)).await.expect("advice"), Advice::Nothing);
    running.host.shutdown().await;
}

#[tokio::test]
async fn an_app_in_the_device_s_process_reminds_its_user_seldom() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    reminder(Running::inside(dir.path()).await).await;
}

#[tokio::test]
async fn a_process_over_the_socket_reminds_its_user_seldom() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    reminder(Running::over_the_socket(dir.path()).await).await;
}
