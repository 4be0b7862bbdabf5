//! Counts what all devices together have acknowledged, and says when it is one more for each of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::say;

/// What all devices together have acknowledged.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    count: AtomicU64,
    /// How many are a round that is told of.
    round: Option<u64>,
}

impl Acknowledged {
    pub(crate) const fn told_of_each(round: Option<u64>) -> Self {
        Self { count: AtomicU64::new(0), round }
    }

    pub(crate) fn so_far(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn one_more(&self) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if self.round.is_some_and(|round| count.is_multiple_of(round)) {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            say(&json!({ "acknowledged": count, "at_micros": u64::try_from(at.as_micros()).ok() }));
        }
    }
}
