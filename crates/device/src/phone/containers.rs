//! The data containers of apps: a directory for each, which the app finds again at every launch and which ends with
//! the app; and the secrets. Which number belongs to which app stands in the device's file, so a directory that a crash left behind
//! belongs to nobody.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::Phone;
use super::questions::Refusal;
use crate::store::StoreError;

impl Phone {
    pub(super) fn container(&self, number: i64) -> PathBuf {
        self.containers.join(number.to_string())
    }

    /// Where the files of an app's attachments are.
    pub(super) fn attachments_of(&self, number: i64) -> PathBuf {
        self.containers.join(attachments_name(number))
    }

    /// Where an app writes its files; made if it isn't there.
    pub(crate) fn files_dir(&self, bundle: &str) -> Result<PathBuf, Refusal> {
        let container = self.container(self.app(bundle)?.kept.container);
        ensure(&container).map_err(|_| Refusal::Broken)?;
        Ok(container)
    }

    /// The same of its attachments; it may not be there.
    pub(crate) fn attachments_dir(&self, bundle: &str) -> Result<PathBuf, Refusal> {
        Ok(self.attachments_of(self.app(bundle)?.kept.container))
    }

    pub(super) fn remove_container(&self, number: i64) {
        remove(&self.container(number));
        remove(&self.attachments_of(number));
    }

    /// Gives a container and a secret to apps that were installed before there were any, and removes what belongs to no app.
    pub(super) fn settle_containers(&mut self) -> Result<(), StoreError> {
        for app in self.apps.values_mut().filter(|app| app.kept.container == 0) {
            app.kept.container = self.store.next_container()?;
            self.store.save_app(&app.kept)?;
        }
        for app in self.apps.values_mut().filter(|app| app.kept.secret.is_empty()) {
            app.kept.secret = new_secret()?;
            self.store.save_app(&app.kept)?;
        }
        let Ok(entries) = std::fs::read_dir(&self.containers) else { return Ok(()) };
        for entry in entries.flatten() {
            let numbers = self.apps.values().map(|app| app.kept.container);
            let mut numbers = numbers.chain(self.offloaded.values().map(|app| app.container));
            let is_of = |number: i64| [number.to_string(), attachments_name(number)].into_iter();
            if !numbers.any(|number| is_of(number).any(|name| entry.file_name() == *name)) {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                if is_file { remove_file(&entry.path()) } else { remove(&entry.path()) }
            }
        }
        Ok(())
    }
}

fn attachments_name(number: i64) -> String {
    format!("{number}.attachments")
}

/// What an app proves its bundle ID with: 256 random bits.
pub(super) fn new_secret() -> Result<String, StoreError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| StoreError::Unreadable {
        what: "no secret, for want of randomness",
        why: error.to_string(),
    })?;
    Ok(secret.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Makes the directory, open to its owner only, if it isn't there.
pub(super) fn ensure(container: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(container)
}

/// What can't be removed now is tried again at the next start.
pub(super) fn remove(container: &Path) {
    match std::fs::remove_dir_all(container) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(container = %container.display(), %error, "an app's data can't be removed");
        }
        Ok(()) | Err(_) => {}
    }
}

/// The same for a file.
pub(super) fn remove_file(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "an app's file can't be removed");
        }
        Ok(()) | Err(_) => {}
    }
}
