//! One port, three protocols: what a connection speaks, by ALPN or by its first bytes.

/// Raw MQTT.
pub const ALPN_MQTT: &[u8] = b"mqtt";
pub const ALPN_HTTP1: &[u8] = b"http/1.1";
pub const ALPN_HTTP2: &[u8] = b"h2";
/// Where MQTT over WebSocket is spoken.
pub const WEBSOCKET_PATH: &str = "/mqtt";
pub const WEBSOCKET_SUBPROTOCOL: &str = "mqtt";

/// What is spoken on a connection of the device link's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Mqtt,
    Http1,
    Http2,
}

impl Speaks {
    /// `None` for a protocol that isn't offered here.
    pub fn from_alpn(alpn: &[u8]) -> Option<Self> {
        match alpn {
            ALPN_MQTT => Some(Self::Mqtt),
            ALPN_HTTP1 => Some(Self::Http1),
            ALPN_HTTP2 => Some(Self::Http2),
            _ => None,
        }
    }

    /// Without ALPN. `None` when more bytes are needed.
    pub fn from_first_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => None,
            [0x10, ..] => Some(Self::Mqtt),
            [b'P', b'R', b'I', b' ', ..] => Some(Self::Http2),
            // `PRI ` may still come; PUT, POST and PATCH differ earlier.
            [b'P'] | [b'P', b'R'] | [b'P', b'R', b'I'] => None,
            _ => Some(Self::Http1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_is_spoken() {
        assert_eq!(Speaks::from_first_bytes(&[0x10]), Some(Speaks::Mqtt));
        assert_eq!(Speaks::from_first_bytes(b"PRI "), Some(Speaks::Http2));
        assert_eq!(Speaks::from_first_bytes(b"PR"), None);
        assert_eq!(Speaks::from_first_bytes(b"PO"), Some(Speaks::Http1));
        assert_eq!(Speaks::from_first_bytes(b"GET"), Some(Speaks::Http1));
        assert_eq!(Speaks::from_first_bytes(b"\x00\x01"), Some(Speaks::Http1));
    }
}
