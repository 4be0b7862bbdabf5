//! What stands on an open connection, without the connection: each packet that came as news, each order as a packet
//! (`docs/device-link.md`). Bytes come and go by `session`, of a crowd's devices by `crowd`.

use std::collections::HashMap;

use homing_link::topic::DEVICE_STATE;
use homing_link::{
    Ack, BroadcastHead, ChannelName, DecodeError, Delivery, DeviceState, EncodeError, NotificationHead,
    Opaque, Packet, PacketId, Publish, PublishProperties, Qos, ReasonCode, Subscribe, SubscribeFilter,
    SubscribeFilters, SubscribeProperties, ToDevice, Unsubscribe, UnsubscribeFilters, UnsubscribeProperties,
    Version, encode,
};

use super::{Arrived, FromLink, Order, Registration};
use crate::phone::followed::Broadcast;
use crate::store::{Channel, OwedReceipt};

/// Longest packet taken, in bytes; said in CONNECT. The longest payload is 5 KiB.
pub(crate) const MAX_PACKET: u32 = 64 * 1024;

/// Why there is no connection any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    #[error("the push service can't be reached: {0}")]
    Io(#[from] std::io::Error),
    #[error("the push service closed the connection")]
    Closed,
    #[error("the push service sent what isn't MQTT: {0}")]
    Decode(#[from] DecodeError),
    #[error("the device can't say it in MQTT: {0}")]
    Encode(#[from] EncodeError),
    #[error("the push service refused the device: {0}{1}")]
    Refused(ReasonCode, String),
    #[error("the push service ended the connection: {0}{1}")]
    Disconnected(ReasonCode, String),
    #[error("the push service broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("the push service doesn't answer")]
    Silent,
    #[error("the device fell behind its own connection")]
    Overrun,
    #[error("airplane mode is on")]
    Offline,
    #[error("the device is stopped")]
    PhoneGone,
}

impl Ended {
    /// Whether trying again soon is of no use.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(code, _) => !matches!(
                code,
                ReasonCode::ServerUnavailable | ReasonCode::ServerBusy | ReasonCode::ConnectionRateExceeded
            ),
            Self::Disconnected(code, _) => *code == ReasonCode::SessionTakenOver,
            Self::Io(_)
            | Self::Closed
            | Self::Decode(_)
            | Self::Encode(_)
            | Self::Protocol(_)
            | Self::Silent
            | Self::Overrun
            | Self::Offline
            | Self::PhoneGone => false,
        }
    }
}

/// A peer's reason string as the rest of a sentence.
pub(super) fn because(said: Option<&str>) -> String {
    said.map_or_else(String::new, |said| format!(" ({})", said.chars().take(200).collect::<String>()))
}

/// What an unanswered packet of ours was.
#[derive(Debug)]
enum Asked {
    Subscribe(Registration),
    Unsubscribe(Registration),
    Follow(Channel),
    Unfollow,
    Receipt(i64),
    State,
}

/// What is to be written, and what was written and isn't answered yet.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) out: Vec<u8>,
    asked: HashMap<PacketId, Asked>,
    last_id: u16,
}

impl Wire {
    /// Gives back what isn't in use, for one that is among many and seldom has anything to say.
    pub(crate) fn rest(&mut self) {
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        if self.asked.is_empty() {
            self.asked = HashMap::new();
        }
    }

    /// What a packet means for the phone.
    pub(crate) fn take(&mut self, packet: &Packet<'_>) -> Result<Option<FromLink>, Ended> {
        match packet {
            Packet::Publish(publish) => self.published(publish),
            Packet::PubAck(ack) => match self.asked.remove(&ack.packet_id) {
                Some(Asked::Receipt(no)) => {
                    if ack.code.is_error() {
                        tracing::warn!(code = %ack.code, "the push service didn't take a receipt");
                    }
                    Ok(Some(FromLink::ReceiptTaken { no }))
                }
                Some(Asked::State) => {
                    if ack.code.is_error() {
                        tracing::warn!(code = %ack.code, "the push service didn't take the device's state");
                    }
                    Ok(None)
                }
                Some(_) | None => Err(Ended::Protocol("a PUBACK for nothing")),
            },
            Packet::SubAck(ack) => match (self.asked.remove(&ack.packet_id), ack.codes().next()) {
                (Some(Asked::Subscribe(registration)), Some(code)) => {
                    let said = because(ack.properties.reason_string);
                    Ok(Some(FromLink::Subscribed { registration, code, said }))
                }
                (Some(Asked::Follow(channel)), Some(code)) => {
                    let said = because(ack.properties.reason_string);
                    Ok(Some(FromLink::Follows { channel, code, said }))
                }
                _ => Err(Ended::Protocol("a SUBACK for nothing")),
            },
            Packet::UnsubAck(ack) => match (self.asked.remove(&ack.packet_id), ack.codes().next()) {
                (Some(Asked::Unsubscribe(registration)), Some(code)) => {
                    Ok(Some(FromLink::Unsubscribed { registration, code }))
                }
                (Some(Asked::Unfollow), Some(_)) => Ok(None),
                _ => Err(Ended::Protocol("an UNSUBACK for nothing")),
            },
            Packet::PingResp => Ok(None),
            Packet::Disconnect(bye) => {
                Err(Ended::Disconnected(bye.code, because(bye.properties.reason_string)))
            }
            Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::PubRec(_)
            | Packet::PubRel(_)
            | Packet::PubComp(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq
            | Packet::Auth(_) => Err(Ended::Protocol("a packet that has no place in a running connection")),
        }
    }

    fn published(&mut self, publish: &Publish<'_>) -> Result<Option<FromLink>, Ended> {
        let Delivery::AtLeastOnce { packet_id, .. } = publish.delivery else {
            return Err(Ended::Protocol("a PUBLISH that isn't at QoS 1"));
        };
        if let Some(name) = ChannelName::parse(publish.topic) {
            let head = BroadcastHead::of(publish);
            return Ok(Some(FromLink::Broadcast(Box::new(Broadcast {
                channel: Channel::of(&name),
                packet_id,
                seq: head.seq,
                request_id: head.request_id.map(str::to_owned),
                payload: publish.payload.to_vec(),
            }))));
        }
        if let Ok(ToDevice::Token { registration }) = ToDevice::parse(publish.topic) {
            let token = String::from_utf8_lossy(&publish.payload).into_owned();
            let registration = Registration::of(&registration);
            return Ok(Some(FromLink::Token { registration, token, packet_id: Some(packet_id) }));
        }
        let (registration, head) = match NotificationHead::of(publish) {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, "the push service sent what is no notification");
                let refused = Ack { code: ReasonCode::PayloadFormatInvalid, ..Ack::success(packet_id) };
                encode(&Packet::PubAck(refused), Version::V5, &mut self.out)?;
                return Ok(None);
            }
        };
        Ok(Some(FromLink::Notification(Box::new(Arrived {
            registration: Registration::of(&registration),
            packet_id,
            seq: head.seq,
            apns_id: head.apns_id.to_owned(),
            push_type: head.push_type.map(str::to_owned),
            collapse_id: head.collapse_id.map(str::to_owned),
            expires_in: publish.properties.message_expiry,
            payload: publish.payload.to_vec(),
        }))))
    }

    pub(crate) fn obey(&mut self, order: &Order) -> Result<(), Ended> {
        match order {
            Order::Subscribe(registration) => {
                self.subscribe(&registration.name().filter(), Asked::Subscribe(registration.clone()))
            }
            Order::Unsubscribe(registration) => {
                self.unsubscribe(&registration.name().filter(), Asked::Unsubscribe(registration.clone()))
            }
            Order::Follow(channel) => {
                self.subscribe(&channel.name().to_string(), Asked::Follow(channel.clone()))
            }
            Order::Unfollow(channel) => self.unsubscribe(&channel.name().to_string(), Asked::Unfollow),
            Order::Receipt(receipt) => self.publish_receipt(receipt),
            Order::State { low_power } => {
                let packet_id = self.ask(Asked::State)?;
                let state = DeviceState { low_power: *low_power };
                let payload = serde_json::to_vec(&state).unwrap_or_default();
                self.publish(packet_id, DEVICE_STATE, &payload)
            }
            Order::Acknowledge(acks) => {
                for (packet_id, code) in acks {
                    self.say(&Packet::PubAck(Ack { code: *code, ..Ack::success(*packet_id) }))?;
                }
                Ok(())
            }
        }
    }

    fn subscribe(&mut self, filter: &str, asked: Asked) -> Result<(), Ended> {
        let filters = [SubscribeFilter::at(Qos::AtLeastOnce, filter)];
        let packet_id = self.ask(asked)?;
        let (filters, properties) = (SubscribeFilters::new(&filters), SubscribeProperties::default());
        self.say(&Packet::Subscribe(Subscribe { packet_id, filters, properties }))
    }

    fn unsubscribe(&mut self, filter: &str, asked: Asked) -> Result<(), Ended> {
        let packet_id = self.ask(asked)?;
        let filters = [filter];
        let (filters, properties) = (UnsubscribeFilters::new(&filters), UnsubscribeProperties::default());
        self.say(&Packet::Unsubscribe(Unsubscribe { packet_id, filters, properties }))
    }

    fn publish_receipt(&mut self, receipt: &OwedReceipt) -> Result<(), Ended> {
        let packet_id = self.ask(Asked::Receipt(receipt.no))?;
        let topic = format!("{}/{}/receipt", receipt.environment, receipt.topic);
        self.publish(packet_id, &topic, &receipt.body)
    }

    fn publish(&mut self, packet_id: PacketId, topic: &str, payload: &[u8]) -> Result<(), Ended> {
        self.say(&Packet::Publish(Publish {
            topic,
            delivery: Delivery::AtLeastOnce { packet_id, dup: false },
            retain: false,
            properties: PublishProperties::default(),
            payload: Opaque::from(payload),
        }))
    }

    pub(crate) fn say(&mut self, packet: &Packet<'_>) -> Result<(), Ended> {
        Ok(encode(packet, Version::V5, &mut self.out)?)
    }

    /// A free packet id, from now on taken by `asked`.
    fn ask(&mut self, asked: Asked) -> Result<PacketId, Ended> {
        for _ in 0..=u16::MAX {
            self.last_id = self.last_id.wrapping_add(1);
            if let Some(id) = PacketId::new(self.last_id)
                && let std::collections::hash_map::Entry::Vacant(free) = self.asked.entry(id)
            {
                free.insert(asked);
                return Ok(id);
            }
        }
        Err(Ended::Overrun)
    }
}
