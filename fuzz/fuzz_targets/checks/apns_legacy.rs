//! Reads arbitrary bytes as frames of the legacy interface, whole and byte by byte: nothing panics, both find the same, and
//! what was taken is written and read again as the same notification.

use homing_apns::Expiration;
use homing_apns::legacy::{BadFrame, Command, Decoder, ErrorPacket, FeedbackTuple, LegacyNotification};

pub(crate) fn check(bytes: &[u8]) {
    for decoder in [Decoder::default(), Decoder::strict()] {
        let whole = read(decoder.clone(), [bytes]);
        assert_eq!(whole, read(decoder, bytes.chunks(1)));
        for notification in whole.0 {
            // A form writes all it can say, but command 1 has no way to leave its expiration out.
            assert!(
                notification.command != Command::Enhanced || notification.expiration != Expiration::Default
            );
            let mut frame = Vec::new();
            notification.encode(&mut frame);
            assert_eq!(read(Decoder::default(), [&frame[..]]), (vec![notification], None));
        }
    }
    if let Some(packet) = bytes.first_chunk().and_then(|packet| ErrorPacket::from_bytes(*packet)) {
        assert_eq!(bytes[..ErrorPacket::LEN], packet.to_bytes());
    }
    if let Some((tuple, rest)) = FeedbackTuple::decode(bytes) {
        let mut again = Vec::new();
        tuple.encode(&mut again);
        assert_eq!([&again[..], rest].concat(), bytes);
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
