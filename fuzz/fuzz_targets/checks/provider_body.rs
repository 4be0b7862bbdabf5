//! Any bytes as the bodies that a business's server sends to the provider's API: nothing panics, also where it is said what is
//! wrong with them and where; and whom a push is for is written and read again as the same.

use homing_http_api::from_json;
use homing_provider::engine::{AppChanges, Audience, NewPush, NewServerKey, Report};

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(push) = from_json::<NewPush>(bytes) {
        let written = serde_json::to_vec(&push.audience).expect("it can be written");
        assert_eq!(from_json::<Audience>(&written).expect("it was written by us"), push.audience);
    }
    let _ = from_json::<Report>(bytes);
    let _ = from_json::<AppChanges>(bytes);
    let _ = from_json::<NewServerKey>(bytes);
}
