//! The fuzzer's way into `fuzz/fuzz_targets/checks/apns_channels.rs`.
#![no_main]

#[path = "checks/apns_channels.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
