//! Device facts §3.9: *UILocalNotification*, field by field.

use super::*;

fn in_background() -> Phone {
    Phone::after(allowed(AppState::Background))
}

fn repeating(unit: CalendarUnit, millis: i64) -> LocalNotification {
    LocalNotification { repeat_interval: Some(unit), ..local_at(millis) }
}

fn next_date(phone: &Phone) -> Option<String> {
    phone.center.pending(NEWS).first()?.next_trigger_date.map(|date| date.to_string())
}

fn scheduled(phone: &Phone) -> Vec<LocalNotification> {
    phone.center.scheduled_local_notifications(NEWS)
}

fn travels(zone: &str) -> Input {
    Input::TimeZoneChanged { time_zone: zone.to_owned() }
}

const PRESENT: &str = "present UILocalNotification-1 on Banner+LockScreen+NotificationCenter";

#[test]
fn without_a_fire_date_or_past_it_it_comes_when_it_is_scheduled() {
    let never = LocalNotification { fire_date: None, ..local_at(0) };
    for one in [never, local_at(-1), local_at(0)] {
        let mut phone = in_background();
        assert_eq!(phone.take(schedule(one)), ["added", PRESENT]);
        assert_eq!(scheduled(&phone), []);
    }
    let mut later = in_background();
    assert_eq!(later.take(schedule(local_at(MINUTE))), ["added"]);
    assert_eq!(scheduled(&later), [local_at(MINUTE)], "the app gets it back as it was");
    assert_eq!(later.pass(MINUTE - 1), [""; 0]);
    assert_eq!(later.pass(1), [PRESENT]);
    assert_eq!(scheduled(&later), [], "it comes once and is discarded");
}

#[test]
fn a_fire_date_without_a_zone_is_a_moment_and_with_one_what_the_clock_shows() {
    // 08:00 in Shanghai, on 2026-11-22.
    let alarm = |zone: Option<&str>| LocalNotification { time_zone: zone.map(str::to_owned), ..local_at(0) };
    let mut phone = in_background();
    phone.now = phone.now.plus_millis(-8 * HOUR);
    phone.take(travels("Asia/Shanghai"));
    phone.take(schedule(alarm(None)));
    assert_eq!(next_date(&phone).as_deref(), Some("2026-11-22T00:00:00.000Z"));
    phone.take(travels("Europe/Berlin"));
    assert_eq!(next_date(&phone).as_deref(), Some("2026-11-22T00:00:00.000Z"), "a countdown");

    let mut phone = in_background();
    phone.now = phone.now.plus_millis(-8 * HOUR);
    phone.take(travels("Asia/Shanghai"));
    phone.take(schedule(alarm(Some("Asia/Shanghai"))));
    assert_eq!(next_date(&phone).as_deref(), Some("2026-11-22T00:00:00.000Z"));
    phone.take(travels("Europe/Berlin"));
    assert_eq!(next_date(&phone).as_deref(), Some("2026-11-22T07:00:00.000Z"), "08:00 on the wall there");
    assert_eq!(scheduled(&phone), [alarm(Some("Asia/Shanghai"))], "as it was");

    let nowhere = schedule(alarm(Some("Mars/Base")));
    assert_eq!(phone.take(nowhere), ["not added: UnknownTimeZone { name: \"Mars/Base\" }"]);
}

/// Of 2026-11-30 08:00:00 UTC, eight days ahead: farther than most of the units.
#[test]
fn each_unit_repeats_from_the_fire_date_however_far_away_that_is() {
    use CalendarUnit::*;
    let first = 8 * DAY + 8 * HOUR;
    let table = [
        (Minute, "2026-11-30T08:01:00.000Z", "2026-11-30T08:02:00.000Z"),
        (Hour, "2026-11-30T09:00:00.000Z", "2026-11-30T10:00:00.000Z"),
        (Day, "2026-12-01T08:00:00.000Z", "2026-12-02T08:00:00.000Z"),
        (Weekday, "2026-12-01T08:00:00.000Z", "2026-12-02T08:00:00.000Z"),
        (WeekOfYear, "2026-12-07T08:00:00.000Z", "2026-12-14T08:00:00.000Z"),
        (Month, "2026-12-30T08:00:00.000Z", "2027-01-30T08:00:00.000Z"),
        (Quarter, "2027-02-28T08:00:00.000Z", "2027-05-30T08:00:00.000Z"),
        (Year, "2027-11-30T08:00:00.000Z", "2028-11-30T08:00:00.000Z"),
    ];
    for (unit, second, third) in table {
        let mut phone = in_background();
        assert_eq!(phone.take(schedule(repeating(unit, first))), ["added"]);
        let due = |phone: &Phone| next_date(phone).expect("it waits");
        assert_eq!(due(&phone), "2026-11-30T08:00:00.000Z", "{unit:?}");
        for expected in [second, third] {
            let millis = phone.center.next_wake().expect("it waits").millis_since(phone.now);
            assert_eq!(phone.pass(millis).last().map(String::as_str), Some(PRESENT), "{unit:?}");
            assert_eq!(due(&phone), expected, "{unit:?}");
        }
        assert_eq!(scheduled(&phone), [repeating(unit, first)]);
    }
    let mut era = in_background();
    era.take(schedule(repeating(Era, first)));
    era.pass(first);
    assert_eq!(scheduled(&era), [], "there is no era after this one");
}

#[test]
fn what_repeats_and_is_past_comes_at_once_and_then_at_its_next_date() {
    let mut phone = in_background();
    assert_eq!(phone.take(schedule(repeating(CalendarUnit::Day, -HOUR))), ["added", PRESENT]);
    assert_eq!(next_date(&phone).as_deref(), Some("2026-11-22T23:00:00.000Z"));
    phone.pass(3 * DAY);
    assert_eq!(phone.listed().len(), 1, "it replaces itself");
    assert_eq!(next_date(&phone).as_deref(), Some("2026-11-25T23:00:00.000Z"));

    let mut dateless = in_background();
    dateless.take(schedule(LocalNotification { fire_date: None, ..repeating(CalendarUnit::Day, 0) }));
    assert_eq!(scheduled(&dateless), [], "without a date there is none to repeat from");
}

#[test]
fn a_month_without_the_day_has_its_last_and_the_next_month_has_the_day_again() {
    // 2027-01-31 08:00.
    let mut phone = in_background();
    phone.take(schedule(repeating(CalendarUnit::Month, 70 * DAY + 8 * HOUR)));
    let mut dates = Vec::new();
    for _ in 0..3 {
        dates.push(next_date(&phone).expect("it waits"));
        let millis = phone.center.next_wake().expect("it waits").millis_since(phone.now);
        phone.pass(millis);
    }
    assert_eq!(dates, ["2027-01-31T08:00:00.000Z", "2027-02-28T08:00:00.000Z", "2027-03-31T08:00:00.000Z"]);
}

#[test]
fn each_day_on_the_wall_stays_at_its_hour_when_the_clock_is_put_forward() {
    // 02:30 in Berlin from 2027-03-27 on; on 28 March there is no such time.
    let mut phone = in_background();
    phone.take(travels("Europe/Berlin"));
    let zone = Some("Europe/Berlin".to_owned());
    let first = 125 * DAY + HOUR + 30 * MINUTE;
    phone.take(schedule(LocalNotification { time_zone: zone, ..repeating(CalendarUnit::Day, first) }));
    let mut dates = Vec::new();
    for _ in 0..3 {
        dates.push(next_date(&phone).expect("it waits"));
        let millis = phone.center.next_wake().expect("it waits").millis_since(phone.now);
        phone.pass(millis);
    }
    assert_eq!(dates, ["2027-03-27T01:30:00.000Z", "2027-03-28T01:00:00.000Z", "2027-03-29T00:30:00.000Z"]);
}

#[test]
fn a_region_excludes_a_fire_date_and_triggers_once_unless_told_otherwise() {
    let shop = json!({"identifier": "shop", "center": {"latitude": 31.2, "longitude": 121.5}, "radius": 100.0,
        "notify_on_entry": true, "notify_on_exit": false});
    let region: Region = serde_json::from_value(shop).expect("it is a region");
    let here = LocalNotification { region: Some(region), fire_date: None, ..local_at(0) };
    let both = LocalNotification { fire_date: local_at(HOUR).fire_date, ..here.clone() };
    let mut phone = in_background();
    assert_eq!(phone.take(schedule(both)), ["not added: LocalNotification(FireDateAndRegion)"]);
    let permission = LocationPermission::Always;
    phone.take(Input::LocationPermissionChanged { bundle: NEWS.to_owned(), permission });
    let to = |longitude| Input::LocationMoved(Coordinate { latitude: 31.2, longitude });
    for (once, left) in [(true, 0), (false, 1)] {
        let one = LocalNotification { region_triggers_once: once, ..here.clone() };
        phone.take(to(100.0));
        assert_eq!(phone.take(schedule(one.clone())), ["added"], "it waits for the border");
        assert_eq!(scheduled(&phone), [one]);
        assert_eq!(phone.take(to(121.5)).len(), 1, "it comes");
        assert_eq!(scheduled(&phone).len(), left, "once: {once}");
    }
    phone.take(to(100.0));
    assert_eq!(phone.take(to(121.5)).len(), 1, "and again");
}

/// §3.6: twenty regions of an app, by whichever call.
#[test]
fn section_3_6_a_list_may_not_watch_more_than_twenty_regions() {
    let by = |identifier: String| {
        let shop = json!({"identifier": identifier, "center": {"latitude": 31.2, "longitude": 121.5}, "radius": 100.0,
            "notify_on_entry": true, "notify_on_exit": false});
        let region: Region = serde_json::from_value(shop).expect("it is a region");
        LocalNotification { region: Some(region), fire_date: None, ..local_at(0) }
    };
    let set = |numbers: std::ops::Range<u8>| {
        let notifications = numbers.map(|number| by(number.to_string())).collect();
        legacy(LegacyInput::SetScheduledLocalNotifications { notifications, request: 9 })
    };
    let full = "not added: TooManyRegions { max: 20 }";
    let mut phone = in_background();
    phone.take(schedule(local_at(HOUR)));
    assert_eq!(phone.take(set(0..21)), [full]);
    assert_eq!(scheduled(&phone), [local_at(HOUR)], "the list stays");
    assert_eq!(phone.take(set(0..20)), ["added"]);
    assert_eq!(phone.take(set(20..40)), ["added"], "those before make way");
    assert_eq!(phone.take(schedule(by("40".to_owned()))), [full]);
    assert_eq!(phone.take(schedule(by("20".to_owned()))), ["added"], "the same region");
    let region = by("home".to_owned()).region.expect("it has one");
    let newer = Some(Trigger::Location { region: Box::new(region), repeats: false });
    phone.take(set(0..19));
    assert_eq!(phone.take(add("home", newer)), ["added"]);
    assert_eq!(phone.take(set(0..20)), [full], "with that of the newer API");
    assert_eq!(phone.take(set(0..19)), ["added"]);
}

#[test]
fn each_field_is_shown_as_it_says() {
    let whole = LocalNotification {
        fire_date: None,
        alert_title: Some("t".to_owned()),
        sound_name: Some("UILocalNotificationDefaultSoundName".to_owned()),
        application_icon_badge_number: 3,
        ..local_at(0)
    };
    type Row<'a> = (LocalNotification, &'a [&'a str]);
    let table: [Row<'_>; 7] = [
        (whole.clone(), &["added", PRESENT, "sound default", "badge 3"]),
        (LocalNotification { alert_body: None, ..whole.clone() }, &["added", "sound default", "badge 3"]),
        (LocalNotification { sound_name: None, ..whole.clone() }, &["added", PRESENT, "badge 3"]),
        (
            LocalNotification { sound_name: Some("chime.caf".to_owned()), ..whole.clone() },
            &["added", PRESENT, "sound chime.caf", "badge 3"],
        ),
        (
            LocalNotification { sound_name: Some("symphony.caf".to_owned()), ..whole.clone() },
            &["added", PRESENT, "sound default", "badge 3"],
        ),
        (
            LocalNotification { application_icon_badge_number: 0, ..whole.clone() },
            &["added", PRESENT, "sound default"],
        ),
        (
            LocalNotification {
                alert_body: None,
                sound_name: None,
                application_icon_badge_number: 0,
                ..whole.clone()
            },
            &["added"],
        ),
    ];
    for (one, expected) in table {
        let mut phone = in_background();
        assert_eq!(phone.take(schedule(one.clone())), expected, "{one:?}");
    }
    let mut phone = in_background();
    phone.take(schedule(whole));
    let shown = phone.center.delivered(NEWS).next().expect("it is shown");
    assert_eq!(shown.notification.request.content.title.as_str(), "t");
}

#[test]
fn user_info_is_a_property_list() {
    let with = |user_info: serde_json::Value| LocalNotification {
        user_info: user_info.as_object().expect("it is an object").clone(),
        ..local_at(HOUR)
    };
    let mut phone = in_background();
    let refused = "not added: LocalNotification(UserInfoNotPropertyList)";
    assert_eq!(phone.take(schedule(with(json!({"a": null})))), [refused]);
    assert_eq!(phone.take(schedule(with(json!({"a": [{"b": null}]})))), [refused]);
    let good = with(json!({"a": [1, "b", true, {"c": 1.5}]}));
    assert_eq!(phone.take(schedule(good.clone())), ["added"]);
    assert_eq!(scheduled(&phone), [good]);
    let deep = (0..65).fold(json!(1), |inner, _| json!({"a": inner}));
    assert_eq!(phone.take(schedule(with(deep))), ["not added: ContentTooDeep"]);
    let large = LocalNotification { alert_body: Some("n".repeat(70_000)), ..local_at(HOUR) };
    assert!(phone.take(schedule(large))[0].starts_with("not added: LocalNotification(TooLarge"));
}

#[test]
fn scheduling_needs_permission() {
    let mut phone = Phone::after([state(AppState::Foreground), delegate(), launched()]);
    assert_eq!(phone.take(schedule(local_at(HOUR))), ["not added: NotificationsNotAllowed"]);
    assert_eq!(scheduled(&phone), []);
}

#[test]
fn beyond_sixty_four_the_soonest_are_kept() {
    let mut phone = in_background();
    for minute in (1..=70).rev() {
        phone.take(schedule(local_at(minute * MINUTE)));
    }
    let kept = scheduled(&phone);
    assert_eq!(kept.len(), 64);
    assert_eq!(kept[0], local_at(MINUTE), "soonest first");
    assert_eq!(kept[63], local_at(64 * MINUTE));
}

#[test]
fn presenting_now_ignores_the_fire_date() {
    let mut phone = in_background();
    let notification = Box::new(repeating(CalendarUnit::Day, DAY));
    let now = LegacyInput::PresentLocalNotificationNow { notification, request: 9 };
    assert_eq!(phone.take(legacy(now)), ["added", PRESENT]);
    assert_eq!(scheduled(&phone), []);
}

#[test]
fn cancelling_means_all_that_are_equal_waiting_or_shown() {
    let cancel =
        |one: LocalNotification| legacy(LegacyInput::CancelLocalNotification { notification: Box::new(one) });
    let mut phone = in_background();
    let other = LocalNotification { alert_body: Some("other".to_owned()), ..local_at(HOUR) };
    for one in [local_at(HOUR), local_at(HOUR), other.clone()] {
        phone.take(schedule(one));
    }
    assert_eq!(scheduled(&phone).len(), 3, "two that are equal are two");
    phone.take(cancel(LocalNotification { has_action: false, ..local_at(HOUR) }));
    assert_eq!(scheduled(&phone).len(), 3, "it isn't equal");
    phone.take(cancel(local_at(HOUR)));
    assert_eq!(scheduled(&phone), std::slice::from_ref(&other));

    phone.pass(HOUR);
    assert_eq!(phone.listed(), ["UILocalNotification-3"]);
    assert_eq!(phone.take(cancel(other)), ["removed UILocalNotification-3"], "it leaves the screen, too");

    phone.take(schedule(local_at(2 * HOUR)));
    phone.take(schedule(LocalNotification { fire_date: None, ..local_at(0) }));
    phone.take(add("newer", after(60.0)));
    phone.take(arrives(alert(1)));
    phone.take(legacy(LegacyInput::CancelAllLocalNotifications));
    assert_eq!((phone.waiting(), phone.listed()), (vec!["newer".to_owned()], vec!["id-1".to_owned()]));
}

#[test]
fn setting_the_list_replaces_it_whole_or_not_at_all() {
    let set =
        |notifications| legacy(LegacyInput::SetScheduledLocalNotifications { notifications, request: 9 });
    let mut phone = in_background();
    phone.take(schedule(local_at(HOUR)));
    phone.take(add("newer", after(60.0)));
    let bad = LocalNotification { time_zone: Some("Mars/Base".to_owned()), ..local_at(HOUR) };
    assert!(phone.take(set(vec![local_at(DAY), bad]))[0].starts_with("not added"));
    assert_eq!(scheduled(&phone), [local_at(HOUR)]);
    assert_eq!(phone.take(set(vec![local_at(DAY), local_at(2 * DAY), local_at(-1)])).len(), 2, "one is past");
    assert_eq!(scheduled(&phone), [local_at(DAY), local_at(2 * DAY)]);
    phone.take(set(Vec::new()));
    assert_eq!(phone.waiting(), ["newer"], "those of the newer API are none of it");
}

/// Both APIs have one store.
#[test]
fn the_newer_api_sees_it_pending_and_cannot_make_one() {
    let mut phone = in_background();
    phone.take(schedule(local_at(HOUR)));
    let pending = phone.center.pending(NEWS)[0].request.clone();
    assert!(matches!(pending.trigger, Some(Trigger::Legacy { .. })));
    assert_eq!(phone.take(add("a", pending.trigger)), ["not added: LegacyTrigger"]);
    let state = phone.center.to_json().expect("it can be written");
    assert_eq!(Center::from_json(&state).expect("it can be read"), phone.center);
}

#[test]
fn a_century_later_each_date_is_counted_from_the_first() {
    use CalendarUnit::*;
    for unit in [Minute, Hour, Day, Weekday, WeekOfYear, Month, Quarter, Year] {
        let zone = Some("America/New_York".to_owned());
        let mut phone = in_background();
        phone.take(schedule(LocalNotification { time_zone: zone, ..repeating(unit, HOUR) }));
        phone.pass(100 * 366 * DAY);
        assert!(phone.center.next_wake().expect("it waits") > phone.now, "{unit:?}");
        assert_eq!(phone.listed().len(), 1, "{unit:?}");
    }
}
