//! How long a device waits before it tries the push service again. What counts as a failure is left to the caller.

use std::time::Duration;

/// The wait before the first retry, without jitter.
const FIRST: Duration = Duration::from_millis(200);

/// The longest wait (`spec`: what iPhones are observed to do).
pub(crate) const CAP: Duration = Duration::from_secs(30);

/// Doubles from [`FIRST`] to [`CAP`]; each wait is anything up to the whole of it (full jitter), so that many devices
/// that lost the same server come back spread out.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait. `random` is any byte from the system's random source.
    pub(crate) fn next(&mut self, random: u8) -> Duration {
        let whole = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(CAP);
        self.failures = self.failures.saturating_add(1).min(16);
        whole.mul_f64(f64::from(random) / 255.0)
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A random byte; 128 when the system has none, since jitter is no secret.
pub(crate) fn random_byte() -> u8 {
    let mut byte = [128_u8];
    match getrandom::fill(&mut byte) {
        Ok(()) => byte[0],
        Err(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_fast_and_the_wait_is_capped() {
        let mut backoff = Backoff::default();
        assert!(backoff.next(255) <= Duration::from_millis(200));
        for _ in 0..40 {
            assert!(backoff.next(255) <= CAP);
        }
        assert_eq!(backoff.next(255), CAP);
        assert_eq!(backoff.next(51), CAP / 5);
        assert_eq!(backoff.next(0), Duration::ZERO);
        backoff.reset();
        assert_eq!(backoff.next(255), Duration::from_millis(200));
    }
}
