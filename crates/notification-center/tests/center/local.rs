//! Device facts §3.1 to §3.4, §3.7 and §3.8: requests an app makes itself.

use super::*;

const EVERYWHERE: &str = "on Banner+LockScreen+NotificationCenter";

#[test]
fn a_request_without_trigger_is_delivered_at_once_and_never_pending() {
    let mut phone = Phone::after(allowed(AppState::Background));
    assert_eq!(phone.take(add("now", None)), ["added".to_owned(), format!("present now {EVERYWHERE}")]);
    assert!(phone.waiting().is_empty());
    assert_eq!(phone.listed(), ["now"]);
}

#[test]
fn a_request_fires_after_its_interval_and_leaves() {
    let mut phone = Phone::after(allowed(AppState::Ended));
    assert_eq!(phone.take(add("tea", after(180.0))), ["added"]);
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(3 * MINUTE)));
    assert_eq!(phone.pass(3 * MINUTE - 1), [""; 0]);
    assert_eq!(phone.pass(1), [format!("present tea {EVERYWHERE}")]);
    assert_eq!((phone.waiting(), phone.listed()), (vec![], vec!["tea".to_owned()]));
    assert_eq!(phone.center.next_wake(), None);
}

#[test]
fn a_local_notification_in_foreground_asks_the_app_too() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    phone.take(add("tea", after(1.0)));
    assert_eq!(phone.pass(SECOND), ["willPresent 1: tea"]);
    assert_eq!(phone.pass(5 * SECOND), [""; 0], "there is nobody to send a receipt to");
}

#[test]
fn a_repeating_request_keeps_its_beat_for_years() {
    let mut phone = Phone::after(allowed(AppState::Background));
    let start = phone.now;
    phone.take(add("beat", every(61.5)));
    let mut fired = 0_i64;
    while phone.now < start.plus_millis(3 * 365 * DAY) {
        let due = phone.center.next_wake().expect("it repeats");
        fired += 1;
        assert_eq!(due, start.plus_millis(fired * 61_500), "no drift");
        // Late by up to a second, as timers are.
        phone.now = due.plus_millis(fired % SECOND);
        let outputs = phone.take(Input::TimePassed);
        assert_eq!(outputs, [format!("present beat {EVERYWHERE}")]);
        let shown = phone.center.delivered(NEWS).next().expect("it is listed");
        assert_eq!(shown.notification.date, due);
        if fired > 20_000 {
            phone.now = phone.now.plus_millis(30 * DAY);
            phone.take(Input::TimePassed);
            fired = phone.now.millis_since(start) / 61_500;
        }
    }
    assert_eq!((phone.waiting(), phone.listed()), (vec!["beat".to_owned()], vec!["beat".to_owned()]));
}

#[test]
fn a_repeating_request_that_missed_many_beats_fires_once() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("beat", every(60.0)));
    assert_eq!(phone.pass(10 * HOUR + SECOND), [format!("present beat {EVERYWHERE}")]);
    let next = phone.center.pending(NEWS)[0].next_trigger_date;
    assert_eq!(next, Some(START.plus_millis(10 * HOUR + MINUTE)));
}

#[test]
fn when_the_clock_is_moved_everything_due_fires_in_its_order_with_its_time() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for (identifier, minutes) in [("c", 90.0), ("a", 30.0), ("d", 180.0), ("b", 60.0)] {
        phone.take(add(identifier, after(minutes * 60.0)));
    }
    assert_eq!(phone.pass(2 * HOUR), ["a", "b", "c"].map(|fired| format!("present {fired} {EVERYWHERE}")));
    assert_eq!(phone.waiting(), ["d"]);
    let dates: Vec<_> = phone.center.delivered(NEWS).map(|shown| shown.notification.date).collect();
    assert_eq!(dates, [90, 60, 30].map(|minutes| START.plus_millis(minutes * MINUTE)));
}

#[test]
fn when_the_clock_goes_back_nothing_fires_again_and_the_beat_goes_on() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("once", after(60.0)));
    phone.take(add("beat", every(60.0)));
    phone.pass(HOUR);
    assert_eq!(phone.pass(-HOUR - 90 * SECOND), [""; 0]);
    assert_eq!(phone.waiting(), ["beat"]);
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(-MINUTE)), "still in step with its request");
    assert_eq!(phone.pass(30 * SECOND), [format!("present beat {EVERYWHERE}")]);
    assert_eq!(phone.center.next_wake(), Some(START), "also over the time of the request");
    assert_eq!(phone.pass(MINUTE), [format!("present beat {EVERYWHERE}")]);

    let mut asked = Phone::after(allowed(AppState::Foreground));
    asked.take(arrives(alert(1)));
    asked.pass(-DAY);
    assert_eq!(asked.pass(5 * SECOND), ["1 suppressed: foreground"], "the app gets no more time");
}

#[test]
fn a_clock_that_is_put_right_fires_nothing_twice() {
    let at_three = DateComponents { hour: Some(15), ..DateComponents::default() };
    let daily = Trigger::Calendar { date_components: Box::new(at_three), repeats: true, strict: false };
    for (trigger, due) in [(Some(daily), 15 * HOUR), (every(3_600.0), HOUR)] {
        let mut phone = Phone::after(allowed(AppState::Background));
        phone.take(add("beat", trigger));
        assert_eq!(phone.pass(-5), [""; 0]);
        assert_eq!(phone.pass(10), [""; 0], "the time of the request is no date");
        phone.now = START.plus_millis(due + 2);
        assert_eq!(phone.take(Input::TimePassed), [format!("present beat {EVERYWHERE}")]);
        let next = phone.center.next_wake();
        assert_eq!(phone.pass(-10), [""; 0]);
        assert_eq!(phone.center.next_wake(), next);
        assert_eq!(phone.pass(20), [""; 0]);
    }
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("beat", every(3_600.0)));
    phone.pass(-2 * MINUTE);
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(HOUR)), "a larger step, before the request");
}

#[test]
fn what_repeats_and_is_overdue_in_an_older_state_fires_once() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("beat", every(90.0)));
    let mut json: serde_json::Value =
        serde_json::from_slice(&phone.center.to_json().expect("it is written")).expect("it is JSON");
    let pending = json["apps"][NEWS]["pending"][0].as_object_mut().expect("it waits");
    assert!(pending.remove("counted_from").is_some());
    phone.center = Center::from_json(json.to_string().as_bytes()).expect("it was written by us, once");
    let json = phone.center.to_json().expect("it is written");
    phone.center = Center::from_json(&json).expect("it was written by us");
    phone.now = phone.now.plus_millis(DAY);
    assert_eq!(phone.take(Input::Booted), [format!("present beat {EVERYWHERE}")]);
    assert_eq!(phone.take(Input::Booted), [""; 0]);
}

#[test]
fn what_was_due_while_the_device_was_off_fires_once_at_its_start() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    phone.take(add("once", after(60.0)));
    phone.take(add("beat", every(90.0)));
    let json = phone.center.to_json().expect("it is written");
    phone.center = Center::from_json(&json).expect("it was written by us");
    phone.now = phone.now.plus_millis(DAY);
    let fired = [format!("present once {EVERYWHERE}"), format!("present beat {EVERYWHERE}")];
    assert_eq!(phone.take(Input::Booted), fired);
    assert_eq!(phone.take(Input::Booted), [""; 0]);
}

#[test]
fn the_same_identifier_replaces_what_is_pending_and_what_is_delivered() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("tea", after(60.0)));
    phone.take(add("tea", after(120.0)));
    assert_eq!(phone.waiting(), ["tea"]);
    assert_eq!(phone.pass(MINUTE), [""; 0]);
    assert_eq!(phone.pass(MINUTE), [format!("present tea {EVERYWHERE}")]);
    phone.take(add("tea", None));
    assert_eq!(phone.listed(), ["tea"]);
    phone.take(add("tea", after(60.0)));
    assert_eq!((phone.listed(), phone.waiting()), (vec!["tea".to_owned()], vec!["tea".to_owned()]));
}

#[test]
fn each_refusal_has_its_code() {
    let nothing = NotificationRequest {
        identifier: "a".to_owned(),
        content: NotificationContent::default(),
        trigger: None,
    };
    let large = NotificationRequest { content: content(&"n".repeat(64 * 1024)), ..nothing.clone() };
    let request = |notification: NotificationRequest| Input::RequestAdded {
        bundle: NEWS.to_owned(),
        notification: Box::new(notification),
        request: 9,
    };
    let table = [
        (add("a", after(0.0)), "not added: NoDate", Some(1400)),
        (add("a", after(-1.0)), "not added: NoDate", Some(1400)),
        (add("a", after(f64::NAN)), "not added: NoDate", Some(1400)),
        (add("a", after(f64::INFINITY)), "not added: NoDate", Some(1400)),
        (add("a", every(59.9)), "not added: RepeatsTooOften", None),
        (add("", None), "not added: EmptyIdentifier", None),
        (add(&"a".repeat(1025), None), "not added: IdentifierTooLong { len: 1025, max: 1024 }", None),
        (add("a", Some(Trigger::Push)), "not added: PushTrigger", None),
        (request(nothing), "not added: NoContent", Some(1401)),
        (request(large), "not added: ContentTooLarge", None),
    ];
    for (input, said_as, code) in table {
        let mut phone = Phone::after(allowed(AppState::Background));
        let outputs = phone.handle(input);
        let [Output::AddResult { result: Err(error), request: 9, .. }] = outputs.as_slice() else {
            panic!("one refusal: {outputs:?}");
        };
        assert!(said(&outputs[0]).starts_with(said_as), "{error:?}");
        assert_eq!(error.un_error_code(), code, "{error}");
        assert!(phone.waiting().is_empty() && phone.listed().is_empty());
    }
}

#[test]
fn of_more_than_64_requests_the_soonest_are_kept() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for minute in 1..=64_i32 {
        phone.take(add(&format!("r{minute}"), after(f64::from(minute) * 60.0)));
    }
    assert_eq!(phone.take(add("late", after(4_000.0))), ["added"], "it is dropped without a word");
    assert_eq!(phone.waiting().len(), 64);
    assert!(!phone.waiting().contains(&"late".to_owned()));
    phone.take(add("soon", every(60.0)));
    assert!(phone.waiting().contains(&"soon".to_owned()) && !phone.waiting().contains(&"r64".to_owned()));
    phone.take(add("now", None));
    phone.take(arrives(alert(1)));
    assert_eq!(phone.waiting().len(), 64, "what doesn't wait doesn't count");
}

#[test]
fn requests_and_notifications_are_removed_by_identifier_or_all_at_once() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for identifier in ["a", "b", "c"] {
        phone.take(add(identifier, after(60.0)));
        phone.take(add(&identifier.to_uppercase(), None));
    }
    let these = |names: &[&str]| Identifiers::These(names.iter().map(|&name| name.to_owned()).collect());
    let bundle = || NEWS.to_owned();
    assert_eq!(
        phone.take(Input::PendingRemoved { bundle: bundle(), identifiers: these(&["b", "x"]) }),
        [""; 0]
    );
    assert_eq!(phone.waiting(), ["a", "c"]);
    let removed = phone.take(Input::DeliveredRemoved { bundle: bundle(), identifiers: these(&["B", "x"]) });
    assert_eq!(removed, ["removed B"]);
    assert_eq!(phone.listed(), ["C", "A"]);
    phone.take(Input::PendingRemoved { bundle: bundle(), identifiers: Identifiers::All });
    let removed = phone.take(Input::DeliveredRemoved { bundle: bundle(), identifiers: Identifiers::All });
    assert_eq!(removed, ["removed A,C"]);
    assert!(phone.waiting().is_empty() && phone.listed().is_empty());
    assert_eq!(phone.pass(HOUR), [""; 0]);
}

#[test]
fn an_upgrade_keeps_everything_and_removing_the_app_takes_it_all() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(add("tea", after(60.0)));
    phone.take(arrives(alert(1)));
    phone.take(Input::AppInstalled(AppProfile { name: "News 2".to_owned(), ..news() }));
    assert_eq!((phone.listed(), phone.waiting()), (vec!["id-1".to_owned()], vec!["tea".to_owned()]));
    assert_eq!(phone.center.badge(NEWS), 3);

    let removed = phone.take(Input::AppRemoved { bundle: NEWS.to_owned() });
    assert_eq!(removed, ["app Background → Ended", "removed id-1", "badge 0"]);
    phone.take(Input::AppInstalled(news()));
    assert!(phone.listed().is_empty() && phone.waiting().is_empty());
    assert_eq!(phone.center.badge(NEWS), 0);
    assert_eq!(phone.pass(HOUR), [""; 0]);
}
