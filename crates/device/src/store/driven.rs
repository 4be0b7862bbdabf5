//! How apps are driven through the HTTP API, in the device's file.

use rusqlite::params;

use super::{Store, StoreError};
use crate::driver::{Driven, Driver, Extension};

impl Store {
    /// Of the apps that are driven: bundle ID and how.
    pub(crate) fn driven(&self) -> Result<Vec<(String, Driven)>, StoreError> {
        let mut query = self.db.prepare("SELECT bundle_id, driver, extension FROM driven")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        rows.map(|row| {
            let (bundle, driver, extension) = row?;
            let driver: Option<Driver> = serde_json::from_str(&driver).map_err(|error| unreadable(&error))?;
            let extension: Option<Extension> =
                serde_json::from_str(&extension).map_err(|error| unreadable(&error))?;
            Ok((bundle, Driven::new(driver, extension)))
        })
        .collect()
    }

    pub(crate) fn save_driven(&self, bundle: &str, driven: &Driven) -> Result<(), StoreError> {
        let driver = serde_json::to_string(&driven.driver).map_err(|error| unreadable(&error))?;
        let extension = serde_json::to_string(&driven.extension).map_err(|error| unreadable(&error))?;
        self.db.execute(
            "INSERT OR REPLACE INTO driven (bundle_id, driver, extension) VALUES (?1, ?2, ?3)",
            params![bundle, driver, extension],
        )?;
        Ok(())
    }

    pub(crate) fn remove_driven(&self, bundle: &str) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM driven WHERE bundle_id = ?1", params![bundle])?;
        Ok(())
    }
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Unreadable { what: "how an app is driven", why: error.to_string() }
}
