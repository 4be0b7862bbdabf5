//! One MQTT 5 connection, from CONNECT to its end (`docs/device-link.md`). Reads and writes never wait for each other.
//!
//! - CONNECT, CONNACK, then the phone gets a channel for its orders;
//! - what the push service publishes goes to the phone, which orders the acknowledgement once it is on disk;
//! - silence is broken by PINGREQ; a push service that doesn't answer it is gone.

use std::convert::Infallible;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use homing_link::{
    Connect, ConnectProperties, Disconnect, Opaque, Packet, ReasonCode, Version, decode, encode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_rustls::client::TlsStream;

use super::wire::{Ended, MAX_PACKET, Wire, because};
use super::{FromLink, Order};
use crate::phone::Input;
use crate::store::Identity;
use crate::tls::{Dialler, Speak};

/// Notifications may be on their way to the disk.
const PHONE: Terms = Terms {
    receive_maximum: NonZeroU16::MIN.saturating_add(255),
    keep_alive: Duration::from_secs(60),
    receipt_window: 64,
};
/// Orders not yet written. More than can be open at once: 256 acknowledgements, 64 receipts, and subscriptions.
const ORDERS_QUEUED: usize = 1024;
/// Longest wait for CONNACK.
const CONNACK_DEADLINE: Duration = Duration::from_secs(20);
/// Bytes waiting to be written from which no further order is taken.
const OUT_FULL: usize = 256 * 1024;

struct Session<'a> {
    phone: &'a mpsc::Sender<Input>,
    wire: Wire,
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
        let accepted = introduce(&mut stream, identity, &PHONE, &mut read).await?;
        Ok::<_, Ended>((stream, read, accepted))
    };
    let (stream, read, accepted) = tokio::select! {
        connected = connecting => connected?,
        () = offline(online) => return Err(Ended::Offline),
    };
    let (orders, to_do) = mpsc::channel(ORDERS_QUEUED);
    let mut session = Session { phone, wire: Wire::default(), pinged: false };
    session.tell(FromLink::Connected { orders, window: accepted.receipt_window }).await?;
    let (from, to) = tokio::io::split(stream);
    session.exchange(Pipe { from, to, read, to_do, keep_alive: accepted.keep_alive }, online).await
}

/// What a device says of itself in CONNECT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Notifications that may be unacknowledged.
    pub(crate) receive_maximum: NonZeroU16,
    /// Silence after which the push service is asked whether it is there.
    pub(crate) keep_alive: Duration,
    /// Receipts that may be unanswered, if the push service takes so many.
    pub(crate) receipt_window: usize,
}

/// What CONNACK granted.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Never zero.
    pub(crate) keep_alive: Duration,
    pub(crate) receipt_window: usize,
}

/// CONNECT, and the answer to it. What came after that is in `read`.
pub(crate) async fn introduce(
    stream: &mut TlsStream<TcpStream>,
    identity: &Identity,
    terms: &Terms,
    read: &mut Vec<u8>,
) -> Result<Accepted, Ended> {
    tokio::time::timeout(CONNACK_DEADLINE, connect(stream, identity, terms, read))
        .await
        .map_err(|_| Ended::Silent)?
}

async fn connect(
    stream: &mut TlsStream<TcpStream>,
    identity: &Identity,
    terms: &Terms,
    read: &mut Vec<u8>,
) -> Result<Accepted, Ended> {
    let keep_alive = u16::try_from(terms.keep_alive.as_secs()).unwrap_or(u16::MAX);
    let packet = Packet::Connect(Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive,
        client_id: &identity.device_id,
        username: Some(&identity.device_id),
        password: Some(Opaque::from(identity.secret.as_str())),
        will: None,
        properties: ConnectProperties {
            receive_maximum: Some(terms.receive_maximum),
            maximum_packet_size: NonZeroU32::new(MAX_PACKET),
            ..ConnectProperties::default()
        },
    });
    let mut out = Vec::new();
    encode(&packet, Version::V5, &mut out)?;
    stream.write_all(&out).await?;
    stream.flush().await?;
    let (accepted, taken) = loop {
        if let Some((packet, taken)) = decode(read, Version::V5, MAX_PACKET as usize)? {
            break (accepted(&packet, terms)?, taken);
        }
        if stream.read_buf(read).await? == 0 {
            return Err(Ended::Closed);
        }
    };
    read.drain(..taken);
    Ok(accepted)
}

fn accepted(packet: &Packet<'_>, terms: &Terms) -> Result<Accepted, Ended> {
    match packet {
        Packet::ConnAck(ack) if ack.code == ReasonCode::Success => {
            let asked = ack.properties.server_keep_alive.filter(|seconds| *seconds > 0);
            let most = ack.properties.receive_maximum.map_or(usize::MAX, |most| usize::from(most.get()));
            Ok(Accepted {
                keep_alive: asked.map_or(terms.keep_alive, |seconds| Duration::from_secs(seconds.into())),
                receipt_window: terms.receipt_window.min(most),
            })
        }
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
        let beat = pipe.keep_alive.mul_f64(0.75);
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
                count = put(&mut pipe.to, &self.wire.out), if unflushed || !self.wire.out.is_empty() => {
                    let count = count?;
                    self.wire.out.drain(..count);
                    unflushed = count > 0;
                }
                order = pipe.to_do.recv(), if self.wire.out.len() < OUT_FULL => {
                    // The phone lets go of a connection it can't keep up with.
                    self.wire.obey(&order.ok_or(Ended::Overrun)?)?;
                }
                _ = heart.tick() => {
                    if self.pinged {
                        return Err(Ended::Silent);
                    }
                    self.pinged = true;
                    self.wire.say(&Packet::PingReq)?;
                }
                () = offline(online) => return self.leave(pipe.to).await,
            }
        }
    }

    /// Says goodbye, so that the push service knows at once.
    async fn leave(&mut self, mut to: WriteHalf<TlsStream<TcpStream>>) -> Result<Infallible, Ended> {
        self.wire.say(&Packet::Disconnect(Disconnect::with(ReasonCode::Success)))?;
        let bye = async {
            to.write_all(&self.wire.out).await?;
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
            if let Some(news) = self.wire.take(&packet)? {
                self.tell(news).await?;
            }
        }
        read.drain(..from);
        Ok(())
    }

    async fn tell(&self, news: FromLink) -> Result<(), Ended> {
        self.phone.send(Input::Link(news)).await.map_err(|_| Ended::PhoneGone)
    }
}
