//! The requests of the SDK to the provider, and what their answers mean. Each has a deadline; which is sent when is
//! decided by `worker`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::ProviderConfig;
use super::state::{Binding, Deed, Errand, Kind, Report};

/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longest answer read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Why the provider can't be asked at all.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum ClientError {
    #[error("{0:?} isn't its address: write http://host:port or https://host:port")]
    Url(String),
    #[error("the app has no aps-environment entitlement, so it gets no token and nobody can push to it")]
    NoEnvironment,
    #[error("no root certificate can be used: {0}")]
    Roots(String),
}

/// What the provider made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// The token is told, and nobody's.
    Unbound,
    /// 409: it knows of a sign-in or sign-out with this number.
    Stale {
        known: u64,
    },
    /// 401: the identity token isn't good, or not any more.
    Unproven(String),
    /// The same, and the business gives no newer one now.
    Unvouched(String),
    /// 404.
    Unknown(String),
    /// It says no, and asking again alone won't help.
    Refused(String),
    /// No answer, or one that asks for patience.
    Away(String),
}

/// Clones share their connections.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    /// Up to `/v1/apps/{bundle}/installations/`.
    base: String,
    environment: String,
    app_version: String,
}

/// The body of a sign-in; without a user, of a token that is told again.
#[derive(Serialize)]
struct Registration<'a> {
    environment: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    app_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a BTreeSet<String>>,
}

#[derive(Serialize)]
struct ReportBody<'a> {
    push_id: &'a str,
    event: Deed,
}

impl Client {
    pub(super) fn new(config: &ProviderConfig) -> Result<Self, ClientError> {
        let url = &config.url;
        let is_https = url.starts_with("https://");
        if !(is_https || url.starts_with("http://")) || url.ends_with('/') {
            return Err(ClientError::Url(url.clone()));
        }
        let manifest = &config.manifest;
        let environment = manifest.entitlements.aps_environment.ok_or(ClientError::NoEnvironment)?;
        let roots = if is_https { roots(config.ca_pem.as_deref())? } else { Vec::new() };
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let agent = Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
            .build();
        Ok(Self {
            agent: agent.into(),
            base: format!("{url}/v1/apps/{}/installations/", manifest.bundle_id),
            environment: environment.to_string(),
            app_version: manifest.version.clone(),
        })
    }

    pub(super) async fn send(&self, errand: Errand) -> Answer {
        match errand {
            Errand::Binding(binding) => self.tell(binding).await,
            Errand::Report(report) => self.report(report).await,
        }
    }

    async fn tell(&self, binding: Binding) -> Answer {
        match binding.kind {
            Kind::Bind | Kind::Rebind | Kind::Register => {
                let binds = binding.kind != Kind::Register;
                let body = Registration {
                    environment: &self.environment,
                    user: binds.then_some(&binding.user),
                    epoch: binds.then_some(binding.epoch),
                    app_version: &self.app_version,
                    tags: binding.tags.as_ref(),
                };
                let answer = self.request(Method::PUT, &binding.token, &binding.identity_token, &body).await;
                if answer == Answer::Unbound && binds { Answer::Done } else { answer }
            }
            Kind::Unbind => {
                let path =
                    format!("{}/user?user={}&epoch={}", binding.token, escaped(&binding.user), binding.epoch);
                let answer = self.request(Method::DELETE, &path, &binding.identity_token, &()).await;
                // Nobody is bound to a token that isn't known.
                if matches!(answer, Answer::Unknown(_)) { Answer::Done } else { answer }
            }
        }
    }

    async fn report(&self, report: Report) -> Answer {
        let path = format!("{}/reports", report.token);
        let body = ReportBody { push_id: &report.push_id, event: report.event };
        self.request(Method::POST, &path, &report.identity_token, &body).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        identity_token: &str,
        body: &impl Serialize,
    ) -> Answer {
        let request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {identity_token}"))
            .header("content-type", "application/json");
        let body = if method == Method::DELETE { Ok(Vec::new()) } else { serde_json::to_vec(body) };
        let body = body.map_err(|error| error.to_string());
        let request = body.and_then(|body| request.body(body).map_err(|error| error.to_string()));
        let request = match request {
            Ok(request) => request,
            Err(why) => return Answer::Refused(format!("the request can't be written: {why}")),
        };
        let agent = self.agent.clone();
        let exchange = tokio::task::spawn_blocking(move || match agent.run(request) {
            Ok(response) => read(response),
            Err(error) => Answer::Away(format!("the provider can't be reached: {error}")),
        });
        exchange.await.unwrap_or_else(|error| Answer::Away(format!("the request ended early: {error}")))
    }
}

fn read(mut response: Response<Body>) -> Answer {
    let status = response.status();
    let body: Value = response.body_mut().with_config().limit(MAX_ANSWER).read_json().unwrap_or_default();
    if status.is_success() {
        return if body.get("user").is_some_and(Value::is_null) { Answer::Unbound } else { Answer::Done };
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let detail = text("detail").or_else(|| text("title")).unwrap_or("it says no more");
    let detail: String = detail.chars().take(500).collect();
    let said = format!("the provider answered {status}: {detail}");
    match (status.as_u16(), body.get("epoch").and_then(Value::as_u64)) {
        (409, Some(known)) => Answer::Stale { known },
        (401, _) => Answer::Unproven(said),
        (404, _) => Answer::Unknown(said),
        (408 | 429 | 500.., _) => Answer::Away(said),
        (_, _) => Answer::Refused(said),
    }
}

fn roots(ca_pem: Option<&[u8]>) -> Result<Vec<Certificate<'static>>, ClientError> {
    let Some(pem) = ca_pem else {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let why = found.errors.first().map_or("the system has none".to_owned(), ToString::to_string);
            return Err(ClientError::Roots(why));
        }
        return Ok(found.certs.iter().map(|root| Certificate::from_der(root).to_owned()).collect());
    };
    let mut roots = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(root) = item.map_err(|error| ClientError::Roots(error.to_string()))? {
            roots.push(root);
        }
    }
    if roots.is_empty() {
        Err(ClientError::Roots("the PEM holds no certificate".to_owned()))
    } else {
        Ok(roots)
    }
}

/// For a query: all but letters, digits, `-`, `.`, `_` and `~` as `%XX` (RFC 3986 §2.3).
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}
