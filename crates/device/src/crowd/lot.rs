//! What fell to one device of a fleet: its place in each of the profile's shares. The same number and seed have the same
//! lot in every run.

use homing_trace::Environment;

use super::dice::Dice;
use super::profile::{Conduct, LineKind, Permission, Profile};
use super::share::{Percent, Place};

/// What one device is like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lot {
    pub(crate) device: u64,
    /// Numbers of their shares.
    pub(crate) time_zone: usize,
    pub(crate) locale: usize,
    pub(crate) line: LineKind,
    /// Which tunnels it goes through, of a commuter.
    pub(crate) tunnels: u64,
    pub(crate) saves_power: bool,
    pub(crate) mutes: bool,
    pub(crate) focuses: bool,
    pub(crate) apps: Vec<AppLot>,
}

/// An app that the device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AppLot {
    /// Its number in the profile.
    pub(crate) app: usize,
    pub(crate) environment: Environment,
    pub(crate) permission: Permission,
}

/// What a user does with a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Open,
    Dismiss,
}

impl Lot {
    pub(crate) fn of(profile: &Profile, device: u64) -> Self {
        let file = &profile.file;
        let place = |what: &str| Place::of(file.seed, what, device);
        let apps = profile.apps.iter().enumerate().filter_map(|(number, app)| {
            let bundle = &app.profile.bundle_id;
            app.share.has(place(&format!("app {bundle}"))).then_some(())?;
            Some(AppLot {
                app: number,
                environment: app.environments.at(place(&format!("environment {bundle}")))?,
                permission: app.permission.at(place(&format!("permission {bundle}")))?,
            })
        });
        Self {
            device,
            time_zone: file.time_zones.number_at(place("time zone")),
            locale: file.locales.number_at(place("locale")),
            line: file.online.kinds.at(place("online")).unwrap_or(LineKind::Always),
            tunnels: Dice::of(file.seed, "tunnels", device).next(),
            saves_power: file.low_power.share.has(place("low power")),
            mutes: file.muted.share.has(place("muted")),
            focuses: file.focus.share.has(place("focus")),
            apps: apps.collect(),
        }
    }

    /// What its user does with the `nth` notification that is shown. Of many devices' first ones, the profile's share is
    /// met exactly, and of their second ones, and so on.
    pub(crate) fn deed(&self, seed: u64, conduct: &Conduct, nth: u64) -> Option<Deed> {
        if conduct.opens == Percent::NONE && conduct.dismisses == Percent::NONE {
            return None;
        }
        let place = Place::of(seed, &format!("notification {nth}"), self.device);
        if conduct.opens.has(place) {
            Some(Deed::Open)
        } else if conduct.opens.plus(conduct.dismisses).has(place) {
            Some(Deed::Dismiss)
        } else {
            None
        }
    }
}
