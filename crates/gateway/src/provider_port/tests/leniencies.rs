//! Every leniency of the one table on the wire: taken, counted for the app, and refused where only the documented form is.

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use homing_apns::{ChannelId, Leniency, StoragePolicy, channel};
use homing_trace::Environment;
use http::request::Builder;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::pkcs8::DecodePrivateKey as _;
use sha2::{Digest as _, Sha512};

use super::super::ProviderRules;
use super::ALERT;
use super::world::{APP, Answered, Client, Credential, KEY_ID, TEAM, World, real_seconds};
use crate::store::ChannelsOf;

const DEVELOPMENT: Environment = Environment::Development;
const UNDERSCORED: &str = "com.example.old_news";
const SILENT: &[u8] = br#"{"aps":{"content-available":1}}"#;
const HEADER: &str = r#"{"alg":"ES256","kid":"KEY1234567"}"#;
const LABEL: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
const CLIENT: &str = "a client/1.0";

/// A request that makes use of one leniency, and how its client connects.
struct Case {
    request: Builder,
    body: &'static [u8],
    alpn: &'static [&'static str],
    is_certified: bool,
    app: &'static str,
}

/// The world with a device for each app.
struct Stage {
    world: World,
    token: String,
    underscored: String,
    certificate: String,
    channel: String,
}

impl Stage {
    async fn build(rules: ProviderRules) -> Self {
        let world = World::start_with(DEVELOPMENT, rules).await;
        world.centre.create_app(TEAM, UNDERSCORED).await.expect("it is made");
        let token = world.register(DEVELOPMENT, APP).await;
        let underscored = world.register(DEVELOPMENT, UNDERSCORED).await;
        let certificate = world.certificate(APP, &[DEVELOPMENT]).await;
        for app in [APP, UNDERSCORED] {
            world.centre.set_broadcast(app, true).await.expect("it is there");
        }
        let of = ChannelsOf { topic_no: world.topic_no(APP), environment: DEVELOPMENT };
        let channel = ChannelId::from_bytes(b"one channel");
        let made = world.store.create_channel(of, channel.clone(), StoragePolicy::Nothing).await;
        assert!(made.expect("the store answers"));
        Self { world, token, underscored, certificate, channel: format!("{channel}") }
    }

    /// A request whose provider token has this header, these claims and a signature by `sign`.
    fn signed(
        &self,
        (header, claims): (&str, String),
        engine: &impl base64::Engine,
        sign: impl Fn(&p256::ecdsa::SigningKey, &[u8]) -> Vec<u8>,
    ) -> Builder {
        let p8 = self.world.key.to_p8().expect("it is a key");
        let key = p256::ecdsa::SigningKey::from_pkcs8_pem(&p8).expect("it is a key");
        let signed = format!("{}.{}", engine.encode(header), engine.encode(claims));
        let token = format!("{signed}.{}", engine.encode(sign(&key, signed.as_bytes())));
        self.bare().header("authorization", format!("bearer {token}")).header("apns-topic", APP)
    }

    fn bare(&self) -> Builder {
        self.world.bare_request(&self.token)
    }

    fn case(&self, leniency: Leniency) -> Case {
        let good = || self.world.request(&self.token);
        let url = &URL_SAFE_NO_PAD;
        let claims = |iat: String| format!(r#"{{"iss":"{TEAM}","iat":{iat}}}"#);
        let now = real_seconds();
        let case = |request| Case { request, body: ALERT, alpn: &["h2"], is_certified: false, app: APP };
        match leniency {
            Leniency::SchemeCase => {
                let token = self.world.key.sign(KEY_ID, TEAM, now);
                case(self.bare().header("authorization", format!("Bearer {token}")).header("apns-topic", APP))
            }
            Leniency::StandardBase64 => case(self.signed((HEADER, claims(now.to_string())), &STANDARD, raw)),
            Leniency::DerSignature => case(self.signed((HEADER, claims(now.to_string())), url, der)),
            Leniency::MissingAlgorithm => {
                case(self.signed((r#"{"kid":"KEY1234567"}"#, claims(now.to_string())), url, raw))
            }
            Leniency::Es512 => {
                let header = r#"{"alg":"ES512","kid":"KEY1234567"}"#;
                case(self.signed((header, claims(now.to_string())), url, by_sha512))
            }
            Leniency::StringIssuedAt => case(self.signed((HEADER, claims(format!("\"{now}\""))), url, raw)),
            Leniency::MillisecondIssuedAt => {
                case(self.signed((HEADER, claims(format!("{now}000"))), url, raw))
            }
            Leniency::FractionalIssuedAt => case(self.signed((HEADER, claims(format!("{now}.5"))), url, raw)),
            Leniency::KeyIdInClaims => {
                let claims = format!(r#"{{"iss":"{TEAM}","iat":{now},"kid":"{KEY_ID}"}}"#);
                case(self.signed((r#"{"alg":"ES256"}"#, claims), url, raw))
            }
            Leniency::UpperCaseApnsId => {
                case(good().header("apns-id", "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10"))
            }
            Leniency::EmptyTopic => Case { is_certified: true, ..case(self.bare().header("apns-topic", "")) },
            Leniency::UnderscoreInTopic => {
                let token = self.world.key.sign(KEY_ID, TEAM, now);
                let request = self.world.bare_request(&self.underscored);
                let request = request.header("authorization", format!("bearer {token}"));
                Case { app: UNDERSCORED, ..case(request.header("apns-topic", UNDERSCORED)) }
            }
            Leniency::EmptyCollapseId => case(good().header("apns-collapse-id", "")),
            Leniency::ChannelIdInPath => {
                let id = self.channel.parse::<ChannelId>().expect("it is one").url_safe();
                case(self.about_channels("GET", &format!("{}/{id}", channel::path::channels(APP))))
            }
            Leniency::BareChannelId => {
                let id = self.channel.trim_end_matches('=');
                let request = self.about_channels("GET", &channel::path::channels(APP));
                case(request.header("apns-channel-id", id))
            }
            Leniency::SilentAtTen => Case { body: SILENT, ..case(good().header("apns-priority", "10")) },
            Leniency::BackgroundAtDefault => {
                Case { body: SILENT, ..case(good().header("apns-push-type", "background")) }
            }
            Leniency::QueryInPath => {
                case(good().uri(format!("https://localhost/3/device/{}?from=test", self.token)))
            }
            Leniency::HostWithoutAuthority => {
                let request = good().uri(format!("/3/device/{}", self.token));
                case(request.version(http::Version::HTTP_11).header("host", "localhost"))
            }
            Leniency::NoAlpn => Case { alpn: &[], ..case(good()) },
        }
    }

    fn about_channels(&self, method: &str, path: &str) -> Builder {
        self.world.channel_request(method, path).header("apns-id", LABEL)
    }

    async fn answer(&self, case: Case) -> Answered {
        let credential = match case.is_certified {
            true => Credential::Certificate(&self.certificate),
            false => Credential::None,
        };
        let stream = self.world.tls(self.world.tls_config(credential, case.alpn)).await.expect("TLS works");
        let mut client = Client::over(stream).await;
        client.send(case.request.header("user-agent", CLIENT), case.body).await
    }

    /// How often each leniency was counted for an app.
    fn counted(&self) -> Vec<(String, Leniency, u64, u64)> {
        let all = self.world.advice.all().into_iter();
        all.map(|it| (it.bundle_id.unwrap_or_default().into(), it.leniency, it.requests, it.connections))
            .collect()
    }
}

fn raw(key: &p256::ecdsa::SigningKey, signed: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = key.sign(signed);
    signature.to_bytes().to_vec()
}

fn der(key: &p256::ecdsa::SigningKey, signed: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = key.sign(signed);
    signature.to_der().as_bytes().to_vec()
}

fn by_sha512(key: &p256::ecdsa::SigningKey, signed: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = key.sign_prehash(&Sha512::digest(signed)).expect("it is signed");
    signature.to_bytes().to_vec()
}

#[tokio::test]
async fn each_leniency_is_taken_and_counted_for_its_app_and_no_other_is() {
    let stage = Stage::build(ProviderRules::default()).await;
    let mut expected = Vec::new();
    for &leniency in Leniency::ALL {
        let case = stage.case(leniency);
        expected.push((case.app.to_owned(), leniency, 1, 1));
        let answer = stage.answer(case).await;
        assert_eq!(answer.status, 200, "{leniency}: {answer:?}");
        expected.sort();
        assert_eq!(stage.counted(), expected, "{leniency}");
    }
    let told = stage.world.advice.all();
    assert!(told.iter().all(|it| *it.team == *TEAM && *it.clients == [CLIENT.into()]), "{told:?}");
}

#[tokio::test]
async fn what_is_not_documented_is_refused_where_nothing_else_is_taken() {
    let stage = Stage::build(ProviderRules { strict: true, ..ProviderRules::default() }).await;
    for &leniency in Leniency::ALL {
        let answer = stage.answer(stage.case(leniency)).await;
        match leniency.strict_reason() {
            Some(reason) => assert_eq!(answer.reason(), (reason.status(), reason.to_string()), "{leniency}"),
            None => assert_eq!(answer.status, 200, "{leniency}: {answer:?}"),
        }
    }
    let good = Case { request: stage.world.request(&stage.token), ..stage.case(Leniency::SchemeCase) };
    assert_eq!(stage.answer(good).await.status, 200);
    let counted = stage.counted().into_iter().map(|(_, leniency, ..)| leniency);
    assert_eq!(counted.collect::<Vec<_>>(), [Leniency::HostWithoutAuthority, Leniency::NoAlpn]);
}

#[tokio::test]
async fn a_connection_is_counted_once_and_each_of_its_requests() {
    let stage = Stage::build(ProviderRules::default()).await;
    let mut client = stage.world.client(Credential::None).await;
    for _ in 0..3 {
        let request = stage.world.request(&stage.token).header("apns-collapse-id", "");
        assert_eq!(client.send(request, ALERT).await.status, 200);
    }
    assert_eq!(stage.counted(), [(APP.to_owned(), Leniency::EmptyCollapseId, 3, 1)]);
}

/// What a request about channels or for receipts may depart in, as a leniency and a request for the list, or for the stream.
fn departures(stage: &Stage, path: &str) -> Vec<(Leniency, Builder)> {
    let token = stage.world.key.sign(KEY_ID, TEAM, real_seconds());
    let good = || stage.about_channels("GET", path);
    let der = stage.signed(
        (HEADER, format!(r#"{{"iss":"{TEAM}","iat":{}}}"#, real_seconds())),
        &URL_SAFE_NO_PAD,
        der,
    );
    let der = der.headers_ref().and_then(|headers| headers.get("authorization")).expect("it has one").clone();
    let bare = || http::Request::get(format!("https://localhost{path}")).header("apns-id", LABEL);
    vec![
        (Leniency::SchemeCase, bare().header("authorization", format!("BEARER {token}"))),
        (Leniency::DerSignature, bare().header("authorization", der)),
        (
            Leniency::HostWithoutAuthority,
            good().uri(path).version(http::Version::HTTP_11).header("host", "localhost"),
        ),
    ]
}

#[tokio::test]
async fn what_requests_about_channels_depart_in_is_counted_and_refused_like_all_else() {
    for strict in [false, true] {
        let stage = Stage::build(ProviderRules { strict, ..ProviderRules::default() }).await;
        let path = channel::path::all_channels(APP);
        let mut cases = departures(&stage, &path);
        let request = |path: &str| stage.about_channels("GET", path);
        cases.push((Leniency::QueryInPath, request(&format!("{path}?x=1"))));
        let label = LABEL.to_uppercase();
        cases.push((Leniency::UpperCaseApnsId, request(&path).header("apns-request-id", label)));
        let underscored = request(&channel::path::all_channels(UNDERSCORED));
        cases.push((Leniency::UnderscoreInTopic, underscored));
        // These mean nothing here.
        let odd = request(&path).header("apns-topic", "").header("apns-collapse-id", "");
        let case = |request| Case { request, body: b"", ..stage.case(Leniency::SilentAtTen) };
        assert_eq!(stage.answer(case(odd)).await.status, 200);
        let mut expected = Vec::new();
        for (leniency, request) in cases {
            let answer = stage.answer(case(request)).await;
            match leniency.strict_reason().filter(|_| strict) {
                Some(reason) => {
                    assert_eq!(answer.reason(), (reason.status(), reason.to_string()), "{leniency}")
                }
                None => {
                    assert_eq!(answer.status, 200, "{leniency}: {answer:?}");
                    let app = if leniency == Leniency::UnderscoreInTopic { UNDERSCORED } else { APP };
                    expected.push((app.to_owned(), leniency, 1, 1));
                }
            }
        }
        expected.sort();
        assert_eq!(stage.counted(), expected);
    }
}

#[tokio::test]
async fn what_requests_for_receipts_depart_in_is_counted_for_the_team() {
    for strict in [false, true] {
        let stage = Stage::build(ProviderRules { strict, ..ProviderRules::default() }).await;
        let good = stage.about_channels("GET", "/v1/receipts?after=0-0-0");
        let mut cases = vec![(None, good)];
        cases.extend(
            departures(&stage, "/v1/receipts").into_iter().map(|(leniency, it)| (Some(leniency), it)),
        );
        let mut expected = Vec::new();
        for (leniency, request) in cases {
            let config = stage.world.tls_config(Credential::None, &["h2"]);
            let mut client = Client::over(stage.world.tls(config).await.expect("TLS works")).await;
            let answer =
                client.get(request.header("user-agent", CLIENT)).await.await.expect("it is answered");
            match leniency.and_then(Leniency::strict_reason).filter(|_| strict) {
                Some(reason) => assert_eq!(answer.status(), reason.status(), "{leniency:?}"),
                None => {
                    assert_eq!(answer.status(), 200, "{leniency:?}");
                    expected.extend(leniency.map(|leniency| (String::new(), leniency, 1, 1)));
                }
            }
        }
        expected.sort();
        assert_eq!(stage.counted(), expected);
        let told = stage.world.advice.all();
        assert!(told.iter().all(|it| it.bundle_id.is_none() && *it.team == *TEAM), "{told:?}");
        assert!(told.iter().all(|it| *it.clients == [CLIENT.into()]), "{told:?}");
    }
}

#[tokio::test]
async fn of_one_connection_each_leniency_names_its_own_client() {
    let stage = Stage::build(ProviderRules::default()).await;
    let mut client = stage.world.client(Credential::None).await;
    let request = || stage.world.request(&stage.token);
    let empty = request().header("user-agent", "one").header("apns-collapse-id", "");
    assert_eq!(client.send(empty, ALERT).await.status, 200);
    let silent = request().header("user-agent", "two").header("apns-priority", "10");
    assert_eq!(client.send(silent, SILENT).await.status, 200);
    let told: Vec<_> = stage.world.advice.all().into_iter().map(|it| (it.leniency, it.clients)).collect();
    let (one, two) = (vec!["one".into()], vec!["two".into()]);
    assert_eq!(told, [(Leniency::EmptyCollapseId, one), (Leniency::SilentAtTen, two)]);
}

#[tokio::test]
async fn a_silent_payload_without_push_type_and_priority_is_at_10_by_default() {
    for strict in [false, true] {
        let stage = Stage::build(ProviderRules { strict, ..ProviderRules::default() }).await;
        let mut client = stage.world.client(Credential::None).await;
        let answer = client.send(stage.world.request(&stage.token), SILENT).await;
        if strict {
            assert_eq!(answer.reason(), (400, "BadPriority".to_owned()));
        } else {
            assert_eq!(answer.status, 200);
            assert_eq!(stage.counted(), [(APP.to_owned(), Leniency::SilentAtTen, 1, 1)]);
        }
        for (push_type, priority) in [("background", "5"), ("background", "1"), ("alert", "10")] {
            let request = stage.world.request(&stage.token).header("apns-push-type", push_type);
            let answer = client.send(request.header("apns-priority", priority), SILENT).await;
            assert_eq!(answer.status, 200, "{push_type} at {priority}: {answer:?}");
        }
        assert_eq!(client.send(stage.world.request(&stage.token), ALERT).await.status, 200);
        assert_eq!(stage.counted().len(), usize::from(!strict));
    }
}
