//! What each kind of key and certificate may send, and that revoking one ends what it has opened.

use std::sync::Arc;
use std::time::Duration;

use homing_apns::Reason;
use homing_apns::jwt::SigningKey;
use homing_apns_client::{ClientCertificate, ProviderKey, ReceiptsError, SendError};
use homing_trace::{Environment, UnixMillis};
use http::request::Builder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::world::{
    APP, Client, Credential, KEY_ID, OTHER_APP, OTHER_TEAM, TEAM, World, frames, real_seconds,
};
use super::{ALERT, raw};
use crate::centre::{CertificateKind, ProviderKeySpec};

const DEVELOPMENT: Environment = Environment::Development;
const PRODUCTION: Environment = Environment::Production;
const WEATHER: &str = "com.example.weather";
const GENEROUS: Duration = Duration::from_secs(20);

/// A key of the developer centre with its private half.
pub(super) struct Key {
    pub(super) id: String,
    signing: SigningKey,
    team: &'static str,
}

impl Key {
    pub(super) fn bearer(&self) -> String {
        format!("bearer {}", self.signing.sign(&self.id, self.team, real_seconds()))
    }

    fn client_credential(&self) -> homing_apns_client::Credential {
        let p8 = self.signing.to_p8().expect("it is a key");
        let key = ProviderKey::from_p8(&p8, &self.id, self.team).expect("it is one");
        homing_apns_client::Credential::Key(Arc::new(key))
    }
}

impl World {
    pub(super) async fn key(
        &self,
        team: &'static str,
        environments: &[Environment],
        apps: Option<&[&str]>,
    ) -> Key {
        self.related_key(team, environments, apps, None).await
    }

    async fn related_key(
        &self,
        team: &'static str,
        environments: &[Environment],
        apps: Option<&[&str]>,
        related_to: Option<&Key>,
    ) -> Key {
        let spec = ProviderKeySpec {
            team: team.to_owned(),
            key_id: None,
            environments: environments.to_vec(),
            apps: apps.map(|apps| apps.iter().map(|app| (*app).to_owned()).collect()),
            related_to: related_to.map(|other| other.id.clone()),
        };
        let made = self.centre.create_key(spec).await.expect("it is made");
        let signing = SigningKey::from_p8(&made.p8_pem).expect("it is a key");
        Key { id: made.key_id, signing, team }
    }

    pub(super) fn request_by(&self, key: &Key, token: &str, topic: &str) -> Builder {
        self.bare_request(token).header("authorization", key.bearer()).header("apns-topic", topic)
    }
}

/// 200, or the refusal's reason.
async fn outcome(client: &mut Client, request: Builder) -> String {
    let answer = client.send(request, ALERT).await;
    if answer.status == 200 { "200".to_owned() } else { answer.reason().1 }
}

#[tokio::test]
async fn each_scope_of_a_key_opens_its_environments_and_topics_only() {
    const BOTH: &[Environment] = &Environment::ALL;
    const ONE: Option<&[&str]> = Some(&[APP]);
    const TWO: Option<&[&str]> = Some(&[WEATHER, APP]);
    const WRONG: &str = "BadEnvironmentKeyInToken";
    const NOT_FOR_KEY: &str = "TopicDisallowed";
    for environment in Environment::ALL {
        let world = World::start(environment).await;
        world.centre.create_app(TEAM, WEATHER).await.expect("it is made");
        let token = world.register(environment, APP).await;
        let voip = world.register(environment, "com.example.news.voip").await;
        let weather = world.register(environment, WEATHER).await;
        let (here, there) = match environment {
            Environment::Development => ([DEVELOPMENT], [PRODUCTION]),
            Environment::Production => ([PRODUCTION], [DEVELOPMENT]),
        };
        // By scope: what the app's topic, its VoIP topic, the other app of the team and another team's app answer.
        for (environments, apps, expected) in [
            (BOTH, None, ["200", "200", "200", NOT_FOR_KEY]),
            (&here[..], None, ["200", "200", "200", NOT_FOR_KEY]),
            (&there[..], None, [WRONG; 4]),
            (&here[..], ONE, ["200", "200", NOT_FOR_KEY, NOT_FOR_KEY]),
            (&here[..], TWO, ["200", "200", "200", NOT_FOR_KEY]),
            (&there[..], ONE, [WRONG; 4]),
        ] {
            let key = world.key(TEAM, environments, apps).await;
            let mut client = world.client(Credential::None).await;
            let mut found = Vec::new();
            for (token, topic) in
                [(&token, APP), (&voip, "com.example.news.voip"), (&weather, WEATHER), (&token, OTHER_APP)]
            {
                found.push(outcome(&mut client, world.request_by(&key, token, topic)).await);
            }
            assert_eq!(found, expected, "{environment}: {environments:?} {apps:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_serves_the_keys_that_belong_to_its_first_one() {
    let world = World::start(DEVELOPMENT).await;
    world.centre.create_app(TEAM, WEATHER).await.expect("it is made");
    let token = world.register(DEVELOPMENT, APP).await;
    let here = [DEVELOPMENT];
    let team_old = world.key(TEAM, &[], None).await;
    let team_new = world.key(TEAM, &here, None).await;
    let elsewhere = world.key(TEAM, &[PRODUCTION], None).await;
    let one = world.key(TEAM, &here, Some(&[APP])).await;
    let related = world.related_key(TEAM, &here, Some(&[APP]), Some(&one)).await;
    let unrelated = world.key(TEAM, &here, Some(&[APP])).await;
    let foreign = world.key(OTHER_TEAM, &here, None).await;
    for (first, second, expected) in [
        (&team_old, &team_new, "200"),
        (&team_new, &team_old, "200"),
        (&one, &related, "200"),
        (&related, &one, "200"),
        (&team_old, &one, "UnrelatedKeyIdInToken"),
        (&one, &team_new, "UnrelatedKeyIdInToken"),
        (&one, &unrelated, "UnrelatedKeyIdInToken"),
        (&related, &unrelated, "UnrelatedKeyIdInToken"),
        (&team_new, &elsewhere, "BadEnvironmentKeyInToken"),
        (&one, &elsewhere, "BadEnvironmentKeyInToken"),
        (&one, &foreign, "InvalidProviderToken"),
    ] {
        let mut client = world.client(Credential::None).await;
        let names = format!("{} then {}", first.id, second.id);
        assert_eq!(outcome(&mut client, world.request_by(first, &token, APP)).await, "200", "{names}");
        assert_eq!(outcome(&mut client, world.request_by(second, &token, APP)).await, expected, "{names}");
        assert_eq!(outcome(&mut client, world.request_by(first, &token, APP)).await, "200", "{names}");
    }
    // What was refused has bound nothing.
    let mut client = world.client(Credential::None).await;
    let refused = outcome(&mut client, world.request_by(&elsewhere, &token, APP)).await;
    assert_eq!(refused, "BadEnvironmentKeyInToken");
    assert_eq!(outcome(&mut client, world.request_by(&one, &token, APP)).await, "200");
}

#[tokio::test]
async fn an_app_made_after_a_connection_was_bound_is_for_the_next_connection() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let mut client = world.client(Credential::None).await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
    world.centre.create_app(TEAM, WEATHER).await.expect("it is made");
    let weather = world.register(DEVELOPMENT, WEATHER).await;
    let key = Key { id: KEY_ID.to_owned(), signing: world.key.clone(), team: TEAM };
    let request = || world.request_by(&key, &weather, WEATHER);
    assert_eq!(outcome(&mut client, request()).await, "TopicDisallowed");
    let mut next = world.client(Credential::None).await;
    assert_eq!(outcome(&mut next, request()).await, "200");
    assert_eq!(outcome(&mut client, world.request(&token)).await, "200", "the first goes on");
}

#[tokio::test]
async fn each_kind_of_certificate_has_its_topics_its_default_and_its_environments() {
    const VOIP: &str = "com.example.news.voip";
    const COMPLICATION: &str = "com.example.news.complication";
    const BAD: &str = "BadCertificateEnvironment";
    for environment in Environment::ALL {
        let world = World::start(environment).await;
        let mut tokens = Vec::new();
        for topic in [APP, VOIP, COMPLICATION, "com.example.news.voip-ptt"] {
            tokens.push((topic, world.register(environment, topic).await));
        }
        let (in_development, in_production) = match environment {
            Environment::Development => (true, false),
            Environment::Production => (false, true),
        };
        // What a request without a topic gets with the token of the default topic, then each topic's own.
        for (kind, is_for_here, default, expected) in [
            (CertificateKind::Development, in_development, (APP, "200"), ["200", "-", "-", "-"]),
            (CertificateKind::Production, in_production, (APP, "200"), ["200", "-", "-", "-"]),
            (CertificateKind::Universal, true, (APP, "MissingTopic"), ["200", "200", "200", "-"]),
            (CertificateKind::Voip, true, (VOIP, "200"), ["-", "200", "-", "-"]),
        ] {
            let (_, pem) = world.issued(kind, None).await;
            if !is_for_here {
                assert_eq!(world.sent_away(&pem).await, format!(r#"{{"reason":"{BAD}"}}"#), "{kind:?}");
                continue;
            }
            let mut client = world.client(Credential::Certificate(&pem)).await;
            let token = |topic: &str| {
                tokens.iter().find(|(known, _)| *known == topic).map(|(_, token)| token.clone())
            };
            let bare = world.bare_request(&token(default.0).expect("it is registered"));
            assert_eq!(outcome(&mut client, bare).await, default.1, "{kind:?} in {environment}");
            for ((topic, token), expected) in tokens.iter().zip(expected) {
                let request = world.bare_request(token).header("apns-topic", *topic);
                let expected = if expected == "-" { "TopicDisallowed" } else { expected };
                assert_eq!(outcome(&mut client, request).await, expected, "{kind:?}: {topic}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_opens_nothing() {
    let world = World::start(DEVELOPMENT).await;
    let yesterday = UnixMillis::from_secs(real_seconds() - 24 * 60 * 60);
    let (_, pem) = world.issued(CertificateKind::Development, Some(yesterday)).await;
    let config = world.tls_config(Credential::Certificate(&pem), &["h2"]);
    let Ok(mut stream) = world.tls(config).await else { return };
    let mut said = Vec::new();
    let error = stream.read_to_end(&mut said).await.expect_err("an alert");
    assert!(error.to_string().contains("CertificateExpired"), "{error}");
}

#[tokio::test]
async fn a_connection_ends_when_its_certificate_expires() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let soon = UnixMillis::from_secs(real_seconds() + 3);
    let (_, pem) = world.issued(CertificateKind::Development, Some(soon)).await;
    let mut client = world.client(Credential::Certificate(&pem)).await;
    assert_eq!(outcome(&mut client, world.bare_request(&token)).await, "200");
    tokio::time::timeout(GENEROUS, client.closed()).await.expect("it is closed");
}

#[tokio::test]
async fn a_revoked_key_closes_its_connections_with_apples_reason_and_opens_none() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let key = world.key(TEAM, &[], None).await;
    let provider = world.provider(key.client_credential()).await;
    let mut receipts = provider.receipts(None).await.expect("it begins");
    let mut bystander = world.client(Credential::None).await;
    assert_eq!(outcome(&mut bystander, world.request(&token)).await, "200");
    let mut raw = world.tls(world.tls_config(Credential::None, &["h2"])).await.expect("TLS works");
    raw.write_all(&raw::first_request(&key.bearer(), &token)).await.expect("it is sent");
    let mut said = Vec::new();
    while !frames(&said).iter().any(|frame| frame.0 == 1) {
        assert_ne!(raw.read_buf(&mut said).await.expect("it goes on"), 0);
    }

    world.centre.revoke_key(&key.id).await.expect("it was there");
    let reading = tokio::time::timeout(GENEROUS, raw.read_to_end(&mut said));
    reading.await.expect("it is closed").expect("in good order");
    let frames = frames(&said);
    let (last, before) = frames.split_last().expect("it has said something");
    assert_eq!((last.0, &last.3[..8]), (7, &[0, 0, 0, 1, 0, 0, 0, 0][..]), "after stream 1, without error");
    assert_eq!(String::from_utf8_lossy(&last.3[8..]), r#"{"reason":"InvalidProviderToken"}"#);
    assert!(before.iter().all(|frame| frame.0 != 7), "one GOAWAY: {before:?}");
    let ended = tokio::time::timeout(GENEROUS, async {
        loop {
            match receipts.next().await {
                Some(Ok(_)) => {}
                other => return other,
            }
        }
    });
    let ended = ended.await.expect("the stream ends");
    assert!(
        matches!(&ended, Some(Err(ReceiptsError::Closed { reason })) if *reason == Reason::InvalidProviderToken),
        "{ended:?}"
    );

    let again = world.provider(key.client_credential()).await;
    let refused = again.receipts(None).await.map(|_| ()).expect_err("the key is gone");
    assert!(
        matches!(&refused, ReceiptsError::Refused { refusal, .. } if refusal.reason == Reason::InvalidProviderToken),
        "{refused}"
    );
    let mut client = world.client(Credential::None).await;
    let request = world.request_by(&key, &token, APP);
    assert_eq!(outcome(&mut client, request).await, "InvalidProviderToken");
    assert_eq!(outcome(&mut bystander, world.request(&token)).await, "200", "another key's goes on");
}

#[tokio::test]
async fn a_revoked_certificate_closes_its_connections_with_apples_reason_and_opens_none() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let (id, pem) = world.issued(CertificateKind::Development, None).await;
    let certificate = ClientCertificate::from_pem(pem.as_bytes()).expect("it is a pair");
    let credential = homing_apns_client::Credential::Certificate(certificate.into());
    let provider = world.provider(credential).await;
    let request = homing_apns_client::Request {
        token: homing_apns::DeviceTokenHex::parse(token.as_bytes()).expect("it is one"),
        options: homing_apns::DeliveryOptions::default(),
        payload: ALERT.into(),
    };
    provider.send(request.clone()).await.expect("it is accepted");
    world.centre.revoke_certificate(&id).await.expect("it was there");
    let told = tokio::time::timeout(GENEROUS, async {
        loop {
            match provider.send(request.clone()).await {
                Ok(_) => panic!("a revoked certificate has sent"),
                Err(SendError::Refused { refusal, .. }) => assert_eq!(refusal.reason, Reason::BadCertificate),
                Err(other) => return other,
            }
        }
    });
    let told = told.await.expect("it is closed");
    assert!(format!("{told:?}").contains("BadCertificate"), "{told:?}");
    assert_eq!(world.sent_away(&pem).await, r#"{"reason":"BadCertificate"}"#);
}

#[tokio::test]
async fn what_waits_for_its_body_when_its_key_is_revoked_is_refused() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let mut client = world.client(Credential::None).await;
    let (answer, _body) = client.begin(world.request(&token)).await;
    let first = client.send(world.request(&token), ALERT).await;
    assert_eq!(first.status, 200, "both heads have been read");
    world.centre.revoke_key(KEY_ID).await.expect("it was there");
    let answer = tokio::time::timeout(GENEROUS, super::world::read(answer)).await.expect("it is answered");
    assert_eq!(answer.reason(), (403, "InvalidProviderToken".to_owned()));
    client.closed().await;
}

#[tokio::test]
async fn an_app_that_is_removed_takes_its_certificates_and_registrations_with_it() {
    let world = World::start(DEVELOPMENT).await;
    let token = world.register(DEVELOPMENT, APP).await;
    let (_, pem) = world.issued(CertificateKind::Development, None).await;
    let mut certified = world.client(Credential::Certificate(&pem)).await;
    assert_eq!(outcome(&mut certified, world.bare_request(&token)).await, "200");
    let mut client = world.client(Credential::None).await;
    assert_eq!(outcome(&mut client, world.request(&token)).await, "200");
    world.centre.create_app(TEAM, WEATHER).await.expect("it is made");
    let only = world.key(TEAM, &[DEVELOPMENT], Some(&[APP])).await;
    let among = world.key(TEAM, &[DEVELOPMENT], Some(&[APP, WEATHER])).await;
    world.centre.remove_app(APP).await.expect("it was there");
    tokio::time::timeout(GENEROUS, certified.closed()).await.expect("it is closed");
    assert_eq!(outcome(&mut client, world.request(&token)).await, "TopicDisallowed");
    // Made again, it is another app: no token opens it, and no key that was for the one before.
    world.centre.create_app(TEAM, APP).await.expect("it is made");
    let mut bound = world.client(Credential::None).await;
    assert_eq!(outcome(&mut bound, world.request_by(&only, &token, APP)).await, "InvalidProviderToken");
    let mut bound = world.client(Credential::None).await;
    assert_eq!(outcome(&mut bound, world.request_by(&among, &token, APP)).await, "TopicDisallowed");
    let mut client = world.client(Credential::None).await;
    assert_eq!(outcome(&mut client, world.request(&token)).await, "DeviceTokenNotForTopic");
    let again = world.store.register_deviceless(DEVELOPMENT, world.topic_no(APP)).await;
    let token = super::world::hex(&world.sealer.seal(&again.expect("the store answers")));
    assert_eq!(outcome(&mut client, world.request(&token)).await, "200");
}

#[tokio::test]
async fn an_app_that_is_removed_leaves_the_connections_that_push_another_with_its_key() {
    let world = World::start(DEVELOPMENT).await;
    world.centre.create_app(TEAM, WEATHER).await.expect("it is made");
    let (token, weather) =
        (world.register(DEVELOPMENT, APP).await, world.register(DEVELOPMENT, WEATHER).await);
    let key = world.key(TEAM, &[DEVELOPMENT], Some(&[APP, WEATHER])).await;
    let mut client = world.client(Credential::None).await;
    assert_eq!(outcome(&mut client, world.request_by(&key, &weather, WEATHER)).await, "200");
    world.centre.remove_app(WEATHER).await.expect("it was there");
    assert_eq!(outcome(&mut client, world.request_by(&key, &token, APP)).await, "200");
    assert_eq!(outcome(&mut client, world.request_by(&key, &weather, WEATHER)).await, "TopicDisallowed");
    // Made again, it is another app, which the key isn't for.
    world.centre.create_app(TEAM, WEATHER).await.expect("it is made");
    let mut next = world.client(Credential::None).await;
    assert_eq!(outcome(&mut next, world.request_by(&key, &weather, WEATHER)).await, "TopicDisallowed");
    assert_eq!(outcome(&mut client, world.request_by(&key, &token, APP)).await, "200");
}
