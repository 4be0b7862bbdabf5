//! How long a client of the legacy interface may take. The times are shorter than those that are kept, so that they can be
//! waited for.

use std::time::Duration;

use homing_apns::Expiration;
use homing_apns::legacy::{Command, ErrorPacket, Identifier, LegacyNotification, Status};
use homing_trace::Environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::world::{APP, World};
use crate::legacy_port::Deadlines;

const DEVELOPMENT: Environment = Environment::Development;
const LAST: Identifier = [0, 0, 0, 7];
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(3600);

fn encoded(identifier: Identifier, token: &str) -> Vec<u8> {
    let token = homing_apns::DeviceTokenHex::parse(token.as_bytes()).expect("it is hex");
    let mut frame = Vec::new();
    let notification = LegacyNotification {
        command: Command::Enhanced,
        identifier: Some(identifier),
        token: token.as_bytes().try_into().expect("it has 32 bytes"),
        payload: b"{}".to_vec(),
        expiration: Expiration::At(i64::from(i32::MAX)),
        priority: None,
    };
    notification.encode(&mut frame);
    frame
}

/// What a client hears that sends a whole notification and `then`, and how long it takes.
async fn hears(deadlines: Deadlines, then: impl Fn(&str) -> Vec<u8>) -> (Vec<u8>, Duration) {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let pem = world.certificate(APP, &[DEVELOPMENT]).await;
    let mut client = world.legacy(DEVELOPMENT, &pem, deadlines).await;
    let began = Instant::now();
    client.write_all(&[encoded(LAST, &token), then(&token)].concat()).await.expect("it is open");
    client.flush().await.expect("it is open");
    let mut heard = Vec::new();
    let reading = timeout(Duration::from_secs(30), client.read_to_end(&mut heard));
    reading.await.expect("there is a deadline").expect("it is closed in good order");
    (heard, began.elapsed())
}

#[tokio::test]
async fn half_a_legacy_notification_is_waited_for_and_then_the_last_whole_one_is_told() {
    let deadlines = Deadlines { frame: SHORT, idle: LONG };
    let (heard, waited) = hears(deadlines, |token| encoded([9; 4], token)[..40].to_vec()).await;
    assert_eq!(heard, ErrorPacket { status: Status::Shutdown, identifier: LAST }.to_bytes());
    assert!(waited >= SHORT, "{waited:?}");
}

#[tokio::test]
async fn a_silent_legacy_connection_is_closed_as_at_a_stop() {
    let deadlines = Deadlines { frame: LONG, idle: SHORT };
    let (heard, waited) = hears(deadlines, |_| Vec::new()).await;
    assert_eq!(heard, ErrorPacket { status: Status::Shutdown, identifier: LAST }.to_bytes());
    assert!(waited >= SHORT, "{waited:?}");
}

#[test]
fn a_notification_has_30_s_and_a_connection_may_be_silent_for_two_hours() {
    let (frame, idle) = (Duration::from_secs(30), Duration::from_secs(7200));
    assert_eq!(Deadlines::default(), Deadlines { frame, idle });
}
