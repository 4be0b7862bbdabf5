//! Location triggers: a device crosses the border of a region (*UNLocationNotificationTrigger*, *CLCircularRegion*).
//!
//! A device is outside of every region until it is known where it is, and it leaves a region only [`BUFFER_METRES`]
//! behind the border, so that who walks along it isn't told at each step. Whoever is inside when the request is made is
//! told of no entry until they come again.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::{Center, Notification, Output, Pending, RequestError, Trigger};

/// How many regions of one app are watched (*CLLocationManager*).
pub(crate) const MAX_REGIONS: usize = 20;
/// How far behind the border a device has left.
const BUFFER_METRES: f64 = 10.0;
/// Longest identifier, in bytes.
const MAX_IDENTIFIER: usize = 1_024;
/// Half of the way around the Earth.
const MAX_RADIUS_METRES: f64 = 2.1e7;
/// The mean radius of the Earth.
const EARTH_METRES: f64 = 6_371_008.8;

/// *CLLocationCoordinate2D*, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordinate {
    /// −90 to 90, north is positive.
    pub latitude: f64,
    /// −180 to 180, east is positive.
    pub longitude: f64,
}

impl Coordinate {
    pub fn is_valid(self) -> bool {
        self.latitude.abs() <= 90.0 && self.longitude.abs() <= 180.0
    }

    /// Along the great circle.
    fn metres_to(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let north = ((to - from) / 2.0).sin().powi(2);
        let east = ((other.longitude - self.longitude).to_radians() / 2.0).sin().powi(2);
        2.0 * EARTH_METRES * (north + from.cos() * to.cos() * east).sqrt().min(1.0).asin()
    }
}

/// *CLCircularRegion*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Unique in the app: a request takes the place of the pending one with the same region.
    pub identifier: String,
    pub center: Coordinate,
    /// In metres.
    pub radius: f64,
    pub notify_on_entry: bool,
    pub notify_on_exit: bool,
}

impl Region {
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        let fits = (1..=MAX_IDENTIFIER).contains(&self.identifier.len())
            && self.center.is_valid()
            && self.radius > 0.0
            && self.radius <= MAX_RADIUS_METRES;
        if fits { Ok(()) } else { Err(RequestError::BadRegion) }
    }

    fn holds(&self, location: Coordinate, was_inside: bool) -> bool {
        let buffer = if was_inside { BUFFER_METRES } else { 0.0 };
        self.center.metres_to(location) <= self.radius + buffer
    }
}

/// *CLAuthorizationStatus*: whether the app may know where the device is. Regions are watched by the system, so
/// "when in use" is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocationPermission {
    #[default]
    NotDetermined,
    Denied,
    WhenInUse,
    Always,
}

impl LocationPermission {
    const fn is_granted(self) -> bool {
        match self {
            Self::WhenInUse | Self::Always => true,
            Self::NotDetermined | Self::Denied => false,
        }
    }
}

impl Pending {
    pub(crate) fn region(&self) -> Option<&Region> {
        self.request.trigger.as_ref()?.region()
    }
}

/// Whether the notification came from a region: the app can remove it, and doesn't get it among the delivered ones.
pub(crate) fn is_by_location(notification: &Notification) -> bool {
    notification.request.trigger.as_ref().is_some_and(|trigger| trigger.region().is_some())
}

impl Center {
    /// Where the device is; `None` until it was told.
    pub const fn location(&self) -> Option<Coordinate> {
        self.location
    }

    pub fn location_permission(&self, bundle: &str) -> LocationPermission {
        self.apps.get(bundle).map_or_else(LocationPermission::default, |app| app.location_permission)
    }

    /// The device is somewhere else. A place that isn't on Earth has no effect.
    pub(crate) fn moved_to(&mut self, location: Coordinate, now: UnixMillis, out: &mut Vec<Output>) {
        if location.is_valid() {
            self.location = Some(location);
            self.for_all_apps(now, out, |app, turn| app.moved_to_location(location, turn));
        }
    }
}

impl App {
    /// Makes room for a request with this region, which takes the place of the pending one with the same region, or
    /// with its own identifier.
    pub(crate) fn take_place_of_region(
        &mut self,
        identifier: &str,
        region: &Region,
    ) -> Result<(), RequestError> {
        let same = |pending: &Pending| {
            pending.region().is_some_and(|pending| pending.identifier == region.identifier)
        };
        let others = self.pending.iter().filter(|pending| {
            pending.region().is_some() && !same(pending) && pending.request.identifier != identifier
        });
        if others.count() >= MAX_REGIONS {
            return Err(RequestError::TooManyRegions { max: MAX_REGIONS });
        }
        self.pending.retain(|pending| !same(pending));
        Ok(())
    }

    /// Whether the device is in a request's region now.
    pub(crate) fn begins_inside(trigger: Option<&Trigger>, location: Option<Coordinate>) -> bool {
        let Some(region) = trigger.and_then(Trigger::region) else { return false };
        location.is_some_and(|location| region.holds(location, false))
    }

    fn moved_to_location(&mut self, location: Coordinate, turn: &mut Turn<'_>) {
        let mut crossed = Vec::new();
        for pending in &mut self.pending {
            let Some(region) = pending.request.trigger.as_ref().and_then(Trigger::region) else { continue };
            let is_inside = region.holds(location, pending.inside);
            let was_inside = std::mem::replace(&mut pending.inside, is_inside);
            let told = if is_inside { region.notify_on_entry } else { region.notify_on_exit };
            if is_inside != was_inside && told && self.location_permission.is_granted() {
                crossed.push(pending.request.identifier.clone());
            }
        }
        for identifier in crossed {
            let at = self.pending.iter().position(|pending| pending.request.identifier == identifier);
            let Some(at) = at else { continue };
            let repeats = self.pending[at].request.trigger.as_ref().is_some_and(Trigger::repeats);
            let request =
                if repeats { self.pending[at].request.clone() } else { self.pending.remove(at).request };
            self.deliver(Notification { date: turn.now, request }, None, turn);
        }
    }
}
