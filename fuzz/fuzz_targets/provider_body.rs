//! The fuzzer's way into `fuzz/fuzz_targets/checks/provider_body.rs`.
#![no_main]

#[path = "checks/provider_body.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
