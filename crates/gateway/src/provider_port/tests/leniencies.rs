//! Every leniency of the one table on the wire: taken, counted for the app, and refused where only the documented form is.

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use homing_apns::Leniency;
use homing_trace::Environment;
use http::request::Builder;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::pkcs8::DecodePrivateKey as _;
use sha2::{Digest as _, Sha512};

use super::super::ProviderRules;
use super::ALERT;
use super::world::{APP, Answered, Client, Credential, KEY_ID, TEAM, World, real_seconds};

const DEVELOPMENT: Environment = Environment::Development;
const UNDERSCORED: &str = "com.example.old_news";
const SILENT: &[u8] = br#"{"aps":{"content-available":1}}"#;
const HEADER: &str = r#"{"alg":"ES256","kid":"KEY1234567"}"#;
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
}

impl Stage {
    async fn build(rules: ProviderRules) -> Self {
        let world = World::start_with(DEVELOPMENT, rules).await;
        world.centre.create_app(TEAM, UNDERSCORED).await.expect("it is made");
        let token = world.register(DEVELOPMENT, APP).await;
        let underscored = world.register(DEVELOPMENT, UNDERSCORED).await;
        let certificate = world.certificate(APP, &[DEVELOPMENT]).await;
        Self { world, token, underscored, certificate }
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
            Leniency::SilentAtTen => Case { body: SILENT, ..case(good().header("apns-priority", "10")) },
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
        all.map(|it| (it.bundle_id.into(), it.leniency, it.requests, it.connections)).collect()
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
    // What a body shows comes without the name of its client.
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
