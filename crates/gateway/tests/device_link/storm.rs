//! Devices come and go at random while their notifications are sent: each accepted one must account for itself.

use homing_apns::Expiration;
use homing_link::Version;
use homing_testkit::device::{Connection, TestDevice};
use homing_trace::{Reason, Stage};

use crate::house::{House, NEWS, leave};

const DEVICES: usize = 6;
const VISITS: usize = 12;
const SENT: usize = 600;

/// A small generator (Knuth's MMIX constants), so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

async fn arrive(device: &TestDevice) -> (Connection, String) {
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    (connection, token)
}

/// Comes, takes a few, acknowledges most, and goes in one way or another.
async fn visit(device: &TestDevice, dice: &mut Dice) {
    let (mut connection, _) = arrive(device).await;
    let mut last = 0;
    for _ in 0..dice.below(12) {
        let patience = std::time::Duration::from_millis(50);
        let Ok(next) = tokio::time::timeout(patience, connection.notification()).await else { break };
        let notification = next.expect("nobody else speaks for this device");
        assert!(notification.seq > last, "in order");
        last = notification.seq;
        if dice.below(5) > 0 {
            connection.ack(notification.packet_id).await.expect("still open");
        }
    }
    if dice.below(2) == 0 {
        leave(connection).await;
    }
}

#[tokio::test]
async fn whatever_devices_do_each_accepted_notification_has_an_end() {
    let house = House::start(2).await;
    let (mut devices, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..DEVICES {
        let device = house.enrol().await;
        let (connection, token) = arrive(&device).await;
        leave(connection).await;
        devices.push(device);
        tokens.push(token);
    }
    let visits = devices.iter().cloned().zip(1..).map(|(device, seed)| {
        tokio::spawn(async move {
            let mut dice = Dice(seed);
            for _ in 0..VISITS {
                visit(&device, &mut dice).await;
            }
        })
    });
    let visits: Vec<_> = visits.collect();
    let mut dice = Dice(99);
    let mut accepted = Vec::new();
    for _ in 0..SENT {
        let expiration = if dice.below(3) == 0 { Expiration::Once } else { Expiration::Default };
        let token = &tokens[dice.below(DEVICES)];
        accepted.push(house.send(token, expiration, "{}").await.expect("accepted"));
    }
    for visit in visits {
        visit.await.expect("no device was surprised");
    }
    for (device, token) in devices.iter().zip(&tokens) {
        let (mut connection, same) = arrive(device).await;
        assert_eq!(same, *token);
        let last = house.send(token, Expiration::Default, "{}").await.expect("accepted");
        loop {
            let notification = connection.next_notification().await.expect("delivered");
            crate::acknowledge(&mut connection, notification.packet_id).await;
            if notification.apns_id == last {
                break;
            }
        }
        leave(connection).await;
    }
    for apns_id in &accepted {
        let trace = house.trace(apns_id).await;
        let ends = trace.events.iter().any(|event| match event.stage {
            Stage::Acknowledged | Stage::Replaced => true,
            Stage::Discarded => event.reason == Some(Reason::DEVICE_AWAY),
            Stage::Accepted
            | Stage::Refused
            | Stage::Stored
            | Stage::Expired
            | Stage::Sent
            | Stage::Displayed
            | Stage::Suppressed
            | Stage::Opened
            | Stage::Dismissed
            | Stage::Action
            | Stage::Injected => false,
        });
        assert!(ends, "{trace:?}");
    }
    house.stop().await;
}
