//! Device facts §5.1 and §5.2: what a payload is for, in each state of the app, and the time an app has for it.

use super::*;

/// §5.2: alert, content-available × background, ended, foreground, force-quit.
#[test]
fn the_combinations_of_alert_and_content_available_follow_the_table() {
    let payload = |alert: bool, available: bool| {
        let mut aps = serde_json::Map::new();
        if alert {
            aps.insert("alert".to_owned(), json!("n"));
        }
        if available {
            aps.insert("content-available".to_owned(), json!(1));
        }
        arrives(push(1, json!({"aps": aps})))
    };
    let shown = "present id-1 on Banner+LockScreen+NotificationCenter";
    let call = "didReceiveRemoteNotification 1";
    let ask = "willPresent 1: id-1";
    struct Row<'a> {
        alert: bool,
        available: bool,
        background: &'a [&'a str],
        ended: &'a [&'a str],
        foreground: &'a [&'a str],
        force_quit: &'a [&'a str],
    }
    let ui: &[&str] = &["1 displayed", shown];
    let nothing: &[&str] = &["1 suppressed: not-displayable"];
    let table = [
        Row { alert: true, available: false, background: ui, ended: ui, foreground: &[ask], force_quit: ui },
        Row {
            alert: true,
            available: true,
            background: &[call, "1 displayed", shown],
            ended: &["app Ended → Background with remote", "1 displayed", shown],
            foreground: &[call, "willPresent 2: id-1"],
            force_quit: ui,
        },
        Row {
            alert: false,
            available: true,
            background: &[call, "1 suppressed: silent"],
            ended: &["app Ended → Background with remote", "1 suppressed: silent"],
            foreground: &[call, "1 suppressed: silent"],
            force_quit: &["1 suppressed: silent"],
        },
        Row {
            alert: false,
            available: false,
            background: nothing,
            ended: nothing,
            foreground: nothing,
            force_quit: nothing,
        },
    ];
    for Row { alert, available, background, ended, foreground, force_quit } in table {
        let input = payload(alert, available);
        check(&allowed(AppState::Background), input.clone(), background);
        check(&allowed(AppState::Ended), input.clone(), ended);
        check(&allowed(AppState::Foreground), input.clone(), foreground);
        check(&allowed(AppState::ForceQuit), input, force_quit);
    }
}

#[test]
fn a_background_push_with_an_alert_wakes_the_app_and_shows_nothing() {
    let typed =
        |aps| RemoteNotification { push_type: Some(PushType::Background), ..push(1, json!({"aps": aps})) };
    let before = allowed(AppState::Background);
    let both = typed(json!({"alert": "n", "content-available": 1}));
    check(&before, arrives(both), &["didReceiveRemoteNotification 1", "1 suppressed: silent"]);
    let neither = typed(json!({"alert": "n"}));
    check(&before, arrives(neither), &["1 suppressed: not-displayable"]);
    let untyped = RemoteNotification { push_type: None, ..alert(1) };
    assert_eq!(Phone::after(before).take(arrives(untyped))[0], "1 displayed");
}

#[test]
fn only_background_mode_and_background_refresh_let_a_silent_push_wake_the_app() {
    let silent = || arrives(push(1, json!({"aps": {"content-available": 1}})));
    let no_mode = AppProfile { wakes_for_remote_notifications: false, ..news() };
    let no_refresh = change(SettingChange::BackgroundAppRefresh { on: false });
    for without in [Input::AppInstalled(no_mode), no_refresh] {
        for to in [AppState::Background, AppState::Ended] {
            let before = [allowed(to), vec![without.clone()]].concat();
            check(&before, silent(), &["1 suppressed: silent"]);
        }
        let in_front = [allowed(AppState::Foreground), vec![without]].concat();
        check(&in_front, silent(), &["didReceiveRemoteNotification 1", "1 suppressed: silent"]);
    }
}

#[test]
fn a_force_quit_app_is_woken_again_after_it_was_opened_or_the_device_restarted() {
    let silent = |seq| arrives(push(seq, json!({"aps": {"content-available": 1}})));
    let mut phone = Phone::after(allowed(AppState::ForceQuit));
    assert_eq!(phone.take(state(AppState::Ended)), [""; 0], "its process has ended, as it should");
    assert_eq!(phone.take(silent(1)), ["1 suppressed: silent"]);
    let mut restarted = phone.clone();
    restarted.take(Input::Booted);
    assert_eq!(restarted.take(silent(2))[0], "app Ended → Background with remote");
    phone.take(state(AppState::Foreground));
    phone.take(state(AppState::Ended));
    assert_eq!(phone.take(silent(2))[0], "app Ended → Background with remote");
}

#[test]
fn a_launched_app_gets_its_silent_push_when_its_delegate_is_there() {
    let mut phone = Phone::after(allowed(AppState::Ended));
    phone.take(arrives(push(1, json!({"aps": {"content-available": 1}, "url": "https://example.com"}))));
    let outputs = phone.handle(delegate());
    let [Output::CallDidReceiveRemoteNotification { user_info, deadline, .. }] = outputs.as_slice() else {
        panic!("one call: {outputs:?}");
    };
    assert_eq!(user_info.0["url"], "https://example.com");
    assert_eq!(*deadline, START.plus_millis(30 * SECOND));
}

#[test]
fn an_app_that_takes_longer_than_thirty_seconds_in_background_is_ended() {
    let silent = |seq| arrives(push(seq, json!({"aps": {"content-available": 1}})));
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(silent(1));
    let mut done = phone.clone();
    assert_eq!(phone.pass(30 * SECOND), ["app Background → Ended"]);

    done.take(Input::FetchCompleted { bundle: NEWS.to_owned(), completion: 1, result: FetchResult::NewData });
    assert_eq!(done.center.next_wake(), None);
    assert_eq!(done.pass(30 * SECOND), [""; 0]);

    let mut in_front = Phone::after(allowed(AppState::Foreground));
    in_front.take(silent(1));
    assert_eq!(in_front.pass(30 * SECOND), [""; 0], "in foreground it may take its time");
}

#[test]
fn an_app_that_finishes_nothing_is_given_no_more_than_it_can_hold() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    for seq in 1..=64 {
        phone.take(arrives(push(seq, json!({"aps": {"content-available": 1}}))));
    }
    let one_more = arrives(push(65, json!({"aps": {"content-available": 1}})));
    assert_eq!(phone.take(one_more), ["65 suppressed: throttled"]);
}
