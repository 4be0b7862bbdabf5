//! Chapter six of *Message push in iOS*: how the app handles what comes, in each of its three states; silent
//! notifications; and what happens to a real process that crashes, or whose device is killed. `real_app` has the words it is
//! told with; the three callbacks of iOS 9 are in `chapters_on_ios_9`.

use homing_apns::Expiration;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{Home, NEWS, wait};
use crate::real_app::{answer, app, install, titles, touch};

/// A remote notification with the article's own parameter beside aps: "userInfo": {"url": …}.
async fn news(home: &Home, title: &str, url: &str) -> String {
    let token = home.token().await;
    let payload = json!({"aps": {"alert": {"title": title}}, "userInfo": {"url": url}});
    home.send(&token, Expiration::Default, payload).await
}

/// What the system says of a process: R it runs, S it waits, T it is stopped, Z it is dead; nothing: there is none.
fn process(pid: &Value) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())
}

fn runs(pid: &Value) -> bool {
    process(pid).is_some_and(|is| is != 'Z')
}

fn is_stopped(pid: &Value) -> bool {
    process(pid) == Some('T')
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_the_three_states_and_the_silent_refresh() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 74).await;
    install(&home).await;

    // "App 正在前台运行", in front: willPresentNotification is called and the system shows nothing, unless the app asks for it.
    // By default it passes nothing to the completion handler: it shows an alert of its own.
    home.opens_app().await;
    answer(&home, true).await;
    app(&home, |app| app["screen"]["granted"] == true).await;
    touch(&home, json!({"touch": "in-front", "options": []})).await;
    app(&home, |app| app["screen"]["in_front"] == json!([])).await;
    let unseen = news(&home, "while reading", "https://news.example/0").await;
    app(&home, |app| app["screen"]["will_present"] == "while reading").await;
    let story = home.story(&unseen, Stage::Suppressed).await;
    assert_eq!(story.last().map(String::as_str), Some("suppressed: foreground"));
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());

    // completionHandler(UNNotificationPresentationOptionBadge|UNNotificationPresentationOptionAlert): the system shows it, and
    // a tap on the banner comes to didReceiveNotificationResponse.
    touch(&home, json!({"touch": "in-front", "options": ["badge", "alert"]})).await;
    app(&home, |app| app["screen"]["in_front"] == json!(["badge", "alert"])).await;
    let first = news(&home, "in front", "https://news.example/1").await;
    home.story(&first, Stage::Displayed).await;
    home.tap(&first).await;
    let opened = app(&home, |app| app["url"] == "https://news.example/1").await;
    assert_eq!(opened["screen"]["did_receive"], "in front");

    // "App 在后台运行", in background: the system shows it; the tap brings the same process to the front, and
    // didReceiveNotificationResponse opens the page.
    home.goes_home().await;
    let second = news(&home, "in background", "https://news.example/2").await;
    home.story(&second, Stage::Displayed).await;
    home.tap(&second).await;
    let resumed = app(&home, |app| app["url"] == "https://news.example/2").await;
    assert_eq!((&resumed["state"], &resumed["pid"]), (&json!("foreground"), &opened["pid"]));

    // "App 尚未启动", not running: the tap starts it. UIApplicationLaunchOptionsRemoteNotificationKey has the payload, and
    // didReceive gets it, too: the app handles it once.
    home.app_ends().await;
    let third = news(&home, "not running", "https://news.example/3").await;
    home.story(&third, Stage::Displayed).await;
    home.tap(&third).await;
    let started = app(&home, |app| app["url"] == "https://news.example/3").await;
    assert_ne!(started["pid"], opened["pid"]);
    let payload = &started["screen"]["launch_options"]["remote_notification"];
    assert_eq!(payload["userInfo"]["url"], "https://news.example/3", "{started}");

    // content-available = 1: a silent notification calls didReceiveRemoteNotification:fetchCompletionHandler: in background,
    // here of an app that the system has ended and now starts. The user sees nothing.
    home.app_ends().await;
    let token = home.token().await;
    let silent = json!({"aps": {"content-available": 1}, "refresh": "sports"});
    let silent = home.send(&token, Expiration::Default, silent).await;
    let woken = app(&home, |app| app["screen"]["woken_by"]["refresh"] == "sports").await;
    assert_eq!(woken["state"], "background");
    let story = home.story(&silent, Stage::Suppressed).await;
    assert_eq!(story.last().map(String::as_str), Some("suppressed: silent"));
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());

    // "开发者有 30s 的时间", thirty seconds: then a process that goes on in background is stopped.
    home.time_passes(31).await;
    wait(async || is_stopped(&woken["pid"]).then_some(())).await;

    // Whom the user has force-quit, a silent notification doesn't start; what is to be seen is shown all the same.
    home.force_quits_app().await;
    let silent = json!({"aps": {"content-available": 1}, "refresh": "late"});
    let silent = home.send(&token, Expiration::Default, silent).await;
    home.story(&silent, Stage::Suppressed).await;
    assert_eq!(home.phone.get(NEWS).await.unwrap()["state"], "force-quit");
    news(&home, "force-quit", "https://news.example/4").await;
    home.notification("force-quit").await;
    home.homing.stop().await.unwrap();
    assert!(!runs(&woken["pid"]), "the app ends with its device");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_app_is_started_again_by_a_tap_and_a_killed_device_takes_its_apps_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut home = Home::up(&dir.path().join("data"), 75).await;
    install(&home).await;
    home.opens_app().await;
    answer(&home, true).await;
    let running = app(&home, |app| app["screen"]["granted"] == true).await;

    let killed = std::process::Command::new("kill").args(["-9", &running["pid"].to_string()]).status();
    assert!(killed.unwrap().success());
    app(&home, |app| app["state"] == "ended").await;
    let first = news(&home, "after a crash", "https://news.example/1").await;
    home.story(&first, Stage::Displayed).await;
    home.tap(&first).await;
    let started = app(&home, |app| app["url"] == "https://news.example/1").await;

    home.goes_home().await;
    let second = news(&home, "before the device is killed", "https://news.example/2").await;
    home.story(&second, Stage::Displayed).await;
    home.homing.kill_and_restart().await.unwrap();
    assert!(!runs(&started["pid"]), "no app outlives its device");
    let home = Home::again(home.homing).await;
    assert_eq!(titles(&home, 1).await, ["before the device is killed"], "once, and still there");
    assert_eq!(home.phone.get(NEWS).await.unwrap()["state"], "ended");
    home.tap(&second).await;
    app(&home, |app| app["url"] == "https://news.example/2").await;
    home.homing.stop().await.unwrap();
}
