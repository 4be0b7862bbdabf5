//! The fuzzer's way into `fuzz/fuzz_targets/checks/peer_json.rs`.
#![no_main]

#[path = "checks/peer_json.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
