//! The path of a request to a device. Broadcasts and channels are left to their own door.

use crate::{DeviceTokenHex, Reason};

const DEVICE: &str = "/3/device";

/// What follows `/3/device/` in the path, not yet decoded: a token's form is checked after authentication, see
/// [`DeviceTokenHex::parse`].
///
/// - `/3/device` and `/3/device/`: [`Reason::MissingDeviceToken`].
/// - more segments after the token, or another path: [`Reason::BadPath`].
///
/// A query is ignored, as Apple's service has none.
pub fn device_token_in_path(path: &str) -> Result<&str, Reason> {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    match path.strip_prefix(DEVICE).ok_or(Reason::BadPath)? {
        "" | "/" => Err(Reason::MissingDeviceToken),
        rest => match rest.strip_prefix('/') {
            Some(token) if !token.contains('/') => Ok(token),
            Some(_) | None => Err(Reason::BadPath),
        },
    }
}

/// The path of a request to a device, for whoever sends one.
impl DeviceTokenHex {
    pub fn path(&self) -> String {
        format!("{DEVICE}/{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_one_segment_after_device() {
        assert_eq!(device_token_in_path("/3/device/00fc13"), Ok("00fc13"));
        assert_eq!(device_token_in_path("/3/device/00fc13?x=1"), Ok("00fc13"));
        assert_eq!(device_token_in_path("/3/device/"), Err(Reason::MissingDeviceToken));
        assert_eq!(device_token_in_path("/3/device"), Err(Reason::MissingDeviceToken));
        for path in
            ["", "/", "*", "/3/devices/ab", "/2/device/ab", "/3/device/ab/", "/3/device/ab/cd", "/3/device//"]
        {
            assert_eq!(device_token_in_path(path), Err(Reason::BadPath), "{path}");
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let token: DeviceTokenHex = "AB12".parse().expect("it is hex");
        assert_eq!(device_token_in_path(&token.path()), Ok("ab12"));
    }
}
