//! What the provider itself knows of notifications, step by step: by user, by `apns-id` or by token.

use std::num::NonZeroU32;

use axum::Json;
use axum::extract::State;
use homing_http_api::{Path, Problem, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::access::{Key, ToRead};
use crate::engine::{History, HistoryQuery, MAX_PAGE};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notifications {
    /// In the order of planning.
    notifications: Vec<History>,
    /// Whether there are more.
    truncated: bool,
}

/// By `user`, by `apns_id` or by `token`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// All that were for this user; or
    user: Option<String>,
    /// those with this `apns-id`, in any case; or
    apns_id: Option<String>,
    /// all to this token in hex, in any case
    token: Option<String>,
    /// At most so many: 1000 if it isn't said, and at most
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<NonZeroU32>,
    /// Leave out the first so many
    #[serde(default)]
    skip: u32,
}

/// What became of a user's notifications, as the provider knows it
#[utoipa::path(get, path = "/v1/apps/{bundle}/notifications", tag = "pushes", security(("server_key" = ["read"])),
    params(Asked), responses((status = 200, body = Notifications)))]
pub(super) async fn list(
    _: Key<ToRead>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Notifications>, Problem> {
    let query = match (asked.user, asked.apns_id, asked.token) {
        (Some(user), None, None) => HistoryQuery::User(user),
        (None, Some(apns_id), None) => HistoryQuery::ApnsId(apns_id),
        (None, None, Some(token)) => HistoryQuery::Token(token),
        _ => return Err(Problem::invalid("ask with one of ?user=, ?apns_id= and ?token=".to_owned())),
    };
    let as_usize = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let limit = asked.limit.map_or(MAX_PAGE, |limit| as_usize(limit.get()));
    let (notifications, truncated) =
        api.engine.notifications(&bundle, query, limit, as_usize(asked.skip)).await?;
    Ok(Json(Notifications { notifications, truncated }))
}
