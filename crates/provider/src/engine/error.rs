//! Why the engine doesn't do what it is asked: each error says what, and how to mend it. Which HTTP status it becomes
//! is the API's affair.

use homing_payload::Finding;

use crate::store::StoreError;

/// What the engine answers instead of doing it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("there is no {what} {name:?}: {mend}")]
    NotFound { what: &'static str, name: String, mend: &'static str },
    /// A login or logout that is older than what is known of the token.
    #[error(
        "epoch {given} is too old: {known} is known for this token; log in again with an epoch above {known}"
    )]
    StaleEpoch { given: u64, known: u64 },
    /// The request is sound, but not as things stand.
    #[error("{0}")]
    Conflict(String),
    /// The bound of what one user may have made.
    #[error("{0}")]
    TooMany(String),
    /// A field can't be used; `field` is its path in the request.
    #[error("{field}: {problem}")]
    Invalid { field: String, problem: String },
    /// Apple would refuse the payload.
    #[error(
        "the payload can't be sent: {}",
        findings.first().map_or_else(String::new, ToString::to_string)
    )]
    Payload { findings: Vec<Finding>, bytes: usize, limit: usize },
    #[error(
        "this Idempotency-Key was used with another body in the last 24 hours: send the same body, or another key"
    )]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
