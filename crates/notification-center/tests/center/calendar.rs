//! Device facts §3.5: requests that wait for a time on the wall. How the time is found is tested beside the search.

use homing_trace::UnixMillis;

use super::*;

const SHOWN: &str = "on Banner+LockScreen+NotificationCenter";

fn daily(hour: i64) -> DateComponents {
    DateComponents { hour: Some(hour), ..DateComponents::default() }
}

/// 2026-11-22, which is the day of [`START`].
fn that_day(hour: i64) -> DateComponents {
    DateComponents { year: Some(2026), month: Some(11), day: Some(22), ..daily(hour) }
}

fn on(date_components: DateComponents, repeats: bool) -> Option<Trigger> {
    Some(Trigger::Calendar { date_components: Box::new(date_components), repeats, strict: false })
}

fn travel(time_zone: &str) -> Input {
    Input::TimeZoneChanged { time_zone: time_zone.to_owned() }
}

fn next(phone: &Phone) -> Option<UnixMillis> {
    phone.center.pending(NEWS).first().and_then(|pending| pending.next_trigger_date)
}

fn background() -> Phone {
    Phone::after(allowed(AppState::Background))
}

#[test]
fn a_one_shot_fires_at_its_time_and_leaves() {
    let mut phone = background();
    assert_eq!(phone.take(add("nine", on(daily(9), false))), ["added"]);
    assert_eq!(next(&phone), Some(START.plus_millis(9 * HOUR)));
    assert_eq!(phone.pass(9 * HOUR - 1), [""; 0]);
    assert_eq!(phone.pass(1), [format!("present nine {SHOWN}")]);
    assert!(phone.waiting().is_empty());
}

/// §3.5: the year that is given is a date, however far away.
#[test]
fn section_3_5_a_year_that_is_given_is_found_however_far_away_it_is() {
    for year in [2_427, 3_000, 9_999] {
        let mut phone = background();
        let far = DateComponents { year: Some(year), ..DateComponents::default() };
        assert_eq!(phone.take(add("far", on(far, false))), ["added"], "{year}");
        let date = next(&phone).expect("it has a date").to_string();
        assert!(date.starts_with(&format!("{year}-01-01T00:00:00")), "{date}");
    }
    let weeks = DateComponents {
        year_for_week_of_year: Some(3_000),
        week_of_year: Some(1),
        weekday: Some(1),
        ..DateComponents::default()
    };
    assert_eq!(background().take(add("far", on(weeks, false))), ["added"]);
}

#[test]
fn what_repeats_stays_and_what_it_missed_comes_once() {
    let mut phone = background();
    phone.take(add("nine", on(daily(9), true)));
    assert_eq!(phone.pass(9 * HOUR), [format!("present nine {SHOWN}")]);
    assert_eq!(phone.pass(5 * DAY), [format!("present nine {SHOWN}")]);
    let date = phone.center.delivered(NEWS).next().expect("it is listed").notification.date;
    assert_eq!(date, START.plus_millis(DAY + 9 * HOUR), "the date that it was due");
    assert_eq!(next(&phone), Some(START.plus_millis(6 * DAY + 9 * HOUR)));
}

#[test]
fn fully_specified_fires_once_even_if_it_repeats_and_is_refused_when_past() {
    let mut phone = background();
    phone.take(add("once", on(that_day(9), true)));
    assert_eq!(phone.pass(9 * HOUR), [format!("present once {SHOWN}")]);
    assert!(phone.waiting().is_empty() && phone.center.next_wake().is_none());
    assert_eq!(phone.take(add("once", on(that_day(9), false))), ["not added: NoDate"]);
}

#[test]
fn each_wrong_trigger_is_refused() {
    let in_zone = |name: &str| DateComponents { time_zone: Some(name.to_owned()), ..daily(9) };
    let often = DateComponents { nanosecond: Some(0), ..DateComponents::default() };
    let table = [
        (on(DateComponents::default(), false), "not added: NoDate"),
        (on(daily(-24), false), "not added: NoDate"),
        (on(DateComponents { month: Some(13), ..daily(1) }, true), "not added: NoDate"),
        (on(in_zone("Mars/Olympus"), false), "not added: UnknownTimeZone { name: \"Mars/Olympus\" }"),
        (on(in_zone("asia/shanghai"), false), "added"),
        (on(often.clone(), true), "not added: RepeatsTooOften"),
        (on(often, false), "added"),
    ];
    for (trigger, said) in table {
        assert_eq!(background().take(add("a", trigger.clone())), [said], "{trigger:?}");
    }
}

#[test]
fn who_travels_is_told_by_the_clock_on_the_new_wall() {
    for repeats in [false, true] {
        let mut phone = background();
        phone.take(add("nine", on(daily(9), repeats)));
        phone.pass(8 * HOUR);
        assert_eq!(phone.take(travel("America/New_York")), [""; 0]);
        assert_eq!(next(&phone), Some(START.plus_millis(14 * HOUR)), "09:00 in New York");
        assert_eq!(phone.pass(6 * HOUR), [format!("present nine {SHOWN}")]);
        assert_eq!(phone.waiting().len(), usize::from(repeats));
    }
}

#[test]
fn a_request_with_a_zone_of_its_own_stays_where_it_is() {
    let mut phone = background();
    let shanghai = DateComponents { time_zone: Some("Asia/Shanghai".to_owned()), ..daily(9) };
    phone.take(add("nine", on(shanghai, true)));
    let before = next(&phone);
    assert_eq!(before, Some(START.plus_millis(HOUR)));
    phone.take(travel("America/New_York"));
    assert_eq!(next(&phone), before);
}

#[test]
fn a_one_shot_that_travel_made_miss_its_time_fires_at_once_and_one_that_repeats_tomorrow() {
    let mut phone = background();
    phone.take(add("once", on(that_day(9), false)));
    phone.take(add("daily", on(daily(9), true)));
    phone.pass(8 * HOUR);
    assert_eq!(phone.take(travel("Asia/Shanghai")), [format!("present once {SHOWN}")], "there it is 16:00");
    assert_eq!(phone.waiting(), ["daily"]);
    assert_eq!(next(&phone), Some(START.plus_millis(25 * HOUR)));
    assert_eq!(phone.take(travel("Mars/Olympus")), [""; 0], "there is no such zone");
    assert_eq!(phone.center.time_zone(), "Asia/Shanghai");
}

#[test]
fn a_clock_that_is_set_forward_fires_at_once_and_one_set_back_does_not_fire_again() {
    let mut phone = background();
    phone.take(add("once", on(daily(9), false)));
    phone.take(add("daily", on(daily(9), true)));
    let fired = [format!("present once {SHOWN}"), format!("present daily {SHOWN}")];
    assert_eq!(phone.pass(10 * HOUR), fired);
    assert_eq!(phone.pass(-9 * HOUR), [""; 0]);
    assert_eq!(phone.waiting(), ["daily"]);
    assert_eq!(next(&phone), Some(START.plus_millis(9 * HOUR)), "what repeats goes on from there");
}

#[test]
fn what_was_due_while_the_device_was_off_comes_once_at_its_start() {
    let mut phone = background();
    phone.take(add("once", on(daily(9), false)));
    phone.take(add("daily", on(daily(10), true)));
    let json = phone.center.to_json().expect("it is written");
    phone.center = Center::from_json(&json).expect("it was written by us");
    phone.now = phone.now.plus_millis(3 * DAY);
    let fired = [format!("present once {SHOWN}"), format!("present daily {SHOWN}")];
    assert_eq!(phone.take(Input::Booted), fired);
    assert_eq!(next(&phone), Some(START.plus_millis(3 * DAY + 10 * HOUR)));
}

#[test]
fn a_strict_request_passes_over_what_does_not_exist() {
    let last = DateComponents { day: Some(31), ..DateComponents::default() };
    for (strict, days) in [(false, 9), (true, 39)] {
        let mut phone = background();
        let date_components = Box::new(last.clone());
        phone.take(add("last", Some(Trigger::Calendar { date_components, repeats: true, strict })));
        phone.take(Input::TimePassed);
        assert_eq!(next(&phone), Some(START.plus_millis(days * DAY)), "1 or 31 December");
    }
}
