//! The provider's store: one SQLite file, written by one thread in batches, read beside it. That an answer leaves only
//! after its commit is decided here; what is written, by the engine.

mod error;
mod file;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use homing_clock::Clock;
use rusqlite::Connection;
use tokio::sync::Semaphore;

pub use error::StoreError;
pub(crate) use writer::Scope;

use writer::{CallJob, Job, Writer};

/// Calls that wait for the writer, at most.
const QUEUE: usize = 4_096;
/// Reads at a time; the others wait.
const READERS: usize = 8;

/// A handle on the store; clones share it. Dropping the last one closes it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    jobs: SyncSender<Job>,
    readers: Mutex<Vec<Connection>>,
    reading: Semaphore,
    running: Mutex<Option<Running>>,
}

struct Running {
    writer: JoinHandle<()>,
    /// Held until the thread is done.
    _lock: std::fs::File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.0.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or makes the store, and starts its writer. Blocks.
    pub(crate) fn open(dir: PathBuf, clock: Clock) -> Result<Self, StoreError> {
        let lock = file::lock_dir(&dir)?;
        let writer = Writer { connection: file::open(&dir)?, clock };
        let (jobs, queue) = sync_channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("provider-store".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|source| StoreError::Io { path: dir.clone(), source })?;
        tracing::info!(dir = %dir.display(), "the provider's store is open");
        Ok(Self(Arc::new(Inner {
            dir,
            jobs,
            readers: Mutex::default(),
            reading: Semaphore::new(READERS),
            running: Mutex::new(Some(Running { writer, _lock: lock })),
        })))
    }

    /// Runs `work` in the next batch's transaction; answers after the commit. What fails leaves nothing written.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Scope<'_>) -> Result<T, E> + Send + 'static,
    {
        let (call, answer) = CallJob::boxed(work);
        self.0.jobs.try_send(Job::Call(call)).map_err(|error| match error {
            std::sync::mpsc::TrySendError::Full(_) => StoreError::Busy,
            std::sync::mpsc::TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `work` on what is committed, all of it as of one moment.
    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let _permit = self.0.reading.acquire().await.map_err(|_| StoreError::Closed)?;
        let inner = Arc::clone(&self.0);
        let read = move || {
            let idle = lock(&inner.readers).pop();
            let connection = idle.map_or_else(|| file::open_reader(&inner.dir), Ok)?;
            let result = {
                let _snapshot = connection.unchecked_transaction().map_err(StoreError::from)?;
                work(&connection)
            };
            lock(&inner.readers).push(connection);
            result
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Closed)?
    }

    /// Lets what is queued be written and answered, and releases the directory. What is called afterwards fails. Blocks.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

impl Inner {
    fn close(&self) {
        let Some(running) = lock(&self.running).take() else { return };
        self.reading.close();
        // An error means that the thread has ended already.
        let _ = self.jobs.send(Job::Close);
        let _ = running.writer.join();
        lock(&self.readers).clear();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// A panic elsewhere leaves these values whole: each is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
