//! Faults on request: listed, made, removed. How a wish is read is in `wishes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::{Body, Path, Problem};
use homing_trace::{Environment, UnixMillis};
use serde::Serialize;
use utoipa::ToSchema;

use super::wishes::{EffectKind, NewFault, wish_of};
use crate::admin::AdminContext;
use crate::testers::{Effect, Rule};

/// A rule that stands.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct FaultView {
    id: u64,
    app: String,
    token: Option<String>,
    /// Null: both.
    #[schema(value_type = Option<String>, example = "development")]
    environment: Option<Environment>,
    percent: u8,
    seed: u64,
    /// Null: until it ends by its time.
    count: Option<u32>,
    #[schema(value_type = String, format = "date-time")]
    ends_at: UnixMillis,
    effect: EffectKind,
    #[serde(flatten)]
    with: Parameters,
    /// Requests in its scope so far.
    seen: u64,
    /// Those of them that it hit.
    hits: u64,
}

/// What the effect has beside its name.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::admin) struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct Faults {
    /// Oldest first; of several that hit a request the first counts.
    faults: Vec<FaultView>,
}

fn view(rule: Rule) -> FaultView {
    let Rule { id, wish, seen, hits } = rule;
    let none = Parameters::default;
    let (effect, with) = match wish.effect {
        Effect::Refuse { status, reason, retry_after } => {
            let reason = Some(reason.as_str().to_owned());
            (EffectKind::Refuse, Parameters { status: Some(status), reason, retry_after, ..none() })
        }
        Effect::Delay(by) => {
            let milliseconds = u64::try_from(by.as_millis()).ok();
            (EffectKind::Delay, Parameters { milliseconds, ..none() })
        }
        Effect::Silence => (EffectKind::Silence, none()),
        Effect::Reset(code) => (EffectKind::Reset, Parameters { code: Some(code), ..none() }),
        Effect::GoAway(reason) => {
            (EffectKind::GoAway, Parameters { reason: Some(reason.as_str().to_owned()), ..none() })
        }
        Effect::Drop => (EffectKind::Drop, none()),
        Effect::OneStream => (EffectKind::OneStream, none()),
        Effect::LegacyStatus(status) => {
            (EffectKind::LegacyStatus, Parameters { status: Some(status as u16), ..none() })
        }
        Effect::LegacyClose => (EffectKind::LegacyClose, none()),
    };
    FaultView {
        id,
        app: wish.scope.app.to_string(),
        token: wish.scope.token.map(|(_, token)| token.into()),
        environment: wish.scope.environment,
        percent: wish.percent,
        seed: wish.seed,
        count: wish.count,
        ends_at: wish.ends_at,
        effect,
        with,
        seen,
        hits,
    }
}

/// The rules that stand
#[utoipa::path(get, path = "/v1/faults", operation_id = "list_faults", tag = "for testers",
    responses((status = 200, body = Faults), (status = 409, description = "no tools for testers here")))]
pub(in crate::admin) async fn list(
    State(context): State<Arc<AdminContext>>,
) -> Result<Json<Faults>, Problem> {
    let rules = context.testers()?.faults.all(context.store.clock().now());
    Ok(Json(Faults { faults: rules.into_iter().map(view).collect() }))
}

/// Make requests go wrong: those that are in order, for one app, until the rule ends by itself
#[utoipa::path(post, path = "/v1/faults", operation_id = "add_fault", tag = "for testers", request_body = NewFault,
    responses(
        (status = 201, body = FaultView),
        (status = 409, description = "no tools for testers here, or too many rules"),
        (status = 422, description = "a value can't be used; `field` names it")
    ))]
pub(in crate::admin) async fn add(
    State(context): State<Arc<AdminContext>>,
    Body(asked): Body<NewFault>,
) -> Result<(StatusCode, Json<FaultView>), Problem> {
    let testers = context.testers()?;
    let now = context.store.clock().now();
    let wish = wish_of(&context, asked, now)?;
    let rule = testers
        .faults
        .add(wish, now)
        .map_err(|full| Problem::new(StatusCode::CONFLICT, "It can't be made", full.to_string()))?;
    Ok((StatusCode::CREATED, Json(view(rule))))
}

/// Remove a rule
#[utoipa::path(delete, path = "/v1/faults/{id}", operation_id = "remove_fault", tag = "for testers",
    params(("id" = u64, Path)),
    responses((status = 204), (status = 404, description = "there is none, or it has ended"), (status = 409)))]
pub(in crate::admin) async fn remove(
    State(context): State<Arc<AdminContext>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    if context.testers()?.faults.remove(id, context.store.clock().now()) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(format!(
        "there is no rule {id}, or it has ended: GET /v1/faults lists those that stand"
    )))
}

/// Remove all rules
#[utoipa::path(delete, path = "/v1/faults", operation_id = "remove_faults", tag = "for testers",
    responses((status = 204), (status = 409, description = "no tools for testers here")))]
pub(in crate::admin) async fn remove_all(
    State(context): State<Arc<AdminContext>>,
) -> Result<StatusCode, Problem> {
    context.testers()?.faults.remove_all();
    Ok(StatusCode::NO_CONTENT)
}
