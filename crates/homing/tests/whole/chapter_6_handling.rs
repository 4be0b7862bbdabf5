//! Chapter six of *Message push in iOS*: how the app handles what comes, in each of its three states; silent
//! notifications; and what happens to a real process that crashes, or whose device is killed.

use homing_apns::Expiration;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{Home, NEWS};
use crate::real_app::{answer, app, install, titles};

async fn news(home: &Home, title: &str, url: &str) -> String {
    let token = home.token().await;
    let payload = json!({"aps": {"alert": {"title": title}}, "url": url});
    home.send(&token, Expiration::Default, payload).await
}

fn runs(pid: &Value) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_the_three_states_and_the_silent_refresh() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 74).await;
    install(&home).await;

    // State one, the app is in front: willPresent asks it, and it wants a banner and the list. A tap on the banner comes
    // to didReceive.
    home.state("foreground").await;
    answer(&home, true).await;
    app(&home, |app| app["screen"]["granted"] == true).await;
    let first = news(&home, "in front", "https://news.example/1").await;
    app(&home, |app| app["screen"]["will_present"] == "in front").await;
    home.story(&first, Stage::Displayed).await;
    home.tap(&first).await;
    let opened = app(&home, |app| app["url"] == "https://news.example/1").await;
    assert_eq!(opened["screen"]["did_receive"], "in front");

    // State two, the app is in background: the system shows it; the tap resumes the same process.
    home.state("background").await;
    let second = news(&home, "in background", "https://news.example/2").await;
    home.story(&second, Stage::Displayed).await;
    home.tap(&second).await;
    let resumed = app(&home, |app| app["url"] == "https://news.example/2").await;
    assert_eq!((&resumed["state"], &resumed["pid"]), (&json!("foreground"), &opened["pid"]));

    // State three, the app doesn't run: the tap starts it. The payload is in the launch options, and the delegate's
    // didReceive gets it, too: the app handles it once.
    home.state("ended").await;
    let third = news(&home, "not running", "https://news.example/3").await;
    home.story(&third, Stage::Displayed).await;
    home.tap(&third).await;
    let started = app(&home, |app| app["url"] == "https://news.example/3").await;
    assert_ne!(started["pid"], opened["pid"]);
    let payload = &started["screen"]["launch_options"]["remote_notification"];
    assert_eq!(payload["url"], "https://news.example/3", "{started}");

    // A silent notification (content-available) starts the app in background for some thirty seconds; the user sees
    // nothing.
    home.state("ended").await;
    let token = home.token().await;
    let silent = json!({"aps": {"content-available": 1}, "refresh": "sports"});
    let silent = home.send(&token, Expiration::Default, silent).await;
    let woken = app(&home, |app| app["screen"]["woken_by"]["refresh"] == "sports").await;
    assert_eq!(woken["state"], "background");
    let story = home.story(&silent, Stage::Suppressed).await;
    assert_eq!(story.last().map(String::as_str), Some("suppressed: silent"));
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());
    home.homing.stop().await.unwrap();
    assert!(!runs(&woken["pid"]), "the app ends with its device");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_app_is_started_again_by_a_tap_and_a_killed_device_takes_its_apps_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut home = Home::up(&dir.path().join("data"), 75).await;
    install(&home).await;
    home.state("foreground").await;
    answer(&home, true).await;
    let running = app(&home, |app| app["screen"]["granted"] == true).await;

    let killed = std::process::Command::new("kill").args(["-9", &running["pid"].to_string()]).status();
    assert!(killed.unwrap().success());
    app(&home, |app| app["state"] == "ended").await;
    let first = news(&home, "after a crash", "https://news.example/1").await;
    home.story(&first, Stage::Displayed).await;
    home.tap(&first).await;
    let started = app(&home, |app| app["url"] == "https://news.example/1").await;

    home.state("background").await;
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
