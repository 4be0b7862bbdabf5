//! What the hub lets go out, as MQTT packets: token, notification and broadcast, for either version.

use std::fmt::Write as _;
use std::num::NonZeroU16;

use homing_link::{
    Ack, ConnAck, Delivery, Disconnect, EncodeError, NotificationHead, Opaque, Packet, PacketId, Publish,
    PublishProperties, ReasonCode, RegistrationName, ToDevice, UserProperties, Version, encode,
};
use homing_trace::UnixMillis;

use super::wire::FULL;
use crate::hub::session::{Fit, Name, Outgoing};
use crate::notification::Notification;
use crate::store::hex;

/// What a client takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    pub(super) version: Version,
    /// Bytes of the longest packet.
    pub(super) maximum_packet_size: usize,
    /// Whether it wants Reason Strings where it may refuse them: everywhere but in CONNACK and DISCONNECT [MQTT-3.1.2-29].
    pub(super) wants_reasons: bool,
}

impl Dialect {
    /// Appends what the hub lets go out, unless the client wouldn't take it.
    pub(super) fn write(self, outgoing: &Outgoing<'_>, now: UnixMillis, out: &mut Vec<u8>) -> Fit {
        let before = out.len();
        let written = match outgoing {
            Outgoing::Token { packet_id, name, token } => self.write_token(*packet_id, name, token, out),
            Outgoing::Notification { packet_id, name, seq, notification } => {
                self.write_notification(*packet_id, name, (*seq, notification), now, out)
            }
            Outgoing::Broadcast { packet_id, broadcast } => {
                let packet_id = NonZeroU16::new(*packet_id).unwrap_or(NonZeroU16::MIN);
                let longest = self.maximum_packet_size;
                if !broadcast.write(self.version, (packet_id, longest), now, out) {
                    return Fit::TooLarge;
                }
                Ok(())
            }
        };
        if written.is_err() || out.len() - before > self.maximum_packet_size {
            out.truncate(before);
            return Fit::TooLarge;
        }
        if out.len() < FULL { Fit::Written } else { Fit::WrittenAndFull }
    }

    fn write_token(
        self,
        packet_id: u16,
        name: &Name,
        token: &[u8; 32],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let topic = ToDevice::token(link_name(name)).to_string();
        let payload = hex(token);
        self.publish(packet_id, &topic, PublishProperties::default(), payload.as_bytes(), out)
    }

    fn write_notification(
        self,
        packet_id: u16,
        name: &Name,
        (seq, notification): (u64, &Notification),
        now: UnixMillis,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let payload = &notification.payload;
        match self.version {
            Version::V311 => {
                let topic =
                    ToDevice::notification_v311(link_name(name), seq, &notification.apns_id).to_string();
                self.publish(packet_id, &topic, PublishProperties::default(), payload, out)
            }
            Version::V5 => {
                let topic = spelled(&ToDevice::notification(link_name(name)));
                let head = NotificationHead {
                    seq,
                    apns_id: &notification.apns_id,
                    push_type: Some(notification.push_type.as_str()),
                    priority: Some(notification.priority.number()),
                    collapse_id: notification.collapse_id.as_ref().map(|id| id.as_str()),
                };
                head.with_user_properties(|pairs| {
                    let properties = PublishProperties {
                        message_expiry: seconds_left(notification, now),
                        user: UserProperties::new(pairs),
                        ..PublishProperties::default()
                    };
                    self.publish(packet_id, &topic, properties, payload, out)
                })
            }
        }
    }

    fn publish(
        self,
        packet_id: u16,
        topic: &str,
        properties: PublishProperties<'_>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        // The window gives no id 0.
        let packet_id = NonZeroU16::new(packet_id).unwrap_or(NonZeroU16::MIN);
        let delivery = Delivery::AtLeastOnce { packet_id, dup: false };
        let publish = Publish { topic, delivery, retain: false, properties, payload: Opaque(payload) };
        encode(&Packet::Publish(publish), self.version, out)
    }

    /// Appends an answer. None of ours is too long for MQTT, so that an error has nobody to hear it.
    pub(super) fn answer(self, packet: &Packet<'_>, out: &mut Vec<u8>) {
        if let Err(error) = encode(packet, self.version, out) {
            tracing::warn!(%error, "an answer on the device link can't be written");
        }
    }

    /// A Reason String, if the client wants one and its packet, which has `others` bytes at most without it, stays short enough
    /// for the client [MQTT-3.4.2-2, MQTT-3.9.2-1].
    pub(super) fn reason(self, why: &str, others: usize) -> Option<&str> {
        // Its identifier, its length, and what longer lengths before it take.
        const AROUND: usize = 1 + 2 + 6;
        let fits = others + AROUND + why.len() <= self.maximum_packet_size;
        (self.wants_reasons && fits).then_some(why)
    }

    pub(super) fn acknowledge(self, packet_id: PacketId, code: ReasonCode, why: &str, out: &mut Vec<u8>) {
        // Type, length, identifier, code, length of the properties.
        const OTHERS: usize = 1 + 1 + 2 + 1 + 1;
        let mut ack = Ack { code, ..Ack::success(packet_id) };
        ack.properties.reason_string = self.reason(why, OTHERS).filter(|why| !why.is_empty());
        self.answer(&Packet::PubAck(ack), out);
    }

    /// A server's DISCONNECT, which 3.1.1 doesn't know.
    pub(super) fn disconnect(self, code: ReasonCode, reason: Option<&str>, out: &mut Vec<u8>) {
        if self.version == Version::V5 {
            let mut disconnect = Disconnect::with(code);
            disconnect.properties.reason_string = reason;
            self.answer(&Packet::Disconnect(disconnect), out);
        }
    }

    pub(super) fn refuse(self, code: ReasonCode, out: &mut Vec<u8>) {
        let refusal =
            ConnAck { session_present: false, code, properties: homing_link::ConnAckProperties::default() };
        self.answer(&Packet::ConnAck(refusal), out);
    }
}

/// A topic in one allocation: most have less than a hundred bytes.
fn spelled(topic: &ToDevice<'_>) -> String {
    let mut text = String::with_capacity(128);
    // Writing to a string doesn't fail.
    let _ = write!(text, "{topic}");
    text
}

fn link_name(name: &Name) -> RegistrationName<'_> {
    RegistrationName { environment: name.environment, topic: &name.topic, instance: name.instance.as_deref() }
}

/// Whole seconds until it expires, at least one, since what has expired isn't sent; `None` for one tried once.
fn seconds_left(notification: &Notification, now: UnixMillis) -> Option<u32> {
    let millis = notification.expires_at()?.millis_since(now).max(1);
    Some(u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX))
}
