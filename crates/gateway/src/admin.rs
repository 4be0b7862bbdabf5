//! The push service's own API, for its operator, for `homing trace` and `homing app`: what became of a notification, and the
//! developer centre with its apps, keys and certificates. HTTP/1.1 and JSON, described at `/openapi.json`, which is generated from this code.
//!
//! Who may ask is decided by `homing-http-api`; what is answered is read from the store and the developer centre.

mod advice;
mod apps;
mod certificates;
mod document;
mod enrolment_keys;
mod keys;
mod refusal;
mod testers;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use homing_http_api::{Guard, Hosts, Problem, Query, guard, with_manners};
use homing_trace::{Environment, Trace};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{OpenApi as _, ToSchema};
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::authority::Authority;
use crate::centre::Centre;
use crate::store::{Store, StoreError, TraceQuery};
use crate::testers::Testers;
use crate::token::TokenSealer;

/// What the API answers from, and whom it answers.
pub(crate) struct AdminContext {
    pub(crate) store: Store,
    pub(crate) centre: Centre,
    /// Issues providers' certificates.
    pub(crate) authority: Arc<Authority>,
    pub(crate) sealer: TokenSealer,
    /// What the provider ports have counted.
    pub(crate) advice: Arc<Advice>,
    pub(crate) testers: Option<Arc<Testers>>,
    /// Ends what goes on for ever.
    pub(crate) stop: watch::Receiver<bool>,
    /// Sent as `Authorization: Bearer`.
    pub(crate) admin_key: Zeroizing<String>,
}

impl std::fmt::Debug for AdminContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminContext").finish_non_exhaustive()
    }
}

/// The API, ready to be served.
pub(crate) fn router(context: AdminContext) -> axum::Router {
    let key_is_in = "a running Homing keeps the admin key in its endpoints.json as gateway_admin_key";
    let judge = Guard::new(Hosts::default(), &context.admin_key, key_is_in);
    let router = axum::Router::new()
        .route("/v1/traces", get(traces))
        .route("/v1/advice", get(advice::list))
        .route("/v1/teams", get(apps::list_teams).post(apps::create_team))
        .route("/v1/apps", get(apps::list).post(apps::create))
        .route("/v1/apps/{bundle_id}", get(apps::show).delete(apps::remove))
        .route("/v1/apps/{bundle_id}/broadcast", put(apps::set_broadcast))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{key_id}", delete(keys::revoke))
        .route("/v1/certificates", get(certificates::list).post(certificates::create))
        .route("/v1/certificates/{certificate_id}", delete(certificates::revoke))
        .route("/v1/enrolment-keys", get(enrolment_keys::list).post(enrolment_keys::create))
        .route("/v1/enrolment-keys/{id}", delete(enrolment_keys::revoke))
        .route("/v1/token-marks", get(testers::marks::list))
        .route("/v1/token-marks/{token}", put(testers::marks::put).delete(testers::marks::remove))
        .route("/v1/test-tokens", post(testers::marks::make))
        .route(
            "/v1/faults",
            get(testers::faults::list).post(testers::faults::add).delete(testers::faults::remove_all),
        )
        .route("/v1/faults/{id}", delete(testers::faults::remove))
        .route("/v1/journal", get(testers::journal::read))
        .route("/v1/status", get(status))
        .route("/openapi.json", get(description))
        .with_state(Arc::new(context));
    with_manners(router, MAX_BODY).layer(axum::middleware::from_fn_with_state(Arc::new(judge), guard))
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homing push service",
        description = "For the operator. Every request but this one needs `Authorization: Bearer <admin key>`. Every refusal is a \
            problem document (RFC 9457) whose `detail` says what would help: 400 if the request can't be read, since it isn't the \
            JSON, the number or one of the words that are wanted there; 422 if a value was read and can't be used; 409 if \
            something stands in its way. What is wrong with one value has its name in `field`."
    ),
    paths(
        traces,
        status,
        description,
        advice::list,
        apps::list_teams,
        apps::create_team,
        apps::list,
        apps::create,
        apps::show,
        apps::remove,
        apps::set_broadcast,
        keys::list,
        keys::create,
        keys::revoke,
        certificates::list,
        certificates::create,
        certificates::revoke,
        enrolment_keys::list,
        enrolment_keys::create,
        enrolment_keys::revoke,
        testers::marks::list,
        testers::marks::put,
        testers::marks::remove,
        testers::marks::make,
        testers::faults::list,
        testers::faults::add,
        testers::faults::remove,
        testers::faults::remove_all,
        testers::journal::read
    ),
    components(schemas(Problem))
)]
struct Description;

/// Longest request body, in bytes: a key's list of 400 apps fits.
const MAX_BODY: usize = 128 * 1024;

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
    /// As the answer named it; only in the development environment, of what was accepted.
    #[schema(required = false)]
    apns_unique_id: Option<String>,
    /// Only of a broadcast; its `apns_id` is the `apns-request-id`.
    broadcast: Option<BroadcastShape>,
}

/// A broadcast's channel, and to how many connections it went.
#[derive(ToSchema)]
#[schema(as = Broadcast)]
#[expect(dead_code, reason = "it only describes another crate's type")]
struct BroadcastShape {
    /// As in `apns-channel-id`.
    channel: String,
    sent: u64,
    acknowledged: u64,
    /// Answered with an error by the device.
    refused: u64,
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

/// Finds traces by `apns-id`, by `apns-unique-id` or by device token; includes everything answered before the question.
#[utoipa::path(
    get,
    path = "/v1/traces",
    params(
        ("apns_id" = Option<String>, Query, description = "an `apns-id` or, of the development environment, an `apns-unique-id`, in any case; or"),
        ("token" = Option<String>, Query, description = "a device token in hex, in any case: all for it, refused requests included"),
        ("limit" = Option<usize>, Query, description = "at most so many, 10000 by default and at most"),
        ("skip" = Option<usize>, Query, description = "leave out the first so many: those that came before, if `truncated`")
    ),
    responses(
        (status = 200, body = Traces, description = "those found, maybe none"),
        (status = 400, body = Problem, content_type = "application/problem+json")
    )
)]
async fn traces(
    State(context): State<Arc<AdminContext>>,
    Query(asked): Query<TracesAsked>,
) -> Result<Json<Traces>, Problem> {
    let limit = asked.limit.unwrap_or(MOST_TRACES).min(MOST_TRACES);
    let mut by_number = None;
    let query = match (asked.apns_id, asked.token) {
        (Some(apns_id), None) => {
            by_number = context.sealer.unique_ids().open(&apns_id).map(TraceQuery::Seq);
            TraceQuery::ApnsId(apns_id)
        }
        (None, Some(token)) => {
            let sealed = homing_apns::DeviceTokenHex::parse(token.as_bytes());
            let registration = sealed.ok().and_then(|sealed| context.sealer.open(sealed.as_bytes()));
            TraceQuery::Token { token, registration }
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("ask with either ?apns_id= or ?token=".to_owned()));
        }
    };
    let skip = asked.skip.unwrap_or(0);
    let most = skip.saturating_add(limit + 1);
    let mut traces = context.store.trace(query, most).await.map_err(not_answered)?;
    if let Some(query) = by_number {
        traces.extend(context.store.trace(query, 1).await.map_err(not_answered)?);
    }
    traces.drain(..skip.min(traces.len()));
    let truncated = traces.len() > limit;
    traces.truncate(limit);
    for trace in &mut traces {
        let seq = trace.seq.filter(|_| trace.environment == Some(Environment::Development));
        trace.apns_unique_id = seq.map(|seq| context.sealer.unique_ids().of(seq).to_string());
    }
    Ok(Json(Traces { traces, truncated }))
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
    responses((status = 200, body = Status), (status = 503, body = Problem, content_type = "application/problem+json"))
)]
async fn status(State(context): State<Arc<AdminContext>>) -> Result<Json<Status>, Problem> {
    let devices_enrolled = context.store.device_count().await.map_err(not_answered)?;
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
async fn description() -> Json<serde_json::Value> {
    Json(document::complete(homing_http_api::description(&Description::openapi())))
}

/// What the caller can do nothing about is told to the log, not to the caller.
fn not_answered(error: StoreError) -> Problem {
    const TITLE: &str = "The store gave no answer";
    let busy = |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, TITLE, detail.to_owned());
    match error {
        StoreError::Busy => busy("the store is busy: try again in a moment").after_seconds(1),
        StoreError::Closed => busy("the push service is stopping"),
        StoreError::Io { .. }
        | StoreError::InUse { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::OlderSchema { .. }
        | StoreError::Damaged { .. }
        | StoreError::Sqlite { .. }
        | StoreError::Commit { .. }
        | StoreError::NotEnrolled
        | StoreError::Limit { .. }
        | StoreError::Invalid(_) => {
            tracing::error!(%error, "a question to the store failed");
            let detail = "the store failed: the push service's log says how".to_owned();
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, TITLE, detail)
        }
    }
}
