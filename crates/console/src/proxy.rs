//! Requests to the other APIs in the name of who is signed in: below an upstream's base, with the upstream's key, and with
//! nothing of the browser's but what is listed here. Where they may go is decided in [`target`], how answers flow in
//! [`passing`]; that somebody is signed in has been seen to before.

mod passing;
mod target;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use homing_http_api::Problem;
use http_body_util::{LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::console::{StartError, Upstream};
use crate::sessions::End;
use passing::Passing;
use target::Base;

/// Longest request body, in bytes.
const LONGEST_BODY: usize = 1024 * 1024;

/// Requests under way at once, streams included.
const MOST_AT_ONCE: usize = 256;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Time for sending a request and for the head of its answer; what streams after it has no end.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Longest head of an answer, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// What is passed on of a request.
const OF_REQUESTS: [HeaderName; 5] = [
    ACCEPT,
    ACCEPT_LANGUAGE,
    CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
];

/// What is passed on of an answer.
const OF_ANSWERS: [HeaderName; 4] =
    [CONTENT_TYPE, CACHE_CONTROL, RETRY_AFTER, HeaderName::from_static("idempotency-replayed")];

/// What an answer may be. Anything else is bytes to a browser, so that no upstream can make it show a page of its own.
const KINDS: [&str; 4] = ["application/json", "application/problem+json", "text/event-stream", "text/plain"];

/// All upstreams, and how many requests to them are under way.
#[derive(Debug)]
pub(crate) struct Proxy {
    doors: Vec<Door>,
    places: Arc<Semaphore>,
    head_within: Duration,
}

#[derive(Debug)]
struct Door {
    name: &'static str,
    base: Base,
    host: HeaderValue,
    /// Marked as sensitive, which keeps it out of a `Debug`.
    authorization: HeaderValue,
}

impl Proxy {
    pub(crate) fn new(upstreams: &[Upstream]) -> Result<Self, StartError> {
        let mut doors: Vec<Door> = Vec::new();
        for upstream in upstreams {
            let wrong = |what| StartError::Upstream { name: upstream.name, what };
            let is_plain =
                |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
            if !is_plain(upstream.name) || doors.iter().any(|door| door.name == upstream.name) {
                return Err(wrong("has a name that is taken or not in lower-case letters"));
            }
            let base = Base::parse(&upstream.base).map_err(wrong)?;
            let host = HeaderValue::try_from(&base.authority).map_err(|_| wrong("names no host"))?;
            let authorization = HeaderValue::try_from(format!("Bearer {}", upstream.key));
            let mut authorization = authorization.map_err(|_| wrong("has a key with control characters"))?;
            authorization.set_sensitive(true);
            doors.push(Door { name: upstream.name, base, host, authorization });
        }
        Ok(Self { doors, places: Arc::new(Semaphore::new(MOST_AT_ONCE)), head_within: HEAD_WITHIN })
    }

    /// Asks the upstream that `path` names first: what stands after `/api/`, as the browser sent it. The answer's body
    /// breaks off at `end`.
    pub(crate) async fn forward(&self, path: &str, request: Request, end: End) -> Result<Response, Problem> {
        let name = path.split('/').next().unwrap_or(path);
        let Some(door) = self.doors.iter().find(|door| door.name == name) else {
            let known: Vec<&str> = self.doors.iter().map(|door| door.name).collect();
            let detail = format!("the console speaks to no {name:?}: ask for one of {}", known.join(", "));
            return Err(Problem::not_found(detail));
        };
        if !METHODS.contains(request.method()) {
            return Err(Problem::method(format!("{} is not passed on", request.method())));
        }
        let target = door.base.target(&path[name.len()..], request.uri().query())?;
        if request.body().size_hint().lower() > LONGEST_BODY as u64 {
            return Err(too_long());
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let detail = "the console has 256 requests under way: close other windows of it, or try again";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Problem::new(status, "Too much at once", detail.to_owned()).after_seconds(1));
        };
        let asked = door.ask(door.request(request, target));
        let Ok(answered) = timeout(self.head_within, asked).await else {
            let seconds = self.head_within.as_secs();
            let what = format!("didn't answer within {seconds} seconds: look into its log, and try again");
            return Err(door.failed(StatusCode::GATEWAY_TIMEOUT, &what));
        };
        let (answer, connection) = answered?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            // To the page, 401 means that nobody is signed in.
            let what = "doesn't take the console's key: restart Homing, or give the console its key";
            return Err(door.failed(StatusCode::BAD_GATEWAY, what));
        }
        Ok(passed_on(answer, end, connection, place))
    }
}

impl Door {
    fn request(&self, request: Request, target: Uri) -> http::Request<Limited<Body>> {
        let (parts, body) = request.into_parts();
        let mut onward = http::Request::new(Limited::new(body, LONGEST_BODY));
        *onward.method_mut() = parts.method;
        *onward.uri_mut() = target;
        let headers = onward.headers_mut();
        for name in OF_REQUESTS {
            headers.extend(parts.headers.get_all(&name).iter().map(|value| (name.clone(), value.clone())));
        }
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        onward
    }

    /// The answer's head, and what keeps its connection going. Each request has a connection of its own, so that closing
    /// it ends nothing else.
    async fn ask(
        &self,
        request: http::Request<Limited<Body>>,
    ) -> Result<(http::Response<Incoming>, JoinSet<()>), Problem> {
        let unreachable = |why: &dyn std::fmt::Display| {
            let what = format!("can't be reached ({why}): start it, or wait until it has started");
            self.failed(StatusCode::BAD_GATEWAY, &what)
        };
        let broken = |error: hyper::Error| {
            let what = format!("broke off before it answered ({error}): look into its log, and try again");
            self.failed(StatusCode::BAD_GATEWAY, &what)
        };
        let address = (self.base.host.as_str(), self.base.port);
        let connected = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        let stream = connected.map_err(|late| unreachable(&late))?.map_err(|error| unreachable(&error))?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let shaken = http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(TokioIo::new(stream)).await;
        let (mut sender, driver) = shaken.map_err(broken)?;
        let mut connection = JoinSet::new();
        let upstream = self.name;
        connection.spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(upstream, %error, "a connection to an upstream broke off");
            }
        });
        match sender.send_request(request).await {
            Ok(answer) => Ok((answer, connection)),
            Err(error) if is_too_long(&error) => Err(too_long()),
            Err(error) => Err(broken(error)),
        }
    }

    /// `what` ends the sentence.
    fn failed(&self, status: StatusCode, what: &str) -> Problem {
        let detail = format!("the {} at {} {what}", self.name, self.base.authority);
        Problem::new(status, "An upstream failed", detail).with("upstream", self.name)
    }
}

fn passed_on(
    answer: http::Response<Incoming>,
    end: End,
    connection: JoinSet<()>,
    place: OwnedSemaphorePermit,
) -> Response {
    let (parts, body) = answer.into_parts();
    let mut response = Response::new(Body::new(Passing::new(body, end, connection, place)));
    *response.status_mut() = parts.status;
    for name in OF_ANSWERS {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if !is_known_kind(&parts.headers) {
        let bytes = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(CONTENT_TYPE, bytes);
    }
    response
}

fn is_known_kind(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or(kind).trim();
    KINDS.iter().any(|known| known.eq_ignore_ascii_case(kind))
}

fn too_long() -> Problem {
    let detail = format!("the body is too long: at most {LONGEST_BODY} bytes are passed on");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The request is too long", detail)
}

/// Whether sending failed since the browser's body was too long.
fn is_too_long(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}
