//! Reads arbitrary bytes as a stream of receipts, whole and byte by byte: nothing panics, both find the same, and what was
//! taken is written and read again as the same event.

use homing_apns::receipts::{Decoder, ReceiptEvent, cursor_in_query, encode};

pub(crate) fn check(bytes: &[u8]) {
    let whole = read([bytes]);
    assert_eq!(whole, read(bytes.chunks(1)));
    for (cursor, event) in whole {
        let mut text = Vec::new();
        encode(&cursor, &event, &mut text);
        assert_eq!(read([&text[..]]), [(cursor, event)]);
    }
    if let Ok(query) = std::str::from_utf8(bytes) {
        let _ = cursor_in_query(Some(query));
    }
}

/// All events up to the first error.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, ReceiptEvent)> {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    for mut piece in pieces {
        loop {
            match decoder.read(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(_) => return events,
            }
        }
    }
    events
}
