//! Which days fit the given parts of a date. Years repeat: what fits in one depends only on its weekdays, its length
//! and the length of the year before, so each kind of year is looked at once, day by day, and kept as a row of bits.

use jiff::civil::Date;

use super::{CalendarIdentifier, DateComponents};

/// Why a day is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Fits,
    /// The month before lacks the day: its next existing one is this, from its beginning.
    Substitute,
}

/// The days that fit.
pub(super) struct Days<'a> {
    given: &'a DateComponents,
    strict: bool,
    /// Only the first day of each run that fits: nothing as fine as a day is given.
    only_first: bool,
    /// By the kind of the year.
    known: [Option<Row>; 28],
    /// Days and years that were looked at.
    pub(super) steps: u32,
}

/// The fitting days of a year, a bit each.
#[derive(Clone, Copy, Default)]
struct Row {
    fits: [u64; 6],
    substitutes: [u64; 6],
}

/// What of a year decides which of its days fit.
#[derive(Clone, Copy)]
struct Year {
    number: i16,
    is_leap: bool,
    after_leap: bool,
    /// Of 1 January; 0 is Sunday.
    begins: u16,
}

/// A day, as it is compared.
#[derive(Clone, Copy)]
struct Day {
    year: Year,
    /// 0 is 1 January.
    of_year: u16,
    month: u16,
    of_month: u16,
    /// 0 is Sunday.
    weekday: u16,
}

const fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const MONTHS: [u16; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Year {
    fn of(number: i16) -> Self {
        // 1 January 2023 was a Sunday.
        let days =
            |years: i64| years * 365 + years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
        let since = days(i64::from(number) - 1) - days(2_022);
        let begins = u16::try_from(since.rem_euclid(7)).unwrap_or_default();
        Self { number, is_leap: is_leap(number), after_leap: is_leap(number - 1), begins }
    }

    const fn len(self) -> u16 {
        365 + self.is_leap as u16
    }

    const fn month_len(self, month: u16) -> u16 {
        MONTHS[month as usize - 1] + (month == 2 && self.is_leap) as u16
    }

    const fn kind(self) -> usize {
        self.begins as usize * 4 + self.is_leap as usize * 2 + self.after_leap as usize
    }

    /// Its first day, or the last one of the year before.
    const fn edge(self, first: bool) -> Day {
        if first {
            return Day { year: self, of_year: 0, month: 1, of_month: 1, weekday: self.begins };
        }
        let len = 365 + self.after_leap as u16;
        let begins = (self.begins + 7 * 53 - len) % 7;
        let year = Self { number: self.number - 1, is_leap: self.after_leap, after_leap: false, begins };
        Day { year, of_year: len - 1, month: 12, of_month: 31, weekday: (self.begins + 6) % 7 }
    }
}

impl Day {
    /// The day after, in the same year.
    const fn next(self) -> Self {
        let last = self.of_month == self.year.month_len(self.month);
        Self {
            of_year: self.of_year + 1,
            month: self.month + last as u16,
            of_month: if last { 1 } else { self.of_month + 1 },
            weekday: (self.weekday + 1) % 7,
            ..self
        }
    }
}

/// How weeks are counted.
#[derive(Clone, Copy)]
struct Weeks {
    /// 0 is Sunday.
    first_weekday: i32,
    /// How many days the first week of a year or a month has in it at least.
    least_days: i32,
}

impl Weeks {
    const fn of(calendar: Option<CalendarIdentifier>) -> Self {
        match calendar {
            None | Some(CalendarIdentifier::Gregorian) => Self { first_weekday: 0, least_days: 1 },
            Some(CalendarIdentifier::Iso8601) => Self { first_weekday: 1, least_days: 4 },
        }
    }

    /// Where week 1 begins, counted in days from a first day with this weekday.
    fn first_week(self, weekday: i32) -> i32 {
        let into = (weekday - self.first_weekday).rem_euclid(7);
        if 7 - into >= self.least_days { -into } else { 7 - into }
    }

    fn of_month(self, day: &Day) -> i64 {
        let at = i32::from(day.of_month) - 1;
        let first = self.first_week(i32::from(day.weekday) - at);
        i64::from((at - first).div_euclid(7) + 1)
    }

    /// The week of the year, and the year it counts to.
    fn of_year(self, day: &Day) -> (i64, i64) {
        let (at, begins, number) =
            (i32::from(day.of_year), i32::from(day.year.begins), i64::from(day.year.number));
        let len = i32::from(day.year.len());
        if at - len >= self.first_week(begins + len) {
            return (1, number + 1);
        }
        let first = self.first_week(begins);
        if at >= first {
            return (i64::from((at - first) / 7 + 1), number);
        }
        let before = 365 + i32::from(day.year.after_leap);
        let first = self.first_week(begins - before);
        (i64::from((at + before - first) / 7 + 1), number - 1)
    }
}

impl<'a> Days<'a> {
    pub(super) fn new(given: &'a DateComponents, strict: bool) -> Self {
        let only_first = given.day.is_none() && given.weekday.is_none() && !given.has_time();
        Self { given, strict, only_first, known: [None; 28], steps: 0 }
    }

    /// The first day that is taken, not before `from`, to the end of `last_year`.
    pub(super) fn next(&mut self, from: Date, last_year: i16) -> Option<(Date, Kind)> {
        let (mut first, mut last) = (from.year(), last_year);
        if let Some(year) = self.given.year {
            let year = i16::try_from(year).ok()?;
            (first, last) = (first.max(year), last.min(year));
        }
        if let Some(year) = self.given.year_for_week_of_year {
            let year = i16::try_from(year).ok()?;
            (first, last) = (first.max(year - 1), last.min(year + 1));
        }
        for number in first.max(1)..=last {
            self.steps += 1;
            let row = self.row(Year::of(number));
            let start = if number == from.year() { from.day_of_year().unsigned_abs() - 1 } else { 0 };
            let (fits, substitute) = (first_bit(&row.fits, start), first_bit(&row.substitutes, start));
            let (of_year, kind) = match (fits, substitute) {
                (None, None) => continue,
                (Some(fits), Some(substitute)) if substitute < fits => (substitute, Kind::Substitute),
                (Some(fits), _) => (fits, Kind::Fits),
                (None, Some(substitute)) => (substitute, Kind::Substitute),
            };
            let date = Date::new(number, 1, 1).ok()?;
            let days = jiff::Span::new().days(i64::from(of_year));
            return Some((date.checked_add(days).ok()?, kind));
        }
        None
    }

    fn row(&mut self, year: Year) -> Row {
        if self.given.year.is_some() || self.given.year_for_week_of_year.is_some() {
            return self.look_at(year);
        }
        if let Some(row) = self.known[year.kind()] {
            return row;
        }
        let row = self.look_at(year);
        self.known[year.kind()] = Some(row);
        row
    }

    fn look_at(&mut self, year: Year) -> Row {
        let mut row = Row::default();
        let mut before = self.only_first && self.fits(&year.edge(false));
        let mut day = year.edge(true);
        for _ in 0..year.len() {
            self.steps += 1;
            let fits = self.fits(&day);
            let (word, bit) = (usize::from(day.of_year / 64), 1 << (day.of_year % 64));
            if fits && !before {
                row.fits[word] |= bit;
            }
            before = self.only_first && fits;
            if day.of_month == 1 && self.lacks_its_day(year, day.month - 1) {
                row.substitutes[word] |= bit;
            }
            day = day.next();
        }
        row
    }

    /// Whether the day that is asked for is missing at the end of this month. Beside parts that name a weekday or a
    /// week, another day would break those: it is passed over.
    fn lacks_its_day(&self, year: Year, month: u16) -> bool {
        let given = self.given;
        let by_weeks = [
            given.weekday,
            given.weekday_ordinal,
            given.week_of_month,
            given.week_of_year,
            given.year_for_week_of_year,
        ];
        !self.strict
            && month > 0
            && given.day.is_some_and(|day| day > i64::from(year.month_len(month)))
            && by_weeks.iter().all(Option::is_none)
            && self.fits_month(year, month)
    }

    fn fits_month(&self, year: Year, month: u16) -> bool {
        let is = |given: Option<i64>, value: u16| given.is_none_or(|given| given == i64::from(value));
        self.given.year.is_none_or(|given| given == i64::from(year.number))
            && is(self.given.month, month)
            && is(self.given.quarter, (month - 1) / 3 + 1)
    }

    fn fits(&self, day: &Day) -> bool {
        let given = self.given;
        let is = |given: Option<i64>, value: u16| given.is_none_or(|given| given == i64::from(value));
        if !(self.fits_month(day.year, day.month)
            && is(given.day, day.of_month)
            && is(given.weekday, day.weekday + 1)
            && is(given.weekday_ordinal, (day.of_month - 1) / 7 + 1))
        {
            return false;
        }
        let weeks = Weeks::of(given.calendar);
        if given.week_of_month.is_some_and(|week| week != weeks.of_month(day)) {
            return false;
        }
        if given.week_of_year.is_none() && given.year_for_week_of_year.is_none() {
            return true;
        }
        let (week, year) = weeks.of_year(day);
        given.week_of_year.is_none_or(|given| given == week)
            && given.year_for_week_of_year.is_none_or(|given| given == year)
    }
}

/// The first bit that is set, not before `start`.
fn first_bit(row: &[u64; 6], start: u16) -> Option<u16> {
    let (word, bit) = (usize::from(start / 64), start % 64);
    let masked = row[word] & (u64::MAX << bit);
    let found = |word: usize, bits: u64| u16::try_from(word * 64 + bits.trailing_zeros() as usize).ok();
    if masked != 0 {
        return found(word, masked);
    }
    let rest = row.iter().enumerate().skip(word + 1).find(|(_, bits)| **bits != 0);
    rest.and_then(|(word, bits)| found(word, *bits))
}
