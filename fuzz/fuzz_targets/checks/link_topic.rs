//! Any text as a name on the device link: nothing panics, and what was taken is written as it stood.

use homing_link::{ChannelName, DeviceId, FromDevice, RegistrationName, Speaks, ToDevice};

pub(crate) fn check(data: &[u8]) {
    let _ = (Speaks::from_first_bytes(data), Speaks::from_alpn(data));
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(registration) = RegistrationName::parse_filter(text) {
        assert_eq!(registration.filter(), text);
    }
    if let Ok(from_device) = FromDevice::parse(text) {
        assert_eq!(from_device.to_string(), text);
    }
    if let Some(channel) = ChannelName::parse(text) {
        assert!(ChannelName::is_meant(text));
        assert_eq!(channel.to_string(), text);
    }
    if let Ok(id) = text.parse::<DeviceId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(to_device) = ToDevice::parse(text) {
        // A seq may have leading zeros; its value is what counts.
        let written = to_device.to_string();
        assert_eq!(ToDevice::parse(&written), Ok(to_device));
    }
}
