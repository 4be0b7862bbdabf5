//! How long the SDK waits before it tries the provider again. What counts as a failure is left to `worker`.

use std::time::Duration;

/// The longest first wait.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const CAP: Duration = Duration::from_secs(60);

/// Full jitter: each wait is between nothing and a bound that doubles from [`FIRST`] to [`CAP`], so that many apps that
/// lost the same provider don't come back at the same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait. `random` is from the system's random source.
    pub(super) fn next(&mut self, random: u16) -> Duration {
        let bound = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(CAP);
        self.failures = self.failures.saturating_add(1).min(16);
        bound.mul_f64(f64::from(random) / f64::from(u16::MAX))
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The middle when the system has no random bytes, since jitter is no secret.
pub(super) fn random() -> u16 {
    let mut bytes = [0, 128];
    // A failure leaves them as they are.
    let _ = getrandom::fill(&mut bytes);
    u16::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_its_cap_and_is_anything_below() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(u16::MAX), FIRST);
        assert_eq!(backoff.next(u16::MAX), FIRST * 2);
        for _ in 0..40 {
            assert!(backoff.next(u16::MAX) <= CAP);
        }
        assert_eq!(backoff.next(u16::MAX), CAP);
        assert_eq!(backoff.next(0), Duration::ZERO);
        backoff.reset();
        assert_eq!(backoff.next(u16::MAX), FIRST);
    }
}
