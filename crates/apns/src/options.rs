//! Priority, expiration and collapse id: each header's values, read and written. What follows from them is decided by
//! the push service and the device.

use crate::Reason;

/// `apns-priority` (*Sending notification requests to APNs*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Deliver at once. The default.
    #[default]
    Ten,
    /// Deliver by power considerations.
    Five,
    /// Power considerations first; never wakes the device.
    One,
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::Ten, Self::Five, Self::One];

    /// Anything but `10`, `5` and `1` is [`Reason::BadPriority`].
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        match value {
            b"10" => Ok(Self::Ten),
            b"5" => Ok(Self::Five),
            b"1" => Ok(Self::One),
            _ => Err(Reason::BadPriority),
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ten => "10",
            Self::Five => "5",
            Self::One => "1",
        }
    }

    pub const fn number(self) -> u8 {
        match self {
            Self::Ten => 10,
            Self::Five => 5,
            Self::One => 1,
        }
    }

    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            10 => Some(Self::Ten),
            5 => Some(Self::Five),
            1 => Some(Self::One),
            _ => None,
        }
    }
}

impl std::str::FromStr for Priority {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::parse(text.as_bytes())
    }
}

impl std::fmt::Display for Priority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `apns-expiration` (*Sending notification requests to APNs*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expiration {
    /// No header: kept by the push service's own policy.
    #[default]
    Default,
    /// `0`: one attempt, never stored.
    Once,
    /// Kept until this many seconds since the epoch; one in the past expires at once.
    At(i64),
}

impl Expiration {
    /// A whole number of seconds, digits only; anything else, a sign included, is [`Reason::BadExpirationDate`].
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Reason::BadExpirationDate);
        }
        let text = std::str::from_utf8(value).map_err(|_| Reason::BadExpirationDate)?;
        match text.parse() {
            Ok(0) => Ok(Self::Once),
            Ok(seconds) => Ok(Self::At(seconds)),
            Err(_) => Err(Reason::BadExpirationDate),
        }
    }

    /// What the header says; `None` when it isn't sent.
    pub const fn seconds(self) -> Option<i64> {
        match self {
            Self::Default => None,
            Self::Once => Some(0),
            Self::At(seconds) => Some(seconds),
        }
    }

    /// The counterpart of [`Expiration::seconds`].
    pub const fn from_seconds(seconds: Option<i64>) -> Self {
        match seconds {
            None => Self::Default,
            Some(0) => Self::Once,
            Some(seconds) => Self::At(seconds),
        }
    }
}

/// `apns-collapse-id`: the notifications that replace each other on the device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CollapseId(Box<str>);

impl CollapseId {
    /// Longest id, in bytes of UTF-8 (*Sending notification requests to APNs*).
    pub const MAX_LEN: usize = 64;

    /// Longer than [`CollapseId::MAX_LEN`] bytes or not UTF-8 is [`Reason::BadCollapseId`]. An empty value is no id at all,
    /// which [`crate::RequestHeaders::collapse_id`] treats as absent.
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        match std::str::from_utf8(value) {
            Ok(text) if !text.is_empty() && text.len() <= Self::MAX_LEN => Ok(Self(text.into())),
            Ok(_) | Err(_) => Err(Reason::BadCollapseId),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CollapseId {
    type Err = Reason;

    fn from_str(text: &str) -> Result<Self, Reason> {
        Self::parse(text.as_bytes())
    }
}

impl std::fmt::Display for CollapseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_ten_five_or_one() {
        for priority in Priority::ALL {
            assert_eq!(priority.as_str().parse(), Ok(priority));
            assert_eq!(Priority::from_number(priority.number()), Some(priority));
        }
        for text in ["", "0", "2", "10 ", "010", "ten"] {
            assert_eq!(text.parse::<Priority>(), Err(Reason::BadPriority), "{text}");
        }
    }

    #[test]
    fn an_expiration_is_a_whole_number_of_seconds() {
        assert_eq!(Expiration::parse(b"0"), Ok(Expiration::Once));
        assert_eq!(Expiration::parse(b"300"), Ok(Expiration::At(300)));
        for text in ["", "-1", "+1", "1.5", "tomorrow", "99999999999999999999"] {
            assert_eq!(Expiration::parse(text.as_bytes()), Err(Reason::BadExpirationDate), "{text}");
        }
    }

    #[test]
    fn a_collapse_id_is_measured_in_bytes() {
        assert!("道".repeat(21).parse::<CollapseId>().is_ok());
        assert_eq!("道".repeat(22).parse::<CollapseId>(), Err(Reason::BadCollapseId));
        assert!("x".repeat(64).parse::<CollapseId>().is_ok());
        assert_eq!("x".repeat(65).parse::<CollapseId>(), Err(Reason::BadCollapseId));
    }

    proptest::proptest! {
        #[test]
        fn an_expiration_survives_the_journey(seconds in proptest::option::of(0_i64..)) {
            let expiration = Expiration::from_seconds(seconds);
            proptest::prop_assert_eq!(expiration.seconds(), seconds);
            if let Some(seconds) = seconds {
                proptest::prop_assert_eq!(Expiration::parse(seconds.to_string().as_bytes()), Ok(expiration));
            }
        }
    }
}
