//! Each packet of both versions, written by hand from the specifications, byte by byte.

use std::num::{NonZeroU16, NonZeroU32};

use homing_link::*;

const MQTT5: &str = include_str!("../goldens/mqtt5.hex");
const MQTT311: &str = include_str!("../goldens/mqtt311.hex");
const ID: &str = "0123456789abcdef";

/// Name and bytes of each example in a file.
fn examples(file: &str) -> Vec<(&str, Vec<u8>)> {
    let mut examples: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in file.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            examples.push((name, Vec::new()));
        } else if let Some((_, bytes)) = examples.last_mut() {
            let hex = line.split('#').next().unwrap_or_default();
            bytes.extend(
                hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits")),
            );
        }
    }
    examples
}

fn check(file: &str, version: Version, packets: &[(&str, Packet<'_>)]) {
    let examples = examples(file);
    let names: Vec<_> = examples.iter().map(|example| example.0).collect();
    assert_eq!(names, packets.iter().map(|packet| packet.0).collect::<Vec<_>>());
    for ((name, bytes), (_, packet)) in examples.iter().zip(packets) {
        let mut encoded = Vec::new();
        encode(packet, version, &mut encoded).expect("it can be written");
        assert_eq!(&encoded, bytes, "{name}: encoded");
        assert_eq!(decode(bytes, version, bytes.len()), Ok(Some((*packet, bytes.len()))), "{name}: decoded");
    }
}

fn id(id: u16) -> PacketId {
    PacketId::new(id).expect("ids here are not zero")
}

fn ack(packet_id: u16, code: ReasonCode) -> Ack<'static> {
    Ack { code, ..Ack::success(id(packet_id)) }
}

fn connect(version: Version) -> Connect<'static> {
    Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id: ID,
        username: Some(ID),
        password: Some("a secret's text".into()),
        will: None,
        properties: ConnectProperties::default(),
    }
}

fn connects_of_5() -> [Packet<'static>; 2] {
    let plain = Connect {
        properties: ConnectProperties {
            session_expiry: Some(0),
            receive_maximum: NonZeroU16::new(16),
            maximum_packet_size: NonZeroU32::new(8192),
            ..ConnectProperties::default()
        },
        ..connect(Version::V5)
    };
    let will = Will {
        topic: "w",
        payload: "!".into(),
        qos: Qos::AtLeastOnce,
        retain: true,
        properties: WillProperties {
            delay: Some(5),
            payload_is_text: Some(true),
            message_expiry: Some(60),
            content_type: Some("t"),
            response_topic: Some("r"),
            correlation_data: Some(Opaque(&[0, 0xff])),
            user: UserProperties::new(&[("k", "v")]),
        },
    };
    let with_will = Connect {
        clean_start: false,
        keep_alive: 0,
        client_id: "",
        username: None,
        password: None,
        will: Some(will),
        properties: ConnectProperties {
            authentication_method: Some("key"),
            authentication_data: Some(Opaque(&[])),
            ..ConnectProperties::default()
        },
        ..connect(Version::V5)
    };
    [Packet::Connect(plain), Packet::Connect(with_will)]
}

fn conn_acks_of_5() -> [Packet<'static>; 2] {
    let accepted = ConnAckProperties {
        session_expiry: Some(0),
        receive_maximum: NonZeroU16::new(16),
        maximum_qos: Some(Qos::AtLeastOnce),
        retain_available: Some(false),
        maximum_packet_size: NonZeroU32::new(8192),
        assigned_client_id: Some(ID),
        topic_alias_maximum: Some(0),
        wildcard_subscription_available: Some(true),
        subscription_ids_available: Some(false),
        shared_subscription_available: Some(false),
        server_keep_alive: Some(300),
        response_information: Some(""),
        server_reference: Some("n:1"),
        ..ConnAckProperties::default()
    };
    let refused = ConnAckProperties { reason_string: Some("wrong secret: "), ..ConnAckProperties::default() };
    [(ReasonCode::Success, accepted), (ReasonCode::BadUserNameOrPassword, refused)]
        .map(|(code, properties)| Packet::ConnAck(ConnAck { session_present: false, code, properties }))
}

fn publishes_of_5(ids: &[SubscriptionId]) -> [Packet<'_>; 2] {
    const HEAD: &[(&str, &str)] = &[
        ("seq", "18446744073709551615"),
        ("apns-id", "9B"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
    ];
    let notification = Publish {
        topic: "development/x",
        delivery: Delivery::AtLeastOnce { packet_id: id(7), dup: true },
        retain: false,
        properties: PublishProperties {
            message_expiry: Some(60),
            user: UserProperties::new(HEAD),
            ..PublishProperties::default()
        },
        payload: "{}".into(),
    };
    let by_alias = Publish {
        topic: "",
        delivery: Delivery::AtMostOnce,
        retain: true,
        properties: PublishProperties {
            payload_is_text: Some(false),
            topic_alias: NonZeroU16::new(5),
            response_topic: Some("r"),
            subscription_ids: SubscriptionIds::new(ids),
            content_type: Some("t"),
            ..PublishProperties::default()
        },
        payload: "!".into(),
    };
    [Packet::Publish(notification), Packet::Publish(by_alias)]
}

fn subscriptions_of_5() -> [Packet<'static>; 4] {
    const SECOND: SubscribeFilter<'_> = SubscribeFilter {
        filter: "a",
        qos: Qos::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    const WISHES: &[SubscribeFilter<'_>] =
        &[SubscribeFilter::at(Qos::AtLeastOnce, "development/x/#"), SECOND];
    let reason = AckProperties { reason_string: Some("use QoS 1"), ..AckProperties::default() };
    [
        Packet::Subscribe(Subscribe {
            packet_id: id(2),
            filters: SubscribeFilters::new(WISHES),
            properties: SubscribeProperties {
                subscription_id: SubscriptionId::new(128),
                user: UserProperties::new(&[("k", "v")]),
            },
        }),
        Packet::SubAck(SubAck { packet_id: id(2), codes: &[0x01, 0x8f, 0x83], properties: reason }),
        Packet::Unsubscribe(unsubscribe()),
        Packet::UnsubAck(UnsubAck {
            packet_id: id(3),
            codes: &[0x00, 0x11],
            properties: AckProperties::default(),
        }),
    ]
}

fn unsubscribe() -> Unsubscribe<'static> {
    Unsubscribe {
        packet_id: id(3),
        filters: UnsubscribeFilters::new(&["development/x/#"]),
        properties: UnsubscribeProperties::default(),
    }
}

#[test]
fn every_packet_of_mqtt_5_stands_as_written_down() {
    let ids = [1, 268_435_455].map(|id| SubscriptionId::new(id).unwrap());
    let [connect, connect_with_will] = connects_of_5();
    let [connack, refusing_connack] = conn_acks_of_5();
    let [publish, by_alias] = publishes_of_5(&ids);
    let [subscribe, suback, unsubscribe, unsuback] = subscriptions_of_5();
    let other = AckProperties { reason_string: Some("other"), ..AckProperties::default() };
    let refused = Ack { properties: other, ..ack(0xffff, ReasonCode::NotAuthorized) };
    let moved = DisconnectProperties {
        session_expiry: Some(1),
        server_reference: Some("n:1"),
        ..DisconnectProperties::default()
    };
    let auth = AuthProperties {
        authentication_method: Some("key"),
        authentication_data: Some(Opaque(&[0])),
        ..AuthProperties::default()
    };
    check(
        MQTT5,
        Version::V5,
        &[
            ("connect", connect),
            ("connect with will", connect_with_will),
            ("connack", connack),
            ("refusing connack", refusing_connack),
            ("publish", publish),
            ("publish by alias", by_alias),
            ("puback", Packet::PubAck(ack(7, ReasonCode::Success))),
            ("refusing puback", Packet::PubAck(refused)),
            ("pubrec", Packet::PubRec(ack(1, ReasonCode::NoMatchingSubscribers))),
            ("pubrel", Packet::PubRel(ack(1, ReasonCode::Success))),
            ("pubcomp", Packet::PubComp(ack(1, ReasonCode::PacketIdNotFound))),
            ("subscribe", subscribe),
            ("suback", suback),
            ("unsubscribe", unsubscribe),
            ("unsuback", unsuback),
            ("pingreq", Packet::PingReq),
            ("pingresp", Packet::PingResp),
            ("disconnect", Packet::Disconnect(Disconnect::with(ReasonCode::Success))),
            ("disconnect with code", Packet::Disconnect(Disconnect::with(ReasonCode::SessionTakenOver))),
            (
                "disconnect with properties",
                Packet::Disconnect(Disconnect { code: ReasonCode::UseAnotherServer, properties: moved }),
            ),
            ("auth", Packet::Auth(Auth { code: ReasonCode::ContinueAuthentication, properties: auth })),
        ],
    );
}

#[test]
fn every_packet_of_mqtt_3_1_1_stands_as_written_down() {
    const WISHES: &[SubscribeFilter<'_>] = &[
        SubscribeFilter::at(Qos::AtLeastOnce, "development/x/#"),
        SubscribeFilter::at(Qos::ExactlyOnce, "a"),
    ];
    let plain =
        Connect { username: Some("device-1"), password: Some("key".into()), ..connect(Version::V311) };
    let will = Will {
        topic: "w",
        payload: "!".into(),
        qos: Qos::ExactlyOnce,
        retain: false,
        properties: WillProperties::default(),
    };
    let with_will =
        Connect { keep_alive: 0, client_id: "", username: None, password: None, will: Some(will), ..plain };
    let [connack, refusing_connack] = [ReasonCode::Success, ReasonCode::BadUserNameOrPassword].map(|code| {
        Packet::ConnAck(ConnAck { session_present: false, code, properties: ConnAckProperties::default() })
    });
    let publish = Publish {
        topic: "development/x/notification/18446744073709551615/9B",
        delivery: Delivery::AtLeastOnce { packet_id: id(7), dup: false },
        retain: false,
        properties: PublishProperties::default(),
        payload: "{}".into(),
    };
    let subscribe = Subscribe {
        packet_id: id(2),
        filters: SubscribeFilters::new(WISHES),
        properties: SubscribeProperties::default(),
    };
    let suback = SubAck { packet_id: id(2), codes: &[0x01, 0x80], properties: AckProperties::default() };
    let unsuback = UnsubAck { packet_id: id(3), codes: &[], properties: AckProperties::default() };
    check(
        MQTT311,
        Version::V311,
        &[
            ("connect", Packet::Connect(plain)),
            ("connect with will", Packet::Connect(with_will)),
            ("connack", connack),
            ("refusing connack", refusing_connack),
            ("publish", Packet::Publish(publish)),
            ("puback", Packet::PubAck(ack(7, ReasonCode::Success))),
            ("pubrec", Packet::PubRec(ack(1, ReasonCode::Success))),
            ("pubrel", Packet::PubRel(ack(1, ReasonCode::Success))),
            ("pubcomp", Packet::PubComp(ack(1, ReasonCode::Success))),
            ("subscribe", Packet::Subscribe(subscribe)),
            ("suback", Packet::SubAck(suback)),
            ("unsubscribe", Packet::Unsubscribe(unsubscribe())),
            ("unsuback", Packet::UnsubAck(unsuback)),
            ("pingreq", Packet::PingReq),
            ("pingresp", Packet::PingResp),
            ("disconnect", Packet::Disconnect(Disconnect::with(ReasonCode::Success))),
        ],
    );
}
