//! The fuzzer's way into `fuzz/fuzz_targets/checks/identity_token.rs`.
#![no_main]

#[path = "checks/identity_token.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
