//! The fuzzer's way into `fuzz/fuzz_targets/checks/payload_parse.rs`.
#![no_main]

#[path = "checks/payload_parse.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
