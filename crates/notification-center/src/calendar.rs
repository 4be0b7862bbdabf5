//! Calendar triggers: the next time that fits some parts of a date (*UNCalendarNotificationTrigger*, by the search of
//! NSCalendar with `matchNextTime`). Which days fit is `days`' part; here a day gets its time, and the time its instant
//! in a zone.
//!
//! What is given is fixed; what is finer than everything given takes its minimum; what lies above or between is free.
//! The work is bounded whatever is asked: a year of days for each of the few kinds of years, then one look a year.

mod days;

use std::sync::LazyLock;

use homing_trace::UnixMillis;
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use days::{Days, Kind};

/// The zones a device knows are those it was built with, so that nothing here reads a file.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// *DateComponents*: the parts of a date that are given. In the Gregorian calendar unless `calendar` says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DateComponents {
    /// 1: the common era.
    pub era: Option<i64>,
    pub year: Option<i64>,
    /// 1 to 4.
    pub quarter: Option<i64>,
    pub month: Option<i64>,
    pub day: Option<i64>,
    pub hour: Option<i64>,
    pub minute: Option<i64>,
    pub second: Option<i64>,
    /// Counts in whole milliseconds.
    pub nanosecond: Option<i64>,
    /// 1 is Sunday, 7 Saturday.
    pub weekday: Option<i64>,
    /// Which of the weekday's days in the month: 2 is the second Tuesday.
    pub weekday_ordinal: Option<i64>,
    pub week_of_month: Option<i64>,
    pub week_of_year: Option<i64>,
    /// The year that a week counts to.
    pub year_for_week_of_year: Option<i64>,
    /// Of the IANA database; without it, the device's.
    pub time_zone: Option<String>,
    pub calendar: Option<CalendarIdentifier>,
}

/// *Calendar.Identifier*, as far as they are known here. They differ in their weeks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarIdentifier {
    /// Weeks begin on Sunday; that of 1 January is the first.
    #[default]
    Gregorian,
    /// Weeks begin on Monday; the first has four days in the year.
    Iso8601,
}

impl DateComponents {
    /// The zone they are meant in. `None` if there is no such zone.
    pub(crate) fn zone(&self, device: &str) -> Option<TimeZone> {
        zone(self.time_zone.as_deref().unwrap_or(device))
    }

    /// Whether anything finer than a day is given.
    fn has_time(&self) -> bool {
        [self.hour, self.minute, self.second, self.nanosecond].iter().any(Option::is_some)
    }

    /// More often than once a minute, if it repeats.
    pub(crate) fn is_finer_than_a_minute(&self) -> bool {
        self.nanosecond.is_some() && self.second.is_none()
    }

    /// Whether each part is one that a date could have.
    fn is_in_range(&self) -> bool {
        let within = |part: Option<i64>, low, high| part.is_none_or(|part| (low..=high).contains(&part));
        within(self.era, 1, 1)
            && within(self.year, 1, 9_999)
            && within(self.quarter, 1, 4)
            && within(self.month, 1, 12)
            && within(self.day, 1, 31)
            && within(self.hour, 0, 23)
            && within(self.minute, 0, 59)
            && within(self.second, 0, 59)
            && within(self.nanosecond, 0, 999_999_999)
            && within(self.weekday, 1, 7)
            && within(self.weekday_ordinal, 1, 5)
            && within(self.week_of_month, 0, 6)
            && within(self.week_of_year, 1, 53)
            && within(self.year_for_week_of_year, 1, 9_999)
    }
}

/// A zone of the IANA database, by its name.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// The first fitting time strictly after `now`, within 400 years or up to the year that is given: after that, calendar
/// and weekdays are as they were.
/// With `strict`, a time that doesn't exist is passed over; without, the next one that exists takes its place.
pub(crate) fn next(
    components: &DateComponents,
    strict: bool,
    zone: &TimeZone,
    now: UnixMillis,
) -> Option<UnixMillis> {
    Search::new(components, strict, zone)?.after(now)
}

/// One search, which may be continued.
struct Search<'a> {
    components: &'a DateComponents,
    strict: bool,
    zone: &'a TimeZone,
    days: Days<'a>,
}

/// What a time on the wall comes to.
enum Instant {
    At(UnixMillis),
    /// It doesn't exist; go on from here.
    Skip(DateTime),
}

impl<'a> Search<'a> {
    /// `None` if a part is out of its range: then there is no such time.
    fn new(components: &'a DateComponents, strict: bool, zone: &'a TimeZone) -> Option<Self> {
        components.is_in_range().then(|| Self {
            components,
            strict,
            zone,
            days: Days::new(components, strict),
        })
    }

    /// Times on the wall and their instants come in the same order, so the first that fits is the one. Each turn moves
    /// on by a day, or over a gap in the zone's time.
    fn after(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        let first = Timestamp::from_millisecond(now.0.checked_add(1)?).ok()?;
        let mut from = self.wall(first)?;
        let named = self.components.year.max(self.components.year_for_week_of_year);
        let named = named.and_then(|year| i16::try_from(year).ok()).unwrap_or_default();
        let last_year = from.year().saturating_add(400).max(named.saturating_add(1)).min(9_999);
        loop {
            let (date, kind) = self.days.next(from.date(), last_year)?;
            if date > from.date() {
                from = date.at(0, 0, 0, 0);
            }
            let time = match kind {
                Kind::Fits => self.time(from.time()),
                Kind::Substitute => (from.time() == Time::midnight()).then_some(Time::midnight()),
            };
            let Some(time) = time else {
                from = date.tomorrow().ok()?.at(0, 0, 0, 0);
                continue;
            };
            let whole_day = kind == Kind::Substitute || !self.components.has_time();
            match self.instant(date.to_datetime(time), whole_day)? {
                Instant::At(at) if at > now => return Some(at),
                Instant::At(_) => from = date.to_datetime(time).checked_add(1.millisecond()).ok()?,
                Instant::Skip(to) => from = to,
            }
        }
    }

    /// The first time of the day that fits, not before `from`.
    fn time(&self, from: Time) -> Option<Time> {
        let given = self.components;
        let (low_hour, low_minute, low_second) = (from.hour(), from.minute(), from.second());
        let nanosecond = given.nanosecond.map_or(0, |nanosecond| nanosecond - nanosecond % 1_000_000);
        let (minute_is_free, second_is_free) = (
            given.minute.is_none() && (given.second.is_some() || given.nanosecond.is_some()),
            given.second.is_none() && given.nanosecond.is_some(),
        );
        let hour_is_free = given.hour.is_none() && (given.minute.is_some() || minute_is_free);
        for hour in choices(given.hour, hour_is_free, low_hour, 23) {
            let low_minute = if hour > low_hour { 0 } else { low_minute };
            for minute in choices(given.minute, minute_is_free, low_minute, 59) {
                let at_bound = hour == low_hour && minute == low_minute;
                let low_second = if at_bound { low_second } else { 0 };
                for second in choices(given.second, second_is_free, low_second, 59) {
                    let time = Time::new(hour, minute, second, i32::try_from(nanosecond).ok()?).ok()?;
                    if time >= from {
                        return Some(time);
                    }
                }
            }
        }
        None
    }

    /// The time on the wall at an instant. Where the clock was put back, and shows a time for the second time, it is
    /// the end of that hour: each time fits once, the first time.
    fn wall(&self, at: Timestamp) -> Option<DateTime> {
        let offset = self.zone.to_offset(at);
        let wall = offset.to_datetime(at);
        match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Fold { before, after } if offset == after => {
                Some(before.to_datetime(self.transition(at)?))
            }
            AmbiguousOffset::Fold { .. }
            | AmbiguousOffset::Unambiguous { .. }
            | AmbiguousOffset::Gap { .. } => Some(wall),
        }
    }

    /// The instant of a time on the wall; `None` beyond the end of time. In a gap, what was named is missing: the end of
    /// the gap takes its place. What wasn't named is free, and has no time here.
    fn instant(&self, wall: DateTime, whole_day: bool) -> Option<Instant> {
        let at = |at: Timestamp| UnixMillis(at.as_millisecond());
        match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                Some(Instant::At(at(offset.to_timestamp(wall).ok()?)))
            }
            AmbiguousOffset::Fold { before, .. } => Some(Instant::At(at(before.to_timestamp(wall).ok()?))),
            AmbiguousOffset::Gap { before, after } => {
                let transition = self.transition(before.to_timestamp(wall).ok()?)?;
                let (begin, end) = (before.to_datetime(transition), after.to_datetime(transition));
                let day = wall.date();
                let day_is_gone = begin <= day.at(0, 0, 0, 0) && end.date() > day;
                let next_takes_its_place = if day_is_gone {
                    !self.strict && self.components.day.is_some()
                } else {
                    whole_day || !self.strict && self.components.hour.is_some()
                };
                Some(if next_takes_its_place { Instant::At(at(transition)) } else { Instant::Skip(end) })
            }
        }
    }

    /// The last change of the zone's offset, at `at` or before.
    fn transition(&self, at: Timestamp) -> Option<Timestamp> {
        last_transition(self.zone, at)
    }
}

/// The instant of a time on the wall of a zone; `None` beyond the end of time. What the clock shows twice is meant the
/// first time, and in a gap the end of the gap takes its place.
pub(crate) fn instant_of(wall: DateTime, zone: &TimeZone) -> Option<UnixMillis> {
    let at = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(wall).ok()?
        }
        AmbiguousOffset::Gap { before, .. } => last_transition(zone, before.to_timestamp(wall).ok()?)?,
    };
    Some(UnixMillis(at.as_millisecond()))
}

/// The last change of a zone's offset, at `at` or before.
fn last_transition(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let just_after = at.checked_add(1.nanosecond()).ok()?;
    zone.preceding(just_after).next().map(|transition| transition.timestamp())
}

/// The values of one part of a time: the given one, all from `low` on, or the smallest.
fn choices(given: Option<i64>, is_free: bool, low: i8, high: i8) -> std::ops::RangeInclusive<i8> {
    match given.and_then(|given| i8::try_from(given).ok()) {
        Some(given) => given.max(low)..=given,
        None if is_free => low..=high,
        None => low..=0,
    }
}

/// The date of an instant on the wall of a zone, for the tests of others.
#[cfg(test)]
mod tests;
