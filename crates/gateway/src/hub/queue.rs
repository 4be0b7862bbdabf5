//! What waits for one connected registration, in order of `seq`. Decides what may be sent next, what gives way when too
//! much waits, and where a late arrival belongs; who is told is left to the [session](super::session), and so is when one
//! is held because its device saves power. Of what is held there is only what finds its row again.

use std::collections::VecDeque;
use std::sync::Arc;

use homing_apns::Priority;
use homing_trace::UnixMillis;

use crate::notification::{Notification, ReplyTo};

/// How many sent `seq`s a registration remembers for receipts and for hints that come late: a whole window and what was
/// acknowledged meanwhile. A receipt for one that is forgotten must be looked up in the store, at the cost of a commit.
const REMEMBERED: usize = 512;

/// What a waiting notification costs beside its payload, in bytes; an estimate for the budgets.
const OVERHEAD: usize = 256;

/// How much may wait for one registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) notifications: usize,
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { notifications: 1024, bytes: 4 << 20 }
    }
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) seq: u64,
    pub(crate) notification: Arc<Notification>,
    /// The ticket of its append, until that is committed.
    pub(crate) uncommitted: Option<u64>,
    /// Kept by one of expiration 0 that waits for the commit of one before it.
    pub(crate) reply: Option<ReplyTo>,
    /// It was held while its device saved power, and that has been said.
    pub(crate) was_held: bool,
}

impl Waiting {
    pub(crate) fn cost(&self) -> usize {
        cost(&self.notification)
    }
}

/// One that is stored until its device stops saving power: what its row is found by, and what orders and ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) seq: u64,
    pub(crate) expires_at: UnixMillis,
    pub(crate) priority: Priority,
}

pub(crate) fn cost(notification: &Notification) -> usize {
    notification.payload.len() + OVERHEAD
}

/// Where a notification that was stored for an absent device went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Queued,
    /// It waits, is in flight, or was sent before.
    Known,
    /// A newer one has been sent already, or has replaced it in the store.
    Late,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many from the front may be sent: each of them is committed, or tried once with nothing uncommitted before it.
    ready: usize,
    bytes: usize,
    newest_sent: u64,
    /// Rising.
    recently_sent: VecDeque<u64>,
    /// The newest that came from the store: storing it has replaced what was stored before it.
    newest_stored: u64,
    /// It is committed, and newer ones may overtake it. There may be one for each registration, for days: so it is
    /// small, and not among what waits.
    held: Option<Box<Held>>,
}

impl Queue {
    /// The oldest that waits, not that is held.
    pub(crate) fn oldest_kept_up_to(&self, newest: u64) -> Option<u64> {
        let kept = self.waiting.iter().find(|waiting| waiting.notification.is_kept()).map(|kept| kept.seq);
        kept.filter(|oldest| *oldest <= newest)
    }

    /// The newest of those that are kept and whose time isn't over.
    pub(crate) fn newest_kept(&self, now: UnixMillis) -> Option<u64> {
        let is_kept = |waiting: &&Waiting| waiting.notification.expires_at().is_some_and(|at| at > now);
        let kept = self.waiting.iter().rev().find(is_kept).map(|kept| kept.seq);
        kept.max(self.held().filter(|held| held.expires_at > now).map(|held| held.seq))
    }

    pub(crate) fn waits(&self, seq: u64) -> bool {
        self.position(seq).is_ok()
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.ready > 0
    }

    /// Appends one that is newer than all before it. Those that need wait for no commit any more go to `freed`.
    pub(crate) fn push(&mut self, waiting: Waiting, freed: &mut Vec<(ReplyTo, u64)>) {
        debug_assert!(self.waiting.back().is_none_or(|last| last.seq < waiting.seq), "seq rises");
        self.bytes += waiting.cost();
        self.waiting.push_back(waiting);
        self.advance(freed);
    }

    /// Takes one in that was stored while its device seemed away: at its place, if nothing newer has been sent.
    pub(crate) fn arrive(
        &mut self,
        seq: u64,
        notification: Arc<Notification>,
        freed: &mut Vec<(ReplyTo, u64)>,
    ) -> Arrival {
        let Err(place) = self.position(seq) else { return Arrival::Known };
        if self.was_sent(seq) || self.held().is_some_and(|held| held.seq == seq) {
            return Arrival::Known;
        }
        if seq <= self.newest_sent.max(self.newest_stored) {
            return Arrival::Late;
        }
        self.newest_stored = seq;
        let waiting = Waiting { seq, notification, uncommitted: None, reply: None, was_held: false };
        self.insert(place, waiting, freed);
        Arrival::Queued
    }

    fn insert(&mut self, place: usize, waiting: Waiting, freed: &mut Vec<(ReplyTo, u64)>) {
        self.bytes += waiting.cost();
        self.waiting.insert(place, waiting);
        if place < self.ready {
            self.ready += 1;
        }
        self.advance(freed);
    }

    /// Marks `seq` committed.
    pub(crate) fn commit(&mut self, seq: u64, freed: &mut Vec<(ReplyTo, u64)>) {
        if let Ok(place) = self.position(seq) {
            self.waiting[place].uncommitted = None;
            self.advance(freed);
        }
    }

    /// Takes `seq` out wherever it waits.
    pub(crate) fn remove(&mut self, seq: u64, freed: &mut Vec<(ReplyTo, u64)>) -> Option<Waiting> {
        let place = self.position(seq).ok()?;
        let removed = self.waiting.remove(place)?;
        self.bytes -= removed.cost();
        if place < self.ready {
            self.ready -= 1;
        }
        self.advance(freed);
        Some(removed)
    }

    /// The oldest, when more waits than `limits` allow; the newest is never given up.
    pub(crate) fn surplus(&mut self, limits: Limits, freed: &mut Vec<(ReplyTo, u64)>) -> Option<Waiting> {
        if self.waiting.len() < 2
            || (self.waiting.len() <= limits.notifications && self.bytes <= limits.bytes)
        {
            return None;
        }
        let oldest = self.waiting.front()?.seq;
        self.remove(oldest, freed)
    }

    /// The next to send or to drop as expired; remembered as sent by [`Queue::note_sent`] only.
    pub(crate) fn pop_ready(&mut self) -> Option<Waiting> {
        if self.ready == 0 {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.ready -= 1;
        self.bytes -= next.cost();
        Some(next)
    }

    pub(crate) fn note_sent(&mut self, seq: u64) {
        if self.recently_sent.len() == REMEMBERED {
            self.recently_sent.pop_front();
        }
        if self.newest_sent < seq {
            self.newest_sent = seq;
            self.recently_sent.push_back(seq);
        } else {
            // It was held, and others have overtaken it.
            let place = self.recently_sent.partition_point(|sent| *sent < seq);
            self.recently_sent.insert(place, seq);
        }
    }

    /// Remembers one that was ready until [`Queue::release`]. There is room for one, the newest: answers the other's `seq`.
    pub(crate) fn hold(&mut self, held: Held) -> Option<u64> {
        if self.held().is_some_and(|other| other.seq > held.seq) {
            return Some(held.seq);
        }
        self.held.replace(Box::new(held)).map(|older| older.seq)
    }

    pub(crate) fn held(&self) -> Option<Held> {
        self.held.as_deref().copied()
    }

    /// It is held no more.
    pub(crate) fn let_go_of_held(&mut self) -> Option<Held> {
        self.held.take().map(|held| *held)
    }

    /// Puts the held one back to where it belongs, its row having been read; answers what it costs there. Nothing comes of
    /// one that isn't the held one any more.
    pub(crate) fn release(
        &mut self,
        seq: u64,
        notification: Arc<Notification>,
        freed: &mut Vec<(ReplyTo, u64)>,
    ) -> usize {
        if self.held().is_none_or(|held| held.seq != seq) {
            return 0;
        }
        self.held = None;
        let Err(place) = self.position(seq) else { return 0 };
        let released = Waiting { seq, notification, uncommitted: None, reply: None, was_held: true };
        let cost = released.cost();
        self.insert(place, released, freed);
        cost
    }

    pub(crate) fn was_sent(&self, seq: u64) -> bool {
        self.recently_sent.binary_search(&seq).is_ok()
    }

    /// Everything that waits; what is held stays.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Waiting> + '_ {
        self.ready = 0;
        self.bytes = 0;
        self.waiting.drain(..)
    }

    /// Frees what a burst has left allocated.
    pub(crate) fn rest(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > 16 {
            self.waiting = VecDeque::new();
        }
    }

    fn position(&self, seq: u64) -> Result<usize, usize> {
        self.waiting.binary_search_by_key(&seq, |waiting| waiting.seq)
    }

    fn advance(&mut self, freed: &mut Vec<(ReplyTo, u64)>) {
        while let Some(next) = self.waiting.get_mut(self.ready) {
            if next.uncommitted.is_some() {
                return;
            }
            freed.extend(next.reply.take().map(|reply| (reply, next.seq)));
            self.ready += 1;
        }
    }
}

/// Whether `notification` may no longer be delivered at `now`.
pub(crate) fn is_expired(notification: &Notification, now: UnixMillis) -> bool {
    notification.expires_at().is_some_and(|at| at <= now)
}

#[cfg(test)]
pub(crate) mod tests {
    use homing_apns::{Expiration, PushType};

    use super::*;
    use crate::notification::Mailbox;

    pub(crate) fn notification(expiration: Expiration) -> Arc<Notification> {
        Arc::new(Notification {
            apns_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".into(),
            push_type: PushType::Alert,
            priority: Priority::Ten,
            collapse_id: None,
            expiration,
            accepted_at: UnixMillis(1_795_313_045_067),
            payload: bytes::Bytes::from_static(b"{}"),
        })
    }

    fn durable(seq: u64) -> Waiting {
        Waiting {
            seq,
            notification: notification(Expiration::Default),
            uncommitted: Some(seq),
            reply: None,
            was_held: false,
        }
    }

    fn once(seq: u64) -> Waiting {
        let reply = ReplyTo { mailbox: Arc::new(Mailbox::default()), slot: 0 };
        Waiting {
            seq,
            notification: notification(Expiration::Once),
            uncommitted: None,
            reply: Some(reply),
            was_held: false,
        }
    }

    #[test]
    fn one_that_is_tried_once_waits_for_the_commit_before_it() {
        let (mut queue, mut freed) = (Queue::default(), Vec::new());
        queue.push(durable(1), &mut freed);
        queue.push(once(2), &mut freed);
        assert!(!queue.has_ready() && freed.is_empty());
        queue.commit(1, &mut freed);
        assert_eq!(freed.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [2]);
        assert_eq!([queue.pop_ready().map(|w| w.seq), queue.pop_ready().map(|w| w.seq)], [Some(1), Some(2)]);
    }

    #[test]
    fn one_that_is_tried_once_is_free_when_the_failed_one_before_it_goes() {
        let (mut queue, mut freed) = (Queue::default(), Vec::new());
        queue.push(durable(1), &mut freed);
        queue.push(once(2), &mut freed);
        assert_eq!(queue.remove(1, &mut freed).map(|w| w.seq), Some(1));
        assert_eq!(freed.len(), 1);
        assert!(queue.has_ready());
    }

    #[test]
    fn a_hint_takes_its_place_unless_a_newer_one_was_sent() {
        let (mut queue, mut freed) = (Queue::default(), Vec::new());
        queue.push(once(5), &mut freed);
        queue.push(durable(7), &mut freed);
        let hint = notification(Expiration::Default);
        assert_eq!(queue.arrive(6, Arc::clone(&hint), &mut freed), Arrival::Queued);
        assert_eq!(queue.arrive(6, Arc::clone(&hint), &mut freed), Arrival::Known);
        assert_eq!(queue.pop_ready().map(|w| w.seq), Some(5));
        queue.note_sent(5);
        assert_eq!(queue.arrive(4, Arc::clone(&hint), &mut freed), Arrival::Late);
        assert_eq!(queue.arrive(5, hint, &mut freed), Arrival::Known);
        assert_eq!(queue.pop_ready().map(|w| w.seq), Some(6));
        assert!(queue.pop_ready().is_none(), "7 is not committed");
    }

    #[test]
    fn a_window_of_256_and_as_many_acknowledged_before_are_remembered_for_their_receipts() {
        let mut queue = Queue::default();
        for seq in 1..=600 {
            queue.note_sent(seq);
        }
        assert!((89..=600).all(|seq| queue.was_sent(seq)));
        assert!(!queue.was_sent(88) && !queue.was_sent(601));
    }

    #[test]
    fn a_held_one_is_overtaken_known_and_put_back_to_its_place() {
        let (mut queue, mut freed) = (Queue::default(), Vec::new());
        for seq in 1..=3 {
            queue.push(Waiting { uncommitted: None, ..durable(seq) }, &mut freed);
        }
        let held = |seq| Held { seq, expires_at: UnixMillis(9), priority: Priority::Five };
        for seq in 1..=2 {
            assert_eq!(queue.pop_ready().map(|next| next.seq), Some(seq));
            assert_eq!(queue.hold(held(seq)), (seq == 2).then_some(1));
        }
        assert_eq!(queue.hold(held(1)), Some(1), "the newest stays");
        assert_eq!((queue.oldest_kept_up_to(9), queue.newest_kept(UnixMillis(0))), (Some(3), Some(3)));
        let row = || notification(Expiration::Default);
        assert_eq!(queue.arrive(2, row(), &mut freed), Arrival::Known);
        assert_eq!(queue.pop_ready().map(|next| next.seq), Some(3));
        assert_eq!((queue.newest_kept(UnixMillis(8)), queue.newest_kept(UnixMillis(9))), (Some(2), None));
        queue.note_sent(3);
        queue.push(durable(4), &mut freed);
        assert_eq!(queue.release(1, row(), &mut freed), 0, "it isn't held any more");
        assert_eq!(queue.release(2, row(), &mut freed), cost(&row()));
        assert_eq!(queue.release(2, row(), &mut freed), 0, "it was released");
        assert_eq!(queue.pop_ready().map(|next| next.seq), Some(2));
        queue.note_sent(2);
        assert!(queue.was_sent(2) && queue.was_sent(3) && !queue.has_ready());
        assert_eq!(queue.remove(4, &mut freed).map(|gone| gone.seq), Some(4));
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn too_much_waiting_gives_up_the_oldest_and_never_the_newest() {
        let (mut queue, mut freed) = (Queue::default(), Vec::new());
        let limits = Limits { notifications: 2, bytes: 1 << 20 };
        for seq in 1..=4 {
            queue.push(durable(seq), &mut freed);
        }
        assert_eq!(queue.surplus(limits, &mut freed).map(|w| w.seq), Some(1));
        assert_eq!(queue.surplus(limits, &mut freed).map(|w| w.seq), Some(2));
        assert!(queue.surplus(limits, &mut freed).is_none());
        let tight = Limits { notifications: 2, bytes: 0 };
        assert_eq!(queue.surplus(tight, &mut freed).map(|w| w.seq), Some(3));
        assert!(queue.surplus(tight, &mut freed).is_none());
        assert_eq!(queue.waiting.len(), 1);
    }
}
