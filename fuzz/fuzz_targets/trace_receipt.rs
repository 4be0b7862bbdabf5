//! Any bytes as a device's receipt: nothing panics, and what was taken is written and read again as the same receipt.
#![no_main]

use homing_trace::Receipt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(receipt) = Receipt::from_json(data) else { return };
    let again = Receipt::from_json(&receipt.to_json()).expect("a receipt that was read can be written");
    assert_eq!(again, receipt);
});
