//! Reads arbitrary bytes as a provider's certificate: nothing panics.

use homing_apns::CertificateTopics;

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(topics) = CertificateTopics::from_der(bytes)
        && let Some(topic) = topics.default_topic()
    {
        assert!(topics.allows_topic(topic));
    }
}
