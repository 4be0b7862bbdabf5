//! Chapter three of *Message push in iOS*: asking for permission. `real_app` has the words it is told with; the iOS 9 half is in
//! `chapters_on_ios_9`.

use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::Home;
use crate::real_app::{answer, app, install, titles, touch};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shown_before_the_user_has_allowed_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 70).await;
    install(&home).await;

    // "Local or remote, the app must ask first; only who has allowed it gets notifications." The user hasn't answered yet.
    home.opens_app().await;
    app(&home, |app| app["screen"]["advice"] == "ask").await;

    // [center addNotificationRequest:…]: the completion handler gets UNErrorDomain 1, notificationsNotAllowed.
    let request = json!({"identifier": "testId", "content": {"title": "local"}});
    touch(&home, json!({"touch": "add", "request": request})).await;
    app(&home, |app| {
        app["screen"]["add_error"].as_str().is_some_and(|error| error.contains("UserNotifications 1"))
    })
    .await;

    // A remote one comes to the iPhone, which shows nothing, and says why.
    let remote = home.alert("remote").await;
    let story = home.story(&remote, Stage::Suppressed).await;
    assert_eq!(story.last().unwrap(), "suppressed: not-permitted");
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());

    // granted == YES: the same two are shown.
    answer(&home, true).await;
    app(&home, |app| app["screen"]["granted"] == true).await;
    home.goes_home().await;
    home.alert("remote").await;
    home.notification("remote").await;
    home.opens_app().await;
    touch(&home, json!({"touch": "add", "request": request})).await;
    home.notification("local").await;
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_is_asked_once_reminded_if_they_refused_and_led_to_settings() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 71).await;
    install(&home).await;

    // requestAuthorizationWithOptions:UNAuthorizationOptionSound|Alert|Badge completionHandler:^(BOOL granted, …). At its first
    // launch the app finds that the user was never asked, and asks. The system's dialog comes; the user refuses.
    home.opens_app().await;
    app(&home, |app| app["screen"]["advice"] == "ask").await;
    answer(&home, false).await;
    let refused = app(&home, |app| app["screen"]["granted"] == false).await;
    assert_eq!(refused["authorization_status"], "denied");

    // "The dialog is shown once; iOS remembers the answer": at the next launch there is none. The app looks at
    // getNotificationSettingsWithCompletionHandler, finds UNAuthorizationStatusDenied, and tells the user what they miss.
    home.app_ends().await;
    home.opens_app().await;
    app(&home, |app| app["screen"]["advice"] == "remind").await;
    assert_eq!(home.dialog().await, Value::Null);

    // "去设置", to Settings: UIApplicationOpenSettingsURLString. Settings is another app, so ours is in background. The user
    // turns notifications on.
    touch(&home, json!({"touch": "open-settings"})).await;
    let left = app(&home, |app| app["screen"]["opened_settings"] == true).await;
    assert_eq!(left["state"], "background");
    home.switches("allow-notifications", true).await;

    // Back in the app, it finds that it may.
    home.opens_app().await;
    let allowed = app(&home, |app| app["screen"]["advice"] == "nothing").await;
    assert_eq!(allowed["authorization_status"], "authorized");

    // "Reminds at a certain frequency": who refuses again was reminded today already, so they are left alone.
    home.switches("allow-notifications", false).await;
    home.app_ends().await;
    home.opens_app().await;
    let quiet = app(&home, |app| app["screen"]["advice"] == "leave-alone").await;
    assert_ne!(quiet["pid"], Value::Null, "it is a process of its own");
    home.homing.stop().await.unwrap();
}
