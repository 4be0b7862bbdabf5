//! The device link from outside: a real push service on loopback, devices over TLS, a provider over HTTP/2. What the
//! codec and the hub decide by themselves is tested there.

#[path = "device_link/house.rs"]
mod house;
#[path = "device_link/raw.rs"]
mod raw;

#[path = "device_link/certificates.rs"]
mod certificates;
#[path = "device_link/channels.rs"]
mod channels;
#[path = "device_link/conversations.rs"]
mod conversations;
#[path = "device_link/delivery.rs"]
mod delivery;
#[path = "device_link/doors.rs"]
mod doors;
#[path = "device_link/storm.rs"]
mod storm;

use homing_apns::{Expiration, Reason};
use homing_link::{PacketId, Version};
use homing_testkit::device::Connection;
use homing_trace::{Receipt, Stage};
use house::{House, NEWS, leave};

const PAYLOAD: &str = r#"{"aps":{"alert":"道可道"},"url":"x"}"#;

/// Acknowledges `packet_id` and waits until the push service has heard it.
async fn acknowledge(connection: &mut Connection, packet_id: PacketId) {
    connection.ack(packet_id).await.expect("still open");
    // What is answered after it was heard after it.
    connection.send(&homing_link::Packet::PingReq).await.expect("still open");
    let pong =
        |packet: &homing_link::Packet<'_>| matches!(packet, homing_link::Packet::PingResp).then_some(());
    connection.next_of(pong).await.expect("still open");
}

#[tokio::test]
async fn a_notification_reaches_its_device_and_its_trace_tells_every_step() {
    let house = House::start(2).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    assert!(
        token.len() == 64 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{token}"
    );
    let apns_id = house.send(&token, Expiration::Default, PAYLOAD).await.expect("accepted");
    let notification = connection.next_notification().await.expect("delivered");
    assert_eq!((notification.payload.as_slice(), &notification.apns_id), (PAYLOAD.as_bytes(), &apns_id));
    assert!(notification.message_expiry.is_some_and(|left| left > 29 * 24 * 3600));
    acknowledge(&mut connection, notification.packet_id).await;
    let (seq, at) = (notification.seq, house.clock.now());
    let receipt = Receipt { seq, apns_id: apns_id.clone(), event: Stage::Displayed, reason: None, at };
    connection.receipt(&NEWS, &receipt).await.expect("it was sent to it");
    let unknown = Receipt { seq: seq + 1, ..receipt };
    connection.receipt(&NEWS, &unknown).await.expect("acknowledged, not recorded");
    let stages = [Stage::Accepted, Stage::Stored, Stage::Sent, Stage::Acknowledged, Stage::Displayed];
    assert_eq!(house.stages(&apns_id).await, stages);
    house.stop().await;
}

#[tokio::test]
async fn a_connected_device_gets_every_one_of_a_burst_in_order() {
    let house = House::start(2).await;
    for version in [Version::V5, Version::V311] {
        let device = house.enrol().await;
        let mut connection = device.connect(version).await.expect("enrolled");
        let token = connection.subscribe(&NEWS).await.expect("its own app");
        let expiration = |n: usize| if n.is_multiple_of(3) { Expiration::Once } else { Expiration::Default };
        for n in 0..300 {
            house.send(&token, expiration(n), &format!(r#"{{"n":{n}}}"#)).await.expect("accepted");
        }
        let mut last = 0;
        for n in 0..300 {
            let notification = connection.next_notification().await.expect("delivered");
            assert_eq!(String::from_utf8_lossy(&notification.payload), format!(r#"{{"n":{n}}}"#));
            assert!(notification.seq > last);
            last = notification.seq;
            connection.ack(notification.packet_id).await.expect("still open");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn of_what_came_while_a_device_was_away_the_newest_is_delivered_at_its_return() {
    let house = House::start(2).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    leave(connection).await;
    let older = house.send(&token, Expiration::Default, "{\"n\":1}").await.expect("accepted");
    let newer = house.send(&token, Expiration::Default, "{\"n\":2}").await.expect("accepted");
    let once = house.send(&token, Expiration::Once, "{\"n\":3}").await.expect("accepted");
    // What is kept survives a restart of the push service, and so does the token.
    let house = house.restart().await;
    let mut connection = device.at(&house.link).connect(Version::V5).await.expect("enrolled");
    assert_eq!(connection.subscribe(&NEWS).await.expect("registered before"), token);
    let notification = connection.next_notification().await.expect("it was kept");
    assert_eq!(notification.apns_id, newer);
    acknowledge(&mut connection, notification.packet_id).await;
    let receipt = Receipt {
        seq: notification.seq,
        apns_id: newer.clone(),
        event: Stage::Opened,
        reason: None,
        at: house.clock.now(),
    };
    leave(connection).await;
    // A receipt may come long after, on another connection.
    let mut connection = device.at(&house.link).connect(Version::V5).await.expect("enrolled");
    connection.receipt(&NEWS, &receipt).await.expect("it was sent to it");
    assert_eq!(house.end(&newer).await.0, Stage::Opened);
    assert_eq!(house.end(&older).await.0, Stage::Replaced);
    assert_eq!(house.end(&once).await, (Stage::Discarded, Some("device-away".to_owned())));
    house.stop().await;
}

#[tokio::test]
async fn an_expired_notification_is_not_delivered_at_return() {
    let house = House::start(1).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    leave(connection).await;
    let until = Expiration::At(house.clock.now().secs() + 60);
    let apns_id = house.send(&token, until, PAYLOAD).await.expect("accepted");
    house.clock.advance(std::time::Duration::from_secs(61)).expect("kept nowhere");
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    connection.subscribe(&NEWS).await.expect("registered before");
    let after = house.send(&token, Expiration::Default, PAYLOAD).await.expect("accepted");
    assert_eq!(connection.next_notification().await.expect("delivered").apns_id, after);
    assert_eq!(house.end(&apns_id).await.0, Stage::Expired);
    house.stop().await;
}

#[tokio::test]
async fn a_device_that_leaves_without_acknowledging_gets_it_again() {
    let house = House::start(2).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    let first = house.send(&token, Expiration::Default, "{\"n\":1}").await.expect("accepted");
    let second = house.send(&token, Expiration::Default, "{\"n\":2}").await.expect("accepted");
    for _ in 0..2 {
        connection.next_notification().await.expect("delivered");
    }
    leave(connection).await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    connection.subscribe(&NEWS).await.expect("registered before");
    let again = connection.next_notification().await.expect("delivered again");
    assert_eq!(again.apns_id, second);
    acknowledge(&mut connection, again.packet_id).await;
    let stages = [Stage::Accepted, Stage::Stored, Stage::Sent, Stage::Sent, Stage::Acknowledged];
    assert_eq!(house.stages(&second).await, stages);
    assert_eq!(house.end(&first).await.0, Stage::Replaced);
    house.stop().await;
}

#[tokio::test]
async fn after_unsubscribe_the_sender_hears_unregistered_and_a_reinstall_gets_another_token() {
    let house = House::start(2).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    let before = house.clock.now();
    connection.unsubscribe(&NEWS).await.expect("its own registration");
    let error = house.send(&token, Expiration::Default, PAYLOAD).await.expect_err("unregistered");
    let homing_apns_client::SendError::Refused { status, refusal, .. } = error else { panic!("{error}") };
    assert_eq!((status, &refusal.reason), (410, &Reason::Unregistered));
    assert!(refusal.timestamp.is_some_and(|at| at >= before && at <= house.clock.now()), "{refusal:?}");
    let other = connection.subscribe(&NEWS).await.expect("its own app");
    assert_ne!(other, token);
    house.send(&other, Expiration::Once, PAYLOAD).await.expect("accepted");
    connection.next_notification().await.expect("delivered");
    house.stop().await;
}

#[tokio::test]
async fn the_newest_connection_of_a_device_wins() {
    let house = House::start(2).await;
    let device = house.enrol().await;
    let mut older = device.connect(Version::V5).await.expect("enrolled");
    let token = older.subscribe(&NEWS).await.expect("its own app");
    let mut newer = device.connect(Version::V5).await.expect("enrolled");
    let error = older.notification().await.expect_err("taken over");
    assert!(error.to_string().contains("session taken over"), "{error}");
    newer.subscribe(&NEWS).await.expect("registered before");
    house.send(&token, Expiration::Once, PAYLOAD).await.expect("accepted");
    newer.next_notification().await.expect("delivered");
    house.stop().await;
}

#[tokio::test]
async fn a_stopping_push_service_says_so() {
    let house = House::start(2).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    connection.subscribe(&NEWS).await.expect("its own app");
    let (said, ()) = tokio::join!(connection.notification(), house.stop());
    assert!(said.expect_err("it stops").to_string().contains("server shutting down"));
}
