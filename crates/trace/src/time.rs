//! Points in time as the trace writes them. Reading a clock is left to the rooms.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the UNIX epoch, on the clock of the Homing that wrote it.
///
/// In JSON it is RFC 3339 in UTC with exactly three decimals: `2026-11-22T02:03:04.567Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl std::str::FromStr for UnixMillis {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_millisecond()))
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error| {
            serde::de::Error::custom(format_args!(
                "write the time as RFC 3339 has it, such as 2026-11-22T02:03:04Z: {error}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        assert_eq!(UnixMillis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMillis(1_795_313_045_067).to_string(), "2026-11-22T02:04:05.067Z");
    }

    #[test]
    fn a_time_with_an_offset_is_read() {
        let at: UnixMillis = "2026-11-22T10:04:05.067+08:00".parse().expect("it is RFC 3339");
        assert_eq!(at, UnixMillis(1_795_313_045_067));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in -60_000_000_000_000_i64..250_000_000_000_000) {
            let at = UnixMillis(millis);
            proptest::prop_assert_eq!(at.to_string().parse::<UnixMillis>().ok(), Some(at));
        }
    }
}
