//! Reads what the push service tells of a lane's notifications after their acceptance, and counts it. Each batch is
//! written with its cursor in one transaction: after a crash the stream goes on where the counts stand.

use std::sync::Arc;

use futures_util::FutureExt as _;
use homing_apns::Reason;
use homing_apns::receipts::ReceiptEvent;
use homing_apns_client::{Client, ClientConfig, Receipts, ReceiptsError};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::watch;

use super::apps::Answer;
use super::lanes::{Destination, LaneParts};
use super::ledger::{Of, Step, Tally};
use super::sending::pause_after;
use super::told_to_stop;
use crate::store::{Scope, StoreError};

/// Receipts in one transaction.
const BATCH: usize = 256;
/// A push service without such a stream is asked again after an hour: it may have been renewed.
const NO_STREAM_MS: i64 = 60 * 60 * 1000;

/// Why reading has ended.
enum Ended {
    /// There is nothing like it there.
    NoStream,
    /// What is kept as the cursor is none.
    BadCursor,
    /// Read on from a new connection; whether anything was told on this one.
    Broken { was_good: bool },
}

/// Reads until `stop` says true or nobody is left to say it.
pub(super) async fn run(
    parts: LaneParts,
    mut destination: watch::Receiver<Arc<Destination>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut failures = 0;
    loop {
        let current = Arc::clone(&destination.borrow_and_update());
        let reading = async {
            let ended = match &current.config {
                Ok(config) if current.tells_receipts => read(&parts, config).await,
                Ok(_) | Err(_) => std::future::pending().await,
            };
            let pause = after(&parts, ended, &mut failures).await;
            parts.clock.sleep_until(parts.clock.now().plus_millis(pause)).await;
        };
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            changed = destination.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = reading => {}
        }
    }
}

/// Milliseconds until the next try.
async fn after(parts: &LaneParts, ended: Ended, failures: &mut u32) -> i64 {
    match ended {
        Ended::NoStream => return NO_STREAM_MS,
        Ended::BadCursor => {
            let lane = parts.lane;
            let forgotten = parts.store.write(move |scope| {
                scope.connection.execute("DELETE FROM receipt_cursors WHERE lane = ?1", [lane])?;
                Ok::<_, StoreError>(())
            });
            if let Err(error) = forgotten.await {
                tracing::warn!(lane, %error, "a cursor of receipts can't be forgotten");
            }
        }
        Ended::Broken { was_good: true } => *failures = 0,
        Ended::Broken { was_good: false } => {}
    }
    *failures += 1;
    pause_after(*failures)
}

async fn read(parts: &LaneParts, config: &ClientConfig) -> Ended {
    let (mut stream, _client) = match begin(parts, config).await {
        Ok(begun) => begun,
        Err(ended) => return ended,
    };
    let mut was_good = false;
    loop {
        let first = match stream.next().await {
            Some(Ok(first)) => first,
            Some(Err(error)) => {
                tracing::debug!(lane = parts.lane, %error, "the stream of receipts broke");
                return Ended::Broken { was_good };
            }
            None => return Ended::Broken { was_good },
        };
        let mut batch = vec![first];
        // What is there already goes along; the stream says its end again.
        while batch.len() < BATCH
            && let Some(Some(Ok(receipt))) = stream.next().now_or_never()
        {
            batch.push(receipt);
        }
        if let Err(error) = write(parts, batch).await {
            tracing::warn!(lane = parts.lane, %error, "receipts can't be written down; they are read again");
            return Ended::Broken { was_good: false };
        }
        was_good = true;
    }
}

async fn begin(parts: &LaneParts, config: &ClientConfig) -> Result<(Receipts, Client), Ended> {
    let lane = parts.lane;
    let bad = Ended::Broken { was_good: false };
    let Ok(cursor) = parts.store.read(move |connection| cursor(connection, lane)).await else {
        return Err(bad);
    };
    let client = match Client::connect(config.clone()).await {
        Ok(client) => client,
        Err(error) => {
            tracing::debug!(lane, %error, "can't connect for receipts; trying again");
            return Err(bad);
        }
    };
    match client.receipts(cursor.as_deref()).await {
        Ok(stream) => Ok((stream, client)),
        Err(error) => {
            tracing::debug!(lane, %error, "no receipts");
            Err(why_none(&error))
        }
    }
}

fn why_none(error: &ReceiptsError) -> Ended {
    match error {
        ReceiptsError::Refused { status: 404 | 405, .. } | ReceiptsError::NoStream { .. } => Ended::NoStream,
        ReceiptsError::Cursor => Ended::BadCursor,
        ReceiptsError::Refused { refusal, .. } if refusal.reason == Reason::BadRequestParams => {
            Ended::BadCursor
        }
        ReceiptsError::Refused { .. }
        | ReceiptsError::Closed { .. }
        | ReceiptsError::CertificateRejected { .. }
        | ReceiptsError::Deadline { .. }
        | ReceiptsError::Silent { .. }
        | ReceiptsError::Broken { .. }
        | ReceiptsError::Request(_)
        | ReceiptsError::Stream(_) => Ended::Broken { was_good: false },
    }
}

fn cursor(connection: &Connection, lane: i64) -> Result<Option<String>, StoreError> {
    let mut select = connection.prepare_cached("SELECT cursor FROM receipt_cursors WHERE lane = ?1")?;
    Ok(select.query_row([lane], |row| row.get(0)).optional()?)
}

async fn write(parts: &LaneParts, batch: Vec<(String, ReceiptEvent)>) -> Answer<()> {
    let Some(last) = batch.last().map(|(cursor, _)| cursor.clone()) else { return Ok(()) };
    let (lane, changes) = (parts.lane, parts.changes.clone());
    parts
        .store
        .write(move |scope| {
            let mut tally = Tally::default();
            for (_, receipt) in &batch {
                count(scope, lane, receipt, &mut tally)?;
            }
            let changed = tally.write(scope.connection, scope.now)?;
            changes.tell_after(scope, changed)?;
            scope
                .connection
                .prepare_cached("INSERT OR REPLACE INTO receipt_cursors (lane, cursor) VALUES (?1, ?2)")?
                .execute(params![lane, last])?;
            Ok(())
        })
        .await
}

/// Counts one receipt. One of a notification that this lane didn't send is somebody else's.
fn count(scope: &Scope<'_>, lane: i64, receipt: &ReceiptEvent, tally: &mut Tally) -> rusqlite::Result<()> {
    let Some(step) = Step::of_receipt(receipt.stage) else { return Ok(()) };
    let Ok(apns_id) = uuid::Uuid::try_parse(&receipt.apns_id) else { return Ok(()) };
    let known = scope
        .connection
        .prepare_cached(
            "SELECT push_no, notification_no FROM notifications WHERE apns_id = ?1 AND lane = ?2",
        )?
        .query_row(params![apns_id.into_bytes(), lane], |row| {
            Ok(Of { push_no: row.get(0)?, notification_no: row.get(1)? })
        })
        .optional()?;
    let Some(of) = known else { return Ok(()) };
    let reason = receipt.reason.as_ref().map(|reason| reason.as_str());
    tally.record(scope.connection, of, step, reason, receipt.at)
}
