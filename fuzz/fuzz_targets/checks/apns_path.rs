//! Any text as a path and as a device token: nothing panics, and a token that is taken is written and read again as the same.

use homing_apns::{DeviceTokenHex, device_token_in_path};

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(path) = std::str::from_utf8(bytes)
        && let Ok(token) = device_token_in_path(path)
    {
        assert!(!token.contains('/'));
    }
    if let Ok(token) = DeviceTokenHex::parse(bytes) {
        let path = token.path();
        let again = device_token_in_path(&path).expect("it was written by us");
        assert_eq!(DeviceTokenHex::parse(again.as_bytes()), Ok(token));
    }
}
