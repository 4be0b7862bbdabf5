//! Broadcast channels from the provider's request to the devices that have subscribed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use homing_apns::{ApnsId, ChannelId, Expiration, Priority, Reason, StoragePolicy};
use homing_apns_client::{Broadcast, ChannelAnswer, ChannelOrder, SendError};
use homing_link::{ChannelName, Packet, Qos, ReasonCode, Version};
use homing_testkit::device::Connection;
use homing_trace::{Environment, Stage, Trace};
use tokio::task::JoinSet;

use crate::house::{BUNDLE, House, NEWS, OTHER_BUNDLE, leave};

impl House {
    async fn channels(&self, order: &ChannelOrder) -> Result<ChannelAnswer, SendError> {
        self.sender.channels(BUNDLE, order, None).await
    }

    /// Lets the app broadcast, and makes a channel.
    async fn channel(&self, policy: StoragePolicy) -> ChannelId {
        self.gateway.centre().set_broadcast(BUNDLE, true).await.expect("the app is there");
        let made = self.channels(&ChannelOrder::Create(policy)).await.expect("it is made");
        made.channel.expect("its id is told").parse().expect("it is one")
    }

    async fn broadcast(&self, channel: &ChannelId, expiration: Expiration, payload: &str) -> ApnsId {
        let label = homing_testkit::provider::new_apns_id().expect("random");
        let order = order(channel, expiration, payload);
        let answer = self.sender.channels(BUNDLE, &order, Some(label)).await.expect("it is accepted");
        assert_eq!((answer.status, answer.request_id.as_deref()), (200, Some(label.as_str())));
        label
    }

    /// The trace of a broadcast once `is_told` is content with it.
    async fn told(&self, label: ApnsId, is_told: impl Fn(&Trace) -> bool) -> Trace {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let trace = self.trace(label.as_str()).await;
            if is_told(&trace) {
                return trace;
            }
            assert!(Instant::now() < deadline, "{trace:?}");
            tokio::task::yield_now().await;
        }
    }
}

fn order(channel: &ChannelId, expiration: Expiration, payload: &str) -> ChannelOrder {
    let priority = Some(Priority::Ten);
    let payload = payload.to_owned().into();
    ChannelOrder::Broadcast(Broadcast { channel: channel.clone(), priority, expiration, payload })
}

/// A payload that is told from others.
fn state(n: usize) -> String {
    format!("{{\"n\":{n}}}")
}

fn filter(channel: &ChannelId) -> String {
    let (environment, id) = (Environment::Development, channel.url_safe());
    ChannelName { environment, bundle_id: BUNDLE, id: &id }.to_string()
}

async fn subscribe(connection: &mut Connection, channel: &ChannelId) {
    let code = connection.subscribe_to(&filter(channel), Qos::AtLeastOnce).await.expect("it is answered");
    assert_eq!(code, ReasonCode::GrantedQos1);
}

#[tokio::test]
async fn a_broadcast_reaches_every_subscriber_of_either_version_and_counts_them() {
    let house = House::start(2).await;
    let channel = house.channel(StoragePolicy::Nothing).await;
    let mut connections = Vec::new();
    for version in [Version::V5, Version::V311, Version::V5] {
        let mut connection = house.enrol().await.connect(version).await.expect("enrolled");
        subscribe(&mut connection, &channel).await;
        connections.push((version, connection));
    }
    let mut stranger = house.enrol().await.connect(Version::V5).await.expect("enrolled");
    let token = stranger.subscribe(&NEWS).await.expect("its own app");
    let label = house.broadcast(&channel, Expiration::Once, r#"{"aps":{"event":"update"}}"#).await;
    for (version, connection) in &mut connections {
        let broadcast = connection.next_broadcast().await.expect("it is sent");
        assert_eq!(broadcast.channel, filter(&channel));
        assert_eq!(broadcast.payload, br#"{"aps":{"event":"update"}}"#);
        assert_eq!(broadcast.message_expiry, None);
        let said = (*version == Version::V5).then_some(label.as_str());
        assert_eq!(broadcast.request_id.as_deref(), said);
        connection.ack(broadcast.packet_id).await.expect("still open");
    }
    let count = |trace: &Trace| trace.broadcast.as_ref().map_or((0, 0), |it| (it.sent, it.acknowledged));
    let trace = house.told(label, |trace| count(trace) == (3, 3)).await;
    let stages: Vec<_> = trace.events.iter().map(|event| event.stage).collect();
    assert_eq!(stages, [Stage::Accepted, Stage::Sent]);
    // Who hasn't subscribed gets its own notification first.
    house.send(&token, Expiration::Once, "{}").await.expect("accepted");
    stranger.next_notification().await.expect("delivered");
    assert!(stranger.has_no_broadcast());
    house.stop().await;
}

#[tokio::test]
async fn who_comes_later_gets_the_most_recent_message_with_the_time_it_has_left() {
    let house = House::start(2).await;
    let channel = house.channel(StoragePolicy::MostRecent).await;
    house.broadcast(&channel, Expiration::Default, r#"{"n":1}"#).await;
    let newest = house.broadcast(&channel, Expiration::Default, r#"{"n":2}"#).await;
    house.broadcast(&channel, Expiration::Once, r#"{"n":3}"#).await;
    // A channel and its message survive a restart.
    let house = house.restart().await;
    house.clock.advance(Duration::from_secs(3600)).expect("kept nowhere");
    let device = house.enrol().await;
    for _ in 0..2 {
        let mut connection = device.connect(Version::V5).await.expect("enrolled");
        subscribe(&mut connection, &channel).await;
        let kept = connection.next_broadcast().await.expect("it was kept");
        assert_eq!((kept.request_id.as_deref(), &*kept.payload), (Some(newest.as_str()), &b"{\"n\":2}"[..]));
        let left = kept.message_expiry.expect("it has an end");
        assert!((7 * 3600 - 120..=7 * 3600).contains(&left), "{left}");
        connection.ack(kept.packet_id).await.expect("still open");
        // To subscribe again on the same connection brings nothing twice.
        subscribe(&mut connection, &channel).await;
        let next = house.broadcast(&channel, Expiration::Once, r#"{"n":4}"#).await;
        let got = connection.next_broadcast().await.expect("it is sent");
        assert_eq!(got.request_id.as_deref(), Some(next.as_str()));
        leave(connection).await;
    }
    house.clock.advance(Duration::from_secs(7 * 3600)).expect("kept nowhere");
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    subscribe(&mut connection, &channel).await;
    let next = house.broadcast(&channel, Expiration::Once, r#"{"n":5}"#).await;
    let got = connection.next_broadcast().await.expect("it is sent");
    assert_eq!(got.request_id.as_deref(), Some(next.as_str()), "after eight hours nothing is kept");
    let stages = house.stages(newest.as_str()).await;
    assert_eq!(stages, [Stage::Accepted, Stage::Stored, Stage::Sent, Stage::Expired]);
    house.stop().await;
}

#[tokio::test]
async fn every_filter_that_is_no_channel_of_ones_own_has_its_code() {
    let house = House::start(1).await;
    let channel = house.channel(StoragePolicy::Nothing).await;
    let own = filter(&channel);
    let unknown = filter(&ChannelId::from_bytes(b"nobody's"));
    let cases = [
        (own.replace("development", "production"), Qos::AtLeastOnce, ReasonCode::NotAuthorized),
        (own.replace(BUNDLE, OTHER_BUNDLE), Qos::AtLeastOnce, ReasonCode::NotAuthorized),
        (own.replace(BUNDLE, "com.example.news.voip"), Qos::AtLeastOnce, ReasonCode::NotAuthorized),
        (format!("{own}/#"), Qos::AtLeastOnce, ReasonCode::TopicFilterInvalid),
        ("channel/#".to_owned(), Qos::AtLeastOnce, ReasonCode::TopicFilterInvalid),
        (unknown, Qos::AtLeastOnce, ReasonCode::TopicFilterInvalid),
        (own.clone(), Qos::AtMostOnce, ReasonCode::ImplementationSpecificError),
        (own.clone(), Qos::ExactlyOnce, ReasonCode::GrantedQos1),
    ];
    let device = house.enrol().await;
    for version in [Version::V5, Version::V311] {
        let mut connection = device.connect(version).await.expect("enrolled");
        for (filter, qos, code) in &cases {
            let granted = connection.subscribe_to(filter, *qos).await.expect("it is answered");
            let expected = match version {
                Version::V311 if code.is_error() => ReasonCode::UnspecifiedError,
                Version::V311 | Version::V5 => *code,
            };
            assert_eq!(granted, expected, "{filter}");
        }
        leave(connection).await;
    }
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let publish = homing_link::Publish {
        topic: &own,
        delivery: homing_link::Delivery::AtLeastOnce { packet_id: homing_link::PacketId::MIN, dup: false },
        retain: false,
        properties: homing_link::PublishProperties::default(),
        payload: homing_link::Opaque(b"{}"),
    };
    connection.send(&Packet::Publish(publish)).await.expect("still open");
    let answer = |packet: &Packet<'_>| {
        let Packet::PubAck(ack) = packet else { return None };
        Some(ack.code)
    };
    let code = connection.next_of(answer).await.expect("it is answered");
    assert_eq!(code, ReasonCode::NotAuthorized, "a device broadcasts nothing, and says nothing of it");
    house.stop().await;
}

#[tokio::test]
async fn a_device_leaves_a_channel_and_may_do_so_after_it_was_deleted() {
    let house = House::start(2).await;
    let (first, second) =
        (house.channel(StoragePolicy::Nothing).await, house.channel(StoragePolicy::MostRecent).await);
    let mut connection = house.enrol().await.connect(Version::V5).await.expect("enrolled");
    subscribe(&mut connection, &first).await;
    subscribe(&mut connection, &second).await;
    let code = connection.unsubscribe_from(&filter(&first)).await.expect("it is answered");
    assert_eq!(code, Some(ReasonCode::Success));
    let code = connection.unsubscribe_from(&filter(&first)).await.expect("it is answered");
    assert_eq!(code, Some(ReasonCode::NoSubscriptionExisted));
    house.broadcast(&first, Expiration::Once, "{}").await;
    let label = house.broadcast(&second, Expiration::Default, "{}").await;
    let got = connection.next_broadcast().await.expect("it is sent");
    assert_eq!(got.request_id.as_deref(), Some(label.as_str()));
    house.channels(&ChannelOrder::Delete(second.clone())).await.expect("it is deleted");
    let error = house.channels(&order(&second, Expiration::Once, "{}")).await.expect_err("it is gone");
    assert_eq!(error.reason(), Some(&Reason::ChannelNotRegistered));
    assert_eq!(house.end(label.as_str()).await, (Stage::Discarded, Some("channel-deleted".to_owned())));
    let code = connection.unsubscribe_from(&filter(&second)).await.expect("it is answered");
    assert_eq!(code, Some(ReasonCode::Success));
    let code = connection.subscribe_to(&filter(&second), Qos::AtLeastOnce).await.expect("it is answered");
    assert_eq!(code, ReasonCode::TopicFilterInvalid);
    house.stop().await;
}

#[tokio::test]
async fn one_connection_has_sixty_four_channels_at_most() {
    let house = House::start(1).await;
    let mut connection = house.enrol().await.connect(Version::V5).await.expect("enrolled");
    for n in 0..=64 {
        let channel = house.channel(StoragePolicy::Nothing).await;
        let code =
            connection.subscribe_to(&filter(&channel), Qos::AtLeastOnce).await.expect("it is answered");
        assert_eq!(code, if n < 64 { ReasonCode::GrantedQos1 } else { ReasonCode::QuotaExceeded }, "{n}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_device_that_takes_nothing_gets_the_newest_and_holds_up_nobody() {
    let house = House::start(1).await;
    let channel = house.channel(StoragePolicy::Nothing).await;
    // A window of one: nothing more is sent before it is acknowledged.
    let mut slow = house.enrol().await.connect_with_window(1).await.expect("enrolled");
    let mut quick = house.enrol().await.connect(Version::V5).await.expect("enrolled");
    subscribe(&mut slow, &channel).await;
    subscribe(&mut quick, &channel).await;
    for n in 0..20 {
        house.broadcast(&channel, Expiration::Once, &state(n)).await;
        let got = quick.next_broadcast().await.expect("it is sent");
        assert_eq!(got.payload, state(n).into_bytes());
        quick.ack(got.packet_id).await.expect("still open");
    }
    let mut got = Vec::new();
    for _ in 0..9 {
        let broadcast = slow.next_broadcast().await.expect("it is sent");
        got.push(broadcast.payload);
        slow.ack(broadcast.packet_id).await.expect("still open");
    }
    assert_eq!(got, [0, 12, 13, 14, 15, 16, 17, 18, 19].map(|n| state(n).into_bytes()));
    house.stop().await;
}

/// Receivers of one broadcast.
const MANY: usize = 300;

#[tokio::test]
async fn notifications_are_answered_while_a_broadcast_goes_to_many() {
    let house = Arc::new(House::start(1).await);
    house.admit(&[BUNDLE], 1000).await;
    let channel = house.channel(StoragePolicy::Nothing).await;
    let mut connections = Vec::new();
    for _ in 0..MANY {
        let mut connection = house.enrol().await.connect(Version::V5).await.expect("enrolled");
        subscribe(&mut connection, &channel).await;
        connections.push(connection);
    }
    let mut receivers = JoinSet::new();
    for mut connection in connections {
        receivers.spawn(async move {
            for n in 0..20 {
                let got = connection.next_broadcast().await.expect("it is sent");
                assert_eq!(got.payload, state(n).into_bytes(), "in order");
                connection.ack(got.packet_id).await.expect("still open");
            }
        });
    }
    let mut device = house.enrol().await.connect(Version::V5).await.expect("enrolled");
    let token = device.subscribe(&NEWS).await.expect("its own app");
    let broadcasting = async {
        for n in 0..20 {
            house.broadcast(&channel, Expiration::Once, &state(n)).await;
        }
    };
    let sending = async {
        for n in 0..20 {
            house.send(&token, Expiration::Once, &n.to_string()).await.expect("accepted");
            device.next_notification().await.expect("delivered among the broadcasts");
        }
    };
    tokio::join!(broadcasting, sending);
    while let Some(receiver) = receivers.join_next().await {
        receiver.expect("every one gets every one");
    }
}
