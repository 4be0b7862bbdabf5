//! The fuzzer's way into `fuzz/fuzz_targets/checks/local_frame.rs`.
#![no_main]

#[path = "checks/local_frame.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
