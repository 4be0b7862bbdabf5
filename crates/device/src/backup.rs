//! Backups of devices: what a user's backup of an iPhone holds, in a directory each. A backup has the apps with their
//! data, permission and pending requests; it has no identity and no device token, so that whatever is restored from it
//! registers anew. What a device makes of one is decided by `phone`.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use homing_local::AppManifest;
use homing_local::manifest::Severity;
use homing_notification_center::Center;
use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::fleet::is_name;

/// The directory in the host's data directory.
const DIRECTORY: &str = "backups";
/// Backups a host keeps at most.
const MAX_BACKUPS: usize = 100;
/// The most an app's data may be to go into a backup, in bytes and in files.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const MAX_FILES: usize = 10_000;

/// Why there is no backup, or none can be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("no backup {0:?} here: GET /v1/backups lists those that are")]
    NotThere(String),
    #[error("{MAX_BACKUPS} backups are the most: remove one (DELETE /v1/backups/…)")]
    TooMany,
    #[error("the data of {app} is more than {MAX_FILES} files or {} MiB: let the app keep less", MAX_BYTES >> 20)]
    TooLarge { app: String },
    #[error("the backup {name:?} can't be read or written: {source}")]
    Files { name: String, source: std::io::Error },
    #[error("the backup {name:?} can't be read: {why}: take another")]
    Unreadable { name: String, why: String },
}

/// A backup, as it is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BackupView {
    /// What restoring names.
    pub(crate) backup: String,
    /// The device it was taken of.
    pub(crate) device: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
    /// Bundle IDs.
    pub(crate) apps: Vec<String>,
}

/// What a backup holds, beside the data of its apps.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Backup {
    pub(crate) device: String,
    pub(crate) at: UnixMillis,
    pub(crate) apps: Vec<BackedUpApp>,
    /// The notification centre's state.
    pub(crate) center: Box<RawValue>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BackedUpApp {
    pub(crate) manifest: AppManifest,
    /// Its data is kept, the app itself isn't there.
    pub(crate) offloaded: bool,
}

/// A backup that was found, with the place of its apps' data.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) backup: Backup,
    directory: PathBuf,
}

impl Found {
    /// Where the data of an app is, if it had any.
    pub(crate) fn data_of(&self, bundle: &str) -> PathBuf {
        data_of(&self.directory, bundle)
    }

    /// Where the files of its attachments are.
    pub(crate) fn attachments_of(&self, bundle: &str) -> PathBuf {
        attachments_of(&self.directory, bundle)
    }
}

/// The backups of a host.
#[derive(Clone, Debug)]
pub(crate) struct Backups {
    directory: PathBuf,
}

impl Backups {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { directory: data_dir.join(DIRECTORY) }
    }

    /// A name that no backup has, and the directory to fill before [`Backups::keep`]. What an earlier one left there,
    /// unfinished, is removed.
    pub(crate) fn begin(&self, device: &str) -> Result<(String, PathBuf), BackupError> {
        if self.names()?.len() >= MAX_BACKUPS {
            return Err(BackupError::TooMany);
        }
        let free = (1..).map(|number: u64| format!("{device}-{number}"));
        let name = free.into_iter().find(|name| !self.directory.join(name).exists()).unwrap_or_default();
        let unfinished = self.directory.join(format!(".{device}"));
        let in_files = |source| BackupError::Files { name: name.clone(), source };
        remove_dir(&unfinished).map_err(in_files)?;
        make_dir(&unfinished).map_err(in_files)?;
        Ok((name, unfinished))
    }

    /// Makes the filled directory the backup of this name.
    pub(crate) fn keep(
        &self,
        name: &str,
        unfinished: &Path,
        backup: &Backup,
    ) -> Result<BackupView, BackupError> {
        let in_files = |source| BackupError::Files { name: name.to_owned(), source };
        let json = serde_json::to_vec(backup)
            .map_err(|error| BackupError::Unreadable { name: name.to_owned(), why: error.to_string() })?;
        let path = unfinished.join("backup.json");
        let write = || {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&json)?;
            file.sync_all()?;
            std::fs::rename(unfinished, self.directory.join(name))?;
            std::fs::File::open(&self.directory)?.sync_all()
        };
        write().map_err(in_files)?;
        Ok(view(name, backup))
    }

    pub(crate) fn all(&self) -> Result<Vec<BackupView>, BackupError> {
        self.names()?.iter().map(|name| Ok(view(name, &self.find(name)?.backup))).collect()
    }

    pub(crate) fn find(&self, name: &str) -> Result<Found, BackupError> {
        let not_there = || BackupError::NotThere(name.to_owned());
        let directory = Some(self.directory.join(name)).filter(|_| is_name(name)).ok_or_else(not_there)?;
        let json = match std::fs::read(directory.join("backup.json")) {
            Ok(json) => json,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(not_there()),
            Err(source) => return Err(BackupError::Files { name: name.to_owned(), source }),
        };
        match serde_json::from_slice(&json) {
            Ok(backup) => Ok(Found { backup, directory }),
            Err(error) => Err(BackupError::Unreadable { name: name.to_owned(), why: error.to_string() }),
        }
    }

    /// One that can be restored, as far as can be seen before anything is given up for it.
    pub(crate) fn find_whole(&self, name: &str) -> Result<Found, BackupError> {
        let found = self.find(name)?;
        let unreadable = |why| BackupError::Unreadable { name: name.to_owned(), why };
        Center::from_json(found.backup.center.get().as_bytes())
            .map_err(|error| unreadable(error.to_string()))?;
        let findings = found.backup.apps.iter().flat_map(|app| app.manifest.check());
        match findings.into_iter().find(|finding| finding.severity == Severity::Error) {
            None => Ok(found),
            Some(finding) => Err(unreadable(finding.to_string())),
        }
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), BackupError> {
        let found = self.find(name)?;
        remove_dir(&found.directory).map_err(|source| BackupError::Files { name: name.to_owned(), source })
    }

    fn names(&self) -> Result<Vec<String>, BackupError> {
        let failed = |source| BackupError::Files { name: String::new(), source };
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }
}

/// Where an app's data goes in a backup's directory.
pub(crate) fn data_of(directory: &Path, bundle: &str) -> PathBuf {
    directory.join("apps").join(bundle)
}

/// Where those of its attachments go that its pending requests have.
pub(crate) fn attachments_of(directory: &Path, bundle: &str) -> PathBuf {
    directory.join("attachments").join(bundle)
}

/// Copies an app's data: directories and regular files; what else lies there isn't data.
pub(crate) fn copy_data(app: &str, from: &Path, to: &Path) -> Result<(), BackupError> {
    let in_files = |source| BackupError::Files { name: app.to_owned(), source };
    let too_large = || BackupError::TooLarge { app: app.to_owned() };
    let (mut bytes, mut files) = (0_u64, 0_usize);
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
            (bytes, files) = (bytes.saturating_add(kind.len()), files + 1);
            if bytes > MAX_BYTES || files > MAX_FILES {
                return Err(too_large());
            }
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

fn view(name: &str, backup: &Backup) -> BackupView {
    let apps = backup.apps.iter().map(|app| app.manifest.bundle_id.clone()).collect();
    BackupView { backup: name.to_owned(), device: backup.device.clone(), at: backup.at, apps }
}

fn make_dir(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn remove_dir(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
