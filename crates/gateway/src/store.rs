//! The push service's store: the log of kept notifications, registrations and devices in one file, stages of
//! notifications in another, each written by one thread in batches. When something is written is decided by the hub,
//! the ports and the centre; that it is durable before it is answered is decided here.
//!
//! All jobs pass through one queue in the order of their calls: an [`Store::end`] called before its append is committed
//! takes effect right after it.

mod block;
mod broadcasts;
mod channels;
mod checkpoint;
mod devices;
mod error;
mod feedback;
mod file;
mod filter;
mod fold;
mod hot;
mod label;
mod log;
mod receipts;
mod registrations;
mod row;
mod search;
mod seq;
mod stages;
mod tally;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use homing_clock::Clock;
use homing_trace::{Environment, Trace, UnixMillis};
use rusqlite::OptionalExtension as _;

pub(crate) use broadcasts::{Broadcasted, NewBroadcast};
pub(crate) use channels::{Channel, ChannelsOf, delete_all_of as delete_channels_of};
pub(crate) use devices::{digest, hex, random};
pub use error::{EnrolError, StoreError, StoreFull};
pub(crate) use feedback::Gone;
pub use hot::{
    Answer, AnswerSink, Append, Appended, DeviceRights, End, Enrolled, Place, Refused, StageEvent,
    StoredNotification, Subscribed, TraceQuery,
};
pub(crate) use receipts::{BadCursor, ReceiptFeed, Topics};
pub(crate) use registrations::Standing;
pub(crate) use registrations::end_all_for as end_registrations_for;
pub(crate) use tally::Tally;
pub(crate) use writer::{CallError, Scope};

use crate::notification::{Notification, RegistrationKey, lock};
use file::{FilePlan, LOG_FILE, STAGES_FILE};
use log::Live;
use receipts::Readers;
use registrations::Subscription;
use search::Search;
use seq::SeqAllotter;
use stages::{Kept, StageJob, StageWriter};
use tally::Tallies;
use writer::{CallJob, Job, Writer};

/// Appends that wait for the first writer, at most.
const APPENDS: usize = 16_384;
/// Jobs that wait for it, at most: an end must find room when appends are refused, or its row would be told wrongly.
const QUEUE: usize = 65_536;
/// Events that wait for the second writer, at most.
const STAGE_QUEUE: usize = 65_536;

const LOG_PLAN: FilePlan = FilePlan {
    name: LOG_FILE,
    synchronous: "FULL",
    // Only as a brake: the writer checkpoints long before.
    autocheckpoint: 262_144,
    cache_kib: 64 << 10,
    schema: log::SCHEMA,
    steps: &[broadcasts::SCHEMA, broadcasts::INJECTED],
};
const STAGES_PLAN: FilePlan = FilePlan {
    name: STAGES_FILE,
    synchronous: "NORMAL",
    autocheckpoint: 4_000,
    cache_kib: 16 << 10,
    schema: stages::SCHEMA,
    steps: &[],
};

/// Where the store is, and whose time it keeps.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Made if missing, with mode 0700.
    pub dir: PathBuf,
    pub clock: Clock,
}

/// A handle on the store; clones share it. Dropping the last one drains the queues like [`Store::close`].
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    clock: Clock,
    seqs: Arc<SeqAllotter>,
    log: SyncSender<Job>,
    appends_waiting: Arc<AtomicUsize>,
    stages: SyncSender<StageJob>,
    readers: Readers,
    tallies: Tallies,
    running: Mutex<Option<Running>>,
}

struct Running {
    log: JoinHandle<()>,
    stages: JoinHandle<()>,
    /// Held until both threads are done.
    _lock: std::fs::File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.0.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or makes the store, and starts its writers. `answers` has one sink per core. Blocks.
    pub fn open(config: StoreConfig, answers: Vec<Arc<dyn AnswerSink>>) -> Result<Self, StoreError> {
        let StoreConfig { dir, clock } = config;
        let lock = file::lock_dir(&dir)?;
        file::check_header(&dir, &LOG_PLAN)?;
        file::check_header(&dir, &STAGES_PLAN)?;
        let connection = file::open(&dir, &LOG_PLAN)?;
        let path = dir.join(LOG_FILE);
        let stages_connection = file::open(&dir, &STAGES_PLAN)?;
        let mut stage_writer = StageWriter::new(stages_connection, dir.join(STAGES_FILE), clock.clone())?;
        let labels_missing_above = stage_writer.labels_missing_above()?;
        let (mut live, first) =
            start_log(&connection, clock.now()).map_err(|error| file::explain(&path, error))?;
        hand_over_again(&connection, &mut live, labels_missing_above, &mut stage_writer)
            .map_err(|error| file::explain(&path, error))?;
        let readers = Readers::new(stage_writer.life()?, stage_writer.written.subscribe());
        let seqs = Arc::new(SeqAllotter::starting_at(first));
        let seqs_of_tallies = Arc::clone(&seqs);
        let (log, log_jobs) = sync_channel(QUEUE);
        let (stages, stage_jobs) = sync_channel(STAGE_QUEUE);
        let appends_waiting = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer {
            connection,
            appends_waiting: Arc::clone(&appends_waiting),
            checkpoints: checkpoint::Checkpoints::start(&dir, LOG_FILE)?,
            path,
            live,
            rates: devices::Rates::default(),
            seqs: Arc::clone(&seqs),
            clock: clock.clone(),
            answers,
            stages: stages.clone(),
            sweep: fold::Sweep::default(),
            swept: Instant::now(),
            ends_written: Arc::clone(&stage_writer.ends_written),
        };
        writer.reserve();
        tracing::info!(dir = %dir.display(), live = writer.live.len(), "the store is open");
        let running = Running {
            log: spawn(&dir, "homing-log", move || writer.run(&log_jobs))?,
            stages: spawn(&dir, "homing-stages", move || stage_writer.run(&stage_jobs))?,
            _lock: lock,
        };
        Ok(Self(Arc::new(Inner {
            dir,
            clock,
            seqs,
            log,
            appends_waiting,
            stages,
            readers,
            tallies: Tallies::new(seqs_of_tallies),
            running: Mutex::new(Some(running)),
        })))
    }

    /// Drains both queues, commits, and releases the directory. What is called afterwards fails. Blocks.
    pub fn close(&self) {
        self.0.close();
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// Never waits.
    pub fn seqs(&self) -> Seqs<'_> {
        Seqs(&self.0)
    }

    /// Never waits; the answer goes to the core's sink after the commit.
    pub fn append(&self, append: Append) -> Result<(), StoreFull> {
        if self.0.appends_waiting.fetch_add(1, Ordering::AcqRel) < APPENDS
            && self.0.log.try_send(Job::Append(append)).is_ok()
        {
            return Ok(());
        }
        self.0.appends_waiting.fetch_sub(1, Ordering::AcqRel);
        Err(StoreFull)
    }

    /// Never waits. Durable with the next commit; no-op for a row that has ended or never was.
    pub fn end(&self, end: End) -> Result<(), StoreFull> {
        self.0.log.try_send(Job::End(end)).map_err(|_| StoreFull)
    }

    /// Never waits. What is recorded may be lost with the process.
    pub fn record(&self, event: StageEvent) -> Result<(), StoreFull> {
        self.0.stages.try_send(StageJob::Event(event)).map_err(|_| StoreFull)
    }

    /// Registers, or finds the registration that lives; committed before it answers.
    pub async fn subscribe(
        &self,
        device: u64,
        environment: Environment,
        topic_no: u32,
        instance: Option<&str>,
    ) -> Result<Subscribed, StoreError> {
        let instance = instance.unwrap_or_default().to_owned();
        let subscription = Subscription { device, environment, topic_no, instance };
        self.call(move |scope| subscription.subscribe(scope)).await
    }

    /// Ends the registration and what is stored for it; answers since when, or `None` if there was none.
    pub async fn unsubscribe(
        &self,
        device: u64,
        environment: Environment,
        topic_no: u32,
        instance: Option<&str>,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let instance = instance.unwrap_or_default().to_owned();
        let subscription = Subscription { device, environment, topic_no, instance };
        self.call(move |scope| subscription.unsubscribe(scope)).await
    }

    /// The registration that lives under this name, and its number.
    pub async fn registration(
        &self,
        device: u64,
        environment: Environment,
        topic_no: u32,
        instance: Option<&str>,
    ) -> Result<Option<(RegistrationKey, u32)>, StoreError> {
        let instance = instance.unwrap_or_default().to_owned();
        let subscription = Subscription { device, environment, topic_no, instance };
        self.call(move |scope| Ok(subscription.find(scope.connection)?)).await
    }

    /// Whether each registration lives; those that have ended are told by the feedback service once more.
    pub(crate) async fn stand(&self, keys: Vec<RegistrationKey>) -> Result<Vec<Standing>, StoreError> {
        self.call(move |scope| feedback::stand(scope.connection, &keys)).await
    }

    /// What the feedback service tells of a topic after number `after`, the oldest first, at most so many.
    pub(crate) async fn feedback(
        &self,
        environment: Environment,
        topic_no: u32,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Gone>, StoreError> {
        self.call(move |scope| feedback::page(scope.connection, environment, topic_no, after, limit)).await
    }

    /// A provider has read what the feedback service told up to number `up_to`.
    pub(crate) async fn feedback_read(
        &self,
        environment: Environment,
        topic_no: u32,
        up_to: u64,
    ) -> Result<(), StoreError> {
        while !self.call(move |scope| feedback::clear(scope.connection, environment, topic_no, up_to)).await?
        {
        }
        Ok(())
    }

    /// The stored notification of a registration, unless it has expired.
    pub async fn newest(&self, registration_no: u32) -> Result<Option<StoredNotification>, StoreError> {
        self.call(move |scope| Ok(scope.live.take_newest(scope.connection, registration_no, scope.now)?))
            .await
    }

    /// These rows of registrations, in this order; `None` for one that lives no more.
    pub(crate) async fn kept(
        &self,
        rows: Vec<(u32, u64)>,
    ) -> Result<Vec<Option<Arc<Notification>>>, StoreError> {
        self.call(move |scope| {
            let read = |(registration_no, seq)| scope.live.find(scope.connection, registration_no, seq);
            let found: rusqlite::Result<Vec<_>> = rows.into_iter().map(read).collect();
            Ok(found?.into_iter().map(|row| row.map(|row| row.notification)).collect())
        })
        .await
    }

    /// Whether this notification was accepted for this registration, so that a receipt may speak of it.
    pub async fn was_sent(&self, registration_no: u32, seq: u64) -> Result<bool, StoreError> {
        self.search(move |search| search.was_accepted_for(registration_no, seq)).await
    }

    /// Admits a device.
    pub async fn enrol(&self, enrolment_key: &str) -> Result<Enrolled, EnrolError> {
        let key = zeroize::Zeroizing::new(enrolment_key.to_owned());
        self.call(move |scope| devices::enrol(scope, &key)).await?
    }

    /// Admits a device that gets a certificate instead of a secret; answers its number.
    pub async fn enrol_certified(&self, enrolment_key: &str) -> Result<u64, EnrolError> {
        let key = zeroize::Zeroizing::new(enrolment_key.to_owned());
        self.call(move |scope| devices::enrol_certified(scope, &key)).await?
    }

    /// A registration whose device is always away: nobody enrolled it, nobody can connect as it.
    pub(crate) async fn register_deviceless(
        &self,
        environment: Environment,
        topic_no: u32,
    ) -> Result<RegistrationKey, StoreError> {
        self.call(move |scope| {
            let device = devices::put_absent(scope)?;
            let subscription = Subscription { device, environment, topic_no, instance: String::new() };
            Ok(subscription.subscribe(scope)?.registration)
        })
        .await
    }

    /// What the device may do, if this is its secret.
    pub async fn authenticate(&self, device: u64, secret: &str) -> Result<Option<DeviceRights>, StoreError> {
        let secret = zeroize::Zeroizing::new(secret.to_owned());
        self.call(move |scope| devices::authenticate(scope.connection, device, Some(&secret))).await
    }

    /// What the device may do; `None` if it is enrolled no more. The caller has seen its certificate.
    pub async fn rights_of(&self, device: u64) -> Result<Option<DeviceRights>, StoreError> {
        self.call(move |scope| devices::authenticate(scope.connection, device, None)).await
    }

    /// Ends the device and everything it held; `false` if there is none. The caller has authenticated it.
    pub async fn remove_device(&self, device: u64) -> Result<bool, StoreError> {
        self.call(move |scope| devices::remove(scope, device)).await
    }

    /// How many devices are enrolled.
    pub async fn device_count(&self) -> Result<u64, StoreError> {
        self.call(|scope| Ok(devices::count(scope.connection)?)).await
    }

    /// The traces asked for, the first accepted first; includes everything answered before the call.
    pub async fn trace(&self, query: TraceQuery, limit: usize) -> Result<Vec<Trace>, StoreError> {
        self.write_tallies().await?;
        self.search(move |search| search.traces(&query, limit)).await
    }

    /// Waits until everything handed over before is in the files.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.call(|_| Ok(())).await?;
        let (reply, answer) = tokio::sync::oneshot::channel();
        let stages = self.0.stages.clone();
        // Its queue may be full: this waits its turn, on a thread where that disturbs nobody.
        let asked = tokio::task::spawn_blocking(move || stages.send(StageJob::Flush(reply))).await;
        asked.map_err(|_| StoreError::Closed)?.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `work` in the next batch's transaction; answers after the commit.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Scope<'_>) -> Result<T, CallError> + Send + 'static,
    {
        let (call, answer) = CallJob::boxed(self.0.dir.join(LOG_FILE), work);
        self.0.log.try_send(Job::Call(call)).map_err(|_| StoreError::Busy)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn search<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Search) -> rusqlite::Result<T> + Send + 'static,
    {
        self.flush().await?;
        let (dir, now) = (self.0.dir.clone(), self.0.clock.now());
        let search = move || {
            let log = file::open_reader(&dir, LOG_FILE)?;
            let stages = file::open_reader(&dir, STAGES_FILE)?;
            work(&Search { log, stages, now }).map_err(|error| file::explain(&dir, error))
        };
        tokio::task::spawn_blocking(search).await.map_err(|_| StoreError::Closed)?
    }
}

/// Allots numbers, and wakes the writer when more must be reserved.
#[derive(Clone, Copy)]
pub struct Seqs<'a>(&'a Inner);

impl std::fmt::Debug for Seqs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.seqs.fmt(f)
    }
}

impl Seqs<'_> {
    /// The next number. `Err` when the reserve is used up faster than the writer renews it.
    pub fn next(self) -> Result<u64, StoreFull> {
        let next = self.0.seqs.next();
        if self.0.seqs.should_ask() && self.0.log.try_send(Job::Wake).is_err() {
            // The writer is busy; it looks by itself before each batch.
            tracing::debug!("the writer will reserve numbers before its next batch");
        }
        next
    }
}

impl Inner {
    fn close(&self) {
        let Some(running) = lock(&self.running).take() else { return };
        let counts = self.tallies.take();
        let write = move |scope: &mut Scope<'_>| Ok(tally::write(scope.connection, &counts)?);
        // An error means that the thread has ended already.
        let _ = self.log.send(Job::Call(CallJob::boxed(self.dir.join(LOG_FILE), write).0));
        let _ = self.log.send(Job::Close);
        let _ = running.log.join();
        let _ = self.stages.send(StageJob::Close);
        let _ = running.stages.join();
        self.readers.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(dir: &Path, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| StoreError::Io { path: dir.to_owned(), source })
}

/// Rebuilds what the writer knows. Answers the first number that was never reserved.
fn start_log(connection: &rusqlite::Connection, now: UnixMillis) -> rusqlite::Result<(Live, u64)> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let live = Live::rebuild(connection, now)?;
    connection.execute_batch("COMMIT")?;
    let limit: Option<i64> = connection
        .query_row("SELECT value FROM meta WHERE key = 'seq_limit'", [], |row| row.get(0))
        .optional()?;
    Ok((live, limit.map_or(1, row::unsigned)))
}

/// Hands the second file what the start has ended, and after a crash all that it may lack: labels above a number, and the
/// ends that were not folded yet.
fn hand_over_again(
    connection: &rusqlite::Connection,
    live: &mut Live,
    labels_missing_above: Option<u64>,
    stages: &mut StageWriter,
) -> rusqlite::Result<()> {
    let mut ended = std::mem::take(&mut live.ended);
    if let Some(above) = labels_missing_above {
        label_again(connection, above, stages)?;
        ended = log::unfolded(connection)?;
    }
    stages.ended_again(&ended)?;
    log::all_handed_over(connection)
}

fn label_again(
    connection: &rusqlite::Connection,
    above: u64,
    stages: &mut StageWriter,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT seq, registration_no, apns_id FROM notifications WHERE seq > ?1 \
         UNION ALL SELECT seq, registration_no, apns_id FROM ended WHERE seq > ?1",
    )?;
    let mut rows = query.query([row::signed(above)])?;
    while let Some(row) = rows.next()? {
        let Some(registration) = registrations::key_of(connection, row.get(1)?)? else { continue };
        let apns_id = label::unpack(row.get_ref(2)?.as_blob()?).unwrap_or_default().into();
        stages.label_again(Kept { seq: row::unsigned(row.get(0)?), registration, apns_id })?;
    }
    Ok(())
}
