//! Whose a token is, and that nobody gets what is another's.

use homing_provider::engine::{EngineError, Policy, Teller};
use serde_json::json;

use crate::house::{BUNDLE, House, registration};

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

/// Two users take turns on one phone while pushes are made to both. What the phone gets must be for whoever was logged in
/// at some moment after the push before: a push made between a logout's answer and the next login reaches nobody.
#[tokio::test]
async fn logins_and_logouts_that_race_with_pushes_show_nobody_anothers() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    let token = phone.token.clone();
    let switching = async {
        for round in 0..60_u64 {
            let user = if round.is_multiple_of(2) { "ann" } else { "bob" };
            house
                .engine
                .register(
                    BUNDLE,
                    &token,
                    registration(Some(user), Some(2 * round)),
                    Teller::App(user.to_owned()),
                )
                .await
                .unwrap();
            let mine = house.push(json!({ "user": user })).await;
            house.engine.log_out(BUNDLE, &token, user, Some(2 * round + 1)).await.unwrap();
            // Answered: from now on nothing of this user's begins.
            let sent = house.detail(&mine.push_id).await;
            let late = house.push(json!({ "token": token })).await;
            let late = house.finished(&late.push_id).await;
            assert_eq!(late.counts.accepted, 1);
            let then = house.finished(&mine.push_id).await;
            assert!(
                sent.push.counts.planned == 1 && then.counts.accepted + then.counts.withdrawn == 1,
                "{then:?}"
            );
        }
    };
    let receiving = async {
        let mut order = Vec::new();
        loop {
            let notification = phone.next().await;
            order.push(crate::house::payload(&notification)["homing"].clone());
            if order.iter().filter(|homing| homing.get("user").is_none()).count() == 60 {
                return order;
            }
        }
    };
    let ((), order) = tokio::join!(switching, receiving);
    // Between two of nobody's, at most one of the user's who was logged in then, in the order of the rounds.
    let mut round = 0_u64;
    let tags: Vec<String> = {
        let tag = |user| {
            let engine = house.engine.clone();
            let token = token.clone();
            async move {
                engine
                    .register(BUNDLE, &token, registration(Some(user), None), Teller::App(user.to_owned()))
                    .await
                    .unwrap()
                    .0
                    .user_tag
                    .unwrap()
            }
        };
        vec![tag("ann").await, tag("bob").await]
    };
    for homing in order {
        match homing.get("user").and_then(|user| user.as_str()) {
            None => round += 1,
            Some(tag) => assert_eq!(tag, tags[usize::try_from(round % 2).unwrap()], "round {round}"),
        }
    }
    house.stop().await;
}
