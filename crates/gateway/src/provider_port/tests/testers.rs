//! What testers may ask for, as a client meets it: marks on tokens, each fault, and the journal of it all.

use std::time::{Duration, Instant};

use homing_apns::Reason;
use homing_trace::{Environment, Trace, UnixMillis};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::ALERT;
use super::world::{APP, Client, Credential, OTHER_APP, World, read, real_seconds};
use crate::notification::RegistrationKey;
use crate::store::TraceQuery;
use crate::testers::{Effect, Filter, Mark, MarkKind, Scope, Wish};

const DEVELOPMENT: Environment = Environment::Development;
/// Far beyond what an answer takes.
const WAIT: Duration = Duration::from_secs(20);

impl World {
    fn key_of(&self, token: &str) -> RegistrationKey {
        let sealed = homing_apns::DeviceTokenHex::parse(token.as_bytes()).expect("it is hex");
        self.sealer.open(sealed.as_bytes()).expect("it is ours")
    }

    /// A rule for all requests for [`APP`].
    pub(super) fn fault(&self, effect: Effect, count: Option<u32>) {
        let directory = self.centre.directory();
        let topics = directory.app(APP).expect("it is there").topics.iter();
        let numbers = topics.map(|name| directory.topic(name).expect("it is there").topic_no);
        let scope = Scope { app: APP.into(), topics: numbers.collect(), token: None, environment: None };
        let ends_at = self.store.clock().now().plus_millis(60_000);
        let wish = Wish { scope, effect, percent: 100, seed: 0, count, ends_at };
        self.testers.faults.add(wish, self.store.clock().now()).expect("there is room");
    }

    /// Stage and reason of each step of the token's notifications, one list each.
    async fn steps(&self, token: &str) -> Vec<Vec<String>> {
        let query = TraceQuery::Token { token: token.to_owned(), registration: Some(self.key_of(token)) };
        let traces = self.store.trace(query, 100).await.expect("the store answers");
        let steps = |trace: Trace| {
            let said = |event: homing_trace::Event| match event.reason {
                Some(reason) => format!("{}: {reason}", event.stage),
                None => event.stage.to_string(),
            };
            trace.events.into_iter().map(said).collect()
        };
        traces.into_iter().map(steps).collect()
    }

    pub(super) fn journal(&self, filter: &Filter) -> Vec<Value> {
        let (entries, _) = self.testers.journal.after(0, self.store.clock().now(), filter, usize::MAX);
        entries.iter().map(|entry| serde_json::to_value(&**entry).expect("it is JSON")).collect()
    }
}

async fn scene() -> (World, String, Client) {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let client = world.client(Credential::None).await;
    (world, token, client)
}

#[tokio::test]
async fn a_marked_token_is_410_with_the_time_that_was_said_until_it_is_restored() {
    let (world, token, mut client) = scene().await;
    let other = world.register(DEVELOPMENT, APP).await;
    let key = world.key_of(&token);
    for (kind, reason) in [(MarkKind::Unregistered, "Unregistered"), (MarkKind::Expired, "ExpiredToken")] {
        let mark = Mark { kind, since: UnixMillis(1_508_249_865_488) };
        world.testers.marks.put(key, mark).expect("there is room");
        let answer = client.send(world.request(&token), ALERT).await;
        assert_eq!(answer.reason(), (410, reason.to_owned()));
        let body = format!(r#"{{"reason":"{reason}","timestamp":1508249865488}}"#);
        assert_eq!(String::from_utf8_lossy(&answer.body), body);
        assert_eq!(client.send(world.request(&other), ALERT).await.status, 200);
    }
    assert!(world.testers.marks.remove(&key));
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    assert_eq!(
        world.steps(&token).await,
        [
            vec!["injected: mark-unregistered", "refused: Unregistered"],
            vec!["injected: mark-expired", "refused: ExpiredToken"],
            vec!["accepted", "stored"],
        ]
    );
}

#[tokio::test]
async fn a_refusal_has_the_status_the_reason_and_the_time_that_were_wished_and_ends_by_its_count() {
    let (world, token, mut client) = scene().await;
    let slow = Effect::Refuse { status: 429, reason: Reason::TooManyRequests, retry_after: Some(7) };
    world.fault(slow, Some(2));
    for _ in 0..2 {
        let answer = client.send(world.request(&token), ALERT).await;
        assert_eq!(answer.reason(), (429, "TooManyRequests".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let odd = Effect::Refuse { status: 502, reason: Reason::from_word("BadGateway"), retry_after: None };
    world.fault(odd, Some(1));
    let answer = client.send(world.request(&token), ALERT).await;
    assert_eq!(answer.reason(), (502, "BadGateway".to_owned()));
    assert_eq!(answer.header("retry-after"), None);
    let gone = Effect::Refuse { status: 410, reason: Reason::Unregistered, retry_after: None };
    world.fault(gone, Some(1));
    let body = client.send(world.request(&token), ALERT).await.body;
    let body: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
    assert!(body["timestamp"].as_i64().is_some_and(|at| at > 1_000_000_000_000), "milliseconds: {body}");
    // The status decides it, whatever the reason, and the journal shows what was written.
    for (status, word) in [(400, "Unregistered"), (410, "Foo")] {
        world.fault(Effect::Refuse { status, reason: Reason::from_word(word), retry_after: None }, Some(1));
        let body = client.send(world.request(&token), ALERT).await.body;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
        assert_eq!(body["timestamp"].is_i64(), status == 410, "{status} {body}");
        let entries = world.journal(&Filter::default());
        assert_eq!(entries.last().expect("some")["answer"]["timestamp"], body["timestamp"]);
    }
    // What was taken within the same millisecond as a refusal may stand on either side of it.
    let steps = world.steps(&token).await;
    let refused: Vec<_> = steps.iter().filter(|steps| steps[0] == "injected: fault-refuse").collect();
    let last: Vec<_> = refused.iter().map(|steps| steps[1].as_str()).collect();
    let words = ["TooManyRequests", "TooManyRequests", "BadGateway", "Unregistered", "Unregistered", "Foo"];
    assert_eq!(last, words.map(|reason| format!("refused: {reason}")));
}

#[tokio::test]
async fn a_rule_touches_no_request_that_is_wrong_by_itself_and_no_other_app() {
    let (world, token, mut client) = scene().await;
    world.fault(Effect::Drop, None);
    let wrong = world.request(&token).header("apns-priority", "7");
    assert_eq!(client.send(wrong, ALERT).await.reason(), (400, "BadPriority".to_owned()));
    let jwt = world.other_key.sign(super::world::OTHER_KEY_ID, super::world::OTHER_TEAM, real_seconds());
    let theirs = world.store.register_deviceless(DEVELOPMENT, world.topic_no(OTHER_APP)).await;
    let theirs = super::world::hex(&world.sealer.seal(&theirs.expect("the store answers")));
    let request = world
        .bare_request(&theirs)
        .header("authorization", format!("bearer {jwt}"))
        .header("apns-topic", OTHER_APP);
    let mut others = world.client(Credential::None).await;
    assert_eq!(others.send(request, ALERT).await.status, 200);
}

#[tokio::test]
async fn a_delayed_answer_comes_late_and_holds_up_no_other() {
    let (world, token, mut client) = scene().await;
    world.fault(Effect::Delay(Duration::from_secs(3)), Some(1));
    let began = Instant::now();
    let mut late = client.clone();
    let request = world.request(&token);
    let late = tokio::spawn(async move { late.send(request, ALERT).await.status });
    // It counts for the first that comes.
    while world.testers.faults.all(world.store.clock().now()).iter().any(|rule| rule.hits == 0) {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    assert!(!late.is_finished(), "the other one isn't answered yet");
    assert_eq!(timeout(WAIT, late).await.expect("it comes").expect("it is answered"), 200);
    // Nothing but its time wakes the connection: the next look at slow clients is later.
    let took = began.elapsed();
    assert!((Duration::from_secs(3)..Duration::from_secs(13)).contains(&took), "{took:?}");
    let steps = world.steps(&token).await;
    assert_eq!(steps.len(), 2);
    let delayed = steps.iter().filter(|steps| steps.iter().any(|step| step == "injected: fault-delay"));
    assert_eq!(delayed.count(), 1, "{steps:?}");
}

#[tokio::test]
async fn a_silent_request_is_never_answered_nor_taken_and_its_connection_goes_on() {
    let (world, token, mut client) = scene().await;
    world.fault(Effect::Silence, Some(1));
    let (silent, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    assert!(timeout(Duration::from_millis(100), read(silent)).await.is_err(), "no answer");
    let steps = world.steps(&token).await;
    assert_eq!(steps, [vec!["injected: fault-silence"], vec!["accepted", "stored"]]);
}

#[tokio::test]
async fn a_reset_has_its_code() {
    let (world, token, mut client) = scene().await;
    for code in [h2::Reason::REFUSED_STREAM, h2::Reason::INTERNAL_ERROR, h2::Reason::ENHANCE_YOUR_CALM] {
        world.fault(Effect::Reset(code.into()), Some(1));
        let (answer, mut stream) = client.begin(world.request(&token)).await;
        stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
        let error = timeout(WAIT, answer).await.expect("it ends").expect_err("it is reset");
        assert!(error.is_reset() && error.is_remote());
        assert_eq!(error.reason(), Some(code));
    }
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    assert_eq!(world.steps(&token).await[0], ["injected: fault-reset"]);
}

#[tokio::test]
async fn a_connection_that_is_sent_away_hears_why_and_its_other_requests_are_answered() {
    let (world, token, mut client) = scene().await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    world.fault(Effect::GoAway(Reason::Shutdown), Some(1));
    let (answer, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    let error = timeout(WAIT, answer).await.expect("it ends").expect_err("it wasn't looked at");
    assert!(error.is_go_away() && error.is_remote(), "{error}");
    assert!(error.to_string().contains(r#"{\"reason\":\"Shutdown\"}"#), "{error}");
    timeout(WAIT, client.closed()).await.expect("the connection ends");
    let mut next = world.client(Credential::None).await;
    assert_eq!(next.send(world.request(&token), ALERT).await.status, 200);
    let steps = world.steps(&token).await;
    assert_eq!(steps.len(), 3);
    // What was taken within the same millisecond may stand on either side of it.
    let sent_away = steps.iter().filter(|steps| **steps == ["injected: fault-go-away"]);
    assert_eq!(sent_away.count(), 1, "{steps:?}");
}

#[tokio::test]
async fn who_is_sent_away_after_a_later_request_was_taken_is_told_by_a_reset() {
    let (world, token, mut client) = scene().await;
    world.fault(Effect::GoAway(Reason::Shutdown), Some(1));
    let (answer, mut stream) = client.begin(world.request(&token)).await;
    let later = client.send(world.bare_request(&token), ALERT).await;
    assert_eq!(later.reason(), (403, "MissingProviderToken".to_owned()));
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    let error = timeout(WAIT, answer).await.expect("it ends").expect_err("it wasn't taken");
    assert!(error.is_reset() && error.is_remote(), "{error}");
    assert_eq!(error.reason(), Some(h2::Reason::REFUSED_STREAM));
    timeout(WAIT, client.closed()).await.expect("the connection ends");
}

#[tokio::test]
async fn a_connection_is_lowered_to_one_stream_and_works_on() {
    let (world, token, mut client) = scene().await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let before = client.streams();
    assert!(before > 1, "{before}");
    world.fault(Effect::OneStream, Some(1));
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    let lowered = async {
        while client.streams() != 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(WAIT, lowered).await.expect("SETTINGS come");
    let (one, another) = (client.clone(), client.clone());
    let send = |mut client: Client| {
        let request = world.request(&token);
        async move { client.send(request, ALERT).await.status }
    };
    let both = timeout(WAIT, async { tokio::join!(send(one), send(another)) }).await;
    assert_eq!(both.expect("one after the other"), (200, 200));
    let steps = world.steps(&token).await;
    assert!(steps[1].contains(&"injected: fault-one-stream".to_owned()), "{steps:?}");
}

#[tokio::test]
async fn a_cut_connection_ends_without_a_word() {
    let (world, token, mut client) = scene().await;
    world.fault(Effect::Drop, Some(1));
    let (answer, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    let error = timeout(WAIT, answer).await.expect("it ends").expect_err("nothing is said");
    assert!(!error.is_go_away() && !error.is_reset(), "{error}");
    let mut next = world.client(Credential::None).await;
    assert_eq!(next.send(world.request(&token), ALERT).await.status, 200);
    assert_eq!(world.steps(&token).await[0], ["injected: fault-drop"]);
}

#[tokio::test]
async fn the_journal_has_what_was_sent_and_answered_and_no_secret() {
    let (world, token, mut client) = scene().await;
    let request = world.request(&token).header("apns-collapse-id", "a").header("x-mine", "b");
    let answer = client.send(request, ALERT).await;
    client.send(world.request(&token).header("apns-priority", "7"), ALERT).await;
    world.fault(Effect::Reset(7), Some(1));
    let (reset, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    reset.await.expect_err("it is reset");
    let forged = world.bare_request(&token).header("authorization", "bearer e30.e30.c2lnbmF0dXJl");
    client.send(forged, b"a secret of nobody we know").await;
    let entries = world.journal(&Filter::default());
    assert_eq!(entries.len(), 3, "{entries:?}");
    let first = &entries[0];
    assert_eq!(first["interface"], "http2");
    assert_eq!(first["team_id"], super::world::TEAM);
    assert_eq!(first["topic"], APP);
    assert_eq!(first["token"], token);
    assert_eq!(first["payload"], String::from_utf8_lossy(ALERT).as_ref());
    assert_eq!(first["headers"]["apns-collapse-id"], "a");
    assert_eq!(first["headers"]["x-mine"], "b");
    assert_eq!(first["headers"]["authorization"], Value::Null);
    assert_eq!(first["credential"]["key_id"], super::world::KEY_ID);
    let labels =
        [answer.header("apns-id"), answer.header("apns-unique-id")].map(|label| label.expect("said"));
    let said = json!({"status": 200, "reason": null, "apns_id": labels[0], "apns_unique_id": labels[1]});
    assert_eq!(first["answer"], said);
    assert_eq!(entries[1]["answer"]["reason"], "BadPriority");
    assert_eq!((&entries[2]["answer"], &entries[2]["injected"]), (&Value::Null, &json!("fault-reset")));
    let strangers = world.journal(&Filter { strangers: true, ..Filter::default() });
    assert_eq!(strangers.len(), 1);
    assert_eq!(strangers[0]["answer"]["reason"], "InvalidProviderToken");
    let all = format!("{entries:?}{strangers:?}");
    for secret in ["bearer", "eyJ", "c2lnbmF0dXJl", "nobody we know"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_journal_names_a_certificate() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let (id, pem) = world.issued(crate::centre::CertificateKind::Development, None).await;
    let mut client = world.client(Credential::Certificate(&pem)).await;
    assert_eq!(client.send(world.bare_request(&token), ALERT).await.status, 200);
    let entries = world.journal(&Filter::default());
    let shown = json!({"kind": "certificate", "certificate_id": id});
    assert_eq!(entries[0]["credential"], shown);
}

#[tokio::test]
async fn the_journal_has_what_its_client_did_not_wait_for() {
    let (world, token, mut client) = scene().await;
    world.fault(Effect::Delay(2 * WAIT), Some(1));
    let (late, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200, "the first one is taken, too");
    let mut written = world.testers.journal.written();
    drop((late, stream, client));
    let both = written.wait_for(|last| *last == 2);
    timeout(WAIT, both).await.expect("the connection ends").expect("it is written");
    let entries = world.journal(&Filter::default());
    assert_eq!((&entries[1]["answer"], &entries[1]["injected"]), (&Value::Null, &json!("fault-delay")));
    assert_eq!(entries[1]["unanswered"], "closed");
}

#[tokio::test]
async fn the_journal_says_what_its_client_has_cancelled() {
    let (world, token, mut client) = scene().await;
    let mut written = world.testers.journal.written();
    let mut until = async |no| {
        timeout(WAIT, written.wait_for(|last| *last == no)).await.expect("in time").expect("it is written");
    };
    let (_cut, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(b"{\"aps\""), false).expect("it is sent");
    // So that the first part is there.
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    stream.send_reset(h2::Reason::CANCEL);
    until(2).await;
    world.fault(Effect::Delay(10 * WAIT), Some(1));
    let (_late, mut stream) = client.begin(world.request(&token)).await;
    stream.send_data(bytes::Bytes::from_static(ALERT), true).expect("it is sent");
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200, "the one before is taken, too");
    stream.send_reset(h2::Reason::CANCEL);
    until(4).await;
    let entries = world.journal(&Filter::default());
    let [_, cut, _, late] = &entries[..] else { panic!("four: {entries:?}") };
    assert_eq!((&cut["answer"], &cut["unanswered"]), (&Value::Null, &json!("reset-in-body")));
    assert_eq!((&cut["payload"], &cut["team_id"]), (&json!("{\"aps\""), &json!(super::world::TEAM)));
    assert_eq!((&late["answer"], &late["unanswered"]), (&Value::Null, &json!("reset")));
    assert_eq!(late["injected"], "fault-delay");
    assert_eq!((&entries[0]["answer"]["status"], &entries[0]["unanswered"]), (&json!(200), &Value::Null));
}

#[tokio::test]
async fn a_provider_token_stands_nowhere_in_the_journal() {
    const LABEL: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
    let (world, token, mut client) = scene().await;
    let jwt = world.key.sign(super::world::KEY_ID, super::world::TEAM, real_seconds());
    let signature = jwt.rsplit('.').next().expect("it has one");
    let request = world.request(&token).header("x-forwarded-authorization", format!("Bearer {jwt}"));
    assert_eq!(client.send(request.header("x-token", &jwt), ALERT).await.status, 200);
    let request = world.request(&format!("{token}?jwt={jwt}"));
    assert_eq!(client.send(request, ALERT).await.status, 200);
    assert_eq!(client.send(world.request(&jwt), ALERT).await.reason(), (400, "BadDeviceToken".to_owned()));
    let request = world.request(&token).header("apns-id", &jwt);
    assert_eq!(client.send(request, ALERT).await.reason(), (400, "BadMessageId".to_owned()));
    let topic = |topic: &str| world.bare_request(&token).header("apns-topic", topic);
    let bearer = format!("bearer {jwt}");
    let request = topic(&jwt).header("authorization", &bearer);
    assert_eq!(client.send(request, ALERT).await.reason(), (400, "TopicDisallowed".to_owned()));
    let channels = format!("/1/apps/{jwt}/channels");
    let list = world.channel_request("GET", &channels).header("apns-request-id", LABEL);
    let answer = client.ask(list).await;
    assert_eq!(super::channels::refused(&answer).1, "TopicMismatch");
    let broadcast = format!("/4/broadcasts/apps/{jwt}");
    let answer =
        client.send(world.channel_request("POST", &broadcast).header("apns-request-id", &jwt), ALERT);
    assert_ne!(answer.await.status, 200);
    let by_token = TraceQuery::Token { token: token.clone(), registration: None };
    let by_label = |label: &str| TraceQuery::ApnsId(label.to_owned());
    for (query, refusals) in [(by_token, 2), (by_label(LABEL), 1), (by_label("…"), 2)] {
        let traces = world.store.trace(query, 100).await.expect("the store answers");
        assert_eq!(traces.len(), refusals, "{traces:?}");
        assert!(!format!("{traces:?}").contains("eyJ"), "{traces:?}");
    }
    let entries = world.journal(&Filter::default());
    assert_eq!(entries.len(), 7, "{entries:?}");
    assert_eq!((&entries[4]["topic"], &entries[5]["topic"]), (&json!("…"), &json!("…")));
    assert_eq!(entries[1]["path"], format!("/3/device/{token}?jwt=…"));
    let all = format!("{entries:?}");
    assert!(!all.contains(signature), "{all}");
}
