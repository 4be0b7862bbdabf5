//! A refusal as it stands in an answer's body, written and read. Which reason is given is decided elsewhere.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// What an answer other than 200 says: `{"reason":"…"}`, with `timestamp` on 410 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// Since when the token has been known to be invalid for the topic; milliseconds on the wire.
    pub timestamp: Option<UnixMillis>,
}

/// Why a body is no refusal.
#[derive(Debug, thiserror::Error)]
#[error("the answer's body isn't Apple's {{\"reason\": …}}: {0}")]
pub struct RefusalError(#[from] serde_json::Error);

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    reason: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
}

impl Refusal {
    pub fn new(reason: Reason) -> Self {
        Self { reason, timestamp: None }
    }

    pub fn status(&self) -> u16 {
        self.reason.status()
    }

    /// Compact JSON, as it stands under the reason's own status.
    pub fn body(&self) -> Vec<u8> {
        self.body_as(self.status())
    }

    /// The same under another status. `timestamp` stands only where Apple has it, under 410, an integer and never null, since
    /// clients fail on anything else.
    pub fn body_as(&self, status: u16) -> Vec<u8> {
        let timestamp = self.timestamp.filter(|_| status == 410).map(|at| at.0);
        serde_json::to_vec(&Body { reason: self.reason.as_str().into(), timestamp }).unwrap_or_default()
    }

    /// Reads an answer's body; keys we don't know are ignored.
    pub fn from_body(body: &[u8]) -> Result<Self, RefusalError> {
        let read: Body<'_> = serde_json::from_slice(body)?;
        Ok(Self { reason: Reason::from_word(&read.reason), timestamp: read.timestamp.map(UnixMillis) })
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status(), self.reason)?;
        match self.timestamp {
            Some(at) => write!(f, " since {at}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_compact_json_and_has_a_timestamp_on_410_only() {
        let at = Some(UnixMillis(1_508_249_865_488));
        let gone = Refusal { reason: Reason::Unregistered, timestamp: at };
        assert_eq!(gone.body(), br#"{"reason":"Unregistered","timestamp":1508249865488}"#);
        let bad = Refusal { reason: Reason::BadDeviceToken, timestamp: at };
        assert_eq!(bad.body(), br#"{"reason":"BadDeviceToken"}"#);
        assert_eq!(Refusal::from_body(&gone.body()).expect("we wrote it"), gone);
        assert_eq!(gone.body_as(400), br#"{"reason":"Unregistered"}"#);
        assert_eq!(bad.body_as(410), br#"{"reason":"BadDeviceToken","timestamp":1508249865488}"#);
    }

    #[test]
    fn a_foreign_body_is_read_with_its_unknown_reason_and_keys() {
        let read = Refusal::from_body(br#"{ "hint": 1, "reason": "Odd", "timestamp": null }"#)
            .expect("it has a reason");
        assert_eq!(read, Refusal::new(Reason::Unknown("Odd".to_owned())));
        Refusal::from_body(b"<html>").expect_err("that is no JSON");
    }
}
