//! Where this codec and two that others wrote agree, and the whole list of where they don't, with who is right.

use homing_link::{DecodeError, Packet, Version, decode, encode};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::arbitrary::{mutate, mutations, versioned_packet};
use crate::oracles;

const MAX: usize = 1 << 20;
/// The cases are the same at every run; a wider search is the fuzz targets'.
const CASES: usize = 3_000;

fn next<T>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).expect("the strategy rejects little").current()
}

/// What we take and both others refuse, and why we are right.
fn is_ours_to_take(packet: &Packet<'_>) -> bool {
    match packet {
        // *MQTT Version 5.0*, 3.1.2.9: this version allows a password without a user name.
        Packet::Connect(connect) => {
            connect.version == Version::V5 && connect.password.is_some() && connect.username.is_none()
        }
        // Reason codes are an open table: a later or a foreign peer may say what this packet doesn't list.
        Packet::ConnAck(conn_ack) => !LISTED_CONNACK.contains(&conn_ack.code.as_u8()),
        Packet::PubAck(ack) | Packet::PubRec(ack) => !LISTED_PUBACK.contains(&ack.code.as_u8()),
        Packet::PubRel(ack) | Packet::PubComp(ack) => !matches!(ack.code.as_u8(), 0 | 0x92),
        Packet::SubAck(sub_ack) => sub_ack.codes.iter().any(|code| !LISTED_SUBACK.contains(code)),
        Packet::UnsubAck(unsub_ack) => unsub_ack.codes.iter().any(|code| !LISTED_UNSUBACK.contains(code)),
        Packet::Disconnect(disconnect) => !LISTED_DISCONNECT.contains(&disconnect.code.as_u8()),
        Packet::Auth(auth) => !matches!(auth.code.as_u8(), 0x00 | 0x18 | 0x19),
        Packet::Publish(_)
        | Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::PingReq
        | Packet::PingResp => false,
    }
}

const LISTED_CONNACK: &[u8] = &[
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];
const LISTED_PUBACK: &[u8] = &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const LISTED_SUBACK: &[u8] = &[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];
const LISTED_UNSUBACK: &[u8] = &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];
const LISTED_DISCONNECT: &[u8] = &[
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
    0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];

/// What we refuse, by the rule named in the error, and this other codec takes. Each rule is a MUST of a specification.
fn is_theirs_to_take(oracle: &str, version: Version, error: DecodeError) -> bool {
    let by_both = matches!(
        error,
        DecodeError::EmptyTopic
            | DecodeError::WildcardInTopicName
            | DecodeError::PaddedInteger
            | DecodeError::ZeroPacketId
            | DecodeError::SessionPresentInRefusal
            | DecodeError::ReservedSubscriptionOptions
            | DecodeError::Qos3
    );
    // In 3.1.1 both read acknowledgements as MQTT 5's, with a code behind the packet id.
    let read_as_5 = version == Version::V311 && matches!(error, DecodeError::LeftOver(_));
    let by_this = match oracle {
        "mqtt-protocol-core" => matches!(
            error,
            DecodeError::NullCharacter
                | DecodeError::ReservedConnectFlag
                | DecodeError::WillFlagsWithoutWill
                | DecodeError::ReservedConnAckFlags
                | DecodeError::DupAtQos0
        ),
        _ => matches!(
            error,
            DecodeError::UnsupportedVersion(_)
                | DecodeError::ReservedReturnCode(_)
                | DecodeError::PropertyValue(_)
                | DecodeError::MisplacedProperty(_)
                | DecodeError::UnknownPacketType(15)
        ),
    };
    by_both || read_as_5 || by_this
}

#[test]
fn others_read_what_we_write_and_we_read_what_they_write() {
    let mut runner = TestRunner::deterministic();
    let packets = versioned_packet();
    for _ in 0..CASES {
        let (version, packet) = next(&packets, &mut runner);
        let mut bytes = Vec::new();
        encode(&packet, version, &mut bytes).unwrap();
        for (name, oracle) in oracles::ALL {
            match oracle(version, &bytes) {
                Ok(theirs) => {
                    assert_eq!(
                        decode(&theirs, version, MAX),
                        Ok(Some((packet, theirs.len()))),
                        "{name}: {bytes:02x?}"
                    );
                }
                Err(why) => assert!(is_ours_to_take(&packet), "{name} refuses {packet:?}: {why}"),
            }
        }
    }
}

#[test]
fn we_and_others_agree_on_what_is_a_packet() {
    let mut runner = TestRunner::deterministic();
    let (packets, damages) = (versioned_packet(), mutations());
    let mut refused = 0;
    for _ in 0..CASES {
        let (version, packet) = next(&packets, &mut runner);
        let mut bytes = Vec::new();
        encode(&packet, version, &mut bytes).unwrap();
        mutate(&mut bytes, &next(&damages, &mut runner));
        let ours = decode(&bytes, version, MAX);
        refused += usize::from(ours.is_err());
        for (name, oracle) in oracles::ALL {
            match (&ours, oracle(version, &bytes)) {
                (Ok(Some((packet, len))), Ok(theirs)) if *len == bytes.len() => {
                    assert_eq!(
                        decode(&theirs, version, MAX),
                        Ok(Some((*packet, theirs.len()))),
                        "{name}: {bytes:02x?}"
                    );
                }
                (Ok(Some((packet, len))), Err(why)) if *len == bytes.len() => {
                    assert!(is_ours_to_take(packet), "{name} refuses {packet:?}: {why}");
                }
                // The damage made two packets, or less than one, of it: the others read one.
                (Ok(_), _) | (Err(_), Err(_)) => {}
                (Err(error), Ok(_)) => {
                    assert!(
                        is_theirs_to_take(name, version, *error),
                        "{name} takes {version:?} {bytes:02x?}: {error}"
                    );
                }
            }
        }
    }
    assert!(refused > CASES / 4, "only {refused} of {CASES} damaged packets were refused");
}
