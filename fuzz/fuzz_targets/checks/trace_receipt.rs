//! Any bytes as a device's receipt: nothing panics, and what was taken is written and read again as the same receipt.

use homing_trace::Receipt;

pub(crate) fn check(data: &[u8]) {
    let Ok(receipt) = Receipt::from_json(data) else { return };
    let again = Receipt::from_json(&receipt.to_json()).expect("a receipt that was read can be written");
    assert_eq!(again, receipt);
}
