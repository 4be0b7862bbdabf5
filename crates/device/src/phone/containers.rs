//! The data containers of apps: a directory for each, which the app finds again at every launch and which ends with
//! the app; and the secrets. Which number belongs to which app stands in the device's file, so a directory that a crash left behind
//! belongs to nobody.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::Phone;
use crate::store::StoreError;

impl Phone {
    pub(super) fn container(&self, number: i64) -> PathBuf {
        self.containers.join(number.to_string())
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
            if !numbers.any(|number| entry.file_name() == *number.to_string()) {
                remove(&entry.path());
            }
        }
        Ok(())
    }
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
