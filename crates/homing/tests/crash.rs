//! Thousands of notifications are accepted while the push service, then devices, are killed with `kill -9` at random
//! moments and started again. What was promised is held against what became of it by the history checker.
//!
//! The moments are counted in accepted notifications, not in time, and come from a seed that is printed;
//! `HOMING_SEED` repeats them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use homing_testkit::api::Api;
use homing_testkit::dice::Dice;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::history::{Arrival, History, Moment, Presentation, Violation};
use homing_testkit::load::{come_to_rest, keep_device, send_all, tally};
use homing_testkit::ports::free_block;
use homing_testkit::process::{Device, Homing};
use homing_testkit::recorder::Recorder;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_homing");
/// How long a run may take before it is given up.
const DEADLINE: Duration = Duration::from_secs(150);

const DEVICES: usize = 20;
const TO_EACH_DEVICE: usize = 200;
const KILLS_OF_THE_PUSH_SERVICE: usize = 6;

const PHONES: usize = 3;
const TO_EACH_PHONE: usize = 600;
const KILLS_OF_PHONES: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_when_the_push_service_is_killed() {
    let run = tokio::time::timeout(DEADLINE, kill_the_push_service());
    let (history, violations) = run.await.expect("it ends in time").expect("every part could be driven");
    assert_sound(&history, &violations, DEVICES * TO_EACH_DEVICE);
}

async fn kill_the_push_service() -> anyhow::Result<(History, Vec<Violation>)> {
    let mut dice = Dice::rolled("killing the push service")?;
    let dir = tempfile::tempdir()?;
    let mut homing = Homing::gateway(Path::new(BINARY), &dir.path().join("data"), free_block(11)?).await?;
    let recorder = Arc::new(Recorder::default());
    let stop = watch::Sender::new(false);
    let mut devices = JoinSet::new();
    let mut tokens = Vec::new();
    for _ in 0..DEVICES {
        tokens.push(keep_device(homing.endpoints(), &recorder, &stop.subscribe(), &mut devices).await?);
    }
    let mut senders = JoinSet::new();
    for token in tokens {
        senders.spawn(send_all(homing.endpoints().clone(), token, TO_EACH_DEVICE, recorder.clone()));
    }
    for moment in moments(&mut dice, KILLS_OF_THE_PUSH_SERVICE, DEVICES * TO_EACH_DEVICE) {
        if !reached(&recorder, moment, &mut senders).await? {
            break;
        }
        recorder.killed();
        homing.kill_and_restart().await?;
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let verdict = come_to_rest(&Api::admin(homing.endpoints()), &recorder, async |_| Ok(())).await?;
    stop.send_replace(true);
    devices.join_all().await;
    Ok(verdict)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_shown_twice_when_devices_are_killed() {
    let run = tokio::time::timeout(DEADLINE, kill_devices());
    let (history, violations) = run.await.expect("it ends in time").expect("every part could be driven");
    assert_sound(&history, &violations, PHONES * TO_EACH_PHONE);
    assert!(!history.presentations.is_empty(), "nothing was shown");
}

async fn kill_devices() -> anyhow::Result<(History, Vec<Violation>)> {
    let mut dice = Dice::rolled("killing devices")?;
    let dir = tempfile::tempdir()?;
    let homing = Homing::gateway(Path::new(BINARY), &dir.path().join("data"), free_block(12)?).await?;
    let recorder = Arc::new(Recorder::default());
    let mut phones = Vec::new();
    let mut senders = JoinSet::new();
    for number in 0..PHONES {
        let data = dir.path().join(format!("phone-{number}"));
        let phone = Device::run(Path::new(BINARY), &data, homing.endpoints()).await?;
        let token = allow_notifications(&phone, homing.endpoints()).await?;
        recorder.registered(&token, &number.to_string());
        senders.spawn(send_all(homing.endpoints().clone(), token, TO_EACH_PHONE, recorder.clone()));
        phones.push(phone);
    }
    for moment in moments(&mut dice, KILLS_OF_PHONES, PHONES * TO_EACH_PHONE) {
        if !reached(&recorder, moment, &mut senders).await? {
            break;
        }
        let victim = dice.between(0, PHONES as u64 - 1) as usize;
        phones[victim].kill_and_restart().await?;
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let phones = &phones;
    let admin = Api::admin(homing.endpoints());
    let verdict = come_to_rest(&admin, &recorder, async |history| shown(phones, history).await).await?;
    for phone in phones {
        assert_arrivals_agree(&Api::device(phone.endpoints())).await?;
    }
    Ok(verdict)
}

/// What a phone remembers of its decisions is what stands on its screen: both were written at once.
async fn assert_arrivals_agree(phone: &Api) -> anyhow::Result<()> {
    let told = phone.get("/v1/devices/iphone/arrivals?limit=500").await?;
    let told = told["arrivals"].as_array().cloned().unwrap_or_default();
    let shown = phone.get("/v1/devices/iphone/notifications").await?;
    let shown = shown["notifications"].as_array().cloned().unwrap_or_default();
    let displayed = told.iter().filter(|arrival| arrival["decision"]["stage"] == "displayed");
    let displayed: Vec<_> = displayed.map(|arrival| &arrival["apns_id"]).collect();
    let on_screen: Vec<_> = shown.iter().map(|view| &view["apns_id"]).take(displayed.len()).collect();
    assert_eq!(displayed, on_screen, "newest first");
    assert!(displayed.len() > 100, "{} tell little", displayed.len());
    let open = told.iter().filter(|arrival| arrival["decision"].is_null()).count();
    assert_eq!(open, 0, "every arrival is decided");
    Ok(())
}

/// Lets the demo app ask, allows it, sends it to the background, and gives its token.
async fn allow_notifications(phone: &Device, endpoints: &Endpoints) -> anyhow::Result<String> {
    let api = Api::device(phone.endpoints());
    let app = format!("/v1/devices/iphone/apps/{}", endpoints.demo()?.bundle_id);
    api.put(&format!("{app}/state"), json!({"state": "foreground"})).await?;
    api.post(&format!("{app}/authorization"), json!({"options": ["alert", "sound", "badge"]})).await?;
    api.post("/v1/devices/iphone/prompt/answer", json!({"allow": true})).await?;
    api.put(&format!("{app}/state"), json!({"state": "background"})).await?;
    let mut look = tokio::time::interval(Duration::from_millis(50));
    // Bounded by the test's own deadline.
    loop {
        look.tick().await;
        let app = api.get(&app).await?;
        if let Some(token) = app["device_token"].as_str() {
            return Ok(token.to_owned());
        }
    }
}

/// Adds what is on the phones' screens. A phone keeps what it took before it acknowledges, so the screen, oldest first,
/// is also the order in which it came.
async fn shown(phones: &[Device], history: &mut History) -> anyhow::Result<()> {
    history.devices_tell = true;
    for (number, phone) in phones.iter().enumerate() {
        let device = number.to_string();
        let answer = Api::device(phone.endpoints()).get("/v1/devices/iphone/notifications").await?;
        let views = answer["notifications"].as_array().cloned().unwrap_or_default();
        let registration = history.registrations[number].name.clone();
        for apns_id in views.iter().rev().filter_map(|view| view["apns_id"].as_str()) {
            let trace = history.traces.iter().find(|trace| trace.apns_id == apns_id);
            if let Some(seq) = trace.and_then(|trace| trace.seq) {
                history.arrivals.push(Arrival {
                    device: device.clone(),
                    registration: registration.clone(),
                    apns_id: apns_id.to_owned(),
                    seq,
                    at: Moment(u64::MAX),
                });
            }
            history.presentations.push(Presentation { device: device.clone(), apns_id: apns_id.to_owned() });
        }
    }
    Ok(())
}

/// After how many accepted notifications to kill, rising; the last tenth is left in peace.
fn moments(dice: &mut Dice, kills: usize, total: usize) -> Vec<usize> {
    let mut moments: Vec<_> = (0..kills).map(|_| dice.between(1, total as u64 * 9 / 10) as usize).collect();
    moments.sort_unstable();
    moments
}

/// Waits until so many were accepted; `false` when the senders have ended before, since not all are accepted.
async fn reached(
    recorder: &Recorder,
    moment: usize,
    senders: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<bool> {
    let mut accepted = recorder.accepted();
    loop {
        tokio::select! {
            reached = accepted.wait_for(|accepted| *accepted >= moment) => {
                reached?;
                return Ok(true);
            }
            ended = senders.join_next() => match ended {
                Some(sender) => sender??,
                None => return Ok(false),
            },
        }
    }
}

fn assert_sound(history: &History, violations: &[Violation], sent: usize) {
    let accepted =
        history.sent.iter().filter(|sent| sent.answer.as_ref().is_some_and(|answer| answer.status == 200));
    let accepted = accepted.count();
    eprintln!(
        "{sent} sent, {accepted} accepted, {} arrived; ends: {:?}",
        history.arrivals.len(),
        tally(history)
    );
    let first: Vec<_> = violations.iter().take(20).map(ToString::to_string).collect();
    assert!(
        violations.is_empty(),
        "{} promises broken, the first of them:\n{}",
        violations.len(),
        first.join("\n")
    );
    assert!(accepted > sent / 2, "only {accepted} of {sent} were accepted: this run shows little");
}
