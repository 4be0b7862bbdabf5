//! The feedback service: which tokens it tells, when it tells them again, and to whom.

use futures_util::future::join_all;
use homing_apns::legacy::{Command, FeedbackTuple};
use homing_trace::Environment;

use crate::house::{BUNDLE, Client, House, RIVAL, VOIP, frame};

/// Everything the service tells until it closes.
async fn read(house: &House, topic: &str) -> Vec<(Vec<u8>, i64)> {
    tuples(&connect(house, topic).await.hears().await)
}

async fn connect(house: &House, topic: &str) -> Client {
    let pem = house.certificate(topic, &[], &Environment::ALL).await;
    let config = house.tls(Some(&pem), rustls::ALL_VERSIONS);
    house.try_connect(house.feedback(), "localhost", &config).await.expect("TLS works")
}

fn tuples(mut told: &[u8]) -> Vec<(Vec<u8>, i64)> {
    let mut tuples = Vec::new();
    while let Some((tuple, rest)) = FeedbackTuple::decode(told) {
        tuples.push((tuple.token.to_vec(), i64::from(tuple.since)));
        told = rest;
    }
    assert!(told.is_empty(), "tuples are whole");
    tuples
}

/// A token whose app is gone, and since when.
async fn gone(house: &House, topic: &str) -> (Vec<u8>, i64) {
    let (device, token) = house.register_device(Environment::Development, topic).await;
    (token, house.unregister(device, topic).await)
}

/// Waits until the service has nothing to tell: it hears of a reader's close a moment after.
async fn read_until_empty(house: &House) {
    while !read(house, BUNDLE).await.is_empty() {}
}

#[tokio::test]
async fn the_tokens_of_removed_apps_are_told_once_and_in_order() {
    let house = House::start().await;
    assert_eq!(read(&house, BUNDLE).await, []);
    let living = house.register(BUNDLE).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(gone(&house, BUNDLE).await);
    }
    assert_eq!(read(&house, BUNDLE).await, expected);
    read_until_empty(&house).await;
    let later = gone(&house, BUNDLE).await;
    assert_eq!(read(&house, BUNDLE).await, [later]);
    drop(living);
    house.stop().await;
}

#[tokio::test]
async fn each_certificate_reads_its_own_topic_and_environment() {
    let house = House::start().await;
    let news = gone(&house, BUNDLE).await;
    let voip = gone(&house, VOIP).await;
    assert_eq!(read(&house, RIVAL).await, []);
    assert_eq!(read(&house, VOIP).await, [voip]);
    let pem = house.certificate(BUNDLE, &[], &Environment::ALL).await;
    let config = house.tls(Some(&pem), rustls::ALL_VERSIONS);
    let other = house.try_connect(house.feedback(), "feedback.push.apple.com", &config).await;
    assert!(other.expect("TLS works").hears().await.is_empty(), "production has none");
    assert_eq!(read(&house, BUNDLE).await, [news]);
    house.stop().await;
}

#[tokio::test]
async fn who_sends_to_a_told_token_is_told_again() {
    let house = House::start().await;
    let gone = gone(&house, BUNDLE).await;
    assert_eq!(read(&house, BUNDLE).await, std::slice::from_ref(&gone));
    read_until_empty(&house).await;
    let token = house.register(BUNDLE).await;
    let mut client = house.connect().await;
    client.send(&[frame(Command::Simple, &gone.0), frame(Command::Simple, &token)].concat()).await;
    house.wait_for(&token, homing_trace::Stage::Accepted, 1).await;
    assert_eq!(read(&house, BUNDLE).await, [gone], "with the time at which it ended");
    house.stop().await;
}

#[tokio::test]
async fn a_reader_that_breaks_off_is_told_again() {
    let house = House::start().await;
    let mut expected = Vec::new();
    for _ in 0..50 {
        expected.push(gone(&house, BUNDLE).await);
    }
    for _ in 0..3 {
        let client = connect(&house, BUNDLE).await;
        // With bytes unread, its system resets the connection.
        let mut byte = [0];
        client.stream.get_ref().0.peek(&mut byte).await.expect("something is told");
        drop(client);
    }
    assert_eq!(read(&house, BUNDLE).await, expected);
    house.stop().await;
}

#[tokio::test]
async fn a_long_list_is_told_whole() {
    const MANY: usize = 2_500;
    let house = House::start().await;
    let mut expected = join_all((0..MANY).map(|_| gone(&house, BUNDLE))).await;
    let mut told = read(&house, BUNDLE).await;
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
    read_until_empty(&house).await;
    house.stop().await;
}

#[tokio::test]
async fn what_a_reader_writes_is_no_trouble() {
    let house = House::start().await;
    let gone = gone(&house, BUNDLE).await;
    let mut client = connect(&house, BUNDLE).await;
    // The service may be through before.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, &[7; 1000]).await;
    assert_eq!(tuples(&client.hears().await), [gone]);
    house.stop().await;
}
