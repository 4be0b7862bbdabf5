//! Frames by the byte: goldens written from Apple's pages, every mistake with its status, and any input in any pieces.

use proptest::prelude::*;

use super::*;
use crate::Reason;

const GOLDENS: &str = include_str!("tests/goldens.hex");

/// The bytes of each example.
fn golden(name: &str) -> Vec<u8> {
    let (_, rest) = GOLDENS.split_once(&format!("== {name}\n")).expect("there is such an example");
    let lines = rest.lines().take_while(|line| !line.starts_with("== "));
    let hex = lines.flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    hex.map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits")).collect()
}

fn token() -> [u8; TOKEN_LEN] {
    std::array::from_fn(|at| at as u8 + 0x40)
}

fn notification(command: Command) -> LegacyNotification {
    LegacyNotification {
        command,
        identifier: command.is_answered().then_some([0, 0, 0, 1]),
        token: token(),
        payload: br#"{"aps":{"alert":"Hi"}}"#.to_vec(),
        expiration: if command.is_answered() { Expiration::Once } else { Expiration::Default },
        priority: (command == Command::Framed).then_some(Priority::Ten),
    }
}

/// All notifications up to the first mistake.
fn read<'a>(
    mut decoder: Decoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<LegacyNotification>, Option<BadFrame>) {
    let mut found = Vec::new();
    for mut piece in pieces {
        loop {
            match decoder.read(&mut piece) {
                Ok(Some(notification)) => found.push(notification),
                Ok(None) => break,
                Err(bad) => return (found, Some(bad)),
            }
        }
    }
    (found, None)
}

#[test]
fn each_form_stands_on_the_wire_as_apple_wrote_it() {
    for (name, command) in
        [("simple", Command::Simple), ("enhanced", Command::Enhanced), ("framed", Command::Framed)]
    {
        let (bytes, notification) = (golden(name), notification(command));
        let mut encoded = Vec::new();
        notification.encode(&mut encoded);
        assert_eq!(encoded, bytes, "{name}: encoded");
        assert_eq!(
            read(Decoder::default(), [&bytes[..]]),
            (vec![notification.clone()], None),
            "{name}: decoded"
        );
        for at in 0..bytes.len() {
            let (start, end) = bytes.split_at(at);
            let read = read(Decoder::default(), [start, end]);
            assert_eq!(read, (vec![notification.clone()], None), "{name}: split at {at}");
        }
    }
    let (shuffled, _) = read(Decoder::default(), [&golden("framed, its items in another order")[..]]);
    assert_eq!(shuffled, [notification(Command::Framed)]);
}

#[test]
fn error_packets_and_feedback_stand_on_the_wire_as_apple_wrote_them() {
    let packet = ErrorPacket { status: Status::InvalidToken, identifier: [0xca, 0xfe, 0, 7] };
    assert_eq!(packet.to_bytes()[..], golden("error packet"));
    assert_eq!(ErrorPacket::from_bytes(packet.to_bytes()), Some(packet));
    assert_eq!(ErrorPacket::from_bytes([8, 9, 0, 0, 0, 0]), None, "there is no status 9");
    assert_eq!(ErrorPacket::from_bytes([7, 8, 0, 0, 0, 0]), None, "that is another command");
    for status in Status::ALL {
        assert_eq!(Status::from_byte(status as u8), Some(status));
    }

    let tuple = FeedbackTuple { since: 0x6b49_d200, token: token() };
    let mut twice = Vec::new();
    tuple.encode(&mut twice);
    assert_eq!(twice, golden("feedback tuple"));
    assert_eq!(twice.len(), FeedbackTuple::LEN);
    tuple.encode(&mut twice);
    let (first, rest) = FeedbackTuple::decode(&twice).expect("it is complete");
    assert_eq!(FeedbackTuple::decode(rest), Some((tuple, &[][..])));
    assert_eq!((first, FeedbackTuple::decode(&rest[1..])), (tuple, None));
}

#[test]
fn a_simple_or_enhanced_payload_of_more_than_256_bytes_is_taken_unless_strict() {
    for command in [Command::Simple, Command::Enhanced, Command::Framed] {
        for (len, lenient, strict) in
            [(256, true, true), (257, true, false), (2048, true, false), (2049, false, false)]
        {
            let mut bytes = Vec::new();
            LegacyNotification { payload: vec![b' '; len], ..notification(command) }.encode(&mut bytes);
            let strict = if command == Command::Framed { lenient } else { strict };
            for (decoder, taken) in [(Decoder::default(), lenient), (Decoder::strict(), strict)] {
                let (found, bad) = read(decoder, [&bytes[..]]);
                assert_eq!((found.len(), bad.is_none()), (usize::from(taken), taken), "{command:?} of {len}");
                if let Some(bad) = bad {
                    assert_eq!(bad.fault.status(), Status::InvalidPayloadSize);
                    assert_eq!(bad.identifier, notification(command).identifier, "{command:?} of {len}");
                }
            }
        }
    }
}

fn item(id: u8, data: &[u8]) -> Vec<u8> {
    [&[id, (data.len() >> 8) as u8, data.len() as u8], data].concat()
}

fn framed(items: &[Vec<u8>]) -> Vec<u8> {
    let items = items.concat();
    [&[2][..], &(items.len() as u32).to_be_bytes(), &items].concat()
}

/// What is wrong, a frame, its status, and whether its identifier is known by then.
type Mistake = (&'static str, Vec<u8>, Status, bool);

fn framed_mistakes() -> Vec<Mistake> {
    use Status::*;
    let (id, payload, token) = (item(3, b"\0\0\x01\x02"), item(2, b"{}"), item(1, &token()));
    let good = framed(&[token.clone(), payload.clone(), id.clone()]);
    let instead_of_token = |wrong: Vec<u8>| framed(&[wrong, payload.clone(), id.clone()]);
    let instead_of_payload = |wrong: Vec<u8>| framed(&[wrong, token.clone(), id.clone()]);
    let beside = |wrong: Vec<u8>| framed(&[wrong, token.clone(), payload.clone(), id.clone()]);
    let mut cut = good.clone();
    cut[4] -= 1;
    vec![
        ("no token", framed(&[payload.clone(), id.clone()]), MissingDeviceToken, true),
        ("an empty token", instead_of_token(item(1, b"")), MissingDeviceToken, true),
        ("no payload", framed(&[token.clone(), id.clone()]), MissingPayload, true),
        ("an empty payload", instead_of_payload(item(2, b"")), MissingPayload, true),
        ("no items", framed(&[]), MissingDeviceToken, false),
        ("a token of 31 bytes", instead_of_token(item(1, &[7; 31])), InvalidTokenSize, true),
        ("a token of 101 bytes", instead_of_token(item(1, &[7; 101])), InvalidTokenSize, true),
        ("2,049 bytes", instead_of_payload(item(2, &[b' '; 2049])), InvalidPayloadSize, true),
        ("65,535 bytes", instead_of_payload(item(2, &[b' '; 65_535])), InvalidPayloadSize, true),
        ("a zero byte in the payload", instead_of_payload(item(2, b"{}\0")), ProtocolError, true),
        ("a priority of 1", beside(item(5, &[1])), ProtocolError, true),
        ("a priority of 7", beside(item(5, &[7])), ProtocolError, true),
        ("a priority of two bytes", beside(item(5, &[0, 10])), ProtocolError, false),
        ("an expiration of three bytes", beside(item(4, &[0, 0, 1])), ProtocolError, false),
        ("an item of kind 6", beside(item(6, b"x")), ProtocolError, false),
        ("two tokens", beside(token.clone()), ProtocolError, false),
        ("a frame that ends within an item", cut, ProtocolError, false),
        (
            "a frame that ends within an item's head",
            framed(&[token.clone(), vec![2, 0]]),
            ProtocolError,
            false,
        ),
        ("a frame of 4 GB", vec![2, 0xff, 0xff, 0xff, 0xff], ProtocolError, false),
    ]
}

#[test]
fn every_mistake_in_a_frame_has_its_status_and_the_identifier_that_follows_it() {
    for (what, bytes, status, has_identifier) in framed_mistakes() {
        let (found, bad) = read(Decoder::default(), [&bytes[..]]);
        let bad = bad.unwrap_or_else(|| panic!("{what} is no mistake: {found:?}"));
        assert_eq!((bad.fault.status(), bad.command), (status, Some(Command::Framed)), "{what}");
        assert_eq!(bad.identifier, has_identifier.then_some([0, 0, 1, 2]), "{what}");
    }
}

#[test]
fn a_mistake_in_a_simple_or_enhanced_frame_is_seen_at_its_length() {
    let token = token();
    let rest = [&[0, 32][..], &token].concat();
    for (tail, status) in [
        (vec![0, 0], Status::MissingDeviceToken),
        (vec![0, 31], Status::InvalidTokenSize),
        (vec![0xff, 0xff], Status::InvalidTokenSize),
        ([&rest[..], &[0, 0]].concat(), Status::MissingPayload),
        ([&rest[..], &[0x08, 0x01]].concat(), Status::InvalidPayloadSize),
        ([&rest[..], b"\0\x03{}\0"].concat(), Status::ProtocolError),
    ] {
        let simple = [&[0][..], &tail].concat();
        let enhanced = [&[1, 9, 8, 7, 6, 0, 0, 0, 0][..], &tail].concat();
        for (bytes, command, identifier) in
            [(simple, Command::Simple, None), (enhanced, Command::Enhanced, Some([9, 8, 7, 6]))]
        {
            let bad = read(Decoder::default(), [&bytes[..]]).1.expect("it is a mistake");
            assert_eq!((bad.fault.status(), bad.command), (status, Some(command)));
            assert_eq!(bad.identifier, identifier);
        }
    }
    for first in 3..=255_u8 {
        let bad = read(Decoder::default(), [&[first][..]]).1.expect("it is no command");
        assert_eq!((bad.fault.status(), bad.command), (Status::ProtocolError, None));
    }
}

#[test]
fn zero_and_less_is_an_expiry_for_one_attempt() {
    for (expiry, expiration) in [
        ([0; 4], Expiration::Once),
        ([0xff; 4], Expiration::Once),
        ([0x7f, 0xff, 0xff, 0xff], Expiration::At(0x7fff_ffff)),
        ([0x6b, 0x49, 0xd2, 0], Expiration::At(0x6b49_d200)),
    ] {
        assert_eq!(expiration_of(expiry), expiration, "{expiry:?}");
    }
}

#[test]
fn every_reason_has_a_status_and_those_of_apples_table_have_their_own() {
    for (reason, status) in [
        (Reason::MissingDeviceToken, 2),
        (Reason::MissingTopic, 3),
        (Reason::TopicDisallowed, 3),
        (Reason::PayloadEmpty, 4),
        (Reason::PayloadTooLarge, 7),
        (Reason::BadDeviceToken, 8),
        (Reason::DeviceTokenNotForTopic, 8),
        (Reason::Shutdown, 10),
        (Reason::BadPriority, 128),
        (Reason::InternalServerError, 1),
        (Reason::ServiceUnavailable, 1),
        (Reason::TooManyRequests, 1),
    ] {
        assert_eq!(Status::of(&reason) as u8, status, "{reason}");
    }
    for reason in Reason::ALL {
        assert!(!matches!(Status::of(reason), Status::NoErrors | Status::Unknown), "{reason}");
    }
}

fn any_notification() -> impl Strategy<Value = LegacyNotification> {
    let command = prop_oneof![Just(Command::Simple), Just(Command::Enhanced), Just(Command::Framed)];
    let fields =
        (any::<[u8; 4]>(), any::<[u8; TOKEN_LEN]>(), prop::collection::vec(1..=255_u8, 1..=MAX_PAYLOAD));
    (command, fields, 0..=0x7fff_ffff_i64, prop::option::of(prop::bool::ANY)).prop_map(
        |(command, (identifier, token, payload), seconds, ten)| LegacyNotification {
            command,
            identifier: command.is_answered().then_some(identifier),
            token,
            payload,
            expiration: match command {
                Command::Simple => Expiration::Default,
                Command::Enhanced | Command::Framed => Expiration::from_seconds(Some(seconds)),
            },
            priority: ten
                .filter(|_| command == Command::Framed)
                .map(|ten| if ten { Priority::Ten } else { Priority::Five }),
        },
    )
}

proptest! {
    #[test]
    fn notifications_survive_the_journey_in_pieces_of_any_size(
        sent in prop::collection::vec(any_notification(), 1..8),
        size in 1..5000_usize,
    ) {
        let mut bytes = Vec::new();
        sent.iter().for_each(|notification| notification.encode(&mut bytes));
        prop_assert_eq!(read(Decoder::default(), bytes.chunks(size)), (sent, None));
    }

    #[test]
    fn the_pieces_change_nothing_and_no_input_brings_it_down(
        bytes in prop::collection::vec(prop_oneof![0..=6_u8, any::<u8>()], 0..600),
        size in 1..50_usize,
    ) {
        let whole = read(Decoder::default(), [&bytes[..]]);
        prop_assert_eq!(read(Decoder::default(), bytes.chunks(size)), whole);
        let _ = FeedbackTuple::decode(&bytes);
    }

    #[test]
    fn whatever_comes_little_is_held(
        pieces in prop::collection::vec(prop::collection::vec(prop_oneof![0..=6_u8, any::<u8>()], 0..700), 1..10),
    ) {
        let mut decoder = Decoder::default();
        for piece in &pieces {
            let mut piece = &piece[..];
            while let Ok(Some(_)) = decoder.read(&mut piece) {}
            prop_assert!(decoder.held() <= 2 * MAX_PAYLOAD, "{}", decoder.held());
        }
    }
}
