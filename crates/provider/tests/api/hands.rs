//! A provider on port 0 with one app, and a program that asks it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use homing_apns::jwt::SigningKey;
use homing_clock::Clock;
use homing_provider::identity_token::{Claims, sign};
use homing_provider::{Provider, ProviderConfig};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// The key the provider is started with.
pub(crate) const ROOT: &str = "the-root-key-of-the-tests";
pub(crate) const BUNDLE: &str = "com.example.news";
pub(crate) const APP: &str = "/v1/apps/com.example.news";
pub(crate) const OTHER: &str = "com.example.other";
/// A device token, by a digit.
pub(crate) fn token(digit: char) -> String {
    digit.to_string().repeat(64)
}

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    provider: Provider,
    _dir: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    /// Null when there is none, or when it isn't JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// What a success answers.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// A request that isn't sent yet.
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        let headers = vec![("host", "localhost:8481".to_owned())];
        Self { method, path: path.into(), headers, body: Bytes::new() }
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    /// Sets one, in place of what it was.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

pub(crate) async fn provider(dir: &Path) -> Provider {
    let config = ProviderConfig {
        data_dir: dir.to_owned(),
        clock: Clock::default(),
        api: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        api_key: ROOT.to_owned(),
        apps: Vec::new(),
        hosts: vec!["push.example.org".to_owned()],
    };
    Provider::start(config).await.expect("it starts")
}

impl World {
    /// With [`BUNDLE`] and [`OTHER`], whose push service answers nothing, and an identity key `k1` of the first.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let world = Self { provider: provider(dir.path()).await, _dir: dir };
        let nowhere = json!({"host": "localhost", "port": 1});
        let app = json!({"push_services": {"development": nowhere, "production": nowhere}});
        for bundle in [BUNDLE, OTHER] {
            world.root("PUT", &format!("/v1/apps/{bundle}"), &app).await.expect(201);
            let p8 = identity_key().to_p8().expect("it can be written");
            let credential = json!({"key": {"key_id": "KEY1234567", "team_id": "ABCDE12345", "p8": *p8}});
            for environment in ["development", "production"] {
                let path = format!("/v1/apps/{bundle}/credentials/{environment}");
                world.root("PUT", &path, &credential).await.expect(200);
            }
        }
        let pem = identity_key().verifying_key().to_pem().expect("it can be written");
        world
            .root("PUT", &format!("{APP}/identity-keys/k1"), &json!({"public_key_pem": pem}))
            .await
            .expect(200);
        world
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.provider.addresses()[0]
    }

    pub(crate) async fn stop(self) {
        self.provider.shutdown().await;
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        let (mut sender, response) = self.begin(ask).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("it is whole").to_bytes();
        // Keeps the connection until the answer is whole.
        let _ = sender.ready().await;
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    /// The head of the answer, its body still to come.
    pub(crate) async fn begin(
        &self,
        ask: Ask,
    ) -> (SendRequest<Full<Bytes>>, http::Response<hyper::body::Incoming>) {
        let stream = TcpStream::connect(self.address()).await.expect("it listens");
        let (mut sender, connection) =
            handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.expect("it speaks HTTP");
        tokio::spawn(connection);
        let mut request = http::Request::builder().method(ask.method).uri(&ask.path);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(ask.body)).expect("it is a request");
        let response = tokio::time::timeout(DEADLINE, sender.send_request(request)).await;
        let response = response.expect("it answers in time").expect("it answers");
        (sender, response)
    }

    /// With the root key.
    pub(crate) async fn root(&self, method: &'static str, path: &str, body: &Value) -> Answer {
        let ask = Ask::new(method, path).key(ROOT);
        self.ask(if body.is_null() { ask } else { ask.json(body) }).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.root("GET", path, &Value::Null).await.expect(200)
    }

    /// The secret of a new key.
    pub(crate) async fn key(&self, scopes: &[&str], apps: Option<&[&str]>) -> String {
        let mut wish = json!({"name": "of a test", "scopes": scopes});
        if let Some(apps) = apps {
            wish["apps"] = json!(apps);
        }
        let made = self.root("POST", "/v1/keys", &wish).await.expect(201);
        made["key"].as_str().expect("it is shown").to_owned()
    }

    /// Logs a user in on a token.
    pub(crate) async fn log_in(&self, token: &str, user: &str) -> Value {
        let body = json!({"environment": "development", "user": user});
        let answer = self.root("PUT", &format!("{APP}/installations/{token}"), &body).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
        answer.body
    }
}

/// By which the business of the tests signs.
pub(crate) fn identity_key() -> SigningKey {
    SigningKey::from_scalar(&[7; 32]).expect("it is a scalar")
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("it is before the end")
}

/// A good identity token for [`BUNDLE`].
pub(crate) fn identity_token(user: &str) -> String {
    sign(&identity_key(), "k1", &claims(user))
}

pub(crate) fn claims(user: &str) -> Claims {
    Claims { sub: user.to_owned(), aud: BUNDLE.to_owned(), iat: now() - 1, exp: now() + 600 }
}
