//! The files of a backup: copied, and known again. What is no file or directory isn't part of one, and a backup in which
//! such a thing lies was changed by somebody.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{BackupError, attachments_of, data_of, make_dir};

/// The most an app's data may be to go into a backup, in bytes and in files.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;
pub(super) const MAX_FILES: usize = 10_000;
/// What is read in one go.
const CHUNK: usize = 64 * 1024;

/// What was found in a directory and is more than an app may have.
struct Room<'a> {
    app: &'a str,
    bytes: u64,
    files: usize,
}

impl Room<'_> {
    fn take(&mut self, bytes: u64) -> Result<(), BackupError> {
        (self.bytes, self.files) = (self.bytes.saturating_add(bytes), self.files + 1);
        if self.bytes > MAX_BYTES || self.files > MAX_FILES {
            return Err(BackupError::TooLarge { app: self.app.to_owned() });
        }
        Ok(())
    }
}

/// Copies an app's data: directories and regular files; what else lies there isn't data.
pub(crate) fn copy_data(app: &str, from: &Path, to: &Path) -> Result<(), BackupError> {
    let in_files = |source| BackupError::Files { name: app.to_owned(), source };
    let mut room = Room { app, bytes: 0, files: 0 };
    let mut left = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = left.pop() {
        let entries = match std::fs::read_dir(&from) {
            Ok(entries) => entries,
            // An app that never ran has no data.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(in_files(source)),
        };
        make_dir(&to).map_err(in_files)?;
        for entry in entries {
            let entry = entry.map_err(in_files)?;
            let kind = entry.metadata().map_err(in_files)?;
            room.take(kind.len())?;
            let target = to.join(entry.file_name());
            if kind.is_dir() {
                left.push((entry.path(), target));
            } else if kind.is_file() {
                std::fs::copy(entry.path(), target).map_err(in_files)?;
            }
        }
    }
    Ok(())
}

/// Puts what was copied for an app where it is to be, in one step.
pub(crate) fn move_data(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

/// What an app's files in a backup's directory are, as 64 hexadecimal digits.
pub(super) fn digest(name: &str, directory: &Path, app: &str) -> Result<String, BackupError> {
    let mut hash = Sha256::new();
    for root in [data_of(directory, app), attachments_of(directory, app)] {
        add(name, app, &root, &mut hash)?;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Each entry's kind, place and contents, in the order of their places.
fn add(name: &str, app: &str, root: &Path, hash: &mut Sha256) -> Result<(), BackupError> {
    let in_files = |source| BackupError::Files { name: name.to_owned(), source };
    let mut room = Room { app, bytes: 0, files: 0 };
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let kind = match path.symlink_metadata() {
            Ok(kind) => kind,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == root => break,
            Err(source) => return Err(in_files(source)),
        };
        let place = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes();
        hash.update((place.len() as u64).to_be_bytes());
        hash.update(place);
        if kind.is_dir() {
            hash.update([0]);
            let mut inside = std::fs::read_dir(&path)
                .and_then(|entries| {
                    entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()
                })
                .map_err(in_files)?;
            inside.sort();
            left.extend(inside);
        } else if kind.is_file() {
            room.take(kind.len())?;
            hash.update([1]);
            hash.update(kind.len().to_be_bytes());
            contents(&path, hash).map_err(in_files)?;
        } else {
            let why = format!("{} is neither a file nor a directory", path.display());
            return Err(BackupError::Unreadable { name: name.to_owned(), why });
        }
    }
    hash.update([2]);
    Ok(())
}

fn contents(path: &Path, hash: &mut Sha256) -> std::io::Result<()> {
    let mut file = std::fs::File::open(path)?.take(MAX_BYTES);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(()),
            read => hash.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}
