//! The one clock of a Homing: real time plus an offset that only grows.
//!
//! Provider, push service and devices of one process share it for schedules, expiry, budgets and triggers, so that a
//! test can let two hours pass. TLS, provider tokens and connection timers stay on real time. Keeping the offset over
//! a restart is left to whoever owns the data directory.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use homing_trace::UnixMillis;
use tokio::sync::watch;

/// A handle on the clock; clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    offset_millis: Arc<watch::Sender<i64>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::with_offset(0)
    }
}

impl Clock {
    /// A clock that is `offset_millis` ahead of real time.
    pub fn with_offset(offset_millis: i64) -> Self {
        Self { offset_millis: Arc::new(watch::Sender::new(offset_millis.max(0))) }
    }

    pub fn now(&self) -> UnixMillis {
        real_now().plus_millis(self.offset_millis())
    }

    pub fn offset_millis(&self) -> i64 {
        *self.offset_millis.borrow()
    }

    /// Lets `by` pass at once: sleepers whose time has come wake. Answers the new offset.
    pub fn advance(&self, by: Duration) -> i64 {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_millis.send_modify(|offset| *offset = offset.saturating_add(by));
        self.offset_millis()
    }

    /// Waits until the clock shows `at`, whether time passes or is advanced.
    pub async fn sleep_until(&self, at: UnixMillis) {
        let mut advanced = self.offset_millis.subscribe();
        loop {
            let left = at.millis_since(self.now());
            let Ok(left) = u64::try_from(left) else { return };
            if left == 0 {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left)) => {}
                // The sender lives in `self`, so this never fails while we wait.
                _ = advanced.changed() => {}
            }
        }
    }
}

fn real_now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_advanced() {
        let clock = Clock::default();
        let at = clock.now().plus_millis(7_200_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        clock.advance(Duration::from_secs(7_200));
        sleeper.await.expect("the sleeper ends");
        assert!(clock.now() >= at);
    }

    #[test]
    fn the_offset_never_shrinks_below_zero() {
        assert_eq!(Clock::with_offset(-5).offset_millis(), 0);
    }
}
