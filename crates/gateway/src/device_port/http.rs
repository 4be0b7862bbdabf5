//! HTTPS on the device link: its routes and limits, and MQTT over WebSocket begins. Coming and leaving for good is left to
//! [`enrolment`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, post};
use homing_http_api::Underway;
use homing_link::{WEBSOCKET_PATH, WEBSOCKET_SUBPROTOCOL};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::websocket::WebSocket;
use super::{DevicePort, Peer, enrolment};
use crate::listen::unless_stopped;
use crate::notification::lock;

/// Longest request body taken, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// Time for the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection may be used for requests; WebSockets don't count.
const CONNECTION_WITHIN: Duration = Duration::from_secs(120);

/// A refusal as RFC 9457 has it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), header: None }
    }

    pub(super) fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = serde_json::json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.header);
        response
    }
}

/// Serves requests on one connection, HTTP/1.1 or HTTP/2.
pub(super) async fn serve<S>(port: Arc<DevicePort>, peer: Peer, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let conversation = Conversing::default();
    let mut stop = port.stop.clone();
    let router = Router::new()
        .route("/devices", post(enrolment::enrol).fallback(|| async { wrong_method("POST") }))
        .route("/devices/{id}", delete(enrolment::remove).fallback(|| async { wrong_method("DELETE") }))
        .route(WEBSOCKET_PATH, any(upgrade))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "the device link has /devices and /mqtt") })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(Extension(peer))
        .layer(Extension(conversation.clone()))
        .with_state(port);
    let (underway, router) = Underway::of(router);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    server.http2().timer(TokioTimer::new()).max_concurrent_streams(16).max_header_list_size(16 * 1024);
    let serving =
        server.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router));
    let serving = async {
        let mut serving = std::pin::pin!(serving);
        match unless_stopped(&mut stop, serving.as_mut()).await {
            Some(served) => served,
            None => {
                serving.as_mut().graceful_shutdown();
                underway.last_of(serving).await.unwrap_or(Ok(()))
            }
        }
    };
    match tokio::time::timeout(CONNECTION_WITHIN, serving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(peer = %peer.address, %error, "HTTP on the device link"),
        Err(_) => tracing::debug!(peer = %peer.address, "HTTP connection closed after its time"),
    }
    let upgraded = lock(&conversation.0).take();
    if let Some(upgraded) = upgraded
        && let Err(error) = upgraded.await
    {
        tracing::error!(peer = %peer.address, %error, "MQTT over WebSocket broke off");
    }
}

/// The MQTT that a connection was upgraded to: the connection counts as open until that ends.
#[derive(Clone, Debug, Default)]
struct Conversing(Arc<Mutex<Option<JoinHandle<()>>>>);

fn wrong_method(allowed: &'static str) -> Problem {
    let detail = format!("use {allowed} here");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, HeaderValue::from_static(allowed))
}

/// The upgrade of RFC 6455, 4.2, for the subprotocol `mqtt`.
async fn upgrade(
    State(port): State<Arc<DevicePort>>,
    Extension(mut peer): Extension<Peer>,
    Extension(conversing): Extension<Conversing>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if !has_word(headers, &UPGRADE, "websocket") || !has_word(headers, &CONNECTION, "upgrade") {
        let detail = "this is MQTT over WebSocket: ask for an upgrade over HTTP/1.1";
        return Problem::new(StatusCode::UPGRADE_REQUIRED, detail)
            .with(UPGRADE, HeaderValue::from_static("websocket"))
            .into_response();
    }
    if !has_word(headers, &SEC_WEBSOCKET_VERSION, "13") {
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is spoken here")
            .with(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
            .into_response();
    }
    if !has_word(headers, &SEC_WEBSOCKET_PROTOCOL, WEBSOCKET_SUBPROTOCOL) {
        return Problem::new(StatusCode::BAD_REQUEST, "offer the subprotocol `mqtt`").into_response();
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        return Problem::new(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing").into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    if headers.contains_key(ORIGIN) {
        // A browser shows its user's certificate on behalf of any page: there a device says its secret.
        peer.certified = None;
    }
    let conversation = tokio::spawn(async move {
        match hyper::upgrade::on(request).await {
            Ok(upgraded) => {
                let stream = WebSocket::accepted(TokioIo::new(upgraded)).await;
                port.converse(peer, stream, Vec::new()).await;
            }
            Err(error) => tracing::debug!(peer = %peer.address, %error, "no WebSocket after all"),
        }
    });
    *lock(&conversing.0) = Some(conversation);
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "Upgrade")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .header(SEC_WEBSOCKET_PROTOCOL, WEBSOCKET_SUBPROTOCOL)
        .body(Body::empty())
        .unwrap_or_else(|_| Problem::new(StatusCode::BAD_REQUEST, "malformed WebSocket key").into_response())
}

/// Whether a comma-separated header holds `word`, whatever its case.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}
