//! Chapter four of *Message push in iOS*: local notifications. The app makes them and may end: the device keeps the time.
//! No network is needed.

use serde_json::json;

use crate::home::{Home, IPHONE, NEWS};
use crate::real_app::{answer, app, install, titles, touch};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_app_has_scheduled_comes_when_its_time_has_come_though_the_app_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 72).await;
    install(&home).await;
    home.state("foreground").await;
    answer(&home, true).await;
    app(&home, |app| app["screen"]["granted"] == true).await;
    home.phone.put(&format!("{IPHONE}/network"), json!({"online": false})).await.unwrap();

    // A request is content, a trigger and an id: UNTimeIntervalNotificationTrigger, two seconds from now …
    let countdown = json!({
        "touch": "schedule", "identifier": "testId", "title": "推送标题", "url": "https://news.example/tea",
        "trigger": {"kind": "time-interval", "seconds": 2},
    });
    touch(&home, countdown.clone()).await;
    // … and UNCalendarNotificationTrigger, each day at 15:53.
    let daily = json!({
        "touch": "schedule", "identifier": "daily", "title": "15:53",
        "trigger": {"kind": "calendar", "date_components": {"hour": 15, "minute": 53}, "repeats": true},
    });
    touch(&home, daily).await;
    // The id manages it: the same id again replaces, another call removes.
    let unwanted = json!({
        "touch": "schedule", "identifier": "unwanted", "title": "unwanted",
        "trigger": {"kind": "time-interval", "seconds": 60},
    });
    touch(&home, unwanted).await;
    touch(&home, json!({"touch": "cancel", "identifier": "unwanted"})).await;
    app(&home, |app| app["screen"]["cancelled"] == true).await;
    touch(&home, countdown).await;
    crate::home::wait(async || {
        let pending = home.phone.get(&format!("{NEWS}/pending")).await.ok()?;
        (pending["pending"].as_array()?.len() == 2).then_some(())
    })
    .await;

    // The user ends the app. Two days pass.
    home.state("force-quit").await;
    home.phone.post("/v1/clock/advance", json!({"seconds": 2 * 24 * 3600})).await.unwrap();
    let mut shown = titles(&home, 2).await;
    shown.sort();
    assert_eq!(shown, ["15:53", "推送标题"], "the one of each day stands once: it replaced itself");

    // A tap starts the app, which opens the page: the launch options say by which local notification.
    home.tap("testId").await;
    let opened = app(&home, |app| app["url"] == "https://news.example/tea").await;
    let options = &opened["screen"]["launch_options"]["local_notification"];
    assert_eq!(options["request"]["identifier"], "testId", "{opened}");
    assert_eq!(opened["screen"]["did_receive"], "推送标题", "and the delegate's didReceive says it, too");
    home.homing.stop().await.unwrap();
}
