//! The SDK's file in the app's data container: what is kept, written in one step. It holds identity tokens, so only its
//! owner may read it. Two runs of an app, of which one is just ending, never have it at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::state::Kept;

const NAME: &str = "homing-provider.json";
/// Whoever holds the lock on this file has the other.
const LOCK: &str = "homing-provider.lock";
/// How long the app's last run may take to end, and how often that is looked at.
const LOCK_DEADLINE: Duration = Duration::from_secs(10);
const LOCK_LOOK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    container: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl StateFile {
    /// Waits until the app's last run has let go of it.
    pub(super) async fn take(container: &Path) -> std::io::Result<Self> {
        let path = container.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let taken = async {
            let mut look = tokio::time::interval(LOCK_LOOK);
            loop {
                look.tick().await;
                match lock.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
        };
        match tokio::time::timeout(LOCK_DEADLINE, taken).await {
            Ok(taken) => taken?,
            Err(_) => return Err(std::io::Error::other("another run of the app doesn't let go of it")),
        }
        Ok(Self { path: container.join(NAME), container: container.to_owned(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the last run left. A file that can't be read counts as none: then nobody is signed in, and nothing that is
    /// for a user is shown.
    pub(super) fn read(&self) -> Kept {
        let read = match std::fs::read(&self.path) {
            Ok(json) => serde_json::from_slice(&json).map_err(std::io::Error::from),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Kept::default(),
            Err(error) => Err(error),
        };
        read.unwrap_or_else(|error| {
            tracing::warn!(path = %self.path.display(), %error, "who was signed in can't be read; nobody is");
            Kept::default()
        })
    }

    /// On disk when this returns, which may take the disk's time.
    pub(super) fn write(&self, kept: &Kept) -> std::io::Result<()> {
        let next = self.path.with_extension("next");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        // The new name is on disk once its directory is.
        File::open(&self.container)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn two_runs_never_have_it_at_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = StateFile::take(dir.path()).await.expect("it is free");
        let mut second = Box::pin(StateFile::take(dir.path()));
        let waits = tokio::time::timeout(Duration::from_millis(50), &mut second).await;
        assert!(waits.is_err(), "the first has it");
        drop(first);
        second.await.expect("it is free again");
    }

    #[tokio::test]
    async fn what_is_written_is_read_by_its_owner_and_a_broken_file_is_nobody() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = StateFile::take(dir.path()).await.expect("it is free");
        assert!(file.read() == Kept::default());
        let mut kept = Kept::default();
        kept.signed_in("ann", "jwt".to_owned());
        file.write(&kept).expect("it is written");
        assert!(file.read() == kept);
        let mode = std::fs::metadata(file.path()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(file.path(), "{").expect("it is written");
        assert!(file.read() == Kept::default());
    }
}
