//! Chance that can be repeated: a test prints its seed, and the same seed gives the same choices.

/// The environment variable that sets the seed.
pub const SEED: &str = "HOMING_SEED";

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough to choose moments.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The seed is the environment's, or a new one, and is said on stderr.
    pub fn rolled(test: &str) -> anyhow::Result<Self> {
        let seed = match std::env::var(SEED) {
            Ok(seed) => seed.parse()?,
            Err(_) => {
                getrandom::u64().map_err(|error| anyhow::anyhow!("no randomness for a seed: {error}"))?
            }
        };
        eprintln!("{test}: {SEED}={seed}");
        Ok(Self::new(seed))
    }

    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `from` to `to`, both included.
    pub const fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_choices() {
        let (mut one, mut other) = (Dice::new(7), Dice::new(7));
        for _ in 0..100 {
            let choice = one.between(3, 9);
            assert_eq!(choice, other.between(3, 9));
            assert!((3..=9).contains(&choice));
        }
    }
}
