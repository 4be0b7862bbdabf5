//! The label of a notification. It is kept letter by letter, since clients find their request by it.

use crate::Reason;

const LEN: usize = 36;

/// An `apns-id`: a UUID of the form 8-4-4-4-12 in either case, exactly as it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApnsId([u8; LEN]);

impl ApnsId {
    /// Anything but a UUID is [`Reason::BadMessageId`].
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        let bytes: [u8; LEN] = value.try_into().map_err(|_| Reason::BadMessageId)?;
        let shaped = bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
        if shaped { Ok(Self(bytes)) } else { Err(Reason::BadMessageId) }
    }

    /// The label for a request that brought none: upper case and without version bits, as Apple's are.
    pub fn from_random(random: [u8; 16]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        let mut text = [b'-'; LEN];
        for (byte, place) in random.into_iter().zip(PLACES) {
            text[place] = DIGITS[usize::from(byte >> 4)];
            text[place + 1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::str::FromStr for ApnsId {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::parse(text.as_bytes())
    }
}

impl std::fmt::Display for ApnsId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for ApnsId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_in_the_case_it_was_sent_in() {
        for text in ["9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10", "9B4A0A6E-2f5e-4A5F-9D76-0F5D1E9F5F10"] {
            assert_eq!(text.parse::<ApnsId>().expect("it is a UUID").as_str(), text);
        }
    }

    #[test]
    fn what_is_no_uuid_of_the_canonical_form_is_refused() {
        for text in [
            "",
            "9b4a0a6e2f5e4a5f9d760f5d1e9f5f10",
            "{9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f1}",
            "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f1g",
        ] {
            assert_eq!(text.parse::<ApnsId>(), Err(Reason::BadMessageId), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_made_id_is_an_id(random: [u8; 16]) {
            let id = ApnsId::from_random(random);
            proptest::prop_assert_eq!(id.as_str().parse::<ApnsId>(), Ok(id));
        }

        #[test]
        fn no_input_brings_it_down(bytes: Vec<u8>) {
            let _ = ApnsId::parse(&bytes);
        }
    }
}
