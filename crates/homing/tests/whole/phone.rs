//! The three app states of *Message push in iOS*, local notifications without a network, and time that passes at once.

use std::path::Path;
use std::process::Command;

use homing_apns::Expiration;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{BINARY, Home, IPHONE, NEWS, wait};

fn hand(data_dir: &Path, word: &str) -> String {
    let words = ["device", word, "--device", "iphone-development", "--data-dir"];
    let done = Command::new(BINARY).args(words).arg(data_dir).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screen_is_locked_and_unlocked_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 36).await;
    let data_dir = dir.path().join("data");
    for (word, locked) in [("lock", true), ("unlock", false)] {
        assert_eq!(hand(&data_dir, word), format!("the screen is {word}ed\n"));
        assert_eq!(home.phone.get(IPHONE).await.unwrap()["locked"], locked);
    }
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_state_of_the_app_presents_as_on_an_iphone() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 3).await;
    home.allow().await;

    // In foreground: nothing is shown unless the app says so; the app itself is told.
    let foreground = home.alert("while reading").await;
    let story = home.story(&foreground, Stage::Suppressed).await;
    assert_eq!(story.last().unwrap(), "suppressed: foreground");
    assert_eq!(home.shown().await, Vec::<Value>::new());
    let app = home.phone.get(NEWS).await.unwrap();
    assert_eq!(app["screen"]["in_app_alert"], "while reading", "{app}");

    // In background: shown; a tap brings the app to the front.
    home.state("background").await;
    let background = home.alert("while doing something else").await;
    home.story(&background, Stage::Displayed).await;
    home.tap(&background).await;
    home.story(&background, Stage::Opened).await;
    assert_eq!(home.phone.get(NEWS).await.unwrap()["state"], "foreground");

    // Ended by the system, and ended by the user: shown; a tap launches the app, which gets what was tapped.
    for (state, url) in [("ended", "https://news.example/1"), ("force-quit", "https://news.example/2")] {
        home.state(state).await;
        assert_eq!(home.phone.get(NEWS).await.unwrap()["state"], state);
        let token = home.token().await;
        let payload = json!({"aps": {"alert": "wake up"}, "userInfo": {"url": url}});
        let apns_id = home.send(&token, Expiration::Default, payload).await;
        home.story(&apns_id, Stage::Displayed).await;
        home.tap(&apns_id).await;
        home.story(&apns_id, Stage::Opened).await;
        wait(async || (home.page().await == url).then_some(())).await;
    }

    // A background push shows nothing; the app is told, but not one that the user has force-quit.
    home.state("background").await;
    let token = home.token().await;
    let silent = home.send(&token, Expiration::Default, json!({"aps": {"content-available": 1}})).await;
    let story = home.story(&silent, Stage::Suppressed).await;
    assert_eq!(story.last().unwrap(), "suppressed: silent");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_notifications_fire_without_a_network_when_their_time_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 4).await;
    home.allow().await;
    home.state("background").await;
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": false})).await.unwrap();

    let add = async |identifier: &str, title: &str, seconds: u32, repeats: bool| {
        let request = json!({
            "identifier": identifier,
            "content": {"title": title},
            "trigger": {"kind": "time-interval", "seconds": seconds, "repeats": repeats},
        });
        home.phone.post(&format!("{NEWS}/requests"), request).await.unwrap();
    };
    add("tea", "too early", 600, false).await;
    add("tea", "tea is ready", 3_600, false).await;
    add("news", "new stories", 1_800, true).await;
    add("never", "is removed", 60, false).await;
    home.phone.delete(&format!("{NEWS}/pending?identifier=never")).await.unwrap();
    let pending = home.phone.get(&format!("{NEWS}/pending")).await.unwrap();
    assert_eq!(pending["pending"].as_array().unwrap().len(), 2, "{pending}");

    home.phone.post("/v1/clock/advance", json!({"seconds": 7_200})).await.unwrap();
    let mut titles: Vec<String> =
        home.shown().await.iter().map(|shown| shown["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    assert_eq!(titles, ["new stories", "tea is ready"], "everything due has fired, a repeat replaced itself");
    let pending = home.phone.get(&format!("{NEWS}/pending")).await.unwrap();
    assert_eq!(
        pending["pending"].as_array().unwrap().len(),
        1,
        "the repeating one waits for its next time: {pending}"
    );

    home.tap("tea").await;
    assert_eq!(home.shown().await.len(), 1);
    home.phone.delete(&format!("{NEWS}/delivered?identifier=news")).await.unwrap();
    assert_eq!(home.shown().await, Vec::<Value>::new());

    // Half an interval is less than a repeating trigger may wait, and the error says so.
    let wrong = json!({
        "identifier": "nag",
        "content": {"title": "again"},
        "trigger": {"kind": "time-interval", "seconds": 30, "repeats": true},
    });
    let refused = home.phone.post(&format!("{NEWS}/requests"), wrong).await.unwrap_err().to_string();
    assert!(refused.contains("60"), "{refused}");
    home.homing.stop().await.unwrap();
}
