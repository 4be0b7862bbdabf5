//! MQTT's packets as values that borrow from where they came. A packet that can't be written is hard to build.

use std::num::NonZeroU16;

use crate::{
    AckProperties, AuthProperties, ConnAckProperties, ConnectProperties, DisconnectProperties, Opaque,
    PublishProperties, ReasonCode, SubscribeFilters, SubscribeProperties, UnsubscribeFilters,
    UnsubscribeProperties, WillProperties,
};

/// Which MQTT a connection speaks; its CONNECT says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Protocol level 4.
    V311,
    /// Protocol level 5.
    V5,
}

/// Names a PUBLISH, SUBSCRIBE or UNSUBSCRIBE until it is answered.
pub type PacketId = NonZeroU16;

/// How hard a message is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

impl Qos {
    pub const fn as_u8(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }

    pub const fn from_u8(qos: u8) -> Option<Self> {
        match qos {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// One control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    Connect(Connect<'a>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    PubAck(Ack<'a>),
    PubRec(Ack<'a>),
    PubRel(Ack<'a>),
    PubComp(Ack<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(UnsubAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    /// MQTT 5 only.
    Auth(Auth<'a>),
}

/// The first packet of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    pub version: Version,
    pub clean_start: bool,
    /// Seconds; 0 turns it off.
    pub keep_alive: u16,
    /// Empty: the server is to choose one.
    pub client_id: &'a str,
    pub username: Option<&'a str>,
    pub password: Option<Opaque<'a>>,
    pub will: Option<Will<'a>>,
    /// Empty in 3.1.1.
    pub properties: ConnectProperties<'a>,
}

/// What a server is to publish when the client vanishes. Homing ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    pub topic: &'a str,
    pub payload: Opaque<'a>,
    pub qos: Qos,
    pub retain: bool,
    pub properties: WillProperties<'a>,
}

/// The answer to a CONNECT. In 3.1.1 the code is one of six (see [`ReasonCode::to_v311_return_code`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    pub session_present: bool,
    pub code: ReasonCode,
    pub properties: ConnAckProperties<'a>,
}

/// A PUBLISH's QoS and what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    AtMostOnce,
    AtLeastOnce { packet_id: PacketId, dup: bool },
    ExactlyOnce { packet_id: PacketId, dup: bool },
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Empty only beside a topic alias.
    pub topic: &'a str,
    pub delivery: Delivery,
    pub retain: bool,
    pub properties: PublishProperties<'a>,
    pub payload: Opaque<'a>,
}

/// PUBACK and its three QoS 2 sisters. 3.1.1 carries the packet id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    pub packet_id: PacketId,
    pub code: ReasonCode,
    pub properties: AckProperties<'a>,
}

impl Ack<'_> {
    /// Success, without a word.
    pub fn success(packet_id: PacketId) -> Self {
        Self { packet_id, code: ReasonCode::Success, properties: AckProperties::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    pub packet_id: PacketId,
    pub filters: SubscribeFilters<'a>,
    pub properties: SubscribeProperties<'a>,
}

/// One code per filter, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    pub packet_id: PacketId,
    /// As [`ReasonCode::as_u8`] gives them. 3.1.1 writes every error as 0x80.
    pub codes: &'a [u8],
    pub properties: AckProperties<'a>,
}

impl<'a> SubAck<'a> {
    pub fn codes(&self) -> impl Iterator<Item = ReasonCode> + use<'a> {
        self.codes.iter().copied().map(ReasonCode::from_u8)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    pub packet_id: PacketId,
    pub filters: UnsubscribeFilters<'a>,
    pub properties: UnsubscribeProperties<'a>,
}

/// One code per filter, in order; none in 3.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubAck<'a> {
    pub packet_id: PacketId,
    pub codes: &'a [u8],
    pub properties: AckProperties<'a>,
}

impl<'a> UnsubAck<'a> {
    pub fn codes(&self) -> impl Iterator<Item = ReasonCode> + use<'a> {
        self.codes.iter().copied().map(ReasonCode::from_u8)
    }
}

/// The last packet of a connection. In 3.1.1 only a client says it, without a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    pub code: ReasonCode,
    pub properties: DisconnectProperties<'a>,
}

impl Disconnect<'_> {
    pub fn with(code: ReasonCode) -> Self {
        Self { code, properties: DisconnectProperties::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    pub code: ReasonCode,
    pub properties: AuthProperties<'a>,
}
