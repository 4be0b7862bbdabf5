//! What waits for one connected registration, in order of `seq`. Decides what may be sent next, what gives way when too
//! much waits, and where a late arrival belongs; who is told is left to the [session](super::session), and so is when one
//! is held because its device saves power.

use std::collections::VecDeque;
use std::sync::Arc;

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
    pub(crate) hold: Hold,
}

/// Whether one has to do with its device saving power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hold {
    #[default]
    Never,
    /// It is held now.
    Now,
    /// It was held, and that has been said.
    Before,
}

impl Waiting {
    /// What is held counts for nothing: there is one for each registration at most, it may stay for days, and must not
    /// make what waits for other devices give way.
    pub(crate) fn cost(&self) -> usize {
        match self.hold {
            Hold::Now => 0,
            Hold::Never | Hold::Before => cost(&self.notification),
        }
    }
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
    /// The one that is stored until its device stops saving power. It is committed, and newer ones may overtake it.
    held: Option<Box<Waiting>>,
}

impl Queue {
    pub(crate) fn oldest_kept_up_to(&self, newest: u64) -> Option<u64> {
        let kept = self.waiting.iter().find(|waiting| waiting.notification.is_kept()).map(|kept| kept.seq);
        let held = self.held.as_ref().map(|held| held.seq);
        kept.into_iter().chain(held).min().filter(|oldest| *oldest <= newest)
    }

    /// The newest of those that are kept and whose time isn't over.
    pub(crate) fn newest_kept(&self, now: UnixMillis) -> Option<u64> {
        let is_kept = |waiting: &&Waiting| waiting.notification.expires_at().is_some_and(|at| at > now);
        let kept = self.waiting.iter().rev().find(is_kept);
        kept.map(|kept| kept.seq).max(self.held.as_deref().filter(is_kept).map(|held| held.seq))
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
        if self.was_sent(seq) || self.holds(seq) {
            return Arrival::Known;
        }
        if seq <= self.newest_sent.max(self.newest_stored) {
            return Arrival::Late;
        }
        self.newest_stored = seq;
        let waiting = Waiting { seq, notification, uncommitted: None, reply: None, hold: Hold::Never };
        self.bytes += waiting.cost();
        self.waiting.insert(place, waiting);
        if place < self.ready {
            self.ready += 1;
        }
        self.advance(freed);
        Arrival::Queued
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
        if self.holds(seq) {
            return self.held.take().map(|held| *held);
        }
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

    /// Keeps one that was ready until [`Queue::release`]. There is room for one, the newest: answers the other.
    pub(crate) fn hold(&mut self, mut waiting: Waiting) -> Option<Waiting> {
        if self.held.as_ref().is_some_and(|held| held.seq > waiting.seq) {
            return Some(waiting);
        }
        waiting.hold = Hold::Now;
        self.held.replace(Box::new(waiting)).map(|older| *older)
    }

    pub(crate) fn held(&self) -> Option<&Waiting> {
        self.held.as_deref()
    }

    /// Puts the held one back to where it belongs; answers what it costs there.
    pub(crate) fn release(&mut self, freed: &mut Vec<(ReplyTo, u64)>) -> usize {
        let Some(mut held) = self.held.take() else { return 0 };
        let Err(place) = self.position(held.seq) else { return 0 };
        held.hold = Hold::Before;
        let cost = held.cost();
        self.bytes += cost;
        self.waiting.insert(place, *held);
        if place < self.ready {
            self.ready += 1;
        }
        self.advance(freed);
        cost
    }

    fn holds(&self, seq: u64) -> bool {
        self.held.as_ref().is_some_and(|held| held.seq == seq)
    }

    pub(crate) fn was_sent(&self, seq: u64) -> bool {
        self.recently_sent.binary_search(&seq).is_ok()
    }

    /// Everything that waits; the queue is empty afterwards.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Waiting> + '_ {
        self.ready = 0;
        self.bytes = 0;
        self.held.take().map(|held| *held).into_iter().chain(self.waiting.drain(..))
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
    use homing_apns::{Expiration, Priority, PushType};

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
            hold: Hold::Never,
        }
    }

    fn once(seq: u64) -> Waiting {
        let reply = ReplyTo { mailbox: Arc::new(Mailbox::default()), slot: 0 };
        Waiting {
            seq,
            notification: notification(Expiration::Once),
            uncommitted: None,
            reply: Some(reply),
            hold: Hold::Never,
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
        for seq in 1..=2 {
            let next = queue.pop_ready().expect("committed");
            assert_eq!(queue.hold(next).map(|older| older.seq), (seq == 2).then_some(1));
        }
        let late = Waiting { uncommitted: None, ..durable(1) };
        assert_eq!(queue.hold(late).map(|older| older.seq), Some(1), "the newest stays");
        assert_eq!((queue.oldest_kept_up_to(9), queue.newest_kept(UnixMillis(0))), (Some(2), Some(3)));
        assert_eq!(queue.arrive(2, notification(Expiration::Default), &mut freed), Arrival::Known);
        assert_eq!(queue.pop_ready().map(|next| next.seq), Some(3));
        queue.note_sent(3);
        queue.push(durable(4), &mut freed);
        queue.release(&mut freed);
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
