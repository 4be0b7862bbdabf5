//! Pushes are asked for while the provider is killed with `kill -9` at random moments and started again. What it
//! answered, what it says of each push and what reached the devices is held against its promises by the history checker.
//!
//! The moments are counted in answered pushes, not in time, and come from a seed that is printed; `HOMING_SEED` repeats
//! them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use homing_testkit::api::{Api, Refused};
use homing_testkit::device::{Link, TestDevice};
use homing_testkit::dice::Dice;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::ports::free_block;
use homing_testkit::process::{Homing, Provider};
use homing_testkit::push_history::{Arrival, Asked, PushHistory, PushViolation, Told, check};
use homing_testkit::{RegistrationName, Version};
use homing_trace::Environment;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_homing");
/// How long a run may take before it is given up.
const DEADLINE: Duration = Duration::from_secs(240);
/// How long all may take to come to rest after the last kill.
const REST_DEADLINE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);

const DEVICES: usize = 16;
const PUSHES: usize = 400;
/// Requests under way at a time.
const ASKERS: usize = 4;
const KILLS: usize = 4;
/// Notifications that a provider has in flight to one push service.
const IN_FLIGHT: usize = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_push_is_lost_doubled_or_forgotten_when_the_provider_is_killed() {
    let run = tokio::time::timeout(DEADLINE, kill_the_provider());
    let (history, violations) = run.await.expect("it ends in time").expect("every part could be driven");
    let notifications: usize = history.asked.iter().map(|asked| asked.tokens.len()).sum();
    let repeats = history.arrivals.len().saturating_sub(notifications);
    eprintln!("{PUSHES} pushes, {notifications} notifications, {repeats} came again");
    let first: Vec<_> = violations.iter().take(20).map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{} promises broken:\n{}", violations.len(), first.join("\n"));
    assert!(notifications > 4 * KILLS * IN_FLIGHT / 2, "too few to show that repeats are bounded");
}

/// What the run has come to, for whoever waits.
#[derive(Debug)]
struct Run {
    arrivals: Mutex<Vec<Arrival>>,
    answered: watch::Sender<usize>,
    /// Where the provider is; it changes with nothing, but a stopped one doesn't answer.
    api: Api,
    pushes: String,
}

async fn kill_the_provider() -> anyhow::Result<(PushHistory, Vec<PushViolation>)> {
    let mut dice = Dice::rolled("killing the provider")?;
    let dir = tempfile::tempdir()?;
    let gateway = Homing::gateway(Path::new(BINARY), &dir.path().join("gateway"), free_block(41)?).await?;
    let mut provider =
        Provider::run(Path::new(BINARY), &dir.path().join("provider"), gateway.endpoints()).await?;
    let app = format!("/v1/apps/{}", gateway.endpoints().demo()?.bundle_id);
    let run = Arc::new(Run {
        arrivals: Mutex::default(),
        answered: watch::Sender::new(0),
        api: Api::provider(provider.endpoints()),
        pushes: format!("{app}/pushes"),
    });
    let stop = watch::Sender::new(false);
    let mut devices = JoinSet::new();
    let mut tokens = Vec::new();
    for number in 0..DEVICES {
        let token = keep_device(gateway.endpoints(), &run, &stop.subscribe(), &mut devices).await?;
        let registration = json!({"environment": "development", "user": format!("u{number}"), "epoch": 1});
        run.api.put(&format!("{app}/installations/{token}"), registration).await?;
        tokens.push(token);
    }

    let mut wishes: Vec<_> = (0..PUSHES).map(|number| Wish::choose(number, &tokens, &mut dice)).collect();
    let mut moments: Vec<_> = (0..KILLS).map(|_| dice.between(1, PUSHES as u64 * 9 / 10) as usize).collect();
    moments.sort_unstable();
    let mut askers = JoinSet::new();
    for _ in 0..ASKERS {
        let rest = wishes.split_off(wishes.len() - PUSHES / ASKERS);
        askers.spawn(ask_all(rest, run.clone()));
    }
    for moment in moments {
        run.answered.subscribe().wait_for(|answered| *answered >= moment).await?;
        provider.kill_and_restart().await?;
    }
    let mut asked = Vec::new();
    while let Some(done) = askers.join_next().await {
        asked.extend(done??);
    }
    let verdict = come_to_rest(asked, &run).await?;
    stop.send_replace(true);
    devices.join_all().await;
    Ok(verdict)
}

/// A push before it is asked for.
#[derive(Debug)]
struct Wish {
    key: String,
    body: Value,
    tokens: BTreeSet<String>,
}

impl Wish {
    /// To every device, or to a few, by user or by token.
    fn choose(number: usize, tokens: &[String], dice: &mut Dice) -> Self {
        let key = format!("wish-{number}");
        let chosen: Vec<usize> = (0..tokens.len()).filter(|_| dice.between(0, 3) > 0).collect();
        let audience = if number.is_multiple_of(2) {
            json!({"tokens": chosen.iter().map(|&at| &tokens[at]).collect::<Vec<_>>()})
        } else {
            json!({"users": chosen.iter().map(|at| format!("u{at}")).collect::<Vec<_>>()})
        };
        let body = json!({
            "environment": "development",
            "audience": audience,
            "content": {"title": "News", "body": format!("Number {number}"), "user_info": {"key": key}},
        });
        Self { key, body, tokens: chosen.into_iter().map(|at| tokens[at].clone()).collect() }
    }
}

/// Asks for one push after the other. A provider that doesn't answer is asked again with the same key.
async fn ask_all(wishes: Vec<Wish>, run: Arc<Run>) -> anyhow::Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for Wish { key, body, tokens } in wishes {
        let mut again = tokio::time::interval(LOOK_EVERY);
        let answer = loop {
            again.tick().await;
            match run.api.post_once(&run.pushes, &key, body.clone()).await {
                Ok(answer) => break answer,
                // Refused for good is a defect; killed isn't.
                Err(error) => {
                    let refused = error.downcast_ref::<Refused>();
                    let for_good = refused.is_some_and(|refused| (400..500).contains(&refused.status));
                    anyhow::ensure!(!for_good, "{error:#}");
                }
            }
        };
        let push_id = answer["push_id"].as_str().context("a 202 names its push")?.to_owned();
        asked.push(Asked { key, push_id: Some(push_id), tokens });
        run.answered.send_modify(|answered| *answered += 1);
    }
    Ok(asked)
}

/// A device that takes all it gets until the test stops. Gives its token.
async fn keep_device(
    endpoints: &Endpoints,
    run: &Arc<Run>,
    stop: &watch::Receiver<bool>,
    devices: &mut JoinSet<()>,
) -> anyhow::Result<String> {
    let key = endpoints.enrolment_key.as_ref().context("this push service gives no enrolment key")?;
    let device = TestDevice::enrol(&Link::of(endpoints)?, key).await?;
    let topic = endpoints.demo()?.bundle_id.clone();
    let registration =
        RegistrationName { environment: Environment::Development, topic: &topic, instance: None };
    let mut connection = device.connect(Version::V5).await?;
    let token = connection.subscribe(&registration).await?;
    let (run, mut stop, its) = (run.clone(), stop.clone(), token.clone());
    devices.spawn(async move {
        loop {
            let came = tokio::select! {
                came = connection.notification() => came.expect("nobody cuts this device off"),
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let payload: Value = serde_json::from_slice(&came.payload).expect("a payload is JSON");
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let arrival = Arrival {
                token: its.clone(),
                apns_id: came.apns_id,
                push_id: text(&payload["homing"]["push"]),
                key: text(&payload["userInfo"]["key"]),
            };
            run.arrivals.lock().expect("nobody panicked").push(arrival);
            connection.ack(came.packet_id).await.expect("it is connected");
        }
    });
    Ok(token)
}

/// Asks for every push until the history has no violation, or [`REST_DEADLINE`] has passed.
async fn come_to_rest(asked: Vec<Asked>, run: &Run) -> anyhow::Result<(PushHistory, Vec<PushViolation>)> {
    let until = tokio::time::Instant::now() + REST_DEADLINE;
    let mut look = tokio::time::interval(Duration::from_millis(500));
    loop {
        look.tick().await;
        let mut history = PushHistory {
            asked: asked.clone(),
            repeats_allowed: KILLS * IN_FLIGHT,
            ..PushHistory::default()
        };
        for push_id in asked.iter().filter_map(|asked| asked.push_id.as_deref()) {
            let told = run.api.get(&format!("{}/{push_id}", run.pushes)).await?;
            history.told.insert(push_id.to_owned(), told_of(&told));
        }
        history.arrivals.clone_from(&run.arrivals.lock().expect("nobody panicked"));
        let violations = check(&history);
        if violations.is_empty() || tokio::time::Instant::now() > until {
            return Ok((history, violations));
        }
    }
}

fn told_of(push: &Value) -> Told {
    let count = |name: &str| push["counts"][name].as_u64().unwrap_or(u64::MAX);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let notifications = push["notifications"].as_array().into_iter().flatten();
    Told {
        finished: push["state"] == "finished",
        planned: count("planned"),
        accepted: count("accepted"),
        delivered: count("delivered"),
        notifications: notifications.map(|one| (text(&one["apns_id"]), text(&one["token"]))).collect(),
    }
}
