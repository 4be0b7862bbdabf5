//! What a device says about one notification, as it stands on the device link.

use serde::{Deserialize, Serialize};

use crate::{Reason, Speaker, Stage, UnixMillis};

/// A device's word on one notification: JSON `{"seq", "apns_id", "event", "reason", "at"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub seq: u64,
    pub apns_id: String,
    /// One of the device's stages.
    pub event: Stage,
    #[serde(default)]
    pub reason: Option<Reason>,
    pub at: UnixMillis,
}

/// Why bytes are no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error("a receipt is a JSON object with seq, apns_id, event, reason and at: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a device can't say {0:?}: its words are displayed, suppressed, opened, dismissed and action")]
    NotADeviceStage(Stage),
}

impl Receipt {
    /// Longest receipt taken, in bytes.
    pub const MAX_LEN: usize = 1024;

    pub fn from_json(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let mut receipt: Self = serde_json::from_slice(bytes)?;
        if receipt.event.speaker() != Speaker::Device {
            return Err(ReceiptError::NotADeviceStage(receipt.event));
        }
        receipt.reason = receipt.reason.map(|reason| Reason::from_peer(reason.as_str()));
        Ok(receipt)
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_survives_the_journey() {
        let receipt = Receipt {
            seq: 7,
            apns_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".to_owned(),
            event: Stage::Suppressed,
            reason: Some(Reason::FOREGROUND),
            at: UnixMillis(1_795_313_045_067),
        };
        assert_eq!(
            String::from_utf8(receipt.to_json()).expect("JSON is UTF-8"),
            r#"{"seq":7,"apns_id":"9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10","event":"suppressed","reason":"foreground","at":"2026-11-22T02:04:05.067Z"}"#
        );
        assert_eq!(Receipt::from_json(&receipt.to_json()).expect("it was written by us"), receipt);
    }

    #[test]
    fn a_device_cannot_say_what_only_the_push_service_knows() {
        let said = br#"{"seq":1,"apns_id":"x","event":"accepted","at":"2026-11-22T02:04:05.067Z"}"#;
        assert!(matches!(Receipt::from_json(said), Err(ReceiptError::NotADeviceStage(Stage::Accepted))));
    }
}
