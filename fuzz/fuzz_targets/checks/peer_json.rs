//! Any bytes as the small JSON that peers send: a device's state and enrolment, an answer's refusal. Nothing panics, and what
//! was taken is written and read again as the same.

use homing_apns::Refusal;
use homing_link::{CertifiedEnrolment, DeviceState, Enrolment, EnrolmentRequest};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) fn check(bytes: &[u8]) {
    same::<DeviceState>(bytes);
    same::<EnrolmentRequest>(bytes);
    same::<Enrolment>(bytes);
    same::<CertifiedEnrolment>(bytes);
    if let Ok(refusal) = Refusal::from_body(bytes) {
        let again = Refusal::from_body(&refusal.body()).expect("it was written by us");
        assert_eq!(again.reason, refusal.reason);
    }
}

fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(taken) = serde_json::from_slice::<T>(bytes) else { return };
    let json = serde_json::to_vec(&taken).expect("it can be written");
    assert_eq!(serde_json::from_slice::<T>(&json).expect("it was written by us"), taken);
}
