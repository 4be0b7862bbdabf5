//! What of a notification centre goes into a backup of its device: what the user and the apps decided, not what was on
//! the screen, and nothing that belongs to the device's registrations.

use crate::app::Process;
use crate::budget::Budget;
use crate::seen::Seen;
use crate::{AppState, Center};

impl Center {
    /// The part that a backup keeps: the apps with their permission and switches, badges, and pending requests. No app
    /// runs in it, nothing is delivered, and no prompt is open. The restored device begins with [`crate::Input::Booted`].
    #[must_use]
    pub fn for_backup(&self) -> Self {
        let mut kept = self.clone();
        for app in kept.apps.values_mut() {
            app.state = AppState::Ended;
            app.prompt = None;
            app.delivered.clear();
            app.transient.clear();
            app.deferred.clear();
            app.extending.clear();
            app.open = None;
            app.collected.clear();
            app.budget = Budget::default();
            app.seen = Seen::default();
            app.process = Process::default();
        }
        kept
    }
}
