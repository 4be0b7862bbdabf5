//! How a device becomes one: the JSON of `POST /devices`, and its name. Keys and quotas are the push service's.

use serde::{Deserialize, Serialize};

/// A device's name: 64 bits, written as 16 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub u64);

/// The text is no device id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a device id is 16 lower-case hex digits")]
pub struct DeviceIdError;

impl std::fmt::Display for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(digits) {
            return Err(DeviceIdError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| DeviceIdError)
    }
}

impl Serialize for DeviceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a new device sends that wants a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    pub enrolment_key: String,
}

impl std::fmt::Debug for EnrolmentRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolmentRequest").finish_non_exhaustive()
    }
}

/// What it gets: its user name and its password on the device link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    pub device_id: DeviceId,
    pub secret: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment").field("device_id", &self.device_id).finish_non_exhaustive()
    }
}

/// What it gets if it also sent a `csr` (PKCS#10 in PEM): a certificate to come with, and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedEnrolment {
    pub device_id: DeviceId,
    /// PEM: the device's certificate, then its issuer's.
    pub certificate: String,
}

/// What a device publishes on [`crate::topic::DEVICE_STATE`]. Unknown keys are let pass: later devices say more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    #[serde(default)]
    pub low_power: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_is_16_lower_case_hex_digits_and_nothing_else() {
        assert_eq!(DeviceId(0xab).to_string(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse(), Ok(DeviceId(0xab)));
        for wrong in ["ab", "00000000000000AB", "+0000000000000ab", "00000000000000abc", ""] {
            assert_eq!(wrong.parse::<DeviceId>(), Err(DeviceIdError), "{wrong}");
        }
    }

    #[test]
    fn an_enrolment_reads_as_designed_and_hides_its_secret() {
        let enrolment: Enrolment =
            serde_json::from_str(r#"{"device_id":"0123456789abcdef","secret":"s3cret"}"#).unwrap();
        assert_eq!(enrolment.device_id, DeviceId(0x0123_4567_89ab_cdef));
        assert!(!format!("{enrolment:?}").contains("s3cret"));
    }
}
