//! A PUBLISH at QoS 1 that is encoded once and sent as often as needed: only its packet id and DUP bit differ, and for a
//! broadcast the time that is left.

use crate::encode::encode;
use crate::topic::{RegistrationName, ToDevice};
use crate::{
    BroadcastHead, ChannelName, Delivery, EncodeError, NotificationHead, Opaque, Packet, PacketId, Publish,
    PublishProperties, UserProperties, Version,
};

/// An encoded PUBLISH with room for its packet id.
#[derive(Clone)]
pub struct EncodedPublish {
    bytes: Box<[u8]>,
    packet_id_at: usize,
    /// Where the seconds of the Message Expiry Interval stand, if it has one.
    expiry_at: Option<usize>,
}

const DUP: u8 = 0x08;

impl EncodedPublish {
    /// Any message at QoS 1.
    pub fn new(
        version: Version,
        topic: &str,
        properties: PublishProperties<'_>,
        payload: &[u8],
    ) -> Result<Self, EncodeError> {
        let delivery = Delivery::AtLeastOnce { packet_id: PacketId::MAX, dup: false };
        let publish = Publish { topic, delivery, retain: false, properties, payload: Opaque(payload) };
        let mut bytes = Vec::new();
        encode(&Packet::Publish(publish), version, &mut bytes)?;
        let header_len = 1 + bytes.iter().skip(1).take_while(|&&byte| byte & 0x80 != 0).count() + 1;
        let packet_id_at = header_len + 2 + topic.len();
        let expiry_at =
            properties.message_expiry.and_then(|_| find_expiry(&bytes, packet_id_at + 2, version));
        Ok(Self { packet_id_at, expiry_at, bytes: bytes.into_boxed_slice() })
    }

    /// A broadcast as it stands on the device link, the same for all its receivers but for packet id and time left.
    pub fn broadcast(
        version: Version,
        channel: &ChannelName<'_>,
        head: &BroadcastHead<'_>,
        message_expiry: Option<u32>,
        payload: &[u8],
    ) -> Result<Self, EncodeError> {
        let topic = channel.to_string();
        if version == Version::V311 {
            return Self::new(version, &topic, PublishProperties::default(), payload);
        }
        head.with_user_properties(|user| {
            let properties = PublishProperties { message_expiry, user, ..PublishProperties::default() };
            Self::new(version, &topic, properties, payload)
        })
    }

    /// A notification as it stands on the device link; `message_expiry` in seconds, `None` for one that is tried once.
    pub fn notification(
        version: Version,
        registration: &RegistrationName<'_>,
        head: &NotificationHead<'_>,
        message_expiry: Option<u32>,
        payload: &[u8],
    ) -> Result<Self, EncodeError> {
        match version {
            Version::V311 => {
                let topic = ToDevice::notification_v311(*registration, head.seq, head.apns_id).to_string();
                Self::new(version, &topic, PublishProperties::default(), payload)
            }
            Version::V5 => {
                let topic = ToDevice::notification(*registration).to_string();
                head.with_user_properties(|pairs| {
                    let user = UserProperties::new(pairs);
                    let properties =
                        PublishProperties { message_expiry, user, ..PublishProperties::default() };
                    Self::new(version, &topic, properties, payload)
                })
            }
        }
    }

    /// A registration's token: 64 lower-case hex digits, no user properties.
    pub fn token(
        version: Version,
        registration: &RegistrationName<'_>,
        token: &[u8; 32],
    ) -> Result<Self, EncodeError> {
        use std::fmt::Write as _;
        let hex = token.iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let topic = ToDevice::token(*registration).to_string();
        Self::new(version, &topic, PublishProperties::default(), hex.as_bytes())
    }

    /// Bytes of the whole packet, to be held against the peer's Maximum Packet Size.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never: a PUBLISH has a topic at least.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends the packet to `out`. `dup` says that this packet id carried it before on this session.
    pub fn write_with_id(&self, packet_id: PacketId, dup: bool, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let at = start + self.packet_id_at;
        out[at..at + 2].copy_from_slice(&packet_id.get().to_be_bytes());
        if dup {
            out[start] |= DUP;
        }
    }

    /// Appends the packet with another Message Expiry Interval, in seconds, if it was encoded with one.
    pub fn write_with_expiry(&self, packet_id: PacketId, message_expiry: u32, out: &mut Vec<u8>) {
        let start = out.len();
        self.write_with_id(packet_id, false, out);
        if let Some(at) = self.expiry_at {
            out[start + at..start + at + 4].copy_from_slice(&message_expiry.to_be_bytes());
        }
    }
}

/// The Message Expiry Interval stands first among the properties, unless a payload format indicator is before it.
fn find_expiry(bytes: &[u8], properties_at: usize, version: Version) -> Option<usize> {
    const PAYLOAD_FORMAT: u8 = 0x01;
    const MESSAGE_EXPIRY: u8 = 0x02;
    if version == Version::V311 {
        return None;
    }
    let length_len = bytes.iter().skip(properties_at).take_while(|&&byte| byte & 0x80 != 0).count() + 1;
    let at = properties_at + length_len;
    match bytes.get(at..)? {
        [MESSAGE_EXPIRY, ..] => Some(at + 1),
        [PAYLOAD_FORMAT, _, MESSAGE_EXPIRY, ..] => Some(at + 3),
        _ => None,
    }
}

impl std::fmt::Debug for EncodedPublish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncodedPublish").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use homing_trace::Environment;

    #[test]
    fn only_the_packet_id_and_the_dup_bit_change() {
        for payload_len in [0, 100, 4096, 20_000] {
            let payload = vec![b'x'; payload_len];
            let encoded =
                EncodedPublish::new(Version::V5, "a/b", PublishProperties::default(), &payload).unwrap();
            let mut out = vec![0xc0];
            encoded.write_with_id(PacketId::new(7).unwrap(), true, &mut out);
            let (packet, len) = decode(&out[1..], Version::V5, 1 << 20).unwrap().unwrap();
            assert_eq!(len, encoded.len());
            let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
            assert_eq!(
                publish.delivery,
                Delivery::AtLeastOnce { packet_id: PacketId::new(7).unwrap(), dup: true }
            );
            assert_eq!(publish.payload.0, payload);
        }
    }

    #[test]
    fn a_broadcast_is_encoded_once_and_says_each_receiver_what_time_is_left() {
        let channel =
            ChannelName { environment: Environment::Production, bundle_id: "com.example.news", id: "AAAA" };
        let request_id = Some("9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10");
        let head =
            BroadcastHead { seq: Some(7), request_id, push_type: Some("liveactivity"), priority: Some(5) };
        for payload_len in [0, 200, 5120] {
            let payload = vec![b'x'; payload_len];
            for version in [Version::V5, Version::V311] {
                let encoded =
                    EncodedPublish::broadcast(version, &channel, &head, Some(600), &payload).unwrap();
                for (id, left) in [(1, 600), (65_535, 1), (7, u32::MAX)] {
                    let packet_id = PacketId::new(id).unwrap();
                    let mut out = vec![0xc0];
                    encoded.write_with_expiry(packet_id, left, &mut out);
                    let (packet, len) = decode(&out[1..], version, 1 << 20).unwrap().unwrap();
                    assert_eq!((len, out.len()), (encoded.len(), encoded.len() + 1));
                    let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
                    assert_eq!(publish.delivery, Delivery::AtLeastOnce { packet_id, dup: false });
                    assert_eq!(ChannelName::parse(publish.topic), Some(channel));
                    assert_eq!(publish.payload.0, payload);
                    if version == Version::V5 {
                        assert_eq!(publish.properties.message_expiry, Some(left));
                        assert_eq!(BroadcastHead::of(&publish), head);
                    }
                }
            }
        }
        let once = EncodedPublish::broadcast(Version::V5, &channel, &head, None, b"{}").unwrap();
        let mut out = Vec::new();
        once.write_with_expiry(PacketId::MIN, 9, &mut out);
        let (packet, _) = decode(&out, Version::V5, 1 << 20).unwrap().unwrap();
        let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
        assert_eq!(publish.properties.message_expiry, None);
    }

    #[test]
    fn a_notification_carries_its_head_in_user_properties_or_in_the_topic() {
        let registration = RegistrationName {
            environment: Environment::Development,
            topic: "com.example.news",
            instance: None,
        };
        let head = NotificationHead {
            seq: 9,
            apns_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10",
            push_type: Some("alert"),
            priority: Some(10),
            collapse_id: None,
        };
        let mut out = Vec::new();
        for version in [Version::V5, Version::V311] {
            out.clear();
            let encoded =
                EncodedPublish::notification(version, &registration, &head, Some(60), b"{}").unwrap();
            encoded.write_with_id(PacketId::MIN, false, &mut out);
            let (packet, _) = decode(&out, version, 4096).unwrap().unwrap();
            let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
            let (to, read) = NotificationHead::of(&publish).unwrap();
            assert_eq!((to, read.seq, read.apns_id), (registration, 9, head.apns_id));
            if version == Version::V5 {
                assert_eq!(read, head);
                assert_eq!(publish.properties.message_expiry, Some(60));
            }
        }
    }
}
