//! What the hub's decisions ask of the world. The decisions are made over plain data, so that tests can run them in any
//! order; the [`Hub`](super::Hub) carries the effects out.

use std::sync::Arc;
use std::task::Waker;

use homing_trace::{Reason, Stage};

use crate::notification::{Notification, Outcome, RegistrationKey, ReplyTo};

/// Which registration a fact is about: its key, and the store's dense number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) key: RegistrationKey,
    pub(crate) registration_no: u32,
}

/// A notification that was committed while its device seemed away, on its way to the core where the device is now.
#[derive(Debug)]
pub(crate) struct Hint {
    pub(crate) key: RegistrationKey,
    pub(crate) seq: u64,
    pub(crate) notification: Arc<Notification>,
    /// The row that its append ended as `replaced`.
    pub(crate) replaced: Option<u64>,
    /// Answered only when the hint has found its place, so that what its sender sends next comes after it.
    pub(crate) reply: Option<ReplyTo>,
}

#[derive(Debug)]
pub(crate) enum Effect {
    Answer {
        reply: ReplyTo,
        outcome: Outcome,
    },
    /// A kept row has ended.
    End {
        seq: u64,
        whose: Whose,
        stage: Stage,
        reason: Option<Reason>,
    },
    /// One that is tried once was accepted.
    Accepted {
        seq: u64,
        key: RegistrationKey,
        notification: Arc<Notification>,
    },
    /// A fact for the second file: a delivery, or a later stage of one that is tried once.
    Reached {
        seq: u64,
        key: RegistrationKey,
        stage: Stage,
        reason: Option<Reason>,
    },
    /// Committed: look up presence again.
    LookAgain(Hint),
    Wake(Waker),
    /// A registration that had been silent has acknowledged.
    SilenceOver(RegistrationKey),
}

/// The effects of one decision, in order.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) list: Vec<Effect>,
    /// Answers of those tried once whose wait for a commit is over.
    pub(crate) freed: Vec<(ReplyTo, u64)>,
    /// Tickets of uncommitted notifications that were ended meanwhile: they need no second look.
    pub(crate) ended_tickets: Vec<u64>,
    /// By how many bytes what is held for devices has grown.
    pub(crate) growth: isize,
}

/// Effects that may keep their room for the next decision.
const RESTING: usize = 1024;

impl Effects {
    /// Carried out: without what an unusual decision has left allocated.
    pub(crate) fn rested(self) -> Self {
        let room = self.list.capacity().max(self.freed.capacity()).max(self.ended_tickets.capacity());
        if room > RESTING { Self::default() } else { self }
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    pub(crate) fn answer(&mut self, reply: ReplyTo, outcome: Outcome) {
        self.list.push(Effect::Answer { reply, outcome });
    }

    /// The end of a notification, said where its kind is written.
    pub(crate) fn end(&mut self, seq: u64, whose: Whose, is_kept: bool, how: (Stage, Option<Reason>)) {
        let (stage, reason) = how;
        self.list.push(if is_kept {
            Effect::End { seq, whose, stage, reason }
        } else {
            Effect::Reached { seq, key: whose.key, stage, reason }
        });
    }

    /// Moves the freed answers into the list.
    pub(crate) fn settle(&mut self) {
        for (reply, seq) in self.freed.drain(..) {
            self.list.push(Effect::Answer { reply, outcome: Outcome::Accepted { seq } });
        }
    }
}
