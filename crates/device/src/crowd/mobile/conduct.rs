//! What a device's user does with what is shown: opens it after a while and reads, wipes it away, or lets it be.

use homing_notification_center as center;
use homing_trace::UnixMillis;

use super::{Mobile, moved};
use crate::crowd::lot::Deed;

/// What a user has in mind at a time; of more, the oldest is let be.
const IN_MIND: usize = 6;

/// What a user is going to do.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) at: UnixMillis,
    bundle: Box<str>,
    what: What,
}

#[derive(Debug)]
enum What {
    Respond {
        identifier: Box<str>,
        deed: Deed,
    },
    /// Puts the app away.
    GoHome,
}

impl Mobile {
    /// A notification was shown.
    pub(super) fn notice(&mut self, bundle: &str, identifier: &str, now: UnixMillis) {
        let file = &self.world.profile.file;
        let deed = self.lot.deed(file.seed, &file.on_notification, self.shown);
        self.shown += 1;
        let Some(deed) = deed else { return };
        let after = self.dice.about(file.on_notification.after.0);
        let what = What::Respond { identifier: identifier.into(), deed };
        self.plan(now.plus_millis(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)), bundle, what);
    }

    /// The app is in front, since a notification was opened.
    pub(super) fn read(&mut self, bundle: &str, now: UnixMillis) {
        let reads = self.world.profile.file.on_notification.reads.0;
        self.plan(
            now.plus_millis(i64::try_from(reads.as_millis()).unwrap_or(i64::MAX)),
            bundle,
            What::GoHome,
        );
    }

    fn plan(&mut self, at: UnixMillis, bundle: &str, what: What) {
        if self.plans.len() >= IN_MIND {
            let oldest = self.plans.iter().position(|plan| matches!(plan.what, What::Respond { .. }));
            drop(oldest.map(|oldest| self.plans.remove(oldest)));
        }
        self.plans.push(Planned { at, bundle: bundle.into(), what });
    }

    pub(super) fn next_plan(&self) -> Option<UnixMillis> {
        self.plans.iter().map(|plan| plan.at).min()
    }

    /// Does what its time has come for.
    pub(super) fn act(&mut self, now: UnixMillis) {
        while let Some(due) = self.plans.iter().position(|plan| plan.at <= now) {
            let Planned { bundle, what, .. } = self.plans.remove(due);
            let bundle = String::from(bundle);
            let input = match what {
                What::Respond { identifier, deed: Deed::Open } => {
                    center::Input::Tapped { bundle, identifier: identifier.into() }
                }
                What::Respond { identifier, deed: Deed::Dismiss } => {
                    center::Input::Dismissed { bundle, identifier: identifier.into() }
                }
                What::GoHome => moved(bundle, center::AppState::Background),
            };
            self.feed(input, now);
        }
        if self.plans.is_empty() {
            self.plans = Vec::new();
        }
    }
}
