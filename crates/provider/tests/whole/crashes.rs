//! Restarts in the middle: nothing planned is lost.

use std::collections::HashSet;

use homing_provider::engine::{Idempotency, NewPush, Policy, Teller};
use serde_json::json;

use crate::house::{BUNDLE, House};

fn push(body: &str) -> NewPush {
    serde_json::from_value(json!({
        "environment": "development", "audience": { "user": "ann" }, "content": { "body": body },
    }))
    .expect("a sound push")
}

#[tokio::test]
async fn a_request_repeated_under_its_key_makes_one_push() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    let key = |digest: u8| Idempotency {
        server_key: "root".to_owned(),
        key: "order 7".to_owned(),
        body_digest: [digest; 32],
    };
    let first = house.engine.create_push(BUNDLE, push("x"), Some(key(1))).await.unwrap();
    let house = house.restart_provider().await;
    let again = house.engine.create_push(BUNDLE, push("x"), Some(key(1))).await.unwrap();
    assert!(again.replayed && !first.replayed);
    assert_eq!((&again.push_id, again.planned), (&first.push_id, 1));
    assert!(house.engine.create_push(BUNDLE, push("y"), Some(key(2))).await.is_err());
    house.finished(&first.push_id).await;
    house.clock.advance(std::time::Duration::from_secs(24 * 3600 + 1)).unwrap();
    let later = house.engine.create_push(BUNDLE, push("x"), Some(key(1))).await.unwrap();
    assert!(!later.replayed && later.push_id != first.push_id);
    let ids = [phone.next().await.apns_id, phone.next().await.apns_id];
    assert_ne!(ids[0], ids[1]);
    house.stop().await;
}

#[tokio::test]
async fn what_is_planned_is_sent_after_a_restart_and_nothing_twice_under_another_label() {
    let mut house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    let mut pushes = Vec::new();
    for round in 0..3 {
        for _ in 0..20 {
            pushes.push(house.push(json!({ "user": "ann" })).await.push_id);
        }
        if round < 2 {
            house = house.restart_provider().await;
        }
    }
    let mut planned = HashSet::new();
    for push in &pushes {
        let push = house.finished(push).await;
        assert_eq!(push.counts.accepted, 1, "{push:?}");
        let detail = house.detail(&push.push_id).await;
        planned.insert(detail.notifications[0].apns_id.clone());
    }
    let mut got = HashSet::new();
    while got.len() < pushes.len() {
        got.insert(phone.next().await.apns_id);
    }
    assert_eq!(got, planned);
    house.stop().await;
}

#[tokio::test]
async fn a_push_service_that_restarts_in_the_middle_loses_nothing() {
    let mut house = House::start().await;
    house.policy(Policy::AllDevices).await;
    let mut phones = vec![house.phone().await, house.phone().await];
    for phone in &phones {
        house.log_in(phone, "ann").await;
    }
    let mut pushes = Vec::new();
    for round in 0..4 {
        for _ in 0..25 {
            pushes.push(house.push(json!({ "user": "ann" })).await.push_id);
        }
        if round == 1 {
            house = house.restart_gateway().await;
        }
    }
    for push in &pushes {
        let push = house.finished(push).await;
        assert_eq!((push.counts.accepted, push.counts.failed), (2, 0), "{push:?}");
    }
    // The last of each registration is delivered whatever happened before.
    let last = house.detail(pushes.last().unwrap()).await;
    for phone in phones.drain(..) {
        let mut phone = house.back(phone).await;
        let wanted = last.notifications.iter().find(|n| n.token == phone.token).unwrap();
        while phone.next().await.apns_id != wanted.apns_id {}
    }
    house.until(&last.push.push_id, |push| push.counts.delivered == 2).await;
    house.stop().await;
}

#[test]
fn what_was_under_way_when_the_provider_died_is_sent_again_under_the_same_label() {
    let lasting = tokio::runtime::Runtime::new().expect("a runtime");
    let mortal = tokio::runtime::Runtime::new().expect("a runtime");
    let mut house = lasting.block_on(House::start());
    let mut phone = lasting.block_on(house.phone());
    lasting.block_on(house.engine.shutdown());
    // Its tasks die with this runtime wherever they are.
    house.engine = mortal.block_on(house.another_engine());
    let mut pushes = Vec::new();
    mortal.block_on(async {
        house.log_in(&phone, "ann").await;
        for _ in 0..40 {
            pushes.push(house.push(json!({ "user": "ann" })).await.push_id);
        }
    });
    // At least one has arrived; how many are settled nobody knows.
    let first = lasting.block_on(phone.next());
    mortal.shutdown_background();
    lasting.block_on(async {
        house.engine.shutdown().await;
        house.engine = house.another_engine().await;
        let mut planned = HashSet::new();
        for push in &pushes {
            let push = house.finished(push).await;
            assert_eq!((push.counts.accepted, push.counts.sent), (1, 1), "{push:?}");
            planned.insert(house.detail(&push.push_id).await.notifications[0].apns_id.clone());
        }
        let mut got = HashSet::from([first.apns_id]);
        while got != planned {
            let apns_id = phone.next().await.apns_id;
            assert!(planned.contains(&apns_id));
            got.insert(apns_id);
        }
        house.stop().await;
    });
}

#[tokio::test]
async fn an_app_whose_push_service_is_away_holds_up_no_other() {
    let house = House::start().await;
    let mut phone = house.phone().await;
    house.log_in(&phone, "ann").await;
    let rival = "org.example.rival";
    house.tell_nowhere(rival).await;
    let put =
        house.engine.put_credential(rival, homing_trace::Environment::Development, house.credential.clone());
    put.await.unwrap();
    house
        .engine
        .register(
            rival,
            &"cd".repeat(32),
            crate::house::registration(Some("ann"), None),
            Teller::App("ann".to_owned()),
        )
        .await
        .unwrap();
    let stuck = house.engine.create_push(rival, push("x"), None).await.unwrap();
    for _ in 0..5 {
        let push = house.push(json!({ "user": "ann" })).await;
        assert_eq!(house.finished(&push.push_id).await.counts.accepted, 1);
        phone.next().await;
    }
    let stuck = house.engine.push(rival, &stuck.push_id).await.unwrap();
    assert_eq!((stuck.counts.planned, stuck.counts.sent, stuck.finished_at), (1, 0, None));
    house.stop().await;
}
