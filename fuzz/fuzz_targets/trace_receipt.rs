//! The fuzzer's way into `fuzz/fuzz_targets/checks/trace_receipt.rs`.
#![no_main]

#[path = "checks/trace_receipt.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
