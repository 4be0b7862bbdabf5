//! Device facts §5.1: how many silent notifications an app in background gets, and the one that waits.

use super::*;

fn background() -> Phone {
    Phone::after(allowed(AppState::Background))
}

/// Three given and finished; the budget of the hour is used up.
fn used_up() -> Phone {
    let mut phone = background();
    for seq in 1..=3_u64 {
        assert_eq!(
            phone.take(silent(seq)),
            [format!("didReceiveRemoteNotification {seq}"), format!("{seq} suppressed: silent")]
        );
        phone.take(fetched(seq));
    }
    phone
}

#[test]
fn three_in_an_hour_wake_the_app_the_next_waits_for_its_turn() {
    let mut phone = used_up();
    assert_eq!(phone.take(silent(4)), ["4 suppressed: throttled"]);
    assert_eq!(phone.center.next_wake(), Some(START.plus_millis(HOUR)));
    assert_eq!(phone.pass(HOUR - 1), [""; 0]);
    assert_eq!(phone.pass(1), ["4 suppressed: silent", "didReceiveRemoteNotification 4"]);
}

#[test]
fn the_hour_slides() {
    let mut phone = background();
    for (seq, minutes) in [(1, 0), (2, 20), (3, 20), (4, 20)] {
        phone.pass(minutes * MINUTE);
        assert_eq!(phone.take(silent(seq))[0], format!("didReceiveRemoteNotification {seq}"), "at {seq}");
        phone.take(fetched(seq));
    }
    phone.pass(19 * MINUTE);
    assert_eq!(phone.take(silent(5)), ["5 suppressed: throttled"]);
    assert_eq!(phone.pass(MINUTE), ["5 suppressed: silent", "didReceiveRemoteNotification 5"]);
}

#[test]
fn a_newer_one_takes_the_place_of_the_one_that_waits() {
    let mut phone = used_up();
    phone.take(silent(4));
    assert_eq!(phone.take(silent(5)), ["4 suppressed: superseded", "5 suppressed: throttled"]);
    assert_eq!(phone.pass(HOUR), ["5 suppressed: silent", "didReceiveRemoteNotification 4"]);
}

#[test]
fn it_is_delivered_at_once_when_the_user_opens_the_app() {
    let mut phone = used_up();
    phone.take(silent(4));
    let outputs = ["app Background → Foreground", "4 suppressed: silent", "didReceiveRemoteNotification 4"];
    assert_eq!(phone.take(state(AppState::Foreground)), outputs);
    assert_eq!(phone.take(silent(5))[0], "didReceiveRemoteNotification 5", "in foreground none is throttled");
    phone.take(fetched(4));
    phone.take(fetched(5));
    phone.take(state(AppState::Background));
    assert_eq!(phone.take(silent(6)), ["6 suppressed: throttled"], "nor does foreground fill the budget");
}

#[test]
fn it_is_discarded_when_the_app_is_killed_and_wakes_a_terminated_one() {
    for to in [AppState::ForceQuit, AppState::Ended] {
        let mut phone = used_up();
        phone.take(silent(4));
        phone.take(state(to));
        assert_eq!(phone.pass(2 * HOUR), [""; 0], "{to:?}");
    }
    let mut ended = used_up();
    ended.take(state(AppState::Ended));
    assert_eq!(ended.take(silent(4)), ["4 suppressed: throttled"]);
    assert_eq!(ended.pass(HOUR), ["4 suppressed: silent", "app Ended → Background with remote"]);
    assert_eq!(ended.take(delegate()), ["didReceiveRemoteNotification 4"]);
}

#[test]
fn a_restart_discards_it() {
    let mut phone = used_up();
    phone.take(silent(4));
    phone.take(Input::Booted);
    assert_eq!(phone.pass(2 * HOUR), [""; 0]);
}

#[test]
fn an_overrun_ends_the_app_and_cuts_its_budget_for_a_day() {
    let mut phone = background();
    phone.take(silent(1));
    assert_eq!(phone.pass(30 * SECOND), ["app Background → Ended"]);
    assert_eq!(phone.take(silent(2)), ["2 suppressed: throttled"], "one an hour");
    let outputs = phone.pass(HOUR - 30 * SECOND);
    assert_eq!(outputs, ["2 suppressed: silent", "app Ended → Background with remote"]);
    phone.take(delegate());
    phone.take(fetched(2));
    phone.pass(DAY);
    for seq in 3..=5 {
        assert_eq!(phone.take(silent(seq))[0], format!("didReceiveRemoteNotification {seq}"), "a day later");
        phone.take(fetched(seq));
    }
}

#[test]
fn low_power_mode_holds_them_until_it_is_off_or_the_app_is_opened() {
    let low = |on| set(DeviceSetting::LowPower { on });
    let mut phone = background();
    assert_eq!(phone.take(low(true)), [""; 0]);
    assert!(phone.center.is_low_power());
    assert_eq!(phone.take(silent(1)), ["1 suppressed: throttled"]);
    assert_eq!(phone.pass(DAY), [""; 0]);
    let given = ["1 suppressed: silent", "didReceiveRemoteNotification 1"];
    assert_eq!(phone.clone().take(low(false)), given);
    assert_eq!(phone.clone().take(state(AppState::Foreground))[1..], given);
    assert_eq!(phone.take(arrives(alert(2)))[0], "2 displayed", "what is to be seen is seen");
}

#[test]
fn what_waits_wakes_nobody_once_background_app_refresh_is_off() {
    let mut phone = used_up();
    phone.take(silent(4));
    phone.take(change(SettingChange::BackgroundAppRefresh { on: false }));
    assert_eq!(phone.pass(HOUR), ["4 suppressed: silent"]);
}

#[test]
fn of_one_that_is_also_shown_only_the_apps_part_waits() {
    let mixed = |seq| arrives(push(seq, json!({"aps": {"alert": "n", "content-available": 1}})));
    let mut phone = used_up();
    assert_eq!(phone.take(mixed(4))[0], "4 displayed");
    assert_eq!(phone.take(silent(5)), ["5 suppressed: throttled"], "the older's receipt is said");
    phone.take(mixed(6));
    assert_eq!(phone.pass(HOUR)[0], "didReceiveRemoteNotification 4");
}

#[test]
fn what_waits_for_another_user_is_dropped() {
    let mut phone = used_up();
    phone.take(recipient(user("ann")));
    phone.take(arrives(push(4, json!({"aps": {"content-available": 1}, "homing": {"user": "ann"}}))));
    assert_eq!(phone.take(recipient(user("bob"))), ["4 suppressed: another-user"]);
    assert_eq!(phone.pass(HOUR), [""; 0]);
}

#[test]
fn a_clock_that_goes_back_makes_nobody_wait_longer_than_an_hour() {
    let mut phone = used_up();
    phone.take(silent(4));
    phone.pass(-DAY);
    assert_eq!(phone.pass(HOUR), ["4 suppressed: silent", "didReceiveRemoteNotification 4"]);
}

/// §5.1: the results. Only what fails again and again weighs; new data makes it good.
#[test]
fn fetches_that_fail_in_a_row_cost_one_an_hour() {
    let given = |results: [FetchResult; 4]| {
        let mut phone = Phone::after(allowed(AppState::Background));
        for (seq, result) in (1_u64..).zip(results) {
            let outputs = phone.take(silent(seq));
            let completion =
                outputs.iter().find_map(|output| output.strip_prefix("didReceiveRemoteNotification "));
            let completion = completion.expect("it is given").parse().expect("a number");
            phone.take(fetched_with(completion, result));
            phone.pass(HOUR);
        }
        let given = |seq| phone.take(silent(seq)).iter().any(|output| output.starts_with("didReceiveRemote"));
        (10..14).map(given).filter(|given| *given).count()
    };
    use FetchResult::{Failed, NewData, NoData};
    assert_eq!(given([NewData; 4]), 3);
    assert_eq!(given([NoData; 4]), 3);
    assert_eq!(given([NewData, NewData, Failed, Failed]), 3, "two aren't a row");
    assert_eq!(given([NewData, Failed, Failed, Failed]), 2);
    assert_eq!(given([Failed, Failed, NoData, Failed]), 2, "no data changes nothing");
    assert_eq!(given([Failed, Failed, Failed, NewData]), 3);
}
