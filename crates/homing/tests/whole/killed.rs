//! A Homing that is killed with `kill -9` between the receipt of a notification and its presentation, at each point where
//! something of it is under way: with the service extension, while what that attaches is moved, while the app is asked how
//! to present it, while a badge changes, and while local ones fire. After the restart each is there exactly once.

use std::time::Duration;

use homing_apns::Expiration;
use homing_testkit::dice::Dice;
use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS, wait};
use crate::real_app::{answer, app, example, install_as};

async fn push(home: &Home, payload: Value) -> String {
    let token = home.token().await;
    home.send(&token, Expiration::Default, payload).await
}

/// The titles on the screen and in Notification Center, once this one is among them.
async fn titles_with(home: &Home, title: &str) -> Vec<String> {
    wait(async || {
        let shown = home.shown().await;
        let titles: Vec<_> = shown.iter().filter_map(|one| Some(one["title"].as_str()?.to_owned())).collect();
        titles.iter().any(|one| one == title).then_some(titles)
    })
    .await
}

async fn killed(home: Home) -> Home {
    let mut homing = home.homing;
    homing.kill_and_restart().await.unwrap();
    Home::again(homing).await
}

/// The article's app with this service extension, permitted, in background.
async fn with_extension(home: &Home, argument: &str) {
    install_as(home, "article-app", &[]).await;
    let detail = home.phone.get(NEWS).await.unwrap();
    assert_eq!(detail["bundle_id"], "com.example.news");
    let manifest = json!({
        "bundle_id": "com.example.news", "name": "News", "version": "2.1",
        "entitlements": {"aps-environment": "development"},
        "background_modes": ["remote-notification"],
        "launch": {"argv": [example("article-app")]},
        "service_extension": {"argv": [example("article-extension"), argument]},
    });
    home.phone.put(NEWS, json!({"manifest": manifest})).await.unwrap();
    home.state("foreground").await;
    answer(home, true).await;
    app(home, |app| app["screen"]["granted"] == true).await;
    home.state("background").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_service_extension_works_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 76).await;
    with_extension(&home, "hangs").await;
    push(&home, json!({"aps": {"alert": {"title": "extended"}, "mutable-content": 1, "badge": 7}})).await;
    wait(async || {
        let calls = home.phone.get(&format!("{NEWS}/service-extension")).await.ok()?;
        (calls["calls"].as_array()?.len() == 1).then_some(())
    })
    .await;
    assert_eq!(home.shown().await, [Value::Null; 0]);
    let home = killed(home).await;
    assert_eq!(titles_with(&home, "extended").await, ["extended"], "as it came");
    assert_eq!(home.phone.get(&format!("{NEWS}/badge")).await.unwrap()["count"], 7);
    let home = killed(home).await;
    assert_eq!(titles_with(&home, "extended").await, ["extended"], "and once");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_app_is_asked_how_to_present_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 77).await;
    install_as(&home, "article-app", &["hangs-in-will-present"]).await;
    home.state("foreground").await;
    answer(&home, true).await;
    app(&home, |app| app["screen"]["granted"] == true).await;
    let sent = push(&home, json!({"aps": {"alert": {"title": "asked"}, "badge": 2}})).await;
    wait(async || {
        let arrivals = home.phone.get(&format!("{IPHONE}/arrivals")).await.ok()?;
        let arrived = arrivals["arrivals"].as_array()?.iter().any(|one| one["apns_id"] == sent.as_str());
        arrived.then_some(())
    })
    .await;
    assert_eq!(home.shown().await, [Value::Null; 0], "it hasn't answered");
    let home = killed(home).await;
    assert_eq!(titles_with(&home, "asked").await, ["asked"]);
    let home = killed(home).await;
    assert_eq!(titles_with(&home, "asked").await, ["asked"]);
    home.homing.stop().await.unwrap();
}

/// At moments that nobody chose, while extensions attach files, badges change and local ones fire. The seed is printed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_any_moment_while_files_are_attached_badges_change_and_local_ones_fire() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::rolled("killing a device with work on its hands").unwrap();
    let mut home = Home::up(&dir.path().join("data"), 78).await;
    with_extension(&home, "attaches").await;
    let mut expected = Vec::new();
    for round in 0..6_u32 {
        for number in 0..3 {
            let title = format!("remote {round}.{number}");
            let badge = round * 3 + number + 1;
            let alert = json!({"title": title});
            push(&home, json!({"aps": {"alert": alert, "mutable-content": 1, "badge": badge}})).await;
            let local = json!({
                "identifier": format!("local {round}.{number}"),
                "content": {"title": format!("local {round}.{number}"), "badge": badge},
                "trigger": {"kind": "time-interval", "seconds": 0.05 * f64::from(number + 1)},
            });
            home.phone.post(&format!("{NEWS}/requests"), local).await.unwrap();
            // Either argument of the extension's may have been shown: it wasn't done, or was.
            expected.extend([title, format!("local {round}.{number}")]);
        }
        tokio::time::sleep(Duration::from_millis(dice.between(0, 400))).await;
        home = killed(home).await;
    }
    let is = |shown: &str, title: &str| shown == title || shown == format!("attaches: {title}");
    let shown: Vec<String> = wait(async || {
        let shown = home.shown().await;
        let titles: Vec<_> = shown.iter().filter_map(|one| Some(one["title"].as_str()?.to_owned())).collect();
        (titles.len() >= expected.len()).then_some(titles)
    })
    .await;
    for title in &expected {
        assert_eq!(shown.iter().filter(|one| is(one, title)).count(), 1, "{title}: {shown:?}");
    }
    assert_eq!(shown.len(), expected.len(), "{shown:?}");
    // What is shown with a file has it.
    for view in home.shown().await {
        for attached in view["attachments"].as_array().into_iter().flatten() {
            let path = attached["url"].as_str().unwrap().trim_start_matches("file://").replace("%20", " ");
            assert!(std::path::Path::new(&path).exists(), "{attached}");
        }
    }
    home.homing.stop().await.unwrap();
}
