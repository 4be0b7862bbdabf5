//! A device that saves power gets what has priority 10; of the rest each registration holds the newest. Decides what is
//! released when it stops saving, and in which order: the rows are read by whoever drives the connection. What is held and
//! when is decided by the [registration](super::super::registration) as its turn comes.

use std::sync::Arc;

use homing_apns::Priority;
use homing_trace::{Stage, UnixMillis};

use super::Session;
use crate::hub::effect::{Effects, Whose};
use crate::hub::registration::signed;
use crate::notification::Notification;

impl Session {
    /// The device says whether it saves power. Known for this connection only. Answers what is to be read and released.
    pub(crate) fn set_saves_power(
        &mut self,
        saves: bool,
        now: UnixMillis,
        effects: &mut Effects,
    ) -> Vec<(Whose, u64)> {
        let stops = std::mem::replace(&mut self.saves_power, saves) && !saves;
        if stops { self.held(now, effects) } else { Vec::new() }
    }

    /// In order of acceptance, those of priority 1 after all others: they are the ones that can wait longest.
    fn held(&mut self, now: UnixMillis, effects: &mut Effects) -> Vec<(Whose, u64)> {
        let mut held = Vec::new();
        for registration in self.registrations.iter_mut().flatten() {
            let Some(its) = registration.queue.held() else { continue };
            if its.expires_at > now {
                held.push((its.priority == Priority::One, its.seq, registration.whose));
            } else {
                registration.queue.let_go_of_held();
                effects.end(its.seq, registration.whose, true, (Stage::Expired, None));
            }
        }
        held.sort_unstable_by_key(|(is_last, seq, _)| (*is_last, *seq));
        held.into_iter().map(|(_, seq, whose)| (whose, seq)).collect()
    }

    /// The row of a held one was read; `None` when it had ended. It may have been replaced meanwhile: then that was said.
    pub(crate) fn release(
        &mut self,
        whose: Whose,
        seq: u64,
        row: Option<Arc<Notification>>,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.find(&whose.key) else { return };
        let Some(registration) = self.registration_mut(slot) else { return };
        match row {
            Some(notification) => {
                let cost = registration.queue.release(seq, notification, &mut effects.freed);
                effects.growth += signed(cost);
                self.take_turn(slot, effects);
            }
            None => {
                if registration.queue.held().is_some_and(|held| held.seq == seq) {
                    registration.queue.let_go_of_held();
                }
            }
        }
    }
}
