//! Bounded background work on the first file: rows that ended leave the log without their payload, old ones go
//! altogether, and what expired unseen is ended. Run by the writer in its own transaction.

use homing_trace::{Stage, UnixMillis};
use rusqlite::{Connection, params};

use super::broadcasts;
use super::log::{Ending, Live, TRACE_MILLIS};
use super::row::{signed, unsigned};

/// Moves up to `rows` ended notifications to the table of ended ones, which has no payload; only those whose end, up to
/// number `written`, the second file has.
pub(crate) fn fold(
    connection: &Connection,
    live: &mut Live,
    rows: u32,
    written: u64,
) -> rusqlite::Result<()> {
    let foldable = live.foldable(written);
    if foldable == 0 {
        return Ok(());
    }
    let written = signed(written);
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(seq) FROM (SELECT seq FROM ends WHERE no <= ?2 ORDER BY seq LIMIT ?1)")?
        .query_row(params![rows, written], |row| row.get(0))?;
    let Some(last) = last else {
        live.ends_to_fold -= foldable;
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO ended SELECT n.seq, n.registration_no, n.apns_id, n.accepted_at, n.stored_after, \
             e.stage, e.reason, e.at FROM ends e JOIN notifications n ON n.seq = e.seq \
             WHERE e.seq <= ?1 AND e.no <= ?2",
        )?
        .execute([last, written])?;
    connection
        .prepare_cached(
            "DELETE FROM notifications WHERE seq IN (SELECT seq FROM ends WHERE seq <= ?1 AND no <= ?2)",
        )?
        .execute([last, written])?;
    let folded = connection
        .prepare_cached("DELETE FROM ends WHERE seq <= ?1 AND no <= ?2")?
        .execute([last, written])?;
    live.ends_to_fold = live.ends_to_fold.saturating_sub(folded as u64);
    Ok(())
}

/// Rows looked at in one step.
const STEP_ROWS: u32 = 1_000;
/// What has just expired may still be on its way to a connected device.
const GRACE_MILLIS: i64 = 60_000;

/// Goes round and round through both tables, a little at each step.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    ended_from: i64,
    live_from: i64,
}

impl Sweep {
    pub(crate) fn step(
        &mut self,
        connection: &Connection,
        live: &mut Live,
        now: UnixMillis,
    ) -> rusqlite::Result<()> {
        broadcasts::sweep(connection, now)?;
        self.forget_old(connection, now)?;
        self.end_expired(connection, live, now)
    }

    fn forget_old(&mut self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        let to: Option<i64> = connection
            .prepare_cached(
                "SELECT max(seq) FROM (SELECT seq FROM ended WHERE seq > ?1 ORDER BY seq LIMIT ?2)",
            )?
            .query_row(params![self.ended_from, STEP_ROWS], |row| row.get(0))?;
        let Some(to) = to else {
            self.ended_from = 0;
            return Ok(());
        };
        connection
            .prepare_cached("DELETE FROM ended WHERE seq > ?1 AND seq <= ?2 AND at < ?3")?
            .execute(params![self.ended_from, to, now.plus_millis(-TRACE_MILLIS).0])?;
        self.ended_from = to;
        Ok(())
    }

    fn end_expired(
        &mut self,
        connection: &Connection,
        live: &mut Live,
        now: UnixMillis,
    ) -> rusqlite::Result<()> {
        let mut rows_seen = 0;
        let mut expired = Vec::new();
        {
            let mut query = connection.prepare_cached(
                "SELECT seq, registration_no, expires_at FROM notifications WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let mut rows = query.query(params![self.live_from, STEP_ROWS])?;
            while let Some(row) = rows.next()? {
                rows_seen += 1;
                self.live_from = row.get(0)?;
                let expires_at = UnixMillis(row.get(2)?);
                if expires_at.plus_millis(GRACE_MILLIS) <= now {
                    expired.push((row.get::<_, u32>(1)?, unsigned(self.live_from), expires_at));
                }
            }
        }
        if rows_seen < STEP_ROWS {
            self.live_from = 0;
        }
        for (registration_no, seq, expires_at) in expired {
            live.end(connection, registration_no, seq, &Ending::new(Stage::Expired, None, expires_at))?;
        }
        Ok(())
    }
}
