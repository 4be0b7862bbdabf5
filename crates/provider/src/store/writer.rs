//! The writer: one thread that drains the queue in batches, commits each batch once, lets what follows from it happen,
//! and then answers. What a job does to the tables is the caller's affair.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use homing_clock::Clock;
use homing_trace::UnixMillis;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::StoreError;

/// Jobs in one transaction; bounds the time until an answer.
const BATCH: usize = 512;

/// What is to happen in memory once the batch is committed, before anybody is answered.
pub(crate) type Effect = Box<dyn FnOnce() + Send>;

/// What a job may use.
pub(crate) struct Scope<'a> {
    pub(crate) connection: &'a Connection,
    /// The batch's time.
    pub(crate) now: UnixMillis,
    effects: &'a mut Vec<Effect>,
}

impl Scope<'_> {
    /// After the commit, in the order of the jobs, `effect` happens; not if the job or the commit fails.
    pub(crate) fn afterwards(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push(Box::new(effect));
    }
}

/// What the queue carries.
pub(super) enum Job {
    Call(Box<dyn Call>),
    Close,
}

/// A closure that runs in the batch's transaction, and somebody who waits for its answer.
pub(super) trait Call: Send {
    fn run(&mut self, scope: &mut Scope<'_>);
    fn finish(self: Box<Self>, committed: Result<(), &str>);
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) clock: Clock,
}

impl Writer {
    pub(super) fn run(self, queue: &Receiver<Job>) {
        let mut calls = Vec::with_capacity(BATCH);
        let mut open = true;
        while open {
            match queue.recv() {
                Ok(Job::Call(call)) => calls.push(call),
                Ok(Job::Close) | Err(_) => open = false,
            }
            while open && calls.len() < BATCH {
                match queue.try_recv() {
                    Ok(Job::Call(call)) => calls.push(call),
                    Ok(Job::Close) => open = false,
                    Err(_) => break,
                }
            }
            if !calls.is_empty() {
                self.batch(&mut calls);
            }
        }
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the last checkpoint failed; the next start will make up for it");
        }
    }

    fn batch(&self, calls: &mut Vec<Box<dyn Call>>) {
        let mut effects = Vec::new();
        let failed = self.transact(calls, &mut effects).err();
        match &failed {
            None => effects.into_iter().for_each(|effect| effect()),
            Some(error) => self.roll_back(error),
        }
        for call in calls.drain(..) {
            call.finish(failed.as_deref().map_or(Ok(()), Err));
        }
    }

    /// Says why nothing of the batch is written, if it isn't.
    fn transact(&self, calls: &mut [Box<dyn Call>], effects: &mut Vec<Effect>) -> Result<(), String> {
        let sql = |text: &str| self.connection.execute_batch(text).map_err(|error| error.to_string());
        sql("BEGIN IMMEDIATE")?;
        let now = self.clock.now();
        for call in calls {
            call.run(&mut Scope { connection: &self.connection, now, effects });
            // After a full disk SQLite may have rolled back all of it; the next call would be in a transaction of its own.
            if self.connection.is_autocommit() {
                return Err("SQLite has rolled it back".to_owned());
            }
        }
        sql("COMMIT")
    }

    fn roll_back(&self, error: &str) {
        tracing::error!(error, "a batch could not be committed; its requests fail");
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the batch could not be rolled back");
        }
    }
}

/// A call as a closure, with the oneshot that waits for it.
pub(super) struct CallJob<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> CallJob<F, T, E>
where
    F: FnOnce(&mut Scope<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    pub(super) fn boxed(work: F) -> (Box<dyn Call>, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Self { work: Some(work), result: None, reply }), answer)
    }
}

impl<F, T, E> Call for CallJob<F, T, E>
where
    F: FnOnce(&mut Scope<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    /// A call that fails takes back what it wrote, and nothing of its neighbours'.
    fn run(&mut self, scope: &mut Scope<'_>) {
        let Some(work) = self.work.take() else { return };
        let (connection, effects) = (scope.connection, scope.effects.len());
        let sql = |text: &str| connection.execute_batch(text).map_err(|error| E::from(error.into()));
        let result = sql("SAVEPOINT call").and_then(|()| {
            // What it had written is rolled back, and the connection is whole: a statement that began has ended.
            let result = catch_unwind(AssertUnwindSafe(|| work(scope)))
                .unwrap_or_else(|_| Err(StoreError::Panicked.into()));
            sql(if result.is_ok() { "RELEASE call" } else { "ROLLBACK TO call; RELEASE call" })?;
            result
        });
        if result.is_err() {
            scope.effects.truncate(effects);
        }
        self.result = Some(result);
    }

    fn finish(self: Box<Self>, committed: Result<(), &str>) {
        let Self { result, reply, .. } = *self;
        let result = match committed {
            Ok(()) => result.unwrap_or_else(|| Err(StoreError::Closed.into())),
            Err(detail) => Err(StoreError::Commit { detail: detail.to_owned() }.into()),
        };
        // Whoever asked may have gone.
        let _ = reply.send(result);
    }
}
