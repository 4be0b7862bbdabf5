//! How the developer centre's refusals read to who asked.

use axum::http::StatusCode;
use homing_http_api::Problem;

use super::not_answered;
use crate::centre::CentreError;
use crate::store::StoreError;

/// 422: what was read, but can't be used; its member `field` names the key of the body or of the query.
pub(super) fn unusable(field: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "A value can't be used", detail).with("field", field)
}

/// The key by which a request says what the developer centre calls so.
fn field_of(what: &str) -> &'static str {
    match what {
        "the team's name" => "name",
        "the bundle id" => "bundle_id",
        "the key id" => "key_id",
        "app" => "apps",
        "provider key of the team" => "related_to",
        "an enrolment key" => "enrolment_key",
        // "the team id", "team"
        _ => "team_id",
    }
}

/// 422 for what is wrong with a value, 409 for what stands in its way.
pub(super) fn refused(error: CentreError) -> Problem {
    match error {
        CentreError::Malformed { what, .. } | CentreError::Missing { what, .. } => {
            unusable(field_of(what), error.to_string())
        }
        CentreError::Scope { field, .. } => unusable(field, error.to_string()),
        CentreError::Taken { .. }
        | CentreError::Exists { .. }
        | CentreError::AnotherKey(_)
        | CentreError::Full { .. } => {
            Problem::new(StatusCode::CONFLICT, "It can't be made", error.to_string())
        }
        CentreError::Authority(error) => {
            tracing::error!(%error, "a certificate could not be issued");
            let detail = "the certificate authority failed: the push service's log says how".to_owned();
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The authority gave no answer", detail)
        }
        // There is no room for another team or topic.
        CentreError::Store(error @ StoreError::Limit { .. }) => {
            Problem::new(StatusCode::CONFLICT, "It can't be made", error.to_string())
        }
        CentreError::Store(error) => not_answered(error),
    }
}

/// The same for what the path names: what isn't there is 404.
pub(super) fn refused_at(error: CentreError, list: &str) -> Problem {
    match error {
        CentreError::Missing { what, value } => {
            Problem::not_found(format!("there is no {what} {value:?}: GET {list} lists those that are"))
        }
        other @ (CentreError::Malformed { .. }
        | CentreError::Scope { .. }
        | CentreError::Taken { .. }
        | CentreError::Exists { .. }
        | CentreError::AnotherKey(_)
        | CentreError::Full { .. }
        | CentreError::Authority(_)
        | CentreError::Store(_)) => refused(other),
    }
}
