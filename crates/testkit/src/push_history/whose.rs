//! Whose hands a notification came into: nobody is shown what is for another, and after a logout or another's login was
//! answered nothing of the user's begins. All judged here is what can be known from outside: a change lies between its
//! question and its answer, a hand-over between the provider's record of it and the push service's acceptance.

use std::collections::BTreeSet;

use super::{PushHistory, PushViolation};

/// From one moment to another exactly this user was signed in on a device. Between two such stretches it is the user of
/// the one or the other, or nobody.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub device: String,
    /// `None`: nobody.
    pub user: Option<String>,
    pub from: i64,
    pub to: i64,
}

/// A device showed a notification to whoever held it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub device: String,
    /// Whom its sender meant.
    pub meant_for: String,
    pub apns_id: String,
    /// When the device decided so. What it withdraws later was shown all the same.
    pub at: i64,
}

/// The provider was told whose a token is. The changes of one token come one after the other, in the order of this list.
#[derive(Clone, Debug)]
pub struct Bound {
    pub token: String,
    /// `None`: nobody's any more.
    pub user: Option<String>,
    pub asked: i64,
    pub answered: i64,
}

/// A notification to a user that reached a token.
#[derive(Clone, Debug)]
pub struct Handed {
    pub token: String,
    pub user: String,
    pub apns_id: String,
    /// Its push was asked for: it was planned between this and the answer, `planned`.
    pub asked: i64,
    pub planned: i64,
    /// The provider began to send it. The hand-over lies between this and `accepted`.
    pub sent: i64,
    /// The push service took it.
    pub accepted: i64,
}

/// In a stretch only what is for its user is shown; outside of all, only what is for the user of the one before or of the
/// one after. On a device of which no stretch is known, nothing.
pub(super) fn nobody_saw_anothers(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    for shown in &history.shown {
        let users = possible_users(history, shown);
        if users.iter().all(|user| user.as_deref() != Some(&shown.meant_for)) {
            found.insert(PushViolation::ShownToAnother {
                apns_id: shown.apns_id.clone(),
                meant_for: shown.meant_for.clone(),
                device: shown.device.clone(),
                users: users.into_iter().cloned().collect(),
            });
        }
    }
}

fn possible_users<'a>(history: &'a PushHistory, shown: &Shown) -> BTreeSet<&'a Option<String>> {
    let here = || history.signed_in.iter().filter(|stretch| stretch.device == shown.device);
    let within = here().filter(|stretch| (stretch.from..=stretch.to).contains(&shown.at));
    let within: BTreeSet<_> = within.map(|stretch| &stretch.user).collect();
    if !within.is_empty() {
        return within;
    }
    let before = here().filter(|stretch| stretch.to < shown.at).max_by_key(|stretch| stretch.to);
    let after = here().filter(|stretch| stretch.from > shown.at).min_by_key(|stretch| stretch.from);
    before.into_iter().chain(after).map(|stretch| &stretch.user).collect()
}

/// A notification was planned, and handed over, at a moment at which its user may have had the token: from the question
/// that bound it until the answer to the next change. So what was planned after that answer may not come at all, and what
/// the push service accepted after it was in flight when it was given.
pub(super) fn nothing_began_after_its_end(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    for handed in &history.handed {
        let steps = [("planned", handed.asked, handed.planned), ("sent", handed.sent, handed.accepted)];
        for (what, from, to) in steps {
            if !may_have_had(history, handed, from, to) {
                found.insert(PushViolation::BegunAfterItsEnd {
                    apns_id: handed.apns_id.clone(),
                    user: handed.user.clone(),
                    token: handed.token.clone(),
                    what,
                    from,
                });
            }
        }
    }
}

fn may_have_had(history: &PushHistory, handed: &Handed, from: i64, to: i64) -> bool {
    let of_token: Vec<_> = history.bound.iter().filter(|bound| bound.token == handed.token).collect();
    let ends = of_token.iter().skip(1).map(|next| next.answered).chain([i64::MAX]);
    let mut had = of_token.iter().zip(ends).filter(|(bound, _)| bound.user.as_ref() == Some(&handed.user));
    had.any(|(bound, end)| bound.asked <= to && from <= end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push_history::check;

    fn named(user: &str) -> Option<String> {
        (user != "nobody").then(|| user.to_owned())
    }

    fn verdict(history: &PushHistory) -> Vec<String> {
        check(history).iter().map(ToString::to_string).collect()
    }

    /// Bob has the device from 10 to 20, Cyd from 30 to 40, nobody from 50 to 60.
    fn shown(meant_for: &str, device: &str, at: i64) -> Vec<String> {
        let stretches = [("bob", 10, 20), ("cyd", 30, 40), ("nobody", 50, 60)];
        let signed_in = stretches.map(|(user, from, to)| SignedIn {
            device: "iphone".to_owned(),
            user: named(user),
            from,
            to,
        });
        let (meant_for, device) = (meant_for.to_owned(), device.to_owned());
        let shown = vec![Shown { device, meant_for, apns_id: "l".to_owned(), at }];
        verdict(&PushHistory { signed_in: signed_in.to_vec(), shown, ..PushHistory::default() })
    }

    #[test]
    fn what_was_shown_to_another_is_found_also_while_users_change() {
        let table = [
            ("ann", 15, "bob"),
            ("ann", 20, "bob"),
            ("ann", 25, "bob or cyd"),
            ("ann", 5, "bob"),
            ("cyd", 5, "bob"),
            ("bob", 45, "nobody or cyd"),
            ("cyd", 55, "nobody"),
            ("cyd", 65, "nobody"),
        ];
        for (meant_for, at, users) in table {
            let wanted = format!("l, meant for {meant_for}, was shown on iphone to {users}");
            assert_eq!(shown(meant_for, "iphone", at), [wanted], "{at}");
        }
        let unknown = shown("bob", "ipad", 15);
        assert_eq!(unknown, ["l, meant for bob, was shown on ipad to whom nobody knows"]);
    }

    #[test]
    fn what_was_shown_to_whom_it_was_for_is_none() {
        for (meant_for, at) in [("bob", 15), ("bob", 5), ("bob", 25), ("cyd", 25), ("cyd", 45)] {
            assert_eq!(shown(meant_for, "iphone", at), [""; 0], "{meant_for} at {at}");
        }
    }

    /// Ann has the token from 10..12 on until 20..22, then Bob until 30..32, then nobody, then Ann again from 40..42.
    fn handed(user: &str, (asked, planned): (i64, i64), (sent, accepted): (i64, i64)) -> Vec<String> {
        let changes = [("ann", 10, 12), ("bob", 20, 22), ("nobody", 30, 32), ("ann", 40, 42)];
        let bound = changes.map(|(user, asked, answered)| Bound {
            token: "t".to_owned(),
            user: named(user),
            asked,
            answered,
        });
        let [token, user, apns_id] = ["t", user, "l"].map(str::to_owned);
        let handed = vec![Handed { token, user, apns_id, asked, planned, sent, accepted }];
        verdict(&PushHistory { bound: bound.to_vec(), handed, ..PushHistory::default() })
    }

    #[test]
    fn what_began_while_its_user_may_have_had_the_token_is_sound() {
        let table = [
            ("ann", (11, 11), (15, 16)),
            ("ann", (15, 15), (22, 29)),
            ("ann", (15, 23), (41, 45)),
            ("bob", (21, 25), (32, 99)),
            ("ann", (35, 40), (38, 41)),
        ];
        for (user, planned, sent) in table {
            assert_eq!(handed(user, planned, sent), [""; 0], "{user} {planned:?} {sent:?}");
        }
    }

    #[test]
    fn what_began_after_the_answer_to_a_logout_or_anothers_login_is_found() {
        let sent = |user: &str, at| format!("l to {user} was sent to t after {at}, when it wasn't {user}'s");
        assert_eq!(handed("ann", (15, 15), (23, 24)), [sent("ann", 23)]);
        assert_eq!(handed("bob", (25, 25), (33, 50)), [sent("bob", 33)]);
        let planned = "l to bob was planned to t after 33, when it wasn't bob's";
        assert_eq!(handed("bob", (33, 34), (34, 35)), [planned.to_owned(), sent("bob", 34)]);
        assert_eq!(
            handed("ann", (5, 6), (11, 12)),
            ["l to ann was planned to t after 5, when it wasn't ann's"]
        );
        assert_eq!(handed("eve", (15, 15), (15, 15)).len(), 2, "it never was hers");
    }
}
