//! What an app asks of the device in its own name, beside its notifications: who is signed in to it, and the way to its
//! page in Settings.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{post, put};
use homing_local::{AppCall, Recipient};
use serde::Deserialize;
use utoipa::ToSchema;

use homing_http_api::Path;

use super::Api;
use super::apps::{Place, done, reply_of};
use super::problem::{Body, Problem, RefusedCall};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/devices/{device}/apps/{app}/recipient", put(set_recipient))
        .route("/v1/devices/{device}/apps/{app}/open-settings", post(open_settings))
}

/// Who uses the app: what a provider tagged with another user (`homing.user` in the payload) is kept from it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRecipient {
    /// `"anyone"`, `"nobody"`, or `{"user": "<tag>"}`.
    recipient: Recipient,
}

/// Let the app say who is signed in to it: one for another user is suppressed, `another-user`
#[utoipa::path(put, path = "/v1/devices/{device}/apps/{app}/recipient", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)), request_body = SetRecipient,
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "HomingErrorDomain 1: the tag isn't 1 to 64 bytes long", body = RefusedCall)))]
pub(super) async fn set_recipient(
    State(api): State<Api>,
    Path((device, app)): Place,
    Body(SetRecipient { recipient }): Body<SetRecipient>,
) -> Result<StatusCode, Problem> {
    done(reply_of(&*api.device(&device).await?, app, AppCall::SetRecipient { recipient }).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let the app open its page in Settings (UIApplication.openSettingsURLString): it goes to background, and the event
/// `settings-opened` says whose page the user sees
#[utoipa::path(post, path = "/v1/devices/{device}/apps/{app}/open-settings", tag = "apps",
    params(("device" = String, Path), ("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem),
        (status = 422, description = "HomingErrorDomain 1: the app isn't in foreground", body = RefusedCall)))]
pub(super) async fn open_settings(
    State(api): State<Api>,
    Path((device, app)): Place,
) -> Result<StatusCode, Problem> {
    done(reply_of(&*api.device(&device).await?, app, AppCall::OpenSettings).await?)?;
    Ok(StatusCode::NO_CONTENT)
}
