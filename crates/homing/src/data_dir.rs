//! The data directory: where it is, that it is ours alone, and the keys that are made once and kept in it.
//!
//! What each role keeps inside its own folder is left to the role.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Version of the layout below; a newer one is refused, so that an older binary can't damage it.
const LAYOUT_VERSION: u32 = 1;

/// `given`, or `$XDG_DATA_HOME/homing`, or `~/.local/share/homing`.
pub(crate) fn or_default(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("homing")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/homing")))
        .context(
            "no data directory: neither XDG_DATA_HOME nor HOME is set\nhint: name one with --data-dir DIR",
        )
}

/// A data directory that no other process uses while this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it isn't there, and takes it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("can't make the data directory {shown}"))?;
        let path = path.canonicalize().with_context(|| format!("can't use the data directory {shown}"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("the data directory {shown} isn't ours to close to others"))?;
        let lock = private_file(&path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data directory {shown} is in use by another Homing\n\
                 hint: stop that one, or name another directory with --data-dir DIR"
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("can't lock the data directory {shown}"));
            }
        }
        let dir = Self { path, _lock: lock };
        dir.check_version()?;
        Ok(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn check_version(&self) -> anyhow::Result<()> {
        let path = self.path.join("version");
        let found = read_if_there(&path)?;
        match found.as_deref().map(|text| text.trim().parse::<u32>()) {
            None => self.write_private("version", LAYOUT_VERSION.to_string().as_bytes()).map(|_| ()),
            Some(Ok(LAYOUT_VERSION)) => Ok(()),
            Some(Ok(newer)) if newer > LAYOUT_VERSION => bail!(
                "the data directory {} is of version {newer}, newer than this Homing, which reads version \
                 {LAYOUT_VERSION}; nothing was changed\nhint: use the newer Homing, or another directory with \
                 --data-dir DIR",
                self.path.display()
            ),
            Some(_) => bail!(
                "{} doesn't hold a version number\nhint: if this isn't a data directory of Homing, name another one \
                 with --data-dir DIR",
                path.display()
            ),
        }
    }

    /// The key called `name`: 32 random bytes in hex, made at first use and kept.
    pub(crate) fn key(&self, name: &str) -> anyhow::Result<String> {
        if let Some(kept) = read_if_there(&self.path.join(name))? {
            return Ok(kept.trim().to_owned());
        }
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
        let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.write_private(name, key.as_bytes())?;
        Ok(key)
    }

    /// Writes a file that only its owner can read, in one step.
    pub(crate) fn write_private(&self, name: &str, content: &[u8]) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        let mut next = path.clone().into_os_string();
        next.push(".next");
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
            file.write_all(content)?;
            file.sync_all()?;
            std::fs::rename(&next, &path)
        };
        write().with_context(|| format!("can't write {}", path.display()))?;
        Ok(path)
    }

    /// Makes the folder `name`, open to its owner only.
    pub(crate) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("can't make the folder {}", path.display()))?;
        Ok(path)
    }
}

fn private_file(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("can't open {}", path.display()))
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_string(&mut text).with_context(|| format!("can't read {}", path.display()))?;
            Ok(Some(text))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(taken: anyhow::Result<DataDir>) -> String {
        format!("{:#}", taken.expect_err("it is refused"))
    }

    #[test]
    fn a_directory_in_use_is_refused_and_free_again_after() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let taken = DataDir::take(dir.path()).expect("it is free");
        assert!(error_of(DataDir::take(dir.path())).contains("in use"));
        drop(taken);
        DataDir::take(dir.path()).expect("it is free again");
    }

    #[test]
    fn a_newer_directory_is_refused_untouched() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("version"), "999").expect("it is written");
        assert!(error_of(DataDir::take(dir.path())).contains("version 999"));
        assert_eq!(std::fs::read_to_string(dir.path().join("version")).expect("it is there"), "999");
    }

    #[test]
    fn a_key_is_made_once() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let taken = DataDir::take(dir.path()).expect("it is free");
        let key = taken.key("device-api.key").expect("it is made");
        assert_eq!(key.len(), 64);
        assert_eq!(taken.key("device-api.key").expect("it is kept"), key);
        let mode = std::fs::metadata(taken.join("device-api.key")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
