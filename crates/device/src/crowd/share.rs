//! Which device has what, by shares in percent. Among any hundred devices from a multiple of a hundred on, whole percents
//! are met exactly, and the same device has the same in every run, however many there are.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::dice::Dice;

/// Devices among which whole percents are met.
const BLOCK: u64 = 100;
/// All of them, in millionths.
const WHOLE: u32 = 1_000_000;
/// How far the percents of a table may be from 100.
const TOLERANCE: f64 = 0.001;

/// A place in 0 to [`WHOLE`], less it itself: what falls below a share's millionths belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u32);

impl Place {
    /// Of one device for one purpose.
    pub(crate) fn of(seed: u64, what: &str, device: u64) -> Self {
        let (block, slot) = (device / BLOCK, device % BLOCK);
        let mut dice = Dice::of(seed, what, block);
        // Where this device stands after the hundred were shuffled.
        let mut order: [u8; BLOCK as usize] = std::array::from_fn(|at| at as u8);
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at as u64 + 1) as usize);
        }
        let stands = order.get(slot as usize).copied().unwrap_or_default();
        // Parts of a percent are met over many hundreds.
        Self(u32::from(stands) * (WHOLE / 100) + dice.below(u64::from(WHOLE / 100)) as u32)
    }
}

/// One share of all devices.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Percent(u32);

impl Percent {
    pub(crate) const ALL: Self = Self(WHOLE);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn has(self, place: Place) -> bool {
        place.0 < self.0
    }

    /// Whether these two together are more than all.
    pub(crate) fn exceeds_with(self, other: Self) -> bool {
        self.0 + other.0 > WHOLE
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl TryFrom<f64> for Percent {
    type Error = String;

    fn try_from(percent: f64) -> Result<Self, String> {
        if (0.0..=100.0).contains(&percent) {
            Ok(Self((percent * f64::from(WHOLE / 100)).round() as u32))
        } else {
            Err(format!("{percent} is no share: write percents, from 0 to 100"))
        }
    }
}

/// What each device has one of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<K, f64>", bound(deserialize = "K: Ord + Deserialize<'de>"))]
pub(crate) struct Shares<K> {
    /// With the millionths up to which it is had.
    kinds: Vec<(K, u32)>,
}

impl<K> Shares<K> {
    /// All devices have this.
    pub(crate) fn only(kind: K) -> Self {
        Self { kinds: vec![(kind, WHOLE)] }
    }

    /// Which of the kinds, by its number.
    pub(crate) fn number_at(&self, place: Place) -> usize {
        let found = self.kinds.iter().position(|(_, up_to)| place.0 < *up_to);
        found.unwrap_or(self.kinds.len().saturating_sub(1))
    }

    pub(crate) fn get(&self, number: usize) -> Option<&K> {
        self.kinds.get(number).map(|(kind, _)| kind)
    }
}

impl<K: Copy> Shares<K> {
    /// `None` only if there are no kinds at all.
    pub(crate) fn at(&self, place: Place) -> Option<K> {
        self.get(self.number_at(place)).copied()
    }
}

impl<K: Ord> TryFrom<BTreeMap<K, f64>> for Shares<K> {
    type Error = String;

    fn try_from(percents: BTreeMap<K, f64>) -> Result<Self, String> {
        let mut kinds = Vec::with_capacity(percents.len());
        let mut sum = 0.0;
        for (kind, percent) in percents {
            Percent::try_from(percent)?;
            sum += percent;
            kinds.push((kind, (sum * f64::from(WHOLE / 100)).round() as u32));
        }
        if (sum - 100.0).abs() > TOLERANCE {
            return Err(format!("these shares sum to {sum} percent: make it 100"));
        }
        if let Some((_, last)) = kinds.last_mut() {
            *last = WHOLE;
        }
        Ok(Self { kinds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(percents: &[(&'static str, f64)]) -> Result<Shares<&'static str>, String> {
        Shares::try_from(percents.iter().copied().collect::<BTreeMap<_, _>>())
    }

    fn count(shares: &Shares<&'static str>, devices: std::ops::Range<u64>, which: &str) -> usize {
        let had = devices.filter_map(|device| shares.at(Place::of(7, "test", device)));
        had.filter(|kind| *kind == which).count()
    }

    #[test]
    fn whole_percents_are_met_exactly_in_every_hundred() {
        let shares = shares(&[("a", 60.0), ("b", 25.0), ("c", 15.0)]).expect("they sum to 100");
        for block in [0, 100, 9_900] {
            let devices = block..block + 100;
            assert_eq!(count(&shares, devices.clone(), "a"), 60);
            assert_eq!(count(&shares, devices.clone(), "b"), 25);
            assert_eq!(count(&shares, devices, "c"), 15);
        }
    }

    #[test]
    fn parts_of_a_percent_are_met_over_many() {
        let shares = shares(&[("a", 99.75), ("b", 0.25)]).expect("they sum to 100");
        let few = count(&shares, 0..40_000, "b");
        assert!((70..130).contains(&few), "{few}");
    }

    #[test]
    fn shares_that_are_not_the_whole_are_refused_with_their_sum() {
        let error = shares(&[("a", 60.0), ("b", 25.0)]).expect_err("15 are missing");
        assert!(error.contains("85") && error.contains("make it 100"), "{error}");
        assert!(shares(&[("a", 150.0), ("b", -50.0)]).is_err());
    }
}
