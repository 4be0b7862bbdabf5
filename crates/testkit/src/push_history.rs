//! The history checker of a provider: holds what a business server was told, what the provider says of each push, what
//! reached the devices and who was signed in there against the provider's promises. It decides nothing about how the
//! history was made and reads no clock: time is the devices' own, in milliseconds.

mod whose;

use std::collections::{BTreeMap, BTreeSet};

pub use whose::{Bound, Handed, Shown, SignedIn};

/// One push as it was asked for. Every request of it carried the same key.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The `Idempotency-Key`, which the content names, too.
    pub key: String,
    /// The push that a 202 named; `None` if no answer came, so that nothing was promised.
    pub push_id: Option<String>,
    /// Every token it must reach, all live and in nobody else's hands during the run.
    pub tokens: BTreeSet<String>,
}

/// What the provider says of one push when all is at rest.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub finished: bool,
    pub planned: u64,
    pub accepted: u64,
    pub delivered: u64,
    /// Label and token of each notification.
    pub notifications: Vec<(String, String)>,
}

/// One notification that reached a device.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub token: String,
    pub apns_id: String,
    pub push_id: String,
    /// The key its content names.
    pub key: String,
}

/// All that is known of one run.
#[derive(Clone, Debug, Default)]
pub struct PushHistory {
    pub asked: Vec<Asked>,
    /// By push id.
    pub told: BTreeMap<String, Told>,
    pub arrivals: Vec<Arrival>,
    pub signed_in: Vec<SignedIn>,
    pub shown: Vec<Shown>,
    pub bound: Vec<Bound>,
    pub handed: Vec<Handed>,
    /// How many notifications may have been sent again: those in flight at the kills.
    pub repeats_allowed: usize,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum PushViolation {
    #[error("push {push_id} was accepted, and the provider knows nothing of it")]
    Forgotten { push_id: String },
    #[error("push {push_id} never finished")]
    Unfinished { push_id: String },
    #[error("push {push_id} was accepted and never reached {token}")]
    Lost { push_id: String, token: String },
    #[error("push {push_id} reached {token}, for which nobody asked")]
    Unasked { push_id: String, token: String },
    #[error("the requests with key {key} became the pushes {first} and {second}")]
    TwoPushes { key: String, first: String, second: String },
    #[error("push {push_id} reached {token} as {first} and as {second}: the label must stay over repeats")]
    TwoLabels { push_id: String, token: String, first: String, second: String },
    #[error("push {push_id} {what} {told}, and it was {wanted}")]
    Miscounted { push_id: String, what: &'static str, told: u64, wanted: u64 },
    #[error("{repeats} notifications came again, and {allowed} were in flight at the most")]
    TooManyRepeats { repeats: usize, allowed: usize },
    #[error("{apns_id}, meant for {meant_for}, was shown on {device} to {}", one_of(.users))]
    ShownToAnother { apns_id: String, meant_for: String, device: String, users: BTreeSet<Option<String>> },
    #[error("{apns_id} to {user} was {what} to {token} after {from}, when it wasn't {user}'s")]
    BegunAfterItsEnd { apns_id: String, user: String, token: String, what: &'static str, from: i64 },
}

fn one_of(users: &BTreeSet<Option<String>>) -> String {
    let words: Vec<_> = users.iter().map(|user| user.as_deref().unwrap_or("nobody")).collect();
    if words.is_empty() { "whom nobody knows".to_owned() } else { words.join(" or ") }
}

/// Every broken promise, each once, in a stable order. Empty is the verdict one wants.
pub fn check(history: &PushHistory) -> Vec<PushViolation> {
    let mut found = BTreeSet::new();
    every_accepted_push_reached_all(history, &mut found);
    a_key_is_one_push(history, &mut found);
    a_label_stays(history, &mut found);
    nothing_came_unasked(history, &mut found);
    repeats_are_bounded(history, &mut found);
    whose::nobody_saw_anothers(history, &mut found);
    whose::nothing_began_after_its_end(history, &mut found);
    found.into_iter().collect()
}

fn every_accepted_push_reached_all(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    let arrived: BTreeSet<(&str, &str)> =
        history.arrivals.iter().map(|arrival| (arrival.push_id.as_str(), arrival.token.as_str())).collect();
    for asked in &history.asked {
        let Some(push_id) = &asked.push_id else { continue };
        for token in asked.tokens.iter().filter(|token| !arrived.contains(&(push_id, token))) {
            found.insert(PushViolation::Lost { push_id: push_id.clone(), token: token.clone() });
        }
        let Some(told) = history.told.get(push_id) else {
            found.insert(PushViolation::Forgotten { push_id: push_id.clone() });
            continue;
        };
        if !told.finished {
            found.insert(PushViolation::Unfinished { push_id: push_id.clone() });
        }
        let wanted = asked.tokens.len() as u64;
        for (what, told) in
            [("planned", told.planned), ("accepted", told.accepted), ("delivered", told.delivered)]
        {
            if told != wanted {
                let push_id = push_id.clone();
                found.insert(PushViolation::Miscounted { push_id, what, told, wanted });
            }
        }
    }
}

fn a_key_is_one_push(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    let answered =
        history.asked.iter().filter_map(|asked| Some((asked.key.as_str(), asked.push_id.as_deref()?)));
    let arrived = history.arrivals.iter().map(|arrival| (arrival.key.as_str(), arrival.push_id.as_str()));
    let mut pushes: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, push_id) in answered.chain(arrived) {
        let first = *pushes.entry(key).or_insert(push_id);
        if first != push_id {
            let (first, second) = (first.min(push_id).to_owned(), first.max(push_id).to_owned());
            found.insert(PushViolation::TwoPushes { key: key.to_owned(), first, second });
        }
    }
}

fn a_label_stays(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    let mut labels: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let arrived = history.arrivals.iter().map(|one| (one.push_id.as_str(), one.token.as_str(), &one.apns_id));
    let told = history.told.iter().flat_map(|(push_id, told)| {
        told.notifications.iter().map(move |(label, token)| (push_id.as_str(), token.as_str(), label))
    });
    for (push_id, token, label) in arrived.chain(told) {
        let first = *labels.entry((push_id, token)).or_insert(label);
        if !first.eq_ignore_ascii_case(label) {
            found.insert(PushViolation::TwoLabels {
                push_id: push_id.to_owned(),
                token: token.to_owned(),
                first: first.to_owned(),
                second: label.clone(),
            });
        }
    }
}

fn nothing_came_unasked(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    let wanted: BTreeMap<&str, &BTreeSet<String>> =
        history.asked.iter().map(|asked| (asked.key.as_str(), &asked.tokens)).collect();
    for arrival in &history.arrivals {
        let is_wanted =
            wanted.get(arrival.key.as_str()).is_some_and(|tokens| tokens.contains(&arrival.token));
        if !is_wanted {
            let (push_id, token) = (arrival.push_id.clone(), arrival.token.clone());
            found.insert(PushViolation::Unasked { push_id, token });
        }
    }
}

fn repeats_are_bounded(history: &PushHistory, found: &mut BTreeSet<PushViolation>) {
    let once: BTreeSet<(&str, &str)> =
        history.arrivals.iter().map(|arrival| (arrival.token.as_str(), arrival.apns_id.as_str())).collect();
    let (repeats, allowed) = (history.arrivals.len() - once.len(), history.repeats_allowed);
    if repeats > allowed {
        found.insert(PushViolation::TooManyRepeats { repeats, allowed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One push to one token that went as promised.
    fn sound() -> PushHistory {
        let notification = ("L".to_owned(), "t".to_owned());
        let told =
            Told { finished: true, planned: 1, accepted: 1, delivered: 1, notifications: vec![notification] };
        PushHistory {
            asked: vec![Asked {
                key: "k".to_owned(),
                push_id: Some("p".to_owned()),
                tokens: BTreeSet::from(["t".to_owned()]),
            }],
            told: BTreeMap::from([("p".to_owned(), told)]),
            arrivals: vec![arrival("t", "l", "p")],
            ..PushHistory::default()
        }
    }

    fn arrival(token: &str, apns_id: &str, push_id: &str) -> Arrival {
        let [token, apns_id, push_id] = [token, apns_id, push_id].map(str::to_owned);
        Arrival { token, apns_id, push_id, key: "k".to_owned() }
    }

    fn verdict(change: impl FnOnce(&mut PushHistory)) -> Vec<String> {
        let mut history = sound();
        change(&mut history);
        check(&history).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_history_has_no_violation() {
        assert_eq!(verdict(|_| {}), [""; 0]);
    }

    #[test]
    fn each_broken_promise_is_found() {
        let lost = verdict(|history| history.arrivals.clear());
        assert_eq!(lost, ["push p was accepted and never reached t"]);
        let forgotten = verdict(|history| history.told.clear());
        assert_eq!(forgotten, ["push p was accepted, and the provider knows nothing of it"]);
        let unasked = verdict(|history| history.arrivals.push(arrival("u", "m", "p")));
        assert_eq!(unasked, ["push p reached u, for which nobody asked"]);
        let two_pushes = verdict(|history| history.arrivals.push(arrival("t", "m", "q")));
        assert_eq!(two_pushes, ["the requests with key k became the pushes p and q"]);
        let two_labels = verdict(|history| history.arrivals.push(arrival("t", "m", "p")));
        assert_eq!(two_labels, ["push p reached t as l and as m: the label must stay over repeats"]);
        let again = verdict(|history| history.arrivals.push(arrival("t", "l", "p")));
        assert_eq!(again, ["1 notifications came again, and 0 were in flight at the most"]);
        let miscounted = verdict(|history| {
            history.told.get_mut("p").expect("it is told").delivered = 2;
        });
        assert_eq!(miscounted, ["push p delivered 2, and it was 1"]);
    }
}
