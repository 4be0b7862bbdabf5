//! How long a registration waits after its device has left a notification unacknowledged: the first redelivery comes at
//! once, after each further silence it waits 1 s, doubled up to 60 s. It outlives connections, so it is kept here.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::notification::{RegistrationKey, lock};

/// Longest wait before a redelivery.
const LONGEST: Duration = Duration::from_secs(60);

/// Registrations remembered; beyond it a further silent one is redelivered at once.
const REMEMBERED: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Silences {
    count: AtomicUsize,
    times: Mutex<HashMap<RegistrationKey, u32>>,
}

impl Silences {
    pub(crate) fn note(&self, key: RegistrationKey) {
        let mut times = lock(&self.times);
        if times.len() < REMEMBERED || times.contains_key(&key) {
            let entry = times.entry(key).or_insert(0);
            *entry = entry.saturating_add(1);
        }
        self.count.store(times.len(), Ordering::Release);
    }

    /// `None` when it hasn't been silent; else how long it waits at its next subscribe.
    pub(crate) fn wait(&self, key: &RegistrationKey) -> Option<Duration> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        lock(&self.times).get(key).map(|times| wait_after(*times))
    }

    pub(crate) fn over(&self, key: &RegistrationKey) {
        let mut times = lock(&self.times);
        times.remove(key);
        self.count.store(times.len(), Ordering::Release);
    }
}

fn wait_after(silences: u32) -> Duration {
    match silences.checked_sub(2) {
        None => Duration::ZERO,
        Some(further) => Duration::from_secs(1 << further.min(6)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_redelivery_comes_at_once_and_further_ones_wait_ever_longer() {
        let waits: Vec<_> = (1..=9).map(|silences| wait_after(silences).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
