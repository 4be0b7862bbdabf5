//! The push service's own API, for its operator and for `homing trace`: what became of a notification, which apps there
//! are. HTTP/1.1 and JSON, described at `/openapi.json`, which is generated from this code.
//!
//! Who may ask is decided in [`guard`]; what is answered is read from the store and the developer centre.

mod guard;
mod problem;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::routing::get;
use homing_trace::Trace;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi as _, ToSchema};
use zeroize::Zeroizing;

use crate::centre::Centre;
use crate::store::{Store, TraceQuery};
use crate::token::TokenSealer;

use problem::{Problem, ProblemBody};

/// What the API answers from, and whom it answers.
pub struct AdminContext {
    pub store: Store,
    pub centre: Centre,
    pub sealer: TokenSealer,
    /// Sent as `Authorization: Bearer`.
    pub admin_key: Zeroizing<String>,
    /// What a request's `Host` may be besides the loopback's names: a name for any port, or with the port.
    pub hosts: Vec<String>,
}

impl std::fmt::Debug for AdminContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminContext").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// The API, ready to be served.
pub fn router(context: AdminContext) -> axum::Router {
    let context = Arc::new(context);
    axum::Router::new()
        .route("/v1/traces", get(traces))
        .route("/v1/apps", get(apps))
        .route("/v1/status", get(status))
        .route("/openapi.json", get(description))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&context), guard::guard))
        .with_state(context)
}

/// The API's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homing push service",
        description = "For the operator. Every request but this one needs `Authorization: Bearer <admin key>`."
    ),
    paths(traces, apps, status, description)
)]
struct Description;

/// Traces in one answer.
const MOST_TRACES: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TracesAsked {
    apns_id: Option<String>,
    token: Option<String>,
    limit: Option<usize>,
    skip: Option<usize>,
}

/// What became of notifications, in order of acceptance.
#[derive(Debug, Serialize, ToSchema)]
struct Traces {
    #[schema(value_type = Vec<TraceShape>)]
    traces: Vec<Trace>,
    /// Whether there are more than were asked for; those answered are the first accepted.
    truncated: bool,
}

/// The life of one notification, or a refused request.
#[derive(ToSchema)]
#[schema(as = Trace)]
#[expect(dead_code, reason = "it only describes another crate's type")]
struct TraceShape {
    apns_id: String,
    /// `null` for a refused request.
    seq: Option<u64>,
    topic: Option<String>,
    #[schema(example = "development")]
    environment: Option<String>,
    events: Vec<EventShape>,
}

/// One step.
#[derive(ToSchema)]
#[schema(as = Event)]
#[expect(dead_code, reason = "it only describes another crate's type")]
struct EventShape {
    /// RFC 3339 in UTC with milliseconds.
    #[schema(format = "date-time")]
    at: String,
    #[schema(example = "acknowledged")]
    stage: String,
    reason: Option<String>,
}

/// Finds traces by `apns-id` or by device token; includes everything answered before the question.
#[utoipa::path(
    get,
    path = "/v1/traces",
    params(
        ("apns_id" = Option<String>, Query, description = "an `apns-id`, in any case; or"),
        ("token" = Option<String>, Query, description = "a device token in hex, in any case: all for it, refused requests included"),
        ("limit" = Option<usize>, Query, description = "at most so many, 10000 by default and at most"),
        ("skip" = Option<usize>, Query, description = "leave out the first so many: those that came before, if `truncated`")
    ),
    responses(
        (status = 200, body = Traces, description = "those found, maybe none"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json")
    )
)]
async fn traces(
    State(context): State<Arc<AdminContext>>,
    asked: Result<Query<TracesAsked>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Traces>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    let limit = asked.limit.unwrap_or(MOST_TRACES).min(MOST_TRACES);
    let query = match (asked.apns_id, asked.token) {
        (Some(apns_id), None) => TraceQuery::ApnsId(apns_id),
        (None, Some(token)) => {
            let sealed = homing_apns::DeviceTokenHex::parse(token.as_bytes());
            let registration = sealed.ok().and_then(|sealed| context.sealer.open(sealed.as_bytes()));
            TraceQuery::Token { token, registration }
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::bad_request("ask with either ?apns_id= or ?token=".to_owned()));
        }
    };
    let skip = asked.skip.unwrap_or(0);
    let most = skip.saturating_add(limit + 1);
    let mut traces = context.store.trace(query, most).await.map_err(Problem::from_store)?;
    traces.drain(..skip.min(traces.len()));
    let truncated = traces.len() > limit;
    traces.truncate(limit);
    Ok(Json(Traces { traces, truncated }))
}

#[derive(Debug, Serialize, ToSchema)]
struct Apps {
    apps: Vec<AppView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AppView {
    bundle_id: String,
    team_id: String,
    topics: Vec<String>,
}

/// All apps with their topics.
#[utoipa::path(get, path = "/v1/apps", responses((status = 200, body = Apps)))]
async fn apps(State(context): State<Arc<AdminContext>>) -> Json<Apps> {
    let directory = context.centre.directory();
    let view = |app: &crate::centre::App| AppView {
        bundle_id: app.bundle_id.to_string(),
        team_id: app.team.to_string(),
        topics: app.topics.iter().map(ToString::to_string).collect(),
    };
    Json(Apps { apps: directory.apps().map(view).collect() })
}

#[derive(Debug, Serialize, ToSchema)]
struct Status {
    version: &'static str,
    /// The push service's clock.
    #[schema(value_type = String, format = "date-time")]
    now: homing_trace::UnixMillis,
    /// How far that clock is ahead of real time, in milliseconds.
    clock_offset_millis: i64,
    teams: usize,
    apps: usize,
    devices_enrolled: u64,
}

/// That it runs, and its size.
#[utoipa::path(
    get,
    path = "/v1/status",
    responses((status = 200, body = Status), (status = 503, body = ProblemBody, content_type = "application/problem+json"))
)]
async fn status(State(context): State<Arc<AdminContext>>) -> Result<Json<Status>, Problem> {
    let devices_enrolled = context.store.device_count().await.map_err(Problem::from_store)?;
    let directory = context.centre.directory();
    let clock = context.store.clock();
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        now: clock.now(),
        clock_offset_millis: clock.offset_millis(),
        teams: directory.teams().count(),
        apps: directory.apps().count(),
        devices_enrolled,
    }))
}

/// This description. Needs no key.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}
