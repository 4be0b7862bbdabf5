//! The writer of the first file: one thread that drains the queue in batches, commits each batch once and then answers.
//! What a job does to the tables stands in the job's own module.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use homing_clock::Clock;
use homing_trace::{Reason, Stage, UnixMillis};
use rusqlite::Connection;

use super::checkpoint::Checkpoints;
use super::error::StoreError;
use super::file::{LOG_FILE, explain};
use super::fold;
use super::hot::{Answer, AnswerSink, Append, Appended, End, Place, StageEvent};
use super::log::{Ending, Live};
use super::registrations::{self, Standing};
use super::seq::SeqAllotter;
use super::stages::{Kept, StageJob};

/// Jobs in one transaction; bounds the time until an answer and the memory of a batch.
const BATCH: usize = 2_048;
/// Payload bytes after which a batch is closed.
const BATCH_BYTES: usize = 8 << 20;
/// Rows moved out of the log in one go, between batches and when there is nothing else to do.
const FOLD_ROWS: u32 = 512;
const IDLE: Duration = Duration::from_millis(500);
/// How long the sweep waits for a quiet moment.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// What the queue carries.
pub(crate) enum Job {
    Append(Append),
    End(End),
    Call(Box<dyn Call>),
    /// Only to look whether numbers must be reserved.
    Wake,
    Close,
}

/// A job that is rare enough to be a closure: it runs in the batch's transaction and is answered after the commit.
pub(crate) trait Call: Send {
    fn run(&mut self, scope: &mut Scope<'_>);
    fn finish(self: Box<Self>, committed: Result<(), &str>);
}

/// What a job may use.
pub(crate) struct Scope<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) live: &'a mut Live,
    pub(crate) rates: &'a mut super::devices::Rates,
    pub(crate) now: UnixMillis,
}

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) appends_waiting: Arc<AtomicUsize>,
    pub(crate) path: PathBuf,
    pub(crate) live: Live,
    pub(crate) rates: super::devices::Rates,
    pub(crate) seqs: Arc<SeqAllotter>,
    pub(crate) clock: Clock,
    pub(crate) answers: Vec<Arc<dyn AnswerSink>>,
    pub(crate) stages: SyncSender<StageJob>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) sweep: fold::Sweep,
    pub(crate) swept: Instant,
    /// The number of the last end that the second file has.
    pub(crate) ends_written: Arc<AtomicU64>,
}

/// What one batch owes when it is committed.
#[derive(Default)]
struct Owed {
    answers: Vec<(usize, Answer)>,
    calls: Vec<Box<dyn Call>>,
    kept: Vec<Kept>,
    once: Vec<StageEvent>,
    failed: Option<String>,
}

impl Writer {
    pub(crate) fn run(mut self, queue: &Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        loop {
            match queue.recv_timeout(IDLE) {
                Ok(job) => {
                    jobs.push(job);
                    let mut bytes = 0;
                    while jobs.len() < BATCH && bytes < BATCH_BYTES {
                        let Ok(job) = queue.try_recv() else { break };
                        if let Job::Append(append) = &job {
                            bytes += append.notification.payload.len();
                        }
                        jobs.push(job);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.reserve();
            let close = jobs.iter().any(|job| matches!(job, Job::Close));
            if !jobs.is_empty() {
                self.batch(&mut jobs);
                self.checkpoints.between_batches(&self.connection);
            }
            if close {
                break;
            }
        }
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, file = LOG_FILE, "the last checkpoint failed; the next start will make up for it");
        }
    }

    /// Reserves more numbers, durably, before anybody may use them.
    pub(crate) fn reserve(&mut self) {
        let Some(limit) = self.seqs.wanted_limit() else { return };
        let kept = self
            .connection
            .prepare_cached(
                "INSERT INTO meta VALUES ('seq_limit', ?1) ON CONFLICT(key) DO UPDATE SET value = ?1",
            )
            .and_then(|mut statement| statement.execute([super::row::signed(limit)]));
        match kept {
            Ok(_) => self.seqs.reserved_up_to(limit),
            Err(error) => {
                tracing::error!(%error, file = LOG_FILE, "no numbers for notifications could be reserved")
            }
        }
    }

    fn batch(&mut self, jobs: &mut Vec<Job>) {
        let now = self.clock.now();
        let mut owed = Owed::default();
        if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
            owed.failed = Some(error.to_string());
        }
        let writes = jobs.len();
        let appends = jobs.iter().filter(|job| matches!(job, Job::Append(_))).count();
        self.appends_waiting.fetch_sub(appends, Ordering::AcqRel);
        for job in jobs.drain(..) {
            self.apply(job, now, &mut owed);
        }
        if owed.failed.is_none()
            && let Err(error) = self.tidy(now)
        {
            owed.failed = Some(error.to_string());
        }
        if owed.failed.is_none()
            && let Err(error) = self.connection.execute_batch("COMMIT")
        {
            owed.failed = Some(error.to_string());
        }
        if owed.failed.is_some() {
            self.roll_back(now, owed.failed.as_deref().unwrap_or_default());
        }
        self.checkpoints.wrote(writes);
        self.settle(owed);
    }

    /// Bounded work within a batch, so that it is done where no moment is quiet.
    fn tidy(&mut self, now: UnixMillis) -> rusqlite::Result<()> {
        let written = self.ends_written.load(Ordering::Acquire);
        if self.live.foldable(written) >= u64::from(FOLD_ROWS) {
            fold::fold(&self.connection, &mut self.live, FOLD_ROWS * 2, written)?;
        }
        if self.swept.elapsed() >= SWEEP_EVERY {
            self.swept = Instant::now();
            self.sweep.step(&self.connection, &mut self.live, now)?;
        }
        Ok(())
    }

    /// The index in memory has run ahead of the file: read it anew.
    fn roll_back(&mut self, now: UnixMillis, error: &str) {
        tracing::error!(error, file = LOG_FILE, "a batch could not be committed; its requests fail");
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, file = LOG_FILE, "the batch could not be rolled back");
        }
        if let Err(error) = self.live.take_back(&self.connection, 0) {
            tracing::error!(%error, at = %now, file = LOG_FILE, "the index of live notifications could not be read");
        }
    }

    fn apply(&mut self, job: Job, now: UnixMillis, owed: &mut Owed) {
        match job {
            Job::Append(append) => {
                let (core, ticket) = (append.core, append.ticket);
                let result = match owed.failed {
                    Some(_) => Ok(Appended::Failed),
                    None => self.append(append, now, owed),
                };
                let result = result.unwrap_or_else(|error| {
                    owed.failed = Some(error.to_string());
                    Appended::Failed
                });
                owed.answers.push((core, Answer { ticket, result }));
            }
            Job::End(end) => {
                let ending = Ending::new(end.stage, end.reason, end.at).of(end.registration);
                if owed.failed.is_none()
                    && let Err(error) = self.live.end(&self.connection, end.registration_no, end.seq, &ending)
                {
                    owed.failed = Some(error.to_string());
                }
            }
            Job::Call(mut call) => {
                if owed.failed.is_none() {
                    call.run(&mut Scope {
                        connection: &self.connection,
                        live: &mut self.live,
                        rates: &mut self.rates,
                        now,
                    });
                }
                owed.calls.push(call);
            }
            Job::Wake | Job::Close => {}
        }
    }

    fn append(&mut self, append: Append, now: UnixMillis, owed: &mut Owed) -> rusqlite::Result<Appended> {
        let Append { place, notification, .. } = append;
        match place {
            Place::Queued { registration, registration_no, seq } => {
                if let Some(since) = self.live.registration_ended(registration_no) {
                    return Ok(Appended::Unregistered { since });
                }
                self.live.append(&self.connection, (registration_no, seq), &notification, Some(now))?;
                owed.kept.push(Kept { seq, registration, apns_id: notification.apns_id.clone() });
                Ok(Appended::Stored { seq, replaced: None })
            }
            Place::Away { registration } => {
                let registration_no = match registrations::standing(&self.connection, &registration)? {
                    Standing::Never => return Ok(Appended::NeverRegistered),
                    Standing::Ended(since) => return Ok(Appended::Unregistered { since }),
                    Standing::Lives(registration_no) => registration_no,
                };
                let Ok(seq) = self.seqs.next() else { return Ok(Appended::Failed) };
                let Some(expires_at) = notification.expires_at() else {
                    owed.once.push(StageEvent::Accepted { seq, registration, notification });
                    let reason = Some(Reason::DEVICE_AWAY);
                    owed.once.push(StageEvent::Reached {
                        seq,
                        registration,
                        stage: Stage::Discarded,
                        reason,
                        at: now,
                    });
                    return Ok(Appended::Over { seq });
                };
                owed.kept.push(Kept { seq, registration, apns_id: notification.apns_id.clone() });
                let row = (registration_no, seq);
                if expires_at <= now {
                    // It may push nothing out that can still be delivered.
                    let ending = Ending::new(Stage::Expired, None, now).of(registration);
                    self.live.append(&self.connection, row, &notification, None)?;
                    self.live.end(&self.connection, registration_no, seq, &ending)?;
                    return Ok(Appended::Over { seq });
                }
                let ending = Ending::new(Stage::Replaced, None, now).of(registration);
                let replaced = self.live.end_all(&self.connection, registration_no, &ending)?;
                self.live.append(&self.connection, row, &notification, Some(now))?;
                Ok(Appended::Stored { seq, replaced })
            }
        }
    }

    /// After the commit, or after its failure: everybody who waits hears of it.
    fn settle(&mut self, owed: Owed) {
        let mut per_core: Vec<Vec<Answer>> = self.answers.iter().map(|_| Vec::new()).collect();
        for (core, mut answer) in owed.answers {
            if owed.failed.is_some() {
                answer.result = Appended::Failed;
            }
            if let Some(answers) = per_core.get_mut(core) {
                answers.push(answer);
            }
        }
        for (sink, answers) in self.answers.iter().zip(per_core) {
            if !answers.is_empty() {
                sink.take(answers);
            }
        }
        if owed.failed.is_none() {
            self.hand_over(owed.kept, owed.once);
        }
        for call in owed.calls {
            call.finish(owed.failed.as_deref().map_or(Ok(()), Err));
        }
    }

    /// What was committed goes to the second writer.
    fn hand_over(&mut self, kept: Vec<Kept>, events: Vec<StageEvent>) {
        let ended = std::mem::take(&mut self.live.ended);
        if !(kept.is_empty() && events.is_empty() && ended.is_empty()) {
            // Waits when the second writer is behind, so that a label always leads to its row.
            let _ = self.stages.send(StageJob::FromLog { kept, events, ended });
        }
    }

    /// Bounded work for quiet moments.
    fn idle(&mut self) {
        let now = self.clock.now();
        let written = self.ends_written.load(Ordering::Acquire);
        self.swept = Instant::now();
        let step = || -> rusqlite::Result<()> {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            fold::fold(&self.connection, &mut self.live, FOLD_ROWS * 8, written)?;
            self.sweep.step(&self.connection, &mut self.live, now)?;
            self.connection.execute_batch("COMMIT")
        }();
        match step {
            Ok(()) => self.hand_over(Vec::new(), Vec::new()),
            Err(error) => self.roll_back(now, &explain(&self.path, error).to_string()),
        }
        self.checkpoints.idle(&self.connection);
    }
}

/// A call as a closure, with the oneshot that waits for it.
pub(crate) struct CallJob<F, T> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: Option<tokio::sync::oneshot::Sender<Result<T, StoreError>>>,
    path: PathBuf,
}

impl<F, T> CallJob<F, T>
where
    F: FnOnce(&mut Scope<'_>) -> Result<T, CallError> + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn boxed(
        path: PathBuf,
        work: F,
    ) -> (Box<dyn Call>, tokio::sync::oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        (Box::new(Self { work: Some(work), result: None, reply: Some(reply), path }), answer)
    }
}

/// What a closure may fail with.
pub(crate) enum CallError {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for CallError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<F, T> Call for CallJob<F, T>
where
    F: FnOnce(&mut Scope<'_>) -> Result<T, CallError> + Send + 'static,
    T: Send + 'static,
{
    /// A call that fails takes back what it wrote, and nothing of its neighbours'.
    fn run(&mut self, scope: &mut Scope<'_>) {
        let Some(work) = self.work.take() else { return };
        let connection = scope.connection;
        let ended = scope.live.ended.len();
        let result = connection.execute_batch("SAVEPOINT call").map_err(CallError::from).and_then(|()| {
            let result = work(scope);
            let end = if result.is_ok() { "RELEASE call" } else { "ROLLBACK TO call; RELEASE call" };
            connection.execute_batch(end)?;
            result
        });
        if matches!(result, Err(CallError::Sqlite(_))) {
            // What the call had done to the index was taken back in the file only.
            let _ = scope.live.take_back(connection, ended);
        }
        self.result = Some(result.map_err(|error| match error {
            CallError::Sqlite(error) => explain(&self.path, error),
            CallError::Store(error) => error,
        }));
    }

    fn finish(mut self: Box<Self>, committed: Result<(), &str>) {
        let result = match committed {
            Ok(()) => self.result.take().unwrap_or(Err(StoreError::Closed)),
            Err(error) => Err(StoreError::Commit { path: self.path.clone(), detail: error.to_owned() }),
        };
        if let Some(reply) = self.reply.take() {
            // Whoever asked may have gone.
            let _ = reply.send(result);
        }
    }
}
