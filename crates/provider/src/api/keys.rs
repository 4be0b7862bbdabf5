//! Server keys: made, listed, removed. A key gives no more than it has.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::{Body, Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::access::{Key, ToAdmin, forbidden};
use crate::engine::{EngineError, NewServerKey, ServerKey};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Keys {
    /// Oldest first; those for no more apps than the asker's.
    keys: Vec<ServerKey>,
}

/// A new key, with its secret for the only time.
#[derive(Serialize, ToSchema)]
pub(super) struct NewKey {
    #[serde(flatten)]
    about: ServerKey,
    /// What is sent as `Authorization: Bearer`. It can't be asked for again.
    key: String,
}

/// All keys, without their secrets
#[utoipa::path(get, path = "/v1/keys", tag = "keys", security(("server_key" = ["admin"])),
    responses((status = 200, body = Keys)))]
pub(super) async fn list(asker: Key<ToAdmin>, State(api): State<Api>) -> Json<Keys> {
    let mut keys = api.engine.keys();
    keys.retain(|key| is_within(key.apps.as_deref(), &asker.0));
    Json(Keys { keys })
}

/// Make a key
#[utoipa::path(post, path = "/v1/keys", tag = "keys", security(("server_key" = ["admin"])),
    request_body = NewServerKey,
    responses((status = 201, body = NewKey), (status = 422, description = "a value can't be used: `field` names it")))]
pub(super) async fn create(
    asker: Key<ToAdmin>,
    State(api): State<Api>,
    Body(wish): Body<NewServerKey>,
) -> Result<(StatusCode, Json<NewKey>), Problem> {
    if let Some(scope) = wish.scopes.iter().find(|scope| !asker.0.allows(**scope)) {
        let scope = scope.as_str();
        return Err(forbidden(format!(
            "this key can't give the scope `{scope}`, which it doesn't have: use one that has it"
        )));
    }
    if !is_within(wish.apps.as_deref(), &asker.0) {
        let own = asker.0.apps.as_deref().unwrap_or_default().join(", ");
        return Err(forbidden(format!(
            "this key is limited to {own}: give the new one `apps` that are among these"
        )));
    }
    let made = api.engine.create_key(wish).await?;
    let key = made.secret.as_str().to_owned();
    Ok((StatusCode::CREATED, Json(NewKey { about: made.key, key })))
}

/// Remove a key: it opens nothing any more
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", security(("server_key" = ["admin"])),
    responses((status = 204)))]
pub(super) async fn delete(
    asker: Key<ToAdmin>,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let keys = api.engine.keys();
    if keys.iter().any(|key| key.id == id && !is_within(key.apps.as_deref(), &asker.0)) {
        // What the asker doesn't see isn't there for it.
        let mend = "GET /v1/keys lists those that are";
        return Err(EngineError::NotFound { what: "key", name: id, mend }.into());
    }
    api.engine.delete_key(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether `apps`, all of them when absent, are among those of `key`.
fn is_within(apps: Option<&[String]>, key: &ServerKey) -> bool {
    match apps {
        Some(apps) => apps.iter().all(|app| key.allows_app(app)),
        None => key.apps.is_none(),
    }
}
