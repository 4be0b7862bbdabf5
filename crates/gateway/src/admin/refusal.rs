//! How the developer centre's refusals read to who asked.

use axum::http::StatusCode;
use homing_http_api::Problem;

use super::not_answered;
use crate::centre::CentreError;

/// 422
pub(super) const fn unusable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "A value can't be used", detail)
}

/// 422 for what is wrong with a value, 409 for what stands in its way.
pub(super) fn refused(error: CentreError) -> Problem {
    match error {
        CentreError::Malformed { .. } | CentreError::Missing { .. } | CentreError::Scope(_) => {
            unusable(error.to_string())
        }
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
        | CentreError::Scope(_)
        | CentreError::Taken { .. }
        | CentreError::Exists { .. }
        | CentreError::AnotherKey(_)
        | CentreError::Full { .. }
        | CentreError::Authority(_)
        | CentreError::Store(_)) => refused(other),
    }
}
