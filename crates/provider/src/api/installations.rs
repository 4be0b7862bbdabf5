//! Installations and users: who has which device, who logs in and out, and what an app reports. Much of it an app does
//! itself, with an identity token for its user.

use std::num::NonZeroU16;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::{Body, Path, Problem, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::access::{Key, Registrar, ToInstall, ToRead};
use super::lists::{After, limit};
use crate::engine::{Installation, Registration, Report, User};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Installations {
    /// In the order of their first registration.
    installations: Vec<Installation>,
    /// Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Users {
    /// By name.
    users: Vec<User>,
    /// Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfUser {
    /// Only this user's
    user: Option<String>,
    /// At most so many: 100 if it isn't said, 1000 at most
    #[param(value_type = Option<u16>, minimum = 1)]
    limit: Option<NonZeroU16>,
    /// `next` of the part before
    after: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogOut {
    /// Who logs out
    user: String,
    /// See the installation's; absent: this request is the newest
    epoch: Option<u64>,
}

/// The installations of an app, or of one of its users
#[utoipa::path(get, path = "/v1/apps/{bundle}/installations", tag = "installations",
    security(("server_key" = ["read"])), params(OfUser), responses((status = 200, body = Installations)))]
pub(super) async fn list(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
    Query(asked): Query<OfUser>,
) -> Result<Json<Installations>, Problem> {
    let (user, after) = (asked.user.as_deref(), asked.after.as_deref());
    let page = api.engine.installations(&bundle, user, limit(asked.limit), after).await?;
    Ok(Json(Installations { installations: page.items, next: page.next }))
}

/// One installation
#[utoipa::path(get, path = "/v1/apps/{bundle}/installations/{token}", tag = "installations",
    security(("server_key" = ["read"])), responses((status = 200, body = Installation)))]
pub(super) async fn show(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path((bundle, token)): Path<(String, String)>,
) -> Result<Json<Installation>, Problem> {
    Ok(Json(api.engine.installation(&bundle, &token).await?))
}

/// Tell a token, and with `user` log the user in on it
#[utoipa::path(put, path = "/v1/apps/{bundle}/installations/{token}", tag = "installations",
    security(("server_key" = ["installations"]), ("identity_token" = [])), request_body = Registration,
    responses(
        (status = 201, body = Installation, description = "the token is new"),
        (status = 200, body = Installation),
        (status = 409, description = "a newer login or logout is known: `epoch` is its number"),
        (status = 422, description = "a value can't be used: `field` names it"),
        (status = 429, description = "the user has told as many tokens with identity tokens as may be in use")
    ))]
pub(super) async fn put(
    registrar: Registrar,
    State(api): State<Api>,
    Path((bundle, token)): Path<(String, String)>,
    Body(registration): Body<Registration>,
) -> Result<(StatusCode, Json<Installation>), Problem> {
    registrar.check(registration.user.as_deref())?;
    let (installation, is_new) =
        api.engine.register(&bundle, &token, registration, registrar.teller()).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(installation)))
}

/// Forget a token: nothing is sent to it any more
#[utoipa::path(delete, path = "/v1/apps/{bundle}/installations/{token}", tag = "installations",
    security(("server_key" = ["installations"])), responses((status = 204)))]
pub(super) async fn forget(
    _: Key<ToInstall>,
    State(api): State<Api>,
    Path((bundle, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    api.engine.forget(&bundle, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Log a user out: after the answer nothing for this user is sent to the token
#[utoipa::path(delete, path = "/v1/apps/{bundle}/installations/{token}/user", tag = "installations",
    security(("server_key" = ["installations"]), ("identity_token" = [])), params(LogOut),
    responses(
        (status = 204, description = "the user isn't bound to it, or isn't any more; of a token that nobody has told yet \
            the `epoch` is remembered"),
        (status = 404, description = "nobody has told the token, and there is no `epoch` to remember"),
        (status = 409, description = "a newer login or logout is known: `epoch` is its number")
    ))]
pub(super) async fn log_out(
    registrar: Registrar,
    State(api): State<Api>,
    Path((bundle, token)): Path<(String, String)>,
    Query(LogOut { user, epoch }): Query<LogOut>,
) -> Result<StatusCode, Problem> {
    registrar.check(Some(&user))?;
    api.engine.log_out(&bundle, &token, &user, epoch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tell what a user did with a notification; counted once, whoever tells it first
#[utoipa::path(post, path = "/v1/apps/{bundle}/installations/{token}/reports", tag = "installations",
    security(("server_key" = ["installations"]), ("identity_token" = [])), request_body = Report,
    responses((status = 204), (status = 422, description = "a value can't be used: `field` names it")))]
pub(super) async fn report(
    registrar: Registrar,
    State(api): State<Api>,
    Path((bundle, token)): Path<(String, String)>,
    Body(report): Body<Report>,
) -> Result<StatusCode, Problem> {
    let user = match &registrar {
        Registrar::Server => None,
        Registrar::User(user) => Some(user.as_str()),
    };
    api.engine.report(&bundle, &token, user, report).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The users of an app
#[utoipa::path(get, path = "/v1/apps/{bundle}/users", tag = "installations",
    security(("server_key" = ["read"])), params(After), responses((status = 200, body = Users)))]
pub(super) async fn users(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
    Query(asked): Query<After>,
) -> Result<Json<Users>, Problem> {
    let page = api.engine.users(&bundle, asked.limit(), asked.after.as_deref()).await?;
    Ok(Json(Users { users: page.items, next: page.next }))
}
