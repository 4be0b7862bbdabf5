//! Chance that repeats: what a device does is drawn from its profile's seed and its own number, so that it does the same
//! in every run. No secret depends on it. Back-off is drawn elsewhere, from the system.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood, 2014).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dice(u64);

impl Dice {
    /// For one purpose: `what` and `number` say which.
    pub(crate) fn of(seed: u64, what: &str, number: u64) -> Self {
        let named = what.bytes().fold(seed, |state, byte| Self(state ^ u64::from(byte)).next());
        Self(Self(named ^ number.rotate_left(32)).next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, which isn't 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 0 to just under 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A time until something that comes at random, this long on average; at most ten times as long.
    pub(crate) fn about(&mut self, mean: Duration) -> Duration {
        mean.mul_f64((-(1.0 - self.unit()).ln()).min(10.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_gives_the_same_numbers_and_another_gives_others() {
        let draw = |seed, what, number| Dice::of(seed, what, number).next();
        assert_eq!(draw(1, "locale", 7), draw(1, "locale", 7));
        assert_ne!(draw(1, "locale", 7), draw(2, "locale", 7));
        assert_ne!(draw(1, "locale", 7), draw(1, "locale", 8));
        assert_ne!(draw(1, "locale", 7), draw(1, "time zone", 7));
    }

    #[test]
    fn a_random_time_is_as_long_as_asked_on_average() {
        let mut dice = Dice::of(1, "test", 0);
        let total: f64 = (0..10_000).map(|_| dice.about(Duration::from_secs(60)).as_secs_f64()).sum();
        assert!((total / 10_000.0 - 60.0).abs() < 2.0, "{}", total / 10_000.0);
    }
}
