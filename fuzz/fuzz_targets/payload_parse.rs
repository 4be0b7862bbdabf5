//! Reads, judges, writes back and truncates arbitrary bytes as a payload: nothing panics, nothing is lost.
#![no_main]

use homing_payload::{Payload, validate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    validate(bytes, None);
    let Ok((payload, _)) = Payload::parse(bytes) else { return };
    let value: serde_json::Value = serde_json::from_slice(&payload.to_bytes()).expect("what was written is JSON");
    assert_eq!(value, payload.to_value());
    if let Ok(short) = payload.truncated(100) {
        assert!(short.to_bytes().len() <= 100);
    }
});
