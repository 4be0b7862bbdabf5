//! A console with its upstream, and requests to it as a browser's page, or as anybody else, would send them. Every answer
//! that is read here is looked at for the headers that all carry, and for keys.

use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use bytes::Bytes;
use homing_console::{Console, ConsoleConfig};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::upstream::Upstream;

pub(crate) const LINK_KEY: &str = "link-key-7f3a";
pub(crate) const UPSTREAM_KEY: &str = "upstream-key-91cc";

/// A console, the upstream `provider` behind it, and `gateway`, at which nobody listens.
pub(crate) struct World {
    pub(crate) console: Console,
    pub(crate) upstream: Upstream,
    /// The console's host and port, as its page has them.
    pub(crate) host: String,
    /// The cookies that the page has.
    pub(crate) cookie: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("it is JSON")
    }

    pub(crate) fn detail(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.json()["detail"].as_str().expect("it is text").to_owned()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let upstream = Upstream::start().await;
        let base = format!("http://{}/base/", upstream.address);
        let console = console_before(base).await;
        let host = format!("localhost:{}", console.addresses()[0].port());
        Self { console, upstream, host, cookie: String::new() }
    }

    /// With somebody signed in.
    pub(crate) async fn signed_in() -> Self {
        Self::start().await.enter().await
    }

    /// With somebody signed in, and another `provider` at `base`.
    pub(crate) async fn before(base: String) -> Self {
        let mut world = Self::start().await;
        world.console = console_before(base).await;
        world.host = format!("localhost:{}", world.console.addresses()[0].port());
        world.enter().await
    }

    async fn enter(mut self) -> Self {
        let answer = self.sign_in(&self.code()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        self.take_cookie(&answer);
        self
    }

    /// The code of a fresh link.
    pub(crate) fn code(&self) -> String {
        let link = self.console.fresh_link();
        let (address, code) = link.split_once('#').expect("the code is in the fragment");
        assert_eq!(address, format!("http://{}/sign-in", self.host));
        code.to_owned()
    }

    pub(crate) async fn sign_in(&self, code: &str) -> Answer {
        self.ask(self.request(Method::POST, "/session", json!({"code": code}).to_string())).await
    }

    pub(crate) fn take_cookie(&mut self, answer: &Answer) {
        let cookie = answer.headers[SET_COOKIE].to_str().expect("it is text");
        self.cookie = cookie.split(';').next().expect("it has a value").to_owned();
    }

    /// As the console's own page sends it.
    pub(crate) fn request(&self, method: Method, target: &str, body: impl Into<Body>) -> Request<Body> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, &self.host)
            .header(ORIGIN, format!("http://{}", self.host))
            .header("sec-fetch-site", "same-origin")
            .header(COOKIE, &self.cookie);
        request.body(body.into()).expect("it is a request")
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(self.request(Method::GET, target, Body::empty())).await
    }

    /// The answer's head; its body comes as the console sends it. Dropping it closes the connection.
    pub(crate) async fn begin(&self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        let stream = TcpStream::connect(self.console.addresses()[0]).await.expect("the console listens");
        let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        let answer = sender.send_request(request).await?;
        assert_headers(answer.headers());
        Ok(answer)
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.begin(request).await.expect("it answers").into_parts();
        let body = body.collect().await.expect("it ends").to_bytes();
        let all = format!("{:?} {}", parts.headers, String::from_utf8_lossy(&body));
        assert!(!all.contains(LINK_KEY) && !all.contains(UPSTREAM_KEY), "a key in {all}");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends bytes as they are, and reads until the console closes the connection.
    pub(crate) async fn raw(&self, request: String) -> String {
        let mut stream = TcpStream::connect(self.console.addresses()[0]).await.expect("the console listens");
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it is answered");
        let answer = String::from_utf8(answer).expect("it is text");
        assert!(!answer.contains(LINK_KEY) && !answer.contains(UPSTREAM_KEY), "a key in {answer}");
        answer
    }
}

async fn console_before(provider: String) -> Console {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let nobody = nobody.local_addr().expect("it was bound");
    let to = |name, base| homing_console::Upstream { name, base, key: UPSTREAM_KEY.to_owned() };
    let console = Console::start(ConsoleConfig {
        listen: vec!["127.0.0.1:0".parse().expect("it is an address")],
        link_key: LINK_KEY.to_owned(),
        upstreams: vec![to("provider", provider), to("gateway", format!("http://{nobody}"))],
        about: json!({"version": "1"}),
        hosts: vec!["push.example.org".to_owned()],
    });
    console.await.expect("it starts")
}

pub(crate) fn assert_headers(headers: &HeaderMap) {
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().expect("it is text");
    let wanted = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
        connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert_eq!(policy, wanted);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(headers.contains_key("cache-control"));
    for foreign in ["access-control-allow-origin", "server", "location"] {
        assert!(!headers.contains_key(foreign), "{foreign}");
    }
}
