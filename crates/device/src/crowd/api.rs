//! A fleet's HTTP API: how it stands, and its clock. There is nothing to do to one of its devices: they do what their
//! profile says.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use homing_http_api::{Body, Guard, Hosts, Problem, guard, with_manners};
use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{OpenApi as _, ToSchema};

use super::counts::FleetCounts;
use super::world::World;

/// Longest request body, in bytes.
const MAX_BODY: usize = 4_096;
/// The most that may pass in one step: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 3600;

#[derive(Clone, Debug)]
struct Api {
    world: Arc<World>,
    devices: u64,
}

/// Serves the API on one listener until `stopped` says so.
pub(super) async fn serve(
    listener: TcpListener,
    world: Arc<World>,
    devices: u64,
    key: String,
    stopped: watch::Receiver<bool>,
) {
    let keeper = Guard::new(Hosts::default(), &key, "endpoints.json has it as device_api_key");
    let guarding = axum::middleware::from_fn_with_state(Arc::new(keeper), guard);
    let router = Router::new()
        .route("/openapi.json", get(document))
        .route("/v1/fleet", get(show))
        .route("/v1/clock", get(clock))
        .route("/v1/clock/advance", post(advance))
        .with_state(Api { world, devices });
    homing_http_api::serve(listener, with_manners(router, MAX_BODY).layer(guarding), stopped).await;
}

/// How the fleet stands, in numbers
#[utoipa::path(get, path = "/v1/fleet", tag = "fleet", responses((status = 200, body = FleetCounts)))]
async fn show(State(api): State<Api>) -> Json<FleetCounts> {
    Json(api.world.counts.view(api.devices))
}

/// What the devices' clock shows.
#[derive(Debug, Serialize, ToSchema)]
struct FleetClock {
    #[schema(value_type = String, format = DateTime)]
    now: UnixMillis,
    /// How far it is ahead of real time.
    offset_seconds: f64,
}

/// What the devices' clock shows
#[utoipa::path(get, path = "/v1/clock", tag = "clock", responses((status = 200, body = FleetClock)))]
async fn clock(State(api): State<Api>) -> Json<FleetClock> {
    Json(view(&api))
}

/// How much time is to pass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FleetAdvance {
    seconds: u64,
}

/// Let time pass at once for all devices; what comes due happens after the answer
#[utoipa::path(post, path = "/v1/clock/advance", tag = "clock", request_body = FleetAdvance,
    responses((status = 200, body = FleetClock), (status = 400, body = Problem)))]
async fn advance(
    State(api): State<Api>,
    Body(advance): Body<FleetAdvance>,
) -> Result<Json<FleetClock>, Problem> {
    if advance.seconds > MAX_SECONDS {
        return Err(Problem::invalid(format!("at most {MAX_SECONDS} seconds pass in one step")));
    }
    let (clock, by) = (api.world.clock.clone(), Duration::from_secs(advance.seconds));
    let kept = tokio::task::spawn_blocking(move || clock.advance(by)).await;
    kept.map_err(|error| Problem::broken(error.to_string()))?
        .map_err(|error| Problem::broken(error.to_string()))?;
    Ok(Json(view(&api)))
}

fn view(api: &Api) -> FleetClock {
    let clock = &api.world.clock;
    let ahead = Duration::from_millis(u64::try_from(clock.offset_millis()).unwrap_or_default());
    FleetClock { now: clock.now(), offset_seconds: ahead.as_secs_f64() }
}

async fn document() -> Json<serde_json::Value> {
    let mut document = Document::openapi();
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    document.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(key));
    Json(homing_http_api::description(&document))
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Homing fleet API", description = "Very many virtual devices in one process, in numbers."),
    security(("key" = [])),
    paths(show, clock, advance)
)]
struct Document;
