//! Opens the store's file: the directory and its lock, the schema's version, the settings of SQLite. What stands in the
//! tables is decided by the modules of the engine.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::schema::{SCHEMA, VERSION_2, VERSION_3};

pub(super) const FILE: &str = "provider.db";
const LOCK_FILE: &str = "provider.lock";

/// `HmgP`, in SQLite's header: the file is ours.
const APPLICATION_ID: i64 = 0x486d_6750;
const SCHEMA_VERSION: i64 = 3;

const CACHE_KIB: i64 = 32 << 10;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the directory and takes its lock, which is held as long as the file is open.
pub(super) fn lock_dir(dir: &Path) -> Result<File, StoreError> {
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

/// Opens the file for its writer, and makes the tables that it lacks.
pub(super) fn open(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(FILE);
    check_header(&path)?;
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| StoreError::Io { path: path.clone(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < SCHEMA_VERSION {
        let steps = [SCHEMA, VERSION_2, VERSION_3];
        let steps = steps.into_iter().skip(usize::try_from(version).unwrap_or_default()).collect::<String>();
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {steps} PRAGMA application_id = {APPLICATION_ID}; \
             PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        ))?;
        // So that the header in the file itself tells the version.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// A connection that only reads, beside the writer.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(dir.join(FILE), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Refuses, without touching it, a file that isn't ours or is newer than we are.
fn check_header(path: &Path) -> Result<(), StoreError> {
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
    let damaged = |detail: &str| StoreError::Damaged { detail: format!("{}: {detail}", path.display()) };
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(damaged("its first bytes are not those of a SQLite database"));
    }
    // Offsets of application_id and user_version: "Database File Format", §1.3.
    match (number(68), number(60)) {
        (Some(0), Some(0)) => Ok(()),
        (Some(APPLICATION_ID), Some(found)) if found > SCHEMA_VERSION => {
            Err(StoreError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        (Some(APPLICATION_ID), Some(_)) => Ok(()),
        (Some(_), Some(_)) => Err(damaged("it belongs to another application")),
        _ => Err(damaged("its header is cut short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_file_is_refused_untouched_and_a_foreign_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        open(dir.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        std::fs::write(&path, "hello").unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(FILE), "{error}");
    }

    #[test]
    fn a_file_of_the_version_before_gets_what_is_new_and_keeps_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let old = Connection::open(dir.path().join(FILE)).unwrap();
        old.execute_batch(&format!(
            "{SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;
             INSERT INTO installations (app_no, token, environment, registered_at) VALUES (1, x'aa', 'development', 5);"
        ))
        .unwrap();
        drop(old);
        for _ in 0..2 {
            let connection = open(dir.path()).unwrap();
            let count = "SELECT count(*) FROM installations WHERE made_by IS NULL AND registered_at = 5";
            assert_eq!(connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
            let new = connection.query_row("SELECT count(*) FROM logouts", [], |row| row.get::<_, i64>(0));
            assert_eq!(new.unwrap(), 0);
        }
        // The one between.
        let connection = open(dir.path()).unwrap();
        connection
            .execute_batch(
                "DROP TRIGGER tags_go_with_their_installation; DROP TABLE tags; PRAGMA user_version = 2;",
            )
            .unwrap();
        drop(connection);
        let connection = open(dir.path()).unwrap();
        let tags = connection.query_row("SELECT count(*) FROM tags", [], |row| row.get::<_, i64>(0));
        assert_eq!(tags.unwrap(), 0);
    }

    #[test]
    fn nobody_else_may_look_into_the_directory_or_open_it_twice() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("provider");
        let _lock = lock_dir(&place).unwrap();
        open(&place).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join(FILE))), (0o700, 0o600));
        assert!(matches!(lock_dir(&place), Err(StoreError::InUse { .. })));
    }
}
