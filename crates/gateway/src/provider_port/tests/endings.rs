//! How a connection ends and what it is told, and how many streams it has before it is known who speaks.

use std::time::Duration;

use homing_trace::Environment;

use super::super::ProviderRules;
use super::ALERT;
use super::raw::{self, ACK, Frame, GO_AWAY, RST_STREAM, Raw, SETTINGS, frame};
use super::world::{APP, Credential, KEY_ID, PREFACE, TEAM, World, real_seconds};

const DEVELOPMENT: Environment = Environment::Development;
const GENEROUS: Duration = Duration::from_secs(20);
const SHUTDOWN: &str = r#"{"reason":"Shutdown"}"#;

/// The text of each GOAWAY with its last stream and error code, until the server has closed.
async fn farewells(world: &World) -> Vec<(u32, u32, String)> {
    let mut raw = Raw::connect(world, Credential::None).await;
    raw.send(&[PREFACE, &frame(SETTINGS, ACK, 0, b"")].concat()).await;
    raw.hear_all().await;
    let word = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let said = raw.heard().into_iter().filter(|frame| frame.0 == GO_AWAY);
    said.map(|(_, _, _, payload)| {
        (word(&payload), word(&payload[4..]), String::from_utf8_lossy(&payload[8..]).into_owned())
    })
    .collect()
}

#[tokio::test]
async fn a_silent_connection_is_told_that_it_was_idle() {
    let rules = ProviderRules { idle: Duration::from_millis(200), ..ProviderRules::default() };
    let world = World::start_with(DEVELOPMENT, rules).await;
    assert_eq!(farewells(&world).await, [(0, 0, r#"{"reason":"IdleTimeout"}"#.to_owned())]);
}

#[tokio::test]
async fn an_old_connection_is_told_to_come_again_in_two_steps() {
    let rules = ProviderRules { age: Duration::from_millis(200), ..ProviderRules::default() };
    let world = World::start_with(DEVELOPMENT, rules).await;
    let expected = [(0x7fff_ffff, 0, SHUTDOWN.to_owned()), (0, 0, SHUTDOWN.to_owned())];
    assert_eq!(farewells(&world).await, expected);
}

#[tokio::test]
async fn a_busy_client_loses_nothing_when_its_connections_grow_old() {
    let rules = ProviderRules { age: Duration::from_millis(300), ..ProviderRules::default() };
    let world = World::start_with(DEVELOPMENT, rules).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let provider = world.provider(world.client_credential()).await;
    let request = homing_apns_client::Request {
        token: homing_apns::DeviceTokenHex::parse(token.as_bytes()).expect("it is one"),
        options: homing_apns::DeliveryOptions {
            topic: Some(APP.parse().expect("it is a topic")),
            ..homing_apns::DeliveryOptions::default()
        },
        payload: ALERT.into(),
    };
    let until = tokio::time::Instant::now() + Duration::from_millis(1_500);
    while tokio::time::Instant::now() < until {
        match provider.send(request.clone()).await {
            // What the push service has not looked at may be sent again at once.
            Ok(_) | Err(homing_apns_client::SendError::Closed { unprocessed: true, .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_stop_is_told_and_what_is_never_sent_to_its_end_is_refused_with_shutdown() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let mut client = world.client(Credential::None).await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let (answer, _body) = client.begin(world.request(&token)).await;
    // So it has been taken.
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    world.stop();
    let answer = tokio::time::timeout(GENEROUS, super::world::read(answer)).await.expect("it is answered");
    assert_eq!(answer.reason(), (503, "Shutdown".to_owned()));
    tokio::time::timeout(GENEROUS, client.closed()).await.expect("it is closed");
}

#[tokio::test]
async fn what_comes_just_as_the_port_stops_is_answered_or_was_not_looked_at() {
    let mut ends = [0, 0];
    for micros in [0, 200, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        let world = World::start(DEVELOPMENT).await;
        let token = world.register(DEVELOPMENT, APP).await;
        let token = homing_apns::DeviceTokenHex::parse(token.as_bytes()).expect("it is one");
        let provider = std::sync::Arc::new(world.provider(world.client_credential()).await);
        let mut labels = crate::provider_port::answer::Labels::new();
        let mut sending = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let provider = std::sync::Arc::clone(&provider);
            let apns_id = labels.make_id().expect("there is randomness");
            let topic = Some(APP.parse().expect("it is a topic"));
            let options = homing_apns::DeliveryOptions {
                apns_id: Some(apns_id),
                topic,
                ..homing_apns::DeliveryOptions::default()
            };
            let request = homing_apns_client::Request { token, options, payload: ALERT.into() };
            sending.spawn(async move { (apns_id.to_string(), provider.send(request).await) });
        }
        tokio::time::sleep(Duration::from_micros(micros)).await;
        world.stop();
        while let Some(sent) = sending.join_next().await {
            let (label, answer) = sent.expect("it doesn't panic");
            let was_taken = match answer {
                Ok(_) => true,
                Err(
                    homing_apns_client::SendError::Closed { unprocessed: true, .. }
                    | homing_apns_client::SendError::NotTaken { .. },
                ) => false,
                // Its body hadn't come to its end.
                Err(homing_apns_client::SendError::Refused { status: 503, .. }) => false,
                Err(other) => panic!("{other}"),
            };
            ends[usize::from(was_taken)] += 1;
            let traces =
                world.store.trace(crate::store::TraceQuery::ApnsId(label), 10).await.expect("it is read");
            let accepted = traces.iter().filter(|trace| trace.seq.is_some()).count();
            assert_eq!(accepted, usize::from(was_taken), "{traces:?}");
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "the stop came in between: {ends:?}");
}

/// Streams that the server allows, each time it says so.
fn allowed(said: &[Frame]) -> Vec<u32> {
    let settings = said.iter().filter(|frame| (frame.0, frame.1) == (SETTINGS, 0));
    let each = settings.flat_map(|frame| frame.3.chunks_exact(6));
    each.filter(|it| it[..2] == [0, 3]).map(|it| u32::from_be_bytes([it[2], it[3], it[4], it[5]])).collect()
}

async fn first_streams_one() -> (World, String) {
    let rules = ProviderRules { first_streams: 1, ..ProviderRules::default() };
    let world = World::start_with(DEVELOPMENT, rules).await;
    let token = world.register(DEVELOPMENT, APP).await;
    (world, token)
}

#[tokio::test]
async fn one_stream_is_allowed_until_a_provider_token_was_in_order() {
    let (world, token) = first_streams_one().await;
    let mut raw = Raw::connect(&world, Credential::None).await;
    let bearer = format!("bearer {}", world.key.sign(KEY_ID, TEAM, real_seconds()));
    raw.send(&[raw::first_request(&bearer, &token), frame(SETTINGS, ACK, 0, b"")].concat()).await;
    raw.hear(|said| allowed(said).len() == 2).await;
    assert_eq!(allowed(&raw.heard()), [1, 1000]);
    let heard = raw.heard();
    let first = heard.iter().find(|frame| frame.0 == SETTINGS).expect("it came");
    assert_eq!(first.3.len(), 30, "the first says the other settings, too");

    let certificate = world.certificate(APP, &[DEVELOPMENT]).await;
    let mut raw = Raw::connect(&world, Credential::Certificate(&certificate)).await;
    raw.send(PREFACE).await;
    raw.hear(|said| !allowed(said).is_empty()).await;
    assert_eq!(allowed(&raw.heard()), [1000], "a certificate speaks at once");
}

#[tokio::test]
async fn a_client_that_waits_for_its_first_answer_has_all_streams_then() {
    let (world, token) = first_streams_one().await;
    let mut client = world.client(Credential::None).await;
    let stranger = client.send(world.bare_request(&token), ALERT).await;
    assert_eq!(stranger.reason().1, "MissingProviderToken");
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (mut client, request) = (client.clone(), world.request(&token));
        asked.spawn(async move { client.send(request, ALERT).await.status });
    }
    while let Some(status) = asked.join_next().await {
        assert_eq!(status.expect("the request ends"), 200);
    }
}

#[tokio::test]
async fn a_second_stream_before_the_first_answer_is_refused_by_http_2() {
    let (world, token) = first_streams_one().await;
    let mut raw = Raw::connect(&world, Credential::None).await;
    // Two heads without bodies, by a client that doesn't wait for SETTINGS.
    raw.send(&[PREFACE, &raw::head(1, &token, &[]), &raw::head(3, &token, &[])].concat()).await;
    raw.hear(|said| said.iter().any(|frame| frame.0 == RST_STREAM)).await;
    let heard = raw.heard();
    let (_, _, stream, code) = heard.iter().find(|frame| frame.0 == RST_STREAM).expect("it came");
    assert_eq!((*stream, &code[..]), (3, &[0, 0, 0, 7][..]), "REFUSED_STREAM");
}

/// What GOAWAYs say to a client that begins like this and says no word more, when the port stops.
async fn hears_the_stop(world: &World, first: &[u8]) -> Vec<(u8, String)> {
    let mut raw = Raw::connect(world, Credential::None).await;
    raw.send(first).await;
    raw.hear(|said| said.iter().any(|frame| frame.0 == SETTINGS)).await;
    world.stop();
    raw.hear_out().await;
    let text = |payload: &[u8]| String::from_utf8_lossy(payload.get(8..).unwrap_or_default()).into_owned();
    let said = raw.heard().into_iter().filter(|frame| frame.0 == GO_AWAY);
    said.map(|(kind, _, _, payload)| (kind, text(&payload))).collect()
}

#[tokio::test]
async fn a_client_that_answers_nothing_is_told_of_the_stop_and_left() {
    let world = World::start(DEVELOPMENT).await;
    let said = hears_the_stop(&world, PREFACE).await;
    assert_eq!(said, [(GO_AWAY, SHUTDOWN.to_owned())]);
}

#[tokio::test]
async fn a_client_with_a_request_open_is_told_of_the_stop_in_two_steps() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let bearer = format!("bearer {}", world.key.sign(KEY_ID, TEAM, real_seconds()));
    let fields = [("authorization", &*bearer), ("apns-topic", APP)];
    let ping = frame(raw::PING, 0, 0, b"12345678");
    let mut stream = Raw::connect(&world, Credential::None).await;
    stream
        .send(&[PREFACE, &frame(SETTINGS, ACK, 0, b""), &raw::head(1, &token, &fields), &ping].concat())
        .await;
    // The head came before it.
    stream.hear(|said| said.iter().any(|it| (it.0, it.1) == (raw::PING, ACK))).await;
    world.stop();
    stream.hear(|said| said.iter().any(|it| it.0 == GO_AWAY)).await;
    stream.send(&frame(raw::DATA, raw::END_STREAM, 1, ALERT)).await;
    stream.hear_all().await;
    let last = |frame: &Frame| u32::from_be_bytes([frame.3[0], frame.3[1], frame.3[2], frame.3[3]]);
    let heard = stream.heard();
    let told: Vec<u32> = heard.iter().filter(|it| it.0 == GO_AWAY).map(last).collect();
    assert_eq!(told, [0x7fff_ffff, 1]);
    let answer = heard.iter().find(|it| it.0 == raw::HEADERS).expect("it is answered");
    assert_eq!(answer.3[0], 0x88, ":status 200");
}

#[tokio::test]
async fn a_client_that_has_said_nothing_yet_is_told_of_the_stop() {
    let world = World::start(DEVELOPMENT).await;
    assert_eq!(hears_the_stop(&world, b"").await, [(GO_AWAY, SHUTDOWN.to_owned())]);
}

#[tokio::test]
async fn who_is_amid_the_tls_handshake_is_let_go_of_at_the_stop() {
    let world = World::start(DEVELOPMENT).await;
    let mut tcp = tokio::net::TcpStream::connect(world.address).await.expect("it listens");
    // Another that is served shows that this one has been taken.
    world.client(Credential::None).await;
    world.stop();
    let mut byte = [0];
    let read = tokio::io::AsyncReadExt::read(&mut tcp, &mut byte);
    let read =
        tokio::time::timeout(Duration::from_secs(8), read).await.expect("sooner than a handshake may take");
    assert_eq!(read.ok(), Some(0));
}
