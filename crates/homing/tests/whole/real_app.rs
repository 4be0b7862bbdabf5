//! The article's app: a real process on the virtual iPhone, started by the launch command of its manifest
//! (`crates/app/examples/news.rs`). What it was told by its delegate it shows as its screen.

use std::path::Path;

use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS, wait};

/// Puts the app as a process in the place of the demo, as an upgrade: its token stays.
pub(crate) async fn install(home: &Home) {
    install_as(home, "article-app", &[]).await;
}

/// The same with another of the example programs, started with these arguments.
pub(crate) async fn install_as(home: &Home, name: &str, arguments: &[&str]) {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is missing: cargo build -p homing --examples", program.display());
    let mut argv = vec![json!(program)];
    argv.extend(arguments.iter().map(|argument| json!(argument)));
    let token = home.token().await;
    home.state("ended").await;
    let manifest = json!({
        "bundle_id": "com.example.news", "name": "News", "version": "2.0",
        "entitlements": {"aps-environment": "development"},
        "background_modes": ["remote-notification"],
        "launch": {"argv": argv},
    });
    home.phone.put(NEWS, json!({"manifest": manifest})).await.unwrap();
    assert_eq!(home.token().await, token, "an upgrade keeps the token");
}

/// The app as the device has it, once it is as wanted.
pub(crate) async fn app(home: &Home, wanted: impl Fn(&Value) -> bool) -> Value {
    wait(async || home.phone.get(NEWS).await.ok().filter(&wanted)).await
}

/// The user touches something on the app's page.
pub(crate) async fn touch(home: &Home, touch: Value) {
    home.phone.post(&format!("{NEWS}/page/touch"), touch).await.unwrap();
}

/// The user answers the system's dialog.
pub(crate) async fn answer(home: &Home, allow: bool) {
    wait(async || {
        let prompt = home.phone.get(&format!("{IPHONE}/prompt")).await.ok()?;
        (!prompt["prompt"].is_null()).then_some(())
    })
    .await;
    home.phone.post(&format!("{IPHONE}/prompt/answer"), json!({"allow": allow})).await.unwrap();
}

/// The titles in Notification Center and on the screen, once there are so many.
pub(crate) async fn titles(home: &Home, count: usize) -> Vec<String> {
    wait(async || {
        let shown = home.shown().await;
        let titles = shown.iter().map(|one| one["title"].as_str().unwrap_or_default().to_owned());
        (shown.len() == count).then(|| titles.collect())
    })
    .await
}
