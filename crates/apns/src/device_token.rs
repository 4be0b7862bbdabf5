//! A device token as it stands in a path: hex. What the bytes mean is known to the push service that issued them.

use crate::Reason;

/// Longest token taken, in bytes (*Binary Provider API*; the longest seen in the field has 80).
const MAX_LEN: usize = 100;

/// The bytes of a device token, read from hex in either case, of any length up to 100 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceTokenHex {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl DeviceTokenHex {
    /// Longest token taken, in bytes; twice as many hex digits.
    pub const MAX_LEN: usize = MAX_LEN;

    /// Anything but complete hex of a sensible length is [`Reason::BadDeviceToken`].
    pub fn parse(hex: &[u8]) -> Result<Self, Reason> {
        if hex.is_empty() || !hex.len().is_multiple_of(2) || hex.len() > 2 * MAX_LEN {
            return Err(Reason::BadDeviceToken);
        }
        let mut bytes = [0; MAX_LEN];
        let mut seen = 0;
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            seen |= high | low;
            *byte = high << 4 | low & 15;
        }
        if seen & NO_DIGIT != 0 {
            return Err(Reason::BadDeviceToken);
        }
        let len = u8::try_from(hex.len() / 2).map_err(|_| Reason::BadDeviceToken)?;
        Ok(Self { bytes, len })
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What no digit has.
const NO_DIGIT: u8 = 0x80;

/// The value of each character as a hex digit: every notification has 64 of them to read.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

impl std::str::FromStr for DeviceTokenHex {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::parse(text.as_bytes())
    }
}

/// Lower case.
impl std::fmt::Display for DeviceTokenHex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for DeviceTokenHex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_of_either_case_and_of_the_lengths_seen_in_the_field_is_read() {
        assert_eq!("0aFf".parse::<DeviceTokenHex>().expect("it is hex").as_bytes(), [0x0a, 0xff]);
        for bytes in [32, 48, 54, 80, 100] {
            assert_eq!(
                "ab".repeat(bytes).parse::<DeviceTokenHex>().expect("it is hex").as_bytes().len(),
                bytes
            );
        }
    }

    #[test]
    fn what_is_not_complete_hex_is_refused() {
        for text in [String::new(), "abc".into(), "zz".into(), "<ab>".into(), "ab".repeat(101)] {
            assert_eq!(text.parse::<DeviceTokenHex>(), Err(Reason::BadDeviceToken), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_token_survives_the_journey(bytes in proptest::collection::vec(proptest::num::u8::ANY, 1..=100)) {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            let token: DeviceTokenHex = hex.parse().expect("it is hex");
            proptest::prop_assert_eq!(token.as_bytes(), &bytes[..]);
            proptest::prop_assert_eq!(token.to_string(), hex.to_lowercase());
        }
    }
}
