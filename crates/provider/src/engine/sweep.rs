//! Forgets what has had its time: pushes that finished 30 days ago, with their notifications, the keys of requests that
//! can't be repeated any more, logouts of tokens that nobody told in 30 days, and what is left of deleted apps.

use std::sync::Arc;

use homing_clock::Clock;
use homing_trace::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{Notify, watch};

use super::planning::REPEATABLE_MS;
use super::told_to_stop;
use crate::store::{Scope, Store, StoreError};

/// How long a finished push is kept.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Between two looks.
const EVERY_MS: i64 = 60 * 60 * 1000;
/// Rows in one transaction: other writers wait meanwhile.
const MOST: usize = 1_000;

/// Looks every hour, and when there is `dirt`, until `stop` says true or nobody is left to say it.
pub(super) async fn run(store: Store, clock: Clock, dirt: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    loop {
        let look = async {
            while store.write(|scope| sweep(scope)).await.unwrap_or_else(|error: StoreError| {
                tracing::warn!(%error, "what is old can't be forgotten; trying again in an hour");
                false
            }) {}
            tokio::select! {
                () = clock.sleep_until(clock.now().plus_millis(EVERY_MS)) => {}
                () = dirt.notified() => {}
            }
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
    let before = scope.now.plus_millis(-KEPT_MS);
    let logouts = scope
        .connection
        .prepare_cached(
            "DELETE FROM logouts WHERE (app_no, token) IN (SELECT app_no, token FROM logouts WHERE at <= ?1 LIMIT ?2)",
        )?
        .execute(params![before.0, MOST])?;
    let more = keys == MOST || logouts == MOST;
    Ok(sweep_app(scope.connection)? || sweep_push(scope, before)? || more)
}

/// A part of a deleted app. Keys of requests know it by its number alone and go when they are a day old.
fn sweep_app(connection: &Connection) -> Result<bool, StoreError> {
    let deleted = "SELECT app_no FROM deleted_apps LIMIT 1";
    let app_no: Option<i64> =
        connection.prepare_cached(deleted)?.query_row([], |row| row.get(0)).optional()?;
    let Some(app_no) = app_no else { return Ok(false) };
    for (table, number, with) in [
        ("notifications", "notification_no", Some("events")),
        ("pushes", "push_no", Some("reasons")),
        ("installations", "installation_no", None),
        ("users", "(app_no, user)", None),
        ("logouts", "(app_no, token)", None),
    ] {
        let columns = number.trim_matches(['(', ')']);
        let some = format!("SELECT {columns} FROM {table} WHERE app_no = ?1 LIMIT ?2");
        for table in with.into_iter().chain([table]) {
            let delete = format!("DELETE FROM {table} WHERE {number} IN ({some})");
            let rows = connection.prepare_cached(&delete)?.execute(params![app_no, MOST])?;
            if rows == MOST && with != Some(table) {
                return Ok(true);
            }
        }
    }
    connection.execute("DELETE FROM receipt_cursors WHERE lane IN (2 * ?1, 2 * ?1 + 1)", [app_no])?;
    connection.execute("DELETE FROM deleted_apps WHERE app_no = ?1", [app_no])?;
    Ok(true)
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
