//! A small provider: binds and unbinds as the real one's document says, and does what a test wants to go wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, post, put};
use axum::{Json, Router};
use homing_local::Recipient;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::device::Device;

/// How the provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// Answers 503 and does nothing.
    Away,
    /// By turns: does it and answers; does it and answers 500; answers 503 and does it after the next it does; does
    /// nothing.
    Unreliable,
}

#[derive(Clone, Debug, Default)]
struct Installation {
    user: Option<String>,
    epoch: u64,
}

#[derive(Default)]
struct Inner {
    installations: BTreeMap<String, Installation>,
    bodies: Vec<Value>,
    /// Proofs that aren't good any more.
    ended: Vec<String>,
    proofs: Vec<String>,
    turns: u32,
    /// What is done later.
    late: Vec<Act>,
    observing: Option<Device>,
    observed: Vec<Recipient>,
}

#[derive(Clone)]
pub(crate) struct FakeProvider {
    inner: Arc<Mutex<Inner>>,
    mood: Arc<Mutex<Mood>>,
    reports: watch::Sender<Vec<String>>,
    url: String,
}

type Told = (HeaderMap, Bytes);
type Act = Box<dyn FnOnce(&FakeProvider) -> Response + Send>;

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let provider = Self::at(format!("http://{}", listener.local_addr().expect("it is bound")));
        let router = provider.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// The same behind TLS, and its root certificate.
    pub(crate) async fn start_tls() -> (Self, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let provider = Self::at(format!("https://localhost:{port}"));
        let (acceptor, root) = tls();
        let router = provider.router();
        tokio::spawn(async move { axum::serve(TlsListener { listener, acceptor }, router).await });
        (provider, root)
    }

    fn at(url: String) -> Self {
        Self {
            inner: Arc::default(),
            mood: Arc::new(Mutex::new(Mood::Good)),
            reports: watch::Sender::default(),
            url,
        }
    }

    fn router(&self) -> Router {
        let under = "/v1/apps/com.example.news/installations/{token}";
        Router::new()
            .route(under, put(bind))
            .route(&format!("{under}/user"), delete(unbind))
            .route(&format!("{under}/reports"), post(report))
            .with_state(self.clone())
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panicked")
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.mood.lock().expect("nobody panicked") = mood;
    }

    pub(crate) fn user(&self, token: &str) -> Option<String> {
        self.inner().installations.get(token)?.user.clone()
    }

    pub(crate) fn epoch(&self, token: &str) -> u64 {
        self.inner().installations.get(token).map_or(0, |one| one.epoch)
    }

    pub(crate) fn tokens(&self) -> Vec<String> {
        self.inner().installations.keys().cloned().collect()
    }

    /// As the business's server would, with its own key.
    pub(crate) fn bind(&self, token: &str, user: &str, epoch: u64) {
        let installation = Installation { user: Some(user.to_owned()), epoch };
        self.inner().installations.insert(token.to_owned(), installation);
    }

    pub(crate) fn forget_everything(&self) {
        self.inner().installations.clear();
    }

    pub(crate) fn end_proofs(&self) {
        let mut inner = self.inner();
        inner.ended = inner.proofs.clone();
    }

    pub(crate) fn last_body(&self) -> Value {
        self.inner().bodies.last().cloned().expect("somebody signed in")
    }

    /// From now on, notes what `device` had been told last when a request comes.
    pub(crate) fn observe(&self, device: &Device) {
        self.inner().observing = Some(device.clone());
    }

    pub(crate) fn observed(&self) -> Vec<Recipient> {
        self.inner().observed.clone()
    }

    /// The first `count` reports, in order. One may come again, if the SDK was ended before it had its answer.
    pub(crate) async fn reports(&self, count: usize) -> Vec<String> {
        let mut reports = self.reports.subscribe();
        let told = reports.wait_for(|reports| first_of_each(reports).len() >= count);
        let told = tokio::time::timeout(crate::DEADLINE, told).await;
        first_of_each(&told.expect("they come in time").expect("the provider lives"))
    }

    /// Does what is late.
    pub(crate) fn catch_up(&self) {
        let late = std::mem::take(&mut self.inner().late);
        for act in late {
            act(self);
        }
    }

    /// Whose proof a request bears, and whether it is still good.
    fn prover(&self, headers: &HeaderMap) -> (String, bool) {
        let proof = headers["authorization"].to_str().expect("it is text");
        let proof = proof.strip_prefix("Bearer ").expect("it is a bearer's").to_owned();
        let mut inner = self.inner();
        inner.proofs.push(proof.clone());
        if let Some(device) = &inner.observing {
            let last = device.recipients().pop();
            inner.observed.extend(last);
        }
        (crate::vouched(&proof), !inner.ended.contains(&proof))
    }

    /// Does `act` as the mood is.
    fn act(&self, act: impl FnOnce(&Self) -> Response + Send + 'static) -> Response {
        let away = || problem(StatusCode::SERVICE_UNAVAILABLE, json!({"detail": "try again"}));
        let mood = *self.mood.lock().expect("nobody panicked");
        match mood {
            Mood::Good => act(self),
            Mood::Away => away(),
            Mood::Unreliable => {
                let turn = {
                    let mut inner = self.inner();
                    inner.turns += 1;
                    inner.turns
                };
                match turn % 4 {
                    0 => {
                        let answer = act(self);
                        self.catch_up();
                        answer
                    }
                    1 => {
                        act(self);
                        problem(StatusCode::INTERNAL_SERVER_ERROR, json!({}))
                    }
                    2 => {
                        self.inner().late.push(Box::new(act));
                        away()
                    }
                    _ => away(),
                }
            }
        }
    }

    fn set(&self, token: &str, user: &str, epoch: u64, bind: bool) -> Response {
        let mut inner = self.inner();
        let known = inner.installations.entry(token.to_owned()).or_default();
        if epoch < known.epoch {
            return problem(StatusCode::CONFLICT, json!({"epoch": known.epoch}));
        }
        known.epoch = epoch;
        if bind {
            known.user = Some(user.to_owned());
            return (StatusCode::OK, Json(json!({"token": token, "user": user}))).into_response();
        }
        known.user.take_if(|bound| bound == user);
        StatusCode::NO_CONTENT.into_response()
    }
}

async fn bind(State(provider): State<FakeProvider>, Path(token): Path<String>, told: Told) -> Response {
    let (headers, body) = told;
    let (user, true) = provider.prover(&headers) else { return unproven() };
    let body: Value = serde_json::from_slice(&body).expect("it is JSON");
    provider.inner().bodies.push(body.clone());
    if body.get("user").is_none() {
        return provider.act(move |provider| {
            let user = provider.user(&token);
            (StatusCode::OK, Json(json!({"token": token, "user": user}))).into_response()
        });
    }
    assert_eq!(body["user"], user.as_str(), "the proof is the user's own");
    let epoch = body["epoch"].as_u64().expect("it is numbered");
    provider.act(move |provider| provider.set(&token, &user, epoch, true))
}

async fn unbind(
    State(provider): State<FakeProvider>,
    Path(token): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (user, true) = provider.prover(&headers) else { return unproven() };
    assert_eq!(query["user"], user, "the proof is the user's own");
    let epoch = query["epoch"].parse().expect("it is numbered");
    provider.act(move |provider| provider.set(&token, &user, epoch, false))
}

async fn report(State(provider): State<FakeProvider>, Path(token): Path<String>, told: Told) -> Response {
    let (headers, body) = told;
    let (user, true) = provider.prover(&headers) else { return unproven() };
    let body: Value = serde_json::from_slice(&body).expect("it is JSON");
    let word = |name: &str| body[name].as_str().expect("it is text").to_owned();
    let line = format!("{token} {} {} by {user}", word("push_id"), word("event"));
    provider.act(move |provider| {
        provider.reports.send_modify(|reports| reports.push(line));
        StatusCode::NO_CONTENT.into_response()
    })
}

fn unproven() -> Response {
    problem(StatusCode::UNAUTHORIZED, json!({"detail": "the proof has ended"}))
}

fn problem(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, from)) = self.listener.accept().await else { continue };
            // Who doesn't trust us goes away.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

fn tls() -> (TlsAcceptor, Vec<u8>) {
    let issuer_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&issuer_key).expect("a root");
    let issuer = rcgen::Issuer::from_params(&params, &issuer_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("they fit");
    (TlsAcceptor::from(Arc::new(config)), root.pem().into_bytes())
}

fn first_of_each(reports: &[String]) -> Vec<String> {
    let is_first = |(at, report): &(usize, &String)| !reports[..*at].contains(report);
    reports.iter().enumerate().filter(is_first).map(|(_, report)| report.clone()).collect()
}
