//! What can go wrong with the store, and what its user should do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// The store can't be opened, or an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {source}: the data directory and its files must be readable and writable by this user")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "the data directory {dir} is in use by another process: stop that one, or choose another --data-dir"
    )]
    InUse { dir: PathBuf },
    #[error(
        "{path} was written by a newer version (schema {found}; this version knows up to {known}): \
         run that version, or choose another --data-dir; nothing was changed"
    )]
    NewerSchema { path: PathBuf, found: i64, known: i64 },
    #[error(
        "the provider's database is none of Homing's or is damaged ({detail}): restore it from a backup, or remove it"
    )]
    Damaged { detail: String },
    #[error("the provider's database can't be used: {source}; look for a full disk or missing permissions")]
    Sqlite { source: rusqlite::Error },
    #[error("a batch could not be committed ({detail}): look for a full disk or missing permissions")]
    Commit { detail: String },
    #[error("the provider has more to write than it can: try again later")]
    Busy,
    #[error(
        "a defect of the provider ended what was asked, and nothing of it was done: its log has the panic"
    )]
    Panicked,
    #[error("the provider is stopping: try again when it runs again")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { detail: source.to_string() }
            }
            Some(_) | None => Self::Sqlite { source },
        }
    }
}
