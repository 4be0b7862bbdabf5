//! A device that saves power gets what has priority 10; of the rest each registration holds the newest. Decides what is
//! released when it stops saving, and in which order. What is held and when is decided by the
//! [registration](super::super::registration) as its turn comes.

use homing_apns::Priority;

use super::Session;
use crate::hub::effect::Effects;
use crate::hub::registration::signed;

impl Session {
    /// The device says whether it saves power. Known for this connection only.
    pub(crate) fn set_saves_power(&mut self, saves: bool, effects: &mut Effects) {
        if std::mem::replace(&mut self.saves_power, saves) && !saves {
            self.release(effects);
        }
    }

    /// In order of acceptance, those of priority 1 after all others: they are the ones that can wait longest.
    fn release(&mut self, effects: &mut Effects) {
        let mut held: Vec<(bool, u64, u16)> = (0_u16..)
            .zip(&self.registrations)
            .filter_map(|(slot, registration)| {
                let held = registration.as_ref()?.queue.held()?;
                Some((held.notification.priority == Priority::One, held.seq, slot))
            })
            .collect();
        held.sort_unstable();
        for (_, _, slot) in held {
            if let Some(registration) = self.registration_mut(slot) {
                effects.growth += signed(registration.queue.release(&mut effects.freed));
            }
            self.take_turn(slot, effects);
        }
    }
}
