//! Any bytes as a channel's id, as the bodies that make one and that are broadcast, and any line as a request about channels:
//! nothing panics, and what is taken is written and read again as the same.

use homing_apns::channel::{check_broadcast, describe, read_creation};
use homing_apns::{ChannelId, ChannelRequest};

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(id) = ChannelId::parse(bytes) {
        assert!((1..=ChannelId::MAX_LEN).contains(&id.as_bytes().len()));
        for spelled in [id.to_string(), id.url_safe()] {
            assert_eq!(ChannelId::parse(spelled.as_bytes()).as_ref(), Ok(&id));
        }
    }
    if let Ok(policy) = read_creation(bytes) {
        assert_eq!(read_creation(&describe(policy)), Ok(policy));
    }
    if check_broadcast(bytes).is_ok() {
        let payload: serde_json::Value = serde_json::from_slice(bytes).expect("it was taken as JSON");
        assert!(payload.is_object() && payload["aps"]["event"] != "start");
    }
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    let Some((method, path)) = line.split_once(' ') else { return };
    if let Some(Ok(request)) = ChannelRequest::of(method, path) {
        assert!(!request.bundle_id.is_empty() && path.contains(request.bundle_id));
        assert!(request.id_in_path.is_none_or(|id| !id.is_empty()));
    }
}
