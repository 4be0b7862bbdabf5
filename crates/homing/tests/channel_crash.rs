//! Broadcasts are accepted and channels are made while the push service is killed with `kill -9` and started again. What was
//! answered holds: a channel is there, and who comes back gets the newest message that its channel stores.
//!
//! The moments are counted in accepted broadcasts, not in time, and come from a seed that is printed; `HOMING_SEED`
//! repeats them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use homing_apns::{ChannelId, Expiration, Priority, StoragePolicy};
use homing_apns_client::{Broadcast, ChannelOrder, SendError};
use homing_link::{Qos, ReasonCode, Version};
use homing_testkit::api::Api;
use homing_testkit::device::{Link, TestDevice};
use homing_testkit::dice::Dice;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::ports::free_block;
use homing_testkit::process::{Device, Homing};
use homing_testkit::provider::TestProvider;
use homing_trace::Environment;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_homing");
/// How long a run may take before it is given up.
const DEADLINE: Duration = Duration::from_secs(240);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const DEVELOPMENT: Environment = Environment::Development;

const CHANNELS: usize = 8;
const KILLS: usize = 4;
/// Broadcasts that are accepted before a kill, at most: a channel that stores takes 500 at once.
const BETWEEN_KILLS: u64 = 600;
/// Channels that are made between two kills, at most.
const MADE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_channel_nor_newest_message_is_lost_when_the_push_service_is_killed() {
    let run = tokio::time::timeout(DEADLINE, kill_the_push_service());
    run.await.expect("it ends in time").expect("what was answered holds");
}

/// A channel, and what its sender knows of it.
struct Followed {
    id: ChannelId,
    filter: String,
    /// The newest that was answered 200.
    accepted: u64,
    /// Sent after that without an answer: it may have been accepted.
    unknown: Option<u64>,
    /// Away while it is sent to; it subscribes when it comes back.
    device: TestDevice,
}

impl Followed {
    /// Whether this may be the message that is stored.
    fn may_be_newest(&self, n: u64) -> bool {
        n == self.accepted || Some(n) == self.unknown
    }
}

async fn kill_the_push_service() -> anyhow::Result<()> {
    let mut dice = Dice::rolled("killing the push service amid broadcasts")?;
    let dir = tempfile::tempdir()?;
    let mut homing = Homing::gateway(Path::new(BINARY), &dir.path().join("data"), free_block(71)?).await?;
    let endpoints = homing.endpoints().clone();
    let mut followed = Vec::new();
    for _ in 0..CHANNELS {
        followed.push(follow(&endpoints).await?);
    }
    let phone = Device::run(Path::new(BINARY), &dir.path().join("phone"), &endpoints).await?;
    let on_phone = format!(
        "/v1/devices/iphone/apps/{}/channels/{}",
        endpoints.demo()?.bundle_id,
        followed[0].id.url_safe()
    );
    Api::device(phone.endpoints()).put(&on_phone, json!({})).await?;
    let mut made = BTreeSet::new();
    for _ in 0..KILLS {
        let (accepted, mut counted) = watch::channel(0_u64);
        let accepted = Arc::new(accepted);
        let mut senders = JoinSet::new();
        for followed in followed.drain(..) {
            let provider = TestProvider::connect(&endpoints, DEVELOPMENT).await?;
            senders.spawn(send_until_cut_off(provider, followed, accepted.clone()));
        }
        let provider = TestProvider::connect(&endpoints, DEVELOPMENT).await?;
        let maker = tokio::spawn(make_until_cut_off(provider));
        let moment = dice.between(1, BETWEEN_KILLS);
        counted.wait_for(|counted| *counted >= moment).await?;
        homing.kill_and_restart().await?;
        while let Some(sender) = senders.join_next().await {
            followed.push(sender??);
        }
        made.extend(maker.await??);
        holds(&endpoints, &followed, &made).await?;
        let follows = Api::device(phone.endpoints());
        let first = followed.iter().find(|followed| on_phone.ends_with(&followed.id.url_safe()));
        catches_up(&follows, &on_phone, first.context("the phone's channel is among them")?).await?;
    }
    let sent: u64 = followed.iter().map(|followed| followed.accepted).sum();
    eprintln!("{sent} broadcasts accepted at most, {} channels made", made.len());
    ensure!(sent > KILLS as u64, "too few to show anything");
    Ok(())
}

async fn follow(endpoints: &Endpoints) -> anyhow::Result<Followed> {
    let provider = TestProvider::connect(endpoints, DEVELOPMENT).await?;
    let made = provider.channels(&ChannelOrder::Create(StoragePolicy::MostRecent), None).await?;
    let id: ChannelId =
        made.channel.context("its id is told")?.parse().map_err(|_| anyhow::anyhow!("no id"))?;
    let key = endpoints.enrolment_key.as_deref().context("this push service gives no enrolment key")?;
    let device = TestDevice::enrol(&Link::of(endpoints)?, key).await?;
    let filter = format!("channel/development/{}/{}", endpoints.demo()?.bundle_id, id.url_safe());
    Ok(Followed { id, filter, accepted: 0, unknown: None, device })
}

/// Sends one message after the other until the push service is gone.
async fn send_until_cut_off(
    provider: TestProvider,
    mut followed: Followed,
    accepted: Arc<watch::Sender<u64>>,
) -> anyhow::Result<Followed> {
    for n in followed.unknown.unwrap_or(followed.accepted) + 1.. {
        let order = ChannelOrder::Broadcast(Broadcast {
            channel: followed.id.clone(),
            priority: Some(Priority::Ten),
            expiration: Expiration::Default,
            payload: json!({"aps": {"event": "update", "n": n}}).to_string().into(),
        });
        match provider.channels(&order, None).await {
            Ok(_) => {
                (followed.accepted, followed.unknown) = (n, None);
                accepted.send_modify(|accepted| *accepted += 1);
            }
            // Its budget is used up: the others go on.
            Err(SendError::Refused { status: 429, .. }) => tokio::task::yield_now().await,
            Err(error) if error.may_be_accepted() => {
                followed.unknown = Some(n);
                break;
            }
            Err(SendError::NotTaken { .. } | SendError::Closed { .. }) => break,
            Err(error) => bail!("a broadcast was refused: {error}"),
        }
    }
    Ok(followed)
}

/// The channels that were answered 201, until the push service is gone or there are enough.
async fn make_until_cut_off(provider: TestProvider) -> anyhow::Result<Vec<String>> {
    let mut made = Vec::new();
    while made.len() < MADE
        && let Ok(answer) = provider.channels(&ChannelOrder::Create(StoragePolicy::Nothing), None).await
    {
        ensure!(answer.status == 201, "{answer:?}");
        made.push(answer.channel.context("its id is told")?);
    }
    Ok(made)
}

/// What was answered before the kill, asked of the push service that was started after it.
async fn holds(endpoints: &Endpoints, followed: &[Followed], made: &BTreeSet<String>) -> anyhow::Result<()> {
    let provider = TestProvider::connect(endpoints, DEVELOPMENT).await?;
    let listed: Value = serde_json::from_slice(&provider.channels(&ChannelOrder::List, None).await?.body)?;
    let listed = listed["channels"].as_array().context("a list")?;
    let listed: BTreeSet<&str> = listed.iter().filter_map(Value::as_str).collect();
    for id in followed.iter().map(|followed| followed.id.to_string()).chain(made.iter().cloned()) {
        ensure!(listed.contains(id.as_str()), "channel {id} was answered 201 and is gone");
    }
    for followed in followed.iter().filter(|followed| followed.accepted > 0) {
        let mut connection = followed.device.connect(Version::V5).await?;
        let code = connection.subscribe_to(&followed.filter, Qos::AtLeastOnce).await?;
        ensure!(code == ReasonCode::GrantedQos1, "{}: {code}", followed.filter);
        let message = connection.next_broadcast().await?;
        let payload: Value = serde_json::from_slice(&message.payload)?;
        let n = payload["aps"]["n"].as_u64().context("it is one of ours")?;
        ensure!(
            followed.may_be_newest(n),
            "{}: {n} came, {} was accepted, and perhaps {:?}",
            followed.filter,
            followed.accepted,
            followed.unknown
        );
        connection.ack(message.packet_id).await?;
        connection.disconnect().await?;
    }
    Ok(())
}

/// A virtual iPhone follows by itself what it was told to, and has the newest message before long.
async fn catches_up(phone: &Api, path: &str, followed: &Followed) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    // Bounded by the test's own deadline.
    loop {
        look.tick().await;
        let view = phone.get(path).await?;
        let n = view["last"]["payload"]["aps"]["n"].as_u64();
        let has_it = n.map_or(followed.accepted == 0, |n| followed.may_be_newest(n));
        if view["state"] == "subscribed" && has_it {
            return Ok(());
        }
    }
}
