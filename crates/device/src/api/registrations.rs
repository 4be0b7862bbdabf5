//! The registrations an app has beside its own: for calls, complications, Live Activities and what else has a topic of its
//! own.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use homing_http_api::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::phone::further::{FurtherView, Which};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Registrations {
    registrations: Vec<FurtherView>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instance {
    instance: Option<String>,
}

type Place = Path<(String, String, String)>;

/// What the app has registered for beside its own notifications
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/registrations", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Registrations), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(api): State<Api>,
    Path((device, app)): Path<(String, String)>,
) -> Result<Json<Registrations>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(Registrations { registrations: device.ask(move |phone| Ok(phone.further_of(&app))).await? }))
}

/// One of them, with its token once the push service has given it
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/registrations/{kind}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path),
        ("kind" = String, Path, description = "voip, complication, fileprovider, liveactivity, widgets, controls, location, pushtotalk"),
        ("instance" = Option<String>, Query, description = "a Live Activity's own token")),
    responses((status = 200, body = FurtherView), (status = 404, body = Problem), (status = 400, body = Problem)))]
pub(super) async fn show(
    State(api): State<Api>,
    Path((device, bundle, kind)): Place,
    Query(Instance { instance }): Query<Instance>,
) -> Result<Json<FurtherView>, Problem> {
    let which = Which { bundle, kind, instance };
    Ok(Json(api.device(&device).await?.ask(move |phone| Ok(phone.further_view(&which))).await?))
}

/// Let the app register for a push type, or a Live Activity get its own token; the token comes when the push service gives it
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/registrations/{kind}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("kind" = String, Path),
        ("instance" = Option<String>, Query, description = "of a liveactivity, a name of your own for it")),
    responses((status = 202, body = FurtherView), (status = 200, body = FurtherView), (status = 404, body = Problem),
        (status = 400, body = Problem)))]
pub(super) async fn register(
    State(api): State<Api>,
    Path((device, bundle, kind)): Place,
    Query(Instance { instance }): Query<Instance>,
) -> Result<Response, Problem> {
    let device = api.device(&device).await?;
    let which = Which { bundle, kind, instance };
    let asked = which.clone();
    let is_new = device.ask(move |phone| phone.register_further(&asked)).await?;
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    let view = device.ask(move |phone| Ok(phone.further_view(&which))).await?;
    Ok((status, Json(view)).into_response())
}

/// End the registration, as when a Live Activity ends: its token answers 410 from then on
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/registrations/{kind}", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("kind" = String, Path),
        ("instance" = Option<String>, Query)),
    responses((status = 204), (status = 404, body = Problem), (status = 400, body = Problem)))]
pub(super) async fn end(
    State(api): State<Api>,
    Path((device, bundle, kind)): Place,
    Query(Instance { instance }): Query<Instance>,
) -> Result<StatusCode, Problem> {
    let which = Which { bundle, kind, instance };
    api.device(&device).await?.ask(move |phone| phone.unregister_further(&which)).await?;
    Ok(StatusCode::NO_CONTENT)
}
