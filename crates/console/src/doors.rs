//! What the console answers: links for who holds the key, sessions for who has a link, the other APIs for who has a
//! session, and the page for everyone. Who may ask at all is decided in [`guard`](crate::guard).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{COOKIE, HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use homing_http_api::{Body, Hosts, Key, Problem, bearer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{OpenApi as _, ToSchema};

use crate::attempts::Attempts;
use crate::guard;
use crate::links::Links;
use crate::page;
use crate::proxy::Proxy;
use crate::sessions::{Entered, IDLE_FOR, Sessions};

/// Longest body of the console's own requests, in bytes.
const LONGEST_BODY: usize = 4096;

/// What the doors share.
pub(crate) struct House {
    pub(crate) link_key: Key,
    pub(crate) links: Mutex<Links>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) attempts: Mutex<Attempts>,
    pub(crate) about: Value,
    pub(crate) proxy: Proxy,
    /// A browser keeps one jar for all ports of a host, so the cookie's name and the links have the port in them.
    pub(crate) port: u16,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("port", &self.port).finish_non_exhaustive()
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homing console",
        description = "For its own page. What is below /api/ goes on to the API that is named next, for who is signed in."
    ),
    paths(make_link, sign_in, who, sign_out, description)
)]
struct Description;

pub(crate) fn router(house: Arc<House>, hosts: Hosts) -> Router {
    let own = Router::new()
        .route("/links", post(make_link))
        .route("/session", post(sign_in).get(who).delete(sign_out))
        .route("/openapi.json", get(description));
    homing_http_api::with_manners(own, LONGEST_BODY)
        .route("/api/{*path}", any(pass_on))
        .fallback(show_page)
        .layer(axum::middleware::from_fn_with_state(hosts, guard::guard))
        .with_state(house)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl House {
    pub(crate) fn fresh_link(&self) -> String {
        let code = lock(&self.links).make(Instant::now());
        // After the `#`, which no browser sends anywhere and no proxy writes down.
        format!("http://localhost:{}/sign-in#{code}", self.port)
    }

    /// Uses the session of who asks.
    fn enter<'a>(&self, headers: &'a HeaderMap) -> Result<Entered<'a>, Problem> {
        lock(&self.sessions).enter(self.cookies(headers), Instant::now()).ok_or_else(|| {
            let detail = "nobody is signed in here: open a fresh link, which `homing console` prints";
            Problem::new(StatusCode::UNAUTHORIZED, "Not signed in", detail.to_owned())
        })
    }

    fn cookie_name(&self) -> String {
        format!("homing-console-{}", self.port)
    }

    /// All values of the console's cookie: another port of this host may have set one too.
    fn cookies<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = self.cookie_name();
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }

    fn cookie(&self, value: &str, lasting: Duration) -> [(HeaderName, String); 1] {
        let (name, seconds) = (self.cookie_name(), lasting.as_secs());
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
        [(SET_COOKIE, cookie)]
    }
}

/// A fresh link.
#[derive(Serialize, ToSchema)]
struct Link {
    #[schema(example = "http://localhost:8480/sign-in#kZ0…")]
    url: String,
}

/// Makes a one-time link, good for ten minutes.
#[utoipa::path(
    post,
    path = "/links",
    description = "Wants `Authorization: Bearer <link key>`.",
    responses(
        (status = 201, body = Link),
        (status = 401, body = Problem, content_type = "application/problem+json")
    )
)]
async fn make_link(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Link>), Problem> {
    if !bearer(&headers).is_some_and(|offered| house.link_key.opens(offered)) {
        let detail = "links are made with the console's link key: run `homing console`, which knows it";
        return Err(Problem::no_key(detail.to_owned()));
    }
    Ok((StatusCode::CREATED, Json(Link { url: house.fresh_link() })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// What stands behind the `#` of a link.
    code: String,
}

/// Spends a link's code and begins a session, which is a cookie.
#[utoipa::path(
    post,
    path = "/session",
    request_body = SignIn,
    responses(
        (status = 204),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "wrong, used or too old"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "ten failures within a minute")
    )
)]
async fn sign_in(
    State(house): State<Arc<House>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(SignIn { code }): Body<SignIn>,
) -> Result<Response, Problem> {
    let now = Instant::now();
    if let Some(seconds) = lock(&house.attempts).wait(peer.ip(), now) {
        let detail = format!("too many wrong codes came from here: wait {seconds} seconds");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many attempts", detail);
        return Err(problem.after_seconds(seconds));
    }
    if !lock(&house.links).spend(&code, now) {
        lock(&house.attempts).failed(peer.ip(), now);
        let detail = "the link is wrong, used or older than ten minutes: `homing console` prints a fresh one";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "Not signed in", detail.to_owned()));
    }
    let mut sessions = lock(&house.sessions);
    sessions.end(house.cookies(&headers));
    let value = sessions.begin(now);
    Ok((StatusCode::NO_CONTENT, house.cookie(&value, IDLE_FOR)).into_response())
}

/// What the page may know about this Homing.
#[derive(Serialize, ToSchema)]
struct SignedIn {
    #[schema(value_type = Object)]
    about: Value,
}

/// Whether somebody is signed in; puts off the session's end.
#[utoipa::path(
    get,
    path = "/session",
    responses(
        (status = 200, body = SignedIn),
        (status = 401, body = Problem, content_type = "application/problem+json")
    )
)]
async fn who(State(house): State<Arc<House>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Entered { value, .. } = house.enter(&headers)?;
    let signed_in = Json(SignedIn { about: house.about.clone() });
    Ok((house.cookie(value, IDLE_FOR), signed_in).into_response())
}

/// Ends the session and what streams in it.
#[utoipa::path(delete, path = "/session", responses((status = 204)))]
async fn sign_out(State(house): State<Arc<House>>, headers: HeaderMap) -> Response {
    lock(&house.sessions).end(house.cookies(&headers));
    (StatusCode::NO_CONTENT, house.cookie("", Duration::ZERO)).into_response()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
async fn description() -> Json<serde_json::Value> {
    Json(homing_http_api::description(&Description::openapi()))
}

async fn pass_on(State(house): State<Arc<House>>, request: Request) -> Result<Response, Problem> {
    let Entered { end, .. } = house.enter(request.headers())?;
    let uri = request.uri().clone();
    let path = uri.path().strip_prefix("/api/").unwrap_or_default();
    house.proxy.forward(path, request, end).await
}

async fn show_page(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    page::answer(&method, uri.path(), &headers)
}
