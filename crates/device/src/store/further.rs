//! The registrations that an app has beside its own, in the device's file.

use homing_payload::PushType;
use rusqlite::params;

use super::{Store, StoreError};

/// A registration for a push type with a topic of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptFurther {
    pub(crate) bundle: String,
    pub(crate) kind: PushType,
    /// Of a Live Activity: its own token.
    pub(crate) instance: Option<String>,
    /// Absent until the push service has given it.
    pub(crate) token: Option<String>,
}

impl Store {
    pub(crate) fn further(&self) -> Result<Vec<KeptFurther>, StoreError> {
        let mut query = self.db.prepare("SELECT bundle_id, kind, instance, token FROM further")?;
        let rows = query.query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?))
        })?;
        rows.map(|row| {
            let (bundle, kind, instance, token) = row?;
            let kind = kind.parse().map_err(|error: homing_payload::UnknownPushType| {
                StoreError::Unreadable { what: "a registration", why: error.to_string() }
            })?;
            Ok(KeptFurther { bundle, kind, instance: Some(instance).filter(|name| !name.is_empty()), token })
        })
        .collect()
    }

    pub(crate) fn save_further(&self, further: &KeptFurther) -> Result<(), StoreError> {
        let KeptFurther { bundle, kind, instance, token } = further;
        self.db.execute(
            "INSERT OR REPLACE INTO further (bundle_id, kind, instance, token) VALUES (?1, ?2, ?3, ?4)",
            params![bundle, kind.as_str(), instance.as_deref().unwrap_or_default(), token],
        )?;
        Ok(())
    }

    pub(crate) fn remove_further(&self, further: &KeptFurther) -> Result<(), StoreError> {
        let KeptFurther { bundle, kind, instance, .. } = further;
        self.db.execute(
            "DELETE FROM further WHERE bundle_id = ?1 AND kind = ?2 AND instance = ?3",
            params![bundle, kind.as_str(), instance.as_deref().unwrap_or_default()],
        )?;
        Ok(())
    }
}
