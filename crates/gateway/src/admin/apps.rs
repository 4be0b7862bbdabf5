//! Teams and their apps: made, listed, removed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use homing_http_api::{Body, Path, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AdminContext;
use super::certificates::{CertificateView, certificates_of};
use super::keys::{KeyView, keys_of};
use super::refusal::{refused, refused_at};
use crate::centre::{App, Centre, CentreError, Directory};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Teams {
    teams: Vec<TeamView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TeamView {
    /// Ten capital letters or digits: the `iss` of provider tokens.
    #[schema(example = "ABCDE12345")]
    team_id: String,
    name: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTeam {
    name: String,
    /// Chosen here when absent.
    team_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Apps {
    apps: Vec<AppView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppView {
    bundle_id: String,
    team_id: String,
    topics: Vec<String>,
    /// Whether it may have broadcast channels.
    broadcast: bool,
}

/// An app with what may send to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppDetail {
    #[serde(flatten)]
    app: AppView,
    /// The provider keys that are for it, its team's included.
    keys: Vec<KeyView>,
    certificates: Vec<CertificateView>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApp {
    #[schema(example = "com.example.news")]
    bundle_id: String,
    team_id: String,
    /// Whether it may have broadcast channels; not when absent.
    #[serde(default)]
    broadcast: bool,
}

/// Whether an app may have broadcast channels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Broadcasting {
    enabled: bool,
}

fn view(app: &App) -> AppView {
    AppView {
        bundle_id: app.bundle_id.to_string(),
        team_id: app.team.to_string(),
        topics: app.topics.iter().map(ToString::to_string).collect(),
        broadcast: app.may_broadcast,
    }
}

/// All teams
#[utoipa::path(get, path = "/v1/teams", operation_id = "list_teams", tag = "apps", responses((status = 200, body = Teams)))]
pub(super) async fn list_teams(State(context): State<Arc<AdminContext>>) -> Json<Teams> {
    let directory = context.centre.directory();
    let teams =
        directory.teams().map(|team| TeamView { team_id: team.id.to_string(), name: team.name.to_string() });
    Json(Teams { teams: teams.collect() })
}

/// Make a team
#[utoipa::path(post, path = "/v1/teams", operation_id = "create_team", tag = "apps", request_body = NewTeam,
    responses(
        (status = 201, body = TeamView),
        (status = 409, description = "the team exists"),
        (status = 422, description = "a value can't be used; `field` names it")
    ))]
pub(super) async fn create_team(
    State(context): State<Arc<AdminContext>>,
    Body(wish): Body<NewTeam>,
) -> Result<(StatusCode, Json<TeamView>), Problem> {
    let team_id = match wish.team_id {
        Some(team_id) => team_id,
        None => Centre::random_id().map_err(super::not_answered)?,
    };
    if context.centre.directory().team(&team_id).is_some() {
        return Err(refused(CentreError::Exists { what: "the team", value: team_id }));
    }
    context.centre.create_team(&team_id, &wish.name).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(TeamView { team_id, name: wish.name })))
}

/// All apps with their topics
#[utoipa::path(get, path = "/v1/apps", operation_id = "list_apps", tag = "apps", responses((status = 200, body = Apps)))]
pub(super) async fn list(State(context): State<Arc<AdminContext>>) -> Json<Apps> {
    Json(Apps { apps: context.centre.directory().apps().map(view).collect() })
}

/// Make an app with all its topics
#[utoipa::path(post, path = "/v1/apps", operation_id = "create_app", tag = "apps", request_body = NewApp,
    responses(
        (status = 201, body = AppView),
        (status = 409, description = "the app, or one whose topics would be the same, exists"),
        (status = 422, description = "a value can't be used; `field` names it")
    ))]
pub(super) async fn create(
    State(context): State<Arc<AdminContext>>,
    Body(wish): Body<NewApp>,
) -> Result<(StatusCode, Json<AppView>), Problem> {
    if context.centre.directory().app(&wish.bundle_id).is_some() {
        return Err(refused(CentreError::Exists { what: "the app", value: wish.bundle_id }));
    }
    context.centre.create_app(&wish.team_id, &wish.bundle_id).await.map_err(refused)?;
    context.centre.set_broadcast(&wish.bundle_id, wish.broadcast).await.map_err(refused)?;
    let directory = context.centre.directory();
    let made = directory.app(&wish.bundle_id).map(view).ok_or_else(|| gone(&wish.bundle_id))?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One app with its keys and certificates
#[utoipa::path(get, path = "/v1/apps/{bundle_id}", operation_id = "show_app", tag = "apps",
    params(("bundle_id" = String, Path)), responses((status = 200, body = AppDetail), (status = 404)))]
pub(super) async fn show(
    State(context): State<Arc<AdminContext>>,
    Path(bundle_id): Path<String>,
) -> Result<Json<AppDetail>, Problem> {
    let directory = context.centre.directory();
    let app = directory.app(&bundle_id).ok_or_else(|| gone(&bundle_id))?;
    Ok(Json(detail(&directory, app)))
}

fn detail(directory: &Directory, app: &App) -> AppDetail {
    let topics: Vec<_> = app.topics.iter().filter_map(|name| directory.topic(name)).collect();
    AppDetail {
        app: view(app),
        keys: keys_of(directory, |key| topics.iter().any(|topic| key.allows(topic))),
        certificates: certificates_of(directory, |certificate| certificate.bundle_id == app.bundle_id),
    }
}

/// Let an app have broadcast channels, or no more: that deletes all it has
#[utoipa::path(put, path = "/v1/apps/{bundle_id}/broadcast", operation_id = "set_broadcast", tag = "apps",
    params(("bundle_id" = String, Path)), request_body = Broadcasting,
    responses((status = 200, body = AppView), (status = 404)))]
pub(super) async fn set_broadcast(
    State(context): State<Arc<AdminContext>>,
    Path(bundle_id): Path<String>,
    Body(wish): Body<Broadcasting>,
) -> Result<Json<AppView>, Problem> {
    let set = context.centre.set_broadcast(&bundle_id, wish.enabled).await;
    set.map_err(|error| refused_at(error, "/v1/apps"))?;
    let directory = context.centre.directory();
    Ok(Json(directory.app(&bundle_id).map(view).ok_or_else(|| gone(&bundle_id))?))
}

/// Remove an app with its certificates; its registrations end
#[utoipa::path(delete, path = "/v1/apps/{bundle_id}", operation_id = "remove_app", tag = "apps",
    params(("bundle_id" = String, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn remove(
    State(context): State<Arc<AdminContext>>,
    Path(bundle_id): Path<String>,
) -> Result<StatusCode, Problem> {
    context.centre.remove_app(&bundle_id).await.map_err(|error| refused_at(error, "/v1/apps"))?;
    Ok(StatusCode::NO_CONTENT)
}

fn gone(bundle_id: &str) -> Problem {
    refused_at(CentreError::Missing { what: "app", value: bundle_id.to_owned() }, "/v1/apps")
}
