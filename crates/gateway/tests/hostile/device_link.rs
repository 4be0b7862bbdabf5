//! What is done to the device link.

use std::time::Duration;

use homing_link::{
    Connect, ConnectProperties, Delivery, Opaque, Packet, PacketId, Publish, PublishProperties, Qos,
    Subscribe, SubscribeFilter, SubscribeFilters, SubscribeProperties, Version, encode,
};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::house::ENROLMENT_KEY;
use crate::{ATTACK, Ended, Good, flood, is_closed, tls};

const MANY: usize = 4;

/// A CONNECT of a device that was enrolled for it.
async fn enrolled(good: &Good) -> Vec<u8> {
    enrolled_as(good, Version::V5, 60).await
}

async fn enrolled_as(good: &Good, version: Version, keep_alive: u16) -> Vec<u8> {
    let device = good.house.gateway.store().enrol(ENROLMENT_KEY).await.expect("the key admits devices");
    let id = homing_link::DeviceId(device.device).to_string();
    let connect = Packet::Connect(Connect {
        version,
        clean_start: true,
        keep_alive,
        client_id: &id,
        username: Some(&id),
        password: Some(Opaque(device.secret.as_bytes())),
        will: None,
        properties: ConnectProperties::default(),
    });
    let mut bytes = Vec::new();
    encode(&connect, version, &mut bytes).expect("it can be written");
    bytes
}

fn written(packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(packet, Version::V5, &mut bytes).expect("it can be written");
    bytes
}

/// Devices that say the same again and again, and read nothing.
async fn attack(good: &mut Good, what: &str, said: Vec<u8>, lasts: Duration) -> Vec<Ended> {
    let mut attackers = JoinSet::new();
    for _ in 0..MANY {
        let connect = enrolled(good).await;
        let mut stream = tls(&good.house.gateway, good.device_port(), b"mqtt").await;
        stream.write_all(&connect).await.expect("still open");
        let many = said.repeat(200);
        attackers.spawn(flood(stream, lasts, move || many.clone()));
    }
    good.under(what, attackers).await
}

#[tokio::test]
async fn a_device_that_asks_and_does_not_read_is_not_listened_to() {
    let mut good = Good::start().await;
    // Until all that lies between is full.
    let long = Duration::from_secs(60);
    let ends = attack(&mut good, "PINGREQ flood", written(&Packet::PingReq), long).await;
    assert!(!ends.contains(&Ended::Taken), "{ends:?}");
    let wish = [SubscribeFilter::at(Qos::AtLeastOnce, "any/where/#")];
    let foreign = written(&Packet::Subscribe(Subscribe {
        packet_id: PacketId::MIN,
        filters: SubscribeFilters::new(&wish),
        properties: SubscribeProperties::default(),
    }));
    attack(&mut good, "SUBSCRIBE flood", foreign, ATTACK).await;
    let elsewhere = written(&Packet::Publish(Publish {
        topic: "any/where",
        delivery: Delivery::AtLeastOnce { packet_id: PacketId::MIN, dup: false },
        retain: false,
        properties: PublishProperties::default(),
        payload: Opaque(&[b'x'; 1024]),
    }));
    attack(&mut good, "PUBLISH flood", elsewhere, ATTACK).await;
    let state = |payload| {
        written(&Packet::Publish(Publish {
            topic: "device/state",
            delivery: Delivery::AtLeastOnce { packet_id: PacketId::MIN, dup: false },
            retain: false,
            properties: PublishProperties::default(),
            payload: Opaque(payload),
        }))
    };
    let wavering = [state(br#"{"low_power":true}"#), state(br#"{"low_power":false}"#)].concat();
    attack(&mut good, "a device that can't make up its mind", wavering, ATTACK).await;
    good.house.stop().await;
}

#[tokio::test]
async fn a_device_that_reads_nothing_is_let_go_of_though_it_has_no_keep_alive_and_owes_nothing() {
    let mut good = Good::start().await;
    let connect = enrolled_as(&good, Version::V311, 0).await;
    let mut stream = tls(&good.house.gateway, good.device_port(), b"mqtt").await;
    stream.write_all(&connect).await.expect("still open");
    let many = written(&Packet::PingReq).repeat(8 * 1024);
    let asking = async { while stream.write_all(&many).await.is_ok() {} };
    timeout(Duration::from_secs(60), asking).await.expect("the push service closes it");
    good.is_served().await;
    good.house.stop().await;
}

#[tokio::test]
async fn half_a_packet_is_waited_for_only_so_long_and_a_huge_one_not_at_all() {
    let mut good = Good::start().await;
    let connect = enrolled(&good).await;
    let mut waited_for = Vec::new();
    for half in [&[][..], &connect[..1], &connect[..connect.len() / 2]] {
        let mut stream = tls(&good.house.gateway, good.device_port(), b"mqtt").await;
        stream.write_all(half).await.expect("still open");
        waited_for.push(stream);
    }
    // A CONNECT of 256 MB, and a packet of as many from a device that is known.
    let mut huge = tls(&good.house.gateway, good.device_port(), b"mqtt").await;
    huge.write_all(b"\x10\xff\xff\xff\x7f").await.expect("still open");
    is_closed(huge).await;
    let mut huge = tls(&good.house.gateway, good.device_port(), b"mqtt").await;
    huge.write_all(&[&connect[..], b"\x30\xff\xff\xff\x7f"].concat()).await.expect("still open");
    is_closed(huge).await;
    good.is_served().await;
    for stream in waited_for {
        is_closed(stream).await;
    }
    good.is_served().await;
    good.house.stop().await;
}
