//! How many devices were sent a broadcast and have acknowledged it: counted in memory, one look at an atomic number each, and
//! written to its row now and then. A crash may lose the last second of it. Also each channel's publishing budget.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_apns::StoragePolicy;
use homing_trace::UnixMillis;
use rusqlite::{Connection, params};
use tokio::sync::Notify;

use super::Store;
use super::channels::Channel;
use super::error::StoreError;
use super::row::signed;
use super::seq::SeqAllotter;
use crate::notification::lock;

/// How long a count may wait to be written.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Channels whose budget is remembered; beyond it all begin anew.
const BUDGETS: usize = 100_000;

/// What has happened to one broadcast since it was last written.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU32,
    acknowledged: AtomicU32,
    refused: AtomicU32,
    /// 0: not sent yet.
    first_sent: AtomicI64,
}

impl Tally {
    pub(crate) fn sent(&self, now: UnixMillis) {
        if self.sent.fetch_add(1, Ordering::Relaxed) == 0 {
            // Only the first counts, also in the row.
            let _ = self.first_sent.compare_exchange(0, now.0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    pub(crate) fn acknowledged(&self, refused: bool) {
        let count = if refused { &self.refused } else { &self.acknowledged };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn take(&self) -> Option<Counted> {
        let take = |count: &AtomicU32| count.swap(0, Ordering::Relaxed);
        let counted = Counted {
            sent: take(&self.sent),
            acknowledged: take(&self.acknowledged),
            refused: take(&self.refused),
            first_sent: Some(self.first_sent.load(Ordering::Relaxed)).filter(|at| *at != 0),
        };
        (counted.sent + counted.acknowledged + counted.refused > 0).then_some(counted)
    }
}

/// What is added to a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    sent: u32,
    acknowledged: u32,
    refused: u32,
    first_sent: Option<i64>,
}

/// A bucket that fills by time.
#[derive(Clone, Copy, Debug)]
struct Budget {
    left: i64,
    filled_at: UnixMillis,
}

/// The counts of all broadcasts on their way; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Tallies {
    counts: Arc<Mutex<HashMap<u64, Arc<Tally>>>>,
    budgets: Arc<Mutex<HashMap<u32, Budget>>>,
    began: Arc<Notify>,
    pub(super) seqs: Arc<SeqAllotter>,
}

impl Tallies {
    pub(super) fn new(seqs: Arc<SeqAllotter>) -> Self {
        Self { counts: Arc::default(), budgets: Arc::default(), began: Arc::default(), seqs }
    }

    /// The tally of a broadcast that is about to be sent.
    pub(crate) fn of(&self, seq: u64) -> Arc<Tally> {
        let tally = Arc::clone(lock(&self.counts).entry(seq).or_default());
        self.began.notify_one();
        tally
    }

    /// Takes one from the channel's publishing budget: burst and messages a second, more for a channel that stores nothing.
    pub(super) fn may_broadcast(&self, channel: Channel, now: UnixMillis) -> bool {
        let (burst, per_second) = match channel.policy {
            StoragePolicy::Nothing => (1_000, 100),
            StoragePolicy::MostRecent => (500, 50),
        };
        let mut budgets = lock(&self.budgets);
        if budgets.len() >= BUDGETS {
            budgets.clear();
        }
        let budget = budgets.entry(channel.no).or_insert(Budget { left: burst, filled_at: now });
        let filled = now.millis_since(budget.filled_at).max(0).saturating_mul(per_second) / 1000;
        if filled > 0 {
            *budget = Budget { left: budget.left.saturating_add(filled).min(burst), filled_at: now };
        }
        if budget.left == 0 {
            return false;
        }
        budget.left -= 1;
        true
    }

    /// What has changed; forgets what nobody counts any more.
    pub(super) fn take(&self) -> Vec<(u64, Counted)> {
        let mut changed = Vec::new();
        lock(&self.counts).retain(|seq, tally| {
            // Whoever sends it holds it: looked at before the counts, so that none is added unseen.
            let is_over = Arc::strong_count(tally) == 1;
            let counted = tally.take();
            changed.extend(counted.map(|counted| (*seq, counted)));
            !is_over
        });
        changed
    }

    fn is_idle(&self) -> bool {
        lock(&self.counts).is_empty()
    }
}

pub(super) fn write(connection: &Connection, counts: &[(u64, Counted)]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE broadcasts SET sent = sent + ?2, acknowledged = acknowledged + ?3, refused = refused + ?4, \
         sent_at = coalesce(sent_at, ?5) WHERE seq = ?1",
    )?;
    for (seq, Counted { sent, acknowledged, refused, first_sent }) in counts {
        statement.execute(params![signed(*seq), sent, acknowledged, refused, first_sent])?;
    }
    Ok(())
}

impl Store {
    pub(crate) fn tallies(&self) -> &Tallies {
        &self.0.tallies
    }

    /// Writes the counts that have changed.
    pub(crate) async fn write_tallies(&self) -> Result<(), StoreError> {
        let counts = self.tallies().take();
        if counts.is_empty() {
            return Ok(());
        }
        self.call(move |scope| Ok(write(scope.connection, &counts)?)).await
    }

    /// Writes counts as long as there are any. Runs on one core until it is dropped.
    pub(crate) async fn keep_tallies(&self) {
        loop {
            self.tallies().began.notified().await;
            while !self.tallies().is_idle() {
                tokio::time::sleep(WRITE_EVERY).await;
                if let Err(error) = self.write_tallies().await {
                    tracing::warn!(%error, "how many devices got a broadcast could not be written and is lost");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallies() -> Tallies {
        Tallies::new(Arc::new(SeqAllotter::starting_at(1)))
    }

    #[test]
    fn a_channels_budget_is_spent_and_fills_again_by_time() {
        let tallies = tallies();
        let kept = Channel { no: 1, policy: StoragePolicy::MostRecent };
        let taken =
            |channel, at| (0..2_000).filter(|_| tallies.may_broadcast(channel, UnixMillis(at))).count();
        assert_eq!(taken(kept, 0), 500);
        assert_eq!(taken(kept, 2_000), 100);
        assert_eq!(taken(kept, 1_000), 0, "the clock was set back");
        let bare = Channel { no: 2, policy: StoragePolicy::Nothing };
        assert_eq!(taken(bare, 0), 1_000, "a channel that stores nothing has a budget of its own, and more");
    }

    #[test]
    fn a_count_is_taken_once_and_forgotten_when_nobody_sends_any_more() {
        let tallies = tallies();
        let tally = tallies.of(7);
        tally.sent(UnixMillis(5));
        tally.sent(UnixMillis(6));
        tally.acknowledged(false);
        let taken = tallies.take();
        let (seq, Counted { sent, acknowledged, refused, first_sent }) = taken[0];
        assert_eq!((seq, sent, acknowledged, refused, first_sent), (7, 2, 1, 0, Some(5)));
        assert!(tallies.take().is_empty() && !tallies.is_idle());
        tally.acknowledged(true);
        drop(tally);
        assert_eq!(tallies.take().len(), 1);
        assert!(tallies.is_idle());
    }
}
