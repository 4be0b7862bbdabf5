//! The words in which the article's chapters are told. A chapter is read from top to bottom: what the user does with the
//! iPhone, what the app calls, and what is to be seen then. No Rust is needed for it: `home.opens_app().await` is "the user
//! opens the app", `json!({…})` is what it looks like, `assert_eq!(a, b)` says that both are the same, and
//! `app(&home, |app| …)` waits until the app is as the condition says.
//!
//! The app is a real process on the virtual iPhone, started by the launch command of its manifest: the article's
//! AppDelegate, in `crates/app/examples/news.rs`. What its delegate was told it shows as its screen.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::home::{Home, IPHONE, NEWS, wait};

/// Puts the app as a process in the place of the demo, as an upgrade: its token stays.
pub(crate) async fn install(home: &Home) {
    install_as(home, "article-app", &[]).await;
}

/// One of the example programs.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.exists(), "{} is missing: cargo build -p homing --examples", program.display());
    program
}

/// The same with another of the example programs, started with these arguments.
pub(crate) async fn install_as(home: &Home, name: &str, arguments: &[&str]) {
    let program = example(name);
    let mut argv = vec![json!(program)];
    argv.extend(arguments.iter().map(|argument| json!(argument)));
    let token = home.token().await;
    home.app_ends().await;
    let manifest = json!({
        "bundle_id": "com.example.news", "name": "News", "version": "2.0",
        "entitlements": {"aps-environment": "development"},
        "background_modes": ["remote-notification"],
        "sounds": [{"name": "gameMusic.wav", "seconds": 20.0}, {"name": "tooLong.wav", "seconds": 31.0}],
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
    wait(async || (!home.dialog().await.is_null()).then_some(())).await;
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

/// What the user does with the iPhone.
impl Home {
    pub(crate) async fn opens_app(&self) {
        self.state("foreground").await;
    }

    pub(crate) async fn goes_home(&self) {
        self.state("background").await;
    }

    /// In the app switcher.
    pub(crate) async fn force_quits_app(&self) {
        self.state("force-quit").await;
    }

    /// The system needs its memory.
    pub(crate) async fn app_ends(&self) {
        self.state("ended").await;
    }

    /// On the app's page in Settings.
    pub(crate) async fn switches(&self, setting: &str, on: bool) {
        let change = json!({"setting": setting, "on": on});
        self.phone.put(&format!("{NEWS}/settings"), change).await.unwrap();
    }

    pub(crate) async fn airplane_mode(&self, on: bool) {
        if on {
            return self.leave().await;
        }
        self.phone.put(&format!("{IPHONE}/network"), json!({"online": true})).await.unwrap();
        wait(async || {
            let device = self.phone.get(IPHONE).await.ok()?;
            (device["link"]["connected"] == true).then_some(())
        })
        .await;
    }

    pub(crate) async fn time_passes(&self, seconds: u32) {
        self.phone.post("/v1/clock/advance", json!({"seconds": seconds})).await.unwrap();
    }

    /// The system's dialog that is on the screen; `null` if none is.
    pub(crate) async fn dialog(&self) -> Value {
        self.phone.get(&format!("{IPHONE}/prompt")).await.unwrap()["prompt"].clone()
    }

    /// The notification of this title, once it is there.
    pub(crate) async fn notification(&self, title: &str) -> Value {
        wait(async || self.shown().await.into_iter().find(|one| one["title"] == title)).await
    }

    pub(crate) async fn badge(&self) -> Value {
        self.phone.get(NEWS).await.unwrap()["badge"].clone()
    }
}
