//! What the user set for the whole device: Low Power Mode, the mute switch, Focus, and the scheduled summary. What each
//! does to a notification: `budget`, `presentation`, `summary`.

use std::collections::BTreeSet;

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::{Center, DeviceSetting, InterruptionLevel, Output, Person};

/// The most apps that a Focus or the summary names.
const MAX_APPS: usize = 1_024;
/// The most people that a Focus names.
const MAX_PEOPLE: usize = 1_024;
/// How long an address or a name may be, in bytes.
const MAX_PERSON: usize = 256;
/// The most times of a day at which the summary comes.
const MAX_TIMES: usize = 12;
const MINUTES_A_DAY: u16 = 24 * 60;

/// How the device is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Conditions {
    pub(crate) low_power: bool,
    pub(crate) muted: bool,
    pub(crate) focus: Option<Focus>,
    pub(crate) summary: Option<Summary>,
    /// When the summary comes next.
    pub(crate) summary_due: Option<UnixMillis>,
}

/// A Focus that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Focus {
    pub name: String,
    /// Bundle IDs of those that are let through.
    #[serde(default)]
    pub allowed_apps: BTreeSet<String>,
    /// People whose messages and calls are let through, by whatever app: the handle of each, or the name of who has none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allowed_people: BTreeSet<String>,
    /// Whether time-sensitive notifications of the others are.
    #[serde(default = "yes")]
    pub time_sensitive: bool,
    /// No badges are to be seen.
    #[serde(default)]
    pub hides_badges: bool,
}

const fn yes() -> bool {
    true
}

/// The scheduled summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Minutes since midnight, in the zone of the device.
    pub times: BTreeSet<u16>,
    /// Bundle IDs of the apps whose notifications wait for it.
    pub apps: BTreeSet<String>,
}

/// What the device can't be set to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    #[error("the summary comes at 1 to {MAX_TIMES} times of the day")]
    Times,
    #[error("at most {MAX_APPS} apps are named")]
    TooManyApps,
    #[error("at most {MAX_PEOPLE} people are named, by up to {MAX_PERSON} bytes each")]
    TooManyPeople,
}

impl Focus {
    pub fn check(&self) -> Result<(), ConditionError> {
        if self.allowed_apps.len() > MAX_APPS {
            return Err(ConditionError::TooManyApps);
        }
        let people = &self.allowed_people;
        if people.len() > MAX_PEOPLE || people.iter().any(|person| person.len() > MAX_PERSON) {
            return Err(ConditionError::TooManyPeople);
        }
        Ok(())
    }

    /// Whether a notification of this level, app and sender interrupts the user all the same.
    pub(crate) fn lets_through(
        &self,
        bundle: &str,
        level: InterruptionLevel,
        sender: Option<&Person>,
    ) -> bool {
        let allowed = self.allowed_apps.contains(bundle) || sender.is_some_and(|sender| self.allows(sender));
        match level {
            InterruptionLevel::Critical => true,
            InterruptionLevel::TimeSensitive => self.time_sensitive || allowed,
            InterruptionLevel::Active | InterruptionLevel::Passive => allowed,
        }
    }

    /// An address is one person's; a name may be anybody's, so it counts only where there is no address.
    fn allows(&self, sender: &Person) -> bool {
        let known_by = if sender.handle.is_empty() { &sender.display_name } else { &sender.handle };
        self.allowed_people.contains(known_by)
    }
}

impl Summary {
    pub fn check(&self) -> Result<(), ConditionError> {
        if self.apps.len() > MAX_APPS {
            return Err(ConditionError::TooManyApps);
        }
        let known = self.times.iter().all(|minute| *minute < MINUTES_A_DAY);
        if self.times.is_empty() || self.times.len() > MAX_TIMES || !known {
            return Err(ConditionError::Times);
        }
        Ok(())
    }

    /// Whether a notification of this level and app waits for it.
    pub(crate) fn holds(&self, bundle: &str, level: InterruptionLevel) -> bool {
        match level {
            InterruptionLevel::Passive | InterruptionLevel::Active => self.apps.contains(bundle),
            InterruptionLevel::TimeSensitive | InterruptionLevel::Critical => false,
        }
    }
}

impl Conditions {
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn hides_badges(&self) -> bool {
        self.focus.as_ref().is_some_and(|focus| focus.hides_badges)
    }
}

impl Center {
    pub const fn is_low_power(&self) -> bool {
        self.conditions.low_power
    }

    pub const fn is_muted(&self) -> bool {
        self.conditions.muted
    }

    pub const fn focus(&self) -> Option<&Focus> {
        self.conditions.focus.as_ref()
    }

    /// The scheduled summary, and when it comes next.
    pub fn summary(&self) -> Option<(&Summary, Option<UnixMillis>)> {
        self.conditions.summary.as_ref().map(|summary| (summary, self.conditions.summary_due))
    }

    pub(crate) fn set(&mut self, setting: DeviceSetting, now: UnixMillis, out: &mut Vec<Output>) {
        match setting {
            DeviceSetting::LowPower { on } => self.set_low_power(on, now, out),
            DeviceSetting::Muted { on } => self.conditions.muted = on,
            DeviceSetting::Focus { focus } => self.set_focus(focus, now, out),
            DeviceSetting::Summary { summary } => self.set_summary(summary, now, out),
        }
    }

    fn set_low_power(&mut self, on: bool, now: UnixMillis, out: &mut Vec<Output>) {
        if self.conditions.low_power != on {
            self.conditions.low_power = on;
            self.for_all_apps(now, out, App::retry_held);
        }
    }

    /// Badges that a Focus hid come back with the next one that doesn't, or without any.
    fn set_focus(&mut self, focus: Option<Focus>, now: UnixMillis, out: &mut Vec<Output>) {
        if focus.as_ref().is_some_and(|focus| focus.check().is_err()) {
            return;
        }
        self.conditions.focus = focus;
        self.for_all_apps(now, out, App::show_badge);
    }
}
