//! What is around a device: the time zone it is in, and its place on Earth.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::Path;
use homing_local::{Coordinate, LocationPermission};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::{Body, Problem};
use crate::phone::questions::{AppDetail, DeviceView};

/// Where the clock on the wall hangs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeZone {
    /// A name of the IANA database, such as `Asia/Shanghai`.
    time_zone: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Location {
    /// `null` until it was told.
    location: Option<Coordinate>,
}

/// Whether an app may know where the device is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetLocationPermission {
    permission: LocationPermission,
}

/// The device's time zone
#[utoipa::path(get, path = "/v1/devices/{device}/time-zone", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = TimeZone), (status = 404, body = Problem)))]
pub(super) async fn time_zone(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<TimeZone>, Problem> {
    let view = api.device(&device).await?.ask(|phone| Ok(Ok(phone.device_view()))).await?;
    Ok(Json(TimeZone { time_zone: view.time_zone }))
}

/// Travel to another time zone: calendar triggers without a zone of their own find their dates there
#[utoipa::path(put, path = "/v1/devices/{device}/time-zone", tag = "devices", params(("device" = String, Path)),
    request_body = TimeZone, responses((status = 200, body = DeviceView), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn set_time_zone(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(TimeZone { time_zone }): Body<TimeZone>,
) -> Result<Json<DeviceView>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(device.ask(move |phone| phone.set_time_zone(time_zone)).await?))
}

/// Where the device is
#[utoipa::path(get, path = "/v1/devices/{device}/location", tag = "devices", params(("device" = String, Path)),
    responses((status = 200, body = Location), (status = 404, body = Problem)))]
pub(super) async fn location(
    State(api): State<Api>,
    Path(device): Path<String>,
) -> Result<Json<Location>, Problem> {
    let view = api.device(&device).await?.ask(|phone| Ok(Ok(phone.device_view()))).await?;
    Ok(Json(Location { location: view.location }))
}

/// Move the device: location triggers fire whose border it crosses
#[utoipa::path(put, path = "/v1/devices/{device}/location", tag = "devices", params(("device" = String, Path)),
    request_body = Coordinate, responses((status = 200, body = DeviceView), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn set_location(
    State(api): State<Api>,
    Path(device): Path<String>,
    Body(location): Body<Coordinate>,
) -> Result<Json<DeviceView>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(device.ask(move |phone| phone.set_location(location)).await?))
}

/// Where the user presses the app's button.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenSettings {
    /// The notification whose menu it is in; without it, the button on the app's page in Settings.
    #[serde(default)]
    identifier: Option<String>,
}

/// Press the app's button for settings of its own: the app comes to the front and is told (openSettingsFor)
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/settings/open", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = OpenSettings,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn open_settings(
    State(api): State<Api>,
    Path((device, app)): Path<(String, String)>,
    Body(OpenSettings { identifier }): Body<OpenSettings>,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.open_app_settings(&app, identifier)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say in Settings whether an app may know where the device is; without it, its location triggers don't fire
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/location-permission", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = SetLocationPermission,
    responses((status = 200, body = AppDetail), (status = 404, body = Problem)))]
pub(super) async fn set_location_permission(
    State(api): State<Api>,
    Path((device, app)): Path<(String, String)>,
    Body(SetLocationPermission { permission }): Body<SetLocationPermission>,
) -> Result<Json<AppDetail>, Problem> {
    let device = api.device(&device).await?;
    let of = app.clone();
    device.ask(move |phone| phone.set_location_permission(&of, permission)).await?;
    Ok(Json(device.ask(move |phone| Ok(phone.app_detail(&app))).await?))
}
