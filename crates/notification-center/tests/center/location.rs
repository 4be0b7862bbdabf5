//! Device facts §3.6: requests that wait for a place.

use super::*;

const SHOWN: &str = "on Banner+LockScreen+NotificationCenter";
/// A hundredth of a degree of latitude is 1.1 km.
const HOME: Coordinate = Coordinate { latitude: 31.23, longitude: 121.47 };
const AWAY: Coordinate = Coordinate { latitude: 31.25, longitude: 121.47 };

fn region(identifier: &str) -> Region {
    Region {
        identifier: identifier.to_owned(),
        center: HOME,
        radius: 1_000.0,
        notify_on_entry: true,
        notify_on_exit: true,
    }
}

fn at(region: Region, repeats: bool) -> Option<Trigger> {
    Some(Trigger::Location { region: Box::new(region), repeats })
}

fn metres_north(metres: f64) -> Coordinate {
    Coordinate { latitude: HOME.latitude + metres / 111_195.0, ..HOME }
}

fn may_know_where(permission: LocationPermission) -> Input {
    Input::LocationPermissionChanged { bundle: NEWS.to_owned(), permission }
}

fn outside() -> Phone {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(may_know_where(LocationPermission::WhenInUse));
    phone.take(Input::LocationMoved(AWAY));
    phone
}

#[test]
fn a_region_fires_at_its_border_and_one_shot_leaves() {
    let mut phone = outside();
    assert_eq!(phone.take(add("home", at(region("r"), false))), ["added"]);
    assert_eq!(phone.center.pending(NEWS)[0].next_trigger_date, None);
    assert_eq!(phone.center.next_wake(), None);
    assert_eq!(phone.take(Input::LocationMoved(HOME)), [format!("present home {SHOWN}")]);
    assert!(phone.waiting().is_empty());
    assert_eq!(phone.take(Input::LocationMoved(AWAY)), [""; 0]);
}

#[test]
fn entry_and_exit_are_told_as_the_region_says_at_every_crossing_if_it_repeats() {
    for (entry, exit) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut phone = outside();
        let region = Region { notify_on_entry: entry, notify_on_exit: exit, ..region("r") };
        phone.take(add("home", at(region, true)));
        for _ in 0..2 {
            assert_eq!(phone.take(Input::LocationMoved(HOME)).len(), usize::from(entry));
            assert_eq!(phone.take(Input::LocationMoved(HOME)), [""; 0], "nothing was crossed");
            assert_eq!(phone.take(Input::LocationMoved(AWAY)).len(), usize::from(exit));
        }
        assert_eq!(phone.waiting(), ["home"]);
    }
}

#[test]
fn who_is_inside_already_is_told_when_they_come_again() {
    let mut phone = outside();
    phone.take(Input::LocationMoved(HOME));
    phone.take(add("home", at(Region { notify_on_exit: false, ..region("r") }, false)));
    assert_eq!(phone.take(Input::LocationMoved(HOME)), [""; 0]);
    assert_eq!(phone.take(Input::LocationMoved(AWAY)), [""; 0]);
    assert_eq!(phone.take(Input::LocationMoved(HOME)), [format!("present home {SHOWN}")]);
}

#[test]
fn who_walks_along_the_border_is_not_told_at_each_step() {
    let mut phone = outside();
    phone.take(add("home", at(region("r"), true)));
    assert_eq!(phone.take(Input::LocationMoved(metres_north(999.0))).len(), 1, "entry");
    assert_eq!(phone.take(Input::LocationMoved(metres_north(1_005.0))), [""; 0]);
    assert_eq!(phone.take(Input::LocationMoved(metres_north(999.0))), [""; 0]);
    assert_eq!(phone.take(Input::LocationMoved(metres_north(1_015.0))).len(), 1, "exit");
    assert_eq!(phone.take(Input::LocationMoved(metres_north(1_005.0))), [""; 0]);
}

#[test]
fn without_the_location_permission_nothing_fires() {
    let table = [
        (LocationPermission::NotDetermined, 0),
        (LocationPermission::Denied, 0),
        (LocationPermission::WhenInUse, 1),
        (LocationPermission::Always, 1),
    ];
    for (permission, fired) in table {
        let mut phone = outside();
        phone.take(may_know_where(permission));
        phone.take(add("home", at(region("r"), true)));
        assert_eq!(phone.take(Input::LocationMoved(HOME)).len(), fired, "{permission:?}");
        assert_eq!(phone.waiting(), ["home"], "it waits all the same");
        phone.take(may_know_where(LocationPermission::Always));
        assert_eq!(phone.take(Input::LocationMoved(AWAY)).len(), 1, "and goes on");
    }
}

#[test]
fn twenty_regions_of_an_app_are_watched_and_one_more_is_refused() {
    let mut phone = outside();
    for number in 0..20 {
        assert_eq!(
            phone.take(add(&format!("n{number}"), at(region(&format!("r{number}")), true))),
            ["added"]
        );
    }
    assert_eq!(phone.take(add("more", at(region("more"), true))), ["not added: TooManyRegions { max: 20 }"]);
    assert_eq!(phone.take(add("n3", at(region("other"), true))), ["added"], "it replaces its own");
    assert_eq!(phone.take(add("more", at(region("r4"), true))), ["added"], "it replaces that region");
    assert_eq!(phone.waiting().len(), 20);
    assert!(!phone.waiting().contains(&"n4".to_owned()));
    for minute in 1..=64 {
        phone.take(add(&format!("t{minute}"), after(60.0 * f64::from(minute))));
    }
    assert_eq!(phone.waiting().iter().filter(|waiting| waiting.starts_with('t')).count(), 44);
    assert_eq!(phone.take(Input::LocationMoved(HOME)).len(), 20);
}

#[test]
fn the_same_region_takes_the_place_of_the_pending_one() {
    let mut phone = outside();
    phone.take(add("a", at(region("r"), true)));
    phone.take(add("b", at(region("r"), true)));
    assert_eq!(phone.waiting(), ["b"]);
}

#[test]
fn what_a_region_fired_is_on_the_screen_and_removable_but_not_among_the_delivered() {
    let mut phone = outside();
    phone.take(add("home", at(region("r"), false)));
    phone.take(add("now", None));
    phone.take(Input::LocationMoved(HOME));
    assert_eq!(phone.listed(), ["now"]);
    assert_eq!(phone.center.on_screen(NEWS).count(), 2);
    let these = Identifiers::These(vec!["home".to_owned()]);
    let removed = phone.take(Input::DeliveredRemoved { bundle: NEWS.to_owned(), identifiers: these });
    assert_eq!(removed, ["removed home"]);
    assert_eq!(phone.center.on_screen(NEWS).count(), 1);
}

#[test]
fn each_wrong_region_is_refused_and_a_place_that_is_none_has_no_effect() {
    let off = Coordinate { latitude: 91.0, longitude: 0.0 };
    let nowhere = Coordinate { latitude: f64::NAN, longitude: 0.0 };
    for wrong in [
        Region { radius: 0.0, ..region("r") },
        Region { radius: -1.0, ..region("r") },
        Region { radius: f64::INFINITY, ..region("r") },
        Region { radius: f64::NAN, ..region("r") },
        Region { center: off, ..region("r") },
        Region { center: nowhere, ..region("r") },
        region(""),
        region(&"r".repeat(1_025)),
    ] {
        assert_eq!(outside().take(add("a", at(wrong, false))), ["not added: BadRegion"]);
    }
    let mut phone = outside();
    phone.take(Input::LocationMoved(off));
    phone.take(Input::LocationMoved(nowhere));
    assert_eq!(phone.center.location(), Some(AWAY));
}

#[test]
fn a_device_that_was_never_placed_is_outside_and_a_restart_forgets_nothing() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(may_know_where(LocationPermission::Always));
    phone.take(add("home", at(region("r"), true)));
    assert_eq!(phone.take(Input::LocationMoved(HOME)), [format!("present home {SHOWN}")]);
    let json = phone.center.to_json().expect("it is written");
    phone.center = Center::from_json(&json).expect("it was written by us");
    phone.take(Input::Booted);
    assert_eq!(phone.take(Input::LocationMoved(HOME)), [""; 0]);
    assert_eq!(phone.take(Input::LocationMoved(AWAY)).len(), 1);
}

/// The way around the date line and the poles is as short as it is.
#[test]
fn distances_are_along_the_globe() {
    let at = |latitude, longitude| Coordinate { latitude, longitude };
    let table = [
        (at(0.0, 179.999), at(0.0, -179.999), 300.0, true),
        (at(89.9999, 0.0), at(89.9999, 180.0), 300.0, true),
        (at(0.0, 0.0), at(0.0, 1.0), 111_000.0, false),
        (at(0.0, 0.0), at(0.0, 1.0), 111_300.0, true),
        (at(60.0, 0.0), at(60.0, 1.0), 56_000.0, true),
    ];
    for (center, place, radius, inside) in table {
        let mut phone = outside();
        phone.take(Input::LocationMoved(Coordinate { latitude: -45.0, longitude: 90.0 }));
        phone.take(add("a", at_region(center, radius)));
        assert_eq!(
            phone.take(Input::LocationMoved(place)).len(),
            usize::from(inside),
            "{center:?} to {place:?}"
        );
    }
}

fn at_region(center: Coordinate, radius: f64) -> Option<Trigger> {
    at(Region { center, radius, ..region("r") }, false)
}
