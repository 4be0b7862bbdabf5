//! The broadcast channels an app follows, as a Live Activity does.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use homing_http_api::Path;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::phone::followed::ChannelView;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/devices/{device}/apps/{app}/channels", get(list))
        .route("/v1/devices/{device}/apps/{app}/channels/{id}", get(show).put(follow).delete(unfollow))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Channels {
    channels: Vec<ChannelView>,
}

type Place = Path<(String, String, String)>;

/// The broadcast channels the app follows
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/channels", operation_id = "list_channels", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 200, body = Channels), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(api): State<Api>,
    Path((device, app)): Path<(String, String)>,
) -> Result<Json<Channels>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(Channels { channels: device.ask(move |phone| Ok(phone.channels_of(&app))).await? }))
}

/// One of them, with its last message
#[utoipa::path(get, path = "/v1/devices/{device}/apps/{app}/channels/{id}", operation_id = "show_channel", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path),
        ("id" = String, Path, description = "base64 or base64url, as `homing channel create` prints it")),
    responses((status = 200, body = ChannelView), (status = 404, body = Problem), (status = 400, body = Problem)))]
pub(super) async fn show(
    State(api): State<Api>,
    Path((device, app, id)): Place,
) -> Result<Json<ChannelView>, Problem> {
    let device = api.device(&device).await?;
    Ok(Json(device.ask(move |phone| Ok(phone.channel_view(&app, &id))).await?))
}

/// Let the app follow a channel, now and after every reconnect
///
/// Whether there is such a channel, the push service says: until it has, the answer is 202 and `state` is `waiting`; then it is
/// `subscribed`, or `refused` with `why`, as GET shows, and as the event `channel` tells. 200: it was followed already.
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/channels/{id}", operation_id = "follow_channel", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("id" = String, Path)),
    responses((status = 202, body = ChannelView), (status = 200, body = ChannelView), (status = 404, body = Problem),
        (status = 400, body = Problem)))]
pub(super) async fn follow(
    State(api): State<Api>,
    Path((device, app, id)): Place,
) -> Result<Response, Problem> {
    let device = api.device(&device).await?;
    let followed = device.ask(move |phone| {
        let is_new = phone.follow(&app, &id)?;
        Ok(is_new.and_then(|is_new| Ok((is_new, phone.channel_view(&app, &id)?))))
    });
    let (is_new, view) = followed.await?;
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(view)).into_response())
}

/// Let the app follow a channel no more
#[utoipa::path(delete, path = "/v1/devices/{device}/apps/{app}/channels/{id}", operation_id = "unfollow_channel", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 400, body = Problem)))]
pub(super) async fn unfollow(
    State(api): State<Api>,
    Path((device, app, id)): Place,
) -> Result<StatusCode, Problem> {
    api.device(&device).await?.ask(move |phone| phone.unfollow(&app, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
