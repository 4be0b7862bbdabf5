//! What can go wrong with the store, and what its user should do about it.

use std::path::PathBuf;

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
        "{path} was written by a version older than this Homing reads (schema {found}; this one reads {known}): \
         run that version, or choose another --data-dir; nothing was changed"
    )]
    OlderSchema { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{path} is no database of Homing or is damaged ({detail}): restore it from a backup, or remove it"
    )]
    Damaged { path: PathBuf, detail: String },
    #[error("{path}: {source}")]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("{path}: a batch could not be committed ({detail}): look for a full disk or missing permissions")]
    Commit { path: PathBuf, detail: String },
    #[error("the store's queue is full: try again later")]
    Busy,
    #[error("the store is closed")]
    Closed,
    #[error("the device is not enrolled, or not any more")]
    NotEnrolled,
    #[error("{what} is at its limit of {limit}")]
    Limit { what: &'static str, limit: u64 },
    #[error("{0}")]
    Invalid(String),
}

/// The store can't take more now: its queue is full, or it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store's queue is full")]
pub struct StoreFull;

/// Why a device was not enrolled. The device port maps it to 401, 403, 429 and 503.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    #[error("the enrolment key is unknown or expired: ask for a new one")]
    BadKey,
    #[error("the enrolment key has admitted its {quota} devices: remove some, or raise its quota")]
    QuotaReached { quota: u32 },
    #[error("too many enrolments with this key in a minute: try again in {retry_after_secs} s")]
    TooFast { retry_after_secs: u32 },
    #[error(transparent)]
    Store(#[from] StoreError),
}
