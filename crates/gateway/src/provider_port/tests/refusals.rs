//! Every mistake a request can make, with the reason it must be told, and what the trace knows of it.

use homing_trace::{Environment, Stage};
use http::request::Builder;

use super::ALERT;
use super::world::{APP, Credential, KEY_ID, OTHER_KEY_ID, OTHER_TEAM, TEAM, World, hex, real_seconds};
use crate::notification::RegistrationKey;
use crate::store::TraceQuery;

const DEVELOPMENT: Environment = Environment::Development;

fn bearer(world: &World, key_id: &str, team: &str, issued_at: i64) -> String {
    let key = if key_id == OTHER_KEY_ID { &world.other_key } else { &world.key };
    format!("bearer {}", key.sign(key_id, team, issued_at))
}

async fn refused(world: &World, request: Builder, body: &[u8]) -> (u16, String) {
    let mut client = world.client(Credential::None).await;
    client.send(request, body).await.reason()
}

fn expect(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn every_wrong_header_has_its_reason() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let mut client = world.client(Credential::None).await;
    let long = "x".repeat(65);
    for (name, value, reason) in [
        ("apns-id", "42", "BadMessageId"),
        ("apns-push-type", "shout", "InvalidPushType"),
        ("apns-push-type", "voip", "BadTopic"),
        ("apns-priority", "7", "BadPriority"),
        ("apns-expiration", "tomorrow", "BadExpirationDate"),
        ("apns-collapse-id", &*long, "BadCollapseId"),
        ("apns-topic", APP, "DuplicateHeaders"),
        ("authorization", "bearer x", "DuplicateHeaders"),
    ] {
        let answer = client.send(world.request(&token).header(name, value), ALERT).await;
        assert_eq!(answer.reason(), expect(400, reason), "{name}: {value}");
        if name == "apns-id" {
            assert_eq!(answer.header("apns-id"), Some(value), "a wrong label comes back, too");
        }
    }
    let jwt = bearer(&world, KEY_ID, TEAM, real_seconds());
    for (topic, reason) in [
        ("com..x", "BadTopic"),
        (".com.example", "BadTopic"),
        ("com.example.", "BadTopic"),
        ("com/example", "BadTopic"),
        ("com.example.nobody", "TopicDisallowed"),
    ] {
        let request = world.bare_request(&token).header("authorization", &jwt).header("apns-topic", topic);
        assert_eq!(client.send(request, ALERT).await.reason(), expect(400, reason), "{topic}");
    }
    let silent = world.request(&token).header("apns-push-type", "background").header("apns-priority", "10");
    assert_eq!(client.send(silent, ALERT).await.reason(), expect(400, "BadPriority"));
    let jwt = bearer(&world, KEY_ID, TEAM, real_seconds());
    for (topic, reason) in [
        (None, "MissingTopic"),
        (Some("a b"), "BadTopic"),
        (Some("com.other.app"), "TopicDisallowed"),
        (Some("com.nobody.app"), "TopicDisallowed"),
        (Some("com.example.news.voip"), "DeviceTokenNotForTopic"),
    ] {
        let request = world.bare_request(&token).header("authorization", &jwt);
        let request = topic.into_iter().fold(request, |request, topic| request.header("apns-topic", topic));
        assert_eq!(client.send(request, ALERT).await.reason(), expect(400, reason), "{topic:?}");
    }
}

#[tokio::test]
async fn method_and_path_come_before_all_else() {
    let world = World::start(DEVELOPMENT).await;
    let mut client = world.client(Credential::None).await;
    let get = http::Request::get("https://localhost/3/device/ab");
    assert_eq!(client.send(get, b"").await.reason(), expect(405, "MethodNotAllowed"));
    for (path, status, reason) in [
        ("/", 404, "BadPath"),
        ("/3/devices/ab", 404, "BadPath"),
        ("/3/device/ab/cd", 404, "BadPath"),
        ("/3/device/", 400, "MissingDeviceToken"),
        ("/3/device", 400, "MissingDeviceToken"),
    ] {
        let request = http::Request::post(format!("https://localhost{path}"));
        assert_eq!(client.send(request, ALERT).await.reason(), expect(status, reason), "{path}");
    }
}

#[tokio::test]
async fn every_wrong_provider_token_has_its_reason_whatever_the_device_token() {
    let world = World::start(DEVELOPMENT).await;
    let now = real_seconds();
    for (authorization, reason) in [
        (None, "MissingProviderToken"),
        (Some("basic YTpi".to_owned()), "MissingProviderToken"),
        (Some("bearer ".to_owned()), "MissingProviderToken"),
        (Some("bearer nonsense".to_owned()), "InvalidProviderToken"),
        (Some(bearer(&world, "NOBODY1234", TEAM, now)), "InvalidProviderToken"),
        (Some(bearer(&world, KEY_ID, OTHER_TEAM, now)), "InvalidProviderToken"),
        (Some(bearer(&world, KEY_ID, TEAM, now).replace('.', ".A")), "InvalidProviderToken"),
        (Some(bearer(&world, KEY_ID, TEAM, now - 3700)), "ExpiredProviderToken"),
        (Some(bearer(&world, KEY_ID, TEAM, now + 3700)), "ExpiredProviderToken"),
    ] {
        let request = world.bare_request("nonsense").header("apns-topic", APP);
        let request = authorization
            .iter()
            .fold(request, |request, authorization| request.header("authorization", authorization));
        assert_eq!(refused(&world, request, ALERT).await, expect(403, reason), "{authorization:?}");
    }
}

#[tokio::test]
async fn a_connection_serves_the_team_of_its_first_token_only() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let mut client = world.client(Credential::None).await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let other = bearer(&world, OTHER_KEY_ID, OTHER_TEAM, real_seconds());
    let other =
        world.bare_request(&token).header("authorization", other).header("apns-topic", "com.other.app");
    assert_eq!(client.send(other, ALERT).await.reason(), expect(403, "InvalidProviderToken"));
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
}

#[tokio::test]
async fn a_payload_is_neither_empty_nor_too_large() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let mut client = world.client(Credential::None).await;
    assert_eq!(client.send(world.request(&token), b"").await.reason(), expect(400, "PayloadEmpty"));
    assert_eq!(client.send(world.request(&token), &[b' '; 4096]).await.status, 200);
    for len in [4097, 5121, 100_000] {
        let answer = client.send(world.request(&token), &vec![b' '; len]).await;
        assert_eq!(answer.reason(), expect(413, "PayloadTooLarge"), "{len}");
    }
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200, "the connection goes on");
}

#[tokio::test]
async fn a_device_token_must_have_been_issued_for_this_environment_and_topic() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let production = world.register(Environment::Production, APP).await;
    let voip = world.register(DEVELOPMENT, "com.example.news.voip").await;
    let topic_no = world.topic_no(APP);
    let never = RegistrationKey { device: 7, environment: DEVELOPMENT, topic_no, generation: 1 };
    for (token, reason) in [
        ("nonsense".to_owned(), "BadDeviceToken"),
        ("00".repeat(32), "BadDeviceToken"),
        ("ab".repeat(80), "BadDeviceToken"),
        (format!("{}00", &token[..62]), "BadDeviceToken"),
        (production, "BadDeviceToken"),
        (voip, "DeviceTokenNotForTopic"),
        (hex(&world.sealer.seal(&never)), "BadDeviceToken"),
    ] {
        assert_eq!(refused(&world, world.request(&token), ALERT).await, expect(400, reason), "{token}");
    }
    let upper = token.to_uppercase();
    let mut client = world.client(Credential::None).await;
    assert_eq!(client.send(world.request(&upper), ALERT).await.status, 200, "hex has no case");
}

#[tokio::test]
async fn an_ended_registration_is_unregistered_since_then_and_the_trace_knows() {
    let world = World::start(DEVELOPMENT).await;
    let device = world.store.enrol("an enrolment key for tests").await.expect("it is admitted").device;
    let token = world.register_device(device, DEVELOPMENT, APP).await;
    let ended = world.store.unsubscribe(device, DEVELOPMENT, world.topic_no(APP), None).await;
    let ended = ended.expect("the store answers").expect("it was registered");
    let mut client = world.client(Credential::None).await;
    let label = "11111111-2222-4333-8444-555555555555";
    let answer = client.send(world.request(&token).header("apns-id", label), ALERT).await;
    assert_eq!(answer.reason(), expect(410, "Unregistered"));
    let refusal = homing_apns::Refusal::from_body(&answer.body).expect("the body is Apple's");
    assert_eq!(refusal.timestamp, Some(ended));

    let registration = world.sealer.open(&(0..32).map(|at| byte(&token, at)).collect::<Vec<_>>());
    for query in [
        TraceQuery::ApnsId(label.to_owned()),
        TraceQuery::Token { token: token.to_uppercase(), registration },
    ] {
        let traces = world.store.trace(query, 10).await.expect("the store answers");
        assert_eq!(traces.len(), 1, "{traces:?}");
        assert_eq!((traces[0].seq, traces[0].topic.as_deref()), (None, Some(APP)));
        assert_eq!(traces[0].events[0].stage, Stage::Refused);
        let reason = traces[0].events[0].reason.as_ref().map(|reason| reason.as_str().to_owned());
        assert_eq!(reason.as_deref(), Some("Unregistered"));
    }
}

fn byte(hex: &str, at: usize) -> u8 {
    u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("it is hex")
}

#[tokio::test]
async fn a_token_signed_by_another_key_of_the_same_id_is_invalid() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let another = World::start(DEVELOPMENT).await;
    assert_eq!(refused(&another, world.request(&token), ALERT).await, expect(403, "InvalidProviderToken"));
}
