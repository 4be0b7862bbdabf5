//! What one core holds of the hub: the devices connected to it, and the answers of the store it waits for. Decides for
//! each submission whether its device is here; plain data, driven by the [`Hub`](super::Hub) and by tests.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use homing_trace::UnixMillis;

use super::channels::{FanOut, Subscribers};
use super::effect::{Effect, Effects, Hint};
use super::queue::{Limits, Waiting, is_expired};
use super::session::{Farewell, Session};
use crate::broadcast::Broadcast;
use crate::notification::{Notification, Outcome, RegistrationKey, ReplyTo, Submission};
use crate::store::{Answer, Append, Appended, End, Place, StageEvent, StoreFull};

/// The part of the store that the hot path uses. None of it blocks.
pub(crate) trait Log {
    fn next_seq(&self) -> Result<u64, StoreFull>;
    fn append(&self, append: Append) -> Result<(), StoreFull>;
    fn end(&self, end: End) -> Result<(), StoreFull>;
    fn record(&self, event: StageEvent) -> Result<(), StoreFull>;
}

/// What the store must still be told.
#[derive(Debug)]
pub(crate) enum Unsaid {
    End(End),
    Event(StageEvent),
}

/// Facts that may wait for a full store before nothing more is let in.
const UNSAID: usize = 16_384;

/// One append whose commit is awaited.
#[derive(Debug)]
struct Pending {
    key: RegistrationKey,
    notification: Arc<Notification>,
    reply: ReplyTo,
    /// Its `seq`, when the hub gave it one.
    seq: Option<u64>,
    /// It was ended before its commit: nobody needs to look for its device again.
    ended: bool,
}

/// Appends answered in about the order they were asked.
#[derive(Debug, Default)]
struct Tickets {
    first: u64,
    pending: VecDeque<Option<Pending>>,
}

impl Tickets {
    fn next(&self) -> u64 {
        self.first + self.pending.len() as u64
    }

    fn put(&mut self, pending: Pending) {
        self.pending.push_back(Some(pending));
    }

    fn get_mut(&mut self, ticket: u64) -> Option<&mut Pending> {
        let place = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        self.pending.get_mut(place)?.as_mut()
    }

    fn take(&mut self, ticket: u64) -> Option<Pending> {
        let place = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        let taken = self.pending.get_mut(place)?.take();
        while matches!(self.pending.front(), Some(None)) {
            self.pending.pop_front();
            self.first += 1;
        }
        taken
    }
}

#[derive(Debug)]
pub(crate) struct Shard {
    core: usize,
    sessions: HashMap<u64, Session>,
    subscribers: Subscribers,
    fan_out: FanOut,
    tickets: Tickets,
    /// Facts about notifications that the store has let in; mostly empty.
    pub(crate) unsaid: VecDeque<Unsaid>,
    /// Empty between decisions; its lists are used again and again.
    pub(crate) effects: Effects,
    limits: Limits,
    /// What waits for all devices of this core, in bytes.
    waiting: isize,
    /// How much may.
    budget: isize,
}

impl Shard {
    pub(crate) fn new(core: usize, limits: Limits, budget: usize) -> Self {
        Self {
            core,
            sessions: HashMap::new(),
            subscribers: Subscribers::default(),
            fan_out: FanOut::default(),
            tickets: Tickets::default(),
            unsaid: VecDeque::new(),
            effects: Effects::default(),
            limits,
            waiting: 0,
            budget: isize::try_from(budget).unwrap_or(isize::MAX),
        }
    }

    /// Routes one admitted notification: to its registration's queue when that is connected here, else to the store.
    pub(crate) fn submit(&mut self, submission: Submission, log: &dyn Log, effects: &mut Effects) {
        let Submission { registration: key, notification, reply } = submission;
        if self.unsaid.len() > UNSAID {
            return effects.answer(reply, Outcome::Overloaded);
        }
        let notification = Arc::new(notification);
        let here = self.sessions.get(&key.device).and_then(|session| session.find(&key));
        // What has expired when it comes takes nobody's place, here or in the store.
        match here.filter(|_| !is_expired(&notification, notification.accepted_at)) {
            Some(slot) if notification.is_kept() => {
                self.queue_kept(slot, (key, notification, reply), log, effects)
            }
            Some(slot) => self.queue_once(slot, (key, notification, reply), log, effects),
            None => self.store_away(key, notification, reply, log, effects),
        }
        self.settle(effects);
    }

    fn queue_kept(
        &mut self,
        slot: u16,
        (key, notification, reply): (RegistrationKey, Arc<Notification>, ReplyTo),
        log: &dyn Log,
        effects: &mut Effects,
    ) {
        let limits = self.limits_now();
        let ticket = self.tickets.next();
        let Some(session) = self.sessions.get_mut(&key.device) else { return };
        let Some(registration_no) = session.registration(slot).map(|held| held.whose.registration_no) else {
            return;
        };
        let appended = log.next_seq().and_then(|seq| {
            let place = Place::Queued { registration: key, registration_no, seq };
            log.append(Append { core: self.core, ticket, place, notification: Arc::clone(&notification) })?;
            Ok(seq)
        });
        let Ok(seq) = appended else { return effects.answer(reply, Outcome::Overloaded) };
        let waiting = Waiting {
            seq,
            notification: Arc::clone(&notification),
            uncommitted: Some(ticket),
            reply: None,
            was_held: false,
        };
        self.tickets.put(Pending { key, notification, reply, seq: Some(seq), ended: false });
        session.enqueue(slot, waiting, limits, effects);
    }

    fn queue_once(
        &mut self,
        slot: u16,
        (key, notification, reply): (RegistrationKey, Arc<Notification>, ReplyTo),
        log: &dyn Log,
        effects: &mut Effects,
    ) {
        let limits = self.limits_now();
        let Some(session) = self.sessions.get_mut(&key.device) else { return };
        let Ok(seq) = log.next_seq() else { return effects.answer(reply, Outcome::Overloaded) };
        effects.push(Effect::Accepted { seq, key, notification: Arc::clone(&notification) });
        let waiting = Waiting { seq, notification, uncommitted: None, reply: Some(reply), was_held: false };
        session.enqueue(slot, waiting, limits, effects);
    }

    fn store_away(
        &mut self,
        key: RegistrationKey,
        notification: Arc<Notification>,
        reply: ReplyTo,
        log: &dyn Log,
        effects: &mut Effects,
    ) {
        let ticket = self.tickets.next();
        let place = Place::Away { registration: key };
        match log.append(Append { core: self.core, ticket, place, notification: Arc::clone(&notification) }) {
            Ok(()) => self.tickets.put(Pending { key, notification, reply, seq: None, ended: false }),
            Err(StoreFull) => effects.answer(reply, Outcome::Overloaded),
        }
    }

    /// The store has answered one append.
    pub(crate) fn answered(&mut self, answer: Answer, effects: &mut Effects) {
        let Some(pending) = self.tickets.take(answer.ticket) else { return };
        match answer.result {
            Appended::Stored { seq, replaced } => self.stored(pending, seq, replaced, effects),
            Appended::Over { seq } => effects.answer(pending.reply, Outcome::Accepted { seq }),
            Appended::Unregistered { since } => {
                self.failed(pending, Outcome::Unregistered { since }, effects)
            }
            Appended::NeverRegistered => self.failed(pending, Outcome::NeverRegistered, effects),
            Appended::Failed => self.failed(pending, Outcome::Failed, effects),
        }
        self.settle(effects);
    }

    fn stored(&mut self, pending: Pending, seq: u64, replaced: Option<u64>, effects: &mut Effects) {
        let Pending { key, notification, reply, seq: given, ended } = pending;
        if ended {
            return effects.answer(reply, Outcome::Accepted { seq });
        }
        if given.is_some()
            && let Some(session) = self.sessions.get_mut(&key.device)
            && let Some(slot) = session.find(&key)
            && session.waits(slot, seq)
        {
            session.commit(slot, seq, effects);
            return effects.answer(reply, Outcome::Accepted { seq });
        }
        // Stored while its device was away, or its connection has gone since.
        effects.push(Effect::LookAgain(Hint { key, seq, notification, replaced, reply: Some(reply) }));
    }

    fn failed(&mut self, pending: Pending, outcome: Outcome, effects: &mut Effects) {
        if let Some(seq) = pending.seq
            && let Some(session) = self.sessions.get_mut(&pending.key.device)
            && let Some(slot) = session.find(&pending.key)
        {
            session.retract(slot, seq, effects);
        }
        effects.answer(pending.reply, outcome);
    }

    /// A notification that was committed while its device seemed away; it may be here now.
    pub(crate) fn hint(&mut self, mut hint: Hint, effects: &mut Effects) {
        match self.sessions.get_mut(&hint.key.device) {
            Some(session) => session.hint(hint, effects),
            None => effects.freed.extend(hint.reply.take().map(|reply| (reply, hint.seq))),
        }
        self.settle(effects);
    }

    /// A device has come; what an older connection of it held here leaves first.
    pub(crate) fn connect(&mut self, device: u64, session: Session, now: UnixMillis, effects: &mut Effects) {
        if let Some(old) = self.sessions.insert(device, session) {
            self.unsubscribe_channels(device, &old);
            dismiss(old, Some(Farewell::TakenOver), now, effects);
        }
        self.settle(effects);
    }

    /// The connection of `epoch` ends, if it hasn't yet. Answers whether it was still there.
    pub(crate) fn leave(
        &mut self,
        (device, epoch): (u64, u64),
        farewell: Option<Farewell>,
        now: UnixMillis,
        effects: &mut Effects,
    ) -> bool {
        if self.sessions.get(&device).is_none_or(|session| session.epoch != epoch) {
            return false;
        }
        if let Some(session) = self.sessions.remove(&device) {
            self.unsubscribe_channels(device, &session);
            dismiss(session, farewell, now, effects);
        }
        self.settle(effects);
        true
    }

    /// Runs `work` on the connection of `epoch`; `None` when it has been taken over or sent away.
    pub(crate) fn with_session<T>(
        &mut self,
        device: u64,
        epoch: u64,
        effects: &mut Effects,
        work: impl FnOnce(&mut Session, &mut Effects) -> T,
    ) -> Option<T> {
        let session = self.sessions.get_mut(&device).filter(|session| session.epoch == epoch)?;
        let done = work(session, effects);
        self.settle(effects);
        Some(done)
    }

    fn unsubscribe_channels(&mut self, device: u64, session: &Session) {
        session.channels.nos().for_each(|channel_no| self.subscribers.remove(channel_no, device));
    }

    /// Subscribes the connection of `epoch` to a channel, as far as it may have one more.
    pub(crate) fn subscribe_channel(&mut self, whose: (u64, u64), channel_no: u32, filter: &str) -> bool {
        let (device, epoch) = whose;
        let session = self.sessions.get_mut(&device).filter(|session| session.epoch == epoch);
        let is_in = session.is_some_and(|session| session.channels.add(channel_no, filter));
        if is_in {
            self.subscribers.add(channel_no, device);
        }
        is_in
    }

    /// Whether the connection of `epoch` had subscribed to the channel.
    pub(crate) fn unsubscribe_channel(&mut self, (device, epoch): (u64, u64), filter: &str) -> bool {
        let session = self.sessions.get_mut(&device).filter(|session| session.epoch == epoch);
        let removed = session.and_then(|session| session.channels.remove(filter));
        removed.inspect(|channel_no| self.subscribers.remove(*channel_no, device)).is_some()
    }

    pub(crate) fn broadcast(&mut self, broadcast: Arc<Broadcast>) {
        self.fan_out.put(broadcast);
    }

    /// Gives what is to be broadcast to some of its receivers; `false` when there is nothing more to give.
    pub(crate) fn fan_out(&mut self, effects: &mut Effects) -> bool {
        let Some((broadcast, devices)) = self.fan_out.next(&self.subscribers) else { return false };
        for device in devices {
            if let Some(session) = self.sessions.get_mut(&device) {
                session.arrive_broadcast(&broadcast, effects);
            }
        }
        !self.fan_out.is_empty()
    }

    /// Every connection of this core, for the end of the gateway.
    pub(crate) fn connected(&self) -> Vec<(u64, u64)> {
        self.sessions.iter().map(|(device, session)| (*device, session.epoch)).collect()
    }

    /// Whether something is on its way to a device.
    pub(crate) fn is_delivering(&self) -> bool {
        self.sessions.values().any(Session::is_delivering)
    }

    fn limits_now(&self) -> Limits {
        if self.waiting <= self.budget {
            return self.limits;
        }
        // As if the device were away: the newest only.
        Limits { notifications: 1, bytes: 0 }
    }

    fn settle(&mut self, effects: &mut Effects) {
        for ticket in effects.ended_tickets.drain(..) {
            if let Some(pending) = self.tickets.get_mut(ticket) {
                pending.ended = true;
            }
        }
        self.waiting += std::mem::take(&mut effects.growth);
        effects.settle();
    }
}

fn dismiss(mut session: Session, farewell: Option<Farewell>, now: UnixMillis, effects: &mut Effects) {
    if let Some(farewell) = farewell {
        session.parting.say(farewell);
    }
    session.wake(effects);
    session.leave(now, effects);
}
