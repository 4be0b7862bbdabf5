//! Packets to bytes. What 3.1.1 can't say (reason codes, properties) is left out there.

use crate::decode::MAX_REMAINING_LENGTH;
use crate::property::{Section, put_section, section_len};
use crate::wire::{Counter, Sink};
use crate::{
    Ack, Auth, ConnAck, Connect, Delivery, Disconnect, EncodeError, Packet, Publish, ReasonCode, SubAck,
    UnsubAck, Version, Will,
};

/// Appends `packet` to `out`; on an error `out` is as it was. A CONNECT is written in the version it names.
pub fn encode(packet: &Packet<'_>, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let remaining = remaining_len(packet, version)?;
    out.reserve(5 + remaining);
    out.u8(first_byte(packet));
    out.varint(remaining);
    // Every refusal is found while counting.
    put_body(packet, version, out)
}

/// How many bytes [`encode`] would append.
pub fn encoded_len(packet: &Packet<'_>, version: Version) -> Result<usize, EncodeError> {
    let remaining = remaining_len(packet, version)?;
    let mut header = Counter(1);
    header.varint(remaining);
    Ok(header.0 + remaining)
}

fn remaining_len(packet: &Packet<'_>, version: Version) -> Result<usize, EncodeError> {
    let mut counter = Counter::default();
    put_body(packet, version, &mut counter)?;
    if counter.0 > MAX_REMAINING_LENGTH { Err(EncodeError::PacketTooLong(counter.0)) } else { Ok(counter.0) }
}

const fn first_byte(packet: &Packet<'_>) -> u8 {
    match packet {
        Packet::Connect(_) => 0x10,
        Packet::ConnAck(_) => 0x20,
        Packet::Publish(publish) => {
            let delivery = match publish.delivery {
                Delivery::AtMostOnce => 0,
                Delivery::AtLeastOnce { dup, .. } => 0x02 | (dup as u8) << 3,
                Delivery::ExactlyOnce { dup, .. } => 0x04 | (dup as u8) << 3,
            };
            0x30 | delivery | publish.retain as u8
        }
        Packet::PubAck(_) => 0x40,
        Packet::PubRec(_) => 0x50,
        Packet::PubRel(_) => 0x62,
        Packet::PubComp(_) => 0x70,
        Packet::Subscribe(_) => 0x82,
        Packet::SubAck(_) => 0x90,
        Packet::Unsubscribe(_) => 0xa2,
        Packet::UnsubAck(_) => 0xb0,
        Packet::PingReq => 0xc0,
        Packet::PingResp => 0xd0,
        Packet::Disconnect(_) => 0xe0,
        Packet::Auth(_) => 0xf0,
    }
}

fn put_body<S: Sink>(packet: &Packet<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    match packet {
        Packet::Connect(connect) => put_connect(connect, sink),
        Packet::ConnAck(conn_ack) => put_conn_ack(conn_ack, version, sink),
        Packet::Publish(publish) => put_publish(publish, version, sink),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            put_ack(ack, version, sink)
        }
        Packet::Subscribe(subscribe) => {
            sink.u16(subscribe.packet_id.get());
            put_properties(&subscribe.properties, version, sink)?;
            subscribe.filters.put(sink, version)
        }
        Packet::SubAck(sub_ack) => put_sub_ack(sub_ack, version, sink),
        Packet::Unsubscribe(unsubscribe) => {
            sink.u16(unsubscribe.packet_id.get());
            put_properties(&unsubscribe.properties, version, sink)?;
            unsubscribe.filters.put(sink)
        }
        Packet::UnsubAck(unsub_ack) => put_unsub_ack(unsub_ack, version, sink),
        Packet::PingReq | Packet::PingResp => Ok(()),
        Packet::Disconnect(disconnect) => put_disconnect(disconnect, version, sink),
        Packet::Auth(auth) => put_auth(auth, version, sink),
    }
}

fn put_properties<'a, S: Sink>(
    properties: &impl Section<'a>,
    version: Version,
    sink: &mut S,
) -> Result<(), EncodeError> {
    match version {
        Version::V311 => Ok(()),
        Version::V5 => put_section(sink, properties),
    }
}

fn put_connect<S: Sink>(connect: &Connect<'_>, sink: &mut S) -> Result<(), EncodeError> {
    let version = connect.version;
    sink.text("MQTT")?;
    sink.u8(match version {
        Version::V311 => 4,
        Version::V5 => 5,
    });
    let will_flags = connect.will.map_or(0, |will| 0x04 | will.qos.as_u8() << 3 | u8::from(will.retain) << 5);
    // In 3.1.1 a password can't stand alone: an empty user name goes with it.
    let username =
        connect.username.or((version == Version::V311 && connect.password.is_some()).then_some(""));
    sink.u8(u8::from(connect.clean_start) << 1
        | will_flags
        | u8::from(connect.password.is_some()) << 6
        | u8::from(username.is_some()) << 7);
    sink.u16(connect.keep_alive);
    put_properties(&connect.properties, version, sink)?;
    sink.text(connect.client_id)?;
    if let Some(will) = &connect.will {
        put_will(will, version, sink)?;
    }
    if let Some(username) = username {
        sink.text(username)?;
    }
    connect.password.map_or(Ok(()), |password| sink.binary(&password))
}

fn put_will<S: Sink>(will: &Will<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    put_properties(&will.properties, version, sink)?;
    put_topic_name(will.topic, sink)?;
    sink.binary(&will.payload)
}

fn put_topic_name<S: Sink>(topic: &str, sink: &mut S) -> Result<(), EncodeError> {
    if topic.is_empty() || topic.contains(['+', '#']) {
        Err(EncodeError::TopicName)
    } else {
        sink.text(topic)
    }
}

fn put_conn_ack<S: Sink>(conn_ack: &ConnAck<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    sink.u8(u8::from(conn_ack.session_present && conn_ack.code == ReasonCode::Success));
    sink.u8(match version {
        Version::V311 => conn_ack.code.to_v311_return_code(),
        Version::V5 => conn_ack.code.as_u8(),
    });
    put_properties(&conn_ack.properties, version, sink)
}

fn put_publish<S: Sink>(publish: &Publish<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    if publish.topic.is_empty() && version == Version::V5 && publish.properties.topic_alias.is_some() {
        sink.text("")?;
    } else {
        put_topic_name(publish.topic, sink)?;
    }
    match publish.delivery {
        Delivery::AtMostOnce => {}
        Delivery::AtLeastOnce { packet_id, .. } | Delivery::ExactlyOnce { packet_id, .. } => {
            sink.u16(packet_id.get());
        }
    }
    put_properties(&publish.properties, version, sink)?;
    sink.bytes(&publish.payload);
    Ok(())
}

fn put_ack<S: Sink>(ack: &Ack<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    sink.u16(ack.packet_id.get());
    if version == Version::V311 {
        return Ok(());
    }
    let bare = section_len(&ack.properties)? == 0;
    if !bare || ack.code != ReasonCode::Success {
        sink.u8(ack.code.as_u8());
    }
    if bare { Ok(()) } else { put_section(sink, &ack.properties) }
}

fn put_sub_ack<S: Sink>(sub_ack: &SubAck<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    if sub_ack.codes.is_empty() {
        return Err(EncodeError::NoCodes);
    }
    sink.u16(sub_ack.packet_id.get());
    put_properties(&sub_ack.properties, version, sink)?;
    match version {
        Version::V311 => sub_ack.codes.iter().for_each(|&code| sink.u8(if code > 2 { 0x80 } else { code })),
        Version::V5 => sink.bytes(sub_ack.codes),
    }
    Ok(())
}

fn put_unsub_ack<S: Sink>(
    unsub_ack: &UnsubAck<'_>,
    version: Version,
    sink: &mut S,
) -> Result<(), EncodeError> {
    sink.u16(unsub_ack.packet_id.get());
    if version == Version::V311 {
        return Ok(());
    }
    if unsub_ack.codes.is_empty() {
        return Err(EncodeError::NoCodes);
    }
    put_section(sink, &unsub_ack.properties)?;
    sink.bytes(unsub_ack.codes);
    Ok(())
}

fn put_disconnect<S: Sink>(
    disconnect: &Disconnect<'_>,
    version: Version,
    sink: &mut S,
) -> Result<(), EncodeError> {
    if version == Version::V311 {
        return Ok(());
    }
    let bare = section_len(&disconnect.properties)? == 0;
    if !bare || disconnect.code != ReasonCode::Success {
        sink.u8(disconnect.code.as_u8());
    }
    if bare { Ok(()) } else { put_section(sink, &disconnect.properties) }
}

fn put_auth<S: Sink>(auth: &Auth<'_>, version: Version, sink: &mut S) -> Result<(), EncodeError> {
    if version == Version::V311 {
        return Err(EncodeError::NotInVersion(version));
    }
    if auth.code == ReasonCode::Success && section_len(&auth.properties)? == 0 {
        return Ok(());
    }
    sink.u8(auth.code.as_u8());
    put_section(sink, &auth.properties)
}
