//! What the decoder refuses, rule by rule.

use super::*;

/// The refusal of `hex`, read as MQTT `version`.
fn refusal(version: Version, hex: &str) -> DecodeError {
    let bytes: Vec<u8> = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    match decode(&bytes, version, 64) {
        Err(error) => error,
        Ok(read) => panic!("{hex} was taken as {read:?}"),
    }
}

fn check(version: Version, table: &[(&str, DecodeError)]) {
    for (hex, error) in table {
        assert_eq!(refusal(version, hex), *error, "{hex}");
    }
}

#[test]
fn a_wrong_frame_is_refused_in_both_versions() {
    for version in [Version::V311, Version::V5] {
        check(
            version,
            &[
                ("00", DecodeError::UnknownPacketType(0)),
                ("47 45 54 20", DecodeError::ReservedFlags { packet_type: 4, flags: 7 }),
                ("80", DecodeError::ReservedFlags { packet_type: 8, flags: 0 }),
                ("c0 ff ff ff ff", DecodeError::LongInteger),
                ("30 41", DecodeError::TooLarge { len: 67, max: 64 }),
                ("c0 01 00", DecodeError::LeftOver(1)),
                ("40 01 00", DecodeError::Short),
                ("40 02 00 00", DecodeError::ZeroPacketId),
                ("36 03 00 01 61", DecodeError::Qos3),
                ("38 03 00 01 61", DecodeError::DupAtQos0),
                ("30 05 00 02 61 00 00", DecodeError::NullCharacter),
                ("30 05 00 02 c3 28 00", DecodeError::NotUtf8),
                ("30 05 00 03 ed a0 80", DecodeError::NotUtf8),
                (
                    "30 05 00 03 61 2f 23",
                    if version == Version::V5 {
                        DecodeError::Short
                    } else {
                        DecodeError::WildcardInTopicName
                    },
                ),
                ("10 07 00 04 4d 51 54 58 05", DecodeError::ProtocolName),
                ("10 07 00 04 4d 51 54 54 06", DecodeError::UnsupportedVersion(6)),
                ("10 09 00 06 4d 51 49 73 64 70 03", DecodeError::UnsupportedVersion(3)),
                ("10 08 00 04 4d 51 54 54 04 01", DecodeError::ReservedConnectFlag),
                ("10 08 00 04 4d 51 54 54 04 1c", DecodeError::Qos3),
                ("10 08 00 04 4d 51 54 54 04 20", DecodeError::WillFlagsWithoutWill),
                ("10 08 00 04 4d 51 54 54 04 40", DecodeError::PasswordWithoutUsername),
                ("20 02 02 00", DecodeError::ReservedConnAckFlags),
            ],
        );
    }
}

#[test]
fn what_only_mqtt_3_1_1_forbids_is_refused_there() {
    check(
        Version::V311,
        &[
            ("f0 00", DecodeError::UnknownPacketType(15)),
            ("20 02 00 06", DecodeError::ReservedReturnCode(6)),
            ("20 02 01 05", DecodeError::SessionPresentInRefusal),
            ("40 03 00 01 00", DecodeError::LeftOver(1)),
            ("e0 01 00", DecodeError::LeftOver(1)),
            ("82 06 00 01 00 01 61 04", DecodeError::ReservedSubscriptionOptions),
            ("82 06 00 01 00 01 61 03", DecodeError::Qos3),
            ("82 05 00 01 00 00 01", DecodeError::EmptyTopic),
            ("82 02 00 01", DecodeError::NoFilters),
            ("a2 02 00 01", DecodeError::NoFilters),
            ("90 03 00 01 03", DecodeError::ReservedReturnCode(3)),
            ("90 02 00 01", DecodeError::NoCodes),
            ("30 02 00 00", DecodeError::EmptyTopic),
        ],
    );
}

#[test]
fn what_only_mqtt_5_forbids_is_refused_there() {
    check(
        Version::V5,
        &[
            ("c0 80 00", DecodeError::PaddedInteger),
            ("40 04 00 01 00 01", DecodeError::Short),
            ("40 05 00 01 00 80 00", DecodeError::PaddedInteger),
            ("20 03 01 87 00", DecodeError::SessionPresentInRefusal),
            ("82 07 00 01 00 00 01 61 40", DecodeError::ReservedSubscriptionOptions),
            ("82 07 00 01 00 00 01 61 30", DecodeError::RetainHandling3),
            ("82 0e 00 01 00 00 08 24 73 68 61 72 65 2f 67 05", DecodeError::NoLocalOnShared),
            ("b0 03 00 01 00", DecodeError::NoCodes),
            ("30 03 00 00 00", DecodeError::EmptyTopic),
            ("f0 02 18 00", DecodeError::NoAuthenticationMethod),
            // Properties: none of that number, not here, twice, wrong value, only half.
            ("e0 04 00 02 04 00", DecodeError::UnknownProperty(4)),
            ("e0 04 00 02 01 00", DecodeError::MisplacedProperty(1)),
            ("40 0a 00 01 00 06 1f 00 00 1f 00 00", DecodeError::RepeatedProperty(0x1f)),
            ("20 05 00 00 02 25 02", DecodeError::PropertyValue(0x25)),
            ("20 05 00 00 02 24 02", DecodeError::PropertyValue(0x24)),
            ("20 06 00 00 03 21 00 00", DecodeError::PropertyValue(0x21)),
            ("82 06 00 01 02 0b 00 00", DecodeError::PropertyValue(0x0b)),
            ("20 05 00 00 02 21 00", DecodeError::Short),
            ("20 06 00 00 03 16 00 00", DecodeError::NoAuthenticationMethod),
            ("30 09 00 01 61 04 08 00 01 2b 00", DecodeError::WildcardInTopicName),
        ],
    );
}

#[test]
fn each_refusal_is_answered_with_a_code_of_mqtt_5() {
    for (error, code) in [
        (DecodeError::LongInteger, 0x81),
        (DecodeError::RepeatedProperty(0x11), 0x82),
        (DecodeError::TooLarge { len: 9, max: 8 }, 0x95),
        (DecodeError::UnsupportedVersion(3), 0x84),
    ] {
        assert_eq!(error.reason_code().as_u8(), code, "{error}");
    }
}

#[test]
fn a_padded_length_is_let_pass_in_3_1_1_and_before_the_version_is_known() {
    assert_eq!(decode(&[0xc0, 0x80, 0x00], Version::V311, 64), Ok(Some((Packet::PingReq, 3))));
    let connect = [0x10, 0x8c, 0x00, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 0];
    assert!(matches!(decode(&connect, Version::V5, 64), Ok(Some((Packet::Connect(_), 15)))));
}

#[test]
fn a_password_stands_alone_in_mqtt_5() {
    let connect = [0x10, 0x0f, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x40, 0, 0, 0, 0, 0, 0, 0];
    let Ok(Some((Packet::Connect(connect), 17))) = decode(&connect, Version::V311, 64) else {
        panic!("refused")
    };
    assert_eq!((connect.username, connect.password), (None, Some(Opaque(b""))));
}
