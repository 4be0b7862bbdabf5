//! Bytes to packets, strictly. Rules that need to know who sent a packet, or what came before it, are the caller's.

use crate::property::read_section;
use crate::wire::{Reader, VarInt};
use crate::{
    Ack, Auth, ConnAck, Connect, DecodeError, Delivery, Disconnect, Opaque, Packet, Publish, Qos, ReasonCode,
    SubAck, Subscribe, SubscribeFilters, UnsubAck, Unsubscribe, UnsubscribeFilters, Version, Will,
};

/// The longest packet MQTT knows, without its fixed header (*MQTT Version 5.0*, 2.1.4).
pub const MAX_REMAINING_LENGTH: usize = 268_435_455;

/// The first packet in `input` and the number of bytes it took; `None` when more bytes are needed.
///
/// `max_packet` counts whole packets in bytes, fixed header included; a longer one is refused as soon as its length
/// is known. A CONNECT is read by the version it names, everything else by `version`.
pub fn decode(
    input: &[u8],
    version: Version,
    max_packet: usize,
) -> Result<Option<(Packet<'_>, usize)>, DecodeError> {
    let Some((&first, after)) = input.split_first() else { return Ok(None) };
    check_flags(first, version)?;
    let Some(remaining) = VarInt::read(after)? else { return Ok(None) };
    let len = 1 + remaining.len + remaining.value;
    if len > max_packet {
        return Err(DecodeError::TooLarge { len, max: max_packet });
    }
    let Some(body) = input.get(1 + remaining.len..len) else { return Ok(None) };
    let mut reader = Reader::new(body);
    let packet = read_body(first, &mut reader, version)?;
    reader.end()?;
    // 3.1.1 doesn't forbid padding, and small clients do pad.
    let spoken = if let Packet::Connect(connect) = &packet { connect.version } else { version };
    if remaining.is_padded() && spoken == Version::V5 {
        return Err(DecodeError::PaddedInteger);
    }
    Ok(Some((packet, len)))
}

/// The first byte alone can be wrong already; garbage is told from MQTT here.
const fn check_flags(first: u8, version: Version) -> Result<(), DecodeError> {
    let (packet_type, flags) = (first >> 4, first & 0x0f);
    let wanted = match packet_type {
        0 => return Err(DecodeError::UnknownPacketType(0)),
        3 => return Ok(()),
        6 | 8 | 10 => 0b0010,
        15 if matches!(version, Version::V311) => return Err(DecodeError::UnknownPacketType(15)),
        _ => 0,
    };
    if flags == wanted { Ok(()) } else { Err(DecodeError::ReservedFlags { packet_type, flags }) }
}

fn read_body<'a>(first: u8, reader: &mut Reader<'a>, version: Version) -> Result<Packet<'a>, DecodeError> {
    Ok(match first >> 4 {
        1 => Packet::Connect(connect(reader)?),
        2 => Packet::ConnAck(conn_ack(reader, version)?),
        3 => Packet::Publish(publish(first & 0x0f, reader, version)?),
        4 => Packet::PubAck(ack(reader, version)?),
        5 => Packet::PubRec(ack(reader, version)?),
        6 => Packet::PubRel(ack(reader, version)?),
        7 => Packet::PubComp(ack(reader, version)?),
        8 => Packet::Subscribe(Subscribe {
            packet_id: reader.packet_id()?,
            properties: properties(reader, version)?,
            filters: SubscribeFilters::read(reader, version)?,
        }),
        9 => Packet::SubAck(sub_ack(reader, version)?),
        10 => Packet::Unsubscribe(Unsubscribe {
            packet_id: reader.packet_id()?,
            properties: properties(reader, version)?,
            filters: UnsubscribeFilters::read(reader, version)?,
        }),
        11 => Packet::UnsubAck(unsub_ack(reader, version)?),
        12 => Packet::PingReq,
        13 => Packet::PingResp,
        14 => Packet::Disconnect(disconnect(reader, version)?),
        15 => Packet::Auth(auth(reader)?),
        other => return Err(DecodeError::UnknownPacketType(other)),
    })
}

fn properties<'a, P: crate::property::Section<'a>>(
    reader: &mut Reader<'a>,
    version: Version,
) -> Result<P, DecodeError> {
    match version {
        Version::V311 => Ok(P::default()),
        Version::V5 => read_section(reader),
    }
}

fn connect<'a>(reader: &mut Reader<'a>) -> Result<Connect<'a>, DecodeError> {
    let name = reader.binary()?;
    let level = reader.u8()?;
    let version = match (name, level) {
        (b"MQTT", 4) => Version::V311,
        (b"MQTT", 5) => Version::V5,
        (b"MQTT" | b"MQIsdp", level) => return Err(DecodeError::UnsupportedVersion(level)),
        _ => return Err(DecodeError::ProtocolName),
    };
    let flags = ConnectFlags::read(reader.u8()?, version)?;
    let keep_alive = reader.u16()?;
    let connect_properties: crate::ConnectProperties<'a> = properties(reader, version)?;
    if connect_properties.authentication_data.is_some() && connect_properties.authentication_method.is_none()
    {
        return Err(DecodeError::NoAuthenticationMethod);
    }
    let client_id = reader.text()?;
    let will = flags.will.map(|(qos, retain)| will(reader, version, qos, retain)).transpose()?;
    let username = flags.username.then(|| reader.text()).transpose()?;
    let password = flags.password.then(|| reader.binary().map(Opaque)).transpose()?;
    Ok(Connect {
        version,
        clean_start: flags.clean_start,
        keep_alive,
        client_id,
        username,
        password,
        will,
        properties: connect_properties,
    })
}

struct ConnectFlags {
    clean_start: bool,
    will: Option<(Qos, bool)>,
    username: bool,
    password: bool,
}

impl ConnectFlags {
    fn read(flags: u8, version: Version) -> Result<Self, DecodeError> {
        if flags & 0x01 != 0 {
            return Err(DecodeError::ReservedConnectFlag);
        }
        let will_qos = Qos::from_u8((flags >> 3) & 0x03).ok_or(DecodeError::Qos3)?;
        let will = (flags & 0x04 != 0).then_some((will_qos, flags & 0x20 != 0));
        if will.is_none() && flags & 0x38 != 0 {
            return Err(DecodeError::WillFlagsWithoutWill);
        }
        let (username, password) = (flags & 0x80 != 0, flags & 0x40 != 0);
        if password && !username && version == Version::V311 {
            return Err(DecodeError::PasswordWithoutUsername);
        }
        Ok(Self { clean_start: flags & 0x02 != 0, will, username, password })
    }
}

fn will<'a>(
    reader: &mut Reader<'a>,
    version: Version,
    qos: Qos,
    retain: bool,
) -> Result<Will<'a>, DecodeError> {
    let will_properties: crate::WillProperties<'a> = properties(reader, version)?;
    check_response_topic(will_properties.response_topic)?;
    let topic = reader.text()?;
    check_topic_name(topic)?;
    Ok(Will { topic, payload: Opaque(reader.binary()?), qos, retain, properties: will_properties })
}

fn check_topic_name(topic: &str) -> Result<(), DecodeError> {
    if topic.is_empty() {
        return Err(DecodeError::EmptyTopic);
    }
    if topic.contains(['+', '#']) { Err(DecodeError::WildcardInTopicName) } else { Ok(()) }
}

fn check_response_topic(topic: Option<&str>) -> Result<(), DecodeError> {
    topic.map_or(Ok(()), check_topic_name)
}

fn conn_ack<'a>(reader: &mut Reader<'a>, version: Version) -> Result<ConnAck<'a>, DecodeError> {
    let flags = reader.u8()?;
    if flags & 0xfe != 0 {
        return Err(DecodeError::ReservedConnAckFlags);
    }
    let code = reader.u8()?;
    let code = match version {
        Version::V311 => {
            ReasonCode::from_v311_return_code(code).ok_or(DecodeError::ReservedReturnCode(code))?
        }
        Version::V5 => ReasonCode::from_u8(code),
    };
    let session_present = flags == 1;
    if session_present && code != ReasonCode::Success {
        return Err(DecodeError::SessionPresentInRefusal);
    }
    let properties: crate::ConnAckProperties<'a> = properties(reader, version)?;
    if properties.authentication_data.is_some() && properties.authentication_method.is_none() {
        return Err(DecodeError::NoAuthenticationMethod);
    }
    Ok(ConnAck { session_present, code, properties })
}

fn publish<'a>(flags: u8, reader: &mut Reader<'a>, version: Version) -> Result<Publish<'a>, DecodeError> {
    let dup = flags & 0x08 != 0;
    let qos = Qos::from_u8((flags >> 1) & 0x03).ok_or(DecodeError::Qos3)?;
    if dup && qos == Qos::AtMostOnce {
        return Err(DecodeError::DupAtQos0);
    }
    let topic = reader.text()?;
    let delivery = match qos {
        Qos::AtMostOnce => Delivery::AtMostOnce,
        Qos::AtLeastOnce => Delivery::AtLeastOnce { packet_id: reader.packet_id()?, dup },
        Qos::ExactlyOnce => Delivery::ExactlyOnce { packet_id: reader.packet_id()?, dup },
    };
    let properties: crate::PublishProperties<'a> = properties(reader, version)?;
    check_response_topic(properties.response_topic)?;
    if !(topic.is_empty() && properties.topic_alias.is_some()) {
        check_topic_name(topic)?;
    }
    Ok(Publish {
        topic,
        delivery,
        retain: flags & 0x01 != 0,
        properties,
        payload: Opaque(reader.remainder()),
    })
}

/// In MQTT 5 a packet may end after its packet id (success), or after its code (no properties).
fn ack<'a>(reader: &mut Reader<'a>, version: Version) -> Result<Ack<'a>, DecodeError> {
    let mut read = Ack::success(reader.packet_id()?);
    if version == Version::V5 && !reader.is_empty() {
        read.code = ReasonCode::from_u8(reader.u8()?);
        if !reader.is_empty() {
            read.properties = read_section(reader)?;
        }
    }
    Ok(read)
}

fn sub_ack<'a>(reader: &mut Reader<'a>, version: Version) -> Result<SubAck<'a>, DecodeError> {
    let packet_id = reader.packet_id()?;
    let properties = properties(reader, version)?;
    let codes = reader.remainder();
    if codes.is_empty() {
        return Err(DecodeError::NoCodes);
    }
    let reserved = codes.iter().find(|&&code| version == Version::V311 && code > 2 && code != 0x80);
    if let Some(&code) = reserved {
        return Err(DecodeError::ReservedReturnCode(code));
    }
    Ok(SubAck { packet_id, codes, properties })
}

fn unsub_ack<'a>(reader: &mut Reader<'a>, version: Version) -> Result<UnsubAck<'a>, DecodeError> {
    let packet_id = reader.packet_id()?;
    let properties = properties(reader, version)?;
    let codes = match version {
        Version::V311 => &[],
        Version::V5 => reader.remainder(),
    };
    if codes.is_empty() && version == Version::V5 {
        return Err(DecodeError::NoCodes);
    }
    Ok(UnsubAck { packet_id, codes, properties })
}

fn disconnect<'a>(reader: &mut Reader<'a>, version: Version) -> Result<Disconnect<'a>, DecodeError> {
    let mut read = Disconnect::with(ReasonCode::Success);
    if version == Version::V5 && !reader.is_empty() {
        read.code = ReasonCode::from_u8(reader.u8()?);
        if !reader.is_empty() {
            read.properties = read_section(reader)?;
        }
    }
    Ok(read)
}

fn auth<'a>(reader: &mut Reader<'a>) -> Result<Auth<'a>, DecodeError> {
    if reader.is_empty() {
        return Ok(Auth { code: ReasonCode::Success, properties: crate::AuthProperties::default() });
    }
    let code = ReasonCode::from_u8(reader.u8()?);
    let properties: crate::AuthProperties<'a> = read_section(reader)?;
    if properties.authentication_method.is_none() {
        return Err(DecodeError::NoAuthenticationMethod);
    }
    Ok(Auth { code, properties })
}

#[cfg(test)]
mod tests;
