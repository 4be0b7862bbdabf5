//! The fuzzer's way into `fuzz/fuzz_targets/checks/apns_jwt.rs`.
#![no_main]

#[path = "checks/apns_jwt.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
