//! The writer of the second file: stages that may be lost with the process, refusals, and the labels by which kept
//! notifications are found. Events are gathered into blocks, one row each, in one table per day that is dropped whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use homing_clock::Clock;
use homing_trace::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::watch;

use super::block::Block;
use super::error::StoreError;
use super::file::explain;
use super::filter;
use super::hot::StageEvent;
use super::log::Ended;
use super::row::{signed, unsigned};
use crate::notification::RegistrationKey;

pub(crate) const SCHEMA: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE days(name TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('life', random() & 0xffffffff);
";

/// Events gathered before a block is written, at most.
const BLOCK_BYTES: usize = 256 << 10;
/// How long an event waits for its block, at most.
const GATHER: Duration = Duration::from_millis(100);
/// Between looks into the queue while a block is being gathered. A thread that blocked on the queue instead would cost
/// each sender a system call to wake it.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// More blocks than a power failure can take back: those of one write-ahead log.
const LOST_BLOCKS: u64 = 1 << 20;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Days the events of a day are kept.
const STAGE_DAYS: i64 = 7;
/// Days the labels of kept notifications are kept: as long as one may live, and then be asked for.
const LABEL_DAYS: i64 = 30 + STAGE_DAYS;

/// The next job; with nothing to write it waits for one, else until the block is due.
fn next(queue: &Receiver<StageJob>, write_by: Option<Instant>) -> Result<StageJob, RecvTimeoutError> {
    let Some(by) = write_by else { return queue.recv().map_err(|_| RecvTimeoutError::Disconnected) };
    loop {
        match queue.try_recv() {
            Ok(job) => return Ok(job),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => {}
        }
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(RecvTimeoutError::Timeout);
        }
        std::thread::park_timeout(left.min(LOOK_EVERY));
    }
}

/// The label of one kept notification.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) seq: u64,
    pub(crate) registration: RegistrationKey,
    pub(crate) apns_id: Box<str>,
}

pub(crate) enum StageJob {
    Event(StageEvent),
    FromLog { kept: Vec<Kept>, events: Vec<StageEvent>, ended: Vec<Ended> },
    Flush(tokio::sync::oneshot::Sender<Result<(), StoreError>>),
    Close,
}

pub(crate) struct StageWriter {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) clock: Clock,
    events: Block,
    labels: Block,
    /// Largest number whose label is in `labels` or on disk.
    labelled_to: u64,
    /// Number of the last end that is in `events` or on disk.
    ended_to: u64,
    pub(crate) ends_written: Arc<AtomicU64>,
    /// Number of the last block of events: they rise for ever, over all days.
    last_block: u64,
    /// Tells readers that a block was written.
    pub(crate) written: watch::Sender<u64>,
    /// Tables that exist, by name.
    days: BTreeMap<String, i64>,
    dropped_on: i64,
}

impl StageWriter {
    pub(crate) fn new(connection: Connection, path: PathBuf, clock: Clock) -> Result<Self, StoreError> {
        let read = || -> rusqlite::Result<_> {
            Ok((days(&connection)?, meta(&connection, "labelled_to")?, meta(&connection, "last_block")?))
        };
        let (days, labelled_to, last_block) = read().map_err(|error| explain(&path, error))?;
        Ok(Self {
            connection,
            path,
            clock,
            events: Block::default(),
            labels: Block::default(),
            labelled_to,
            ended_to: 0,
            ends_written: Arc::default(),
            last_block,
            written: watch::Sender::new(last_block),
            days,
            dropped_on: 0,
        })
    }

    /// Labels above this number may be missing on disk; `None` after a clean stop, when none is.
    pub(crate) fn labels_missing_above(&mut self) -> Result<Option<u64>, StoreError> {
        let ask = || -> rusqlite::Result<bool> {
            let was_clean = self.connection.execute("DELETE FROM meta WHERE key = 'stopped'", [])? > 0;
            // From here on a crash must be seen as one.
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(was_clean)
        };
        let was_clean = ask().map_err(|error| explain(&self.path, error))?;
        if !was_clean {
            // A power failure may have taken blocks whose numbers somebody remembers.
            self.last_block += LOST_BLOCKS;
            self.written.send_replace(self.last_block);
        }
        // Cores hand over their numbers slightly out of order, within what was reserved.
        Ok((!was_clean).then(|| self.labelled_to.saturating_sub(super::seq::RANGE)))
    }

    /// What tells this file from any other.
    pub(crate) fn life(&self) -> Result<u64, StoreError> {
        meta(&self.connection, "life").map_err(|error| explain(&self.path, error))
    }

    fn stop(&mut self) -> rusqlite::Result<()> {
        self.write()?;
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES ('stopped', 1)", [])?;
        Ok(())
    }

    pub(crate) fn run(mut self, queue: &Receiver<StageJob>) {
        let mut write_by: Option<Instant> = None;
        loop {
            match next(queue, write_by) {
                Ok(StageJob::Event(event)) => self.take(&event),
                Ok(StageJob::FromLog { kept, events, ended }) => {
                    self.take_from_log(&kept, &events);
                    self.take_ended(&ended);
                }
                Ok(StageJob::Flush(reply)) => {
                    // Whoever asked may have gone.
                    let _ = reply.send(self.write().map_err(|error| explain(&self.path, error)));
                    write_by = None;
                    continue;
                }
                Ok(StageJob::Close) | Err(RecvTimeoutError::Disconnected) => {
                    if let Err(error) = self.stop() {
                        tracing::error!(%error, file = %self.path.display(), "the last stages could not be written");
                    }
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let is_due = write_by.is_some_and(|by| by <= Instant::now());
            if is_due || self.is_full() {
                self.write_or_say();
                write_by = None;
            } else if write_by.is_none() && !(self.events.is_empty() && self.labels.is_empty()) {
                write_by = Some(Instant::now() + GATHER);
            }
        }
    }

    const fn is_full(&self) -> bool {
        self.events.bytes.len() >= BLOCK_BYTES || self.labels.bytes.len() >= BLOCK_BYTES
    }

    /// A label that the last process could not write any more.
    pub(crate) fn label_again(&mut self, kept: Kept) -> rusqlite::Result<()> {
        self.take_from_log(&[kept], &[]);
        if self.is_full() { self.write() } else { Ok(()) }
    }

    fn take(&mut self, event: &StageEvent) {
        match event {
            StageEvent::Accepted { seq, registration, notification } => {
                self.events.accepted(*seq, registration, &notification.apns_id, notification.accepted_at);
            }
            StageEvent::Reached { seq, registration, stage, reason, at } => {
                self.events.reached(*seq, registration, *stage, reason.as_ref(), *at);
            }
            StageEvent::Refused(refused) => self.events.refused(refused),
        }
    }

    fn take_from_log(&mut self, kept: &[Kept], events: &[StageEvent]) {
        for Kept { seq, registration, apns_id } in kept {
            self.labels.kept(*seq, registration, apns_id);
            self.labelled_to = self.labelled_to.max(*seq);
        }
        for event in events {
            self.take(event);
        }
    }

    fn take_ended(&mut self, ended: &[Ended]) {
        for ended in ended {
            self.events.ended(ended);
            self.ended_to = self.ended_to.max(ended.no);
        }
    }

    /// At the start: the ends that the file may lack.
    pub(crate) fn ended_again(&mut self, ended: &[Ended]) -> rusqlite::Result<()> {
        self.take_ended(ended);
        self.write()
    }

    fn write_or_say(&mut self) {
        if let Err(error) = self.write() {
            tracing::error!(%error, file = %self.path.display(), "stages of notifications could not be written and are lost");
            self.events = Block::default();
            self.labels = Block::default();
        }
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        let now = self.clock.now();
        if self.events.is_empty() && self.labels.is_empty() {
            return Ok(());
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let written = self.write_blocks(now);
        if let Err(error) = written.and_then(|()| self.connection.execute_batch("COMMIT")) {
            // SQLite itself may have taken everything back already.
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            // A table made in this transaction has gone with it.
            self.days = days(&self.connection)?;
            return Err(error);
        }
        self.events = Block::default();
        self.labels = Block::default();
        self.ends_written.store(self.ended_to, Ordering::Release);
        self.written
            .send_if_modified(|written| std::mem::replace(written, self.last_block) != self.last_block);
        let day = day_of(now);
        if self.dropped_on != day {
            self.dropped_on = day;
            self.drop_old(day)?;
        }
        Ok(())
    }

    fn write_blocks(&mut self, now: UnixMillis) -> rusqlite::Result<()> {
        let day = day_of(now);
        if !self.events.is_empty() {
            // A number is not used again when its transaction fails.
            self.last_block += 1;
            let table = format!("stages_{day}");
            put(
                &self.connection,
                &mut self.days,
                &table,
                day + STAGE_DAYS,
                (Some(self.last_block), &self.events),
            )?;
            put_meta(&self.connection, "last_block", self.last_block)?;
        }
        if !self.labels.is_empty() {
            let table = format!("labels_{day}");
            put(&self.connection, &mut self.days, &table, day + LABEL_DAYS, (None, &self.labels))?;
            put_meta(&self.connection, "labelled_to", self.labelled_to)?;
        }
        Ok(())
    }

    fn drop_old(&mut self, today: i64) -> rusqlite::Result<()> {
        let old: Vec<String> =
            self.days.iter().filter(|(_, last)| **last < today).map(|(name, _)| name.clone()).collect();
        for name in old {
            self.connection.execute_batch(&format!(
                "BEGIN; DROP TABLE {name}; DELETE FROM days WHERE name = '{name}'; COMMIT"
            ))?;
            self.days.remove(&name);
        }
        Ok(())
    }
}

fn day_of(at: UnixMillis) -> i64 {
    at.0.div_euclid(DAY_MILLIS)
}

fn put(
    connection: &Connection,
    days: &mut BTreeMap<String, i64>,
    table: &str,
    last_day: i64,
    (no, block): (Option<u64>, &Block),
) -> rusqlite::Result<()> {
    if !days.contains_key(table) {
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS {table}(
                 id INTEGER PRIMARY KEY, first_seq INTEGER, last_seq INTEGER, filter BLOB NOT NULL, records BLOB NOT NULL);
             CREATE INDEX IF NOT EXISTS {table}_by_seq ON {table}(last_seq, first_seq) WHERE last_seq IS NOT NULL"
        ))?;
        connection.execute("INSERT OR REPLACE INTO days VALUES (?1, ?2)", params![table, last_day])?;
        days.insert(table.to_owned(), last_day);
    }
    let (first_seq, last_seq) = block.labelled.map(|(first, last)| (signed(first), signed(last))).unzip();
    connection
        .prepare_cached(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5)"))?
        .execute(params![no.map(signed), first_seq, last_seq, filter::build(&block.keys), block.bytes])?;
    Ok(())
}

fn meta(connection: &Connection, key: &str) -> rusqlite::Result<u64> {
    let value: Option<i64> =
        connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    Ok(value.map_or(0, unsigned))
}

fn put_meta(connection: &Connection, key: &str, value: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2")?
        .execute(params![key, signed(value)])
        .map(|_| ())
}

/// The tables of blocks and the last day each is kept.
pub(crate) fn days(connection: &Connection) -> rusqlite::Result<BTreeMap<String, i64>> {
    connection
        .prepare("SELECT name, day FROM days")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

#[cfg(test)]
mod tests {
    use homing_trace::Environment;

    use super::*;

    #[test]
    fn a_day_that_began_with_a_failure_is_written_all_the_same() {
        let connection = Connection::open_in_memory().expect("SQLite works");
        connection.execute_batch(SCHEMA).expect("it is empty");
        let mut writer =
            StageWriter::new(connection, "stages.db".into(), Clock::default()).expect("it is read");
        let registration =
            RegistrationKey { device: 1, environment: Environment::Development, topic_no: 1, generation: 1 };
        let kept = |seq| Kept { seq, registration, apns_id: "label".into() };
        // Fails after the day's tables were made.
        writer.connection.execute_batch("ALTER TABLE meta RENAME TO away").expect("it is renamed");
        writer.take_from_log(&[kept(1)], &[]);
        writer.write().expect_err("its mark can't be written");
        writer.connection.execute_batch("ALTER TABLE away RENAME TO meta").expect("it is renamed");
        writer.write().expect("the failure is over");
        let tables = days(&writer.connection).expect("it is read");
        assert_eq!(tables.len(), 1, "{tables:?}");
    }
}
