//! What a device is by the clock on its wall: online, saving power, muted, with a Focus.

use std::collections::BTreeSet;

use homing_notification_center::{self as center, DeviceSetting};
use homing_trace::UnixMillis;
use jiff::tz::TimeZone;

use super::Mobile;
use crate::crowd::hours::{Hours, Standing};
use crate::crowd::profile::LineKind;

/// How each stands, and until when.
#[derive(Debug)]
pub(super) struct Switches {
    online: Standing,
    low_power: Standing,
    muted: Standing,
    focus: Standing,
}

impl Default for Switches {
    /// All of it is to be looked at.
    fn default() -> Self {
        let unknown = Standing { on: false, until: Some(UnixMillis(i64::MIN)) };
        Self { online: unknown, low_power: unknown, muted: unknown, focus: unknown }
    }
}

impl Switches {
    fn next(&self) -> Option<UnixMillis> {
        [self.online, self.low_power, self.muted, self.focus].iter().filter_map(|switch| switch.until).min()
    }
}

impl Mobile {
    pub(crate) fn is_online(&self) -> bool {
        self.switches.online.on
    }

    /// When it wants to live on; `None`: nothing comes by itself.
    pub(crate) fn next(&self) -> Option<UnixMillis> {
        let switches = self.switches.next();
        switches.into_iter().chain(self.next_plan()).chain(self.center.next_wake()).min()
    }

    /// Does everything whose time has come.
    pub(crate) fn live(&mut self, now: UnixMillis) {
        if self.center.next_wake().is_some_and(|at| at <= now) {
            self.feed(center::Input::TimePassed, now);
        }
        self.act(now);
        if self.switches.next().is_some_and(|at| at <= now) {
            self.turn_switches(now);
        }
    }

    fn turn_switches(&mut self, now: UnixMillis) {
        let world = std::sync::Arc::clone(&self.world);
        let file = &world.profile.file;
        let zone = file.time_zones.get(self.lot.time_zone).map_or(TimeZone::UTC, |zone| zone.zone.clone());
        if self.switches.online.is_over(now) {
            let was = self.switches.online.on;
            self.switches.online = self.line(&zone, now);
            match (was, self.switches.online.on) {
                (false, true) => world.counts.online.up(),
                (true, false) => world.counts.online.down(),
                (false, false) | (true, true) => {}
            }
        }
        if self.switches.low_power.is_over(now) {
            self.switches.low_power = during(self.lot.saves_power, file.low_power.between, &zone, now);
            let on = self.switches.low_power.on;
            self.feed(center::Input::DeviceSet(DeviceSetting::LowPower { on }), now);
        }
        if self.switches.muted.is_over(now) {
            self.switches.muted = during(self.lot.mutes, file.muted.between, &zone, now);
            let on = self.switches.muted.on;
            self.feed(center::Input::DeviceSet(DeviceSetting::Muted { on }), now);
        }
        if self.switches.focus.is_over(now) {
            self.switches.focus = during(self.lot.focuses, file.focus.between, &zone, now);
            let focus = self.switches.focus.on.then(|| center::Focus {
                name: "Focus".to_owned(),
                allowed_apps: file.focus.allowed_apps.clone(),
                allowed_people: BTreeSet::new(),
                time_sensitive: file.focus.time_sensitive,
                hides_badges: false,
            });
            self.feed(center::Input::DeviceSet(DeviceSetting::Focus { focus }), now);
        }
    }

    /// Whether it has a network.
    fn line(&mut self, zone: &TimeZone, now: UnixMillis) -> Standing {
        let online = &self.world.profile.file.online;
        match self.lot.line {
            LineKind::Always => Standing::ALWAYS,
            LineKind::Commuter => online
                .commuter
                .as_ref()
                .map_or(Standing::ALWAYS, |tunnels| tunnels.standing(self.lot.tunnels, zone, now).inverted()),
            LineKind::Nightly => {
                online.nightly.map_or(Standing::ALWAYS, |off| off.standing(zone, now).inverted())
            }
            LineKind::Flaky => online
                .flaky
                .map_or(Standing::ALWAYS, |flaky| flaky.next(self.switches.online.on, &mut self.dice, now)),
        }
    }
}

fn during(has: bool, between: Option<Hours>, zone: &TimeZone, now: UnixMillis) -> Standing {
    match (has, between) {
        (false, _) => Standing::NEVER,
        (true, None) => Standing::ALWAYS,
        (true, Some(hours)) => hours.standing(zone, now),
    }
}
