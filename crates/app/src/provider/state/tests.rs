//! What the provider is told, whatever happened in between.

use super::*;

/// In short words: what is told next.
fn next(kept: &Kept) -> String {
    match kept.next_binding(&[]) {
        None => "nothing".to_owned(),
        Some(Binding { kind, token, user, epoch, .. }) => format!("{kind:?} {user} to {token}, {epoch}"),
    }
}

/// Tells what is next, and has the answer.
fn tell(kept: &mut Kept) {
    let binding = kept.next_binding(&[]).expect("there is something to tell");
    kept.sending(&binding);
    kept.done(&binding);
}

fn log_in(kept: &mut Kept, user: &str) {
    kept.signed_in(user, format!("proof of {user}"));
}

fn reader_is_bound() -> Kept {
    let mut kept = Kept::default();
    kept.registered("t".to_owned());
    log_in(&mut kept, "reader");
    tell(&mut kept);
    assert!(kept.is_settled());
    kept
}

#[test]
fn the_tag_is_the_contracts() {
    // printf 'homing-user\0com.example.news\0reader' | sha256sum
    assert_eq!(user_tag("com.example.news", "reader"), "88a2da53207d9ee6");
}

#[test]
fn a_sign_in_waits_for_the_token() {
    let mut kept = Kept::default();
    log_in(&mut kept, "ann");
    assert_eq!(next(&kept), "nothing");
    kept.registered("t".to_owned());
    assert_eq!(next(&kept), "Bind ann to t, 2");
    tell(&mut kept);
    assert!(kept.is_settled());
}

#[test]
fn tags_are_told_with_the_token_and_again_when_they_change() {
    let tags = |all: &[&str]| all.iter().map(|tag| (*tag).to_owned()).collect::<BTreeSet<_>>();
    let mut kept = Kept::default();
    kept.tag(tags(&["sports"]));
    kept.registered("t".to_owned());
    assert_eq!(next(&kept), "nothing", "nobody is signed in who may tell it");
    log_in(&mut kept, "reader");
    let bind = kept.next_binding(&[]).expect("it is next");
    assert_eq!((bind.kind, bind.tags.clone()), (Kind::Bind, Some(tags(&["sports"]))));
    // They change while it is told.
    kept.sending(&bind);
    kept.tag(tags(&["news"]));
    kept.done(&bind);
    let again = kept.next_binding(&[]).expect("it is next");
    assert_eq!((again.kind, again.tags.clone()), (Kind::Register, Some(tags(&["news"]))));
    kept.tag(tags(&[]));
    kept.done(&again);
    assert_eq!(kept.next_binding(&[]).expect("it is next").tags, Some(tags(&[])));
    tell(&mut kept);
    kept.tag(tags(&[]));
    assert!(kept.is_settled() && kept.tags().is_empty());
}

#[test]
fn whoever_was_bound_is_signed_out_before_another_signs_in() {
    let mut kept = reader_is_bound();
    log_in(&mut kept, "ann");
    assert_eq!(next(&kept), "Unbind reader to t, 2");
    tell(&mut kept);
    assert_eq!(next(&kept), "Bind ann to t, 3");
    tell(&mut kept);
    assert_eq!(next(&kept), "nothing");
}

#[test]
fn a_sign_in_without_an_answer_counts_as_bound() {
    let mut kept = reader_is_bound();
    log_in(&mut kept, "ann");
    tell(&mut kept);
    let bind = kept.next_binding(&[]).expect("ann is next");
    kept.sending(&bind);
    kept.signed_out();
    assert_eq!(next(&kept), "Unbind ann to t, 4");
    tell(&mut kept);
    assert_eq!(next(&kept), "nothing");
    // The answer came after all.
    kept.done(&bind);
    assert!(kept.is_settled());
}

#[test]
fn a_late_answer_settles_nothing_newer() {
    let mut kept = reader_is_bound();
    log_in(&mut kept, "reader");
    let first = kept.next_binding(&[]).expect("reader is next");
    kept.sending(&first);
    log_in(&mut kept, "reader");
    kept.done(&first);
    assert_eq!(next(&kept), "Bind reader to t, 3");
}

#[test]
fn a_refused_sign_out_does_not_hold_up_the_sign_in_that_ends_it() {
    let mut kept = reader_is_bound();
    log_in(&mut kept, "ann");
    let refused = kept.next_binding(&[]).expect("reader is next");
    let bind = kept.next_binding(&[refused]).expect("ann is next");
    assert_eq!((bind.kind, bind.user.as_str()), (Kind::Bind, "ann"));
    kept.sending(&bind);
    kept.done(&bind);
    assert_eq!(next(&kept), "nothing", "the provider binds one user to a token");
}

#[test]
fn a_new_token_is_bound_and_the_old_one_let_go() {
    let mut kept = reader_is_bound();
    kept.registered("u".to_owned());
    assert_eq!(next(&kept), "Unbind reader to t, 2");
    tell(&mut kept);
    assert_eq!(next(&kept), "Bind reader to u, 3");
    tell(&mut kept);
    kept.signed_out();
    kept.registered("v".to_owned());
    assert_eq!(next(&kept), "Unbind reader to u, 4");
}

#[test]
fn a_launch_tells_the_token_again_and_not_whose_it_is() {
    let mut kept = reader_is_bound();
    kept.registered("t".to_owned());
    assert_eq!(next(&kept), "Register reader to t, 1");
    tell(&mut kept);
    assert!(kept.is_settled());
    // A provider that knows nobody there may have lost the sign-in.
    kept.registered("t".to_owned());
    kept.found_unbound();
    assert_eq!(next(&kept), "Rebind reader to t, 1");
    tell(&mut kept);
    assert!(kept.is_settled());
    // Before the provider has answered the sign-in, a launch adds nothing to it.
    log_in(&mut kept, "reader");
    kept.registered("t".to_owned());
    assert_eq!(next(&kept), "Bind reader to t, 2");
    tell(&mut kept);
    assert!(kept.is_settled());
}

#[test]
fn a_number_that_is_known_already_is_outdone() {
    let mut kept = reader_is_bound();
    kept.signed_out();
    kept.outdo(5_000);
    assert_eq!(next(&kept), "Unbind reader to t, 5001");
    kept.outdo(4_000);
    assert_eq!(next(&kept), "Unbind reader to t, 5001", "an old answer");
    kept.outdo(u64::MAX);
    assert_eq!(next(&kept), format!("Unbind reader to t, {}", u64::MAX));
}

#[test]
fn a_newer_proof_is_used_everywhere() {
    let mut kept = reader_is_bound();
    kept.opened("p".to_owned(), Deed::Opened);
    kept.renew("reader", "newer");
    kept.renew("ann", "another's");
    kept.signed_out();
    assert_eq!(kept.next_binding(&[]).expect("reader is next").identity_token, "newer");
    assert_eq!(kept.next_report(&[]).expect("there is one").identity_token, "newer");
}

#[test]
fn reports_are_bounded_and_told_in_order() {
    let mut kept = reader_is_bound();
    for number in 0..150 {
        kept.opened(number.to_string(), Deed::Opened);
    }
    let first = kept.next_report(&[]).expect("there is one");
    assert_eq!(first.push_id, "50", "the oldest are given up");
    kept.reported(&first);
    assert_eq!(kept.next_report(&[]).expect("there is one").push_id, "51");
    assert!(kept.next_report(&[first.user]).is_none(), "all are of one user");
    let mut nobody = Kept::default();
    nobody.opened("p".to_owned(), Deed::Opened);
    assert!(nobody.next_report(&[]).is_none());
}
