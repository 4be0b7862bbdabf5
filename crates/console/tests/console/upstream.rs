//! An API behind the console: it remembers what it was asked, and answers in all the ways that matter to a proxy.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

/// What the upstream was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone)]
struct Memory {
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Where each stream's sender goes.
    streams: mpsc::Sender<mpsc::Sender<Bytes>>,
    pieces: mpsc::Sender<Bytes>,
}

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    memory: Memory,
    streams: mpsc::Receiver<mpsc::Sender<Bytes>>,
    /// Pieces of bodies sent to `/v1/pieces`, as they come.
    pub(crate) pieces: mpsc::Receiver<Bytes>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let (streams, started) = mpsc::channel(8);
        let (pieces, came) = mpsc::channel(64);
        let memory = Memory { asked: Arc::default(), streams, pieces };
        let router = Router::new()
            .route("/base/v1/events", get(events))
            .route("/base/v1/pieces", any(pieces_of))
            .route("/base/v1/loud", get(loud))
            .route("/base/v1/page", get(async || axum::response::Html("<script src=/x></script>")))
            .route("/base/v1/no-key", get(async || StatusCode::UNAUTHORIZED))
            .route(
                "/base/v1/elsewhere",
                get(async || (StatusCode::FOUND, [(header::LOCATION, "http://evil.example/")])),
            )
            .fallback(anything)
            .with_state(memory.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, memory, streams: started, pieces: came }
    }

    /// All it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.memory.asked.lock().expect("no test panicked in it").clone()
    }

    /// Sends into the next stream that is opened; closed when the stream is.
    pub(crate) async fn stream(&mut self) -> mpsc::Sender<Bytes> {
        self.streams.recv().await.expect("a stream is opened")
    }
}

async fn anything(State(memory): State<Memory>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return StatusCode::BAD_REQUEST.into_response() };
    let asked = Asked {
        method: parts.method,
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: body.to_bytes(),
    };
    memory.asked.lock().expect("no test panicked in it").push(asked);
    (StatusCode::ACCEPTED, axum::Json(serde_json::json!({"push_id": "1"}))).into_response()
}

async fn events(State(memory): State<Memory>) -> Response {
    let (sender, receiver) = mpsc::channel(1);
    memory.streams.send(sender).await.expect("the test listens");
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn pieces_of(State(memory): State<Memory>, request: Request) -> StatusCode {
    let mut body = request.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(piece) = frame.into_data() {
            memory.pieces.send(piece).await.expect("the test listens");
        }
    }
    StatusCode::NO_CONTENT
}

/// Headers that no browser should get.
async fn loud() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=5"),
        (header::RETRY_AFTER, "7"),
        (header::SET_COOKIE, "a=b"),
        (header::LOCATION, "http://evil.example/"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::CONTENT_SECURITY_POLICY, "default-src *"),
        (header::SERVER, "upstream"),
        (header::AUTHORIZATION, "Bearer something"),
        (header::HeaderName::from_static("idempotency-replayed"), "true"),
    ];
    (headers, "{}").into_response()
}
