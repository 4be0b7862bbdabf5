//! The apps that were offloaded: their manifests, and the numbers of the containers that hold their data.

use homing_local::AppManifest;
use rusqlite::params;

use super::{Store, StoreError};

/// An app whose data alone is on the device.
#[derive(Clone, Debug)]
pub(crate) struct OffloadedApp {
    pub(crate) manifest: AppManifest,
    pub(crate) container: i64,
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Unreadable { what: "an offloaded app's manifest", why: error.to_string() }
}

impl Store {
    pub(crate) fn offloaded(&self) -> Result<Vec<OffloadedApp>, StoreError> {
        let mut query = self.db.prepare("SELECT manifest, container FROM offloaded ORDER BY bundle_id")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (manifest, container) = row?;
            let manifest = serde_json::from_str(&manifest).map_err(|error| unreadable(&error))?;
            Ok(OffloadedApp { manifest, container })
        })
        .collect()
    }

    pub(crate) fn save_offloaded(&self, app: &OffloadedApp) -> Result<(), StoreError> {
        let manifest = serde_json::to_string(&app.manifest).map_err(|error| unreadable(&error))?;
        self.db.execute(
            "INSERT OR REPLACE INTO offloaded (bundle_id, manifest, container) VALUES (?1, ?2, ?3)",
            params![app.manifest.bundle_id, manifest, app.container],
        )?;
        Ok(())
    }

    pub(crate) fn remove_offloaded(&self, bundle_id: &str) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM offloaded WHERE bundle_id = ?1", params![bundle_id])?;
        Ok(())
    }
}
