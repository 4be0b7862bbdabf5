//! Chapter five of *Message push in iOS*: remote notifications. A business server, the push service, the device, the app,
//! each a process or a part of one; the rules of the token, who gets what, and what a payload says. `real_app` has the words it
//! is told with. The article's PHP script, unchanged, and its `openssl pkcs12 …` are run by `cargo xtask test clients`
//! (`clients/php`); each rule of the token's life has a test in `lifecycle`.

use homing_apns::Expiration;
use homing_testkit::api::Api;
use homing_testkit::provider::{Answered, new_apns_id};
use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS, wait};
use crate::real_app::{answer, app, install, titles};

const INSTALLATIONS: &str = "/v1/apps/com.example.news/installations";
const SECOND: &str = "/v1/devices/second";

/// The app is installed and allowed to notify; its token.
async fn registered(home: &Home) -> String {
    install(home).await;
    home.opens_app().await;
    answer(home, true).await;
    app(home, |app| app["screen"]["granted"] == true).await;
    let registered = app(home, |app| app["screen"]["device_token"].is_string()).await;
    registered["screen"]["device_token"].as_str().unwrap().to_owned()
}

/// The business's server pushes to a user by name; the push, once `done`.
async fn push(server: &Api, user: &str, title: &str, done: impl Fn(&Value) -> bool) -> Value {
    let push = json!({
        "environment": "development", "audience": {"user": user},
        "content": {"title": title, "body": "消息内容"},
    });
    let pushed = server.post("/v1/apps/com.example.news/pushes", push).await.unwrap();
    let progress = format!("/v1/apps/com.example.news/pushes/{}", pushed["push_id"].as_str().unwrap());
    wait(async || server.get(&progress).await.ok().filter(|push| done(&push["counts"]))).await["counts"]
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_business_server_reaches_a_user_by_name_wherever_they_last_signed_in() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 73).await;

    // "1. Get the deviceToken": [[UIApplication sharedApplication] registerForRemoteNotifications] at the launch;
    // didRegisterForRemoteNotificationsWithDeviceToken brings bytes, which the app writes as "%02x" each.
    let token = registered(&home).await;
    assert_eq!(token, home.token().await);
    assert!(token.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{token}");

    // "After the user has signed in, update the mapping of openid and deviceToken": the business's server does.
    let server = home.provider_api();
    let login = json!({"environment": "development", "user": "openid-42"});
    server.put(&format!("{INSTALLATIONS}/{token}"), login.clone()).await.unwrap();

    // "The operating system talks to APNs, the app keeps no connection": the app doesn't run, and the push comes.
    home.app_ends().await;
    let counts =
        push(&server, "openid-42", "标题", |counts| counts["delivered"] == 1 && counts["displayed"] == 1);
    assert_eq!(counts.await["planned"], 1);
    assert_eq!(titles(&home, 1).await, ["标题"]);

    // "Without an error the user may still see nothing, as they turned notifications off": APNs takes it all the same.
    home.switches("allow-notifications", false).await;
    let counts = push(&server, "openid-42", "unseen", |counts| {
        counts["accepted"] == 1 && counts["delivered"] == 1 && counts["suppressed"] == 1
    });
    assert_eq!(counts.await["displayed"], 0);
    home.switches("allow-notifications", true).await;

    // "Keep the deviceToken of the device where the user signed in last": they sign in on another iPhone, and only that one
    // gets what is for them.
    home.phone.put(SECOND, json!({"like": "iphone-development"})).await.unwrap();
    let there = wait(async || {
        let token = home.phone.get(&format!("{SECOND}/apps/com.example.news/token")).await.ok()?;
        token["device_token"].as_str().map(str::to_owned)
    })
    .await;
    assert_ne!(there, token, "each app on each device has a token of its own");
    server.put(&format!("{INSTALLATIONS}/{there}"), login.clone()).await.unwrap();
    let counts = push(&server, "openid-42", "there", |counts| counts["delivered"] == 1).await;
    assert_eq!(counts["planned"], 1, "{counts}");
    assert_eq!(titles(&home, 0).await, Vec::<String>::new(), "what stood there left with the switch");
    server.put(&format!("{INSTALLATIONS}/{token}"), login).await.unwrap();

    // "APNs keeps the last message for a device that is switched off, and sends it again": of two, the newer comes.
    home.airplane_mode(true).await;
    let older = home.alert("older").await;
    home.story(&older, Stage::Stored).await;
    let newer = home.alert("newer").await;
    home.story(&newer, Stage::Stored).await;
    home.airplane_mode(false).await;
    assert_eq!(titles(&home, 1).await, ["newer"]);
    let story = home.story(&older, Stage::Replaced).await;
    assert_eq!(story.last().map(String::as_str), Some("replaced"));

    // "After the user has signed out, end the mapping": here and on the other iPhone. Nobody is reached by that name any more.
    for token in [&token, &there] {
        server.delete(&format!("{INSTALLATIONS}/{token}/user?user=openid-42")).await.unwrap();
    }
    let counts = push(&server, "openid-42", "too late", |_| true).await;
    assert_eq!(counts["planned"], 0);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_the_devices_the_apps_and_the_installs() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 85).await;
    let token = home.token().await;
    let manifest = |version: &str, entitlements: Value| {
        let manifest = json!({
            "bundle_id": "com.example.news", "name": "News", "version": version, "entitlements": entitlements,
        });
        json!({"manifest": manifest})
    };
    let development = || json!({"aps-environment": "development"});
    let other_than =
        async |old: &str| wait(async || Some(home.token().await).filter(|token| token != old)).await;

    // "An upgrade leaves it as it is."
    home.phone.put(NEWS, manifest("2.0", development())).await.unwrap();
    assert_eq!(home.token().await, token);
    // "It changes when the app is deleted and installed again …
    home.phone.delete(NEWS).await.unwrap();
    home.phone.put(NEWS, manifest("2.0", development())).await.unwrap();
    let token = other_than(&token).await;
    // … when the device is restored from a backup …
    let backup = home.phone.post(&format!("{IPHONE}/backup"), json!({})).await.unwrap()["backup"].clone();
    home.phone.post(&format!("{IPHONE}/restore"), json!({"backup": backup})).await.unwrap();
    let token = other_than(&token).await;
    // … and when the system is installed anew."
    home.phone.post(&format!("{IPHONE}/erase"), json!({})).await.unwrap();
    home.phone.put(NEWS, manifest("2.0", development())).await.unwrap();
    other_than(&token).await;

    // didFailToRegisterForRemoteNotificationsWithError: a build without the capability (chapter two: the entitlement
    // aps-environment) gets NSCocoaErrorDomain 3000.
    home.phone.put(NEWS, manifest("3.0", json!({}))).await.unwrap();
    home.phone.put(&format!("{NEWS}/registration"), json!({})).await.unwrap();
    let failed = app(&home, |app| app["registration_error"].is_object()).await;
    assert_eq!(failed["registration_error"]["code"], 3000, "{failed}");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_payload_says_what_is_shown_what_sounds_and_what_the_icon_bears() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 86).await;
    let token = registered(&home).await;
    home.goes_home().await;

    // The article's example, whole: title, subtitle, body, badge, a sound of the app's, and a key of one's own.
    let example = json!({
        "aps": {
            "alert": {"title": "Game Request", "subtitle": "Five Card Draw", "body": "Bob wants to play poker"},
            "badge": 9,
            "sound": "gameMusic.wav",
        },
        "gameID": "12345678",
    });
    home.send(&token, Expiration::Default, example).await;
    let shown = home.notification("Game Request").await;
    assert_eq!(
        (&shown["subtitle"], &shown["body"]),
        (&json!("Five Card Draw"), &json!("Bob wants to play poker"))
    );
    assert_eq!(shown["sound"], "gameMusic.wav");
    assert_eq!(home.badge().await, 9);
    // "The user taps it, and by gameID the app opens the page of that game."
    home.tap(shown["identifier"].as_str().unwrap()).await;
    app(&home, |app| app["screen"]["user_info"]["gameID"] == "12345678").await;
    home.goes_home().await;

    // "sound: left out or empty, silent; default, the system's; a file of the bundle, of no more than 30 s."
    for (title, sound, plays) in [
        ("none", Value::Null, Value::Null),
        ("empty", json!(""), Value::Null),
        ("default", json!("default"), json!("default")),
        ("31 s", json!("tooLong.wav"), json!("default")),
        ("no such file", json!("mysound.wav"), json!("default")),
    ] {
        let mut payload = json!({"aps": {"alert": {"title": title}, "sound": sound}});
        if sound.is_null() {
            payload["aps"].as_object_mut().unwrap().remove("sound");
        }
        home.send(&token, Expiration::Default, payload).await;
        assert_eq!(home.notification(title).await["sound"], plays, "{title}");
    }

    // "alert may be a string"; "badge 0: none is shown". The trigger is UNPushNotificationTrigger.
    let plain =
        home.send(&token, Expiration::Default, json!({"aps": {"alert": "only a text", "badge": 0}})).await;
    home.story(&plain, Stage::Displayed).await;
    let delivered = home.phone.get(&format!("{NEWS}/delivered")).await.unwrap();
    let newest = &delivered["delivered"][0]["request"];
    assert_eq!(
        (&newest["content"]["body"], &newest["trigger"]["kind"]),
        (&json!("only a text"), &json!("push"))
    );
    assert_eq!(home.badge().await, 0);

    // "Keep the payload within 4K": 4,096 bytes are taken, one more isn't.
    let of_size = |size: usize| {
        let empty = json!({"aps": {"alert": ""}}).to_string().len();
        json!({"aps": {"alert": "n".repeat(size - empty)}}).to_string()
    };
    for (size, taken) in [(4096, true), (4097, false)] {
        let id = new_apns_id().unwrap();
        let answered = home.provider.send(&token, id, Expiration::Default, of_size(size)).await.unwrap();
        assert_eq!(matches!(answered, Answered::Accepted), taken, "{size} bytes: {answered:?}");
    }
    home.homing.stop().await.unwrap();
}
