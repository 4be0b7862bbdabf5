//! The provider port as a client meets it: real TLS, real HTTP/2, on a port of its own.

mod channels;
mod credentials;
mod deadlines;
mod endings;
mod fairness;
mod leniencies;
mod push_types;
mod raw;
mod reasons;
mod receipts;
mod refusals;
mod testers;
mod testers_of_channels;
mod trace_of_frames;
mod transport;
mod world;

use bytes::Bytes;
use homing_trace::{Environment, Stage};

use crate::store::TraceQuery;
use world::{APP, Credential, World};

const ALERT: &[u8] = br#"{"aps":{"alert":"Hi"}}"#;

#[tokio::test]
async fn a_notification_is_accepted_under_the_label_it_came_with() {
    let world = World::start(Environment::Development).await;
    let token = world.register(Environment::Development, APP).await;
    let mut client = world.client(Credential::None).await;
    let label = "9B4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
    let request = world.request(&token).header("apns-id", label).header("apns-push-type", "alert");
    let answer = client.send(request, ALERT).await;
    assert_eq!((answer.status, answer.header("apns-id")), (200, Some(label)));
    assert!(answer.body.is_empty() && answer.ended_with_headers, "a success is one HEADERS frame");
    let unique = answer.header("apns-unique-id").expect("the development environment has one");
    uuid::Uuid::parse_str(unique).expect("clients read it as a UUID");
    let seq = world.sealer.unique_ids().open(unique).expect("it leads somewhere");
    let traces =
        world.store.trace(TraceQuery::ApnsId(label.to_owned()), 10).await.expect("the store answers");
    assert_eq!(traces.len(), 1);
    assert_eq!((traces[0].events[0].stage, traces[0].seq), (Stage::Accepted, Some(seq)));
}

#[tokio::test]
async fn a_unique_id_leads_to_its_notification_whether_it_was_kept_or_tried_once() {
    let world = World::start(Environment::Development).await;
    let token = world.register(Environment::Development, APP).await;
    let mut client = world.client(Credential::None).await;
    let label = "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10";
    for (expiration, stage) in [("0", Stage::Discarded), ("4000000000", Stage::Stored)] {
        let request = world.request(&token).header("apns-id", label).header("apns-expiration", expiration);
        let answer = client.send(request, ALERT).await;
        let unique = answer.header("apns-unique-id").expect("the development environment has one");
        let seq = world.sealer.unique_ids().open(unique).expect("it leads somewhere");
        let traces = world.store.trace(TraceQuery::Seq(seq), 10).await.expect("the store answers");
        let [trace] = traces.as_slice() else { panic!("one, though both have the same label: {traces:?}") };
        assert_eq!((trace.seq, trace.apns_id.as_str()), (Some(seq), label));
        assert!(trace.events.iter().any(|event| event.stage == stage), "{trace:?}");
    }
}

#[tokio::test]
async fn a_label_made_here_is_an_upper_case_uuid_and_production_has_no_unique_id() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let mut client = world.client(Credential::None).await;
    let answer = client.send(world.request(&token), ALERT).await;
    let label = answer.header("apns-id").expect("every answer has one");
    assert_eq!(answer.status, 200);
    assert!(uuid::Uuid::parse_str(label).is_ok() && label == label.to_uppercase(), "{label}");
    assert_eq!(answer.header("apns-unique-id"), None);
}

#[tokio::test]
async fn a_thousand_requests_at_once_find_their_answers() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let client = world.client(Credential::None).await;
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..1000_u32 {
        let label = format!("00000000-0000-4000-8000-{number:012}");
        let request = world.request(&token).header("apns-id", &label);
        let mut client = client.clone();
        asked.spawn(async move { (label, client.send(request, ALERT).await) });
    }
    while let Some(answered) = asked.join_next().await {
        let (label, answer) = answered.expect("the request ends");
        assert_eq!((answer.status, answer.header("apns-id")), (200, Some(&*label)));
    }
}

#[tokio::test]
async fn a_body_in_single_bytes_is_one_payload() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let mut client = world.client(Credential::None).await;
    let chunks = ALERT.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
    assert_eq!(client.send_chunks(world.request(&token), chunks).await.status, 200);
}

#[tokio::test]
async fn a_certificate_needs_neither_token_nor_topic() {
    let world = World::start(Environment::Development).await;
    let token = world.register(Environment::Development, APP).await;
    let both = world.certificate(APP, &Environment::ALL).await;
    let mut client = world.client(Credential::Certificate(&both)).await;
    let bare = world.bare_request(&token);
    assert_eq!(client.send(bare, ALERT).await.status, 200);
    let named = world.bare_request(&token).header("apns-topic", APP);
    assert_eq!(client.send(named, ALERT).await.status, 200);
    let ignored = world.bare_request(&token).header("authorization", "bearer nonsense");
    assert_eq!(client.send(ignored, ALERT).await.status, 200);
    let foreign = world.bare_request(&token).header("apns-topic", "com.example.news.voip");
    assert_eq!(client.send(foreign, ALERT).await.reason(), (400, "TopicDisallowed".to_owned()));
}

#[tokio::test]
async fn what_was_begun_is_answered_when_the_port_stops() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let mut client = world.client(Credential::None).await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let (answer, mut body) = client.begin(world.request(&token)).await;
    world.stop();
    // The client may hear of the stop before or after it has sent the body: both must do.
    tokio::task::yield_now().await;
    body.send_data(Bytes::from_static(ALERT), true).expect("the stream is open");
    assert_eq!(answer.await.expect("it is answered").status(), 200);
    client.closed().await;
}
