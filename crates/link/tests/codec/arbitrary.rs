//! Any packet of either version. Strings live for ever: a test may.

use homing_link::*;
use proptest::prelude::*;
use proptest::{collection, option};

pub(crate) fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V311), Just(Version::V5)]
}

fn keep<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

fn text() -> impl Strategy<Value = &'static str> {
    "[^\\x00-\\x1f\\x7f-\\x9f\u{fdd0}-\u{fdef}\u{fffe}\u{ffff}]{0,12}"
        .prop_map(|text| keep(text.into_boxed_str()))
}

fn topic_name() -> impl Strategy<Value = &'static str> {
    "[a-z/@.]{1,20}".prop_map(|text| keep(text.into_boxed_str()))
}

fn filter() -> impl Strategy<Value = &'static str> {
    "([a-z]{1,5}|\\+)(/[a-z@.]{1,8}|/\\+){0,3}(/#)?".prop_map(|text| keep(text.into_boxed_str()))
}

fn opaque() -> impl Strategy<Value = Opaque<'static>> {
    collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Opaque(keep(bytes.into_boxed_slice())))
}

fn packet_id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_filter_map("never zero", PacketId::new)
}

fn qos() -> impl Strategy<Value = Qos> {
    prop_oneof![Just(Qos::AtMostOnce), Just(Qos::AtLeastOnce), Just(Qos::ExactlyOnce)]
}

/// Codes which the specification allows in the packet, so that stricter codecs take them too.
fn code(allowed: &'static [u8]) -> impl Strategy<Value = ReasonCode> {
    proptest::sample::select(allowed).prop_map(ReasonCode::from_u8)
}

fn user() -> impl Strategy<Value = UserProperties<'static>> {
    collection::vec((text(), text()), 0..4)
        .prop_map(|pairs| UserProperties::new(keep(pairs.into_boxed_slice())))
}

fn connect_properties() -> impl Strategy<Value = ConnectProperties<'static>> {
    (
        any::<(Option<u32>, Option<std::num::NonZeroU16>, Option<std::num::NonZeroU32>, Option<u16>)>(),
        any::<(Option<bool>, Option<bool>)>(),
        user(),
        option::of((text(), option::of(opaque()))),
    )
        .prop_map(|(numbers, flags, user, authentication)| ConnectProperties {
            session_expiry: numbers.0,
            receive_maximum: numbers.1,
            maximum_packet_size: numbers.2,
            topic_alias_maximum: numbers.3,
            request_response_information: flags.0,
            request_problem_information: flags.1,
            user,
            authentication_method: authentication.map(|pair| pair.0),
            authentication_data: authentication.and_then(|pair| pair.1),
        })
}

fn will(version: Version) -> impl Strategy<Value = Will<'static>> {
    let properties = (
        any::<(Option<u32>, Option<u32>)>(),
        option::of(text()),
        option::of(topic_name()),
        option::of(opaque()),
        user(),
    )
        .prop_map(|(numbers, content_type, response_topic, correlation_data, user)| WillProperties {
            delay: numbers.0,
            payload_is_text: None,
            message_expiry: numbers.1,
            content_type,
            response_topic,
            correlation_data,
            user,
        });
    (topic_name(), opaque(), qos(), any::<bool>(), properties).prop_map(
        move |(topic, payload, qos, retain, properties)| Will {
            topic,
            payload,
            qos,
            retain,
            properties: if version == Version::V5 { properties } else { WillProperties::default() },
        },
    )
}

fn connect(version: Version) -> impl Strategy<Value = Connect<'static>> {
    (
        any::<(bool, u16)>(),
        "[a-z0-9]{1,20}".prop_map(|text| keep(text.into_boxed_str())),
        option::of(text()),
        option::of(opaque()),
        option::of(will(version)),
        connect_properties(),
    )
        .prop_map(move |((clean_start, keep_alive), client_id, username, password, will, properties)| {
            Connect {
                version,
                clean_start,
                keep_alive,
                client_id,
                username,
                password: password.filter(|_| version == Version::V5 || username.is_some()),
                will,
                properties: if version == Version::V5 { properties } else { ConnectProperties::default() },
            }
        })
}

fn conn_ack(version: Version) -> impl Strategy<Value = ConnAck<'static>> {
    const V5: &[u8] =
        &[0x00, 0x80, 0x81, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x95, 0x97, 0x9c, 0x9d, 0x9f];
    const V311: &[u8] = &[0x00, 0x84, 0x85, 0x86, 0x87, 0x88];
    let properties = (
        any::<(
            Option<u32>,
            Option<std::num::NonZeroU16>,
            Option<std::num::NonZeroU32>,
            Option<u16>,
            Option<u16>,
        )>(),
        option::of(prop_oneof![Just(Qos::AtMostOnce), Just(Qos::AtLeastOnce)]),
        any::<[Option<bool>; 4]>(),
        [option::of(text()), option::of(text()), option::of(text()), option::of(text())],
        option::of((text(), option::of(opaque()))),
        user(),
    )
        .prop_map(|(numbers, maximum_qos, flags, texts, authentication, user)| ConnAckProperties {
            session_expiry: numbers.0,
            receive_maximum: numbers.1,
            maximum_qos,
            retain_available: flags[0],
            maximum_packet_size: numbers.2,
            assigned_client_id: texts[0],
            topic_alias_maximum: numbers.3,
            reason_string: texts[1],
            user,
            wildcard_subscription_available: flags[1],
            subscription_ids_available: flags[2],
            shared_subscription_available: flags[3],
            server_keep_alive: numbers.4,
            response_information: texts[2],
            server_reference: texts[3],
            authentication_method: authentication.map(|pair| pair.0),
            authentication_data: authentication.and_then(|pair| pair.1),
        });
    let codes = if version == Version::V5 { V5 } else { V311 };
    (any::<bool>(), code(codes), properties).prop_map(move |(session_present, code, properties)| ConnAck {
        session_present: session_present && code == ReasonCode::Success,
        code,
        properties: if version == Version::V5 { properties } else { ConnAckProperties::default() },
    })
}

fn publish(version: Version) -> impl Strategy<Value = Publish<'static>> {
    let properties = (
        any::<(Option<bool>, Option<u32>, Option<std::num::NonZeroU16>)>(),
        option::of(topic_name()),
        option::of(opaque()),
        option::of(text()),
        user(),
        collection::vec((1_u32..1 << 28).prop_filter_map("in range", SubscriptionId::new), 0..3),
    )
        .prop_map(|(numbers, response_topic, correlation_data, content_type, user, ids)| {
            PublishProperties {
                payload_is_text: numbers.0,
                message_expiry: numbers.1,
                topic_alias: numbers.2,
                response_topic,
                correlation_data,
                user,
                subscription_ids: SubscriptionIds::new(keep(ids.into_boxed_slice())),
                content_type,
            }
        });
    let delivery = (qos(), packet_id(), any::<bool>()).prop_map(|(qos, packet_id, dup)| match qos {
        Qos::AtMostOnce => Delivery::AtMostOnce,
        Qos::AtLeastOnce => Delivery::AtLeastOnce { packet_id, dup },
        Qos::ExactlyOnce => Delivery::ExactlyOnce { packet_id, dup },
    });
    (topic_name(), delivery, any::<bool>(), properties, opaque()).prop_map(
        move |(topic, delivery, retain, properties, payload)| Publish {
            topic,
            delivery,
            retain,
            properties: if version == Version::V5 { properties } else { PublishProperties::default() },
            payload,
        },
    )
}

fn ack_properties(version: Version) -> impl Strategy<Value = AckProperties<'static>> {
    (option::of(text()), user()).prop_map(move |(reason_string, user)| match version {
        Version::V311 => AckProperties::default(),
        Version::V5 => AckProperties { reason_string, user },
    })
}

fn ack(version: Version, codes: &'static [u8]) -> impl Strategy<Value = Ack<'static>> {
    let codes = if version == Version::V5 { codes } else { &[0] };
    (packet_id(), code(codes), ack_properties(version)).prop_map(|(packet_id, code, properties)| Ack {
        packet_id,
        code,
        properties,
    })
}

fn subscribe(version: Version) -> impl Strategy<Value = Subscribe<'static>> {
    let handling = prop_oneof![
        Just(RetainHandling::Send),
        Just(RetainHandling::SendIfNew),
        Just(RetainHandling::DoNotSend)
    ];
    let wish =
        (filter(), qos(), any::<(bool, bool)>(), handling).prop_map(move |(filter, qos, flags, handling)| {
            match version {
                Version::V311 => SubscribeFilter::at(qos, filter),
                Version::V5 => SubscribeFilter {
                    filter,
                    qos,
                    no_local: flags.0,
                    retain_as_published: flags.1,
                    retain_handling: handling,
                },
            }
        });
    let id = option::of((1_u32..1 << 28).prop_filter_map("in range", SubscriptionId::new));
    (packet_id(), collection::vec(wish, 1..4), id, user()).prop_map(move |(packet_id, wishes, id, user)| {
        Subscribe {
            packet_id,
            filters: SubscribeFilters::new(keep(wishes.into_boxed_slice())),
            properties: match version {
                Version::V311 => SubscribeProperties::default(),
                Version::V5 => SubscribeProperties { subscription_id: id, user },
            },
        }
    })
}

fn sub_ack(version: Version) -> impl Strategy<Value = SubAck<'static>> {
    const V5: &[u8] = &[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];
    let codes = proptest::sample::select(if version == Version::V5 { V5 } else { &[0, 1, 2, 0x80] });
    (packet_id(), collection::vec(codes, 1..5), ack_properties(version)).prop_map(
        |(packet_id, codes, properties)| SubAck {
            packet_id,
            codes: keep(codes.into_boxed_slice()),
            properties,
        },
    )
}

fn unsubscribe(version: Version) -> impl Strategy<Value = Unsubscribe<'static>> {
    (packet_id(), collection::vec(filter(), 1..4), user()).prop_map(move |(packet_id, filters, user)| {
        Unsubscribe {
            packet_id,
            filters: UnsubscribeFilters::new(keep(filters.into_boxed_slice())),
            properties: match version {
                Version::V311 => UnsubscribeProperties::default(),
                Version::V5 => UnsubscribeProperties { user },
            },
        }
    })
}

fn unsub_ack(version: Version) -> impl Strategy<Value = UnsubAck<'static>> {
    let codes = proptest::sample::select(&[0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91][..]);
    (packet_id(), collection::vec(codes, 1..5), ack_properties(version)).prop_map(
        move |(packet_id, codes, properties)| UnsubAck {
            packet_id,
            codes: if version == Version::V5 { keep(codes.into_boxed_slice()) } else { &[] },
            properties,
        },
    )
}

fn disconnect(version: Version) -> impl Strategy<Value = Disconnect<'static>> {
    const CODES: &[u8] =
        &[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x93, 0x95, 0x98, 0x9c];
    (code(CODES), any::<Option<u32>>(), option::of(text()), option::of(text()), user()).prop_map(
        move |(code, session_expiry, reason_string, server_reference, user)| match version {
            Version::V311 => Disconnect::with(ReasonCode::Success),
            Version::V5 => Disconnect {
                code,
                properties: DisconnectProperties { session_expiry, reason_string, user, server_reference },
            },
        },
    )
}

fn auth() -> impl Strategy<Value = Auth<'static>> {
    (code(&[0x00, 0x18, 0x19]), text(), option::of(opaque()), option::of(text()), user()).prop_map(
        |(code, method, authentication_data, reason_string, user)| Auth {
            code,
            properties: AuthProperties {
                authentication_method: Some(method),
                authentication_data,
                reason_string,
                user,
            },
        },
    )
}

/// Any packet that can be written in this version.
pub(crate) fn packet(version: Version) -> BoxedStrategy<Packet<'static>> {
    const RECEIVED: &[u8] = &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
    const RELEASED: &[u8] = &[0x00, 0x92];
    let both = prop_oneof![
        connect(version).prop_map(Packet::Connect),
        conn_ack(version).prop_map(Packet::ConnAck),
        publish(version).prop_map(Packet::Publish),
        ack(version, RECEIVED).prop_map(Packet::PubAck),
        ack(version, RECEIVED).prop_map(Packet::PubRec),
        ack(version, RELEASED).prop_map(Packet::PubRel),
        ack(version, RELEASED).prop_map(Packet::PubComp),
        subscribe(version).prop_map(Packet::Subscribe),
        sub_ack(version).prop_map(Packet::SubAck),
        unsubscribe(version).prop_map(Packet::Unsubscribe),
        unsub_ack(version).prop_map(Packet::UnsubAck),
        Just(Packet::PingReq),
        Just(Packet::PingResp),
        disconnect(version).prop_map(Packet::Disconnect),
    ];
    match version {
        Version::V311 => both.boxed(),
        Version::V5 => prop_oneof![14 => both, 1 => auth().prop_map(Packet::Auth)].boxed(),
    }
}

/// A version, and any packet of it.
pub(crate) fn versioned_packet() -> impl Strategy<Value = (Version, Packet<'static>)> {
    version().prop_flat_map(|version| packet(version).prop_map(move |packet| (version, packet)))
}

/// Changes to some bytes: mostly small ones, so that most of a packet's structure stays.
pub(crate) fn mutations() -> impl Strategy<Value = Vec<(proptest::sample::Index, u8)>> {
    let value = prop_oneof![any::<u8>(), 0_u8..8, Just(0x80_u8), Just(0xff_u8)];
    collection::vec((any::<proptest::sample::Index>(), value), 1..4)
}

pub(crate) fn mutate(bytes: &mut [u8], mutations: &[(proptest::sample::Index, u8)]) {
    for (index, value) in mutations {
        bytes[index.index(bytes.len())] = *value;
    }
}
