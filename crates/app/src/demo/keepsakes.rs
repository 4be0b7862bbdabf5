//! What the demo remembers over its launches, beside what its SDK does: a file in its container.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::screen::{Refresh, Screen};

/// Name of the file in the container.
const FILE: &str = "demo.json";

#[derive(Clone, Debug)]
pub(super) struct Keepsakes {
    path: PathBuf,
}

/// Of a [`Screen`], what outlives the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// What its user chose; `None` until then.
    pub(super) banner_in_foreground: Option<bool>,
    pub(super) refreshed: Vec<Refresh>,
}

impl Keepsakes {
    pub(super) fn in_container(container: &Path) -> Self {
        Self { path: container.join(FILE) }
    }

    /// A file that is missing or damaged remembers nothing.
    pub(super) fn read(&self) -> Kept {
        let json = std::fs::read(&self.path).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    }

    pub(super) fn keep(&self, screen: &Screen) {
        let kept = Kept {
            banner_in_foreground: Some(screen.banner_in_foreground),
            refreshed: screen.refreshed.clone(),
        };
        let json = serde_json::to_vec(&kept).unwrap_or_default();
        if let Err(error) = std::fs::write(&self.path, json) {
            tracing::warn!(%error, "the demo can't remember what it shows");
        }
    }
}
