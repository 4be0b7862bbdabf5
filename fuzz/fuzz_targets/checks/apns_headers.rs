//! Reads arbitrary header values as delivery options: nothing panics, and what is taken is written back as it was meant.

use homing_apns::{DeliveryOptions, RequestHeaders, device_token_in_path};
use http::{HeaderMap, HeaderName, HeaderValue};

const NAMES: [&str; 8] = [
    "apns-id",
    "apns-topic",
    "apns-push-type",
    "apns-priority",
    "apns-expiration",
    "apns-collapse-id",
    "authorization",
    "x-other",
];

// Each line is a header: its first byte chooses the name, the rest is the value.
pub(crate) fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((choice, value)) = line.split_first() else { continue };
        let name = HeaderName::from_static(NAMES[usize::from(*choice) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let _ = RequestHeaders::read(&headers).check_form();
    if let Ok(path) = std::str::from_utf8(bytes) {
        let _ = device_token_in_path(path);
    }
    let Ok(options) = DeliveryOptions::from_headers(&headers) else { return };
    let mut written = HeaderMap::new();
    options.write_to(&mut written);
    assert_eq!(DeliveryOptions::from_headers(&written), Ok(options));
}
