//! Streams of receipts as a provider meets them: whose they are, what is told when, and that nobody else suffers.

use std::sync::Arc;
use std::time::Duration;

use homing_apns::jwt::SigningKey;
use homing_apns::receipts::ReceiptEvent;
use homing_apns::{Expiration, Reason};
use homing_apns_client::{ClientCertificate, ProviderKey, Receipts, ReceiptsError};
use homing_trace::{Environment, Stage};

use super::ALERT;
use super::world::{
    self, APP, Credential, KEY_ID, OTHER_APP, OTHER_KEY_ID, OTHER_TEAM, TEAM, World, real_seconds,
};
use crate::notification::{Notification, RegistrationKey};
use crate::store::StageEvent;

const GENEROUS: Duration = Duration::from_secs(20);

fn key(key: &SigningKey, key_id: &str, team: &str) -> homing_apns_client::Credential {
    let p8 = key.to_p8().expect("it is a key");
    homing_apns_client::Credential::Key(Arc::new(ProviderKey::from_p8(&p8, key_id, team).expect("it is one")))
}

impl World {
    async fn ours(&self) -> homing_apns_client::Client {
        self.provider(key(&self.key, KEY_ID, TEAM)).await
    }

    fn receipts_request(&self, query: &str) -> http::request::Builder {
        let jwt = self.key.sign(KEY_ID, TEAM, real_seconds());
        self.bare_receipts_request(query).header("authorization", format!("bearer {jwt}"))
    }

    fn bare_receipts_request(&self, query: &str) -> http::request::Builder {
        http::Request::get(format!("https://localhost/v1/receipts{query}"))
    }

    /// A notification that is tried once was acknowledged.
    fn acknowledged(&self, environment: Environment, topic: &str) -> u64 {
        let seq = self.store.seqs().next().expect("numbers are reserved");
        let registration =
            RegistrationKey { device: 7, environment, topic_no: self.topic_no(topic), generation: 1 };
        let at = self.store.clock().now();
        let notification = Notification {
            apns_id: format!("label of {seq}").into(),
            push_type: homing_apns::PushType::Alert,
            priority: homing_apns::Priority::Ten,
            collapse_id: None,
            expiration: Expiration::Once,
            accepted_at: at,
            payload: ALERT.into(),
        };
        let accepted = StageEvent::Accepted { seq, registration, notification: notification.into() };
        self.store.record(accepted).expect("there is room");
        let stage = Stage::Acknowledged;
        let event = StageEvent::Reached { seq, registration, stage, reason: None, at };
        self.store.record(event).expect("there is room");
        seq
    }
}

async fn next(receipts: &mut Receipts) -> (String, ReceiptEvent) {
    let next = tokio::time::timeout(GENEROUS, receipts.next()).await.expect("it is told");
    next.expect("the stream goes on").expect("the stream is in order")
}

async fn seqs(receipts: &mut Receipts, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        seqs.push(next(receipts).await.1.seq);
    }
    seqs
}

#[tokio::test]
async fn a_team_hears_of_its_own_topics_in_the_ports_environment_and_of_nothing_else() {
    let world = World::start(Environment::Development).await;
    let ours = world.acknowledged(Environment::Development, APP);
    world.acknowledged(Environment::Production, APP);
    let theirs = world.acknowledged(Environment::Development, OTHER_APP);
    let voip = world.acknowledged(Environment::Development, "com.example.news.voip");
    let mut receipts = world.ours().await.receipts(None).await.expect("it begins");
    let (_, first) = next(&mut receipts).await;
    assert_eq!((first.seq, first.stage, first.topic.as_str()), (ours, Stage::Acknowledged, APP));
    assert_eq!((first.apns_id, first.environment), (format!("label of {ours}"), Environment::Development));
    assert_eq!(next(&mut receipts).await.1.seq, voip);
    let other = world.provider(key(&world.other_key, OTHER_KEY_ID, OTHER_TEAM)).await;
    let mut others = other.receipts(None).await.expect("it begins");
    assert_eq!(next(&mut others).await.1.seq, theirs);
    // What comes last shows that nothing else stood between.
    let last = world.acknowledged(Environment::Development, OTHER_APP);
    let ours = world.acknowledged(Environment::Development, APP);
    assert_eq!(next(&mut others).await.1.seq, last);
    assert_eq!(next(&mut receipts).await.1.seq, ours);
}

#[tokio::test]
async fn a_certificate_hears_only_of_topics_that_it_names() {
    let world = World::start(Environment::Development).await;
    world.acknowledged(Environment::Development, "com.example.news.voip");
    let named = world.acknowledged(Environment::Development, APP);
    let pem = world.certificate(APP, &Environment::ALL).await;
    let certificate = ClientCertificate::from_pem(pem.as_bytes()).expect("it is a pair");
    let client = world.provider(homing_apns_client::Credential::Certificate(certificate.into())).await;
    let mut receipts = client.receipts(None).await.expect("it begins");
    assert_eq!(next(&mut receipts).await.1.seq, named);
}

#[tokio::test]
async fn an_app_made_while_the_stream_is_open_is_heard_of() {
    let world = World::start(Environment::Development).await;
    let mut receipts = world.ours().await.receipts(None).await.expect("it begins");
    let first = world.acknowledged(Environment::Development, APP);
    assert_eq!(next(&mut receipts).await.1.seq, first);
    world.centre.create_app(TEAM, "com.example.weather").await.expect("it is made");
    let second = world.acknowledged(Environment::Development, "com.example.weather");
    assert_eq!(next(&mut receipts).await.1.seq, second);
}

#[tokio::test]
async fn what_was_sent_and_replaced_is_told_live_and_a_cursor_goes_on_without_gap() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let client = world.ours().await;
    let mut receipts = client.receipts(None).await.expect("it begins");
    let mut sender = world.client(Credential::None).await;
    let mut labels = Vec::new();
    for _ in 0..4 {
        let answer = sender.send(world.request(&token), ALERT).await;
        labels.push(answer.header("apns-id").expect("it is accepted").to_owned());
    }
    let mut told = Vec::new();
    for label in &labels[..3] {
        let (cursor, event) = next(&mut receipts).await;
        assert_eq!((event.stage, &event.apns_id), (Stage::Replaced, label));
        told.push((cursor, event));
    }
    for at in 0..3 {
        let mut again = client.receipts(Some(&told[at].0)).await.expect("it begins");
        let last = world.acknowledged(Environment::Production, APP);
        let mut rest = told[at + 1..].iter().map(|(_, event)| event.seq).collect::<Vec<_>>();
        let found = seqs(&mut again, rest.len()).await;
        assert_eq!(found, rest);
        rest.push(last);
        // Earlier rounds have each added one at the end.
        let tail = seqs(&mut again, at + 1).await;
        assert_eq!(tail.last(), Some(&last));
    }
}

#[tokio::test]
async fn whoever_may_not_read_is_told_in_apples_words() {
    let world = World::start(Environment::Production).await;
    let mut client = world.client(Credential::None).await;
    let expired = world.key.sign(KEY_ID, TEAM, real_seconds() - 2 * 60 * 60);
    let forged = world.other_key.sign(KEY_ID, TEAM, real_seconds());
    let with =
        |token: &str| world.bare_receipts_request("").header("authorization", format!("bearer {token}"));
    let good = |query| world.receipts_request(query);
    for (request, refusal) in [
        (world.bare_receipts_request(""), (403, Reason::MissingProviderToken)),
        (with("nonsense"), (403, Reason::InvalidProviderToken)),
        (with(&forged), (403, Reason::InvalidProviderToken)),
        (with(&expired), (403, Reason::ExpiredProviderToken)),
        (good("").method("POST"), (405, Reason::MethodNotAllowed)),
        (good("").method("PUT"), (405, Reason::MethodNotAllowed)),
        (good("?after="), (400, Reason::BadRequestParams)),
        (good("?after=yesterday"), (400, Reason::BadRequestParams)),
        (good("?before=1-1-1"), (400, Reason::BadRequestParams)),
        (world.bare_receipts_request("?after=yesterday"), (403, Reason::MissingProviderToken)),
        (good("/").method("POST"), (404, Reason::BadPath)),
        (good("/"), (405, Reason::MethodNotAllowed)),
    ] {
        let what = format!("{request:?}");
        let answer = world::read(client.get(request).await).await;
        let (status, reason) = refusal;
        assert_eq!(answer.reason(), (status, reason.to_string()), "{what}");
    }
    let traces =
        world.store.trace(crate::store::TraceQuery::ApnsId(String::new()), 10).await.expect("it is read");
    assert!(traces.is_empty(), "they are about no notification");
}

#[tokio::test]
async fn a_connection_has_four_streams_and_the_place_of_one_that_ended_is_free_again() {
    let world = World::start(Environment::Production).await;
    let client = world.ours().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(client.receipts(None).await.expect("it begins"));
    }
    let refused = client.receipts(None).await.expect_err("there are four");
    assert_eq!(refused.reason(), Some(&Reason::TooManyRequests), "{refused}");
    open.pop();
    let again = async {
        loop {
            match client.receipts(None).await {
                Ok(receipts) => return receipts,
                Err(ReceiptsError::Refused { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(GENEROUS, again).await.expect("its place is free");
    // Another connection has places of its own.
    world.ours().await.receipts(None).await.expect("it begins");
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody_and_loses_nothing() {
    const MANY: usize = 5_000;
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let expected: Vec<u64> = (0..MANY).map(|_| world.acknowledged(Environment::Production, APP)).collect();
    world.store.flush().await.expect("it is written");
    let client = world.ours().await;
    let mut slow = client.receipts(None).await.expect("it begins");
    let mut quick = client.receipts(None).await.expect("it begins");
    assert_eq!(seqs(&mut quick, MANY).await, expected);
    for _ in 0..20 {
        let request = homing_apns_client::Request {
            token: token.parse().expect("it is hex"),
            options: homing_apns::DeliveryOptions {
                topic: Some(APP.parse().expect("it is a topic")),
                ..homing_apns::DeliveryOptions::default()
            },
            payload: ALERT.into(),
        };
        client.send(request.clone()).await.expect("it is accepted");
        // A refusal has a body, which needs room on the connection.
        let unreadable = homing_apns_client::Request { payload: "".into(), ..request };
        let refused = client.send(unreadable).await.expect_err("it is empty");
        assert_eq!(refused.reason(), Some(&Reason::PayloadEmpty));
    }
    assert_eq!(seqs(&mut slow, MANY).await, expected);
}

#[tokio::test]
async fn streams_end_in_good_order_when_the_port_stops_also_those_that_are_not_read() {
    let world = World::start(Environment::Production).await;
    let client = world.ours().await;
    let mut waiting = client.receipts(None).await.expect("it begins");
    let seq = world.acknowledged(Environment::Production, APP);
    assert_eq!(next(&mut waiting).await.1.seq, seq);
    for _ in 0..2_000 {
        world.acknowledged(Environment::Production, APP);
    }
    let mut unread = client.receipts(None).await.expect("it begins");
    seqs(&mut waiting, 2_000).await;
    world.stop();
    let ended = tokio::time::timeout(GENEROUS, waiting.next()).await.expect("it ends");
    assert!(ended.is_none(), "{ended:?}");
    let rest = async {
        let mut told = 0;
        while let Some(receipt) = unread.next().await {
            receipt.expect("what was sent is whole");
            told += 1;
        }
        told
    };
    let told = tokio::time::timeout(GENEROUS, rest).await.expect("it ends, too");
    assert!(told < 2_001, "not more than one window was sent unread");
    let closed = async {
        while !client.is_closed() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GENEROUS, closed).await.expect("and the connection");
}
