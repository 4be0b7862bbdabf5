//! All that is wrong with a payload: what reading it found, and the rules of its push type.

use crate::finding::{Finding, Findings, Severity};
use crate::json::PayloadError;
use crate::push_type::PushType;
use crate::whole::Payload;

/// Everything that is wrong with `bytes` as the payload of a push of `push_type` (inferred when `None`), the gravest
/// first. It never refuses: whether to send it all the same is the caller's decision.
pub fn validate(bytes: &[u8], push_type: Option<PushType>) -> Vec<Finding> {
    let (payload, read) = match Payload::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return vec![unreadable(&error)],
    };
    let mut findings = Findings::default();
    findings.extend(read);
    let push_type = push_type.unwrap_or_else(|| payload.inferred_push_type());
    size(bytes.len(), push_type, &mut findings);
    findings.into_sorted()
}

fn size(len: usize, push_type: PushType, findings: &mut Findings) {
    let limit = push_type.max_payload_len();
    if len > limit {
        findings.error(
            "$",
            format!(
                "the payload has {len} bytes; a push of type {push_type} may have {limit}, and Apple answers 413 \
                 PayloadTooLarge"
            ),
            format!("shorten it by {} bytes", len - limit),
        );
    }
}

fn unreadable(error: &PayloadError) -> Finding {
    let (reason, fix) = match error {
        PayloadError::Empty => (
            "the payload is empty, and Apple answers 400 PayloadEmpty".to_owned(),
            "send at least {\"aps\":{}}",
        ),
        PayloadError::NotJson { what, line, column } => (
            format!("the payload is not JSON: {what} at line {line}, column {column}"),
            "mend the JSON there",
        ),
        PayloadError::TooDeep { line, column } => (
            format!("the payload nests more than 127 levels deep at line {line}, column {column}"),
            "flatten it",
        ),
        PayloadError::NotAnObject { found } => {
            (format!("the payload is {found}, not an object"), "wrap it in {\"aps\":{…}}")
        }
    };
    Finding { path: "$".to_owned(), severity: Severity::Error, reason, fix: fix.to_owned() }
}
