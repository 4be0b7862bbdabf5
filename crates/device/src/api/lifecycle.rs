//! What happens to a whole device, and to an app with its data: restart, erase, backup, restore, offload. What becomes of
//! the device token stands in each description.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::apps::{Place, detail};
use super::problem::{Body, Problem};
use crate::backup::BackupView;
use crate::phone::questions::{AppDetail, DeviceView};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Backups {
    backups: Vec<BackupView>,
}

/// Which backup.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    backup: String,
}

/// Restart the device: apps have ended, what came due meanwhile fires once, tokens stay
#[utoipa::path(post, path = "/v1/devices/{device}/restart", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn restart(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<DeviceView>, Problem> {
    let name = api.device(&device).await?.name.clone();
    let device = api.fleet.restart(&name).await?;
    Ok(Json(device.view().await?))
}

/// Whether the device is on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Power {
    on: bool,
}

/// Turn the device off, or on. Off, no app of it runs, it has no connection, what is pushed to it waits at the push
/// service, and its calls answer 409, but for this one, GET /v1/devices and the event streams. Turned on, what came due
/// meanwhile fires once, as after a restart. It is on again, too, when Homing itself starts again
#[utoipa::path(put, path = "/v1/devices/{device}/power", tag = "devices", params(("device" = String, Path)),
    request_body = Power, responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn set_power(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Power { on }): Body<Power>,
) -> Result<Json<DeviceView>, Problem> {
    let name = api.device(&device).await?.name.clone();
    Ok(Json(api.fleet.set_power(&name, on).await?.view().await?))
}

/// Erase all content and settings, as before a new owner or when the system is installed anew: the device stays, has no
/// apps, and enrols anew; all its tokens end
#[utoipa::path(post, path = "/v1/devices/{device}/erase", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn erase(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<DeviceView>, Problem> {
    let name = api.device(&device).await?.name.clone();
    let device = api.fleet.erase_content(&name).await?;
    Ok(Json(device.view().await?))
}

/// Back the device up: apps with their data, permission, switches and pending requests; no token, nothing that is on the
/// screen
#[utoipa::path(post, path = "/v1/devices/{device}/backup", tag = "backups", params(("device" = String, Path)),
    responses((status = 201, body = BackupView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn back_up(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<(StatusCode, Json<BackupView>), Problem> {
    let name = api.device(&device).await?.name.clone();
    Ok((StatusCode::CREATED, Json(api.fleet.back_up(&name).await?)))
}

/// Restore a backup, of this device or of another, in place of everything: the device enrols anew, each app is opened once
/// in background and gets a new token; those the device had end
#[utoipa::path(post, path = "/v1/devices/{device}/restore", tag = "backups", params(("device" = String, Path)),
    request_body = Restore, responses((status = 200, body = DeviceView), (status = 404, body = Problem),
        (status = 422, description = "the backup is damaged or of a newer version; the device is as it was", body = Problem)))]
pub(super) async fn restore(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(Restore { backup }): Body<Restore>,
) -> Result<Json<DeviceView>, Problem> {
    let name = api.device(&device).await?.name.clone();
    let device = api.fleet.restore(&name, backup).await?;
    Ok(Json(device.view().await?))
}

/// All backups of this host
#[utoipa::path(get, path = "/v1/backups", tag = "backups", responses((status = 200, body = Backups)))]
pub(super) async fn backups(State(api): State<Api>) -> Result<Json<Backups>, Problem> {
    Ok(Json(Backups { backups: api.fleet.backups().await? }))
}

/// Remove a backup
#[utoipa::path(delete, path = "/v1/backups/{backup}", tag = "backups", params(("backup" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove_backup(
    State(api): State<Api>,
    Path(backup): Path<String>,
) -> Result<StatusCode, Problem> {
    api.fleet.remove_backup(backup).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Offload an app: its data stays, its token ends
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/offload", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn offload(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.offload(&app)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Download an offloaded app again: its data is there, its token is new. Installing it does the same
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/download", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 201, body = AppDetail), (status = 404, body = Problem)))]
pub(super) async fn download(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<(StatusCode, Json<AppDetail>), Problem> {
    let device = api.device(&device).await?;
    let of = app.clone();
    device.ask(move |phone| phone.download(&of)).await?;
    Ok((StatusCode::CREATED, Json(detail(&device, app).await?)))
}

/// Let the push service give the app another token, as it may at any time: the old one ends, the app is told the new one
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/token/rotate", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 202, body = AppDetail), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn rotate_token(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<(StatusCode, Json<AppDetail>), Problem> {
    let device = api.device(&device).await?;
    let of = app.clone();
    device.ask(move |phone| phone.rotate_token(&of)).await?;
    Ok((StatusCode::ACCEPTED, Json(detail(&device, app).await?)))
}
