//! What testers may ask for, at requests about broadcast channels: each fault by a rule for the app, and the journal.

use std::time::{Duration, Instant};

use homing_apns::{Reason, StoragePolicy, channel};
use homing_trace::Environment;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::channels::{UPDATE, broadcast, create, refused, world};
use super::world::{APP, Client, Credential, KEY_ID, TEAM, World, read};
use crate::store::TraceQuery;
use crate::testers::{Effect, Filter};

const DEVELOPMENT: Environment = Environment::Development;
/// Far beyond what an answer takes.
const WAIT: Duration = Duration::from_secs(20);
const LABEL: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";

/// A push service with a channel that keeps its most recent message.
async fn scene() -> (World, String, Client) {
    let world = world(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let id = create(&world, &mut client, StoragePolicy::MostRecent).await;
    (world, id, client)
}

fn labelled(world: &World, id: &str) -> http::request::Builder {
    broadcast(world, id).header("apns-request-id", LABEL)
}

/// Stage and reason of each step of what was sent as [`LABEL`], one list each.
async fn steps(world: &World) -> Vec<Vec<String>> {
    let traces = world.store.trace(TraceQuery::ApnsId(LABEL.to_owned()), 100).await.expect("it answers");
    let said = |event: &homing_trace::Event| match &event.reason {
        Some(reason) => format!("{}: {reason}", event.stage),
        None => event.stage.to_string(),
    };
    traces.iter().map(|trace| trace.events.iter().map(said).collect()).collect()
}

/// Sends a broadcast that gets no answer; how its stream ended.
async fn unanswered(world: &World, id: &str, client: &mut Client) -> h2::Error {
    let (answer, mut stream) = client.begin(labelled(world, id)).await;
    stream.send_data(bytes::Bytes::from_static(UPDATE), true).expect("it is sent");
    timeout(WAIT, answer).await.expect("it ends").expect_err("it has no answer")
}

#[tokio::test]
async fn each_request_about_channels_is_refused_as_was_wished_and_does_nothing() {
    let (world, id, mut client) = scene().await;
    let busy = Effect::Refuse { status: 429, reason: Reason::TooManyRequests, retry_after: Some(7) };
    let channels = channel::path::channels(APP);
    let all = channel::path::all_channels(APP);
    let creation = channel::describe(StoragePolicy::Nothing);
    for (request, body) in [
        (world.channel_request("POST", &channels), &creation[..]),
        (world.channel_request("GET", &channels).header("apns-channel-id", &id), &[]),
        (world.channel_request("DELETE", &channels).header("apns-channel-id", &id), &[]),
        (world.channel_request("GET", &all), &[]),
        (labelled(&world, &id), UPDATE),
    ] {
        world.fault(busy.clone(), Some(1));
        let answer = client.send(request, body).await;
        assert_eq!(refused(&answer), (429, "TooManyRequests".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
    let listed = client.ask(world.channel_request("GET", &all)).await;
    assert_eq!(listed.body, format!(r#"{{"channels":["{id}"]}}"#).into_bytes());
    assert_eq!(client.send(labelled(&world, &id), UPDATE).await.status, 200);
    let steps = steps(&world).await;
    assert!(steps.contains(&vec!["injected: fault-refuse".into(), "refused: TooManyRequests".into()]));
    assert!(steps.contains(&vec!["accepted".into()]), "{steps:?}");
    assert_eq!(steps.len(), 2);
}

#[tokio::test]
async fn a_wished_410_has_a_timestamp_whatever_its_reason_and_no_other_status_has() {
    let (world, id, mut client) = scene().await;
    for (status, word) in [(410, "Unregistered"), (410, "Foo"), (400, "Unregistered")] {
        world.fault(Effect::Refuse { status, reason: Reason::from_word(word), retry_after: None }, Some(1));
        let body = client.send(labelled(&world, &id), UPDATE).await.body;
        let body: Value = serde_json::from_slice(&body).expect("it is JSON");
        assert_eq!(body["timestamp"].is_i64(), status == 410, "{status} {body}");
        let entries = world.journal(&Filter::default());
        assert_eq!(entries.last().expect("some")["answer"]["timestamp"], body["timestamp"]);
    }
}

#[tokio::test]
async fn a_rule_hits_no_request_about_channels_that_is_wrong_by_itself() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::Drop, Some(1));
    let mut wrong = broadcast(&world, &id);
    wrong.headers_mut().expect("it is in order").insert("apns-priority", "7".parse().expect("a value"));
    assert_eq!(refused(&client.send(wrong, UPDATE).await), (400, "BadPriority".to_owned()));
    let long = " ".repeat(5121);
    let long = client.send(broadcast(&world, &id), long.as_bytes()).await;
    assert_eq!(refused(&long), (413, "PayloadTooLarge".to_owned()));
    let creation = world.channel_request("POST", &channel::path::channels(APP));
    let broken = client.send(creation, b"{").await;
    assert_eq!(refused(&broken), (400, "BadRequestPayload".to_owned()));
    assert_eq!(world.testers.faults.all(world.store.clock().now())[0].seen, 0);
}

#[tokio::test]
async fn a_delayed_broadcast_is_taken_at_once_and_answered_late() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::Delay(Duration::from_millis(300)), Some(1));
    let began = Instant::now();
    let mut late = client.clone();
    let request = labelled(&world, &id);
    let late = tokio::spawn(async move { late.send(request, UPDATE).await.status });
    let taken = async {
        while steps(&world).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT, taken).await.expect("it is taken");
    assert_eq!(client.send(broadcast(&world, &id), UPDATE).await.status, 200);
    assert_eq!(timeout(WAIT, late).await.expect("it comes").expect("it is answered"), 200);
    let took = began.elapsed();
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&took), "{took:?}");
    assert_eq!(steps(&world).await, [["accepted", "injected: fault-delay"]]);
}

#[tokio::test]
async fn a_silent_broadcast_is_never_answered_nor_taken_and_its_connection_goes_on() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::Silence, Some(1));
    let (silent, mut stream) = client.begin(labelled(&world, &id)).await;
    stream.send_data(bytes::Bytes::from_static(UPDATE), true).expect("it is sent");
    let injected = async {
        while steps(&world).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT, injected).await.expect("it is hit");
    assert_eq!(client.send(broadcast(&world, &id), UPDATE).await.status, 200);
    assert!(timeout(Duration::from_millis(100), read(silent)).await.is_err(), "no answer");
    assert_eq!(steps(&world).await, [["injected: fault-silence"]]);
}

#[tokio::test]
async fn a_reset_broadcast_has_its_code() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::Reset(h2::Reason::ENHANCE_YOUR_CALM.into()), Some(1));
    let error = unanswered(&world, &id, &mut client).await;
    assert!(error.is_reset() && error.is_remote());
    assert_eq!(error.reason(), Some(h2::Reason::ENHANCE_YOUR_CALM));
    assert_eq!(client.send(broadcast(&world, &id), UPDATE).await.status, 200, "its connection goes on");
    assert_eq!(steps(&world).await, [["injected: fault-reset"]]);
}

#[tokio::test]
async fn a_connection_is_sent_away_for_a_broadcast_at_once_and_hears_why() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::GoAway(Reason::Shutdown), Some(1));
    let began = Instant::now();
    let error = unanswered(&world, &id, &mut client).await;
    assert!(error.is_go_away() && error.is_remote(), "{error}");
    assert!(error.to_string().contains(r#"{\"reason\":\"Shutdown\"}"#), "{error}");
    timeout(WAIT, client.closed()).await.expect("the connection ends");
    // Nothing is under way, so it doesn't wait for what is.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(steps(&world).await, [["injected: fault-go-away"]]);
}

#[tokio::test]
async fn a_broadcast_whose_body_is_still_to_come_is_reset_when_its_connection_is_sent_away() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::GoAway(Reason::Shutdown), Some(1));
    let (unread, _body) = client.begin(broadcast(&world, &id)).await;
    let error = unanswered(&world, &id, &mut client).await;
    assert!(error.is_go_away() && error.is_remote(), "{error}");
    let error = timeout(WAIT, unread).await.expect("it ends").expect_err("it wasn't looked at");
    assert!(error.is_reset() && error.is_remote(), "{error}");
    assert_eq!(error.reason(), Some(h2::Reason::REFUSED_STREAM), "it may be sent again at once");
    timeout(WAIT, client.closed()).await.expect("the connection ends");
}

#[tokio::test]
async fn a_connection_is_cut_for_a_broadcast_without_a_word() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::Drop, Some(1));
    let error = unanswered(&world, &id, &mut client).await;
    assert!(!error.is_go_away() && !error.is_reset(), "{error}");
    let mut next = world.client(Credential::None).await;
    assert_eq!(next.send(broadcast(&world, &id), UPDATE).await.status, 200);
    assert_eq!(steps(&world).await, [["injected: fault-drop"]]);
}

#[tokio::test]
async fn a_connection_is_lowered_to_one_stream_for_a_broadcast_that_is_taken() {
    let (world, id, mut client) = scene().await;
    world.fault(Effect::OneStream, Some(1));
    assert_eq!(client.send(labelled(&world, &id), UPDATE).await.status, 200);
    let lowered = async {
        while client.streams() != 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT, lowered).await.expect("SETTINGS come");
    assert_eq!(client.send(broadcast(&world, &id), UPDATE).await.status, 200);
    assert_eq!(steps(&world).await, [["accepted", "injected: fault-one-stream"]]);
}

#[tokio::test]
async fn the_journal_has_requests_about_channels_with_their_own_labels_and_no_secret() {
    let (world, id, mut client) = scene().await;
    let answer = client.send(labelled(&world, &id).header("x-mine", "b"), UPDATE).await;
    assert_eq!(answer.status, 200);
    let list = world.channel_request("GET", &channel::path::all_channels(APP)).header("apns-id", LABEL);
    client.ask(list).await;
    let delete = world.channel_request("DELETE", &channel::path::channels(APP));
    client.ask(delete).await;
    world.fault(Effect::Reset(7), Some(1));
    unanswered(&world, &id, &mut client).await;
    let forged = http::Request::post(format!("https://localhost{}", channel::path::broadcast(APP)));
    let forged = forged.header("authorization", "bearer e30.e30.c2lnbmF0dXJl");
    client.send(forged, b"a secret of nobody we know").await;
    let entries = world.journal(&Filter::default());
    assert_eq!(entries.len(), 5, "{entries:?}");
    let [made, sent, listed, wrong, reset] = &entries[..] else { panic!("five") };
    assert_eq!((&made["method"], &made["path"]), (&json!("POST"), &json!(channel::path::channels(APP))));
    let creation = channel::describe(StoragePolicy::MostRecent);
    assert_eq!(made["payload"], String::from_utf8_lossy(&creation).as_ref());
    assert_eq!((&made["answer"]["status"], &made["answer"]["apns_channel_id"]), (&json!(201), &json!(id)));
    assert!(made["answer"]["apns_request_id"].is_string() && made["answer"]["apns_id"].is_null());
    assert_eq!((&sent["team_id"], &sent["topic"], &sent["token"]), (&json!(TEAM), &json!(APP), &Value::Null));
    assert_eq!((&sent["interface"], &sent["environment"]), (&json!("http2"), &json!("development")));
    assert_eq!(sent["payload"], String::from_utf8_lossy(UPDATE).as_ref());
    assert_eq!((&sent["headers"]["apns-channel-id"], &sent["headers"]["x-mine"]), (&json!(id), &json!("b")));
    assert_eq!(sent["credential"]["key_id"], KEY_ID);
    let unique = &sent["answer"]["apns_unique_id"];
    assert!(world.sealer.unique_ids().open(unique.as_str().expect("in development")).is_some());
    let said = json!({"status": 200, "reason": null, "apns_unique_id": unique, "apns_request_id": LABEL});
    assert_eq!(sent["answer"], said);
    let said = json!({"status": 200, "reason": null, "apns_id": LABEL, "apns_request_id": LABEL});
    assert_eq!(listed["answer"], said);
    assert_eq!(wrong["answer"]["reason"], "MissingChannelId");
    assert_eq!((&reset["answer"], &reset["injected"]), (&Value::Null, &json!("fault-reset")));
    let strangers = world.journal(&Filter { strangers: true, ..Filter::default() });
    assert_eq!(strangers.len(), 1);
    assert_eq!(strangers[0]["answer"]["reason"], "InvalidProviderToken");
    let of_app = Filter { topics: Some(vec![APP.into()]), ..Filter::default() };
    assert_eq!(world.journal(&of_app).len(), 5);
    let all = format!("{entries:?}{strangers:?}");
    for secret in ["bearer", "eyJ", "c2lnbmF0dXJl", "nobody we know"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_journal_says_what_its_client_has_cancelled() {
    let (world, id, mut client) = scene().await;
    let mut written = world.testers.journal.written();
    let mut until = async |no| {
        timeout(WAIT, written.wait_for(|last| *last == no)).await.expect("in time").expect("it is written");
    };
    let (_cut, mut stream) = client.begin(labelled(&world, &id)).await;
    stream.send_data(bytes::Bytes::from_static(b"{\"aps\""), false).expect("it is sent");
    assert_eq!(client.send(broadcast(&world, &id), UPDATE).await.status, 200);
    stream.send_reset(h2::Reason::CANCEL);
    until(3).await;
    world.fault(Effect::Delay(10 * WAIT), Some(1));
    let (_late, mut stream) = client.begin(labelled(&world, &id)).await;
    stream.send_data(bytes::Bytes::from_static(UPDATE), true).expect("it is sent");
    let hit = async {
        while world.testers.faults.all(world.store.clock().now()).iter().any(|rule| rule.hits == 0) {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT, hit).await.expect("it is taken");
    stream.send_reset(h2::Reason::CANCEL);
    until(4).await;
    let entries = world.journal(&Filter::default());
    let [.., cut, late] = &entries[..] else { panic!("some: {entries:?}") };
    assert_eq!((&cut["answer"], &cut["unanswered"]), (&Value::Null, &json!("reset-in-body")));
    assert_eq!(cut["headers"]["apns-channel-id"], id);
    assert_eq!((&late["answer"], &late["unanswered"]), (&Value::Null, &json!("reset")));
}
