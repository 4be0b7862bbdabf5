//! Writes what became of tried notifications: their state, their steps, and what a refusal says of the token.

use homing_apns::Reason;
use homing_trace::UnixMillis;
use rusqlite::{Connection, params};

use super::retry::Verdict;
use crate::engine::apps::Answer;
use crate::engine::installations::follow;
use crate::engine::ledger::{Of, Step, Tally};
use crate::engine::standings::Standings;
use crate::store::Scope;

/// A tried notification and what follows.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) of: Of,
    pub(super) installation_no: i64,
    /// When it was handed over, if it was.
    pub(super) sent_at: Option<UnixMillis>,
    /// When that was known.
    pub(super) at: UnixMillis,
    pub(super) verdict: Verdict,
}

pub(super) fn settle(
    scope: &mut Scope<'_>,
    settled: &Settled,
    tally: &mut Tally,
    standings: &Standings,
) -> Answer<()> {
    let (state, due, reason) = row(&settled.verdict);
    let open = scope
        .connection
        .prepare_cached(
            "UPDATE notifications SET state = ?2, turn = NULL, due_at = ?3, reason = ?4, attempts = attempts + 1
             WHERE notification_no = ?1 AND (turn IS NOT NULL OR due_at IS NOT NULL)",
        )?
        .execute(params![settled.of.notification_no, state, due.map(|due| due.0), reason])?;
    if open == 0 {
        // Settled before, or gone with its app.
        return Ok(());
    }
    if let Some(sent_at) = settled.sent_at {
        tally.record(scope.connection, settled.of, Step::Sent, None, sent_at)?;
    }
    if let Some(step) = step(&settled.verdict) {
        tally.record(scope.connection, settled.of, step, reason, settled.at)?;
    }
    if let Verdict::Refused { reason, since } = &settled.verdict {
        judge_token(scope, settled, (reason, *since), standings)?;
    }
    Ok(())
}

/// Gives a notification up that waits for its next try, at its push's deadline.
pub(super) fn give_up(
    connection: &Connection,
    of: Of,
    why: Option<&str>,
    now: UnixMillis,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let why = why.unwrap_or(super::NOT_IN_TIME);
    connection
        .prepare_cached(
            "UPDATE notifications SET state = 'failed', turn = NULL, due_at = NULL, reason = ?2 WHERE notification_no = ?1",
        )?
        .execute(params![of.notification_no, why])?;
    tally.record(connection, of, Step::Failed, Some(why), now)
}

fn row(verdict: &Verdict) -> (&'static str, Option<UnixMillis>, Option<&str>) {
    match verdict {
        Verdict::Accepted => ("accepted", None, None),
        Verdict::Refused { reason, .. } => ("refused", None, Some(reason.as_str())),
        Verdict::Failed { why } => ("failed", None, Some(why)),
        Verdict::Withdrawn(withdrawn) => ("withdrawn", None, Some(withdrawn.as_str())),
        Verdict::Again { due, why } => ("sending", Some(*due), Some(why)),
    }
}

const fn step(verdict: &Verdict) -> Option<Step> {
    match verdict {
        Verdict::Accepted => Some(Step::Accepted),
        Verdict::Refused { .. } => Some(Step::Refused),
        Verdict::Failed { .. } => Some(Step::Failed),
        Verdict::Withdrawn(_) => Some(Step::Withdrawn),
        Verdict::Again { .. } => None,
    }
}

/// 410 ends an installation, unless its token was told again since. `BadDeviceToken` and `DeviceTokenNotForTopic` only
/// leave a note: perhaps the environment or the app is the wrong one, and the token is good. Of a token that nobody told
/// nothing is left then.
fn judge_token(
    scope: &mut Scope<'_>,
    settled: &Settled,
    (reason, since): (&Reason, Option<UnixMillis>),
    standings: &Standings,
) -> Answer<()> {
    if let (410, Some(since)) = (reason.status(), since) {
        let retired = scope
            .connection
            .prepare_cached(
                "UPDATE installations SET retired_reason = ?2
                 WHERE installation_no = ?1 AND retired_reason IS NULL AND registered_at < ?3",
            )?
            .execute(params![settled.installation_no, reason.as_str(), since.0])?;
        if retired > 0 {
            follow(scope, settled.installation_no, standings)?;
        }
    } else if matches!(reason, Reason::BadDeviceToken | Reason::DeviceTokenNotForTopic) {
        scope
            .connection
            .prepare_cached(
                "UPDATE installations SET refused_reason = ?2, refused_at = ?3
                 WHERE installation_no = ?1 AND registered_at <= ?3",
            )?
            .execute(params![settled.installation_no, reason.as_str(), settled.at.0])?;
        let forgotten = scope
            .connection
            .prepare_cached("DELETE FROM installations WHERE installation_no = ?1 AND registered_at = 0")?
            .execute([settled.installation_no])?;
        if forgotten > 0 {
            follow(scope, settled.installation_no, standings)?;
        }
    }
    Ok(())
}
