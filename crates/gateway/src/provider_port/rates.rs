//! How often each device token is sent to. It costs every notification one look at one place in memory, so it is kept roughly:
//! two tokens that share a place push each other out, and each is counted less than it was used, never more.

use std::sync::atomic::{AtomicU64, Ordering};

use homing_trace::Environment;

use crate::notification::RegistrationKey;

/// Places; 128 KiB.
const SLOTS: usize = 1 << 14;
/// Length of a window, in seconds.
const WINDOW: i64 = 60;
/// Spreads neighbouring numbers: 2^64 by the golden ratio.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// Counts per registration within the minute that is running.
#[derive(Debug)]
pub(super) struct Rates {
    /// 16 bits of whose count it is, 16 of which minute's, 32 of the count.
    slots: Box<[AtomicU64]>,
    most: u32,
}

impl Rates {
    /// `most` notifications within a minute.
    pub(super) fn new(most: u32) -> Self {
        Self { slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(), most }
    }

    /// Counts one more; tells whether it is within the bound. `now` is in seconds.
    pub(super) fn admits(&self, registration: &RegistrationKey, now: i64) -> bool {
        // Whose token it is, is sealed: nobody chooses what falls on one place.
        let &RegistrationKey { device, environment, topic_no, generation } = registration;
        let environment = u64::from(environment == Environment::Production);
        let of_device = u64::from(topic_no) << 33 | environment << 32 | u64::from(generation);
        let hash = (device.wrapping_mul(MIX).rotate_left(32) ^ of_device).wrapping_mul(MIX);
        let slot = &self.slots[(hash >> 50) as usize];
        let owner = (hash & 0xFFFF) << 48 | ((now / WINDOW) as u64 & 0xFFFF) << 32;
        // Two cores at once may lose a count: that is lenient, too.
        let seen = slot.load(Ordering::Relaxed);
        let count = if seen >> 32 == owner >> 32 { seen as u32 } else { 0 };
        if count >= self.most {
            return false;
        }
        slot.store(owner | u64::from(count + 1), Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_313_040;

    fn registration(device: u64) -> RegistrationKey {
        RegistrationKey { device, environment: Environment::Production, topic_no: 3, generation: 1 }
    }

    #[test]
    fn so_many_a_minute_and_again_in_the_next() {
        let rates = Rates::new(3);
        let admitted = |now| (0..5).filter(|_| rates.admits(&registration(7), now)).count();
        assert_eq!((admitted(NOW), admitted(NOW + 59), admitted(NOW + 60)), (3, 0, 3));
        assert!(rates.admits(&registration(8), NOW + 59), "another token has a count of its own");
    }

    #[test]
    fn each_token_of_a_device_has_a_count_of_its_own() {
        let rates = Rates::new(1);
        let production = registration(7);
        assert!(rates.admits(&production, NOW) && !rates.admits(&production, NOW));
        let development = RegistrationKey { environment: Environment::Development, ..production };
        assert!(rates.admits(&development, NOW));
        let renewed = RegistrationKey { generation: 2, ..production };
        assert!(rates.admits(&renewed, NOW));
    }

    #[test]
    fn those_who_share_a_place_are_never_counted_for_one_another() {
        let rates = Rates::new(2);
        for device in 0..200_000 {
            assert!(rates.admits(&registration(device), NOW), "{device}");
        }
    }
}
