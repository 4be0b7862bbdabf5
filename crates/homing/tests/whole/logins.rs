//! Two people share two iPhones: 200 sign-ins and sign-outs race with pushes to either. Whatever the order, nobody is
//! shown what was meant for another; the history checker judges, also while users change: then what is shown is for the
//! one who goes or the one who comes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use homing_testkit::api::Api;
use homing_testkit::dice::Dice;
use homing_testkit::push_history::{PushHistory, Shown, SignedIn, check};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::home::{Home, wait};

const CHANGES: usize = 200;
/// Slow enough that a device's record of arrivals, which is bounded, holds all of a run.
const PACE: Duration = Duration::from_millis(40);
const PHONES: [&str; 2] = ["iphone-development", "iphone-second"];
const PEOPLE: [&str; 3] = ["reader", "ann", "bob"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_shown_anothers_notification_whatever_the_order_of_logins_and_pushes() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 51).await;
    let phones = [Phone::of(&home, PHONES[0]), Phone::of(&home, PHONES[1])];
    home.phone.put(&format!("/v1/devices/{}", PHONES[1]), json!({"like": PHONES[0]})).await.unwrap();
    for phone in &phones {
        phone.allow().await;
    }
    let mut dice = Dice::rolled("logins racing with pushes").unwrap();
    let pushed = Arc::new(watch::Sender::new(0));
    let pusher = tokio::spawn(push_to_everybody(home.provider_api(), pushed.clone()));
    let seeds = [dice.next(), dice.next()];
    let (one, other) = tokio::join!(
        phones[0].change_users(CHANGES / 2, Dice::new(seeds[0]), pushed.subscribe()),
        phones[1].change_users(CHANGES / 2, Dice::new(seeds[1]), pushed.subscribe()),
    );
    pusher.abort();
    let pushed = *pushed.borrow();

    let mut history = PushHistory { signed_in: [one, other].concat(), ..PushHistory::default() };
    for phone in &phones {
        phone.settle().await;
        history.shown.extend(phone.shown().await);
    }
    let held_back = another_user(&home).await;
    eprintln!("{pushed} pushes, {} shown, {held_back} held back for another user", history.shown.len());
    let violations: Vec<_> = check(&history).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    assert!(history.shown.len() >= 20, "too little was shown to show anything: {}", history.shown.len());
    home.homing.stop().await.unwrap();
}

/// One iPhone and the demo app on it.
struct Phone {
    name: &'static str,
    api: Api,
    app: String,
}

impl Phone {
    fn of(home: &Home, name: &'static str) -> Arc<Self> {
        let app = format!("/v1/devices/{name}/apps/com.example.news");
        Arc::new(Self { name, api: home.phone.clone(), app })
    }

    async fn state(&self, state: &str) {
        self.api.put(&format!("{}/state", self.app), json!({"state": state})).await.unwrap();
    }

    async fn allow(&self) {
        self.state("foreground").await;
        wait(async || {
            let answer = format!("/v1/devices/{}/prompt/answer", self.name);
            self.api.post(&answer, json!({"allow": true})).await.ok()
        })
        .await;
        self.state("background").await;
        wait(async || self.api.get(&self.app).await.unwrap()["device_token"].as_str().map(drop)).await;
        // The demo signs its reader in by itself, once.
        wait(async || (self.user().await == PEOPLE[0]).then_some(())).await;
    }

    async fn user(&self) -> Value {
        self.api.get(&self.app).await.unwrap()["screen"]["user"].clone()
    }

    /// Signs people in and out. While the app is still at it, it is sent to the background, where alerts are shown; now
    /// and then the connection is off meanwhile, so that something is stored for whoever was signed in before.
    async fn change_users(
        &self,
        changes: usize,
        mut dice: Dice,
        mut pushed: watch::Receiver<usize>,
    ) -> Vec<SignedIn> {
        let device = self.name.to_owned();
        let user = Some(PEOPLE[0].to_owned());
        let mut stretches = vec![SignedIn { device, user, from: now(), to: now() }];
        let network = format!("/v1/devices/{}/network", self.name);
        for _ in 0..changes {
            let offline = dice.between(0, 4) == 0;
            if offline {
                self.api.put(&network, json!({"online": false})).await.unwrap();
            }
            let who = PEOPLE.get(dice.between(0, 3) as usize).copied();
            self.state("foreground").await;
            let touch =
                who.map_or(json!({"touch": "sign-out"}), |user| json!({"touch": "sign-in", "user": user}));
            self.api.post(&format!("{}/page/touch", self.app), touch).await.unwrap();
            self.state("background").await;
            let wanted = json!(who);
            wait(async || (self.user().await == wanted).then_some(())).await;
            let from = now();
            if offline {
                self.api.put(&network, json!({"online": true})).await.unwrap();
            }
            let stay = *pushed.borrow() + dice.between(0, 4) as usize;
            pushed.wait_for(|pushed| *pushed >= stay).await.unwrap();
            let user = who.map(str::to_owned);
            stretches.push(SignedIn { device: self.name.to_owned(), user, from, to: now() });
        }
        stretches
    }

    /// Waits until nothing is on its way here any more: what was sent last is what has arrived last.
    async fn settle(&self) {
        let mut seen = None;
        wait(async || {
            let count = self.arrivals().await.len();
            let is_still = seen.replace(count) == Some(count);
            is_still.then_some(())
        })
        .await;
    }

    async fn arrivals(&self) -> Vec<Value> {
        let path = format!("/v1/devices/{}/arrivals?limit=500", self.name);
        self.api.get(&path).await.unwrap()["arrivals"].as_array().unwrap().clone()
    }

    async fn shown(&self) -> Vec<Shown> {
        let shown = self.arrivals().await.into_iter().filter(|one| one["decision"]["stage"] == "displayed");
        shown
            .map(|one| Shown {
                device: self.name.to_owned(),
                meant_for: one["title"].as_str().unwrap().trim_start_matches("For ").to_owned(),
                apns_id: one["apns_id"].as_str().unwrap().to_owned(),
                at: millis(one["decision"]["at"].as_str().unwrap()),
            })
            .collect()
    }
}

/// Pushes to one person after the other, until it is aborted.
async fn push_to_everybody(provider: Api, pushed: Arc<watch::Sender<usize>>) {
    let mut pace = tokio::time::interval(PACE);
    loop {
        pace.tick().await;
        let number = *pushed.borrow();
        let user = PEOPLE[number % PEOPLE.len()];
        let policy = if number.is_multiple_of(2) { "all-devices" } else { "last-device" };
        let push = json!({
            "environment": "development", "audience": {"user": user}, "policy": policy,
            "content": {"title": format!("For {user}"), "body": format!("Number {number}")},
        });
        provider.post("/v1/apps/com.example.news/pushes", push).await.unwrap();
        pushed.send_replace(number + 1);
    }
}

/// How many the devices held back, because somebody else had signed in meanwhile.
async fn another_user(home: &Home) -> usize {
    let mut count = 0;
    for name in PHONES {
        let arrivals = home.phone.get(&format!("/v1/devices/{name}/arrivals?limit=500")).await.unwrap();
        let arrivals = arrivals["arrivals"].as_array().unwrap();
        count += arrivals.iter().filter(|one| one["decision"]["reason"] == "another-user").count();
    }
    count
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn millis(at: &str) -> i64 {
    at.parse::<homing_trace::UnixMillis>().unwrap().0
}
