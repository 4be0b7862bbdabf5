//! Enrolment keys: made, listed, revoked. A key's text is answered once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::{Body, Path, Problem};
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AdminContext;
use super::refusal::{refused, refused_at, unusable};
use crate::centre::{Centre, EnrolmentKey, EnrolmentKeySpec};

/// Apps one key may list.
const MOST_APPS: usize = 400;
const QUOTA: u32 = 100;
const PER_MINUTE: u32 = 60;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolmentKeys {
    /// Oldest first.
    enrolment_keys: Vec<EnrolmentKeyView>,
}

/// What lets devices in; its text isn't here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolmentKeyView {
    id: u32,
    team_id: String,
    apps: Vec<String>,
    #[schema(value_type = Vec<String>)]
    environments: Vec<Environment>,
    /// Devices it may admit at a time.
    quota: u32,
    /// Devices it may admit in a minute.
    per_minute: u32,
    /// From then on it admits nobody; null: never. That of a revoked key is past.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<UnixMillis>,
    /// Devices that are enrolled with it.
    admitted: u32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEnrolmentKey {
    team_id: String,
    /// Bundle ids of the team.
    apps: Vec<String>,
    /// Both when absent.
    #[schema(value_type = Option<Vec<String>>)]
    environments: Option<Vec<Environment>>,
    /// Devices it may admit at a time; 100 when absent.
    quota: Option<u32>,
    /// Devices it may admit in a minute; 60 when absent.
    per_minute: Option<u32>,
    /// On the push service's clock.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<UnixMillis>,
}

/// An enrolment key that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeEnrolmentKey {
    #[serde(flatten)]
    about: EnrolmentKeyView,
    /// What a device shows, for the only time.
    enrolment_key: String,
}

fn view(EnrolmentKey { id, allows, admitted }: EnrolmentKey) -> EnrolmentKeyView {
    EnrolmentKeyView {
        id,
        team_id: allows.team,
        apps: allows.apps,
        environments: allows.environments,
        quota: allows.quota,
        per_minute: allows.per_minute,
        expires_at: allows.expires_at,
        admitted,
    }
}

/// All enrolment keys
#[utoipa::path(get, path = "/v1/enrolment-keys", operation_id = "list_enrolment_keys", tag = "enrolment keys",
    responses((status = 200, body = EnrolmentKeys)))]
pub(super) async fn list(State(context): State<Arc<AdminContext>>) -> Result<Json<EnrolmentKeys>, Problem> {
    let keys = context.centre.enrolment_keys().await.map_err(refused)?;
    Ok(Json(EnrolmentKeys { enrolment_keys: keys.into_iter().map(view).collect() }))
}

/// Make an enrolment key
#[utoipa::path(post, path = "/v1/enrolment-keys", operation_id = "create_enrolment_key", tag = "enrolment keys",
    request_body = NewEnrolmentKey,
    responses(
        (status = 201, body = MadeEnrolmentKey),
        (status = 409, description = "an app is another team's, or the team has as many keys as it may"),
        (status = 422, description = "a value can't be used; `field` names it")
    ))]
pub(super) async fn create(
    State(context): State<Arc<AdminContext>>,
    Body(wish): Body<NewEnrolmentKey>,
) -> Result<(StatusCode, Json<MadeEnrolmentKey>), Problem> {
    let (quota, per_minute) = (wish.quota.unwrap_or(QUOTA), wish.per_minute.unwrap_or(PER_MINUTE));
    for (field, number) in [("quota", quota), ("per_minute", per_minute)] {
        if number == 0 {
            return Err(unusable(field, format!("`{field}` is at least 1")));
        }
    }
    if !(1..=MOST_APPS).contains(&wish.apps.len()) {
        return Err(unusable("apps", format!("name 1 to {MOST_APPS} `apps`")));
    }
    if wish.environments.as_ref().is_some_and(Vec::is_empty) {
        let detail = "name at least one of the `environments`, or leave them out for both";
        return Err(unusable("environments", detail.to_owned()));
    }
    let allows = EnrolmentKeySpec {
        team: wish.team_id,
        apps: wish.apps,
        environments: wish.environments.unwrap_or_else(|| Environment::ALL.to_vec()),
        quota,
        per_minute,
        expires_at: wish.expires_at,
    };
    let text = Centre::new_enrolment_key().map_err(refused)?;
    let id = context.centre.put_enrolment_key(&text, allows.clone()).await.map_err(refused)?;
    let about = view(EnrolmentKey { id, allows, admitted: 0 });
    Ok((StatusCode::CREATED, Json(MadeEnrolmentKey { about, enrolment_key: text.to_string() })))
}

/// Revoke an enrolment key: it admits nobody any more; devices that are enrolled stay
#[utoipa::path(delete, path = "/v1/enrolment-keys/{id}", operation_id = "revoke_enrolment_key", tag = "enrolment keys",
    params(("id" = u32, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn revoke(
    State(context): State<Arc<AdminContext>>,
    Path(id): Path<u32>,
) -> Result<StatusCode, Problem> {
    let revoked = context.centre.revoke_enrolment_key(id).await;
    revoked.map_err(|error| refused_at(error, "/v1/enrolment-keys"))?;
    Ok(StatusCode::NO_CONTENT)
}
