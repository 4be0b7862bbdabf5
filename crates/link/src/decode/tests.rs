//! What the decoder refuses, rule by rule.

use super::*;

#[test]
fn garbage_is_told_from_mqtt_by_its_first_byte() {
    assert_eq!(decode(b"\x00", Version::V5, 100), Err(DecodeError::UnknownPacketType(0)));
    assert_eq!(
        decode(b"GET / HTTP/1.1", Version::V311, 100),
        Err(DecodeError::ReservedFlags { packet_type: 4, flags: 7 })
    );
}
