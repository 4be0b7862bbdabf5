//! MQTT 5's reason codes: one open table, and what MQTT 3.1.1 says instead.

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal,)*) => {
        /// A reason code (*MQTT Version 5.0*, 2.4). The table is open: a peer may say what we don't know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)*
            Unknown(u8),
        }

        impl ReasonCode {
            /// Every code we know, rising.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn from_u8(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Unknown(other),
                }
            }

            pub const fn as_u8(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown(code) => code,
                }
            }

            /// The name the specification gives it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown(_) => "unknown reason code",
                }
            }
        }
    };
}

reason_codes! {
    /// Also normal disconnection, and granted QoS 0.
    Success = 0x00 "success",
    GrantedQos1 = 0x01 "granted QoS 1",
    GrantedQos2 = 0x02 "granted QoS 2",
    DisconnectWithWill = 0x04 "disconnect with will message",
    NoMatchingSubscribers = 0x10 "no matching subscribers",
    NoSubscriptionExisted = 0x11 "no subscription existed",
    ContinueAuthentication = 0x18 "continue authentication",
    ReAuthenticate = 0x19 "re-authenticate",
    UnspecifiedError = 0x80 "unspecified error",
    MalformedPacket = 0x81 "malformed packet",
    ProtocolError = 0x82 "protocol error",
    ImplementationSpecificError = 0x83 "implementation specific error",
    UnsupportedProtocolVersion = 0x84 "unsupported protocol version",
    ClientIdNotValid = 0x85 "client identifier not valid",
    BadUserNameOrPassword = 0x86 "bad user name or password",
    NotAuthorized = 0x87 "not authorized",
    ServerUnavailable = 0x88 "server unavailable",
    ServerBusy = 0x89 "server busy",
    Banned = 0x8a "banned",
    ServerShuttingDown = 0x8b "server shutting down",
    BadAuthenticationMethod = 0x8c "bad authentication method",
    KeepAliveTimeout = 0x8d "keep alive timeout",
    SessionTakenOver = 0x8e "session taken over",
    TopicFilterInvalid = 0x8f "topic filter invalid",
    TopicNameInvalid = 0x90 "topic name invalid",
    PacketIdInUse = 0x91 "packet identifier in use",
    PacketIdNotFound = 0x92 "packet identifier not found",
    ReceiveMaximumExceeded = 0x93 "receive maximum exceeded",
    TopicAliasInvalid = 0x94 "topic alias invalid",
    PacketTooLarge = 0x95 "packet too large",
    MessageRateTooHigh = 0x96 "message rate too high",
    QuotaExceeded = 0x97 "quota exceeded",
    AdministrativeAction = 0x98 "administrative action",
    PayloadFormatInvalid = 0x99 "payload format invalid",
    RetainNotSupported = 0x9a "retain not supported",
    QosNotSupported = 0x9b "QoS not supported",
    UseAnotherServer = 0x9c "use another server",
    ServerMoved = 0x9d "server moved",
    SharedSubscriptionsNotSupported = 0x9e "shared subscriptions not supported",
    ConnectionRateExceeded = 0x9f "connection rate exceeded",
    MaximumConnectTime = 0xa0 "maximum connect time",
    SubscriptionIdsNotSupported = 0xa1 "subscription identifiers not supported",
    WildcardSubscriptionsNotSupported = 0xa2 "wildcard subscriptions not supported",
}

impl ReasonCode {
    /// From 0x80 on a code says that something failed.
    pub const fn is_error(self) -> bool {
        self.as_u8() >= 0x80
    }

    /// The return code of a 3.1.1 CONNACK (*MQTT Version 3.1.1*, 3.2.2.3) that comes nearest.
    pub const fn to_v311_return_code(self) -> u8 {
        match self.as_u8() {
            0x00 => 0,
            0x84 => 1,
            0x85 => 2,
            0x86 | 0x8c => 4,
            0x87 | 0x8a => 5,
            _ => 3,
        }
    }

    /// The other way; `None` for a reserved return code.
    pub const fn from_v311_return_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Success),
            1 => Some(Self::UnsupportedProtocolVersion),
            2 => Some(Self::ClientIdNotValid),
            3 => Some(Self::ServerUnavailable),
            4 => Some(Self::BadUserNameOrPassword),
            5 => Some(Self::NotAuthorized),
            _ => None,
        }
    }
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (0x{:02X})", self.as_str(), self.as_u8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_code_and_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(ReasonCode::from_u8(byte).as_u8(), byte);
        }
        assert_eq!(ReasonCode::ALL.len(), 43);
    }

    #[test]
    fn the_return_codes_of_3_1_1_survive_the_way_through_a_reason_code() {
        for code in 0..6 {
            assert_eq!(
                ReasonCode::from_v311_return_code(code).map(ReasonCode::to_v311_return_code),
                Some(code)
            );
        }
        assert_eq!(ReasonCode::from_v311_return_code(6), None);
        assert_eq!(ReasonCode::ServerBusy.to_v311_return_code(), 3);
    }
}
