//! Every reason of the one table, provoked on the wire: its status, the bytes of its body, its headers. A row that nothing here
//! provokes doesn't compile.

use std::time::Duration;

use homing_apns::{DeviceTokenHex, Reason, Refusal, StoragePolicy, channel};
use homing_trace::{Environment, UnixMillis};
use http::request::Builder;

use super::super::ProviderRules;
use super::ALERT;
use super::world::{
    APP, Answered, Client, Credential, KEY_ID, OTHER_APP, OTHER_KEY_ID, OTHER_TEAM, TEAM, World, read,
    real_seconds,
};
use crate::centre::CertificateKind;
use crate::store::ChannelsOf;
use crate::testers::{Mark, MarkKind};

const DEVELOPMENT: Environment = Environment::Development;
const LABEL: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
const GENEROUS: Duration = Duration::from_secs(20);
const ACTIVITY: &str = "com.example.news.push-type.liveactivity";

/// How a reason was said.
enum Seen {
    Answer(Answered),
    /// Since when the token is of no use, for 410.
    Gone(Answered, i64),
    /// The connection was ended with it, before any stream.
    GoAway(String),
    /// About channels: an answer has the request's label twice.
    OfChannels(Answered),
}

impl Seen {
    fn status(&self) -> u16 {
        match self {
            Self::Answer(answer) | Self::OfChannels(answer) | Self::Gone(answer, _) => answer.status,
            Self::GoAway(_) => 0,
        }
    }
}

/// A world, a device and a client of its own for one reason.
struct Stage {
    world: World,
    token: String,
    client: Client,
    began: i64,
}

impl Stage {
    async fn build(rules: ProviderRules) -> Self {
        let world = World::start_with(DEVELOPMENT, rules).await;
        let token = world.register(DEVELOPMENT, APP).await;
        let client = world.client(Credential::None).await;
        Self { world, token, client, began: real_seconds() }
    }

    fn good(&self) -> Builder {
        self.world.request(&self.token).header("apns-id", LABEL)
    }

    /// What a good request with one more header is answered.
    async fn with(&mut self, name: &str, value: &str) -> Seen {
        let request = self.good().header(name, value);
        self.answer(request).await
    }

    /// The same with another value for a header that it has.
    async fn instead(&mut self, name: &'static str, value: Option<&str>) -> Seen {
        let mut request = self.good();
        let headers = request.headers_mut().expect("it is a request");
        headers.remove(name);
        if let Some(value) = value {
            headers.insert(name, value.parse().expect("it is a value"));
        }
        self.answer(request).await
    }

    async fn answer(&mut self, request: Builder) -> Seen {
        Seen::Answer(self.client.send(request, ALERT).await)
    }

    async fn to(&mut self, path: &str) -> Seen {
        let request = self.good().uri(format!("https://localhost{path}"));
        self.answer(request).await
    }

    /// A provider token that was made so many seconds before the stage was built.
    fn bearer(&self, age: i64) -> String {
        format!("bearer {}", self.world.key.sign(KEY_ID, TEAM, self.began - age))
    }

    async fn accepted_with(&mut self, age: i64) {
        let known = self.bearer(age);
        assert_eq!(self.instead("authorization", Some(&known)).await.status(), 200, "it is taken on");
    }

    async fn accepted(&mut self) {
        assert_eq!(self.client.send(self.good(), ALERT).await.status, 200);
    }

    /// What a request whose body never ends is answered, once `then` has happened.
    async fn without_end(&mut self, then: impl AsyncFnOnce(&World)) -> Seen {
        let (answer, _body) = self.client.begin(self.good()).await;
        // Its head has been read when the next request is answered.
        self.accepted().await;
        then(&self.world).await;
        Seen::Answer(tokio::time::timeout(GENEROUS, read(answer)).await.expect("it is answered"))
    }
}

/// Bounds that are low enough to be met.
fn rules_for(reason: &Reason) -> ProviderRules {
    ProviderRules {
        documented_spelling: *reason == Reason::BadEnvironmentKeyIdInToken,
        requests_per_token: if *reason == Reason::TooManyRequests { 2 } else { u32::MAX },
        body: Duration::from_millis(if *reason == Reason::IdleTimeout { 200 } else { 60_000 }),
        ..ProviderRules::default()
    }
}

async fn provoke(reason: &Reason) -> Seen {
    let mut stage = Stage::build(rules_for(reason)).await;
    match reason {
        Reason::BadCollapseId => stage.with("apns-collapse-id", &"x".repeat(65)).await,
        Reason::BadDeviceToken => stage.to(&format!("/3/device/{}", "00".repeat(32))).await,
        Reason::BadExpirationDate => stage.with("apns-expiration", "tomorrow").await,
        Reason::BadMessageId => stage.instead("apns-id", Some("42")).await,
        Reason::BadPriority => stage.with("apns-priority", "7").await,
        Reason::BadTopic => stage.instead("apns-topic", Some("a b")).await,
        Reason::DeviceTokenNotForTopic => {
            let voip = stage.world.register(DEVELOPMENT, "com.example.news.voip").await;
            stage.to(&format!("/3/device/{voip}")).await
        }
        Reason::DuplicateHeaders => stage.with("apns-topic", APP).await,
        Reason::IdleTimeout => stage.without_end(async |_| ()).await,
        Reason::InvalidPushType => stage.with("apns-push-type", "shout").await,
        Reason::MissingDeviceToken => stage.to("/3/device/").await,
        Reason::MissingTopic => stage.instead("apns-topic", None).await,
        Reason::PayloadEmpty => Seen::Answer(stage.client.send(stage.good(), b"").await),
        Reason::TopicDisallowed => stage.instead("apns-topic", Some(OTHER_APP)).await,
        Reason::RequestHeaderFieldsTooLarge => stage.with("x-large", &"x".repeat(8_000)).await,
        Reason::PayloadTooLarge => Seen::Answer(stage.client.send(stage.good(), &[b' '; 4097]).await),
        Reason::BadPath => stage.to("/3/devices").await,
        Reason::MethodNotAllowed => {
            let request = stage.good().method("PUT");
            stage.answer(request).await
        }
        Reason::BadCertificate => bad_certificate(stage).await,
        Reason::BadCertificateEnvironment => {
            let pem = stage.world.certificate(APP, &[Environment::Production]).await;
            Seen::GoAway(stage.world.sent_away(&pem).await)
        }
        Reason::ExpiredProviderToken => {
            let old = stage.bearer(3_700);
            stage.instead("authorization", Some(&old)).await
        }
        Reason::Forbidden => forbidden(stage).await,
        Reason::InvalidProviderToken => foreign_team(stage).await,
        Reason::MissingProviderToken => stage.instead("authorization", None).await,
        Reason::UnrelatedKeyIdInToken => unrelated_key(stage).await,
        Reason::BadEnvironmentKeyIdInToken | Reason::BadEnvironmentKeyInToken => {
            let elsewhere = stage.world.key(TEAM, &[Environment::Production], None).await;
            stage.instead("authorization", Some(&elsewhere.bearer())).await
        }
        Reason::TooManyProviderTokenUpdates => too_many_tokens(stage).await,
        Reason::ExpiredToken => expired(stage).await,
        Reason::Unregistered => unregistered(stage).await,
        Reason::TooManyRequests => too_many_requests(stage).await,
        Reason::InternalServerError => broken_store(stage).await,
        Reason::ServiceUnavailable => closed_store(stage).await,
        Reason::Shutdown => stage.without_end(async |world| world.stop()).await,
        Reason::BadRequestParams => {
            let request = stage.good().method("GET").uri("https://localhost/v1/receipts?after=nonsense");
            Seen::Answer(read(stage.client.get(request).await).await)
        }
        Reason::TopicMismatch
        | Reason::FeatureNotEnabled
        | Reason::MissingChannelId
        | Reason::BadChannelId
        | Reason::ChannelNotRegistered
        | Reason::BadRequestPayload
        | Reason::MissingPushType
        | Reason::CannotCreateChannelConfig => of_channels(stage, reason).await,
        Reason::Unknown(word) => panic!("{word} is in no table"),
    }
}

async fn of_channels(mut stage: Stage, reason: &Reason) -> Seen {
    let of = ChannelsOf { topic_no: stage.world.topic_no(APP), environment: DEVELOPMENT };
    if *reason != Reason::FeatureNotEnabled {
        stage.world.centre.set_broadcast(APP, true).await.expect("the app is there");
    }
    if *reason == Reason::CannotCreateChannelConfig {
        stage.world.store.fill_channels(of, 10_000).await.expect("there is room");
    }
    let app = if *reason == Reason::TopicMismatch { OTHER_APP } else { APP };
    let broadcasts = *reason == Reason::MissingPushType;
    let path = if broadcasts { channel::path::broadcast(app) } else { channel::path::channels(app) };
    let creates = matches!(reason, Reason::BadRequestPayload | Reason::CannotCreateChannelConfig);
    let request = stage.good().uri(format!("https://localhost{path}"));
    let request = if creates || broadcasts { request } else { request.method("GET") };
    let id = if *reason == Reason::BadChannelId { "*" } else { "AAAA" };
    let has_no_id = creates || *reason == Reason::MissingChannelId;
    let request = if has_no_id { request } else { request.header("apns-channel-id", id) };
    let is_whole = *reason == Reason::CannotCreateChannelConfig;
    let body = if is_whole { channel::describe(StoragePolicy::Nothing) } else { b"{".to_vec() };
    Seen::OfChannels(stage.client.send(request, &body).await)
}

async fn bad_certificate(mut stage: Stage) -> Seen {
    let (id, pem) = stage.world.issued(CertificateKind::Development, None).await;
    stage.client = stage.world.client(Credential::Certificate(&pem)).await;
    let revoked = async |world: &World| world.centre.revoke_certificate(&id).await.expect("it was there");
    stage.without_end(revoked).await
}

async fn foreign_team(mut stage: Stage) -> Seen {
    let foreign = stage.world.other_key.sign(OTHER_KEY_ID, OTHER_TEAM, real_seconds());
    stage.accepted().await;
    stage.instead("authorization", Some(&format!("bearer {foreign}"))).await
}

async fn unrelated_key(mut stage: Stage) -> Seen {
    let other = stage.world.key(TEAM, &[DEVELOPMENT], Some(&[APP])).await;
    stage.accepted().await;
    stage.instead("authorization", Some(&other.bearer())).await
}

async fn broken_store(mut stage: Stage) -> Seen {
    let file = rusqlite::Connection::open(stage.world.log_file()).expect("it is there");
    file.execute_batch("DROP TABLE notifications").expect("it is broken now");
    stage.with("accept", "anything").await
}

async fn closed_store(mut stage: Stage) -> Seen {
    let store = stage.world.store.clone();
    tokio::task::spawn_blocking(move || store.close()).await.expect("it closes");
    stage.with("accept", "anything").await
}

/// A certificate that lists a topic whose push type Apple offers to tokens only.
async fn forbidden(mut stage: Stage) -> Seen {
    let pem = stage.world.certificate(ACTIVITY, &[DEVELOPMENT]).await;
    stage.client = stage.world.client(Credential::Certificate(&pem)).await;
    stage.instead("apns-topic", Some(ACTIVITY)).await
}

async fn too_many_tokens(mut stage: Stage) -> Seen {
    for age in 0..6 {
        let fresh = stage.bearer(age);
        let status = stage.instead("authorization", Some(&fresh)).await.status();
        assert_eq!(status, 200, "the first token and five more");
    }
    let one_more = stage.bearer(6);
    let seen = stage.instead("authorization", Some(&one_more)).await;
    stage.accepted_with(3).await;
    seen
}

async fn unregistered(mut stage: Stage) -> Seen {
    let store = &stage.world.store;
    let device = store.enrol("an enrolment key for tests").await.expect("it is admitted").device;
    let token = stage.world.register_device(device, DEVELOPMENT, APP).await;
    let ended = store.unsubscribe(device, DEVELOPMENT, stage.world.topic_no(APP), None).await;
    let ended = ended.expect("the store answers").expect("it was registered");
    let request = stage.good().uri(format!("https://localhost/3/device/{token}"));
    Seen::Gone(stage.client.send(request, ALERT).await, ended.0)
}

/// As a tester says it; by itself no token of ours expires.
async fn expired(mut stage: Stage) -> Seen {
    let token = DeviceTokenHex::parse(stage.token.as_bytes()).expect("it is hex");
    let registration = stage.world.sealer.open(token.as_bytes()).expect("it is ours");
    let since = UnixMillis(1_508_249_865_488);
    let mark = Mark { kind: MarkKind::Expired, since };
    stage.world.testers.marks.put(registration, mark).expect("there is room");
    let request = stage.good();
    Seen::Gone(stage.client.send(request, ALERT).await, since.0)
}

async fn too_many_requests(mut stage: Stage) -> Seen {
    stage.accepted().await;
    stage.accepted().await;
    let other = stage.world.register(DEVELOPMENT, APP).await;
    let request = stage.world.request(&other);
    assert_eq!(stage.client.send(request, ALERT).await.status, 200, "another token goes on");
    stage.with("accept", "anything").await
}

#[tokio::test]
async fn every_reason_of_the_table_is_said_as_apple_says_it() {
    for reason in Reason::ALL {
        let (answer, since, headers) = match provoke(reason).await {
            Seen::Answer(answer) => (answer, None, 2),
            Seen::Gone(answer, since) => (answer, Some(since), 2),
            Seen::OfChannels(answer) => (answer, None, 3),
            Seen::GoAway(said) => {
                assert_eq!(said.as_bytes(), Refusal::new(reason.clone()).body(), "{reason}");
                continue;
            }
        };
        let body = match since {
            Some(since) => format!(r#"{{"reason":"{reason}","timestamp":{since}}}"#),
            None => format!(r#"{{"reason":"{reason}"}}"#),
        };
        assert_eq!(answer.status, reason.status(), "{reason}: {answer:?}");
        assert_eq!(String::from_utf8_lossy(&answer.body), body);
        let label = if *reason == Reason::BadMessageId { "42" } else { LABEL };
        assert_eq!(answer.header("apns-id"), Some(label), "{reason}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{reason}");
        assert_eq!(
            answer.header("apns-unique-id"),
            None,
            "{reason}: what wasn't taken has no entry in a log"
        );
        assert_eq!(answer.header_count(), headers, "{reason}: {answer:?}");
        if headers == 3 {
            assert_eq!(answer.header("apns-request-id"), Some(LABEL), "{reason}");
        }
        assert!(answer.frames == 1 && answer.ended_with_data, "{reason}: HEADERS and one DATA: {answer:?}");
    }
}
