//! What testers may ask for on the legacy interface: marks, faults, and the journal, asked for over the admin API.

use homing_apns::legacy::{Command, FeedbackTuple};
use homing_gateway::notification::RegistrationKey;
use homing_testkit::api::Api;
use homing_trace::{Environment, Stage};
use serde_json::{Value, json};

use crate::house::{BUNDLE, House, IDENTIFIER, frame, named, packet};

fn api(house: &House) -> Api {
    let port = house.gateway.addresses().admin[0].port();
    Api::new(&format!("http://127.0.0.1:{port}"), "admin")
}

fn hex_of(token: &[u8]) -> String {
    token.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn mark(house: &House, token: &[u8], state: &str) {
    let at = "2017-10-17T14:44:25.488Z";
    let uri = format!("/v1/token-marks/{}", hex_of(token));
    api(house).put(&uri, json!({"state": state, "at": at})).await.expect("it is marked");
}

async fn fault(house: &House, wish: Value) {
    api(house).post("/v1/faults", wish).await.expect("it is made");
}

/// What the feedback service tells.
async fn feedback(house: &House) -> Vec<(Vec<u8>, u32)> {
    let pem = house.certificate(BUNDLE, &[], &Environment::ALL).await;
    let config = house.tls(Some(&pem), rustls::ALL_VERSIONS);
    let client = house.try_connect(house.feedback(), "localhost", &config).await.expect("TLS works");
    let told = client.hears().await;
    let mut told = told.as_slice();
    let mut tuples = Vec::new();
    while let Some((tuple, rest)) = FeedbackTuple::decode(told) {
        tuples.push((tuple.token.to_vec(), tuple.since));
        told = rest;
    }
    tuples
}

#[tokio::test]
async fn an_unregistered_token_is_discarded_without_a_word_and_told_by_feedback() {
    let house = House::start().await;
    let (token, living) = (house.register(BUNDLE).await, house.register(BUNDLE).await);
    mark(&house, &token, "unregistered").await;
    let mut client = house.connect().await;
    client.send(&[frame(Command::Enhanced, &token), frame(Command::Enhanced, &living)].concat()).await;
    house.wait_for(&living, Stage::Stored, 1).await;
    client.hears_nothing().await;
    let steps = house.steps(&token).await;
    let said = |word: &str| Some(word.to_owned());
    assert_eq!(steps, [(Stage::Injected, said("mark-unregistered")), (Stage::Refused, said("Unregistered"))]);
    let expected = [(token.clone(), 1_508_251_465)];
    assert_eq!(feedback(&house).await, expected);
    while !feedback(&house).await.is_empty() {}
    // Once more after something was sent to it.
    let mut client = house.connect().await;
    client.send(&frame(Command::Framed, &token)).await;
    house.wait_for(&token, Stage::Refused, 2).await;
    assert_eq!(feedback(&house).await, expected);
    house.stop().await;
}

#[tokio::test]
async fn an_expired_token_is_status_8_until_it_is_restored() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    mark(&house, &token, "expired").await;
    let mut client = house.connect().await;
    client.send(&frame(Command::Enhanced, &token)).await;
    assert_eq!(client.hears().await, packet(8, IDENTIFIER));
    assert_eq!(feedback(&house).await.len(), 1);
    api(&house).delete(&format!("/v1/token-marks/{}", hex_of(&token))).await.expect("it is restored");
    let mut client = house.connect().await;
    client.send(&frame(Command::Enhanced, &token)).await;
    house.wait_for(&token, Stage::Stored, 1).await;
    assert_eq!(feedback(&house).await, []);
    house.stop().await;
}

#[tokio::test]
async fn faults_say_a_status_or_close_and_the_journal_has_all() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    fault(&house, json!({"app": BUNDLE, "effect": "legacy-status", "status": 10, "count": 1})).await;
    let mut client = house.connect().await;
    client.send(&frame(Command::Enhanced, &token)).await;
    assert_eq!(client.hears().await, packet(10, IDENTIFIER));
    fault(&house, json!({"app": BUNDLE, "effect": "legacy-close", "count": 1})).await;
    // HTTP/2's faults are for HTTP/2.
    fault(&house, json!({"app": BUNDLE, "effect": "drop"})).await;
    let mut client = house.connect().await;
    client.send(&frame(Command::Framed, &token)).await;
    assert_eq!(client.hears().await, b"", "closed without a word");
    let mut client = house.connect().await;
    client.send(&named([0, 0, 0, 9], &token)).await;
    house.wait_for(&token, Stage::Stored, 1).await;
    let steps = house.steps(&token).await;
    let injected: Vec<_> = steps.iter().filter(|step| step.0 == Stage::Injected).collect();
    assert_eq!(injected.len(), 2, "{steps:?}");
    // One that is taken is answered nothing: its entry comes when it comes.
    let journal = api(&house).lines("/v1/journal?follow=true&limit=3").await.expect("it is read");
    assert_eq!(journal.len(), 3, "{journal:?}");
    assert_eq!(journal[0]["interface"], "legacy");
    assert_eq!(journal[0]["frame"]["command"], 1);
    assert_eq!(journal[0]["answer"]["legacy_status"], 10);
    assert_eq!(journal[0]["injected"], "fault-legacy-status");
    assert_eq!(journal[1]["answer"]["legacy_status"], Value::Null);
    assert_eq!(journal[1]["injected"], "fault-legacy-close");
    assert_eq!(journal[2]["frame"]["identifier"], 9);
    assert_eq!(journal[2]["answer"]["reason"], Value::Null, "taken");
    assert_eq!(journal[2]["payload"], r#"{"aps":{"alert":"Hi"}}"#);
    assert_eq!(journal[2]["credential"]["kind"], "certificate");
    house.stop().await;
}

#[tokio::test]
async fn the_journal_says_what_was_discarded_behind_a_failed_one() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let topic_no = house.topic_no(BUNDLE);
    let never = RegistrationKey { device: 7, environment: Environment::Development, topic_no, generation: 1 };
    let never = house.sealer.seal(&never);
    let mut client = house.connect().await;
    client.send(&[frame(Command::Enhanced, &never), named([0, 0, 0, 9], &token)].concat()).await;
    assert_eq!(client.hears().await, packet(8, IDENTIFIER));
    let journal = api(&house).lines("/v1/journal").await.expect("it is read");
    let [failed, discarded] = &journal[..] else { panic!("two: {journal:?}") };
    assert_eq!(
        (&failed["answer"]["reason"], &failed["unanswered"]),
        (&json!("BadDeviceToken"), &Value::Null)
    );
    assert_eq!((&discarded["answer"], &discarded["unanswered"]), (&Value::Null, &json!("discarded")));
    house.stop().await;
}
