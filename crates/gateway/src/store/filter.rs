//! A Bloom filter over the keys of one block of events, so that a search reads only the blocks that may hold what it
//! looks for. What is a key is decided by the block.

/// Bits per key: with four probes, one block in some two hundred is read for nothing.
const BITS_PER_KEY: usize = 12;
const PROBES: u64 = 4;

/// Builds the filter of these keys.
pub(crate) fn build(keys: &[u64]) -> Vec<u8> {
    let mut filter = vec![0; (keys.len() * BITS_PER_KEY).div_ceil(8).max(8)];
    for key in keys {
        for bit in probes(*key, filter.len()) {
            filter[bit / 8] |= 1 << (bit % 8);
        }
    }
    filter
}

/// Whether the block may hold the key. Never false for a key that it holds.
pub(crate) fn may_hold(filter: &[u8], key: u64) -> bool {
    !filter.is_empty() && probes(key, filter.len()).all(|bit| filter[bit / 8] & (1 << (bit % 8)) != 0)
}

fn probes(key: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let bits = bytes as u64 * 8;
    let step = (key >> 32) | 1;
    (0..PROBES).map(move |probe| {
        let at = key.wrapping_add(step.wrapping_mul(probe)) % bits;
        usize::try_from(at).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::label::mix;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        let keys: Vec<u64> = (0..2_000).map(mix).collect();
        let filter = build(&keys);
        assert!(keys.iter().all(|key| may_hold(&filter, *key)));
        let strangers = (10_000..20_000).filter(|key| may_hold(&filter, mix(*key))).count();
        assert!(strangers < 200, "{strangers} of 10,000");
    }
}
