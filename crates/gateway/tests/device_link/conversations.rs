//! What a device may say and what it hears: reason codes, for MQTT 5 and 3.1.1.

use std::num::NonZeroU32;

use homing_apns::Expiration;
use homing_link::{
    Ack, ConnectProperties, Delivery, Packet, PacketId, Publish, PublishProperties, Qos, ReasonCode,
    Subscribe, SubscribeFilter, SubscribeFilters, SubscribeProperties, Version,
};
use homing_testkit::device::TestDevice;
use homing_trace::Stage;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::house::{BUNDLE, ENROLMENT_KEY, House, NEWS, OTHER_BUNDLE, leave};
use crate::raw::{Raw, connect, dial};

const ONE: PacketId = PacketId::MIN;

/// Enrols over the raw door, since the device's secret is needed here.
async fn enrolled(house: &House) -> (String, String) {
    let body = format!("{{\"enrolment_key\":\"{ENROLMENT_KEY}\"}}");
    let answer = crate::doors::ask(house, "POST /devices", "", &body).await;
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let enrolment: homing_link::Enrolment = serde_json::from_str(body).expect(body);
    (enrolment.device_id.to_string(), enrolment.secret)
}

async fn raw(house: &House, version: Version) -> Raw<TlsStream<TcpStream>> {
    Raw::new(dial(&house.gateway, Some(b"mqtt")).await, version)
}

/// A raw connection of a new device.
async fn arrived(
    house: &House,
    version: Version,
    properties: ConnectProperties<'_>,
) -> Raw<TlsStream<TcpStream>> {
    let (id, secret) = enrolled(house).await;
    let mut raw = raw(house, version).await;
    raw.say(&Packet::Connect(homing_link::Connect { properties, ..connect(version, &id, &id, &secret) }))
        .await;
    let code = raw.hear(|packet| if let Packet::ConnAck(ack) = packet { Some(ack.code) } else { None }).await;
    assert_eq!(code, Some(Some(ReasonCode::Success)));
    raw
}

fn publish<'a>(topic: &'a str, payload: &'a [u8]) -> Packet<'a> {
    let delivery = Delivery::AtLeastOnce { packet_id: ONE, dup: false };
    let properties = PublishProperties::default();
    Packet::Publish(Publish {
        topic,
        delivery,
        retain: false,
        properties,
        payload: homing_link::Opaque(payload),
    })
}

#[tokio::test]
async fn connack_says_what_the_push_service_is() {
    let house = House::start(1).await;
    let (id, secret) = enrolled(&house).await;
    let mut raw = raw(&house, Version::V5).await;
    raw.say(&Packet::Connect(connect(Version::V5, "", &id, &secret))).await;
    let assigned = raw
        .hear(|packet| {
            let Packet::ConnAck(ack) = packet else { panic!("{packet:?}") };
            let said = &ack.properties;
            assert!(!ack.session_present && ack.code == ReasonCode::Success);
            assert_eq!(
                (said.session_expiry, said.maximum_qos, said.retain_available),
                (Some(0), Some(Qos::AtLeastOnce), Some(false))
            );
            assert_eq!(
                (said.shared_subscription_available, said.subscription_ids_available),
                (Some(false), Some(false))
            );
            assert_eq!((said.topic_alias_maximum, said.wildcard_subscription_available), (Some(0), None));
            assert_eq!(said.server_keep_alive, Some(60));
            said.assigned_client_id.map(str::to_owned)
        })
        .await;
    assert_eq!(assigned, Some(Some(id)));
    house.stop().await;
}

#[tokio::test]
async fn a_wrong_secret_and_anothers_client_id_are_refused_in_the_words_of_each_version() {
    let house = House::start(1).await;
    let (id, secret) = enrolled(&house).await;
    let cases = [
        (id.as_str(), id.as_str(), "wrong", 0x86, 4),
        (id.as_str(), "0000000000000000", secret.as_str(), 0x86, 4),
        (id.as_str(), "no id", secret.as_str(), 0x86, 4),
        ("0000000000000000", id.as_str(), secret.as_str(), 0x85, 2),
    ];
    for (client_id, username, password, code, return_code) in cases {
        for version in [Version::V5, Version::V311] {
            let mut raw = raw(&house, version).await;
            raw.say(&Packet::Connect(connect(version, client_id, username, password))).await;
            let said =
                raw.hear(
                    |packet| if let Packet::ConnAck(ack) = packet { ack.code } else { ReasonCode::Success },
                );
            let said = said.await.expect("an answer");
            match version {
                Version::V5 => assert_eq!(said.as_u8(), code),
                Version::V311 => assert_eq!(said.to_v311_return_code(), return_code),
            }
            assert_eq!(raw.hear_text().await, "closed");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn each_wrong_filter_gets_its_own_code() {
    let house = House::start(1).await;
    let own = NEWS.filter();
    let rival = format!("development/{OTHER_BUNDLE}/#");
    let other_environment = format!("production/{BUNDLE}/#");
    let single = format!("development/{BUNDLE}/notification");
    let filters = [
        SubscribeFilter::at(Qos::AtLeastOnce, "#"),
        SubscribeFilter::at(Qos::AtLeastOnce, &single),
        SubscribeFilter::at(Qos::AtMostOnce, &own),
        SubscribeFilter::at(Qos::AtLeastOnce, &rival),
        SubscribeFilter::at(Qos::AtLeastOnce, &other_environment),
        SubscribeFilter::at(Qos::AtLeastOnce, "development/unheard.of/#"),
        SubscribeFilter::at(Qos::ExactlyOnce, &own),
    ];
    for (version, codes) in [
        (Version::V5, [0x8f, 0x8f, 0x83, 0x87, 0x87, 0x87, 0x01]),
        (Version::V311, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
    ] {
        let mut raw = arrived(&house, version, ConnectProperties::default()).await;
        let filters = SubscribeFilters::new(&filters);
        raw.say(&Packet::Subscribe(Subscribe {
            packet_id: ONE,
            filters,
            properties: SubscribeProperties::default(),
        }))
        .await;
        let said = raw.hear(|packet| {
            let Packet::SubAck(ack) = packet else { panic!("{packet:?}") };
            (ack.codes.to_vec(), ack.properties.reason_string.map(str::to_owned))
        });
        let (said, reason) = said.await.expect("an answer");
        assert_eq!(said, codes);
        assert_eq!(reason.as_deref(), (version == Version::V5).then_some("subscribe at QoS 1"));
        // After SUBACK comes the token.
        let topic = raw.hear(|packet| {
            if let Packet::Publish(publish) = packet { publish.topic.to_owned() } else { String::new() }
        });
        assert_eq!(topic.await.as_deref(), Some(format!("development/{BUNDLE}/token").as_str()));
    }
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_wants_no_reason_strings_gets_none() {
    let house = House::start(1).await;
    let properties =
        ConnectProperties { request_problem_information: Some(false), ..ConnectProperties::default() };
    let mut raw = arrived(&house, Version::V5, properties).await;
    let own = NEWS.filter();
    let filters = [SubscribeFilter::at(Qos::AtMostOnce, &own)];
    let filters = SubscribeFilters::new(&filters);
    raw.say(&Packet::Subscribe(Subscribe {
        packet_id: ONE,
        filters,
        properties: SubscribeProperties::default(),
    }))
    .await;
    let said = raw.hear(|packet| {
        let Packet::SubAck(ack) = packet else { panic!("{packet:?}") };
        (ack.codes.to_vec(), ack.properties.reason_string.is_some())
    });
    assert_eq!(said.await, Some((vec![0x83], false)));
    house.stop().await;
}

#[tokio::test]
async fn a_device_may_end_what_its_enrolment_lists_no_more() {
    let house = House::start(1).await;
    let device = TestDevice::enrol(&house.link, ENROLMENT_KEY).await.expect("admitted");
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    leave(connection).await;
    house.list_apps(&[]).await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    connection.unsubscribe(&NEWS).await.expect("its own registration");
    house.send(&token, Expiration::Once, "{}").await.expect_err("unregistered");
    house.stop().await;
}

#[tokio::test]
async fn publishing_elsewhere_is_refused_and_the_device_state_is_taken() {
    let house = House::start(1).await;
    let mut raw = arrived(&house, Version::V5, ConnectProperties::default()).await;
    let notification = format!("development/{BUNDLE}/notification");
    for (topic, payload, code, word) in [
        ("device/state", &b"{\"low_power\":true}"[..], ReasonCode::Success, ""),
        ("device/state", b"{\"low_power\":true,\"battery\":{\"percent\":7}}", ReasonCode::Success, ""),
        ("device/state", b"{}", ReasonCode::Success, ""),
        ("device/state", b"low", ReasonCode::PayloadFormatInvalid, "low_power"),
        ("device/state", b"[true]", ReasonCode::PayloadFormatInvalid, "low_power"),
        ("device/state", b"{\"low_power\":1}", ReasonCode::PayloadFormatInvalid, "low_power"),
        ("any/where", b"", ReasonCode::NotAuthorized, "device/state"),
        (&notification, b"{}", ReasonCode::NotAuthorized, "receipt"),
        (&NEWS.receipt_topic(), b"no receipt", ReasonCode::PayloadFormatInvalid, "apns_id"),
    ] {
        raw.say(&publish(topic, payload)).await;
        let said = raw.hear(|packet| {
            let Packet::PubAck(ack) = packet else { panic!("{packet:?}") };
            (ack.code, ack.properties.reason_string.map(str::to_owned))
        });
        let (said, why) = said.await.expect("an answer");
        assert_eq!((said, why.is_some()), (code, code != ReasonCode::Success), "{topic}");
        assert!(why.unwrap_or_default().contains(word), "{topic}");
    }
    for properties in [
        ConnectProperties { request_problem_information: Some(false), ..ConnectProperties::default() },
        ConnectProperties { maximum_packet_size: NonZeroU32::new(64), ..ConnectProperties::default() },
    ] {
        let mut raw = arrived(&house, Version::V5, properties).await;
        raw.say(&publish("device/state", b"low")).await;
        let said = raw.hear(|packet| {
            if let Packet::PubAck(ack) = packet { ack.properties.reason_string.is_none() } else { false }
        });
        assert_eq!(said.await, Some(true), "without words");
    }
    // It can be told nothing, and would only send it again.
    let mut raw = arrived(&house, Version::V311, ConnectProperties::default()).await;
    raw.say(&publish("device/state", b"low")).await;
    let said = raw.hear(|packet| matches!(packet, Packet::PubAck(_)));
    assert_eq!(said.await, Some(true));
    let mut raw = arrived(&house, Version::V311, ConnectProperties::default()).await;
    raw.say(&publish("any/where", b"")).await;
    assert_eq!(raw.hear_text().await, "closed");
    house.stop().await;
}

#[tokio::test]
async fn what_is_no_mqtt_is_closed_with_the_right_word() {
    let house = House::start(1).await;
    let mut stranger = raw(&house, Version::V5).await;
    stranger.say_bytes(b"\x00\x01garbage").await;
    assert_eq!(stranger.hear_text().await, "closed");
    let mut old = raw(&house, Version::V311).await;
    old.say_bytes(b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00").await;
    let code =
        old.hear(|packet| if let Packet::ConnAck(ack) = packet { ack.code.to_v311_return_code() } else { 0 });
    assert_eq!(code.await, Some(1));
    for (bytes, code) in [
        (&b"\x00\x00"[..], ReasonCode::MalformedPacket),
        (b"\x30\xff\xff\xff\x7f", ReasonCode::PacketTooLarge),
        (b"\xc0\x01\x00", ReasonCode::MalformedPacket),
        (b"\xd0\x00", ReasonCode::ProtocolError),
        (b"\x34\x08\x00\x03a/b\x00\x01\x00", ReasonCode::QosNotSupported),
    ] {
        let mut raw = arrived(&house, Version::V5, ConnectProperties::default()).await;
        raw.say_bytes(bytes).await;
        let said =
            raw.hear(|packet| if let Packet::Disconnect(said) = packet { Some(said.code) } else { None });
        assert_eq!(said.await, Some(Some(code)), "{bytes:02x?}");
        assert_eq!(raw.hear_text().await, "closed");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_client_hears_why_it_was_closed_while_it_still_sends() {
    let house = House::start(1).await;
    let mut raw = arrived(&house, Version::V5, ConnectProperties::default()).await;
    // A PUBLISH of 256 MB is refused by its first bytes; the client goes on for a while.
    raw.say_bytes(b"\x32\xff\xff\xff\x7f\x00\x01a\x00\x01\x00").await;
    for _ in 0..24 {
        raw.say_bytes(&[b'x'; 64 << 10]).await;
        tokio::task::yield_now().await;
    }
    let said = raw.hear(|packet| if let Packet::Disconnect(said) = packet { Some(said.code) } else { None });
    assert_eq!(said.await, Some(Some(ReasonCode::PacketTooLarge)));
    house.stop().await;
}

#[tokio::test]
async fn what_a_client_would_not_take_or_refuses_is_discarded_and_said_why() {
    let house = House::start(1).await;
    let device = TestDevice::enrol(&house.link, ENROLMENT_KEY).await.expect("admitted");
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    let token = connection.subscribe(&NEWS).await.expect("its own app");
    let refused = house.send(&token, Expiration::Default, "{}").await.expect("accepted");
    let notification = connection.next_notification().await.expect("delivered");
    let nack = Ack { code: ReasonCode::QuotaExceeded, ..Ack::success(notification.packet_id) };
    connection.send(&Packet::PubAck(nack)).await.expect("still open");
    leave(connection).await;
    assert_eq!(house.end(&refused).await, (Stage::Discarded, Some("refused-by-device".to_owned())));

    let properties = ConnectProperties {
        maximum_packet_size: std::num::NonZeroU32::new(300),
        ..ConnectProperties::default()
    };
    let mut raw = arrived(&house, Version::V5, properties).await;
    let own = NEWS.filter();
    let filters = [SubscribeFilter::at(Qos::AtLeastOnce, &own)];
    let filters = SubscribeFilters::new(&filters);
    raw.say(&Packet::Subscribe(Subscribe {
        packet_id: ONE,
        filters,
        properties: SubscribeProperties::default(),
    }))
    .await;
    raw.hear(|packet| assert!(matches!(packet, Packet::SubAck(_)))).await;
    let token = raw.hear(|packet| {
        let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
        String::from_utf8_lossy(publish.payload.0).into_owned()
    });
    let token = token.await.expect("a token");
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(300));
    let large = house.send(&token, Expiration::Default, &large).await.expect("accepted");
    house.send(&token, Expiration::Default, "{}").await.expect("accepted");
    raw.hear(|packet| assert!(matches!(packet, Packet::Publish(publish) if publish.payload.0 == b"{}")))
        .await;
    assert_eq!(house.end(&large).await, (Stage::Discarded, Some("too-large-for-device".to_owned())));
    house.stop().await;
}
