//! *Message push in iOS*, the half of each chapter that is about iOS 9: permission by registerUserNotificationSettings,
//! UILocalNotification, and the three callbacks in the three states of the app. A real app process, a real device.

use homing_apns::Expiration;
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS};
use crate::real_app::{answer, app, install_as, titles, touch};

/// The user allows everything, and there is a category with a text action.
async fn allow(home: &Home) {
    home.state("foreground").await;
    app(home, |app| app["screen"]["types"] == json!([])).await;
    let settings = json!({"types": ["sound", "alert", "badge"], "categories": [{
        "identifier": "mail",
        "default_actions": [
            {"identifier": "reply", "title": "Reply", "activation_mode": "background", "behavior": "text-input"},
        ],
    }]});
    touch(home, json!({"touch": "register", "settings": settings})).await;
    answer(home, true).await;
    app(home, |app| app["screen"]["did_register"] == json!(["badge", "sound", "alert"])).await;
}

async fn send(home: &Home, payload: Value) -> String {
    let token = home.token().await;
    home.send(&token, Expiration::Default, payload).await
}

/// The page of the app once this callback was called with this story, or local notification.
async fn called(home: &Home, callback: &str, story: i64) -> Value {
    let page = app(home, |app| {
        let called = &app["screen"]["called"];
        called["callback"] == callback && called["with"]["story"] == story
    });
    page.await["screen"]["called"]["application_state"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chapter_3_permission_is_registered_and_read_from_the_types_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 78).await;
    install_as(&home, "article-app-ios9", &[]).await;
    allow(&home).await;

    // "[[UIApplication sharedApplication] currentUserNotificationSettings]": what of it is in force. The user switches
    // notifications off in Settings; UIUserNotificationTypeNone is how iOS 9 says that they refuse.
    home.phone
        .put(&format!("{NEWS}/settings"), json!({"setting": "allow-notifications", "on": false}))
        .await
        .unwrap();
    touch(&home, json!({"touch": "look"})).await;
    app(&home, |app| app["screen"]["types"] == json!([])).await;

    // Registering again asks nobody: there is no dialog, and the callback says what is allowed, which is nothing.
    touch(&home, json!({"touch": "register", "settings": {"types": ["alert"]}})).await;
    app(&home, |app| app["screen"]["did_register"] == json!([])).await;
    assert!(home.phone.get(&format!("{IPHONE}/prompt")).await.unwrap()["prompt"].is_null());
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chapter_4_a_local_notification_is_presented_now_or_comes_at_its_fire_date() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 79).await;
    install_as(&home, "article-app-ios9", &[]).await;
    allow(&home).await;
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": false})).await.unwrap();

    // presentLocalNotificationNow in front of the user: iOS 9 shows nothing, and calls the app.
    let now = json!({"alert_title": "now", "alert_body": "body", "user_info": {"story": 1}});
    touch(&home, json!({"touch": "present-now", "notification": now})).await;
    assert_eq!(called(&home, "didReceiveLocalNotification", 1).await, "active");
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());

    // scheduleLocalNotification: tomorrow, by the device's clock, and each week from then on. Another one is cancelled.
    let today = home.phone.get("/v1/clock").await.unwrap()["now"].as_str().unwrap().to_owned();
    home.phone.post("/v1/clock/advance", json!({"seconds": 24 * 3600})).await.unwrap();
    let tomorrow = home.phone.get("/v1/clock").await.unwrap()["now"].as_str().unwrap().to_owned();
    home.phone.post("/v1/clock/advance", json!({"seconds": 3600})).await.unwrap();
    let weekly = |body: &str, date: &str| {
        json!({"alert_title": body, "alert_body": body, "fire_date": date, "repeat_interval": "week-of-year",
            "region_triggers_once": true, "user_info": {"story": 2}})
    };
    // Both dates are past by now: each comes at once and waits for its next week. In front, the app is called.
    touch(&home, json!({"touch": "schedule", "notification": weekly("kept", &tomorrow)})).await;
    assert_eq!(called(&home, "didReceiveLocalNotification", 2).await, "active");
    touch(&home, json!({"touch": "schedule", "notification": weekly("unwanted", &today)})).await;
    app(&home, |app| app["screen"]["scheduled"] == json!(["unwanted", "kept"])).await;
    touch(&home, json!({"touch": "cancel", "notification": weekly("unwanted", &today)})).await;
    app(&home, |app| app["screen"]["scheduled"] == json!(["kept"])).await;

    // The user ends the app. A week passes; the device keeps the time.
    home.state("force-quit").await;
    home.phone.post("/v1/clock/advance", json!({"seconds": 7 * 24 * 3600})).await.unwrap();
    assert_eq!(titles(&home, 1).await, ["kept"]);

    // The tap starts the app: UIApplicationLaunchOptionsLocalNotificationKey has it, and no callback follows.
    let shown = home.shown().await;
    home.tap(shown[0]["identifier"].as_str().unwrap()).await;
    let started = app(&home, |app| app["screen"]["launched_by_local"]["story"] == 2).await;
    assert_eq!(started["screen"]["called"], Value::Null, "{started}");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chapter_6_the_plain_callback_in_front_and_on_a_tap_but_not_at_launch() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 80).await;
    install_as(&home, "article-app-ios9", &[]).await;
    allow(&home).await;
    let plain = "didReceiveRemoteNotification";

    // In front: the callback, in the state active; nothing is shown.
    let first = send(&home, json!({"aps": {"alert": {"title": "1"}}, "story": 1})).await;
    assert_eq!(called(&home, plain, 1).await, "active");
    let story = home.story(&first, Stage::Suppressed).await;
    assert_eq!(story.last().map(String::as_str), Some("suppressed: foreground"));

    // In background the system shows it, and the tap brings the same callback, in the state inactive.
    home.state("background").await;
    let second = send(&home, json!({"aps": {"alert": {"title": "2"}, "badge": 2}, "story": 2})).await;
    home.story(&second, Stage::Displayed).await;
    home.tap(&second).await;
    assert_eq!(called(&home, plain, 2).await, "inactive");

    // Its action, with what the user writes, is handled in background.
    home.state("background").await;
    let third = send(&home, json!({"aps": {"alert": {"title": "3"}, "category": "mail"}, "story": 3})).await;
    home.story(&third, Stage::Displayed).await;
    let reply = json!({"app": "com.example.news", "identifier": third, "action": "reply", "text": "Yes"});
    home.phone.post(&format!("{IPHONE}/notifications/action"), reply).await.unwrap();
    let handled = app(&home, |app| app["screen"]["called"]["callback"] == "handleActionWithIdentifier").await;
    let called_with = &handled["screen"]["called"];
    assert_eq!(called_with["with"], json!({"identifier": "reply", "typed_text": "Yes"}));
    assert_eq!(called_with["application_state"], "background");

    // Not running: the tap starts the app with the payload in its launch options, and the plain callback isn't called.
    home.state("ended").await;
    let fourth = send(&home, json!({"aps": {"alert": {"title": "4"}}, "story": 4})).await;
    home.story(&fourth, Stage::Displayed).await;
    home.tap(&fourth).await;
    let started = app(&home, |app| app["screen"]["launched_by_remote"]["story"] == 4).await;
    assert_eq!(started["screen"]["called"], Value::Null, "{started}");

    // applicationIconBadgeNumber = 0: the number goes, and with it what the app has shown.
    home.state("background").await;
    let fifth = send(&home, json!({"aps": {"alert": {"title": "5"}, "badge": 5}})).await;
    home.story(&fifth, Stage::Displayed).await;
    home.state("foreground").await;
    touch(&home, json!({"touch": "clear-badge"})).await;
    app(&home, |app| app["badge"] == 0 && app["screen"]["cleared"] == true).await;
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chapter_6_the_callback_with_the_completion_handler_wins_and_comes_also_silently_and_at_launch() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 81).await;
    install_as(&home, "article-app-ios9", &["fetch"]).await;
    allow(&home).await;
    let fetch = "didReceiveRemoteNotification:fetchCompletionHandler";

    send(&home, json!({"aps": {"alert": {"title": "1"}}, "story": 1})).await;
    assert_eq!(called(&home, fetch, 1).await, "active");

    home.state("background").await;
    let silent = send(&home, json!({"aps": {"content-available": 1}, "story": 2})).await;
    assert_eq!(called(&home, fetch, 2).await, "background");
    let story = home.story(&silent, Stage::Suppressed).await;
    assert_eq!(story.last().map(String::as_str), Some("suppressed: silent"));

    let third = send(&home, json!({"aps": {"alert": {"title": "3"}}, "story": 3})).await;
    home.story(&third, Stage::Displayed).await;
    home.tap(&third).await;
    assert_eq!(called(&home, fetch, 3).await, "inactive");

    home.state("ended").await;
    let fourth = send(&home, json!({"aps": {"alert": {"title": "4"}}, "story": 4})).await;
    home.story(&fourth, Stage::Displayed).await;
    home.tap(&fourth).await;
    assert_eq!(called(&home, fetch, 4).await, "inactive", "after the launch");
    home.homing.stop().await.unwrap();
}
