//! The fuzzer's way into `fuzz/fuzz_targets/checks/apns_receipts.rs`.
#![no_main]

#[path = "checks/apns_receipts.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
