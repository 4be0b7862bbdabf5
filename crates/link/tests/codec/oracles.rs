//! Two MQTT codecs that others wrote, each behind one function: read a whole packet and write it again.

use std::sync::Arc;

use homing_link::Version;

/// Reads one packet that fills `bytes` and gives back how the codec itself writes it.
pub(crate) type Oracle = fn(Version, &[u8]) -> Result<Vec<u8>, String>;

pub(crate) const ALL: [(&str, Oracle); 2] =
    [("mqtt-protocol-core", mqtt_protocol_core), ("mqtt5-protocol", mqtt5_protocol)];

/// The first byte, the length that follows it, and the body; codecs below read bodies only.
fn split(bytes: &[u8]) -> Result<(u8, &[u8]), String> {
    let (&first, mut rest) = bytes.split_first().ok_or("empty")?;
    let mut len = 0;
    for shift in [0, 7, 14, 21] {
        let (&byte, after) = rest.split_first().ok_or("no length")?;
        rest = after;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if rest.len() == len { Ok((first, rest)) } else { Err("length".to_owned()) };
        }
    }
    Err("long length".to_owned())
}

fn mqtt_protocol_core(version: Version, bytes: &[u8]) -> Result<Vec<u8>, String> {
    use mqtt_protocol_core::mqtt::packet::{v3_1_1, v5_0};
    macro_rules! again {
        ($body:expr, $type:ty) => {
            match <$type>::parse($body) {
                Ok((packet, len)) if len == $body.len() => Ok(packet.to_continuous_buffer()),
                Ok((_, len)) => Err(format!("{len} of {} bytes", $body.len())),
                Err(error) => Err(format!("{error:?}")),
            }
        };
    }
    let (first, body) = split(bytes)?;
    let flags = first & 0x0f;
    let wanted = if matches!(first >> 4, 6 | 8 | 10) { 2 } else { 0 };
    if first >> 4 != 3 && flags != wanted {
        return Err("flags".to_owned());
    }
    // Its CONNECT parsers take one level each.
    let version = match (first >> 4, body.get(6)) {
        (1, Some(5)) => Version::V5,
        (1, _) => Version::V311,
        _ => version,
    };
    match (version, first >> 4) {
        (Version::V311, 1) => again!(body, v3_1_1::Connect),
        (Version::V311, 2) => again!(body, v3_1_1::Connack),
        (Version::V311, 3) => v3_1_1::Publish::parse(flags, Arc::from(body))
            .map(|(packet, _)| packet.to_continuous_buffer())
            .map_err(|error| format!("{error:?}")),
        (Version::V311, 4) => again!(body, v3_1_1::Puback),
        (Version::V311, 5) => again!(body, v3_1_1::Pubrec),
        (Version::V311, 6) => again!(body, v3_1_1::Pubrel),
        (Version::V311, 7) => again!(body, v3_1_1::Pubcomp),
        (Version::V311, 8) => again!(body, v3_1_1::Subscribe),
        (Version::V311, 9) => again!(body, v3_1_1::Suback),
        (Version::V311, 10) => again!(body, v3_1_1::Unsubscribe),
        (Version::V311, 11) => again!(body, v3_1_1::Unsuback),
        (Version::V311, 12) => again!(body, v3_1_1::Pingreq),
        (Version::V311, 13) => again!(body, v3_1_1::Pingresp),
        (Version::V311, 14) => again!(body, v3_1_1::Disconnect),
        (Version::V5, 1) => again!(body, v5_0::Connect),
        (Version::V5, 2) => again!(body, v5_0::Connack),
        (Version::V5, 3) => v5_0::Publish::parse(flags, Arc::from(body))
            .map(|(packet, _)| packet.to_continuous_buffer())
            .map_err(|error| format!("{error:?}")),
        (Version::V5, 4) => again!(body, v5_0::Puback),
        (Version::V5, 5) => again!(body, v5_0::Pubrec),
        (Version::V5, 6) => again!(body, v5_0::Pubrel),
        (Version::V5, 7) => again!(body, v5_0::Pubcomp),
        (Version::V5, 8) => again!(body, v5_0::Subscribe),
        (Version::V5, 9) => again!(body, v5_0::Suback),
        (Version::V5, 10) => again!(body, v5_0::Unsubscribe),
        (Version::V5, 11) => again!(body, v5_0::Unsuback),
        (Version::V5, 12) => again!(body, v5_0::Pingreq),
        (Version::V5, 13) => again!(body, v5_0::Pingresp),
        (Version::V5, 14) => again!(body, v5_0::Disconnect),
        (Version::V5, 15) => again!(body, v5_0::Auth),
        (_, other) => Err(format!("packet type {other}")),
    }
}

fn mqtt5_protocol(version: Version, bytes: &[u8]) -> Result<Vec<u8>, String> {
    use mqtt5_protocol::packet::MqttPacket as _;
    use mqtt5_protocol::{FixedHeader, Packet};
    let level = match version {
        Version::V311 => 4,
        Version::V5 => 5,
    };
    let mut rest = bytes;
    let text = |error: mqtt5_protocol::MqttError| error.to_string();
    let header = FixedHeader::decode(&mut rest).map_err(text)?;
    if header.remaining_length as usize != rest.len() {
        return Err("length".to_owned());
    }
    let packet =
        Packet::decode_from_body_with_version(header.packet_type, &header, &mut rest, level).map_err(text)?;
    if !rest.is_empty() {
        return Err("left over".to_owned());
    }
    let mut out = Vec::new();
    match packet {
        Packet::Connect(packet) => packet.encode(&mut out),
        Packet::ConnAck(packet) => packet.encode(&mut out),
        Packet::Publish(packet) => packet.encode(&mut out),
        Packet::PubAck(packet) => packet.encode(&mut out),
        Packet::PubRec(packet) => packet.encode(&mut out),
        Packet::PubRel(packet) => packet.encode(&mut out),
        Packet::PubComp(packet) => packet.encode(&mut out),
        Packet::Subscribe(packet) => packet.encode(&mut out),
        Packet::SubAck(packet) => packet.encode(&mut out),
        Packet::Unsubscribe(packet) => packet.encode(&mut out),
        Packet::UnsubAck(packet) => packet.encode(&mut out),
        Packet::PingReq => mqtt5_protocol::packet::pingreq::PingReqPacket::default().encode(&mut out),
        Packet::PingResp => mqtt5_protocol::packet::pingresp::PingRespPacket::default().encode(&mut out),
        Packet::Disconnect(packet) => packet.encode(&mut out),
        Packet::Auth(packet) => packet.encode(&mut out),
    }
    .map_err(text)?;
    Ok(out)
}
