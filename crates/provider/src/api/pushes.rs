//! Pushes: made, listed, shown. A push may be asked for again under the same `Idempotency-Key`; that it is the same is
//! judged by the bytes of the body.

use std::num::NonZeroU16;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use homing_http_api::{Path, Problem, Query, Raw, from_json};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::access::{Key, ToPush, ToRead};
use super::lists::limit;
use crate::engine::{Created, Idempotency, NewPush, Push, PushDetail};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: (&str, &str) = ("idempotency-replayed", "true");
/// Longest `Idempotency-Key`, in bytes.
const MAX_KEY_LEN: usize = 255;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pushes {
    /// Newest first.
    pushes: Vec<Push>,
    /// Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Before {
    /// At most so many: 100 if it isn't said, 1000 at most
    #[param(value_type = Option<u16>, minimum = 1)]
    limit: Option<NonZeroU16>,
    /// `next` of the part before
    before: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Skip {
    /// At most so many notifications: 100 if it isn't said, 1000 at most
    #[param(value_type = Option<u16>, minimum = 1)]
    limit: Option<NonZeroU16>,
    /// Leave out the first so many
    #[serde(default)]
    skip: u32,
}

/// Push to users or tokens; durable when this answers
#[utoipa::path(post, path = "/v1/apps/{bundle}/pushes", tag = "pushes", security(("server_key" = ["push"])),
    params(("idempotency-key" = Option<String>, Header, description =
        "at most 255 bytes, remembered for 24 hours: the same request under the same key makes no second push")),
    request_body = NewPush,
    responses(
        (status = 202, body = Created, description = "`planned` may be 0: `why` says so",
            headers(("idempotency-replayed" = String, description = "`true` for the answer to an earlier request"))),
        (status = 409, description = "it can't be sent as things stand"),
        (status = 422, description = "a value can't be used (`field` names it), Apple would refuse the payload (`findings`, \
            `bytes`, `limit`), or the key was used with another body")
    ))]
pub(super) async fn create(
    key: Key<ToPush>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response, Problem> {
    let idempotency = idempotency_key(&headers)?.map(|name| Idempotency {
        server_key: key.0.id.clone(),
        key: name.to_owned(),
        body_digest: Sha256::digest(&body).into(),
    });
    let push: NewPush = from_json(&body)?;
    let created = api.engine.create_push(&bundle, push, idempotency).await?;
    let mut response = (StatusCode::ACCEPTED, Json(&created)).into_response();
    if created.replayed {
        let (name, value) = REPLAYED;
        response.headers_mut().insert(name, axum::http::HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The pushes of an app
#[utoipa::path(get, path = "/v1/apps/{bundle}/pushes", tag = "pushes", security(("server_key" = ["read"])),
    params(Before), responses((status = 200, body = Pushes)))]
pub(super) async fn list(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
    Query(asked): Query<Before>,
) -> Result<Json<Pushes>, Problem> {
    let page = api.engine.pushes(&bundle, limit(asked.limit), asked.before.as_deref()).await?;
    Ok(Json(Pushes { pushes: page.items, next: page.next }))
}

/// One push with its notifications, in the order of planning
#[utoipa::path(get, path = "/v1/apps/{bundle}/pushes/{push_id}", tag = "pushes",
    security(("server_key" = ["read"])), params(Skip), responses((status = 200, body = PushDetail)))]
pub(super) async fn show(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path((bundle, push_id)): Path<(String, String)>,
    Query(asked): Query<Skip>,
) -> Result<Json<PushDetail>, Problem> {
    let skip = usize::try_from(asked.skip).unwrap_or(usize::MAX);
    Ok(Json(api.engine.push_detail(&bundle, &push_id, limit(asked.limit), skip).await?))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match value.to_str() {
        Ok(key) if values.next().is_none() && (1..=MAX_KEY_LEN).contains(&key.len()) => Ok(Some(key)),
        Ok(_) | Err(_) => Err(Problem::invalid(format!(
            "the Idempotency-Key can't be used: send one, of 1 to {MAX_KEY_LEN} visible ASCII characters"
        ))),
    }
}
