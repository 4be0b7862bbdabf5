//! What one device keeps on disk: who it is, its apps, the notification center's state, what it has seen, and the
//! receipts it still owes. When a change is committed, and what goes into one commit, is decided by `phone`.

mod arrivals;
mod driven;
mod followed;
mod further;
mod offloaded;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use homing_local::AppManifest;
use homing_trace::UnixMillis;
use rusqlite::{Connection, params};

/// Version of the tables below, all steps together; a newer file is refused.
const SCHEMA_VERSION: i64 = SCHEMA.len() as i64;

/// The most receipts kept for a push service that can't be reached. Beyond it the oldest are given up.
const RECEIPTS_KEPT: i64 = 100_000;

/// How long an arrival is remembered: longer than a push service stores anything (30 days, *Sending notification
/// requests to APNs*).
const SEEN_KEPT_MILLIS: i64 = 40 * 24 * 3_600_000;

/// Each step brings a file from one version to the next.
const SCHEMA: [&str; 9] = [
    "
CREATE TABLE device (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    device_id TEXT,
    secret TEXT,
    online INTEGER NOT NULL DEFAULT 1,
    center BLOB
) STRICT;
CREATE TABLE app (
    bundle_id TEXT PRIMARY KEY,
    manifest TEXT NOT NULL,
    registered INTEGER NOT NULL DEFAULT 0,
    token TEXT
) STRICT;
CREATE TABLE ending (
    environment TEXT NOT NULL,
    topic TEXT NOT NULL,
    PRIMARY KEY (environment, topic)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    input TEXT NOT NULL
) STRICT;
CREATE TABLE seen (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE receipt (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    topic TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
",
    "
ALTER TABLE device ADD COLUMN containers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE app ADD COLUMN container INTEGER NOT NULL DEFAULT 0;
CREATE TABLE arrival (
    no INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    record TEXT NOT NULL
) STRICT;
",
    "
CREATE TABLE offloaded (
    bundle_id TEXT PRIMARY KEY,
    manifest TEXT NOT NULL,
    container INTEGER NOT NULL
) STRICT;
",
    "
CREATE TABLE driven (
    bundle_id TEXT PRIMARY KEY,
    driver TEXT NOT NULL,
    extension TEXT NOT NULL
) STRICT;
",
    "
CREATE TABLE further (
    bundle_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    instance TEXT NOT NULL,
    token TEXT,
    PRIMARY KEY (bundle_id, kind, instance)
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE app ADD COLUMN secret TEXT NOT NULL DEFAULT '';
",
    "
CREATE TABLE channel (
    environment TEXT NOT NULL,
    bundle_id TEXT NOT NULL,
    id TEXT NOT NULL,
    heard TEXT NOT NULL,
    PRIMARY KEY (environment, bundle_id, id)
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE device ADD COLUMN clock_wrong_by INTEGER NOT NULL DEFAULT 0;
",
    "
ALTER TABLE device ADD COLUMN dates_from_now INTEGER NOT NULL DEFAULT 0;
",
];

/// The device's file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the device's file {path} can't be opened: {source}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error(
        "the device's file {path} is of version {found}, newer than this Homing, which reads version \
         {SCHEMA_VERSION}; nothing was changed\nhint: use the newer Homing, or another data directory"
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("the device's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "the device's file holds {what} that can't be read: {why}\nhint: restore it from a backup, or remove it to \
         begin with a new device"
    )]
    Unreadable { what: &'static str, why: String },
}

/// What opens the push service for this device.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// 16 lower-case hexadecimal digits.
    pub(crate) device_id: String,
    pub(crate) secret: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("device_id", &self.device_id).finish_non_exhaustive()
    }
}

/// An installed app as it is kept.
#[derive(Clone)]
pub(crate) struct KeptApp {
    pub(crate) manifest: AppManifest,
    /// It has called `registerForRemoteNotifications` and not `unregister…` since.
    pub(crate) registered: bool,
    pub(crate) token: Option<String>,
    /// The number of its data container; 0 until it has one.
    pub(crate) container: i64,
    /// What its processes prove themselves with, of this install; empty until it has one.
    pub(crate) secret: String,
}

impl std::fmt::Debug for KeptApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptApp").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl KeptApp {
    /// Whether the push service is to hold a registration. Unregistering doesn't end it: only removing the app does.
    pub(crate) fn is_subscribed(&self) -> bool {
        self.registered || self.token.is_some()
    }
}

pub(crate) use followed::{Channel, Heard, LastMessage};
pub(crate) use further::KeptFurther;
pub(crate) use offloaded::OffloadedApp;

/// A receipt that the push service hasn't acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwedReceipt {
    pub(crate) no: i64,
    pub(crate) environment: String,
    pub(crate) topic: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Store {
    db: Connection,
}

impl Store {
    /// Opens or makes the file of the device `name`, readable by its owner only.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self, StoreError> {
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        let db = Connection::open(path)?;
        let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::Newer { path: path.to_owned(), found });
        }
        // Exclusive locking: nobody else reads this file while we live, and WAL needs no shared memory then.
        db.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
        )?;
        if found < SCHEMA_VERSION {
            db.execute_batch("BEGIN IMMEDIATE")?;
            for step in SCHEMA.iter().skip(usize::try_from(found).unwrap_or_default()) {
                db.execute_batch(step)?;
            }
            db.execute("INSERT OR IGNORE INTO device (one, name) VALUES (1, ?1)", params![name])?;
            db.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            db.execute_batch("COMMIT")?;
        }
        db.set_prepared_statement_cache_capacity(32);
        Ok(Self { db })
    }

    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        Ok(self.db.execute_batch("BEGIN IMMEDIATE")?)
    }

    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        Ok(self.db.execute_batch("COMMIT")?)
    }

    /// Takes back what [`Store::begin`] began. That nothing was begun is fine.
    pub(crate) fn roll_back(&self) {
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the device's file can't roll back");
        }
    }

    pub(crate) fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (device_id, secret): (Option<String>, Option<String>) =
            self.db.query_row("SELECT device_id, secret FROM device", [], read)?;
        Ok(device_id.zip(secret).map(|(device_id, secret)| Identity { device_id, secret }))
    }

    pub(crate) fn save_identity(&self, identity: &Identity) -> Result<(), StoreError> {
        let of = params![identity.device_id, identity.secret];
        self.db.execute("UPDATE device SET device_id = ?1, secret = ?2", of)?;
        Ok(())
    }

    pub(crate) fn online(&self) -> Result<bool, StoreError> {
        Ok(self.db.query_row("SELECT online FROM device", [], |row| row.get(0))?)
    }

    pub(crate) fn save_online(&self, online: bool) -> Result<(), StoreError> {
        self.db.execute("UPDATE device SET online = ?1", params![online])?;
        Ok(())
    }

    /// Whether the date of an interval is told as iOS tells it.
    pub(crate) fn dates_from_now(&self) -> Result<bool, StoreError> {
        Ok(self.db.query_row("SELECT dates_from_now FROM device", [], |row| row.get(0))?)
    }

    pub(crate) fn save_dates_from_now(&self, from_now: bool) -> Result<(), StoreError> {
        self.db.execute("UPDATE device SET dates_from_now = ?1", params![from_now])?;
        Ok(())
    }

    /// By how much the device's clock is wrong, in milliseconds.
    pub(crate) fn clock_wrong_by(&self) -> Result<i64, StoreError> {
        Ok(self.db.query_row("SELECT clock_wrong_by FROM device", [], |row| row.get(0))?)
    }

    pub(crate) fn save_clock_wrong_by(&self, millis: i64) -> Result<(), StoreError> {
        self.db.execute("UPDATE device SET clock_wrong_by = ?1", params![millis])?;
        Ok(())
    }

    /// The notification center's state when it was last written whole.
    pub(crate) fn center(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.query_row("SELECT center FROM device", [], |row| row.get(0))?)
    }

    /// Writes the state whole; the journal begins anew.
    pub(crate) fn save_center(&self, json: &[u8]) -> Result<(), StoreError> {
        self.db.execute("UPDATE device SET center = ?1", params![json])?;
        self.db.execute("DELETE FROM journal", [])?;
        Ok(())
    }

    /// What happened since the state was written whole, as (when, input), in order.
    pub(crate) fn journal(&self) -> Result<Vec<(UnixMillis, String)>, StoreError> {
        let mut query = self.db.prepare("SELECT at, input FROM journal ORDER BY no")?;
        let rows = query.query_map([], |row| Ok((UnixMillis(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn write_journal(&self, at: UnixMillis, input: &str) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT INTO journal (at, input) VALUES (?1, ?2)")?
            .execute(params![at.0, input])?;
        Ok(())
    }

    pub(crate) fn apps(&self) -> Result<Vec<KeptApp>, StoreError> {
        let mut query = self
            .db
            .prepare("SELECT manifest, registered, token, container, secret FROM app ORDER BY bundle_id")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?;
        rows.map(|row| {
            let (manifest, registered, token, container, secret) = row?;
            let manifest = serde_json::from_str(&manifest).map_err(|error| StoreError::Unreadable {
                what: "an app's manifest",
                why: error.to_string(),
            })?;
            Ok(KeptApp { manifest, registered, token, container, secret })
        })
        .collect()
    }

    pub(crate) fn save_app(&self, app: &KeptApp) -> Result<(), StoreError> {
        let manifest = serde_json::to_string(&app.manifest)
            .map_err(|error| StoreError::Unreadable { what: "an app's manifest", why: error.to_string() })?;
        self.db.execute(
            "INSERT OR REPLACE INTO app (bundle_id, manifest, registered, token, container, secret)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![app.manifest.bundle_id, manifest, app.registered, app.token, app.container, app.secret],
        )?;
        Ok(())
    }

    /// A number that no data container has had.
    pub(crate) fn next_container(&self) -> Result<i64, StoreError> {
        let next = "UPDATE device SET containers = containers + 1 RETURNING containers";
        Ok(self.db.query_row(next, [], |row| row.get(0))?)
    }

    pub(crate) fn remove_app(&self, bundle_id: &str) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM app WHERE bundle_id = ?1", params![bundle_id])?;
        Ok(())
    }

    /// Registrations that the push service must still be told to end, as (environment, topic with its instance).
    pub(crate) fn endings(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut query = self.db.prepare("SELECT environment, topic FROM ending")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn save_ending(&self, environment: &str, topic: &str) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT OR IGNORE INTO ending (environment, topic) VALUES (?1, ?2)",
            params![environment, topic],
        )?;
        Ok(())
    }

    pub(crate) fn remove_ending(&self, environment: &str, topic: &str) -> Result<(), StoreError> {
        self.db.execute(
            "DELETE FROM ending WHERE environment = ?1 AND topic = ?2",
            params![environment, topic],
        )?;
        Ok(())
    }

    /// Remembers an arrival by the host's clock, as the device's own may be wrong; `false` if the push service has sent it before and missed our acknowledgement.
    pub(crate) fn is_first_arrival(&self, seq: u64, now: UnixMillis) -> Result<bool, StoreError> {
        let remembered = self
            .db
            .prepare_cached("INSERT OR IGNORE INTO seen (seq, at) VALUES (?1, ?2)")?
            .execute(params![seq.cast_signed(), now.0])?;
        Ok(remembered == 1)
    }

    /// Forgets arrivals that no push service can send again.
    pub(crate) fn forget_arrivals(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM seen WHERE at < ?1", params![now.0.saturating_sub(SEEN_KEPT_MILLIS)])?;
        Ok(())
    }

    pub(crate) fn owe_receipt(&self, environment: &str, topic: &str, body: &[u8]) -> Result<(), StoreError> {
        self.db
            .prepare_cached("INSERT INTO receipt (environment, topic, body) VALUES (?1, ?2, ?3)")?
            .execute(params![environment, topic, body])?;
        let newest = self.db.last_insert_rowid();
        self.db
            .prepare_cached("DELETE FROM receipt WHERE no <= ?1")?
            .execute(params![newest.saturating_sub(RECEIPTS_KEPT)])?;
        Ok(())
    }

    /// The oldest receipts after number `after`, in order.
    pub(crate) fn owed_receipts(&self, after: i64, limit: usize) -> Result<Vec<OwedReceipt>, StoreError> {
        let mut query = self.db.prepare_cached(
            "SELECT no, environment, topic, body FROM receipt WHERE no > ?1 ORDER BY no LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query_map(params![after, limit], |row| {
            Ok(OwedReceipt {
                no: row.get(0)?,
                environment: row.get(1)?,
                topic: row.get(2)?,
                body: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn receipt_taken(&self, no: i64) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM receipt WHERE no = ?1")?.execute(params![no])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
