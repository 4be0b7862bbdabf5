//! Device tokens for tests: made without a device, marked, restored.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::{Body, Path, Problem};
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::refusal::unusable;
use crate::admin::{AdminContext, not_answered};
use crate::centre::Directory;
use crate::notification::RegistrationKey;
use crate::store::hex;
use crate::testers::{Mark, MarkKind};

/// A token that is answered otherwise than its registration would be.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct MarkView {
    /// In hex.
    token: String,
    topic: String,
    #[schema(value_type = String, example = "development")]
    environment: Environment,
    state: MarkKind,
    /// From when on it is answered so; the `timestamp` of 410.
    #[schema(value_type = String, format = "date-time")]
    at: UnixMillis,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct TokenMarks {
    token_marks: Vec<MarkView>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct NewMark {
    state: MarkKind,
    /// Since when the token is said to be invalid, now when absent. Until a time to come it is answered as it stands.
    #[schema(value_type = Option<String>, format = "date-time")]
    at: Option<UnixMillis>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct NewToken {
    /// A topic of an app: its bundle ID, or one with a suffix.
    topic: String,
    #[schema(value_type = String, example = "development")]
    environment: Environment,
}

/// A device token whose device is always away.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct MadeToken {
    /// In hex.
    token: String,
    topic: String,
    #[schema(value_type = String, example = "development")]
    environment: Environment,
}

fn view(context: &AdminContext, directory: &Directory, key: RegistrationKey, mark: Mark) -> MarkView {
    MarkView {
        token: hex(&context.sealer.seal(&key)),
        topic: directory.topic_name(key.topic_no).unwrap_or_default().to_owned(),
        environment: key.environment,
        state: mark.kind,
        at: mark.since,
    }
}

/// The tokens that are marked
#[utoipa::path(get, path = "/v1/token-marks", operation_id = "list_token_marks", tag = "for testers",
    responses((status = 200, body = TokenMarks), (status = 409, description = "no tools for testers here")))]
pub(in crate::admin) async fn list(
    State(context): State<Arc<AdminContext>>,
) -> Result<Json<TokenMarks>, Problem> {
    let directory = context.centre.directory();
    let all = context.testers()?.marks.all().into_iter();
    Ok(Json(TokenMarks {
        token_marks: all.map(|(key, mark)| view(&context, &directory, key, mark)).collect(),
    }))
}

/// Mark a device token: from now on it is answered 410 `Unregistered` or `ExpiredToken`
///
/// The registration goes on and its device is told nothing. The legacy interface discards what is sent to an unregistered
/// token and answers status 8 for an expired one; the feedback service tells both.
#[utoipa::path(put, path = "/v1/token-marks/{token}", operation_id = "mark_token", tag = "for testers",
    params(("token" = String, Path, description = "a device token in hex")), request_body = NewMark,
    responses(
        (status = 200, body = MarkView),
        (status = 409, description = "no tools for testers here, or too many marks"),
        (status = 422, description = "no device token of this push service")
    ))]
pub(in crate::admin) async fn put(
    State(context): State<Arc<AdminContext>>,
    Path(token): Path<String>,
    Body(wish): Body<NewMark>,
) -> Result<Json<MarkView>, Problem> {
    let testers = context.testers()?;
    let directory = context.centre.directory();
    let key = context.registration_of(&token, &directory)?;
    let since = wish.at.unwrap_or_else(|| context.store.clock().now());
    if since.0 < 0 {
        return Err(unusable(
            "at",
            "`at` is before 1970: send a later time, or leave it out for now".to_owned(),
        ));
    }
    let mark = Mark { kind: wish.state, since };
    testers
        .marks
        .put(key, mark)
        .map_err(|full| Problem::new(StatusCode::CONFLICT, "It can't be marked", full.to_string()))?;
    Ok(Json(view(&context, &directory, key, mark)))
}

/// Restore a marked token: it is answered as its registration stands
#[utoipa::path(delete, path = "/v1/token-marks/{token}", operation_id = "restore_token", tag = "for testers",
    params(("token" = String, Path, description = "a device token in hex")),
    responses(
        (status = 204),
        (status = 404, description = "it bears no mark"),
        (status = 409, description = "no tools for testers here"),
        (status = 422, description = "no device token of this push service")
    ))]
pub(in crate::admin) async fn remove(
    State(context): State<Arc<AdminContext>>,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let testers = context.testers()?;
    let key = context.registration_of(&token, &context.centre.directory())?;
    if testers.marks.remove(&key) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("this token bears no mark: GET /v1/token-marks lists those that do".to_owned()))
}

/// Make a device token without a device: what is sent to it is kept as for a device that is away
#[utoipa::path(post, path = "/v1/test-tokens", operation_id = "make_token", tag = "for testers", request_body = NewToken,
    responses(
        (status = 201, body = MadeToken),
        (status = 409, description = "no tools for testers here, or too many such tokens"),
        (status = 422, description = "no such topic")
    ))]
pub(in crate::admin) async fn make(
    State(context): State<Arc<AdminContext>>,
    Body(wish): Body<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let testers = context.testers()?;
    let NewToken { topic, environment } = wish;
    let directory = context.centre.directory();
    let Some(entry) = directory.topic(&topic) else {
        let list = "GET /v1/apps lists the apps, GET /v1/apps/<bundle_id> an app's topics";
        return Err(unusable("topic", format!("`topic` {topic:?} is no topic of an app here: {list}")));
    };
    if !testers.may_make_token() {
        let detail = "as many device tokens without a device were made as one process makes: start it again"
            .to_owned();
        return Err(Problem::new(StatusCode::CONFLICT, "It can't be made", detail));
    }
    let key = context.store.register_deviceless(environment, entry.topic_no).await.map_err(not_answered)?;
    Ok((StatusCode::CREATED, Json(MadeToken { token: hex(&context.sealer.seal(&key)), topic, environment })))
}
