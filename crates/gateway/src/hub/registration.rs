//! One registration on one connection: its queue, its token, and what of it goes out next. Whose turn it is among the
//! device's registrations is left to the [session](super::session).

use std::sync::Arc;
use std::time::Instant;

use homing_apns::Priority;
use homing_trace::{Environment, Reason, Stage, UnixMillis};

use super::effect::{Effect, Effects, Hint, Whose};
use super::queue::{Held, Queue, Waiting, cost};
use crate::broadcast::Broadcast;
use crate::notification::Notification;

/// Time on both clocks: the wall clock expires notifications, the monotonic one measures silence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall: UnixMillis,
    pub(crate) mono: Instant,
}

/// What a registration is called on the device link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) environment: Environment,
    pub(crate) topic_no: u32,
    pub(crate) topic: Arc<str>,
    pub(crate) instance: Option<Box<str>>,
}

/// What the device port shall write next.
#[derive(Debug)]
pub(crate) enum Outgoing<'a> {
    Token { packet_id: u16, name: &'a Name, token: &'a [u8; 32] },
    Notification { packet_id: u16, name: &'a Name, seq: u64, notification: &'a Notification },
    Broadcast { packet_id: u16, broadcast: &'a Broadcast },
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Written,
    /// Written, and no more for now.
    WrittenAndFull,
    /// Larger than the client's Maximum Packet Size.
    TooLarge,
}

#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) name: Name,
    pub(crate) whose: Whose,
    pub(super) queue: Queue,
    pub(super) token: Option<Box<[u8; 32]>>,
    /// Nothing is sent before this moment, since it has been silent.
    pub(super) not_before: Option<Instant>,
    pub(super) was_silent: bool,
    /// It stands among those whose turn comes.
    pub(super) listed: bool,
}

/// A SUBSCRIBE whose commit is awaited: hints that come meanwhile wait here.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) environment: Environment,
    pub(super) topic_no: u32,
    pub(super) held: Vec<Hint>,
}

/// What was written.
pub(super) enum Next {
    Token,
    Notification { seq: u64, kept_until: Option<UnixMillis> },
}

impl Registration {
    /// A token doesn't wait for the end of a silence: only what wasn't acknowledged does, and what comes after it.
    pub(super) fn can_send(&self) -> bool {
        self.token.is_some() || (self.not_before.is_none() && self.queue.has_ready())
    }

    /// Writes the next packet of this registration, passing over what has expired or is too large.
    pub(super) fn send_next(
        &mut self,
        packet_id: u16,
        (now, saves_power): (Now, bool),
        effects: &mut Effects,
        write: &mut dyn FnMut(&Outgoing<'_>) -> Fit,
    ) -> Option<(Next, Fit)> {
        if let Some(token) = self.token.take() {
            let fit = write(&Outgoing::Token { packet_id, name: &self.name, token: &token });
            return (fit != Fit::TooLarge).then_some((Next::Token, fit));
        }
        if self.not_before.is_some() {
            return None;
        }
        while let Some(waiting) = self.queue.pop_ready() {
            if saves_power && waits_for_power(&waiting.notification) {
                self.hold(waiting, now, effects);
                continue;
            }
            let Waiting { seq, notification, .. } = waiting;
            effects.growth -= signed(cost(&notification));
            let kept_until = notification.expires_at();
            if kept_until.is_some_and(|until| until <= now.wall) {
                effects.end(seq, self.whose, true, (Stage::Expired, None));
                continue;
            }
            match write(&Outgoing::Notification {
                packet_id,
                name: &self.name,
                seq,
                notification: &notification,
            }) {
                Fit::TooLarge => {
                    effects.end(
                        seq,
                        self.whose,
                        kept_until.is_some(),
                        (Stage::Discarded, Some(Reason::TOO_LARGE_FOR_DEVICE)),
                    );
                }
                fit @ (Fit::Written | Fit::WrittenAndFull) => {
                    self.queue.note_sent(seq);
                    effects.push(Effect::Reached {
                        seq,
                        key: self.whose.key,
                        stage: Stage::Sent,
                        reason: None,
                    });
                    return Some((Next::Notification { seq, kept_until }, fit));
                }
            }
        }
        None
    }

    /// Its device saves power: it is stored, and an older one that was is replaced; one that is tried once has been tried.
    fn hold(&mut self, waiting: Waiting, now: Now, effects: &mut Effects) {
        let Some(expires_at) = waiting.notification.expires_at() else {
            let why = (Stage::Discarded, Some(Reason::LOW_POWER));
            return give_up(waiting, self.whose, why, effects);
        };
        if expires_at <= now.wall {
            return give_up(waiting, self.whose, (Stage::Expired, None), effects);
        }
        effects.growth -= signed(waiting.cost());
        let Waiting { seq, notification, was_held, .. } = waiting;
        if !was_held {
            effects.push(Effect::Reached {
                seq,
                key: self.whose.key,
                stage: Stage::Stored,
                reason: Some(Reason::LOW_POWER),
            });
        }
        let held = Held { seq, expires_at, priority: notification.priority };
        if let Some(older) = self.queue.hold(held) {
            effects.end(older, self.whose, true, (Stage::Replaced, None));
        }
    }
}

/// Whether it isn't for a device that saves power (priorities 5 and 1).
fn waits_for_power(notification: &Notification) -> bool {
    match notification.priority {
        Priority::Ten => false,
        Priority::Five | Priority::One => true,
    }
}

impl Expected {
    /// Only the newest of a registration matters: storing it has replaced those before.
    pub(super) fn hold(&mut self, hint: Hint) {
        // A handful of instances of one topic at most; a hint too many is read from its row at the next subscribe.
        let has_room = self.held.len() < 64;
        match self.held.iter_mut().find(|held| held.key == hint.key) {
            Some(held) if held.seq < hint.seq => *held = hint,
            Some(_) => {}
            None if has_room => self.held.push(hint),
            None => {}
        }
    }
}

/// Ends one that waits, for the reason given.
pub(super) fn give_up(waiting: Waiting, whose: Whose, why: (Stage, Option<Reason>), effects: &mut Effects) {
    effects.growth -= signed(waiting.cost());
    effects.ended_tickets.extend(waiting.uncommitted);
    effects.freed.extend(waiting.reply.map(|reply| (reply, waiting.seq)));
    effects.end(waiting.seq, whose, waiting.notification.is_kept(), why);
}

/// How one ends that gives way to newer ones, or whose device has left.
pub(super) fn away(is_kept: bool) -> (Stage, Option<Reason>) {
    if is_kept { (Stage::Replaced, None) } else { (Stage::Discarded, Some(Reason::DEVICE_AWAY)) }
}

pub(super) fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}
