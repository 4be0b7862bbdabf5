//! Reads the blocks of events once more, in the order in which they were written, for providers who follow what becomes of
//! their notifications. Whose topics are read is decided by the provider port; when a block is written, by the second writer.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use homing_apns::receipts::{ReceiptEvent, is_told};
use homing_trace::{Environment, Reason, Stage, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::{Semaphore, watch};

use super::block::{Record, Records};
use super::error::StoreError;
use super::file::{self, LOG_FILE, STAGES_FILE};
use super::row::{signed, unsigned};
use super::{Store, label, stages};
use crate::notification::lock;

/// Events in one page, at most.
const PAGE_EVENTS: usize = 256;
/// Blocks, and bytes of blocks, read for one page before it is handed out as it is.
const PAGE_BLOCKS: usize = 1024;
const PAGE_BYTES: usize = 1 << 20;
/// Pages read at the same time, for all streams together.
const READING: usize = 2;
/// Blocks that may hold a number's label, looked at in one day: numbers are written almost in order.
const NEAR_BLOCKS: usize = 64;

/// Topics by their number.
pub(crate) type Topics = HashMap<u32, Arc<str>>;

/// A place in the stream: all records up to this one of this block have been told. As a cursor it also names the file, since
/// another one numbers its blocks anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: u64,
    /// Counted from 1; 0 is before the block.
    record: u32,
}

/// The readers of one store.
pub(super) struct Readers {
    /// Tells this second file from others.
    life: u64,
    written: watch::Receiver<u64>,
    reading: Arc<Semaphore>,
    idle: Mutex<Vec<Reader>>,
}

/// One follower's place in the stream.
pub(crate) struct ReceiptFeed {
    store: Store,
    environment: Environment,
    place: Place,
    written: watch::Receiver<u64>,
}

impl std::fmt::Debug for ReceiptFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptFeed").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The text is no cursor that this store ever gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadCursor;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Under its cursor each.
    pub(crate) events: Vec<(String, ReceiptEvent)>,
    /// Whether there may be more already; else [`ReceiptFeed::more`] waits for it.
    pub(crate) is_full: bool,
}

impl Readers {
    pub(super) fn new(life: u64, written: watch::Receiver<u64>) -> Self {
        Self { life, written, reading: Arc::new(Semaphore::new(READING)), idle: Mutex::default() }
    }

    pub(super) fn close(&self) {
        lock(&self.idle).clear();
    }

    /// A cursor of another file, or of a block that isn't there yet, can't tell what its holder has seen: everything is told.
    fn place(&self, cursor: Option<&str>) -> Result<Place, BadCursor> {
        const START: Place = Place { block: 0, record: 0 };
        let Some(cursor) = cursor else { return Ok(START) };
        let mut parts = cursor.splitn(3, '-');
        let mut part = |radix| {
            let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            part.and_then(|part| u64::from_str_radix(part, radix).ok()).ok_or(BadCursor)
        };
        let (life, block, record) = (part(16)?, part(10)?, part(10)?);
        let place = Place { block, record: u32::try_from(record).map_err(|_| BadCursor)? };
        Ok(if life == self.life && block <= *self.written.borrow() { place } else { START })
    }
}

impl Store {
    /// What is told after the cursor, or everything that is kept.
    pub(crate) fn receipts(
        &self,
        environment: Environment,
        after: Option<&str>,
    ) -> Result<ReceiptFeed, BadCursor> {
        let readers = &self.0.readers;
        let (place, written) = (readers.place(after)?, readers.written.clone());
        Ok(ReceiptFeed { store: self.clone(), environment, place, written })
    }
}

impl ReceiptFeed {
    /// The next receipts of these topics. Dropping the future loses nothing.
    pub(crate) async fn page(&mut self, topics: &Arc<Topics>) -> Result<Page, StoreError> {
        self.written.mark_unchanged();
        let (store, topics) = (self.store.clone(), Arc::clone(topics));
        let (environment, place) = (self.environment, self.place);
        let permit = Arc::clone(&store.0.readers.reading).acquire_owned().await;
        let read = move || {
            let readers = &store.0.readers;
            let idle = lock(&readers.idle).pop();
            let reader = match idle {
                Some(reader) => reader,
                None => Reader::open(&store.0.dir)?,
            };
            let mut found = Found::after(place);
            let read = reader.find(&mut found, environment, &topics).and_then(|()| reader.label(&mut found));
            read.map_err(|error| file::explain(&store.0.dir, error))?;
            lock(&readers.idle).push(reader);
            drop(permit);
            Ok(found.into_page(environment, &topics, readers.life))
        };
        let (page, place) = tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Closed)??;
        self.place = place;
        Ok(page)
    }

    /// Waits until something was written since the last page was begun.
    pub(crate) async fn more(&mut self) -> Result<(), StoreError> {
        self.written.changed().await.map_err(|_| StoreError::Closed)
    }
}

/// An event that is to be told, without its label.
struct Step {
    place: Place,
    seq: u64,
    topic_no: u32,
    stage: Stage,
    reason: Option<Reason>,
    at: UnixMillis,
}

/// What the blocks say.
struct Found {
    steps: Vec<Step>,
    /// At first only of those tried once, whose labels stand in the same blocks.
    labels: HashMap<u64, String>,
    /// Everything up to here has been looked at.
    place: Place,
    is_full: bool,
}

impl Found {
    fn after(place: Place) -> Self {
        Self { steps: Vec::new(), labels: HashMap::new(), place, is_full: false }
    }

    /// Takes what is told to whoever follows these topics.
    fn take(&mut self, block: u64, records: &[u8], environment: Environment, topics: &Topics) {
        let is_theirs = |of, topic_no| of == environment && topics.contains_key(&topic_no);
        for (record, number) in Records(records).zip(1..) {
            let place = Place { block, record: number };
            match record {
                Record::Accepted { seq, registration, apns_id, .. } => {
                    if is_theirs(registration.environment, registration.topic_no) {
                        self.labels.insert(seq, apns_id);
                    }
                }
                Record::Reached { seq, environment: of, topic_no, stage, reason, at } => {
                    if place > self.place && is_told(stage) && is_theirs(of, topic_no) {
                        self.steps.push(Step { place, seq, topic_no, stage, reason, at });
                    }
                }
                Record::Kept { .. } | Record::Refused(_) => {}
            }
            if self.steps.len() >= PAGE_EVENTS {
                (self.place, self.is_full) = (place, true);
                return;
            }
        }
        self.place = Place { block: block + 1, record: 0 };
    }

    fn into_page(mut self, environment: Environment, topics: &Topics, life: u64) -> (Page, Place) {
        let mut events = Vec::with_capacity(self.steps.len());
        for Step { place, seq, topic_no, stage, reason, at } in self.steps.drain(..) {
            let (Some(apns_id), Some(topic)) = (self.labels.get(&seq), topics.get(&topic_no)) else {
                tracing::debug!(seq, %stage, "a notification's label is lost: its receipt can't be told");
                continue;
            };
            let (apns_id, topic) = (apns_id.clone(), topic.to_string());
            let cursor = format!("{life:x}-{}-{}", place.block, place.record);
            events.push((cursor, ReceiptEvent { seq, apns_id, topic, environment, stage, reason, at }));
        }
        (Page { events, is_full: self.is_full }, self.place)
    }
}

/// The two files, for reading.
struct Reader {
    log: Connection,
    stages: Connection,
}

impl Reader {
    fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { log: file::open_reader(dir, LOG_FILE)?, stages: file::open_reader(dir, STAGES_FILE)? })
    }

    /// Looks through the blocks from where the last look ended.
    fn find(&self, found: &mut Found, environment: Environment, topics: &Topics) -> rusqlite::Result<()> {
        // Both questions see the same tables, whatever is dropped meanwhile.
        let snapshot = self.stages.unchecked_transaction()?;
        let tables = stages::days(&snapshot)?.into_keys().filter(|table| table.starts_with("stages_"));
        let of_each: Vec<_> =
            tables.map(|table| format!("SELECT id, records FROM {table} WHERE id >= ?1")).collect();
        if of_each.is_empty() {
            return Ok(());
        }
        let mut query = snapshot.prepare_cached(&format!("{} ORDER BY id", of_each.join(" UNION ALL ")))?;
        let mut rows = query.query([signed(found.place.block)])?;
        let (mut blocks, mut bytes) = (0, 0);
        while !found.is_full
            && let Some(row) = rows.next()?
        {
            let records = row.get_ref(1)?.as_blob()?;
            found.take(unsigned(row.get(0)?), records, environment, topics);
            blocks += 1;
            bytes += records.len();
            found.is_full |= blocks >= PAGE_BLOCKS || bytes >= PAGE_BYTES;
        }
        Ok(())
    }

    /// Finds the labels of all that was found.
    fn label(&self, found: &mut Found) -> rusqlite::Result<()> {
        let mut missing = BTreeSet::new();
        for Step { seq, .. } in &found.steps {
            if found.labels.contains_key(seq) {
                continue;
            }
            match self.label_in_log(*seq)? {
                Some(label) => found.labels.insert(*seq, label).is_none(),
                None => missing.insert(*seq),
            };
        }
        self.label_in_blocks(missing, &mut found.labels)
    }

    fn label_in_log(&self, seq: u64) -> rusqlite::Result<Option<String>> {
        self.log
            .prepare_cached(
                "SELECT apns_id FROM notifications WHERE seq = ?1 UNION ALL SELECT apns_id FROM ended WHERE seq = ?1",
            )?
            .query_row([signed(seq)], |row| Ok(label::unpack(row.get_ref(0)?.as_blob()?)))
            .optional()
            .map(Option::flatten)
    }

    /// The labels of those that were tried once, and of those that have gone from the log by age.
    fn label_in_blocks(
        &self,
        mut missing: BTreeSet<u64>,
        labels: &mut HashMap<u64, String>,
    ) -> rusqlite::Result<()> {
        let snapshot = self.stages.unchecked_transaction()?;
        let tables = stages::days(&snapshot)?;
        while let Some(seq) = missing.pop_first() {
            for table in tables.keys() {
                for block in blocks_around(&snapshot, table, seq)? {
                    let records: Vec<u8> = snapshot
                        .prepare_cached(&format!("SELECT records FROM {table} WHERE id = ?1"))?
                        .query_row([block], |row| row.get(0))?;
                    for record in Records(&records) {
                        let (of, apns_id) = match record {
                            Record::Kept { seq, apns_id, .. } | Record::Accepted { seq, apns_id, .. } => {
                                (seq, apns_id)
                            }
                            Record::Reached { .. } | Record::Refused(_) => continue,
                        };
                        if of == seq || missing.remove(&of) {
                            labels.insert(of, apns_id);
                        }
                    }
                }
                if labels.contains_key(&seq) {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The blocks of a day among whose numbers this one may be.
fn blocks_around(connection: &Connection, table: &str, seq: u64) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(&format!(
            "SELECT id FROM (SELECT id, first_seq FROM {table} WHERE last_seq >= ?1 ORDER BY last_seq LIMIT {NEAR_BLOCKS}) \
             WHERE first_seq <= ?1"
        ))?
        .query_map([signed(seq)], |row| row.get(0))?
        .collect()
}
