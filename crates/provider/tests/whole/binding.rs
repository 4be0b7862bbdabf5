//! Whose a token is, and that nobody gets what is another's.
//!
//! The race is judged by the history checker of the testkit, over all that reached a phone, 200 changes and one clock: after
//! a logout or another's login was answered, no notification to that user whose push is asked for later reaches the
//! token; and of what was planned before, only what the provider had begun to send before that answer, by its own record,
//! is accepted by the push service after it: that is what was in flight. A notification is sound if its user may have had
//! the token, from the question that bound it until the answer to the next change, both at a moment between the push's
//! question and answer, and at one between the provider's record of sending and the push service's of accepting.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that isn't as it should be")]

use std::collections::BTreeMap;
use std::time::Duration;

use homing_gateway::store::TraceQuery;
use homing_provider::engine::{EngineError, HistoryQuery, Policy, Teller};
use homing_testkit::dice::Dice;
use homing_testkit::push_history::{Bound, Handed, PushHistory, check};
use homing_trace::Stage;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::house::{BUNDLE, House, Phone, payload, registration};

const PHONES: usize = 4;
const CHANGES: usize = 200;
const PEOPLE: [&str; 3] = ["ann", "bob", "cyd"];
/// How long all may take to arrive.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn after_a_logout_nothing_comes_and_the_push_says_why() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    house.log_out(&phone, "bob").await;
    let push = house.push(json!({ "user": "ann" })).await;
    assert_eq!(push.planned, 1);
    phone.next().await;
    house.log_out(&phone, "ann").await;
    house.log_out(&phone, "ann").await;
    let push = house.push(json!({ "user": "ann" })).await;
    assert_eq!(push.planned, 0);
    assert!(push.why.as_ref().is_some_and(|why| why.contains("logged in on no installation")), "{push:?}");
    let stranger = house.push(json!({ "users": ["ann", "eve"] })).await;
    let why = "2 of 2 users are not reached: 1 never logged in to this app, 1 logged in nowhere.";
    assert_eq!(stranger.why.as_deref(), Some(why));
    house.stop().await;
}

#[tokio::test]
async fn a_policy_says_whether_the_last_device_or_all_get_it() {
    let house = House::start().await;
    let (mut first, mut second) = (house.phone().await, house.phone().await);
    house.log_in(&second, "ann").await;
    house.log_in(&first, "ann").await;
    house.policy(Policy::LastDevice).await;
    let push = house.push(json!({ "user": "ann" })).await;
    assert_eq!(push.planned, 1);
    let got = first.next().await;
    // Logging in again on the second makes it the last.
    house.log_in(&second, "ann").await;
    house.push(json!({ "user": "ann" })).await;
    let other = second.next().await;
    assert_ne!(got.apns_id, other.apns_id);
    house.policy(Policy::AllDevices).await;
    let push = house.push(json!({ "users": ["ann", "ann"] })).await;
    assert_eq!(push.planned, 2);
    let ids = [first.next().await.apns_id, second.next().await.apns_id];
    let mut planned: Vec<String> =
        house.detail(&push.push_id).await.notifications.into_iter().map(|n| n.apns_id).collect();
    planned.sort();
    let mut ids = ids.to_vec();
    ids.sort();
    assert_eq!(ids, planned);
    house.stop().await;
}

#[tokio::test]
async fn a_late_login_of_an_older_epoch_is_told_the_known_one() {
    let house = House::start().await;
    let phone = house.phone().await;
    let log_in = |user: &'static str, epoch| {
        house.engine.register(
            BUNDLE,
            &phone.token,
            registration(Some(user), Some(epoch)),
            Teller::App(user.to_owned()),
        )
    };
    let (installation, new) = log_in("ann", 4).await.unwrap();
    assert!(new && installation.epoch == Some(4) && installation.user.as_deref() == Some("ann"));
    let (installation, new) = log_in("bob", 7).await.unwrap();
    assert!(!new && installation.user.as_deref() == Some("bob"));
    for (user, epoch) in [("ann", 5), ("ann", 6), ("bob", 6)] {
        let error = log_in(user, epoch).await.unwrap_err();
        assert!(matches!(error, EngineError::StaleEpoch { known: 7, .. }), "{error}");
    }
    log_in("bob", 7).await.unwrap();
    let error = house.engine.log_out(BUNDLE, &phone.token, "bob", Some(6)).await.unwrap_err();
    assert!(matches!(error, EngineError::StaleEpoch { known: 7, .. }), "{error}");
    house.stop().await;
}

#[tokio::test]
async fn what_waits_for_the_push_service_is_judged_again_at_hand_over() {
    let house = House::start().await;
    house.tell_nowhere(BUNDLE).await;
    let mut phones = Vec::new();
    for user in ["ann", "bob", "cyd", "dan"] {
        let phone = house.phone().await;
        house.log_in(&phone, user).await;
        phones.push(phone);
    }
    let push = house.push(json!({ "users": ["ann", "bob", "cyd", "dan"] })).await;
    assert_eq!(push.planned, 4);
    // Claimed, and waiting for a connection.
    house.until(&push.push_id, |push| push.why.is_some()).await;
    house.log_out(&phones[0], "ann").await;
    house.log_in(&phones[1], "eve").await;
    house.engine.forget(BUNDLE, &phones[2].token).await.unwrap();
    house.tell_where().await;
    let push = house.finished(&push.push_id).await;
    assert_eq!((push.counts.withdrawn, push.counts.accepted, push.counts.sent), (3, 1, 1));
    let reasons: Vec<&str> = push.reasons.withdrawn.keys().map(String::as_str).collect();
    assert_eq!(reasons, ["another-user", "forgotten", "logged-out"]);
    phones[3].next().await;
    house.stop().await;
}

/// Three users take turns on four phones while pushes are made to each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_and_logouts_that_race_with_pushes_hand_nobody_anothers() {
    let mut dice = Dice::rolled("logins racing with pushes at the provider").unwrap();
    let house = House::start().await;
    house.policy(Policy::AllDevices).await;
    let pushed = watch::Sender::new(0);
    let (changing, arrived) = (watch::Sender::new(true), watch::Sender::new(Vec::new()));
    let (mut changes, mut receiving) = (Vec::new(), JoinSet::new());
    for _ in 0..PHONES {
        let phone = house.phone().await;
        changes.push(change_users(&house, phone.token.clone(), Dice::new(dice.next()), pushed.subscribe()));
        receiving.spawn(receive(phone, arrived.clone()));
    }
    let changing_all = async {
        let bound = futures_util::future::join_all(changes).await.concat();
        changing.send_replace(false);
        bound
    };
    let (bound, pushes) =
        tokio::join!(changing_all, push_to_everybody(&house, &pushed, changing.subscribe()));

    let (mut accepted, mut withdrawn) = (0, 0);
    for push_id in pushes.keys() {
        let counts = house.finished(push_id).await.counts;
        assert_eq!(counts.planned, counts.accepted + counts.withdrawn, "{push_id}: {counts:?}");
        (accepted, withdrawn) = (accepted + counts.accepted, withdrawn + counts.withdrawn);
    }
    let mut arriving = arrived.subscribe();
    let all = arriving.wait_for(|arrived| arrived.len() as u64 >= accepted);
    let all = tokio::time::timeout(DEADLINE, all).await.expect("what was accepted arrives").unwrap().clone();
    receiving.abort_all();
    let mut handed = Vec::new();
    for arrived in all {
        handed.push(story(&house, arrived, &pushes).await);
    }
    eprintln!("{} pushes: {accepted} accepted, {withdrawn} withdrawn", pushes.len());
    let history = PushHistory { bound, handed, ..PushHistory::default() };
    let violations: Vec<_> = check(&history).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    assert_eq!(history.bound.len(), CHANGES);
    assert!(accepted >= 50, "too little was sent to show anything: {accepted}");
    house.stop().await;
}

/// Logins, takeovers and logouts on one token, one after the other, each some pushes after the one before.
async fn change_users(
    house: &House,
    token: String,
    mut dice: Dice,
    mut pushed: watch::Receiver<usize>,
) -> Vec<Bound> {
    let mut bound: Vec<Bound> = Vec::new();
    for epoch in 1..=(CHANGES / PHONES) as u64 {
        let before = bound.last().and_then(|last| last.user.clone());
        let user = PEOPLE.get(dice.between(0, 3) as usize).map(|user| (*user).to_owned());
        let asked = house.clock.now().0;
        if let Some(user) = &user {
            let login = registration(Some(user), Some(epoch));
            house.engine.register(BUNDLE, &token, login, Teller::App(user.clone())).await.unwrap();
        } else if let Some(before) = before {
            house.engine.log_out(BUNDLE, &token, &before, Some(epoch)).await.unwrap();
        }
        bound.push(Bound { token: token.clone(), user, asked, answered: house.clock.now().0 });
        let stay = *pushed.borrow() + dice.between(0, 5) as usize;
        pushed.wait_for(|pushed| *pushed >= stay).await.unwrap();
    }
    bound
}

/// To whom a push was, and when it was asked for and answered.
type Pushed = (&'static str, i64, i64);

/// Pushes to one user after the other while there are changes; by push id.
async fn push_to_everybody(
    house: &House,
    pushed: &watch::Sender<usize>,
    changing: watch::Receiver<bool>,
) -> BTreeMap<String, Pushed> {
    let mut pushes = BTreeMap::new();
    while *changing.borrow() {
        let user = PEOPLE[pushes.len() % PEOPLE.len()];
        let asked = house.clock.now().0;
        let push = house.push(json!({ "user": user })).await;
        pushes.insert(push.push_id, (user, asked, house.clock.now().0));
        pushed.send_replace(pushes.len());
    }
    pushes
}

/// Token, `apns-id` and push.
type Arrived = (String, String, String);

async fn receive(mut phone: Phone, arrived: watch::Sender<Vec<Arrived>>) {
    while let Ok(notification) = phone.connection.notification().await {
        let push = payload(&notification)["homing"]["push"].as_str().unwrap().to_owned();
        phone.connection.ack(notification.packet_id).await.unwrap();
        arrived.send_modify(|arrived| arrived.push((phone.token.clone(), notification.apns_id, push)));
    }
}

/// What the provider and the push service recorded of what arrived.
async fn story(house: &House, arrived: Arrived, pushes: &BTreeMap<String, Pushed>) -> Handed {
    let (token, apns_id, push_id) = arrived;
    let (user, asked, planned) = pushes[&push_id];
    let query = HistoryQuery::ApnsId(apns_id.clone());
    let known = house.engine.notifications(BUNDLE, query, 2, 0).await.unwrap().0;
    let sent = known[0].events.iter().find(|event| event.stage == "sent").unwrap().at.0;
    let traces = house.gateway.store().trace(TraceQuery::ApnsId(apns_id.clone()), 2).await.unwrap();
    let accepted = traces[0].events.iter().find(|event| event.stage == Stage::Accepted).unwrap().at.0;
    Handed { token, user: user.to_owned(), apns_id, asked, planned, sent, accepted }
}
