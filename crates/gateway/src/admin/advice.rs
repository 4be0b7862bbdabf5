//! What clients are taken for by leniency: what the push service has counted since it started.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use homing_trace::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;

use super::AdminContext;
use crate::advice::Advised;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AdviceList {
    /// By team, app and leniency; counted since the push service started.
    advice: Vec<AdviceView>,
}

/// Something that an app's clients do though Apple doesn't document it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AdviceView {
    team_id: String,
    /// Null for the team's streams of receipts, which are about no one app.
    #[schema(example = "com.example.news")]
    bundle_id: Option<String>,
    #[schema(example = "der-signature")]
    leniency: &'static str,
    /// What the clients do.
    what: &'static str,
    /// What they should do.
    advice: &'static str,
    /// What it is refused with where `strict` is set; null: it is taken there, too.
    strict_reason: Option<String>,
    requests: u64,
    connections: u64,
    #[schema(value_type = String, format = "date-time")]
    first_at: UnixMillis,
    #[schema(value_type = String, format = "date-time")]
    last_at: UnixMillis,
    /// What the clients that do so call themselves (`user-agent`), at most eight.
    clients: Vec<String>,
}

fn view(advised: Advised) -> AdviceView {
    let leniency = advised.leniency;
    AdviceView {
        team_id: advised.team.into(),
        bundle_id: advised.bundle_id.map(Into::into),
        leniency: leniency.as_str(),
        what: leniency.what(),
        advice: leniency.advice(),
        strict_reason: leniency.strict_reason().map(|reason| reason.to_string()),
        requests: advised.requests,
        connections: advised.connections,
        first_at: advised.first_at,
        last_at: advised.last_at,
        clients: advised.clients.into_iter().map(String::from).collect(),
    }
}

/// What clients are taken for by leniency, though Apple doesn't document it
#[utoipa::path(get, path = "/v1/advice", operation_id = "list_advice", tag = "advice",
    responses((status = 200, body = AdviceList)))]
pub(super) async fn list(State(context): State<Arc<AdminContext>>) -> Json<AdviceList> {
    Json(AdviceList { advice: context.advice.all().into_iter().map(view).collect() })
}
