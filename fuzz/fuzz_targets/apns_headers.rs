//! The fuzzer's way into `fuzz/fuzz_targets/checks/apns_headers.rs`.
#![no_main]

#[path = "checks/apns_headers.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
