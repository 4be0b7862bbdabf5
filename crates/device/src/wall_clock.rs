//! The clock on one device's wall: the host's, and by how much somebody set it wrong. What the device does when it is
//! set is decided by the notification center.

use std::sync::Arc;

use homing_clock::Clock;
use homing_trace::UnixMillis;
use tokio::sync::watch;

/// A handle on it; clones share what it is wrong by.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    host: Clock,
    wrong_by_millis: Arc<watch::Sender<i64>>,
}

impl WallClock {
    /// Shows what the host's shows.
    pub(crate) fn new(host: Clock) -> Self {
        Self { host, wrong_by_millis: Arc::new(watch::Sender::new(0)) }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.host.now().plus_millis(self.wrong_by_millis())
    }

    /// The one that nobody sets wrong.
    pub(crate) const fn host(&self) -> &Clock {
        &self.host
    }

    /// More than 0: it is fast.
    pub(crate) fn wrong_by_millis(&self) -> i64 {
        *self.wrong_by_millis.borrow()
    }

    pub(crate) fn set_wrong_by(&self, millis: i64) {
        self.wrong_by_millis.send_replace(millis);
    }

    /// What the host's clock shows when this one shows `at`.
    pub(crate) fn on_host(&self, at: UnixMillis) -> UnixMillis {
        at.plus_millis(self.wrong_by_millis().saturating_neg())
    }

    /// Waits until it shows `at`, whether time passes or a clock is set.
    pub(crate) async fn sleep_until(&self, at: UnixMillis) {
        let mut set = self.wrong_by_millis.subscribe();
        loop {
            tokio::select! {
                () = self.host.sleep_until(self.on_host(at)) => return,
                // The sender lives in `self`, so this never fails while we wait.
                _ = set.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn who_sleeps_wakes_when_either_clock_has_come_so_far() {
        let host = Clock::default();
        let clock = WallClock::new(host.clone());
        clock.set_wrong_by(-3_600_000);
        assert!(host.now().millis_since(clock.now()) >= 3_599_000);
        let at = clock.now().plus_millis(7_200_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        host.advance(Duration::from_secs(3_600)).expect("nothing is written");
        assert!(clock.now() < at);
        clock.set_wrong_by(0);
        sleeper.await.expect("the sleeper ends");
        assert!(clock.now() >= at);
    }
}
