//! Any bytes as packets of the device link, one after another: nothing panics, and what was taken is written and read
//! again as the same packet.

use homing_link::{NotificationHead, Packet, Version, decode, encode};

const MAX: usize = 1 << 16;

pub(crate) fn check(data: &[u8]) {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let version = if first & 1 == 0 { Version::V5 } else { Version::V311 };
    while let Ok(Some((packet, len))) = decode(rest, version, MAX) {
        assert!(len <= rest.len());
        let spoken = if let Packet::Connect(connect) = &packet { connect.version } else { version };
        let mut again = Vec::new();
        encode(&packet, version, &mut again).expect("a packet that was read can be written");
        assert_eq!(decode(&again, spoken, MAX), Ok(Some((packet, again.len()))));
        if let Packet::Publish(publish) = &packet {
            // Only that it doesn't panic: most topics are no notification's.
            let _ = NotificationHead::of(publish);
        }
        rest = &rest[len..];
    }
}
