//! Moves the write-ahead log back into the database without making the writer wait: most of the copying is done by a
//! thread of its own, the rest by the writer between two batches.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use rusqlite::Connection;

use super::error::StoreError;

/// Rows after which a checkpoint is due: some 60 MB of log.
const ROWS: usize = 60_000;

/// The writer's side.
pub(crate) struct Checkpoints {
    since: usize,
    asked: bool,
    ready: Arc<AtomicBool>,
    ask: SyncSender<()>,
}

impl Checkpoints {
    /// Starts the thread; it ends when this is dropped.
    pub(crate) fn start(dir: &Path, name: &'static str) -> Result<Self, StoreError> {
        let path = dir.join(name);
        let connection =
            Connection::open(&path).map_err(|source| StoreError::Sqlite { path: path.clone(), source })?;
        let (ask, asked) = sync_channel::<()>(1);
        let ready = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&ready);
        std::thread::Builder::new()
            .name("homing-checkpoint".to_owned())
            .spawn(move || {
                while asked.recv().is_ok() {
                    checkpoint(&connection);
                    done.store(true, Ordering::Release);
                }
            })
            .map_err(|source| StoreError::Io { path, source })?;
        Ok(Self { since: 0, asked: false, ready, ask })
    }

    pub(crate) fn wrote(&mut self, rows: usize) {
        self.since += rows;
    }

    pub(crate) fn between_batches(&mut self, connection: &Connection) {
        if self.asked && self.ready.swap(false, Ordering::AcqRel) {
            // Little is left, and with nobody writing the log starts again at its beginning.
            checkpoint(connection);
            self.asked = false;
            self.since = 0;
        } else if !self.asked && self.since >= ROWS {
            self.asked = self.ask.try_send(()).is_ok();
        }
    }

    pub(crate) fn idle(&mut self, connection: &Connection) {
        if !self.asked && self.since > 0 {
            checkpoint(connection);
            self.since = 0;
        }
    }
}

fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "a checkpoint failed; it will be tried again");
    }
}
