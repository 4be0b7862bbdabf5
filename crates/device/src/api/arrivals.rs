//! What came to a device from the push service and what it made of each, shown or not.

use axum::Json;
use axum::extract::State;
use homing_http_api::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::arrival::{self, Arrival};

/// How many are told unless more are asked for.
const USUAL: u32 = 100;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Arrivals {
    /// Newest first.
    arrivals: Vec<ArrivalView>,
}

/// One notification that came, and why it was shown or wasn't.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ArrivalView {
    #[serde(flatten)]
    arrival: Arrival,
    /// What the device made of it, in one English sentence; `decision.reason` is the word behind it.
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    limit: Option<u32>,
}

/// The last 500 notifications that came from the push service, and what the device made of each
#[utoipa::path(get, path = "/v1/devices/{device}/arrivals", tag = "devices",
    params(("device" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "100 without it")),
    responses((status = 200, body = Arrivals), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(api): State<Api>,
    Path(device): Path<String>,
    Query(Limit { limit }): Query<Limit>,
) -> Result<Json<Arrivals>, Problem> {
    let limit = limit.unwrap_or(USUAL);
    if !(1..=arrival::KEPT).contains(&i64::from(limit)) {
        return Err(Problem::invalid(format!("limit is 1 to {}, not {limit}", arrival::KEPT)));
    }
    let device = api.device(&device).await?;
    let arrivals = device.ask(move |phone| phone.arrivals(limit)).await?;
    let view = |(arrival, why)| ArrivalView { arrival, why };
    Ok(Json(Arrivals { arrivals: arrivals.into_iter().map(view).collect() }))
}
