//! The order in which a lane claims.

use serde_json::json;

use super::turn::Given;
use super::*;
use crate::engine::lanes::lane_no;
use crate::engine::tests::{BUNDLE, HERE, House, key, token};

const LANE: i64 = lane_no(1, HERE);

/// Claims as a lane does, after those it holds.
async fn claim(house: &House, held: &[&Given], place: i64) -> Given {
    let held = held.iter().flat_map(|given| &given.claimed).map(|claimed| claimed.of.notification_no);
    let asked = Asked {
        lane: LANE,
        settled: Arc::default(),
        held: held.collect(),
        room: 100,
        place,
        standings: house.engine.standings().clone(),
        changes: house.engine.changes().clone(),
    };
    house.engine.store().write(move |scope| asked.take(scope)).await.unwrap()
}

#[tokio::test]
async fn a_small_push_does_not_wait_behind_a_large_one_and_the_large_one_goes_on() {
    let house = House::start().await;
    let tokens: Vec<String> = (0..300).map(token).collect();
    for token in &tokens {
        house.log_in(token, token).await;
    }
    house.engine.put_credential(BUNDLE, HERE, key()).await.unwrap();
    // Nobody else claims.
    let state = house.engine.lanes().detached(LANE).await;
    house.push(json!({ "tokens": tokens })).await.unwrap();
    let first = claim(&house, &[], 0).await;
    assert_eq!((first.claimed.len(), first.place), (100, 100));
    state.place.store(first.place, Ordering::Relaxed);
    house.push(json!({ "user": token(0) })).await.unwrap();
    house.push(json!({ "users": tokens[..50] })).await.unwrap();
    let second = claim(&house, &[&first], first.place).await;
    let pushes: Vec<i64> = second.claimed.iter().map(|claimed| claimed.of.push_no).collect();
    assert_eq!(pushes[..6], [1, 2, 3, 1, 3, 1], "all take turns");
    let count = |push_no| pushes.iter().filter(|push| **push == push_no).count();
    assert_eq!((count(1), count(2), count(3)), (50, 1, 49));
    // However many small ones come, the large one's next goes before those that come after.
    state.place.store(second.place, Ordering::Relaxed);
    for number in 0..30 {
        house.push(json!({ "user": token(number) })).await.unwrap();
    }
    let third = claim(&house, &[&first, &second], second.place).await;
    let pushes: Vec<i64> = third.claimed.iter().map(|claimed| claimed.of.push_no).collect();
    assert_eq!(pushes[..4], [3, 1, 4, 5], "{pushes:?}");
    house.engine.shutdown().await;
}
