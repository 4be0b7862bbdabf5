//! The fuzzer's way into `fuzz/fuzz_targets/checks/link_decode.rs`.
#![no_main]

#[path = "checks/link_decode.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
