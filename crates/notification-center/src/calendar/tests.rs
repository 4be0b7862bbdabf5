//! Device facts §3.5, and that the search finds what stepping through time finds.

use jiff::civil::{Date, Weekday};
use proptest::prelude::*;

use super::*;

fn at(text: &str, zone_name: &str) -> UnixMillis {
    let wall: DateTime = text.parse().expect("it is a time on the wall");
    let instant = zone(zone_name).expect("it is a zone").to_ambiguous_timestamp(wall).earlier();
    UnixMillis(instant.expect("it is in range").as_millisecond())
}

/// Parts like `month 2 day 29`.
fn parts(text: &str) -> DateComponents {
    let mut given = DateComponents::default();
    let words: Vec<_> = text.split_whitespace().collect();
    for pair in words.chunks(2) {
        let value = pair[1].parse().ok();
        match pair[0] {
            "era" => given.era = value,
            "year" => given.year = value,
            "quarter" => given.quarter = value,
            "month" => given.month = value,
            "day" => given.day = value,
            "hour" => given.hour = value,
            "minute" => given.minute = value,
            "second" => given.second = value,
            "nanosecond" => given.nanosecond = value,
            "weekday" => given.weekday = value,
            "weekday_ordinal" => given.weekday_ordinal = value,
            "week_of_month" => given.week_of_month = value,
            "week_of_year" => given.week_of_year = value,
            "year_for_week_of_year" => given.year_for_week_of_year = value,
            "zone" => given.time_zone = Some(pair[1].to_owned()),
            "calendar" => given.calendar = Some(CalendarIdentifier::Iso8601),
            other => panic!("{other} is no part"),
        }
    }
    given
}

/// The next times on the wall.
fn times(given: &DateComponents, strict: bool, device: &str, now: &str, count: usize) -> Vec<String> {
    let tz = given.zone(device).expect("it is a zone");
    let mut now = at(now, device);
    let mut found = Vec::new();
    while found.len() < count {
        let Some(next) = next(given, strict, &tz, now) else { break };
        assert!(next > now);
        let instant = Timestamp::from_millisecond(next.0).expect("it is in range");
        found.push(zone(device).expect("it is a zone").to_datetime(instant).to_string());
        now = next;
    }
    found
}

#[track_caller]
fn row(given: &str, device: &str, now: &str, expected: &[&str]) {
    assert_eq!(times(&parts(given), false, device, now, expected.len().max(1)), expected, "{given}");
}

#[test]
fn section_3_5_what_is_finer_takes_its_minimum_and_what_is_coarser_is_free() {
    let now = "2026-11-26T15:53:20";
    row("hour 15 minute 53", "UTC", now, &["2026-11-27T15:53:00", "2026-11-28T15:53:00"]);
    row("minute 30", "UTC", now, &["2026-11-26T16:30:00", "2026-11-26T17:30:00"]);
    row("second 5", "UTC", now, &["2026-11-26T15:54:05"]);
    row("month 2", "UTC", now, &["2027-02-01T00:00:00", "2028-02-01T00:00:00"]);
    row("day 5", "UTC", now, &["2026-12-05T00:00:00"]);
    row("year 2028", "UTC", now, &["2028-01-01T00:00:00"]);
    row("hour 21", "UTC", now, &["2026-11-26T21:00:00"]);
    row("month 12 day 24 hour 18", "UTC", now, &["2026-12-24T18:00:00", "2027-12-24T18:00:00"]);
    row("nanosecond 500000000", "UTC", now, &["2026-11-26T15:53:20.5", "2026-11-26T15:53:21.5"]);
    row("hour 9 nanosecond 1", "UTC", now, &["2026-11-27T09:00:00", "2026-11-27T09:00:01"]);
}

#[test]
fn section_3_5_a_part_that_is_missing_between_is_free() {
    let now = "2026-11-26T12:00:00";
    row("day 5 minute 10", "UTC", now, &["2026-12-05T00:10:00", "2026-12-05T01:10:00"]);
    row("month 2 hour 9", "UTC", now, &["2027-02-01T09:00:00", "2027-02-02T09:00:00"]);
    row("hour 8 second 30", "UTC", now, &["2026-11-27T08:00:30", "2026-11-27T08:01:30"]);
}

#[test]
fn section_3_5_weekdays_weeks_and_quarters() {
    // A Thursday.
    let now = "2026-11-26T12:00:00";
    row("weekday 1", "UTC", now, &["2026-11-29T00:00:00", "2026-12-06T00:00:00"]);
    row("weekday 7 hour 8", "UTC", now, &["2026-11-28T08:00:00"]);
    row("weekday 3 weekday_ordinal 2 hour 9", "UTC", now, &["2026-12-08T09:00:00", "2027-01-12T09:00:00"]);
    row("weekday 2 weekday_ordinal 5", "UTC", now, &["2026-11-30T00:00:00", "2027-03-29T00:00:00"]);
    row("weekday_ordinal 2", "UTC", now, &["2026-12-08T00:00:00", "2027-01-08T00:00:00"]);
    row("week_of_month 2 weekday 2", "UTC", now, &["2026-12-07T00:00:00", "2027-01-04T00:00:00"]);
    row("quarter 2", "UTC", now, &["2027-04-01T00:00:00", "2028-04-01T00:00:00"]);
    row("quarter 1 day 15 hour 7", "UTC", now, &["2027-01-15T07:00:00", "2027-02-15T07:00:00"]);
    row("week_of_year 10", "UTC", now, &["2027-02-28T00:00:00"]);
    row("week_of_year 10 calendar iso", "UTC", now, &["2027-03-08T00:00:00"]);
    let week_53 = ["2026-12-28T06:00:00", "2032-12-27T06:00:00"];
    row("week_of_year 53 weekday 2 hour 6 calendar iso", "UTC", now, &week_53);
    row("year_for_week_of_year 2027 week_of_year 1 weekday 1", "UTC", now, &["2026-12-27T00:00:00"]);
    row("month 2 day 29 weekday 1", "UTC", now, &["2032-02-29T00:00:00", "2060-02-29T00:00:00"]);
    row("weekday 7 day 31 week_of_year 53", "UTC", now, &["2033-12-31T00:00:00", "2039-12-31T00:00:00"]);
    row("weekday 7 day 31 week_of_year 53 calendar iso", "UTC", now, &[]);
    row("weekday 6 day 31 week_of_year 53 calendar iso", "UTC", now, &["2032-12-31T00:00:00"]);
}

#[test]
fn section_3_5_strictly_after_now() {
    row("hour 15 minute 53", "UTC", "2026-11-26T15:52:59.999", &["2026-11-26T15:53:00"]);
    row("hour 15 minute 53", "UTC", "2026-11-26T15:53:00", &["2026-11-27T15:53:00"]);
    row("hour 15 minute 53", "UTC", "2026-11-26T15:53:20", &["2026-11-27T15:53:00"]);
}

#[test]
fn section_3_5_a_date_that_is_past_or_out_of_range_never_comes() {
    for given in [
        "",
        "era 1",
        "era 0 hour 1",
        "year 2026 month 11 day 25",
        "year 2025",
        "hour -24",
        "hour 24",
        "month 13",
        "month 0",
        "day 0",
        "day 32",
        "minute 60",
        "second 60",
        "nanosecond -1",
        "nanosecond 1000000000",
        "weekday 0",
        "weekday 8",
        "weekday_ordinal 6",
        "weekday_ordinal -1",
        "week_of_month 7",
        "week_of_year 54",
        "quarter 5",
        "year 10000",
        "year -5",
        "month 2 quarter 3",
        "day 5 weekday_ordinal 2",
    ] {
        row(given, "UTC", "2026-11-26T12:00:00", &[]);
    }
}

#[test]
fn section_3_5_fully_specified_is_found_once() {
    row(
        "year 2026 month 12 day 1 hour 9 minute 30 second 15",
        "UTC",
        "2026-11-26T12:00:00",
        &["2026-12-01T09:30:15"],
    );
    let given = parts("year 2026 month 12 day 1 hour 9");
    assert_eq!(times(&given, false, "UTC", "2026-11-26T12:00:00", 5), ["2026-12-01T09:00:00"]);
}

#[test]
fn section_3_5_a_zone_of_its_own_is_immune_to_travel() {
    let now = "2026-11-26T00:00:00";
    row("hour 9 zone Asia/Shanghai", "UTC", now, &["2026-11-26T01:00:00"]);
    row("hour 9 zone Asia/Shanghai", "America/New_York", now, &["2026-11-26T20:00:00"]);
    row("hour 9", "Asia/Shanghai", now, &["2026-11-26T09:00:00"]);
    assert!(parts("hour 9 zone Mars/Olympus").zone("UTC").is_none());
}

#[test]
fn section_3_5_in_a_gap_the_next_existing_time_takes_its_place() {
    let (zone, now) = ("America/New_York", "2027-03-13T12:00:00");
    row("hour 2 minute 30", zone, now, &["2027-03-14T03:00:00", "2027-03-15T02:30:00"]);
    row("hour 2", zone, now, &["2027-03-14T03:00:00", "2027-03-15T02:00:00"]);
    row("hour 3", zone, now, &["2027-03-14T03:00:00", "2027-03-15T03:00:00"]);
    let hourly = ["2027-03-14T00:30:00", "2027-03-14T01:30:00", "2027-03-14T03:30:00"];
    row("minute 30", zone, "2027-03-14T00:00:00", &hourly);
    let strict = times(&parts("hour 2 minute 30"), true, zone, now, 1);
    assert_eq!(strict, ["2027-03-15T02:30:00"]);
    // Midnight is missing where the clock is put forward at midnight.
    row("day 1 month 10", "America/Asuncion", "2023-05-01T00:00:00", &["2023-10-01T01:00:00"]);
    let strict = times(&parts("day 1 month 10"), true, "America/Asuncion", "2023-05-01T00:00:00", 1);
    assert_eq!(strict, ["2023-10-01T01:00:00"], "a day begins when it begins");
    // 30 December 2011 is missing in Samoa.
    let daily = ["2011-12-29T09:00:00", "2011-12-31T09:00:00"];
    row("hour 9", "Pacific/Apia", "2011-12-28T12:00:00", &daily);
    row("day 30 hour 9", "Pacific/Apia", "2011-12-28T12:00:00", &["2011-12-31T00:00:00"]);
    // Half an hour.
    row("hour 2 minute 10", "Australia/Lord_Howe", "2026-10-03T12:00:00", &["2026-10-04T02:30:00"]);
    row("hour 2 minute 40", "Australia/Lord_Howe", "2026-10-03T12:00:00", &["2026-10-04T02:40:00"]);
}

#[test]
fn section_3_5_in_an_overlap_only_the_first_time_counts() {
    let (zone, now) = ("America/New_York", "2026-10-31T12:00:00");
    let given = parts("hour 1 minute 30");
    let tz = given.zone(zone).expect("it is a zone");
    let first = next(&given, false, &tz, at(now, zone)).expect("it comes");
    assert_eq!(first, "2026-11-01T05:30:00Z".parse().expect("a time"), "01:30 in summer time");
    let second = next(&given, false, &tz, first).expect("it comes");
    assert_eq!(second, "2026-11-02T06:30:00Z".parse().expect("a time"));
    // From within the hour that comes twice, the second time.
    let between = "2026-11-01T06:10:00Z".parse().expect("a time");
    assert_eq!(next(&given, false, &tz, between), Some(second));
    let hourly = next(&parts("minute 30"), false, &tz, between).expect("it comes");
    assert_eq!(hourly, "2026-11-01T07:30:00Z".parse().expect("a time"));
}

#[test]
fn section_3_5_a_day_that_a_month_lacks_is_the_next_existing_one_unless_strict() {
    let now = "2027-06-02T12:00:00";
    row("day 31", "UTC", now, &["2027-07-01T00:00:00", "2027-07-31T00:00:00", "2027-08-31T00:00:00"]);
    row("day 31 hour 9", "UTC", now, &["2027-07-01T00:00:00", "2027-07-31T09:00:00"]);
    row("month 2 day 29", "UTC", now, &["2028-02-29T00:00:00", "2029-03-01T00:00:00"]);
    row("month 6 day 31", "UTC", now, &["2027-07-01T00:00:00", "2028-07-01T00:00:00"]);
    row("year 2029 month 2 day 30 hour 5", "UTC", now, &["2029-03-01T00:00:00"]);
    assert_eq!(times(&parts("day 31"), true, "UTC", now, 2), ["2027-07-31T00:00:00", "2027-08-31T00:00:00"]);
    assert_eq!(times(&parts("month 2 day 29"), true, "UTC", now, 1), ["2028-02-29T00:00:00"]);
    assert!(times(&parts("month 6 day 31"), true, "UTC", now, 1).is_empty());
}

/// What is never found costs most: the whole 400 years.
#[test]
fn the_work_is_bounded_whatever_is_asked() {
    for (given, strict, zone) in [
        ("month 2 day 29 weekday 1", false, "UTC"),
        ("weekday 7 day 31 week_of_year 53 week_of_month 6 quarter 4", false, "UTC"),
        ("week_of_year 53 month 6", false, "UTC"),
        ("week_of_year 53 weekday_ordinal 1 nanosecond 7", false, "UTC"),
        ("year_for_week_of_year 2027 month 6 week_of_year 53", false, "UTC"),
        // Always in the gap.
        ("month 3 weekday 1 weekday_ordinal 2 hour 2 minute 30", true, "America/New_York"),
        ("month 3 weekday 1 weekday_ordinal 2 hour 2 nanosecond 1", true, "America/New_York"),
        ("month 2 day 30", true, "UTC"),
    ] {
        let given = parts(given);
        let tz = given.zone(zone).expect("it is a zone");
        let mut search = Search::new(&given, strict, &tz).expect("it is in range");
        let found = search.after(at("2027-01-01T00:00:00", zone));
        assert!(search.days.steps < 15_000, "{given:?} took {} steps to {found:?}", search.days.steps);
    }
}

/// A day as `jiff` knows it, which counts weeks in its own way.
fn day_fits(given: &DateComponents, date: Date) -> bool {
    let is = |given: Option<i64>, value: i64| given.is_none_or(|given| given == value);
    let weekday = |date: Date| i64::from(date.weekday().to_sunday_one_offset());
    let (week, week_year) = match given.calendar {
        Some(CalendarIdentifier::Iso8601) => {
            let week = date.iso_week_date();
            (i64::from(week.week()), i64::from(week.year()))
        }
        None | Some(CalendarIdentifier::Gregorian) => {
            // The Saturday of the week has its year; the week is as many as there were Saturdays.
            let to_saturday = Weekday::Saturday.since(date.weekday());
            let saturday = date.checked_add(i64::from(to_saturday).days()).expect("it is in range");
            (i64::from((saturday.day_of_year() + 6) / 7), i64::from(saturday.year()))
        }
    };
    let starts = match given.calendar {
        Some(CalendarIdentifier::Iso8601) => 2,
        None | Some(CalendarIdentifier::Gregorian) => 1,
    };
    // Weeks of a month begin anew on this weekday; the first counts if it has days enough.
    let days = || (1..=date.day()).map(|day| date.with().day(day).build().expect("it is in the month"));
    let begun = i64::try_from(days().filter(|day| weekday(*day) == starts).count()).expect("few");
    let before = (0..7).take_while(|ahead| {
        let day = date.first_of_month().checked_add((*ahead).days()).expect("it is in range");
        weekday(day) != starts
    });
    let least = if starts == 1 { 1 } else { 4 };
    let week_of_month = begun + i64::from(before.count() >= least);
    is(given.month, date.month().into())
        && is(given.day, date.day().into())
        && is(given.quarter, i64::from(date.month() + 2) / 3)
        && is(given.weekday, weekday(date))
        && is(given.weekday_ordinal, i64::from(date.day() + 6) / 7)
        && is(given.week_of_month, week_of_month)
        && is(given.week_of_year, week)
        && is(given.year_for_week_of_year, week_year)
        && is(given.year, date.year().into())
}

fn some(range: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 1 => range.prop_map(Some)]
}

prop_compose! {
    fn dates()(
        year in some(2026..=2032), quarter in some(1..=4), month in some(1..=12), day in some(1..=31),
        weekday in some(1..=7), weekday_ordinal in some(1..=5), week_of_month in some(0..=6),
        week_of_year in some(1..=53), year_for_week_of_year in some(2026..=2031), iso in any::<bool>(),
    ) -> DateComponents {
        DateComponents {
            year, quarter, month, day, weekday, weekday_ordinal, week_of_month, week_of_year, year_for_week_of_year,
            calendar: iso.then_some(CalendarIdentifier::Iso8601),
            ..DateComponents::default()
        }
    }
}

prop_compose! {
    fn clocks()(
        day in some(1..=31), weekday in some(1..=7), hour in some(0..=3), minute in some(0..=59),
        second in some(0..=59),
    ) -> DateComponents {
        DateComponents { day, weekday, hour, minute, second, ..DateComponents::default() }
    }
}

proptest! {
    #[test]
    fn the_day_is_that_which_stepping_through_the_days_finds(given in dates(), start in 0_i64..3_000, clock in any::<bool>()) {
        let given = DateComponents { hour: clock.then_some(12), ..given };
        let begin = Date::constant(2026, 1, 1).checked_add(start.days()).expect("it is in range");
        let now = UnixMillis(TimeZone::UTC.to_timestamp(begin.at(12, 0, 0, 0)).expect("in range").as_millisecond());
        let only_first = !clock && given.day.is_none() && given.weekday.is_none();
        let found = next(&given, true, &TimeZone::UTC, now)
            .map(|at| TimeZone::UTC.to_datetime(Timestamp::from_millisecond(at.0).expect("in range")).date());
        let anything = given != DateComponents { calendar: given.calendar, ..DateComponents::default() };
        let stepped = (1_i64..3_000).map(|ahead| begin.checked_add(ahead.days()).expect("it is in range")).find(|date| {
            let before = date.yesterday().expect("it is in range");
            anything && day_fits(&given, *date) && !(only_first && day_fits(&given, before))
        });
        match (found, stepped) {
            (found, Some(stepped)) => prop_assert_eq!(found, Some(stepped)),
            (found, None) => {
                let end = begin.checked_add(3_000.days()).expect("it is in range");
                prop_assert!(found.is_none_or(|found| found >= end), "{:?} was passed over", found);
            }
        }
    }

    #[test]
    fn the_instant_is_that_which_stepping_through_the_seconds_finds(
        given in clocks(),
        (zone_name, change) in prop_oneof![
            Just(("America/New_York", "2027-03-14T07:00:00Z")), Just(("America/New_York", "2026-11-01T06:00:00Z")),
            Just(("Australia/Lord_Howe", "2026-10-03T15:30:00Z")), Just(("Europe/Berlin", "2026-10-25T01:00:00Z")),
            Just(("America/Asuncion", "2023-10-01T04:00:00Z")), Just(("Asia/Shanghai", "2026-11-26T00:00:00Z")),
        ],
        back in 0_i64..10_000_000,
    ) {
        let change: UnixMillis = change.parse().expect("it is a time");
        let now = change.plus_millis(-back);
        let tz = zone(zone_name).expect("it is a zone");
        // Strict, so that whatever is found fits by itself; what takes the place of what is missing has its own table.
        let found = next(&given, true, &tz, now);
        let first = now.0.div_euclid(1_000) + 1;
        let fits = |second: i64| {
            let instant = Timestamp::from_second(second).expect("it is in range");
            let wall = tz.to_datetime(instant);
            let is = |given: Option<i64>, value: i64, minimum: bool| match given {
                Some(given) => given == value,
                None => !minimum || value == 0,
            };
            // Where clocks were put back, it was an hour or half of one.
            let twice = || {
                [1_800, 3_600].iter().any(|back| {
                    tz.to_datetime(instant.checked_sub(back.seconds()).expect("it is in range")) == wall
                })
            };
            given.has_or_day()
                && is(given.day, wall.day().into(), false)
                && is(given.weekday, wall.date().weekday().to_sunday_one_offset().into(), false)
                && is(given.hour, wall.hour().into(), given.minute.is_none() && given.second.is_none())
                && is(given.minute, wall.minute().into(), given.second.is_none())
                && is(given.second, wall.second().into(), true)
                && !twice()
        };
        // A day without a midnight begins later; that, too, has its row in a table.
        prop_assume!(given.has_time() || zone_name != "America/Asuncion");
        let stepped = (first..first + 12_000).find(|second| fits(*second)).map(|second| UnixMillis(second * 1_000));
        match (found, stepped) {
            (found, Some(stepped)) => prop_assert_eq!(found, Some(stepped)),
            (found, None) => prop_assert!(found.is_none_or(|found| found.secs() >= first + 12_000)),
        }
    }
}

impl DateComponents {
    fn has_or_day(&self) -> bool {
        self.has_time() || self.day.is_some() || self.weekday.is_some()
    }
}
