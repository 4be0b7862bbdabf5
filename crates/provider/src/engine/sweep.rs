//! Forgets what has had its time: pushes that finished 30 days ago, with their notifications, and the keys of requests
//! that can't be repeated any more.

use homing_clock::Clock;
use homing_trace::UnixMillis;
use rusqlite::{OptionalExtension as _, params};
use tokio::sync::watch;

use super::planning::REPEATABLE_MS;
use super::told_to_stop;
use crate::store::{Scope, Store, StoreError};

/// How long a finished push is kept.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Between two looks.
const EVERY_MS: i64 = 60 * 60 * 1000;
/// Rows in one transaction: other writers wait meanwhile.
const MOST: usize = 1_000;

/// Looks every hour until `stop` says true or nobody is left to say it.
pub(super) async fn run(store: Store, clock: Clock, mut stop: watch::Receiver<bool>) {
    loop {
        let look = async {
            while store.write(|scope| sweep(scope)).await.unwrap_or_else(|error: StoreError| {
                tracing::warn!(%error, "what is old can't be forgotten; trying again in an hour");
                false
            }) {}
            clock.sleep_until(clock.now().plus_millis(EVERY_MS)).await;
        };
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            () = look => {}
        }
    }
}

/// Whether there may be more.
pub(super) fn sweep(scope: &Scope<'_>) -> Result<bool, StoreError> {
    let keys = scope
        .connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE (server_key, app_no, key) IN
                 (SELECT server_key, app_no, key FROM idempotency WHERE created_at <= ?1 LIMIT ?2)",
        )?
        .execute(params![scope.now.0 - REPEATABLE_MS, MOST])?;
    Ok(sweep_push(scope, scope.now.plus_millis(-KEPT_MS))? || keys == MOST)
}

fn sweep_push(scope: &Scope<'_>, before: UnixMillis) -> Result<bool, StoreError> {
    let connection = scope.connection;
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT push_no FROM pushes WHERE finished_at <= ?1 ORDER BY finished_at LIMIT 1")?
        .query_row([before.0], |row| row.get(0))
        .optional()?;
    let Some(push_no) = oldest else { return Ok(false) };
    let some =
        "SELECT notification_no FROM notifications WHERE push_no = ?1 ORDER BY notification_no LIMIT ?2";
    connection
        .prepare_cached(&format!("DELETE FROM events WHERE notification_no IN ({some})"))?
        .execute(params![push_no, MOST])?;
    let deleted = connection
        .prepare_cached(&format!("DELETE FROM notifications WHERE notification_no IN ({some})"))?
        .execute(params![push_no, MOST])?;
    if deleted < MOST {
        connection.execute("DELETE FROM reasons WHERE push_no = ?1", [push_no])?;
        connection.execute("DELETE FROM pushes WHERE push_no = ?1", [push_no])?;
    }
    Ok(true)
}
