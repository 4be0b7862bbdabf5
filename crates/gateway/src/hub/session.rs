//! One connected device: its registrations' queues, the window they share, and whose turn it is. Decides what is sent
//! next and how each notification ends; packets and sockets are left to the device port.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use homing_trace::{Environment, Reason, Stage, UnixMillis};

use super::channels::ConnectionChannels;
use super::effect::{Effect, Effects, Hint, Whose};
pub(crate) use super::parting::{Farewell, Parting};
use super::queue::{Arrival, Limits, Queue, Waiting, cost};
use super::registration::{Expected, Next, Registration, away, give_up, signed};
pub(crate) use super::registration::{Fit, Name, Now, Outgoing};
use super::window::{InFlight, Sent, Window};
use crate::broadcast::Broadcast;
use crate::notification::{Notification, RegistrationKey};

mod power;

/// How long a device may leave a PUBLISH unacknowledged.
pub(crate) const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(20);

/// Registrations one connection may hold.
pub(crate) const MAX_REGISTRATIONS: usize = 256;

/// A registration as the store knows it, ready to be served on this connection.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) name: Name,
    pub(crate) whose: Whose,
    pub(crate) token: [u8; 32],
    pub(crate) newest: Option<(u64, Arc<Notification>)>,
    /// `Some` when it has been silent before: how long it must wait now.
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) epoch: u64,
    pub(crate) parting: Arc<Parting>,
    registrations: Vec<Option<Registration>>,
    expected: Vec<Expected>,
    window: Window,
    turns: VecDeque<u16>,
    pub(super) channels: ConnectionChannels,
    /// How many registrations wait for their `not_before`.
    paused: usize,
    /// The device says that it saves power.
    saves_power: bool,
    waker: Option<Waker>,
}

impl Session {
    pub(crate) fn new(epoch: u64, receive_maximum: u16, parting: Arc<Parting>) -> Self {
        Self {
            epoch,
            parting,
            registrations: Vec::new(),
            expected: Vec::new(),
            window: Window::new(receive_maximum),
            turns: VecDeque::new(),
            channels: ConnectionChannels::default(),
            paused: 0,
            saves_power: false,
            waker: None,
        }
    }

    pub(crate) fn find(&self, key: &RegistrationKey) -> Option<u16> {
        let held = |held: &Option<Registration>| held.as_ref().is_some_and(|held| held.whose.key == *key);
        self.registrations.iter().position(held).and_then(|slot| u16::try_from(slot).ok())
    }

    pub(crate) fn find_name(
        &self,
        environment: Environment,
        topic_no: u32,
        instance: Option<&str>,
    ) -> Option<u16> {
        let held = |held: &Option<Registration>| {
            held.as_ref().is_some_and(|held| {
                let name = &held.name;
                (name.environment, name.topic_no, name.instance.as_deref())
                    == (environment, topic_no, instance)
            })
        };
        self.registrations.iter().position(held).and_then(|slot| u16::try_from(slot).ok())
    }

    pub(crate) fn registration(&self, slot: u16) -> Option<&Registration> {
        self.registrations.get(usize::from(slot))?.as_ref()
    }

    fn registration_mut(&mut self, slot: u16) -> Option<&mut Registration> {
        self.registrations.get_mut(usize::from(slot))?.as_mut()
    }

    pub(crate) fn registered(&self) -> usize {
        self.registrations.iter().flatten().count() + self.expected.len()
    }

    /// Whom to wake when there is something to do.
    pub(crate) fn set_waker(&mut self, waker: &Waker) {
        if self.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    pub(crate) fn wake(&mut self, effects: &mut Effects) {
        effects.list.extend(self.waker.take().map(Effect::Wake));
    }

    /// Puts one into its registration's queue; what is too much gives way.
    pub(crate) fn enqueue(&mut self, slot: u16, waiting: Waiting, limits: Limits, effects: &mut Effects) {
        let Some(registration) = self.registration_mut(slot) else { return };
        effects.growth += signed(waiting.cost());
        registration.queue.push(waiting, &mut effects.freed);
        while let Some(oldest) = registration.queue.surplus(limits, &mut effects.freed) {
            let why = away(oldest.notification.is_kept());
            give_up(oldest, registration.whose, why, effects);
        }
        self.take_turn(slot, effects);
    }

    pub(crate) fn waits(&self, slot: u16, seq: u64) -> bool {
        self.registration(slot).is_some_and(|registration| registration.queue.waits(seq))
    }

    pub(crate) fn commit(&mut self, slot: u16, seq: u64, effects: &mut Effects) {
        if let Some(registration) = self.registration_mut(slot) {
            registration.queue.commit(seq, &mut effects.freed);
            self.take_turn(slot, effects);
        }
    }

    /// The append of `seq` failed: it never was.
    pub(crate) fn retract(&mut self, slot: u16, seq: u64, effects: &mut Effects) {
        if let Some(registration) = self.registration_mut(slot)
            && let Some(gone) = registration.queue.remove(seq, &mut effects.freed)
        {
            effects.growth -= signed(gone.cost());
            self.take_turn(slot, effects);
        }
    }

    /// Takes a hint in, or keeps it until the SUBSCRIBE it belongs to is through. A hint for what isn't subscribed here
    /// is dropped: whoever subscribes later reads its row.
    pub(crate) fn hint(&mut self, mut hint: Hint, effects: &mut Effects) {
        effects.freed.extend(hint.reply.take().map(|reply| (reply, hint.seq)));
        if let Some(slot) = self.find(&hint.key) {
            return self.arrive(slot, hint, effects);
        }
        for expected in &mut self.expected {
            if (expected.environment, expected.topic_no) == (hint.key.environment, hint.key.topic_no) {
                let again = Hint { notification: Arc::clone(&hint.notification), reply: None, ..hint };
                expected.hold(again);
            }
        }
    }

    fn arrive(&mut self, slot: u16, hint: Hint, effects: &mut Effects) {
        let in_flight = self.window.has_seq(slot, hint.seq);
        let Some(registration) = self.registration_mut(slot) else { return };
        if let Some(held) = registration.queue.held()
            && hint.replaced.is_some_and(|newest| held.seq <= newest)
        {
            registration.queue.let_go_of_held();
            effects.end(held.seq, registration.whose, true, (Stage::Replaced, None));
        }
        while let Some(seq) = hint.replaced.and_then(|newest| registration.queue.oldest_kept_up_to(newest))
            && let Some(gone) = registration.queue.remove(seq, &mut effects.freed)
        {
            give_up(gone, registration.whose, (Stage::Replaced, None), effects);
        }
        if in_flight {
            return;
        }
        let bytes = signed(cost(&hint.notification));
        match registration.queue.arrive(hint.seq, Arc::clone(&hint.notification), &mut effects.freed) {
            Arrival::Queued => {
                effects.growth += bytes;
                self.take_turn(slot, effects);
            }
            Arrival::Known => {}
            Arrival::Late => {
                effects.end(hint.seq, registration.whose, true, (Stage::Replaced, None));
            }
        }
    }

    /// A SUBSCRIBE has begun: from here on no hint for its topic is lost.
    pub(crate) fn expect(&mut self, environment: Environment, topic_no: u32) {
        self.expected.push(Expected { environment, topic_no, held: Vec::new() });
    }

    /// The SUBSCRIBE of this topic came to nothing.
    pub(crate) fn expect_no_more(&mut self, environment: Environment, topic_no: u32) -> Vec<Hint> {
        let place = self.expected.iter().position(|e| (e.environment, e.topic_no) == (environment, topic_no));
        place.map(|place| self.expected.swap_remove(place).held).unwrap_or_default()
    }

    /// The registration is committed and its row read: serve it, token first.
    pub(crate) fn subscribe(&mut self, subscription: Subscription, now: Now, effects: &mut Effects) {
        let Subscription { name, whose, token, newest, wait } = subscription;
        let held = self.expect_no_more(name.environment, name.topic_no);
        if let Some(old) = self.find_name(name.environment, name.topic_no, name.instance.as_deref())
            && self.registration(old).is_some_and(|old| old.whose.key != whose.key)
        {
            self.unsubscribe(old, effects);
        }
        let slot = match self.find(&whose.key) {
            Some(slot) => slot,
            None => self.open_slot(Registration {
                name,
                whose,
                queue: Queue::default(),
                token: None,
                not_before: wait.filter(|wait| !wait.is_zero()).map(|wait| now.mono + wait),
                was_silent: wait.is_some(),
                listed: false,
            }),
        };
        if let Some(registration) = self.registration_mut(slot) {
            registration.token = Some(Box::new(token));
        }
        let newest = newest.map(|(seq, notification)| Hint {
            key: whose.key,
            seq,
            notification,
            replaced: None,
            reply: None,
        });
        let mut stored: Vec<Hint> =
            newest.into_iter().chain(held.into_iter().filter(|hint| hint.key == whose.key)).collect();
        stored.sort_by_key(|hint| hint.seq);
        for hint in stored {
            self.arrive(slot, hint, effects);
        }
        self.take_turn(slot, effects);
    }

    /// Says the token of a registration that this connection holds once more.
    pub(crate) fn say_token_again(&mut self, slot: u16, token: [u8; 32], effects: &mut Effects) {
        if let Some(registration) = self.registration_mut(slot) {
            registration.token = Some(Box::new(token));
            self.take_turn(slot, effects);
        }
    }

    fn open_slot(&mut self, registration: Registration) -> u16 {
        self.paused += usize::from(registration.not_before.is_some());
        let place = self.registrations.iter().position(Option::is_none).unwrap_or_else(|| {
            self.registrations.push(None);
            self.registrations.len() - 1
        });
        self.registrations[place] = Some(registration);
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The registration has ended: what it still had is `discarded: unregistered`.
    pub(crate) fn unsubscribe(&mut self, slot: u16, effects: &mut Effects) {
        let Some(mut ended) = self.registrations.get_mut(usize::from(slot)).and_then(Option::take) else {
            return;
        };
        self.paused -= usize::from(ended.not_before.is_some());
        self.turns.retain(|turn| *turn != slot);
        if ended.was_silent {
            effects.push(Effect::SilenceOver(ended.whose.key));
        }
        let why = (Stage::Discarded, Some(Reason::UNREGISTERED));
        for in_flight in self.window.iter_mut() {
            if let Sent::Notification { slot: its_slot, seq, kept_until } = in_flight.sent
                && its_slot == slot
            {
                effects.end(seq, ended.whose, kept_until.is_some(), why.clone());
                in_flight.sent = Sent::Orphan;
            }
        }
        for waiting in ended.queue.drain() {
            give_up(waiting, ended.whose, why.clone(), effects);
        }
        if let Some(held) = ended.queue.let_go_of_held() {
            effects.end(held.seq, ended.whose, true, why);
        }
    }

    /// Lets `write` have what may be sent, registration by registration in turn, until it or the window is full.
    pub(crate) fn pump(
        &mut self,
        now: Now,
        effects: &mut Effects,
        write: &mut dyn FnMut(&Outgoing<'_>) -> Fit,
    ) {
        self.unpause(now);
        while !self.window.is_full()
            && let Some(slot) = self.turns.pop_front()
        {
            let packet_id = self.window.free_id();
            let Some(registration) = self.registrations.get_mut(usize::from(slot)).and_then(Option::as_mut)
            else {
                continue;
            };
            let sent = registration.send_next(packet_id, (now, self.saves_power), effects, write);
            if registration.can_send() {
                self.turns.push_back(slot);
            } else {
                registration.listed = false;
                registration.queue.rest();
            }
            let Some((sent, fit)) = sent else { continue };
            let sent = match sent {
                Next::Token => Sent::Token,
                Next::Notification { seq, kept_until } => Sent::Notification { slot, seq, kept_until },
            };
            self.window.push(InFlight { packet_id, sent_at: now.mono, sent });
            if fit == Fit::WrittenAndFull || self.pump_broadcast(now, write) == Some(Fit::WrittenAndFull) {
                return;
            }
        }
        while !self.window.is_full() && self.channels.has_turn() {
            if self.pump_broadcast(now, write) == Some(Fit::WrittenAndFull) {
                return;
            }
        }
    }

    /// Writes the next broadcast, if there is one and room for it; one that is too large for the client is let go.
    fn pump_broadcast(&mut self, now: Now, write: &mut dyn FnMut(&Outgoing<'_>) -> Fit) -> Option<Fit> {
        if self.window.is_full() {
            return None;
        }
        let broadcast = self.channels.next()?;
        let packet_id = self.window.free_id();
        let fit = write(&Outgoing::Broadcast { packet_id, broadcast: &broadcast });
        if fit != Fit::TooLarge {
            broadcast.tally.sent(now.wall);
            self.window.push(InFlight { packet_id, sent_at: now.mono, sent: Sent::Broadcast(broadcast) });
        }
        Some(fit)
    }

    /// Takes a broadcast in, if its channel is subscribed here.
    pub(super) fn arrive_broadcast(&mut self, broadcast: &Arc<Broadcast>, effects: &mut Effects) {
        self.channels.arrive(broadcast);
        if self.channels.has_turn() && !self.window.is_full() {
            self.wake(effects);
        }
    }

    /// A PUBACK; `refused` when its reason code says so.
    pub(crate) fn acknowledge(&mut self, packet_id: u16, refused: bool, effects: &mut Effects) {
        let (slot, seq, is_kept) = match self.window.take(packet_id).map(|in_flight| in_flight.sent) {
            Some(Sent::Notification { slot, seq, kept_until }) => (slot, seq, kept_until.is_some()),
            Some(Sent::Broadcast(broadcast)) => return broadcast.tally.acknowledged(refused),
            Some(Sent::Token | Sent::Orphan) | None => return,
        };
        let Some(registration) = self.registration_mut(slot) else { return };
        if std::mem::take(&mut registration.was_silent) {
            effects.push(Effect::SilenceOver(registration.whose.key));
        }
        let how = if refused {
            (Stage::Discarded, Some(Reason::REFUSED_BY_DEVICE))
        } else {
            (Stage::Acknowledged, None)
        };
        effects.end(seq, registration.whose, is_kept, how);
    }

    /// The registration of this topic to which `seq` was sent on this connection, as far as it is remembered.
    pub(crate) fn sent_to(
        &self,
        environment: Environment,
        topic_no: u32,
        seq: u64,
    ) -> Option<RegistrationKey> {
        let of_topic =
            |held: &&Registration| (held.name.environment, held.name.topic_no) == (environment, topic_no);
        let sent = self.registrations.iter().flatten().filter(of_topic).find(|held| held.queue.was_sent(seq));
        sent.map(|held| held.whose.key)
    }

    /// Whether a registration has a turn, or may get one by the passing of time.
    pub(crate) fn has_turns(&self) -> bool {
        !self.turns.is_empty() || self.paused > 0 || self.channels.has_turn()
    }

    /// Whether something is on its way to the device, or going to be at once.
    pub(crate) fn is_delivering(&self) -> bool {
        !self.turns.is_empty() || self.window.oldest_sent_at().is_some()
    }

    /// When the oldest unacknowledged packet becomes too old.
    pub(crate) fn silent_at(&self) -> Option<Instant> {
        self.window.oldest_sent_at().map(|at| at + ACKNOWLEDGE_WITHIN)
    }

    /// The registrations that have left a notification unacknowledged for too long.
    pub(crate) fn silent(&self, now: Now) -> Vec<RegistrationKey> {
        let mut keys: Vec<_> = self
            .window
            .iter()
            .filter(|in_flight| in_flight.sent_at + ACKNOWLEDGE_WITHIN <= now.mono)
            .filter_map(|in_flight| match &in_flight.sent {
                Sent::Notification { slot, .. } => {
                    self.registration(*slot).map(|registration| registration.whose.key)
                }
                Sent::Token | Sent::Broadcast(_) | Sent::Orphan => None,
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// When a paused registration may send again.
    pub(crate) fn next_unpause(&self) -> Option<Instant> {
        if self.paused == 0 {
            return None;
        }
        self.registrations.iter().flatten().filter_map(|registration| registration.not_before).min()
    }

    /// The device is away. Of each registration the newest kept notification whose time isn't over stays stored, the others
    /// are replaced, and those tried once have been tried.
    pub(crate) fn leave(mut self, now: UnixMillis, effects: &mut Effects) {
        let mut newest = vec![0; self.registrations.len()];
        for in_flight in self.window.iter() {
            if let Sent::Notification { slot, seq, kept_until: Some(until) } = in_flight.sent
                && until > now
            {
                newest[usize::from(slot)] = seq.max(newest[usize::from(slot)]);
            }
        }
        for (newest, registration) in newest.iter_mut().zip(&self.registrations) {
            let kept = registration.as_ref().and_then(|registration| registration.queue.newest_kept(now));
            *newest = kept.unwrap_or(0).max(*newest);
        }
        for in_flight in self.window.drain() {
            if let Sent::Notification { slot, seq, kept_until } = in_flight.sent
                && let Some(Some(registration)) = self.registrations.get(usize::from(slot))
                && !(kept_until.is_some() && seq == newest[usize::from(slot)])
            {
                let is_kept = kept_until.is_some();
                effects.end(seq, registration.whose, is_kept, away(is_kept));
            }
        }
        for (newest, registration) in newest.iter().zip(self.registrations.iter_mut()) {
            let Some(registration) = registration else { continue };
            if let Some(held) = registration.queue.let_go_of_held()
                && held.seq != *newest
            {
                effects.end(held.seq, registration.whose, true, away(true));
            }
            for waiting in registration.queue.drain() {
                let is_kept = waiting.notification.is_kept();
                if is_kept && waiting.seq == *newest {
                    effects.growth -= signed(waiting.cost());
                } else {
                    give_up(waiting, registration.whose, away(is_kept), effects);
                }
            }
        }
    }

    fn take_turn(&mut self, slot: u16, effects: &mut Effects) {
        let Some(registration) = self.registration_mut(slot) else { return };
        if !registration.listed && registration.can_send() {
            registration.listed = true;
            self.turns.push_back(slot);
            if !self.window.is_full() {
                self.wake(effects);
            }
        }
    }

    fn unpause(&mut self, now: Now) {
        if self.paused == 0 {
            return;
        }
        for (slot, registration) in self.registrations.iter_mut().enumerate() {
            let Some(registration) = registration else { continue };
            if registration.not_before.is_some_and(|at| at <= now.mono) {
                registration.not_before = None;
                self.paused -= 1;
                if !registration.listed && registration.can_send() {
                    registration.listed = true;
                    self.turns.extend(u16::try_from(slot));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use homing_apns::Expiration;

    use super::super::queue::tests::notification;
    use super::*;

    #[test]
    fn a_notification_unacknowledged_for_20_s_is_a_silence_of_its_registration() {
        let key =
            RegistrationKey { device: 7, environment: Environment::Development, topic_no: 3, generation: 1 };
        let name = Name {
            environment: key.environment,
            topic_no: 3,
            topic: "com.example.news".into(),
            instance: None,
        };
        let whose = Whose { key, registration_no: 1 };
        let newest = Some((5, notification(Expiration::At(i64::MAX / 1000))));
        let wait = Some(Duration::from_secs(2));
        let (mut session, mut effects) = (Session::new(1, 8, Arc::default()), Effects::default());
        let began = Now { wall: homing_trace::UnixMillis(0), mono: Instant::now() };
        session.subscribe(Subscription { name, whose, token: [0; 32], newest, wait }, began, &mut effects);
        let mut written = 0;
        let mut pump = |session: &mut Session, now| {
            session.pump(now, &mut Effects::default(), &mut |_| {
                written += 1;
                Fit::Written
            });
            written
        };
        assert_eq!(pump(&mut session, began), 1, "the token; it has been silent before and the rest waits");
        let sent = Now { mono: began.mono + Duration::from_secs(2), ..began };
        assert_eq!(session.next_unpause(), Some(sent.mono));
        session.acknowledge(1, false, &mut effects);
        assert_eq!(pump(&mut session, sent), 2, "the notification");
        assert_eq!(session.silent_at(), Some(sent.mono + ACKNOWLEDGE_WITHIN));
        assert!(session.silent(sent).is_empty());
        let late = Now { mono: sent.mono + ACKNOWLEDGE_WITHIN, ..sent };
        assert_eq!(session.silent(late), [key]);
        session.acknowledge(2, false, &mut effects);
        assert!(
            effects.list.iter().any(|effect| matches!(effect, Effect::SilenceOver(over) if *over == key))
        );
    }

    #[test]
    fn a_silence_is_forgotten_with_its_registration() {
        let key =
            RegistrationKey { device: 7, environment: Environment::Development, topic_no: 3, generation: 1 };
        let name = Name {
            environment: key.environment,
            topic_no: 3,
            topic: "com.example.news".into(),
            instance: None,
        };
        let whose = Whose { key, registration_no: 1 };
        let wait = Some(Duration::from_secs(2));
        let (mut session, mut effects) = (Session::new(1, 8, Arc::default()), Effects::default());
        let now = Now { wall: homing_trace::UnixMillis(0), mono: Instant::now() };
        let subscription = Subscription { name, whose, token: [0; 32], newest: None, wait };
        session.subscribe(subscription, now, &mut effects);
        session.unsubscribe(0, &mut effects);
        assert!(
            effects.list.iter().any(|effect| matches!(effect, Effect::SilenceOver(over) if *over == key))
        );
    }
}
