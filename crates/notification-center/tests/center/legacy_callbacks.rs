//! Device facts §4.5 and §4.6: which callback an app of iOS 9 gets, in which state, and what a delegate of
//! UserNotifications changes. Every cell.

use super::*;

/// Which methods the app has.
#[derive(Clone, Copy, Debug, Default)]
struct Has {
    plain: bool,
    fetch: bool,
    local: bool,
    action: bool,
    un: bool,
}

fn has(has: Has) -> Input {
    let delegate = Delegate {
        will_present: has.un,
        did_receive: has.un,
        did_receive_remote_notification: has.fetch,
        legacy: LegacyMethods {
            did_receive_remote_notification: has.plain,
            did_receive_local_notification: has.local,
            handle_action: has.action,
        },
    };
    Input::DelegateSet { bundle: NEWS.to_owned(), delegate }
}

const NONE: Has = Has { plain: false, fetch: false, local: false, action: false, un: false };
const PLAIN: Has = Has { plain: true, ..NONE };
const FETCH: Has = Has { fetch: true, ..NONE };
const BOTH: Has = Has { fetch: true, ..PLAIN };
const LOCAL: Has = Has { local: true, ..NONE };
const ACTION: Has = Has { action: true, ..NONE };
/// An app that was written for iOS 9 and has a delegate of UserNotifications as well.
const UN: Has = Has { plain: true, fetch: true, local: true, action: true, un: true };

/// Allowed, with these methods, in `to`.
fn phone(methods: Has, to: AppState) -> Phone {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    phone.take(categories(json!([{"identifier": "c", "actions": [
        {"identifier": "later"}, {"identifier": "reply", "text_input": {}},
        {"identifier": "open", "options": {"foreground": true}},
    ]}])));
    phone.take(has(methods));
    phone.take(state(to));
    phone
}

/// Only what the app is called for.
fn calls(outputs: Vec<String>) -> Vec<String> {
    let is_call = |said: &String| {
        said.contains("Receive") || said.contains("willPresent") || said.contains("handleAction")
    };
    outputs.into_iter().filter(is_call).collect()
}

fn visible() -> Input {
    arrives(push(1, json!({"aps": {"alert": "n", "category": "c"}, "a": 1})))
}

fn mixed() -> Input {
    arrives(push(1, json!({"aps": {"alert": "n", "content-available": 1}})))
}

fn local_now() -> Input {
    schedule(LocalNotification { fire_date: None, category: Some("c".to_owned()), ..local_at(0) })
}

/// The app is started, sets its delegate and finishes launching.
fn launch(phone: &mut Phone, methods: Has) -> Vec<String> {
    let mut said = phone.take(has(methods));
    said.extend(phone.take(launched()));
    calls(said)
}

const FETCHED: &str = "didReceiveRemoteNotification 1";
const PLAIN_ACTIVE: &str = "plain didReceiveRemoteNotification Active";
const PLAIN_INACTIVE: &str = "plain didReceiveRemoteNotification Inactive";

/// §4.6, column *foreground arrival*.
#[test]
fn in_foreground_an_app_of_ios_9_is_told_and_nothing_is_shown() {
    let table: [(Has, Input, &[&str]); 21] = [
        (NONE, visible(), &[]),
        (PLAIN, visible(), &[PLAIN_ACTIVE]),
        (FETCH, visible(), &[FETCHED]),
        (BOTH, visible(), &[FETCHED]),
        (LOCAL, visible(), &[]),
        (UN, visible(), &["willPresent 1: id-1"]),
        (NONE, mixed(), &[]),
        (PLAIN, mixed(), &[PLAIN_ACTIVE]),
        (FETCH, mixed(), &[FETCHED]),
        (BOTH, mixed(), &[FETCHED]),
        (UN, mixed(), &[FETCHED, "willPresent 2: id-1"]),
        (NONE, silent(1), &[]),
        (PLAIN, silent(1), &[PLAIN_ACTIVE]),
        (FETCH, silent(1), &[FETCHED]),
        (BOTH, silent(1), &[FETCHED]),
        (UN, silent(1), &[FETCHED]),
        (NONE, local_now(), &[]),
        (BOTH, local_now(), &[]),
        (LOCAL, local_now(), &["didReceiveLocalNotification n Active"]),
        (UN, local_now(), &["willPresent 2: UILocalNotification-1"]),
        (LOCAL, add("a", None), &["didReceiveLocalNotification n Active"]),
    ];
    for (row, (methods, input, expected)) in table.into_iter().enumerate() {
        let mut phone = phone(methods, AppState::Foreground);
        let said = phone.take(input);
        assert!(!said.iter().any(|said| said.starts_with("present")), "row {row}: {said:?}");
        assert_eq!(calls(said), expected, "row {row}: {methods:?}");
        assert_eq!(phone.listed(), [""; 0], "row {row}");
    }
}

/// §4.6 and §5.2: what the extension makes of the payload changes nothing about who was told of it.
#[test]
fn section_4_6_a_mixed_one_comes_once_whatever_its_extension_answers() {
    let waking = json!({"content-available": 1});
    for changed in [json!({}), json!({"a": 1}), json!({"aps": waking})] {
        let serde_json::Value::Object(user_info) = changed else { continue };
        for aps in [
            json!({"alert": "n", "mutable-content": 1, "content-available": 1}),
            json!({"alert": "n", "mutable-content": 1}),
        ] {
            let mut app = phone(FETCH, AppState::Foreground);
            app.take(Input::AppInstalled(AppProfile { service_extension: true, ..news() }));
            let mut said = app.take(arrives(push(1, json!({"aps": aps}))));
            let call = app.center.extension_calls(NEWS).next().expect("it runs").call;
            let content = NotificationContent { user_info: user_info.clone(), ..content("n") };
            let content = Box::new(content);
            said.extend(app.take(of_app(AppInput::ServiceExtensionAnswered { call, content })));
            assert_eq!(calls(said).len(), 1, "{aps} {user_info:?}");
        }
    }
}

#[test]
fn what_is_not_shown_in_foreground_says_so_and_what_shows_nothing_is_told_all_the_same() {
    let mut app = phone(PLAIN, AppState::Foreground);
    assert_eq!(app.take(visible()), [PLAIN_ACTIVE, "1 suppressed: foreground"]);
    assert_eq!(
        app.take(arrives(push(2, json!({"aps": {}, "news": 7})))),
        [PLAIN_ACTIVE, "2 suppressed: not-displayable"]
    );
    app.take(change(SettingChange::AllowNotifications { on: false }));
    assert_eq!(
        app.take(arrives(alert(3))),
        [PLAIN_ACTIVE, "3 suppressed: not-permitted"],
        "what needs no permission is the app's part"
    );
}

/// §4.6, column *background arrival*.
#[test]
fn in_background_only_content_available_reaches_the_method_with_the_completion_handler() {
    let table: [(Has, Input, &[&str]); 12] = [
        (PLAIN, visible(), &[]),
        (FETCH, visible(), &[]),
        (UN, visible(), &[]),
        (PLAIN, mixed(), &[]),
        (FETCH, mixed(), &[FETCHED]),
        (BOTH, mixed(), &[FETCHED]),
        (UN, mixed(), &[FETCHED]),
        (PLAIN, silent(1), &[]),
        (BOTH, silent(1), &[FETCHED]),
        (UN, silent(1), &[FETCHED]),
        (LOCAL, local_now(), &[]),
        (UN, local_now(), &[]),
    ];
    for (row, (methods, input, expected)) in table.into_iter().enumerate() {
        let mut phone = phone(methods, AppState::Background);
        assert_eq!(calls(phone.take(input)), expected, "row {row}: {methods:?}");
    }
    let profile = AppProfile { wakes_for_remote_notifications: false, ..news() };
    let mut phone = phone(BOTH, AppState::Background);
    phone.take(Input::AppInstalled(profile));
    assert_eq!(calls(phone.take(mixed())), [""; 0], "without the background mode");
}

/// §4.6, column *tap from background*.
#[test]
fn a_tap_that_resumes_the_app_calls_it_inactive() {
    let table: [(Has, Input, &[&str]); 10] = [
        (NONE, visible(), &[]),
        (PLAIN, visible(), &[PLAIN_INACTIVE]),
        (FETCH, visible(), &[FETCHED]),
        (BOTH, visible(), &[FETCHED]),
        (UN, visible(), &["didReceive 1: id-1"]),
        (NONE, local_now(), &[]),
        (BOTH, local_now(), &[]),
        (LOCAL, local_now(), &["didReceiveLocalNotification n Inactive"]),
        (LOCAL, add("a", None), &["didReceiveLocalNotification n Inactive"]),
        (UN, local_now(), &["didReceive 2: UILocalNotification-1"]),
    ];
    for (row, (methods, input, expected)) in table.into_iter().enumerate() {
        let mut phone = phone(methods, AppState::Background);
        phone.take(input);
        let shown = phone.listed().pop().expect("it is shown");
        assert_eq!(calls(phone.take(tap(&shown))), expected, "row {row}: {methods:?}");
        assert_eq!(phone.center.app_state(NEWS), Some(AppState::Foreground));
    }
    let mut phone = phone(FETCH, AppState::Background);
    phone.take(visible());
    let tapped = phone.handle(tap("id-1"));
    let state = tapped.iter().find_map(|output| {
        let Output::CallDidReceiveRemoteNotification { application_state, .. } = output else { return None };
        Some(*application_state)
    });
    assert_eq!(state, Some(ApplicationState::Inactive));
}

/// §4.6, column *cold launch by tap*, and §4.5, its rows.
#[test]
fn a_tap_that_starts_the_app_is_in_its_launch_options_and_calls_the_method_with_the_completion_handler() {
    let (remote, local) = ("app Ended → Foreground with remote", "app Ended → Foreground with local");
    let table: [(Has, Input, &str, &[&str]); 9] = [
        (NONE, visible(), remote, &[]),
        (PLAIN, visible(), remote, &[]),
        (FETCH, visible(), remote, &[FETCHED]),
        (BOTH, visible(), remote, &[FETCHED]),
        (UN, visible(), remote, &["didReceive 1: id-1"]),
        (NONE, local_now(), local, &[]),
        (LOCAL, local_now(), local, &[]),
        (BOTH, local_now(), local, &[]),
        (UN, local_now(), local, &["didReceive 2: UILocalNotification-1"]),
    ];
    for (row, (methods, input, moved, expected)) in table.into_iter().enumerate() {
        let mut phone = phone(methods, AppState::Ended);
        phone.take(input);
        let shown = phone.listed().pop().expect("it is shown");
        let said = phone.take(tap(&shown));
        assert!(said.iter().any(|said| said == moved), "row {row}: {said:?}");
        assert_eq!(launch(&mut phone, methods), expected, "row {row}: {methods:?}");
    }
}

/// §4.5, the other rows.
#[test]
fn a_silent_push_launches_in_background_and_the_icon_replays_nothing() {
    let mut woken = phone(BOTH, AppState::Ended);
    let said = woken.take(silent(1));
    assert_eq!(said, ["app Ended → Background with remote", "1 suppressed: silent"]);
    assert_eq!(woken.center.application_state(NEWS), Some(ApplicationState::Background));
    assert_eq!(launch(&mut woken, BOTH), [FETCHED]);

    let mut by_icon = phone(BOTH, AppState::Ended);
    by_icon.take(visible());
    assert_eq!(by_icon.take(state(AppState::Foreground)), ["app Ended → Foreground"], "no launch options");
    assert_eq!(launch(&mut by_icon, BOTH), [""; 0]);
    assert_eq!(by_icon.listed(), ["id-1"], "the app may look at what was delivered");
}

/// §4.6, row *handleActionWithIdentifier*.
#[test]
fn a_custom_action_is_handled_with_what_it_was_for_and_what_the_user_wrote() {
    let later = "handleAction 1: later for remote Background";
    let reply = "handleAction 1: reply for remote \"Yes\" Background";
    let table: [(Has, &str, Option<&str>, &[&str]); 6] = [
        (NONE, "later", None, &[]),
        (BOTH, "later", None, &[]),
        (ACTION, "later", None, &[later]),
        (ACTION, "reply", Some("Yes"), &[reply]),
        (ACTION, "open", None, &["handleAction 1: open for remote Inactive"]),
        (UN, "later", None, &["didReceive 1: id-1 later"]),
    ];
    for (methods, action, text, expected) in table {
        let mut running = phone(methods, AppState::Background);
        running.take(visible());
        assert_eq!(calls(running.take(choose("id-1", action, text))), expected, "{methods:?} {action}");

        let mut ended = phone(methods, AppState::Ended);
        ended.take(visible());
        assert_eq!(calls(ended.take(choose("id-1", action, text))), [""; 0], "it is started first");
        let running = ended.center.app_state(NEWS);
        let to = if action == "open" { AppState::Foreground } else { AppState::Background };
        assert_eq!(running, Some(to));
        assert_eq!(launch(&mut ended, methods), expected, "{methods:?} {action}");
    }
    let mut local = phone(ACTION, AppState::Background);
    local.take(local_now());
    let shown = local.listed().pop().expect("it is shown");
    assert_eq!(
        calls(local.take(choose(&shown, "later", None))),
        ["handleAction 2: later for local Background"]
    );
}

/// §4.6, row *UN delegate present*: also where it lacks the method.
#[test]
fn a_delegate_of_usernotifications_replaces_the_older_callbacks_even_without_the_method() {
    let partly = |will_present| {
        let delegate = Delegate {
            will_present,
            did_receive: !will_present,
            did_receive_remote_notification: true,
            legacy: LegacyMethods {
                did_receive_remote_notification: true,
                did_receive_local_notification: true,
                handle_action: true,
            },
        };
        Input::DelegateSet { bundle: NEWS.to_owned(), delegate }
    };
    let mut without = phone(NONE, AppState::Foreground);
    without.take(partly(false));
    assert_eq!(without.take(visible()), ["1 suppressed: foreground"]);
    without.take(partly(true));
    without.take(state(AppState::Background));
    without.take(arrives(push(2, json!({"aps": {"alert": "n"}}))));
    assert_eq!(calls(without.take(tap("id-2"))), [""; 0], "no didReceive, and nothing in its place");
}

#[test]
fn an_app_behind_a_prompt_is_inactive() {
    let mut phone = Phone::after([state(AppState::Foreground), delegate(), launched()]);
    let state_of = |phone: &Phone| phone.center.application_state(NEWS);
    assert_eq!(state_of(&phone), Some(ApplicationState::Active));
    phone.take(ask(usual(), 1));
    assert_eq!(state_of(&phone), Some(ApplicationState::Inactive));
    phone.take(answer(true));
    assert_eq!(state_of(&phone), Some(ApplicationState::Active));
    phone.take(state(AppState::Background));
    assert_eq!(state_of(&phone), Some(ApplicationState::Background));
    phone.take(state(AppState::ForceQuit));
    assert_eq!(state_of(&phone), None);
}
