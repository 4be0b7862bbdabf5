//! Whom notifications are for: what is for another user than the one signed in reaches neither user nor app.

use super::*;

#[test]
fn a_notification_is_taken_by_whom_it_is_for() {
    let payloads = [
        json!({"aps": {"alert": "n"}}),
        json!({"aps": {"alert": "n"}, "homing": {"user": "ann"}}),
        json!({"aps": {"alert": "n"}, "homing": {"user": 7}}),
        json!({"aps": {"alert": "n"}, "homing": "ann"}),
        json!({"aps": {"alert": "n", "content-available": 1}, "homing": {"user": "ann"}}),
    ];
    let table = [
        (None, [true, true, true, true, true]),
        (Some(Recipient::Anyone), [true, true, true, true, true]),
        (Some(Recipient::Nobody), [true, false, true, true, false]),
        (Some(user("ann")), [true, true, true, true, true]),
        (Some(user("bob")), [true, false, true, true, false]),
    ];
    for (set, taken) in table {
        for (payload, taken) in payloads.iter().zip(taken) {
            let mut phone = Phone::after(allowed(AppState::Background));
            if let Some(set) = &set {
                phone.take(recipient(set.clone()));
            }
            let outputs = phone.take(arrives(push(1, payload.clone())));
            if taken {
                assert!(outputs.contains(&"1 displayed".to_owned()), "{set:?} {payload}: {outputs:?}");
            } else {
                assert_eq!(outputs, ["1 suppressed: another-user"], "{set:?} {payload}");
            }
        }
    }
}

#[test]
fn whom_it_is_for_comes_before_permission() {
    check(&[recipient(user("bob"))], arrives(alert_for(1, "ann")), &["1 suppressed: another-user"]);
}

#[test]
fn what_is_for_another_user_leaves_the_screen() {
    let before = [
        allowed(AppState::Background),
        vec![arrives(alert_for(1, "ann")), arrives(alert_for(2, "bob")), arrives(alert(3)), add("tea", None)],
    ]
    .concat();
    let table: [(Recipient, &[&str], &[&str]); 4] = [
        (user("ann"), &["removed id-2"], &["tea", "id-3", "id-1"]),
        (user("eve"), &["removed id-1,id-2"], &["tea", "id-3"]),
        (Recipient::Nobody, &["removed id-1,id-2"], &["tea", "id-3"]),
        (Recipient::Anyone, &[], &["tea", "id-3", "id-2", "id-1"]),
    ];
    for (set, outputs, listed) in table {
        let mut phone = Phone::after(before.clone());
        assert_eq!(phone.take(recipient(set.clone())), outputs, "{set:?}");
        assert_eq!(phone.listed(), listed, "{set:?}");
        assert_eq!(phone.center.badge(NEWS), 3, "the badge is the app's");
    }
}

#[test]
fn the_app_is_not_asked_about_anothers_notification_any_more() {
    let before = [
        allowed(AppState::Foreground),
        vec![recipient(user("ann")), arrives(alert_for(1, "ann")), arrives(alert(2))],
    ];
    let mut phone = Phone::after(before.concat());
    assert_eq!(phone.take(recipient(user("bob"))), ["1 suppressed: another-user"]);
    let options = PresentationOptions::ALL;
    let answered = |completion| Input::WillPresentAnswered { bundle: NEWS.to_owned(), completion, options };
    assert_eq!(phone.take(answered(1)), [""; 0]);
    assert_eq!(phone.take(answered(2))[0], "2 displayed");
}

#[test]
fn a_tap_that_waits_for_the_app_does_not_reach_it_for_another_user() {
    let mut phone = Phone::after(
        [
            allowed(AppState::Background),
            vec![
                recipient(user("ann")),
                arrives(alert_for(1, "ann")),
                arrives(alert(2)),
                state(AppState::Ended),
            ],
        ]
        .concat(),
    );
    phone.take(tap("id-1"));
    phone.take(tap("id-2"));
    let silent = json!({"aps": {"content-available": 1}, "homing": {"user": "ann"}});
    phone.take(arrives(push(3, silent)));
    assert_eq!(phone.take(recipient(Recipient::Nobody)), [""; 0]);
    assert_eq!(phone.take(delegate()), ["didReceive 1: id-2"]);
    assert_eq!(phone.take(tap("id-1")), [""; 0]);
}

#[test]
fn whom_they_are_for_outlives_a_restart_and_a_new_version_and_ends_with_the_app() {
    let mut phone =
        Phone::after([allowed(AppState::Background), vec![recipient(Recipient::Nobody)]].concat());
    phone.center = Center::from_json(&phone.center.to_json().expect("it is written")).expect("it is ours");
    phone.take(Input::Booted);
    phone.take(Input::AppInstalled(news()));
    assert_eq!(phone.take(arrives(alert_for(1, "ann"))), ["1 suppressed: another-user"]);
    phone.take(Input::AppRemoved { bundle: NEWS.to_owned() });
    phone.take(Input::AppInstalled(news()));
    assert_eq!(phone.take(arrives(alert_for(2, "ann")))[0], "2 displayed");
}

#[test]
fn a_state_from_before_there_were_recipients_and_locks_is_read() {
    let phone = Phone::new();
    let json = phone.center.to_json().expect("it is written");
    let mut value: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    let removed = value.as_object_mut().and_then(|center| center.remove("locked"));
    assert!(removed.is_some());
    let removed = value["apps"][NEWS].as_object_mut().and_then(|app| app.remove("recipient"));
    assert!(removed.is_some());
    let read = Center::from_json(value.to_string().as_bytes()).expect("it is readable");
    assert_eq!(read, phone.center);
}
