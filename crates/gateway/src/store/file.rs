//! Opens the store's files: the directory and its lock, the schema's version, the settings of SQLite. What stands in
//! the tables is decided by the modules that write them.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::StoreError;

pub(crate) const LOG_FILE: &str = "notifications.db";
pub(crate) const STAGES_FILE: &str = "stages.db";
const LOCK_FILE: &str = "gateway.lock";

/// `HmgS`, in SQLite's header: these files are ours.
const APPLICATION_ID: i64 = 0x486d_6753;
/// The oldest version that is read. A plan's schema is of this version; its steps lead on from there.
const FIRST_VERSION: i64 = 3;

/// What differs between the two files.
pub(crate) struct FilePlan {
    pub(crate) name: &'static str,
    pub(crate) synchronous: &'static str,
    /// Pages after which SQLite itself checkpoints; 0: the writer does.
    pub(crate) autocheckpoint: u32,
    pub(crate) cache_kib: u32,
    pub(crate) schema: &'static str,
    /// Each brings the tables from one version to the next.
    pub(crate) steps: &'static [&'static str],
}

impl FilePlan {
    const fn version(&self) -> i64 {
        FIRST_VERSION + self.steps.len() as i64
    }
}

/// Makes the directory and takes its lock, which is held as long as the file is open.
pub(crate) fn lock_dir(dir: &Path) -> Result<File, StoreError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io(dir))?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(io(dir))?;
    let path = dir.join(LOCK_FILE);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(io(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
    }
}

/// Refuses, without touching it, a file that isn't ours or of a version that can't be brought to ours.
pub(crate) fn check_header(dir: &Path, plan: &FilePlan) -> Result<(), StoreError> {
    let path = &dir.join(plan.name);
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let mut header = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header).map_err(io)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    if header.is_empty() {
        return Ok(());
    }
    let number = |at: usize| {
        header
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| i64::from(u32::from_be_bytes(bytes)))
    };
    let damaged = |detail: &str| StoreError::Damaged { path: path.to_owned(), detail: detail.to_owned() };
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(damaged("its first bytes are not those of a SQLite database"));
    }
    // Offsets of application_id and user_version: "Database File Format", §1.3.
    match (number(68), number(60)) {
        (Some(0), Some(0)) => Ok(()),
        (Some(APPLICATION_ID), Some(found)) if found > plan.version() => {
            Err(StoreError::NewerSchema { path: path.to_owned(), found, known: plan.version() })
        }
        (Some(APPLICATION_ID), Some(found)) if found < FIRST_VERSION => {
            Err(StoreError::OlderSchema { path: path.to_owned(), found, known: FIRST_VERSION })
        }
        (Some(APPLICATION_ID), Some(_)) => Ok(()),
        (Some(_), Some(_)) => Err(damaged("it belongs to another application")),
        _ => Err(damaged("its header is cut short")),
    }
}

/// Opens one file for its writer; makes its tables when it is new, and changes those of an older version.
pub(crate) fn open(dir: &Path, plan: &FilePlan) -> Result<Connection, StoreError> {
    let path = dir.join(plan.name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| StoreError::Io { path: path.clone(), source })?;
    let prepare = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", plan.synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", plan.autocheckpoint)?;
        connection.pragma_update(None, "cache_size", -i64::from(plan.cache_kib))?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version < plan.version() {
            let is_new = version == 0;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            connection.execute_batch(if is_new { plan.schema } else { "" })?;
            let done = usize::try_from(version - FIRST_VERSION).unwrap_or(0);
            for step in plan.steps.iter().skip(done) {
                connection.execute_batch(step)?;
            }
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            connection.pragma_update(None, "user_version", plan.version())?;
            connection.execute_batch("COMMIT")?;
            // So that the header in the file itself tells the version.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(connection)
    };
    prepare().map_err(|source| explain(&path, source))
}

/// A connection that only reads, beside the writer.
pub(crate) fn open_reader(dir: &Path, name: &str) -> Result<Connection, StoreError> {
    let path = dir.join(name);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        Ok(connection)
    };
    open().map_err(|source| explain(&path, source))
}

/// Says which file, and whether it is damaged.
pub(crate) fn explain(path: &Path, source: rusqlite::Error) -> StoreError {
    let path = PathBuf::from(path);
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path, detail: source.to_string() }
        }
        Some(_) | None => StoreError::Sqlite { path, source },
    }
}
