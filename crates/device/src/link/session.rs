//! One MQTT 5 connection, from CONNECT to its end (`docs/device-link.md`). Reads and writes never wait for each other.
//!
//! - CONNECT, CONNACK, then the phone gets a channel for its orders;
//! - what the push service publishes goes to the phone, which orders the acknowledgement once it is on disk;
//! - silence is broken by PINGREQ; a push service that doesn't answer it is gone.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use homing_link::topic::DEVICE_STATE;
use homing_link::{
    Ack, BroadcastHead, ChannelName, Connect, ConnectProperties, DecodeError, Delivery, DeviceState,
    Disconnect, EncodeError, NotificationHead, Opaque, Packet, PacketId, Publish, PublishProperties, Qos,
    ReasonCode, Subscribe, SubscribeFilter, SubscribeFilters, SubscribeProperties, ToDevice, Unsubscribe,
    UnsubscribeFilters, UnsubscribeProperties, Version, decode, encode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_rustls::client::TlsStream;

use super::{Arrived, FromLink, Order, Registration};
use crate::phone::Input;
use crate::phone::followed::Broadcast;
use crate::store::{Channel, Identity, OwedReceipt};
use crate::tls::{Dialler, Speak};

/// Longest packet taken, in bytes; said in CONNECT. The longest payload is 5 KiB.
const MAX_PACKET: u32 = 64 * 1024;
/// Notifications that may be on their way to the disk; said in CONNECT.
const RECEIVE_MAXIMUM: u16 = 256;
/// Receipts that may be unanswered.
const RECEIPT_WINDOW: usize = 64;
/// Orders not yet written. More than can be open at once: 256 acknowledgements, 64 receipts, and subscriptions.
const ORDERS_QUEUED: usize = 1024;
/// Silence after which the push service is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Longest wait for CONNACK.
const CONNACK_DEADLINE: Duration = Duration::from_secs(20);
/// Bytes waiting to be written from which no further order is taken.
const OUT_FULL: usize = 256 * 1024;

/// Why there is no connection any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
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
    pub(super) fn is_refusal(&self) -> bool {
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

struct Session<'a> {
    phone: &'a mpsc::Sender<Input>,
    out: Vec<u8>,
    asked: HashMap<PacketId, Asked>,
    last_id: u16,
    /// PINGREQ was sent and nothing came since.
    pinged: bool,
}

/// Runs one connection to its end, which is always an error.
pub(super) async fn run(
    dialler: &Dialler,
    identity: &Identity,
    phone: &mpsc::Sender<Input>,
    online: &mut watch::Receiver<bool>,
) -> Result<Infallible, Ended> {
    let connecting = async {
        let mut stream = dialler.dial(Speak::Mqtt).await?;
        let mut read = Vec::with_capacity(4096);
        let accepted = tokio::time::timeout(CONNACK_DEADLINE, connect(&mut stream, identity, &mut read));
        let accepted = accepted.await.map_err(|_| Ended::Silent)??;
        Ok::<_, Ended>((stream, read, accepted))
    };
    let (stream, read, accepted) = tokio::select! {
        connected = connecting => connected?,
        () = offline(online) => return Err(Ended::Offline),
    };
    let (orders, to_do) = mpsc::channel(ORDERS_QUEUED);
    let mut session = Session { phone, out: Vec::new(), asked: HashMap::new(), last_id: 0, pinged: false };
    session.tell(FromLink::Connected { orders, window: accepted.receipt_window }).await?;
    let (from, to) = tokio::io::split(stream);
    session.exchange(Pipe { from, to, read, to_do, keep_alive: accepted.keep_alive }, online).await
}

/// What CONNACK granted.
struct Accepted {
    keep_alive: Duration,
    receipt_window: usize,
}

async fn connect(
    stream: &mut TlsStream<TcpStream>,
    identity: &Identity,
    read: &mut Vec<u8>,
) -> Result<Accepted, Ended> {
    let keep_alive = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
    let packet = Packet::Connect(Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive,
        client_id: &identity.device_id,
        username: Some(&identity.device_id),
        password: Some(Opaque::from(identity.secret.as_str())),
        will: None,
        properties: ConnectProperties {
            receive_maximum: std::num::NonZeroU16::new(RECEIVE_MAXIMUM),
            maximum_packet_size: std::num::NonZeroU32::new(MAX_PACKET),
            ..ConnectProperties::default()
        },
    });
    let mut out = Vec::new();
    encode(&packet, Version::V5, &mut out)?;
    stream.write_all(&out).await?;
    stream.flush().await?;
    let (accepted, taken) = loop {
        if let Some((packet, taken)) = decode(read, Version::V5, MAX_PACKET as usize)? {
            break (accepted(&packet, keep_alive)?, taken);
        }
        if stream.read_buf(read).await? == 0 {
            return Err(Ended::Closed);
        }
    };
    read.drain(..taken);
    Ok(accepted)
}

fn accepted(packet: &Packet<'_>, keep_alive: u16) -> Result<Accepted, Ended> {
    match packet {
        Packet::ConnAck(ack) if ack.code == ReasonCode::Success => Ok(Accepted {
            keep_alive: Duration::from_secs(u64::from(
                ack.properties.server_keep_alive.unwrap_or(keep_alive),
            )),
            receipt_window: ack
                .properties
                .receive_maximum
                .map_or(RECEIPT_WINDOW, |most| RECEIPT_WINDOW.min(usize::from(most.get()))),
        }),
        Packet::ConnAck(ack) => Err(Ended::Refused(ack.code, because(ack.properties.reason_string))),
        Packet::Disconnect(bye) => Err(Ended::Disconnected(bye.code, because(bye.properties.reason_string))),
        Packet::Connect(_)
        | Packet::Publish(_)
        | Packet::PubAck(_)
        | Packet::PubRec(_)
        | Packet::PubRel(_)
        | Packet::PubComp(_)
        | Packet::Subscribe(_)
        | Packet::SubAck(_)
        | Packet::Unsubscribe(_)
        | Packet::UnsubAck(_)
        | Packet::PingReq
        | Packet::PingResp
        | Packet::Auth(_) => Err(Ended::Protocol("another packet came before CONNACK")),
    }
}

/// Writes some of `out`; with nothing left to write, sees to it that what was written leaves. Loses nothing when
/// dropped half-way.
async fn put(to: &mut WriteHalf<TlsStream<TcpStream>>, out: &[u8]) -> std::io::Result<usize> {
    if out.is_empty() {
        return to.flush().await.map(|()| 0);
    }
    to.write(out).await
}

/// Waits for airplane mode. A device that is being stopped counts as offline.
async fn offline(online: &mut watch::Receiver<bool>) {
    let _ = online.wait_for(|online| !online).await;
}

/// A peer's reason string as the rest of a sentence.
fn because(said: Option<&str>) -> String {
    said.map_or_else(String::new, |said| format!(" ({})", said.chars().take(200).collect::<String>()))
}

/// The two directions of a connection and what feeds them.
struct Pipe {
    from: ReadHalf<TlsStream<TcpStream>>,
    to: WriteHalf<TlsStream<TcpStream>>,
    read: Vec<u8>,
    to_do: mpsc::Receiver<Order>,
    keep_alive: Duration,
}

impl Session<'_> {
    async fn exchange(
        &mut self,
        mut pipe: Pipe,
        online: &mut watch::Receiver<bool>,
    ) -> Result<Infallible, Ended> {
        let beat = if pipe.keep_alive.is_zero() { KEEP_ALIVE } else { pipe.keep_alive.mul_f64(0.75) };
        let mut heart = tokio::time::interval_at(tokio::time::Instant::now() + beat, beat);
        let mut unflushed = false;
        // What came together with CONNACK.
        self.read_packets(&mut pipe.read).await?;
        loop {
            tokio::select! {
                count = pipe.from.read_buf(&mut pipe.read) => {
                    if count? == 0 {
                        return Err(Ended::Closed);
                    }
                    self.pinged = false;
                    self.read_packets(&mut pipe.read).await?;
                }
                count = put(&mut pipe.to, &self.out), if unflushed || !self.out.is_empty() => {
                    let count = count?;
                    self.out.drain(..count);
                    unflushed = count > 0;
                }
                order = pipe.to_do.recv(), if self.out.len() < OUT_FULL => {
                    // The phone lets go of a connection it can't keep up with.
                    self.obey(&order.ok_or(Ended::Overrun)?)?;
                }
                _ = heart.tick() => {
                    if self.pinged {
                        return Err(Ended::Silent);
                    }
                    self.pinged = true;
                    encode(&Packet::PingReq, Version::V5, &mut self.out)?;
                }
                () = offline(online) => return self.leave(pipe.to).await,
            }
        }
    }

    /// Says goodbye, so that the push service knows at once.
    async fn leave(&mut self, mut to: WriteHalf<TlsStream<TcpStream>>) -> Result<Infallible, Ended> {
        encode(&Packet::Disconnect(Disconnect::with(ReasonCode::Success)), Version::V5, &mut self.out)?;
        let bye = async {
            to.write_all(&self.out).await?;
            to.shutdown().await
        };
        // A push service that doesn't take the goodbye finds out by itself.
        let _ = tokio::time::timeout(Duration::from_secs(1), bye).await;
        Err(Ended::Offline)
    }

    async fn read_packets(&mut self, read: &mut Vec<u8>) -> Result<(), Ended> {
        let mut from = 0;
        while let Some((packet, taken)) =
            decode(read.get(from..).unwrap_or_default(), Version::V5, MAX_PACKET as usize)?
        {
            from += taken;
            if let Some(news) = self.take(&packet)? {
                self.tell(news).await?;
            }
        }
        read.drain(..from);
        Ok(())
    }

    /// What a packet means for the phone.
    fn take(&mut self, packet: &Packet<'_>) -> Result<Option<FromLink>, Ended> {
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

    fn obey(&mut self, order: &Order) -> Result<(), Ended> {
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

    fn say(&mut self, packet: &Packet<'_>) -> Result<(), Ended> {
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

    async fn tell(&self, news: FromLink) -> Result<(), Ended> {
        self.phone.send(Input::Link(news)).await.map_err(|_| Ended::PhoneGone)
    }
}
