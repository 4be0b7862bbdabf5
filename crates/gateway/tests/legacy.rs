//! The legacy binary interface and its feedback service from outside: a real push service on loopback, clients that write raw
//! frames over TLS. What the frames' codec decides by itself is tested there.

#[path = "legacy/house.rs"]
mod house;

#[path = "legacy/feedback.rs"]
mod feedback;
#[path = "legacy/hostile.rs"]
mod hostile;
#[path = "legacy/shared.rs"]
mod shared;
#[path = "legacy/statuses.rs"]
mod statuses;
#[path = "legacy/stop.rs"]
mod stop;
#[path = "legacy/testers.rs"]
mod testers;

use homing_apns::Expiration;
use homing_apns::legacy::{Command, LegacyNotification};
use homing_trace::{Environment, Stage};
use house::{House, PAYLOAD, frame, hex};

#[tokio::test]
async fn every_command_is_taken_and_stands_in_the_trace() {
    let house = House::start().await;
    let token = house.register(house::BUNDLE).await;
    let mut client = house.connect().await;
    for command in [Command::Simple, Command::Enhanced, Command::Framed] {
        client.send(&frame(command, &token)).await;
    }
    house.wait_for(&token, Stage::Stored, 3).await;
    let traces = house.traces(&token).await;
    for trace in &traces {
        let label = uuid::Uuid::parse_str(&trace.apns_id).expect("a label was made");
        assert_eq!(trace.apns_id, label.to_string().to_uppercase());
        assert_eq!(trace.topic.as_deref(), Some(house::BUNDLE));
    }
    client.hears_nothing().await;
    house.stop().await;
}

#[tokio::test]
async fn an_expiry_of_zero_is_one_attempt_and_a_simple_notification_is_kept() {
    let house = House::start().await;
    let token = house.register(house::BUNDLE).await;
    let mut client = house.connect().await;
    let once =
        LegacyNotification { expiration: Expiration::Once, ..house::notification(Command::Enhanced, &token) };
    client.send(&house::encoded(&once)).await;
    house.wait_for(&token, Stage::Discarded, 1).await;
    client.send(&frame(Command::Simple, &token)).await;
    house.wait_for(&token, Stage::Stored, 1).await;
    house.stop().await;
}

#[tokio::test]
async fn a_frame_may_be_split_at_every_byte() {
    let house = House::start().await;
    let token = house.register(house::BUNDLE).await;
    let frames =
        [Command::Simple, Command::Enhanced, Command::Framed].map(|command| frame(command, &token)).concat();
    let mut client = house.connect().await;
    for byte in &frames {
        client.send(&[*byte]).await;
    }
    house.wait_for(&token, Stage::Accepted, 3).await;
    let mut sent = 3;
    for at in (1..frames.len()).step_by(7) {
        client.send(&frames[..at]).await;
        client.send(&frames[at..]).await;
        sent += 3;
    }
    house.wait_for(&token, Stage::Accepted, sent).await;
    house.stop().await;
}

#[tokio::test]
async fn all_that_was_written_before_the_client_closed_arrives() {
    const MANY: usize = 500;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let house = House::start().await;
        let token = house.register(house::BUNDLE).await;
        let mut client = house.connect_with(version).await;
        let frames = frame(Command::Simple, &token).repeat(MANY);
        client.send(&frames).await;
        // Neither a word of farewell nor a look at what was said.
        drop(client);
        house.wait_for(&token, Stage::Accepted, MANY).await;
        house.stop().await;
    }
}

#[tokio::test]
async fn the_server_says_nothing_that_a_writing_client_leaves_unread() {
    let house = House::start().await;
    let token = house.register(house::BUNDLE).await;
    let mut client = house.connect_with(&rustls::version::TLS13).await;
    client.send(&frame(Command::Simple, &token)).await;
    house.wait_for(&token, Stage::Accepted, 1).await;
    assert!(client.has_nothing_to_read().await, "a ticket would make the client's close a reset");
    house.stop().await;
}

#[tokio::test]
async fn the_server_name_says_the_environment_before_the_port_does() {
    let house = House::start().await;
    let token = house.register_in(Environment::Production, house::BUNDLE).await;
    for (name, is_taken) in
        [("gateway.push.apple.com", true), ("gateway.sandbox.push.apple.com", false), ("localhost", false)]
    {
        let mut client = house.connect_to(name).await;
        client.send(&frame(Command::Framed, &token)).await;
        match is_taken {
            true => house.wait_for(&token, Stage::Accepted, 1).await,
            false => assert_eq!(client.hears().await, house::packet(8, house::IDENTIFIER), "{name}"),
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_device_gets_what_an_old_provider_sends() {
    let house = House::start().await;
    let device = house.enrol().await;
    let mut connection = device.connect(homing_link::Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&house::NEWS).await.expect("its own app");
    let mut client = house.connect().await;
    client.send(&frame(Command::Simple, &hex(&token))).await;
    let notification = connection.next_notification().await.expect("delivered");
    assert_eq!(notification.payload, PAYLOAD);
    house.stop().await;
}
