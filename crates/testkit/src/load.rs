//! A run under fire: devices that come back whenever they are cut off, and senders that go on whenever the push
//! service is back. Everything they see goes to the [`Recorder`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use homing_apns::Expiration;
use homing_link::{RegistrationName, Version};
use homing_trace::Environment;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::device::{Link, TestDevice};
use crate::endpoints::Endpoints;
use crate::history::{History, Violation, check};
use crate::provider::{Answered, TestProvider, new_apns_id};
use crate::recorder::Recorder;

/// Requests of one sender that are under way at once.
const AT_ONCE: usize = 4;
/// How often the push service is asked whether all has come to rest, and how often one that is down is tried again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long after the last answer everything may take to come to an end.
pub const REST_DEADLINE: Duration = Duration::from_secs(60);

/// Enrols a device, registers the demo app on it, and keeps it connected and acknowledging in a task of `tasks` until
/// `stop` turns true. Gives its token.
pub async fn keep_device(
    endpoints: &Endpoints,
    recorder: &Arc<Recorder>,
    stop: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<String> {
    let key = endpoints.enrolment_key.as_deref().context("this push service gives no enrolment key")?;
    let device = TestDevice::enrol(&Link::of(endpoints)?, key).await?;
    let topic = endpoints.demo()?.bundle_id.clone();
    let token = take_part(&device, &topic, &mut None, recorder, true).await?.context("no token came")?;
    recorder.registered(&token, &device.id().to_string());
    let (recorder, expected, mut stop) = (recorder.clone(), token.clone(), stop.clone());
    tasks.spawn(async move {
        let mut again = tokio::time::interval(LOOK_EVERY);
        let mut known = Some(expected);
        let live = async {
            loop {
                again.tick().await;
                // Being cut off is what this device is for.
                let _ = take_part(&device, &topic, &mut known, &recorder, false).await;
            }
        };
        tokio::select! {
            () = live => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
    Ok(token)
}

/// One connection: registers, then (unless only the token is wanted) records and acknowledges until it is cut off.
async fn take_part(
    device: &TestDevice,
    topic: &str,
    known: &mut Option<String>,
    recorder: &Recorder,
    only_the_token: bool,
) -> anyhow::Result<Option<String>> {
    let registration = RegistrationName { environment: Environment::Development, topic, instance: None };
    let mut connection = device.connect(Version::V5).await?;
    let token = connection.subscribe(&registration).await?;
    if only_the_token {
        connection.disconnect().await?;
        return Ok(Some(token));
    }
    let expected = known.get_or_insert_with(|| token.clone());
    assert_eq!(*expected, token, "the token of a living registration changed");
    loop {
        let notification = connection.notification().await?;
        recorder.arrived(&device.id().to_string(), &token, &notification.apns_id, notification.seq);
        connection.ack(notification.packet_id).await?;
    }
}

/// Sends `count` notifications to one token, every fourth with expiration 0, as fast as they are answered. When the
/// push service is gone, it goes on with the next ones once it is back; nothing is sent twice.
pub async fn send_all(
    endpoints: Endpoints,
    token: String,
    count: usize,
    recorder: Arc<Recorder>,
) -> anyhow::Result<()> {
    let mut provider = None;
    let mut again = tokio::time::interval(LOOK_EVERY);
    let mut next = 0;
    while next < count {
        let Some(connected) = provider.take().filter(|provider: &Arc<TestProvider>| !provider.is_closed())
        else {
            again.tick().await;
            provider = TestProvider::connect(&endpoints, Environment::Development).await.ok().map(Arc::new);
            continue;
        };
        let mut batch = JoinSet::new();
        for number in next..count.min(next + AT_ONCE) {
            batch.spawn(send_one(connected.clone(), token.clone(), number, recorder.clone()));
        }
        next += batch.len();
        for sent in batch.join_all().await {
            sent?;
        }
        provider = Some(connected);
    }
    Ok(())
}

async fn send_one(
    provider: Arc<TestProvider>,
    token: String,
    number: usize,
    recorder: Arc<Recorder>,
) -> anyhow::Result<()> {
    let (apns_id, kept) = (new_apns_id()?, number % 4 != 3);
    let expiration = if kept { Expiration::Default } else { Expiration::Once };
    let payload =
        format!(r#"{{"aps":{{"alert":{{"title":"News","body":"Number {number}"}}}},"n":{number}}}"#);
    let place = recorder.sending(apns_id.as_str(), &token, kept);
    match provider.send(&token, apns_id, expiration, payload).await? {
        Answered::Accepted => recorder.answered(place, 200),
        Answered::Refused { status, .. } => recorder.answered(place, status),
        Answered::NotTaken | Answered::Unknown => {}
    }
    Ok(())
}

/// Asks for the traces of all registrations until the history has no violation, or [`REST_DEADLINE`] has passed. Gives
/// the last verdict and the history it is about; `complete` adds what the devices themselves tell.
pub async fn come_to_rest(
    admin: &Api,
    recorder: &Recorder,
    complete: impl AsyncFn(&mut History) -> anyhow::Result<()>,
) -> anyhow::Result<(History, Vec<Violation>)> {
    let until = tokio::time::Instant::now() + REST_DEADLINE;
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        let mut history = recorder.history();
        for registration in &history.registrations {
            history.traces.extend(admin.traces_of(&registration.name).await?);
        }
        complete(&mut history).await?;
        let violations = check(&history);
        if violations.is_empty() || tokio::time::Instant::now() > until {
            return Ok((history, violations));
        }
    }
}

/// How often each stage ended a notification, for a test's own words.
pub fn tally(history: &History) -> HashMap<&'static str, usize> {
    let mut tally = HashMap::new();
    let last = history.traces.iter().flat_map(|trace| trace.events.last());
    for event in last {
        *tally.entry(event.stage.as_str()).or_default() += 1;
    }
    tally
}
