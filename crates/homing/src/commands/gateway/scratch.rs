//! The directory of an ephemeral push service: made for one process, gone with it, however it ends.
//!
//! A clean end removes it. After `kill -9` a second process does, which waits for nothing but the end of the first: the
//! system closes a pipe between them. Where both were killed, the next ephemeral push service on this machine removes it.

use std::fs::DirBuilder;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};

use crate::data_dir::DataDir;

const PREFIX: &str = "homing-ephemeral-";
/// How old a directory is that may be taken for one that was left behind: its owner has locked it long since.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// The directory, and who removes it if we can't.
pub(super) struct Scratch {
    dir: DataDir,
    sweeper: Option<Child>,
}

impl Scratch {
    /// Below `$TMPDIR`, or /tmp.
    pub(super) fn make() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        remove_left_behind(&parent);
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).context("the system gives no random bytes")?;
        let path = parent.join(format!("{PREFIX}{:016x}", u64::from_le_bytes(random)));
        // Not `recursive`: one that is there is somebody else's.
        DirBuilder::new().mode(0o700).create(&path).with_context(|| {
            format!("can't make {}\nhint: set TMPDIR to a folder that can be written to", path.display())
        })?;
        let sweeper = match start_sweeper(&path) {
            Ok(sweeper) => Some(sweeper),
            Err(error) => {
                tracing::warn!(%error, "nobody will remove {} if this process is killed", path.display());
                None
            }
        };
        Ok(Self { dir: DataDir::take(&path)?, sweeper })
    }

    pub(super) const fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// Removes it.
    pub(super) fn remove(mut self) -> anyhow::Result<()> {
        let path = self.dir.path().to_owned();
        let removed = std::fs::remove_dir_all(&path);
        if let Some(mut sweeper) = self.sweeper.take() {
            drop(sweeper.stdin.take());
            sweeper.wait().context("the sweeper can't be waited for")?;
        }
        removed.with_context(|| format!("can't remove {}", path.display()))
    }
}

/// In a group of its own, so that what is sent to ours doesn't end it too; with no output, so that who reads ours sees its end.
fn start_sweeper(path: &Path) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["gateway", "sweep"])
        .arg(path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// What the second process does: waits until the first is gone, then removes what it left.
pub(super) fn sweep(folder: &Path) -> anyhow::Result<()> {
    if !is_ours(folder) {
        bail!("{} is no directory of an ephemeral push service", folder.display());
    }
    // Nothing is ever said on it.
    std::io::stdin().read_to_end(&mut Vec::new()).context("the pipe can't be read")?;
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_ours(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX))
}

/// Best effort: what can't be removed now is looked at again next time.
fn remove_left_behind(parent: &Path) {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let old: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_ours(path)).collect();
    for path in old.into_iter().filter(|path| is_left_behind(path)) {
        // Whoever lives in it holds its lock; another user's can't be taken.
        if let Ok(_taken) = DataDir::take(&path)
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::debug!(%error, path = %path.display(), "a directory that was left behind stays");
        }
    }
}

fn is_left_behind(path: &Path) -> bool {
    let modified = std::fs::symlink_metadata(path).and_then(|about| about.modified());
    modified.is_ok_and(|at| SystemTime::now().duration_since(at).unwrap_or_default() > LEFT_BEHIND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_name_is_never_swept() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sweep(dir.path()).expect_err("it isn't ours");
        assert!(dir.path().exists());
    }

    #[test]
    fn what_was_left_behind_is_removed_and_what_lives_or_is_new_stays() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let make = |name: &str, is_old: bool| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).expect("it is made");
            std::fs::write(path.join("file"), "x").expect("it is written");
            (path, is_old)
        };
        let made = [make("homing-ephemeral-1", true), make("homing-ephemeral-2", true)];
        let (fresh, other) = (make("homing-ephemeral-3", false).0, make("another-4", true).0);
        let lives = DataDir::take(&made[1].0).expect("it is free");
        for (path, _) in made.iter().chain([&(other.clone(), true)]) {
            let hour_ago = SystemTime::now() - Duration::from_secs(3600);
            let folder = std::fs::File::open(path).expect("it is there");
            folder.set_modified(hour_ago).expect("its time is set");
        }
        remove_left_behind(parent.path());
        assert!(!made[0].0.exists() && fresh.exists() && other.exists());
        assert!(lives.path().join("file").exists(), "somebody lives in it");
    }
}
