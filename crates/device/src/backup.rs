//! Backups of devices: what a user's backup of an iPhone holds, in a directory each. A backup has the apps with their
//! data, permission and pending requests; it has no identity and no device token, so that whatever is restored from it
//! registers anew. What a device makes of one is decided by `phone`.

mod contents;

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
use contents::{MAX_BYTES, MAX_FILES};

pub(crate) use contents::{copy_data, move_data};

/// The directory in the host's data directory.
const DIRECTORY: &str = "backups";
/// Backups a host keeps at most.
const MAX_BACKUPS: usize = 100;
/// The most that the account of a backup may be, in bytes.
const MAX_JSON: u64 = 64 * 1024 * 1024;
/// The version that is written.
const VERSION: u32 = 1;

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
    #[error(
        "the backup {name:?} is of version {found}, this Homing knows {VERSION}: restore it with a newer one"
    )]
    Version { name: String, found: u32 },
    #[error(
        "the data of {app} in the backup {name:?} isn't what was backed up: {} was damaged or changed; take another backup",
        place.display()
    )]
    Damaged { name: String, app: String, place: PathBuf },
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
    #[serde(default = "version")]
    version: u32,
    pub(crate) device: String,
    pub(crate) at: UnixMillis,
    pub(crate) apps: Vec<BackedUpApp>,
    /// The notification centre's state.
    pub(crate) center: Box<RawValue>,
}

const fn version() -> u32 {
    VERSION
}

impl Backup {
    pub(crate) const fn new(
        device: String,
        at: UnixMillis,
        apps: Vec<BackedUpApp>,
        center: Box<RawValue>,
    ) -> Self {
        Self { version: VERSION, device, at, apps, center }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BackedUpApp {
    pub(crate) manifest: AppManifest,
    /// Its data is kept, the app itself isn't there.
    pub(crate) offloaded: bool,
    /// By which its files are known again; older backups have none.
    #[serde(default)]
    pub(crate) digest: Option<String>,
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
        mut backup: Backup,
    ) -> Result<BackupView, BackupError> {
        for app in &mut backup.apps {
            app.digest = Some(contents::digest(name, unfinished, &app.manifest.bundle_id)?);
        }
        let in_files = |source| BackupError::Files { name: name.to_owned(), source };
        let json = serde_json::to_vec(&backup)
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
        Ok(view(name, &backup))
    }

    /// Those that can be read.
    pub(crate) fn all(&self) -> Result<Vec<BackupView>, BackupError> {
        let names = self.names()?;
        let read = names.iter().filter_map(|name| match self.find(name) {
            Ok(found) => Some(view(name, &found.backup)),
            Err(error) => {
                tracing::warn!(%error, "a backup isn't listed");
                None
            }
        });
        Ok(read.collect())
    }

    pub(crate) fn find(&self, name: &str) -> Result<Found, BackupError> {
        let not_there = || BackupError::NotThere(name.to_owned());
        let directory = Some(self.directory.join(name)).filter(|_| is_name(name)).ok_or_else(not_there)?;
        let in_files = |source| BackupError::Files { name: name.to_owned(), source };
        let unreadable = |why: String| BackupError::Unreadable { name: name.to_owned(), why };
        if !directory.symlink_metadata().is_ok_and(|kind| kind.is_dir()) {
            return Err(not_there());
        }
        let path = directory.join("backup.json");
        let size = match path.symlink_metadata() {
            Ok(kind) if kind.is_file() => kind.len(),
            Ok(_) => return Err(unreadable(format!("{} is no file", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(not_there()),
            Err(source) => return Err(in_files(source)),
        };
        if size > MAX_JSON {
            let most = MAX_JSON >> 20;
            return Err(unreadable(format!("{} has {size} bytes, more than {most} MiB", path.display())));
        }
        let json = std::fs::read(&path).map_err(in_files)?;
        let in_json = |error: serde_json::Error| unreadable(format!("{}: {error}", path.display()));
        let Head { version: found } = serde_json::from_slice(&json).map_err(in_json)?;
        if found > VERSION {
            return Err(BackupError::Version { name: name.to_owned(), found });
        }
        Ok(Found { backup: serde_json::from_slice(&json).map_err(in_json)?, directory })
    }

    /// Looks whether a backup can be restored on `device`, and copies what of it goes there, so that nothing is given up
    /// before all is at hand. What is left of the copies is removed by [`Backups::unstage`].
    pub(crate) fn stage(&self, name: &str, device: &str) -> Result<Found, BackupError> {
        let Found { backup, directory } = self.find(name)?;
        check(name, &backup)?;
        self.unstage(device);
        let staged = self.staged(device);
        for BackedUpApp { manifest, digest, .. } in &backup.apps {
            let bundle = &manifest.bundle_id;
            let is = contents::digest(name, &directory, bundle)?;
            if digest.as_ref().is_some_and(|was| *was != is) {
                let place = data_of(&directory, bundle);
                return Err(BackupError::Damaged { name: name.to_owned(), app: bundle.clone(), place });
            }
            copy_data(bundle, &data_of(&directory, bundle), &data_of(&staged, bundle))?;
            copy_data(bundle, &attachments_of(&directory, bundle), &attachments_of(&staged, bundle))?;
        }
        Ok(Found { backup, directory: staged })
    }

    pub(crate) fn unstage(&self, device: &str) {
        if let Err(error) = remove_dir(&self.staged(device)) {
            tracing::warn!(%error, "copies of a backup's files can't be removed; the next restore does it");
        }
    }

    fn staged(&self, device: &str) -> PathBuf {
        self.directory.join(format!(".{device}.restored"))
    }

    /// Removes one, whatever is in it.
    pub(crate) fn remove(&self, name: &str) -> Result<(), BackupError> {
        if !self.names()?.iter().any(|known| known == name) {
            return Err(BackupError::NotThere(name.to_owned()));
        }
        remove_dir(&self.directory.join(name))
            .map_err(|source| BackupError::Files { name: name.to_owned(), source })
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

/// Whether what a backup says of apps and state can be restored.
fn check(name: &str, backup: &Backup) -> Result<(), BackupError> {
    let unreadable = |why: String| BackupError::Unreadable { name: name.to_owned(), why };
    let center = Center::from_json(backup.center.get().as_bytes());
    let center = center.map_err(|error| unreadable(error.to_string()))?;
    let findings = backup.apps.iter().flat_map(|app| app.manifest.check());
    if let Some(finding) = findings.into_iter().find(|finding| finding.severity == Severity::Error) {
        return Err(unreadable(finding.to_string()));
    }
    let mut seen = std::collections::BTreeSet::new();
    for BackedUpApp { manifest, offloaded, .. } in &backup.apps {
        let bundle = &manifest.bundle_id;
        if !seen.insert(bundle) {
            return Err(unreadable(format!("it has {bundle} twice")));
        }
        if !offloaded && center.app(bundle).is_none() {
            return Err(unreadable(format!("its state knows no {bundle}")));
        }
    }
    Ok(())
}

/// What is read before the rest, which another version may say in other words.
#[derive(Deserialize)]
struct Head {
    #[serde(default = "version")]
    version: u32,
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
