//! How the engine's refusals are said.

use axum::http::StatusCode;
use homing_http_api::Problem;

use crate::engine::EngineError;
use crate::store::StoreError;

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound { .. } => Self::not_found(detail),
            EngineError::StaleEpoch { known, .. } => {
                Self::new(StatusCode::CONFLICT, "A newer login or logout is known", detail)
                    .with("epoch", known)
            }
            EngineError::Conflict(_) => {
                Self::new(StatusCode::CONFLICT, "It can't be done as things stand", detail)
            }
            EngineError::Invalid { field, .. } => {
                unprocessable("A value can't be used", detail).with("field", field)
            }
            EngineError::Payload { findings, bytes, limit } => {
                let findings = serde_json::to_value(findings).unwrap_or_default();
                let problem = unprocessable("The payload can't be sent", detail).with("findings", findings);
                problem.with("bytes", bytes).with("limit", limit)
            }
            EngineError::TooMany(_) => Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many", detail),
            EngineError::KeyReused => unprocessable("The Idempotency-Key was used otherwise", detail),
            EngineError::Store(error) => from_store(&error),
        }
    }
}

fn unprocessable(title: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail)
}

/// What the caller can do nothing about is told to the log, not to the caller.
fn from_store(error: &StoreError) -> Problem {
    match error {
        StoreError::Busy | StoreError::Closed => Problem::broken(error.to_string()).after_seconds(1),
        StoreError::Io { .. }
        | StoreError::InUse { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::Damaged { .. }
        | StoreError::Sqlite { .. }
        | StoreError::Panicked
        | StoreError::Commit { .. } => {
            tracing::error!(%error, "the store failed a request");
            let detail = "the store failed: the provider's log says how".to_owned();
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The store failed", detail)
        }
    }
}
