//! What the user set for the whole device: Low Power Mode, the mute switch, Focus, and the scheduled summary. What each
//! does to a notification: `budget`, `presentation`, `summary`.

use std::collections::BTreeSet;

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::{Center, DeviceSetting, InterruptionLevel, Output};

/// The most apps that a Focus or the summary names.
const MAX_APPS: usize = 1_024;
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
}

impl Focus {
    pub fn check(&self) -> Result<(), ConditionError> {
        if self.allowed_apps.len() > MAX_APPS { Err(ConditionError::TooManyApps) } else { Ok(()) }
    }

    /// Whether a notification of this level and app interrupts the user all the same.
    pub(crate) fn lets_through(&self, bundle: &str, level: InterruptionLevel) -> bool {
        match level {
            InterruptionLevel::Critical => true,
            InterruptionLevel::TimeSensitive => self.time_sensitive || self.allowed_apps.contains(bundle),
            InterruptionLevel::Active | InterruptionLevel::Passive => self.allowed_apps.contains(bundle),
        }
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
