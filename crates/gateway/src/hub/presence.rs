//! Where each connected device is: device → (core, epoch). Written when a device comes or goes, read on every submission.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

const SHARDS: usize = 64;

/// One device's place. A greater epoch is a newer connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) core: usize,
    pub(crate) epoch: u64,
}

#[derive(Debug)]
pub(crate) struct Presence {
    shards: Vec<RwLock<HashMap<u64, Place>>>,
}

impl Default for Presence {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }
}

impl Presence {
    pub(crate) fn get(&self, device: u64) -> Option<Place> {
        self.shard(device).read().unwrap_or_else(PoisonError::into_inner).get(&device).copied()
    }

    /// The newest connection wins; answers the place it wins from.
    pub(crate) fn come(&self, device: u64, place: Place) -> Option<Place> {
        self.shard(device).write().unwrap_or_else(PoisonError::into_inner).insert(device, place)
    }

    /// Removes the device's place, if it is still that of `epoch`.
    pub(crate) fn go(&self, device: u64, epoch: u64) {
        let mut shard = self.shard(device).write().unwrap_or_else(PoisonError::into_inner);
        if shard.get(&device).is_some_and(|place| place.epoch == epoch) {
            shard.remove(&device);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, device: u64) -> &RwLock<HashMap<u64, Place>> {
        // Device ids are random, but an id chosen badly must not land all in one shard.
        let mixed = device.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
        &self.shards[mixed as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_deletes_only_ones_own_place() {
        let presence = Presence::default();
        let (old, new) = (Place { core: 0, epoch: 1 }, Place { core: 1, epoch: 2 });
        assert_eq!(presence.come(7, old), None);
        assert_eq!(presence.come(7, new), Some(old));
        presence.go(7, 1);
        assert_eq!(presence.get(7), Some(new));
        presence.go(7, 2);
        assert_eq!(presence.get(7), None);
        assert_eq!(presence.len(), 0);
    }
}
