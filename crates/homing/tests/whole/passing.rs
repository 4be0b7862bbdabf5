//! Time that is let pass, with everything that shares the clock: provider, push service, devices.

use homing_trace::{Stage, UnixMillis};
use serde_json::json;

use crate::home::{Home, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_has_to_send_within_a_day_that_passes_is_shown_at_its_hour() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 31).await;
    home.allow().await;
    home.state("background").await;
    // The push service has no room four times; the provider tries again after a quarter of an hour each time.
    let busy = json!({"app": "com.example.news", "effect": "refuse", "reason": "ServiceUnavailable", "count": 4,
        "seconds": 86_400});
    home.admin.post("/v1/faults", busy).await.unwrap();
    let push = json!({"environment": "development", "audience": {"tokens": [home.token().await]},
        "content": {"title": "Tea"}});
    let provider = home.provider_api();
    let made = provider.post("/v1/apps/com.example.news/pushes", push).await.unwrap();
    let path = format!("/v1/apps/com.example.news/pushes/{}", made["push_id"].as_str().unwrap());
    let apns_id = wait(async || {
        let push = provider.get(&path).await.unwrap();
        let apns_id = push["notifications"][0]["apns_id"].as_str()?.to_owned();
        let refused = home.trace(&apns_id).await.iter().flat_map(|trace| &trace.events).any(is_refusal);
        refused.then_some(apns_id)
    })
    .await;

    let clock = home.phone.get("/v1/clock").await.unwrap();
    let began: UnixMillis = clock["now"].as_str().unwrap().parse().unwrap();
    home.phone.post("/v1/clock/advance", json!({"seconds": 86_400})).await.unwrap();
    // It is there when the answer comes, with the date at which it came.
    let shown = home.shown().await;
    let [tea] = shown.as_slice() else { panic!("{shown:?}") };
    let date: UnixMillis = tea["date"].as_str().unwrap().parse().unwrap();
    let minutes = date.millis_since(began) / 60_000;
    assert!((59..=70).contains(&minutes), "it came after {minutes} minutes");
    // So have the push service and the provider known it.
    let traces = home.trace(&apns_id).await;
    assert!(traces.iter().flat_map(|trace| &trace.events).any(|event| event.stage == Stage::Acknowledged));
    home.homing.stop().await.unwrap();
}

fn is_refusal(event: &homing_trace::Event) -> bool {
    event.stage == Stage::Refused || event.stage == Stage::Injected
}
