//! Hands out `seq`, the identity of a notification, without waiting. Ranges are reserved by the writer before use, so
//! that no number is given twice, whatever dies when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::StoreFull;

/// How many numbers are reserved at a time. At a restart the rest of the range is skipped.
pub(crate) const RANGE: u64 = 1 << 18;

/// Allots `seq`; shared by all cores and the writer.
#[derive(Debug)]
pub(crate) struct SeqAllotter {
    next: AtomicU64,
    /// First number that is not reserved.
    limit: AtomicU64,
    asked: AtomicBool,
}

impl SeqAllotter {
    /// Starts behind everything that was ever reserved.
    pub(crate) fn starting_at(first: u64) -> Self {
        Self { next: AtomicU64::new(first), limit: AtomicU64::new(first), asked: AtomicBool::new(false) }
    }

    /// The next number. `Err` when the reserve is used up faster than the writer can renew it: the store is overloaded.
    pub(crate) fn next(&self) -> Result<u64, StoreFull> {
        let limit = self.limit.load(Ordering::Acquire);
        self.next
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |next| (next < limit).then(|| next + 1))
            .map_err(|_| StoreFull)
    }

    /// What the writer must reserve now, if half of the range is gone: the new limit.
    pub(crate) fn wanted_limit(&self) -> Option<u64> {
        let next = self.next.load(Ordering::Acquire);
        let limit = self.limit.load(Ordering::Acquire);
        (limit.saturating_sub(next) < RANGE / 2).then(|| next + RANGE)
    }

    /// Whether the caller should wake the writer to reserve more; true once per reservation.
    pub(crate) fn should_ask(&self) -> bool {
        self.wanted_limit().is_some() && !self.asked.swap(true, Ordering::AcqRel)
    }

    /// The numbers below `limit` are reserved durably.
    pub(crate) fn reserved_up_to(&self, limit: u64) {
        self.limit.fetch_max(limit, Ordering::AcqRel);
        self.asked.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_handed_out_before_it_is_reserved() {
        let seqs = SeqAllotter::starting_at(1);
        assert_eq!(seqs.next(), Err(StoreFull));
        let limit = seqs.wanted_limit().expect("nothing is reserved");
        seqs.reserved_up_to(limit);
        assert_eq!(seqs.next(), Ok(1));
        while seqs.next().is_ok() {}
        assert_eq!(seqs.next.load(Ordering::Acquire), limit);
    }

    #[test]
    fn the_reserve_is_renewed_when_half_of_it_is_gone_and_asked_for_once() {
        let seqs = SeqAllotter::starting_at(1);
        seqs.reserved_up_to(1 + RANGE);
        assert!(!seqs.should_ask());
        for _ in 0..=RANGE / 2 {
            seqs.next().expect("it is reserved");
        }
        assert!(seqs.should_ask());
        assert!(!seqs.should_ask());
    }
}
