//! Chapter three of *Message push in iOS*: asking for permission. A real app process, a real device.

use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS};
use crate::real_app::{answer, app, install, touch};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_is_asked_once_reminded_if_they_refused_and_led_to_settings() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 71).await;
    install(&home).await;

    // "The first time the app asks, the system shows its dialog": at its first launch the app finds that the user was
    // never asked, and calls requestAuthorization([.alert, .sound, .badge]).
    home.state("foreground").await;
    app(&home, |app| app["screen"]["advice"] == "ask").await;
    answer(&home, false).await;
    let refused = app(&home, |app| app["screen"]["granted"] == false).await;
    assert_eq!(refused["authorization_status"], "denied");

    // "The answer is remembered": at the next launch there is no dialog. The app reads the status from
    // getNotificationSettings, and tells the user what they miss.
    home.state("ended").await;
    home.state("foreground").await;
    app(&home, |app| app["screen"]["advice"] == "remind").await;
    assert!(home.phone.get(&format!("{IPHONE}/prompt")).await.unwrap()["prompt"].is_null());

    // "Go to Settings": UIApplication.openSettingsURLString. Settings is another app, so ours is in background.
    touch(&home, json!({"touch": "open-settings"})).await;
    let left = app(&home, |app| app["screen"]["opened_settings"] == true).await;
    assert_eq!(left["state"], "background");
    home.phone
        .put(&format!("{NEWS}/settings"), json!({"setting": "allow-notifications", "on": true}))
        .await
        .unwrap();

    // Back in the app, it finds that it may.
    home.state("foreground").await;
    let allowed = app(&home, |app| app["screen"]["advice"] == "nothing").await;
    assert_eq!(allowed["authorization_status"], "authorized");

    // Who refuses again isn't nagged: they were reminded today already.
    home.phone
        .put(&format!("{NEWS}/settings"), json!({"setting": "allow-notifications", "on": false}))
        .await
        .unwrap();
    home.state("ended").await;
    home.state("foreground").await;
    let quiet = app(&home, |app| app["screen"]["advice"] == "leave-alone").await;
    assert_ne!(quiet["pid"], Value::Null, "it is a process of its own");
    home.homing.stop().await.unwrap();
}
