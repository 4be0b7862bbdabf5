//! What the lock makes of apps, prompts and notifications.

use super::*;

#[test]
fn locking_sends_the_app_in_front_to_background_and_opening_one_unlocks() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    assert_eq!(phone.take(lock(true)), ["locked", "app Foreground → Background"]);
    assert_eq!(phone.take(lock(true)), [""; 0], "it is locked");
    assert_eq!(phone.take(state(AppState::Foreground)), ["app Background → Foreground", "unlocked"]);
    assert!(!phone.center.is_locked());
    phone.take(lock(true));
    assert_eq!(phone.take(lock(false)), ["unlocked"], "no app comes to the front by itself");
    assert_eq!(phone.center.app_state(NEWS), Some(AppState::Background));
}

#[test]
fn a_locked_screen_has_no_banner_and_no_app_is_asked() {
    let mut phone = Phone::after(allowed(AppState::Foreground));
    phone.take(lock(true));
    let outputs =
        ["1 displayed", "present id-1 on LockScreen+NotificationCenter", "sound default", "badge 3"];
    assert_eq!(phone.take(arrives(alert(1))), outputs);
    assert_eq!(phone.take(tap("id-1"))[..3], ["removed id-1", "1 opened", "app Background → Foreground"]);
    assert!(!phone.center.is_locked(), "a tap unlocks");
    assert_eq!(phone.take(arrives(alert(2))), ["willPresent 2: id-2"]);
}

#[test]
fn what_is_cleared_on_the_lock_screen_leaves_it_locked() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(lock(true));
    phone.take(arrives(alert(1)));
    phone.take(Input::Dismissed { bundle: NEWS.to_owned(), identifier: "id-1".to_owned() });
    assert!(phone.center.is_locked());
}

#[test]
fn a_banner_goes_when_the_screen_is_locked() {
    let mut phone = Phone::after([allowed(AppState::Foreground), vec![arrives(alert(1))]].concat());
    let options = PresentationOptions::BANNER;
    phone.take(Input::WillPresentAnswered { bundle: NEWS.to_owned(), completion: 1, options });
    let outputs = ["locked", "app Foreground → Background", "removed id-1"];
    assert_eq!(phone.take(lock(true)), outputs);

    let mut listed = Phone::after([allowed(AppState::Background), vec![arrives(alert(1))]].concat());
    listed.take(lock(true));
    let surfaces = &listed.center.delivered(NEWS).next().expect("it is listed").surfaces;
    assert_eq!(surfaces, &[Surface::LockScreen, Surface::NotificationCenter]);
}

#[test]
fn an_app_that_answers_behind_the_lock_has_its_banner_on_the_lock_screen() {
    let mut phone =
        Phone::after([allowed(AppState::Foreground), vec![arrives(alert(1)), lock(true)]].concat());
    let options = PresentationOptions::BANNER;
    let answered = Input::WillPresentAnswered { bundle: NEWS.to_owned(), completion: 1, options };
    assert_eq!(phone.take(answered), ["1 displayed", "present id-1 on LockScreen"]);
}

#[test]
fn a_prompt_waits_behind_the_lock_until_its_app_is_in_front() {
    let mut phone = Phone::after([state(AppState::Foreground), ask(usual(), 1)]);
    assert_eq!(phone.take(lock(true)), ["locked", "app Foreground → Background", "withdraw prompt"]);
    assert_eq!(phone.take(answer(true)), [""; 0], "nobody sees it");
    assert_eq!(phone.take(lock(false)), ["unlocked"]);
    let back = ["app Background → Foreground", "prompt 0b111"];
    assert_eq!(phone.take(state(AppState::Foreground)), back);
    assert_eq!(phone.take(answer(true)), ["result 1: true"]);
}

#[test]
fn a_restart_keeps_the_lock() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(lock(true));
    let read = Center::from_json(&phone.center.to_json().expect("it is written")).expect("it is ours");
    phone.center = read;
    phone.take(Input::Booted);
    assert!(phone.center.is_locked());
}
