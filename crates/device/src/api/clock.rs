//! The clock all devices of this Homing share: what it shows, and letting time pass at once.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::{Body, Problem};

/// The most that may pass in one step: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 3600;

/// What the clock shows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClockView {
    #[schema(value_type = String, format = DateTime)]
    now: UnixMillis,
    /// How far it is ahead of real time.
    offset_seconds: f64,
}

/// How much time is to pass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    seconds: u64,
}

/// What the clock shows
#[utoipa::path(get, path = "/v1/clock", tag = "clock", responses((status = 200, body = ClockView)))]
pub(super) async fn show(State(api): State<Api>) -> Json<ClockView> {
    Json(view(&api))
}

/// Let time pass at once; the answer comes when all that came due has happened
#[utoipa::path(post, path = "/v1/clock/advance", tag = "clock", request_body = Advance,
    responses((status = 200, body = ClockView), (status = 400, body = Problem)))]
pub(super) async fn advance(
    State(api): State<Api>,
    Body(advance): Body<Advance>,
) -> Result<Json<ClockView>, Problem> {
    if advance.seconds > MAX_SECONDS {
        return Err(Problem::invalid(format!("at most {MAX_SECONDS} seconds pass in one step")));
    }
    let (clock, by) = (api.clock.clone(), Duration::from_secs(advance.seconds));
    let kept = tokio::task::spawn_blocking(move || clock.advance(by)).await;
    kept.map_err(|error| Problem::broken(error.to_string()))?
        .map_err(|error| Problem::broken(error.to_string()))?;
    for device in api.fleet.all() {
        let moved = device.ask(crate::phone::Phone::clock_moved).await;
        // One that was erased meanwhile has no clock.
        if api.fleet.named(&device.name).is_some() {
            moved?;
        }
    }
    Ok(Json(view(&api)))
}

fn view(api: &Api) -> ClockView {
    let ahead = Duration::from_millis(u64::try_from(api.clock.offset_millis()).unwrap_or_default());
    ClockView { now: api.clock.now(), offset_seconds: ahead.as_secs_f64() }
}
