//! How many refusals of strangers are written down: whoever can reach the port could fill the disk with them. Refusals of
//! known teams are all written down.

use std::sync::Mutex;

use crate::notification::lock;

/// Refusals that may be written down at once.
const BURST: i64 = 1_000;
/// Refusals a second that may be, in the long run.
const PER_SECOND: i64 = 20;

/// A bucket that fills by time; one for the whole port.
#[derive(Debug)]
pub(super) struct Strangers(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    left: i64,
    /// Seconds since the epoch, on real time.
    filled_at: i64,
}

impl Default for Strangers {
    fn default() -> Self {
        Self(Mutex::new(Bucket { left: BURST, filled_at: 0 }))
    }
}

impl Strangers {
    /// Whether one more may be written down at `now`, in seconds since the epoch.
    pub(super) fn may_note(&self, now: i64) -> bool {
        let mut bucket = lock(&self.0);
        let passed = now.saturating_sub(bucket.filled_at).max(0);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(PER_SECOND)).min(BURST);
        bucket.filled_at = now;
        if bucket.left == 0 {
            return false;
        }
        bucket.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_noted_and_then_so_many_a_second() {
        let strangers = Strangers::default();
        let noted = |now, asked: i64| (0..asked).filter(|_| strangers.may_note(now)).count();
        assert_eq!(noted(1_795_313_045, 5_000), 1_000);
        assert_eq!(noted(1_795_313_047, 5_000), 40);
        assert_eq!(noted(1_795_313_000, 5_000), 0, "the clock was set back");
        assert_eq!(noted(1_795_313_001, 5_000), 20);
    }
}
