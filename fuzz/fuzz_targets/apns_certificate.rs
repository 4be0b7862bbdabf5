//! Reads arbitrary bytes as a provider's certificate: nothing panics.
#![no_main]

use homing_apns::CertificateTopics;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(topics) = CertificateTopics::from_der(bytes) {
        if let Some(topic) = topics.default_topic() {
            assert!(topics.allows_topic(topic));
        }
    }
});
