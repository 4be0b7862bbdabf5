//! What a device among very many forgets, and what it doesn't.

use super::*;

const SMALL: Thrift = Thrift { seen: 4, delivered: 3, text: 100 };

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
fn long_texts_crowd_out_older_ones_but_the_newest_stays() {
    let mut phone = Phone::after(allowed(AppState::Background));
    for (seq, bytes) in [(1, 60), (2, 60), (3, 300)] {
        phone.take(long(seq, bytes));
    }
    phone.center.forget(&SMALL);
    assert_eq!(phone.listed().len(), 1);
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
