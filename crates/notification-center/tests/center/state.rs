//! The state on disk: its golden, its version, and that a journal of inputs gives the same.

use super::*;

#[test]
fn the_state_stands_as_it_did() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    phone.take(add("tea", every(90.0)));
    let alert =
        json!({"aps": {"alert": {"title": "T", "body": "B"}, "sound": "chime.caf", "badge": 2}, "url": "u"});
    phone.take(arrives(push(1, alert)));
    let options = PresentationOptions::ALL;
    phone.take(Input::WillPresentAnswered { bundle: NEWS.to_owned(), completion: 1, options });
    phone.take(Input::AppInstalled(chat()));
    phone.take(Input::AppRemoved { bundle: CHAT.to_owned() });
    let json = phone.center.to_json().expect("it is written");
    let value: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    insta::assert_json_snapshot!(value);
    assert_eq!(Center::from_json(&json).expect("it was written by us"), phone.center);
}

#[test]
fn a_newer_or_damaged_state_is_refused_with_words() {
    let newer = br#"{"version": 2, "news": "from the future"}"#;
    let error = Center::from_json(newer).expect_err("it is newer").to_string();
    assert!(error.contains("version 2") && error.contains("newer"), "{error}");
    let error = Center::from_json(b"{").expect_err("it is damaged").to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn what_people_are_told_is_not_in_debug_output() {
    let secret = push(1, json!({"aps": {"alert": "meet at noon"}, "note": "meet at noon"}));
    let mut phone = Phone::after(allowed(AppState::Background));
    let input = arrives(secret);
    let debug = format!("{input:?}{:?}{:?}", phone.handle(input.clone()), phone.center);
    assert!(!debug.contains("noon"), "{debug}");
}
