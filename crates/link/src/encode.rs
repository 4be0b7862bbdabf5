//! Packets to bytes. What 3.1.1 can't say (reason codes, properties) is left out there.

use crate::decode::MAX_REMAINING_LENGTH;
use crate::property::{Section, put_section};
use crate::wire::Sink as _;
use crate::{
    Ack, AckProperties, Auth, AuthProperties, ConnAck, Connect, Delivery, Disconnect, DisconnectProperties,
    EncodeError, Packet, Publish, ReasonCode, SubAck, UnsubAck, Version, Will,
};

/// Appends `packet` to `out`; on an error `out` is as it was. A CONNECT is written in the version it names.
pub fn encode(packet: &Packet<'_>, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    let written = put_packet(packet, version, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn put_packet(packet: &Packet<'_>, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.u8(first_byte(packet));
    let body = out.len();
    put_body(packet, version, out)?;
    let remaining = out.len() - body;
    if remaining > MAX_REMAINING_LENGTH {
        return Err(EncodeError::PacketTooLong(remaining));
    }
    out.put_len_before(body);
    Ok(())
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

fn put_body(packet: &Packet<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
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

fn put_properties<'a>(
    properties: &impl Section<'a>,
    version: Version,
    sink: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match version {
        Version::V311 => Ok(()),
        Version::V5 => put_section(sink, properties),
    }
}

fn put_connect(connect: &Connect<'_>, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
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

fn put_will(will: &Will<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
    put_properties(&will.properties, version, sink)?;
    put_topic_name(will.topic, sink)?;
    sink.binary(&will.payload)
}

fn put_topic_name(topic: &str, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
    if topic.is_empty() || topic.contains(['+', '#']) {
        Err(EncodeError::TopicName)
    } else {
        sink.text(topic)
    }
}

fn put_conn_ack(conn_ack: &ConnAck<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
    sink.u8(u8::from(conn_ack.session_present && conn_ack.code == ReasonCode::Success));
    sink.u8(match version {
        Version::V311 => conn_ack.code.to_v311_return_code(),
        Version::V5 => conn_ack.code.as_u8(),
    });
    put_properties(&conn_ack.properties, version, sink)
}

fn put_publish(publish: &Publish<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
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

fn put_ack(ack: &Ack<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
    sink.u16(ack.packet_id.get());
    if version == Version::V311 {
        return Ok(());
    }
    let bare = ack.properties == AckProperties::default();
    if !bare || ack.code != ReasonCode::Success {
        sink.u8(ack.code.as_u8());
    }
    if bare { Ok(()) } else { put_section(sink, &ack.properties) }
}

fn put_sub_ack(sub_ack: &SubAck<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
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

fn put_unsub_ack(unsub_ack: &UnsubAck<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
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

fn put_disconnect(
    disconnect: &Disconnect<'_>,
    version: Version,
    sink: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if version == Version::V311 {
        return Ok(());
    }
    let bare = disconnect.properties == DisconnectProperties::default();
    if !bare || disconnect.code != ReasonCode::Success {
        sink.u8(disconnect.code.as_u8());
    }
    if bare { Ok(()) } else { put_section(sink, &disconnect.properties) }
}

fn put_auth(auth: &Auth<'_>, version: Version, sink: &mut Vec<u8>) -> Result<(), EncodeError> {
    if version == Version::V311 {
        return Err(EncodeError::NotInVersion(version));
    }
    if auth.code == ReasonCode::Success && auth.properties == AuthProperties::default() {
        return Ok(());
    }
    sink.u8(auth.code.as_u8());
    put_section(sink, &auth.properties)
}
