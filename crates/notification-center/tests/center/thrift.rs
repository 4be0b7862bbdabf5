//! What a device among very many forgets, and what it doesn't.

use super::*;

const SMALL: Thrift = Thrift { seen: 4, delivered: 3 };

fn long(seq: u64, bytes: usize) -> Input {
    arrives(push(seq, json!({"aps": {"alert": "n".repeat(bytes)}, "url": "u"})))
}

#[test]
fn the_newest_notifications_stay_without_their_payloads_and_nothing_is_said() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for seq in 1..=5 {
        phone.take(long(seq, 10));
        phone.center.forget(&SMALL);
    }
    let listed = phone.listed();
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(phone.center.delivered(NEWS).all(|kept| kept.notification.request.content.user_info.is_empty()));
    // They are still there to be opened.
    let identifier = listed[0].clone();
    let said = phone.take(Input::Tapped { bundle: NEWS.to_owned(), identifier });
    assert!(said.iter().any(|said| said.contains("opened")), "{said:?}");
}

#[test]
fn the_newest_of_all_apps_stay() {
    let mut phone = Phone::after(allowed(AppState::Background));
    phone.take(Input::AppInstalled(chat()));
    let quietly = AuthorizationOptions::ALERT.and(AuthorizationOptions::PROVISIONAL);
    phone.take(Input::AuthorizationRequested { bundle: CHAT.to_owned(), options: quietly, request: 1 });
    for (seq, bundle) in [(1, NEWS), (2, CHAT), (3, NEWS), (4, NEWS), (5, CHAT), (6, NEWS)] {
        phone.now = phone.now.plus_millis(1_000);
        let mut alert = alert(seq);
        alert.bundle = bundle.to_owned();
        phone.take(arrives(alert));
        phone.center.forget(&SMALL);
    }
    let seqs = |bundle| -> Vec<u64> {
        phone.center.delivered(bundle).filter_map(|kept| Some(kept.remote.as_ref()?.seq)).collect()
    };
    assert_eq!((seqs(NEWS), seqs(CHAT)), (vec![6, 4], vec![5]));
}

#[test]
fn a_silent_notification_that_waits_wakes_its_app_without_what_it_said() {
    let mut phone = Phone::after(allowed(AppState::Background));
    let silent = |seq| arrives(push(seq, json!({"aps": {"content-available": 1}, "url": "u".repeat(4_000)})));
    for seq in 1..=4 {
        phone.take(silent(seq));
    }
    phone.center.forget(&SMALL);
    let said = phone.take(Input::AppStateChanged { bundle: NEWS.to_owned(), state: AppState::Foreground });
    assert!(said.iter().any(|said| said.contains("silent")), "{said:?}");
}

#[test]
fn the_last_notifications_are_known_again() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for seq in 1..=20 {
        phone.take(arrives(alert(seq)));
        phone.center.forget(&SMALL);
    }
    for (seq, known) in [(20, true), (17, true), (1, false)] {
        let said = phone.take(arrives(alert(seq)));
        assert_eq!(said.iter().any(|said| said.contains("duplicate")), known, "{seq}: {said:?}");
    }
}
