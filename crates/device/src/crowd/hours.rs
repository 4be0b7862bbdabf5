//! When something holds on a device's own clock on the wall: hours of the day, tunnels on the way to work, and lines
//! that come and go. Pure: time and zone are arguments.

use std::time::Duration;

use homing_trace::UnixMillis;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Deserialize;

use super::dice::Dice;

/// A length of time as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Length(pub(crate) Duration);

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let length = text.parse::<SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
        length.filter(|length| !length.is_zero()).map(Self).ok_or_else(|| {
            format!("{text:?} is no length of time: write one like \"90s\", \"15m\" or \"1h30m\"")
        })
    }
}

/// Hours of every day, like `22:00-07:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Hours {
    from: Time,
    to: Time,
}

impl TryFrom<String> for Hours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = |text: &str| text.trim().parse::<Time>().ok();
        let hours =
            text.split_once('-').and_then(|(from, to)| Some(Self { from: time(from)?, to: time(to)? }));
        hours
            .filter(|hours| hours.from != hours.to)
            .ok_or_else(|| format!("{text:?} are no hours: write them like \"22:00-07:00\", local time"))
    }
}

/// From the first moment to just before the last.
type Span = (UnixMillis, UnixMillis);

/// Whether something holds, and when that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) on: bool,
    /// `None`: never.
    pub(crate) until: Option<UnixMillis>,
}

impl Standing {
    pub(crate) const ALWAYS: Self = Self { on: true, until: None };
    pub(crate) const NEVER: Self = Self { on: false, until: None };

    /// The opposite for the same time.
    pub(crate) const fn inverted(self) -> Self {
        Self { on: !self.on, until: self.until }
    }

    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Hours {
    fn on(&self, date: Date, zone: &TimeZone) -> Option<Span> {
        let end = if self.to > self.from { date } else { date.tomorrow().ok()? };
        Some((moment(date, self.from, zone)?, moment(end, self.to, zone)?))
    }

    pub(crate) fn standing(&self, zone: &TimeZone, now: UnixMillis) -> Standing {
        standing(zone, now, |date, spans| spans.extend(self.on(date, zone)))
    }
}

/// A device that is cut off some times a day.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Tunnels {
    /// How many a day.
    pub(crate) tunnels: u16,
    /// In which hours.
    pub(crate) between: Vec<Hours>,
    pub(crate) lasts: Length,
}

impl Tunnels {
    /// Whether the device is in one. Which they are depends on its `seed` and the day.
    pub(crate) fn standing(&self, seed: u64, zone: &TimeZone, now: UnixMillis) -> Standing {
        standing(zone, now, |date, spans| {
            let mut dice = Dice::of(
                seed,
                "tunnels",
                date.to_string().bytes().fold(0, |day, byte| day * 31 + u64::from(byte)),
            );
            let hours = self.between.iter().cycle().take(usize::from(self.tunnels));
            for (from, to) in hours.filter_map(|hours| hours.on(date, zone)) {
                let lasts = i64::try_from(self.lasts.0.as_millis()).unwrap_or(i64::MAX);
                let room = to.millis_since(from).saturating_sub(lasts).max(1);
                let begins = from.plus_millis(dice.below(room.unsigned_abs()) as i64);
                spans.push((begins, begins.plus_millis(lasts)));
            }
        })
    }
}

/// A device whose line comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Flaky {
    /// How long it holds, and is gone, on average.
    pub(crate) up: Length,
    pub(crate) down: Length,
}

impl Flaky {
    /// What follows on `before`, from `now` on.
    pub(crate) fn next(&self, before: bool, dice: &mut Dice, now: UnixMillis) -> Standing {
        let on = !before;
        let lasts = dice.about(if on { self.up.0 } else { self.down.0 });
        let lasts = i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX).max(1);
        Standing { on, until: Some(now.plus_millis(lasts)) }
    }
}

/// Whether `now` is in one of the spans that begin yesterday, today or tomorrow on this zone's calendar.
fn standing(zone: &TimeZone, now: UnixMillis, of_day: impl Fn(Date, &mut Vec<Span>)) -> Standing {
    let Ok(at) = Timestamp::from_millisecond(now.0) else { return Standing::NEVER };
    let today = at.to_zoned(zone.clone()).date();
    let mut spans = Vec::new();
    for days in -1..=1 {
        if let Ok(date) = today.checked_add(days.days()) {
            of_day(date, &mut spans);
        }
    }
    spans.sort_unstable();
    let mut inside: Option<UnixMillis> = None;
    for (begins, ends) in spans {
        match inside {
            None if begins <= now && now < ends => inside = Some(ends),
            None if begins > now => return Standing { on: false, until: Some(begins) },
            Some(until) if begins <= until => inside = Some(until.max(ends)),
            Some(_) => break,
            None => {}
        }
    }
    match inside {
        Some(until) => Standing { on: true, until: Some(until) },
        // None in sight: look again tomorrow.
        None => Standing { on: false, until: Some(now.plus_millis(24 * 60 * 60 * 1_000)) },
    }
}

/// A time that doesn't exist on this day is the same as long after the gap; of one that is twice, the first.
fn moment(date: Date, time: Time, zone: &TimeZone) -> Option<UnixMillis> {
    let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(UnixMillis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("the zone is bundled")
    }

    fn at(local: &str, zone: &TimeZone) -> UnixMillis {
        let local: jiff::civil::DateTime = local.parse().expect("a date and a time");
        UnixMillis(local.to_zoned(zone.clone()).expect("it exists").timestamp().as_millisecond())
    }

    fn hours(text: &str) -> Hours {
        text.to_owned().try_into().expect("they can be read")
    }

    #[test]
    fn hours_over_midnight_are_those_of_the_devices_zone() {
        let night = hours("22:00-07:00");
        for name in ["Europe/Berlin", "Asia/Shanghai", "America/New_York"] {
            let zone = zone(name);
            for (local, on, until) in [
                ("2026-11-20 06:59", true, "2026-11-20 07:00"),
                ("2026-11-20 07:00", false, "2026-11-20 22:00"),
                ("2026-11-20 22:00", true, "2026-11-21 07:00"),
                ("2026-11-20 23:59", true, "2026-11-21 07:00"),
            ] {
                let expected = Standing { on, until: Some(at(until, &zone)) };
                assert_eq!(night.standing(&zone, at(local, &zone)), expected, "{name} {local}");
            }
        }
    }

    #[test]
    fn a_night_in_which_the_clock_is_set_forward_is_shorter() {
        let zone = zone("Europe/Berlin");
        let now = at("2026-03-28 22:00", &zone);
        let standing = hours("22:00-07:00").standing(&zone, now);
        assert_eq!(standing, Standing { on: true, until: Some(now.plus_millis(8 * HOUR)) });
    }

    #[test]
    fn a_commuter_is_in_as_many_tunnels_a_day_and_in_the_same_ones_again() {
        let zone = zone("Europe/Berlin");
        let tunnels = Tunnels {
            tunnels: 4,
            between: vec![hours("07:00-09:00"), hours("17:00-19:00")],
            lasts: Length(Duration::from_secs(180)),
        };
        let begin = at("2026-11-20 00:00", &zone);
        let day = |seed| -> Vec<UnixMillis> {
            let (mut now, mut begun) = (begin, Vec::new());
            while now < begin.plus_millis(24 * HOUR) {
                let standing = tunnels.standing(seed, &zone, now);
                if standing.on {
                    begun.push(now);
                    let left = standing.until.expect("it ends").millis_since(now);
                    assert!((1..=6 * MINUTE).contains(&left), "{left}");
                }
                now = standing.until.expect("something comes");
            }
            begun
        };
        let begun = day(1);
        assert!((3..=4).contains(&begun.len()), "two may run into one: {begun:?}");
        assert!(begun.iter().all(|at| hours("07:00-19:00").standing(&zone, *at).on));
        assert_eq!(begun, day(1));
        assert_ne!(begun, day(2));
    }

    #[test]
    fn a_flaky_line_comes_and_goes() {
        let flaky = Flaky { up: Length(Duration::from_secs(600)), down: Length(Duration::from_secs(60)) };
        let mut dice = Dice::of(1, "line", 0);
        let (mut now, mut on, mut up, mut total) = (UnixMillis(0), false, 0, 0);
        for _ in 0..2_000 {
            let standing = flaky.next(on, &mut dice, now);
            assert_ne!(standing.on, on);
            on = standing.on;
            let until = standing.until.expect("it changes");
            total += until.millis_since(now);
            up += if on { until.millis_since(now) } else { 0 };
            now = until;
        }
        let share = up as f64 / total as f64;
        assert!((0.89..0.93).contains(&share), "{share}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_an_example() {
        assert!(Hours::try_from("22-7".to_owned()).expect_err("no minutes").contains("22:00-07:00"));
        assert!(Hours::try_from("08:00-08:00".to_owned()).is_err());
        assert!(Length::try_from("5".to_owned()).expect_err("no unit").contains("15m"));
        assert!(Length::try_from("0s".to_owned()).is_err());
        assert_eq!(Length::try_from("1h30m".to_owned()), Ok(Length(Duration::from_secs(5_400))));
    }
}
