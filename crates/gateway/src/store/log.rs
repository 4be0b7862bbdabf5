//! The log of kept notifications: its tables, its rows and their ends, and the index of what still lives. When a row
//! is written or ended is decided by its callers; that an end ends only its own `seq` is decided here.

use std::collections::{BTreeMap, HashMap};

use homing_trace::{Reason, Stage, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::hot::StoredNotification;
use super::label;
use super::registrations;
use super::row::{pack_headers, read_stored, signed, unsigned};
use crate::notification::{Notification, RegistrationKey};

/// All tables of the first file.
pub(crate) const SCHEMA: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE notifications(
    seq INTEGER PRIMARY KEY, registration_no INTEGER NOT NULL, apns_id BLOB NOT NULL, headers BLOB NOT NULL,
    payload BLOB NOT NULL, accepted_at INTEGER NOT NULL, stored_after INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE ends(
    seq INTEGER PRIMARY KEY, stage INTEGER NOT NULL, reason TEXT, at INTEGER NOT NULL, no INTEGER NOT NULL);
CREATE TABLE ended(
    seq INTEGER PRIMARY KEY, registration_no INTEGER NOT NULL, apns_id BLOB NOT NULL,
    accepted_at INTEGER NOT NULL, stored_after INTEGER NOT NULL, stage INTEGER NOT NULL, reason TEXT, at INTEGER NOT NULL);
CREATE TABLE registrations(
    no INTEGER PRIMARY KEY, device INTEGER NOT NULL, environment INTEGER NOT NULL, topic_no INTEGER NOT NULL,
    generation INTEGER NOT NULL, instance TEXT NOT NULL, registered_at INTEGER NOT NULL, ended_at INTEGER);
CREATE UNIQUE INDEX registrations_by_key ON registrations(device, environment, topic_no, generation);
CREATE TABLE feedback(
    no INTEGER PRIMARY KEY AUTOINCREMENT, registration_no INTEGER NOT NULL UNIQUE, environment INTEGER NOT NULL,
    topic_no INTEGER NOT NULL);
CREATE INDEX feedback_by_topic ON feedback(environment, topic_no, no);
CREATE TABLE devices(
    id INTEGER PRIMARY KEY, secret_hash BLOB NOT NULL, enrolment_key INTEGER NOT NULL, enrolled_at INTEGER NOT NULL);
CREATE TABLE enrolment_keys(
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, team TEXT NOT NULL, apps TEXT NOT NULL, environments TEXT NOT NULL,
    quota INTEGER NOT NULL, per_minute INTEGER NOT NULL, expires_at INTEGER, admitted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE token_keys(no INTEGER PRIMARY KEY, key BLOB NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE teams(id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE apps(bundle_id TEXT PRIMARY KEY, team TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE topics(
    no INTEGER PRIMARY KEY, name TEXT NOT NULL, bundle_id TEXT NOT NULL, is_removed INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX topics_by_name ON topics(name) WHERE is_removed = 0;
CREATE TABLE provider_keys(
    key_id TEXT PRIMARY KEY, team TEXT NOT NULL, public_key BLOB NOT NULL, environments TEXT NOT NULL, apps TEXT,
    related_to TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE provider_certificates(
    id TEXT PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, team TEXT NOT NULL, bundle_id TEXT NOT NULL, kind TEXT NOT NULL,
    expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
";

/// How long an ended notification's row is kept for traces.
pub(crate) const TRACE_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Stands for the time until it was stored where it never was.
pub(crate) const NEVER_STORED: i64 = -1;

/// What the writer knows in memory; rebuilt from the file when it starts.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// (registration number, seq) of every row without an end, and when its time is over: not before it was accepted.
    rows: BTreeMap<(u32, u64), UnixMillis>,
    /// Registrations that ended while this process runs: nothing may be appended to them.
    ended_registrations: HashMap<u32, UnixMillis>,
    /// Rows of `ends` not yet folded into `ended`.
    pub(crate) ends_to_fold: u64,
    /// What has ended since it was last taken from here, for the second file.
    pub(crate) ended: Vec<Ended>,
    /// How many ends this process has written. Each carries its number, so that it is folded only when the second file has
    /// it; what a crash finds unfolded is handed over again.
    last_end: u64,
}

/// The end of a row, as it is told to whoever reads receipts.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// 0 for what an earlier process ended.
    pub(crate) no: u64,
    pub(crate) seq: u64,
    pub(crate) registration: RegistrationKey,
    pub(crate) stage: Stage,
    pub(crate) reason: Option<Reason>,
    pub(crate) at: UnixMillis,
}

/// At most this many ended registrations are remembered; their hub forgot them long before.
const ENDED_REGISTRATIONS: usize = 65_536;

impl Live {
    fn all_of(&self, registration_no: u32) -> impl DoubleEndedIterator<Item = (u64, UnixMillis)> + '_ {
        let rows = self.rows.range((registration_no, 0)..=(registration_no, u64::MAX));
        rows.map(|((_, seq), over_at)| (*seq, *over_at))
    }

    pub(crate) fn registration_ended(&self, registration_no: u32) -> Option<UnixMillis> {
        self.ended_registrations.get(&registration_no).copied()
    }

    pub(crate) fn end_registration(&mut self, registration_no: u32, at: UnixMillis) {
        if self.ended_registrations.len() >= ENDED_REGISTRATIONS {
            self.ended_registrations.clear();
        }
        self.ended_registrations.insert(registration_no, at);
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Of the rows in `ends` those that may be folded, when the second file has all ends up to number `written`.
    pub(crate) const fn foldable(&self, written: u64) -> u64 {
        self.ends_to_fold.saturating_sub(self.last_end.saturating_sub(written))
    }

    /// The file has taken back what was done since there were `ended` ends to hand over.
    pub(crate) fn take_back(&mut self, connection: &Connection, ended: usize) -> rusqlite::Result<()> {
        self.ended.truncate(ended);
        let reread = Self::reread(connection)?;
        *self = Self { ended: std::mem::take(&mut self.ended), last_end: self.last_end, ..reread };
        Ok(())
    }

    fn reread(connection: &Connection) -> rusqlite::Result<Self> {
        let mut live = Self::default();
        let mut query = connection.prepare(
            "SELECT n.registration_no, n.seq, max(n.expires_at, n.accepted_at) \
             FROM notifications n LEFT JOIN ends e ON e.seq = n.seq WHERE e.seq IS NULL",
        )?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            live.rows.insert((row.get(0)?, unsigned(row.get(1)?)), UnixMillis(row.get(2)?));
        }
        live.ends_to_fold =
            connection.query_row("SELECT count(*) FROM ends", [], |row| row.get(0).map(unsigned))?;
        Ok(live)
    }

    /// Reads what lives after a start. Of each registration only the newest row whose time isn't over outlives the process:
    /// older ones are ended as `replaced`, those of ended registrations as `discarded: unregistered`.
    pub(crate) fn rebuild(connection: &Connection, now: UnixMillis) -> rusqlite::Result<Self> {
        let mut live = Self::reread(connection)?;
        let mut ended = connection.prepare("SELECT ended_at IS NOT NULL FROM registrations WHERE no = ?1")?;
        let mut orphans = Vec::new();
        let mut replaced = Vec::new();
        let mut expired = Vec::new();
        let mut of = None;
        let mut has_newer = false;
        for (row, over_at) in live.rows.iter().rev() {
            let is_ended = match of {
                Some((registration_no, is_ended)) if registration_no == row.0 => is_ended,
                Some(_) | None => {
                    has_newer = false;
                    ended.query_row([row.0], |row| row.get(0)).optional()?.unwrap_or(true)
                }
            };
            of = Some((row.0, is_ended));
            if is_ended {
                orphans.push(*row);
            } else if *over_at <= now {
                expired.push(*row);
            } else if std::mem::replace(&mut has_newer, true) {
                replaced.push(*row);
            }
        }
        for (registration_no, seq) in orphans.into_iter().rev() {
            let ending = Ending::new(Stage::Discarded, Some(Reason::UNREGISTERED), now);
            live.end(connection, registration_no, seq, &ending)?;
        }
        for (rows, stage) in [(replaced, Stage::Replaced), (expired, Stage::Expired)] {
            for (registration_no, seq) in rows.into_iter().rev() {
                live.end(connection, registration_no, seq, &Ending::new(stage, None, now))?;
            }
        }
        Ok(live)
    }

    /// `stored_at` is `None` for one whose time was over when it came.
    pub(crate) fn append(
        &mut self,
        connection: &Connection,
        (registration_no, seq): (u32, u64),
        notification: &Notification,
        stored_at: Option<UnixMillis>,
    ) -> rusqlite::Result<()> {
        let mut apns_id = Vec::with_capacity(17);
        label::pack(&notification.apns_id, &mut apns_id);
        let mut headers = Vec::with_capacity(32);
        pack_headers(notification, &mut headers);
        let expires_at = notification.expires_at().unwrap_or(notification.accepted_at);
        connection
            .prepare_cached("INSERT INTO notifications VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute(params![
                signed(seq),
                registration_no,
                apns_id,
                headers,
                &notification.payload[..],
                notification.accepted_at.0,
                stored_at.map_or(NEVER_STORED, |at| at.millis_since(notification.accepted_at).max(0)),
                expires_at.0
            ])?;
        self.rows.insert((registration_no, seq), expires_at.max(notification.accepted_at));
        Ok(())
    }

    /// Ends this row and no other. A row that doesn't live stays as it is: the first end wins. What would be replaced after
    /// its time was over has expired.
    pub(crate) fn end(
        &mut self,
        connection: &Connection,
        registration_no: u32,
        seq: u64,
        ending: &Ending,
    ) -> rusqlite::Result<bool> {
        let Some(over_at) = self.rows.remove(&(registration_no, seq)) else { return Ok(false) };
        let is_over = ending.stage == Stage::Replaced && over_at <= ending.at;
        let (stage, at) = if is_over || ending.stage == Stage::Expired {
            (Stage::Expired, over_at)
        } else {
            (ending.stage, ending.at)
        };
        self.last_end += 1;
        connection.prepare_cached("INSERT INTO ends VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            signed(seq),
            stage as u8,
            ending.reason.as_ref().map(Reason::as_str),
            at.0,
            signed(self.last_end)
        ])?;
        self.ends_to_fold += 1;
        let registration = match ending.registration {
            Some(registration) => Some(registration),
            None => registrations::key_of(connection, registration_no)?,
        };
        let reason = ending.reason.clone();
        let no = self.last_end;
        self.ended.extend(registration.map(|registration| Ended {
            no,
            seq,
            registration,
            stage,
            reason,
            at,
        }));
        Ok(true)
    }

    /// Ends every row of the registration; answers the newest of them.
    pub(crate) fn end_all(
        &mut self,
        connection: &Connection,
        registration_no: u32,
        ending: &Ending,
    ) -> rusqlite::Result<Option<u64>> {
        let seqs: Vec<u64> = self.all_of(registration_no).map(|(seq, _)| seq).collect();
        for seq in &seqs {
            self.end(connection, registration_no, *seq, ending)?;
        }
        Ok(seqs.last().copied())
    }

    /// The newest row of the registration whose time isn't over; those that are newer and over are ended as `expired`.
    pub(crate) fn take_newest(
        &mut self,
        connection: &Connection,
        registration_no: u32,
        now: UnixMillis,
    ) -> rusqlite::Result<Option<StoredNotification>> {
        let seq = loop {
            let Some((seq, over_at)) = self.all_of(registration_no).next_back() else { return Ok(None) };
            if over_at > now {
                break seq;
            }
            self.end(connection, registration_no, seq, &Ending::new(Stage::Expired, None, over_at))?;
        };
        read(connection, seq)
    }

    /// This row of the registration, if it lives.
    pub(crate) fn find(
        &self,
        connection: &Connection,
        registration_no: u32,
        seq: u64,
    ) -> rusqlite::Result<Option<StoredNotification>> {
        if !self.rows.contains_key(&(registration_no, seq)) {
            return Ok(None);
        }
        read(connection, seq)
    }
}

fn read(connection: &Connection, seq: u64) -> rusqlite::Result<Option<StoredNotification>> {
    connection
        .prepare_cached(
            "SELECT seq, apns_id, headers, payload, accepted_at FROM notifications WHERE seq = ?1",
        )?
        .query_row([signed(seq)], read_stored)
        .optional()
}

/// How a row ends.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) stage: Stage,
    pub(crate) reason: Option<Reason>,
    pub(crate) at: UnixMillis,
    registration: Option<RegistrationKey>,
}

impl Ending {
    pub(crate) const fn new(stage: Stage, reason: Option<Reason>, at: UnixMillis) -> Self {
        Self { stage, reason, at, registration: None }
    }

    /// Whose rows end, where it is known: else it is looked up.
    pub(crate) const fn of(mut self, registration: RegistrationKey) -> Self {
        self.registration = Some(registration);
        self
    }
}

/// Every end that may be missing in the second file after a crash.
pub(crate) fn unfolded(connection: &Connection) -> rusqlite::Result<Vec<Ended>> {
    let mut query = connection.prepare(
        "SELECT e.seq, n.registration_no, e.stage, e.reason, e.at FROM ends e JOIN notifications n ON n.seq = e.seq \
         ORDER BY e.no",
    )?;
    let mut rows = query.query([])?;
    let mut ended = Vec::new();
    while let Some(row) = rows.next()? {
        let stage = homing_trace::stage::TABLE.get(usize::from(row.get::<_, u8>(2)?));
        let registration = registrations::key_of(connection, row.get(1)?)?;
        let (Some((stage, ..)), Some(registration)) = (stage, registration) else { continue };
        let reason = row.get::<_, Option<String>>(3)?.map(|reason| Reason::from_peer(&reason));
        let (seq, at) = (unsigned(row.get(0)?), UnixMillis(row.get(4)?));
        ended.push(Ended { no: 0, seq, registration, stage: *stage, reason, at });
    }
    Ok(ended)
}

/// The second file has every end: all may be folded.
pub(crate) fn all_handed_over(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE ends SET no = 0 WHERE no > 0", []).map(|_| ())
}
