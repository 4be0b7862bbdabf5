//! That the provider runs, and its size.

use axum::Json;
use axum::extract::State;
use homing_http_api::Problem;

use super::Api;
use super::access::{Key, ToRead};
use crate::engine::Status;

/// That it runs, and its size: of a key that is limited to apps, theirs
#[utoipa::path(get, path = "/v1/status", tag = "provider", security(("server_key" = ["read"])),
    responses((status = 200, body = Status)))]
pub(super) async fn show(key: Key<ToRead>, State(api): State<Api>) -> Result<Json<Status>, Problem> {
    Ok(Json(api.engine.status(&key.0).await?))
}
