//! The arrivals in the device's file, the newest of them. What stands in one is decided by `arrival`.

use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError};
use crate::arrival::{self, Arrival};

impl Store {
    pub(crate) fn record_arrival(&self, arrival: &Arrival) -> Result<(), StoreError> {
        let record = serde_json::to_string(arrival).map_err(|error| unreadable(&error))?;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO arrival (seq, record) VALUES (?1, ?2)")?
            .execute(params![arrival.seq.cast_signed(), record])?;
        let newest = self.db.last_insert_rowid();
        self.db
            .prepare_cached("DELETE FROM arrival WHERE no <= ?1")?
            .execute(params![newest.saturating_sub(arrival::KEPT)])?;
        Ok(())
    }

    /// Changes the arrival of this number, if it is still remembered.
    pub(crate) fn amend_arrival(&self, seq: u64, amend: impl FnOnce(&mut Arrival)) -> Result<(), StoreError> {
        let seq = seq.cast_signed();
        let record: Option<String> = self
            .db
            .prepare_cached("SELECT record FROM arrival WHERE seq = ?1")?
            .query_row(params![seq], |row| row.get(0))
            .optional()?;
        let Some(record) = record else { return Ok(()) };
        let mut arrival: Arrival = serde_json::from_str(&record).map_err(|error| unreadable(&error))?;
        amend(&mut arrival);
        let record = serde_json::to_string(&arrival).map_err(|error| unreadable(&error))?;
        self.db
            .prepare_cached("UPDATE arrival SET record = ?2 WHERE seq = ?1")?
            .execute(params![seq, record])?;
        Ok(())
    }

    /// Newest first.
    pub(crate) fn arrivals(&self, limit: u32) -> Result<Vec<Arrival>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT record FROM arrival ORDER BY no DESC LIMIT ?1")?;
        let rows = query.query_map(params![limit], |row| row.get::<_, String>(0))?;
        rows.map(|record| serde_json::from_str(&record?).map_err(|error| unreadable(&error))).collect()
    }
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Unreadable { what: "the record of an arrival", why: error.to_string() }
}
