//! Why bytes are no packet, and why a packet has no bytes. What to do with the connection then is the caller's.

use crate::{ReasonCode, Version};

/// Why the peer's bytes are refused. The connection can't go on after any of these: answer with
/// [`DecodeError::reason_code`] (MQTT 5) and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    // The frame.
    #[error("packet type {0} is reserved")]
    UnknownPacketType(u8),
    #[error("the flags {flags:#06b} of packet type {packet_type} are reserved [MQTT-2.1.3-1]")]
    ReservedFlags { packet_type: u8, flags: u8 },
    #[error("a variable byte integer ends within four bytes [MQTT-1.5.5]")]
    LongInteger,
    #[error("a variable byte integer takes as few bytes as it can [MQTT-1.5.5-1]")]
    PaddedInteger,
    #[error("the packet is {len} bytes long; at most {max} are taken")]
    TooLarge { len: usize, max: usize },
    #[error("a field reaches beyond the end of its packet")]
    Short,
    #[error("{0} bytes are left over at the end of the packet")]
    LeftOver(usize),
    // Fields.
    #[error("a string isn't well-formed UTF-8 [MQTT-1.5.4-1]")]
    NotUtf8,
    #[error("a string holds U+0000 [MQTT-1.5.4-2]")]
    NullCharacter,
    #[error("a packet identifier is not zero [MQTT-2.2.1-3]")]
    ZeroPacketId,
    #[error("QoS 3 doesn't exist [MQTT-3.3.1-4]")]
    Qos3,
    #[error("DUP is 0 at QoS 0 [MQTT-3.3.1-2]")]
    DupAtQos0,
    #[error("a topic name has no wildcard [MQTT-3.3.2-2]")]
    WildcardInTopicName,
    #[error("a topic name or filter has at least one character [MQTT-4.7.3-1]")]
    EmptyTopic,
    // CONNECT and CONNACK.
    #[error("the protocol name is `MQTT` [MQTT-3.1.2-1]")]
    ProtocolName,
    #[error("protocol level {0} isn't spoken here: use MQTT 5 or 3.1.1")]
    UnsupportedVersion(u8),
    #[error("the reserved connect flag is 0 [MQTT-3.1.2-3]")]
    ReservedConnectFlag,
    #[error("will QoS and will retain are 0 without a will [MQTT-3.1.2-11]")]
    WillFlagsWithoutWill,
    #[error("in MQTT 3.1.1 a password needs a user name [MQTT-3.1.2-22]")]
    PasswordWithoutUsername,
    #[error("connect acknowledge flags 7 to 1 are 0 [MQTT-3.2.2-1]")]
    ReservedConnAckFlags,
    #[error("session present is 0 beside a refusal [MQTT-3.2.2-6]")]
    SessionPresentInRefusal,
    #[error("return code {0} is reserved in MQTT 3.1.1")]
    ReservedReturnCode(u8),
    // SUBSCRIBE, UNSUBSCRIBE and their answers.
    #[error("it names no topic filter [MQTT-3.8.3-2, MQTT-3.10.3-2]")]
    NoFilters,
    #[error("it carries no reason code")]
    NoCodes,
    #[error("reserved subscription options are 0 [MQTT-3.8.3-5]")]
    ReservedSubscriptionOptions,
    #[error("retain handling 3 doesn't exist [MQTT-3.8.3-5]")]
    RetainHandling3,
    #[error("no local doesn't go with a shared subscription [MQTT-3.8.3-4]")]
    NoLocalOnShared,
    // Properties.
    #[error("property {0:#04x} doesn't exist")]
    UnknownProperty(u8),
    #[error("property {0:#04x} has no place in this packet")]
    MisplacedProperty(u8),
    #[error("property {0:#04x} stands there twice")]
    RepeatedProperty(u8),
    #[error("property {0:#04x} can't have this value")]
    PropertyValue(u8),
    #[error("a packet with authentication data or of type AUTH names its authentication method")]
    NoAuthenticationMethod,
}

impl DecodeError {
    /// What MQTT 5 has us say before closing; in 3.1.1 only a CONNECT is answered (with 1 for
    /// [`DecodeError::UnsupportedVersion`]), everything else by closing.
    pub const fn reason_code(&self) -> ReasonCode {
        match self {
            Self::UnknownPacketType(_)
            | Self::ReservedFlags { .. }
            | Self::LongInteger
            | Self::PaddedInteger
            | Self::Short
            | Self::LeftOver(_)
            | Self::NotUtf8
            | Self::NullCharacter
            | Self::Qos3
            | Self::DupAtQos0
            | Self::WildcardInTopicName
            | Self::EmptyTopic
            | Self::ReservedConnectFlag
            | Self::WillFlagsWithoutWill
            | Self::PasswordWithoutUsername
            | Self::ReservedConnAckFlags
            | Self::ReservedReturnCode(_)
            | Self::ReservedSubscriptionOptions
            | Self::UnknownProperty(_) => ReasonCode::MalformedPacket,
            Self::ZeroPacketId
            | Self::SessionPresentInRefusal
            | Self::NoFilters
            | Self::NoCodes
            | Self::RetainHandling3
            | Self::NoLocalOnShared
            | Self::MisplacedProperty(_)
            | Self::RepeatedProperty(_)
            | Self::PropertyValue(_)
            | Self::NoAuthenticationMethod => ReasonCode::ProtocolError,
            Self::TooLarge { .. } => ReasonCode::PacketTooLarge,
            Self::ProtocolName | Self::UnsupportedVersion(_) => ReasonCode::UnsupportedProtocolVersion,
        }
    }
}

/// Why a packet can't be written. Nothing was written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("a string or binary field is {0} bytes long: MQTT carries at most 65535")]
    FieldTooLong(usize),
    #[error("the packet is {0} bytes long: MQTT carries at most 268435460")]
    PacketTooLong(usize),
    #[error("a string holds U+0000, which MQTT forbids")]
    NullCharacter,
    #[error("a PUBLISH needs a topic name without `+` and `#`")]
    TopicName,
    #[error("a SUBSCRIBE or UNSUBSCRIBE names at least one topic filter, each with at least one character")]
    NoFilters,
    #[error("a SUBACK or UNSUBACK carries at least one reason code")]
    NoCodes,
    #[error("{0:?} has no AUTH packet")]
    NotInVersion(Version),
}
