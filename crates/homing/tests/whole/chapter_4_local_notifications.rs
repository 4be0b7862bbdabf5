//! Chapter four of *Message push in iOS*: local notifications. `real_app` has the words it is told with; *UILocalNotification* is
//! in `chapters_on_ios_9`. No network is needed.

use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS};
use crate::real_app::{answer, app, install, titles, touch};

/// An iPhone in airplane mode, the app in front, allowed to notify.
async fn offline(data: &std::path::Path, salt: u16) -> Home {
    let home = Home::up(data, salt).await;
    install(&home).await;
    home.opens_app().await;
    answer(&home, true).await;
    app(&home, |app| app["screen"]["granted"] == true).await;
    home.airplane_mode(true).await;
    home
}

/// A UNNotificationRequest with the article's content: title, body, the default sound, and a badge.
fn request(identifier: &str, trigger: Value) -> Value {
    json!({
        "identifier": identifier,
        "content": {
            "title": "推送标题", "body": "推送内容", "sound": {"name": "default"}, "badge": 1,
            "user_info": {"userInfo": {"url": "https://news.example/tea"}},
        },
        "trigger": trigger,
    })
}

/// The app calls [center addNotificationRequest:request withCompletionHandler:…].
async fn add(home: &Home, request: Value) {
    touch(home, json!({"touch": "add", "request": request})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_app_has_scheduled_comes_when_its_time_has_come_though_the_app_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let home = offline(&dir.path().join("data"), 72).await;

    // [UNTimeIntervalNotificationTrigger triggerWithTimeInterval:2 repeats:NO], and in place of two seconds an hour …
    add(&home, request("testId", json!({"kind": "time-interval", "seconds": 3600}))).await;
    // … and [UNCalendarNotificationTrigger triggerWithDateMatchingComponents:date repeats:NO], at the next 15:53.
    let at_15_53 = json!({"kind": "calendar", "date_components": {"hour": 15, "minute": 53}});
    add(&home, request("date", at_15_53)).await;
    app(&home, |app| app["screen"]["pending"].as_array().is_some_and(|all| all.len() == 2)).await;
    let pending = home.phone.get(&format!("{NEWS}/pending")).await.unwrap();
    let dates = pending["pending"].as_array().unwrap().iter();
    let dates: Vec<_> = dates.map(|one| one["next_trigger_date"].as_str().unwrap().to_owned()).collect();
    assert!(
        dates.iter().any(|date| date.contains(":53:00.000")),
        "seconds that aren't given are 0: {dates:?}"
    );

    // The user ends the app. Two days pass: both come, each once.
    home.force_quits_app().await;
    home.time_passes(2 * 24 * 3600).await;
    assert_eq!(titles(&home, 2).await, ["推送标题", "推送标题"]);
    let shown = home.notification("推送标题").await;
    assert_eq!((&shown["body"], &shown["sound"]), (&json!("推送内容"), &json!("default")));
    assert_eq!(home.badge().await, 1);

    // A tap starts the app, which opens the page: UIApplicationLaunchOptionsLocalNotificationKey says by which one.
    home.tap("testId").await;
    let opened = app(&home, |app| app["url"] == "https://news.example/tea").await;
    let options = &opened["screen"]["launch_options"]["local_notification"];
    assert_eq!(options["request"]["identifier"], "testId", "{opened}");
    assert_eq!(opened["screen"]["did_receive"], "推送标题", "and the delegate's didReceive says it, too");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_manages_a_request_to_add_to_delete_to_query_and_to_modify() {
    let dir = tempfile::tempdir().unwrap();
    let home = offline(&dir.path().join("data"), 83).await;
    let hour = || json!({"kind": "time-interval", "seconds": 3600});

    // Add, and query: getPendingNotificationRequestsWithCompletionHandler.
    add(&home, request("testId", hour())).await;
    add(&home, request("unwanted", hour())).await;
    app(&home, |app| app["screen"]["pending"] == json!(["testId", "unwanted"])).await;
    // Delete: removePendingNotificationRequestsWithIdentifiers.
    touch(&home, json!({"touch": "cancel", "identifier": "unwanted"})).await;
    app(&home, |app| app["screen"]["pending"] == json!(["testId"])).await;
    // Modify: the same id again takes the place of the first.
    let mut other = request("testId", json!({"kind": "time-interval", "seconds": 60}));
    other["content"]["title"] = json!("other title");
    add(&home, other).await;
    app(&home, |app| app["screen"]["add_error"].is_null()).await;
    home.goes_home().await;
    home.time_passes(3 * 3600).await;
    assert_eq!(titles(&home, 1).await, ["other title"]);

    // "iOS 10 adds withdrawing and modifying what was pushed" (chapter three): what stands in Notification Center goes by its
    // id, too. Without a trigger a request comes at once, and takes the place of what is shown …
    home.opens_app().await;
    add(&home, json!({"identifier": "testId", "content": {"title": "modified"}})).await;
    home.notification("modified").await;
    assert_eq!(titles(&home, 1).await, ["modified"]);
    // … and removeDeliveredNotificationsWithIdentifiers withdraws it.
    touch(&home, json!({"touch": "withdraw", "identifier": "testId"})).await;
    app(&home, |app| app["screen"]["delivered"] == json!([])).await;
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());

    // "if (error != nil) NSLog(error.localizedDescription)": a wrong request isn't taken, and the error says why.
    add(&home, request("wrong", json!({"kind": "time-interval", "seconds": 59, "repeats": true}))).await;
    app(&home, |app| app["screen"]["add_error"].as_str().is_some_and(|error| error.contains("60 seconds")))
        .await;
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trigger_by_place_comes_where_the_user_goes() {
    let dir = tempfile::tempdir().unwrap();
    let home = offline(&dir.path().join("data"), 84).await;

    // UNLocationNotificationTrigger. The user lets the app know where they are, and stands outside of the region.
    let permission = json!({"permission": "when-in-use"});
    home.phone.put(&format!("{NEWS}/location-permission"), permission).await.unwrap();
    let goes_to = async |latitude: f64| {
        let place = json!({"latitude": latitude, "longitude": 0.0});
        home.phone.put(&format!("{IPHONE}/location"), place).await.unwrap();
    };
    goes_to(10.0).await;
    let region = json!({
        "identifier": "office", "center": {"latitude": 0.0, "longitude": 0.0}, "radius": 500.0, "notify_on_exit": false,
    });
    add(&home, request("place", json!({"kind": "location", "region": region}))).await;
    app(&home, |app| app["screen"]["pending"] == json!(["place"])).await;
    home.goes_home().await;
    assert_eq!(titles(&home, 0).await, Vec::<String>::new());
    goes_to(0.0).await;
    home.notification("推送标题").await;

    // The fourth, UNPushNotificationTrigger, is the system's own: a remote notification has it (chapter five).
    home.homing.stop().await.unwrap();
}
