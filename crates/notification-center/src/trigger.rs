//! When a trigger fires: its first date, and the next one of what repeats. Regions have no date; they are `region`'s.

use homing_trace::UnixMillis;

use crate::calendar;
use crate::{Pending, Region, RequestError, Trigger};

/// Longest interval, in seconds: some 95 years.
const MAX_SECONDS: f64 = 3.0e9;
/// Shortest interval that repeats, in seconds (*UNTimeIntervalNotificationTrigger*).
const MIN_REPEATING_SECONDS: f64 = 60.0;
/// What a clock goes back without anything being asked for its date anew: less than this.
const SMALL_STEP_MILLIS: i64 = 60_000;

impl Trigger {
    pub(crate) const fn region(&self) -> Option<&Region> {
        match self {
            Self::Location { region, .. } => Some(region),
            Self::Legacy { notification } => notification.region.as_ref(),
            Self::TimeInterval { .. } | Self::Calendar { .. } | Self::Push => None,
        }
    }

    pub(crate) const fn repeats(&self) -> bool {
        match self {
            Self::TimeInterval { repeats, .. }
            | Self::Calendar { repeats, .. }
            | Self::Location { repeats, .. } => *repeats,
            Self::Legacy { notification } => notification.repeats(),
            Self::Push => false,
        }
    }

    /// The first date of a request that is made now, on a device in this zone; `None` of a region.
    pub(crate) fn first_date(
        &self,
        device_zone: &str,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, RequestError> {
        match self {
            Self::TimeInterval { seconds, repeats } => {
                if !(*seconds > 0.0 && *seconds <= MAX_SECONDS) {
                    return Err(RequestError::NoDate);
                }
                if *repeats && *seconds < MIN_REPEATING_SECONDS {
                    return Err(RequestError::RepeatsTooOften);
                }
                Ok(Some(now.plus_millis(millis(*seconds))))
            }
            Self::Calendar { date_components, repeats, strict } => {
                let Some(zone) = date_components.zone(device_zone) else {
                    let name = date_components.time_zone.clone().unwrap_or_default();
                    return Err(RequestError::UnknownTimeZone { name });
                };
                if *repeats && date_components.is_finer_than_a_minute() {
                    return Err(RequestError::RepeatsTooOften);
                }
                let date = calendar::next(date_components, *strict, &zone, now);
                date.map(Some).ok_or(RequestError::NoDate)
            }
            Self::Location { region, .. } => region.check().map(|()| None),
            Self::Push => Err(RequestError::PushTrigger),
            Self::Legacy { .. } => Err(RequestError::LegacyTrigger),
        }
    }

    /// What *nextTriggerDate* of a fetched request is on iOS, where an interval doesn't know when it began. `None` of all
    /// others, which say their true date.
    pub fn counted_anew(&self, now: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::TimeInterval { seconds, .. } => Some(now.plus_millis(millis(*seconds))),
            Self::Calendar { .. } | Self::Location { .. } | Self::Push | Self::Legacy { .. } => None,
        }
    }

    /// The first date after `after`, counted from the request.
    fn date_after(&self, added_at: UnixMillis, device_zone: &str, after: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::TimeInterval { seconds, .. } => Some(next_beat(added_at, millis(*seconds), after)),
            Self::Calendar { date_components, strict, .. } => {
                calendar::next(date_components, *strict, &date_components.zone(device_zone)?, after)
            }
            Self::Legacy { notification } => notification.date_after(device_zone, after),
            Self::Location { .. } | Self::Push => None,
        }
    }

    /// Whether its dates move with the device.
    fn is_on_the_wall(&self) -> bool {
        match self {
            Self::Calendar { date_components, .. } => date_components.time_zone.is_none(),
            Self::Legacy { notification } => notification.is_on_the_wall(),
            Self::TimeInterval { .. } | Self::Location { .. } | Self::Push => false,
        }
    }
}

impl Pending {
    /// Waits for the next date after `now`. `false` if there is none, or it doesn't repeat.
    pub(crate) fn waits_again(&mut self, device_zone: &str, now: UnixMillis) -> bool {
        let trigger = self.request.trigger.as_ref().filter(|trigger| trigger.repeats());
        let Some(trigger) = trigger else { return false };
        let after = |after| trigger.date_after(self.added_at, device_zone, after);
        // The time of the request itself is no date of one that never fired.
        let begins = self.counted_from == self.added_at;
        self.next_trigger_date = match after(now) {
            Some(date) if date == self.added_at && begins => after(date),
            date => date,
        };
        self.counted_from = now;
        self.next_trigger_date.is_some()
    }

    /// Should the clock have gone back, what repeats finds its next date from there. What fired once doesn't fire again.
    /// A small step, as of a clock that is put right, leaves the date: nothing repeats within it.
    pub(crate) fn see_time(&mut self, device_zone: &str, now: UnixMillis) {
        if now.plus_millis(SMALL_STEP_MILLIS) <= self.counted_from && self.next_trigger_date.is_some() {
            self.waits_again(device_zone, now);
        }
    }

    /// The device is in another zone. What repeats waits for its next date there, and what fires once for the first
    /// since its request; if the travel made it miss that, it is due at once.
    pub(crate) fn travelled(&mut self, device_zone: &str, now: UnixMillis) {
        let Some(trigger) = self.request.trigger.as_ref().filter(|trigger| trigger.is_on_the_wall()) else {
            return;
        };
        let from = if trigger.repeats() { now } else { self.added_at };
        self.next_trigger_date = Some(trigger.date_after(self.added_at, device_zone, from).unwrap_or(now));
        self.counted_from = now;
    }
}

/// The first of `anchor` plus k intervals after `now`, also before `anchor`: should the clock have gone back, the beat
/// goes on over the time of the request.
fn next_beat(anchor: UnixMillis, interval: i64, now: UnixMillis) -> UnixMillis {
    let periods = now.millis_since(anchor).div_euclid(interval).saturating_add(1);
    anchor.plus_millis(periods.saturating_mul(interval))
}

/// At least one millisecond; `seconds` is within [`MAX_SECONDS`].
#[expect(clippy::cast_possible_truncation, reason = "3e12 milliseconds are far below the limit of an i64")]
fn millis(seconds: f64) -> i64 {
    ((seconds * 1_000.0).round() as i64).max(1)
}
