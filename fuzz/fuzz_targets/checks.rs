//! What each target checks, so that an ordinary test can do it, too (`crates/homing/tests/corpora.rs`).

#[path = "checks/apns_certificate.rs"]
mod apns_certificate;
#[path = "checks/apns_channels.rs"]
mod apns_channels;
#[path = "checks/apns_headers.rs"]
mod apns_headers;
#[path = "checks/apns_jwt.rs"]
mod apns_jwt;
#[path = "checks/apns_legacy.rs"]
mod apns_legacy;
#[path = "checks/apns_path.rs"]
mod apns_path;
#[path = "checks/apns_receipts.rs"]
mod apns_receipts;
#[path = "checks/identity_token.rs"]
mod identity_token;
#[path = "checks/link_decode.rs"]
mod link_decode;
#[path = "checks/link_topic.rs"]
mod link_topic;
#[path = "checks/local_frame.rs"]
mod local_frame;
#[path = "checks/payload_parse.rs"]
mod payload_parse;
#[path = "checks/peer_json.rs"]
mod peer_json;
#[path = "checks/provider_body.rs"]
mod provider_body;
#[path = "checks/trace_receipt.rs"]
mod trace_receipt;

/// What the inputs of a target must pass: it panics at what must not be.
type Check = fn(&[u8]);

/// Each target's name and its check.
pub(crate) const CHECKS: [(&str, Check); 15] = [
    ("apns_certificate", apns_certificate::check),
    ("apns_channels", apns_channels::check),
    ("apns_headers", apns_headers::check),
    ("apns_jwt", apns_jwt::check),
    ("apns_legacy", apns_legacy::check),
    ("apns_path", apns_path::check),
    ("apns_receipts", apns_receipts::check),
    ("identity_token", identity_token::check),
    ("link_decode", link_decode::check),
    ("link_topic", link_topic::check),
    ("local_frame", local_frame::check),
    ("payload_parse", payload_parse::check),
    ("peer_json", peer_json::check),
    ("provider_body", provider_body::check),
    ("trace_receipt", trace_receipt::check),
];
