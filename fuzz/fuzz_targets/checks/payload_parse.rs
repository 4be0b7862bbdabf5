//! Reads, judges, writes back and truncates arbitrary bytes as a payload: nothing panics, and what is written can be
//! read.

use homing_payload::{Payload, validate};

pub(crate) fn check(bytes: &[u8]) {
    validate(bytes, None);
    let Ok((payload, _)) = Payload::parse(bytes) else { return };
    // Compared by keys only: a float may come back with another last digit.
    let (again, _) = Payload::parse(&payload.to_bytes()).expect("what was written is a payload");
    assert!(again.to_map().keys().eq(payload.to_map().keys()));
    if let Ok(short) = payload.truncated(100) {
        assert!(short.to_bytes().len() <= 100);
    }
}
