//! The ledger of notifications: each step is written once per notification, and counted in its push in the same
//! transaction. Which step is reached is decided elsewhere.

use std::collections::HashMap;

use homing_trace::{Stage, UnixMillis};
use rusqlite::{Connection, params};

/// What can be known of a notification. The numbers stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// Handed to a connection for the first time.
    Sent = 1,
    Accepted = 2,
    Refused = 3,
    Failed = 4,
    Withdrawn = 5,
    Acknowledged = 6,
    Replaced = 7,
    Expired = 8,
    Discarded = 9,
    Displayed = 10,
    Suppressed = 11,
    Opened = 12,
    Dismissed = 13,
    Action = 14,
}

/// Step, its word, the column it counts in, and the kind of reason that is counted by word.
const TABLE: [(Step, &str, Option<&str>, Option<&str>); 14] = [
    (Step::Sent, "sent", Some("sent"), None),
    (Step::Accepted, "accepted", Some("accepted"), None),
    (Step::Refused, "refused", Some("refused"), Some("refused")),
    (Step::Failed, "failed", Some("failed"), Some("failed")),
    (Step::Withdrawn, "withdrawn", Some("withdrawn"), Some("withdrawn")),
    (Step::Acknowledged, "acknowledged", Some("delivered"), None),
    (Step::Replaced, "replaced", None, Some("ended")),
    (Step::Expired, "expired", None, Some("ended")),
    (Step::Discarded, "discarded", None, Some("ended")),
    (Step::Displayed, "displayed", Some("displayed"), None),
    (Step::Suppressed, "suppressed", Some("suppressed"), Some("suppressed")),
    (Step::Opened, "opened", Some("opened"), None),
    (Step::Dismissed, "dismissed", Some("dismissed"), None),
    (Step::Action, "action", Some("action"), None),
];

impl Step {
    const fn row(self) -> &'static (Self, &'static str, Option<&'static str>, Option<&'static str>) {
        &TABLE[self as usize - 1]
    }

    pub(super) const fn as_str(self) -> &'static str {
        self.row().1
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        let row = usize::try_from(number).ok()?.checked_sub(1)?;
        TABLE.get(row).map(|row| row.0)
    }

    /// What a receipt means here; `None` for what only our own connection can tell, and for what counts as nothing.
    pub(super) const fn of_receipt(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Acknowledged => Some(Self::Acknowledged),
            Stage::Replaced => Some(Self::Replaced),
            Stage::Expired => Some(Self::Expired),
            Stage::Discarded => Some(Self::Discarded),
            Stage::Displayed => Some(Self::Displayed),
            Stage::Suppressed => Some(Self::Suppressed),
            Stage::Opened => Some(Self::Opened),
            Stage::Dismissed => Some(Self::Dismissed),
            Stage::Action => Some(Self::Action),
            Stage::Accepted | Stage::Refused | Stage::Stored | Stage::Sent | Stage::Injected => None,
        }
    }
}

/// The columns of counts in a push's row, in the order of [`super::Counts`].
pub(super) const COLUMNS: [&str; 12] = [
    "planned",
    "sent",
    "accepted",
    "refused",
    "failed",
    "withdrawn",
    "delivered",
    "displayed",
    "suppressed",
    "opened",
    "dismissed",
    "action",
];

/// What one transaction adds to the counts of pushes.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<i64, Added>);

#[derive(Debug, Default)]
struct Added {
    columns: HashMap<&'static str, i64>,
    reasons: HashMap<(&'static str, String), i64>,
}

/// Which notification a step is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Of {
    pub(super) push_no: i64,
    pub(super) notification_no: i64,
}

impl Tally {
    /// Writes the step, unless it is known; then it counts.
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        of: Of,
        step: Step,
        reason: Option<&str>,
        at: UnixMillis,
    ) -> rusqlite::Result<()> {
        let written = connection
            .prepare_cached(
                "INSERT OR IGNORE INTO events (notification_no, step, at, reason) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![of.notification_no, step as i64, at.0, reason])?;
        if written > 0 {
            self.add(of.push_no, step, reason);
        }
        Ok(())
    }

    fn add(&mut self, push_no: i64, step: Step, reason: Option<&str>) {
        let (_, word, column, kind) = *step.row();
        let added = self.0.entry(push_no).or_default();
        if let Some(column) = column {
            *added.columns.entry(column).or_default() += 1;
        }
        if let Some(kind) = kind {
            *added.reasons.entry((kind, reason.unwrap_or(word).to_owned())).or_default() += 1;
        }
    }

    /// Adds everything to the pushes' rows, and finishes those of which nothing is open. Answers which changed.
    pub(super) fn write(self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<Vec<i64>> {
        let mut changed = Vec::with_capacity(self.0.len());
        for (push_no, added) in self.0 {
            for (column, count) in added.columns {
                connection
                    .prepare_cached(&format!(
                        "UPDATE pushes SET {column} = {column} + ?2 WHERE push_no = ?1"
                    ))?
                    .execute(params![push_no, count])?;
            }
            for ((kind, word), count) in added.reasons {
                connection
                    .prepare_cached(
                        "INSERT INTO reasons (push_no, step, word, count) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET count = count + ?4",
                    )?
                    .execute(params![push_no, kind, word, count])?;
            }
            connection
                .prepare_cached(
                    "UPDATE pushes SET finished_at = ?2 WHERE push_no = ?1 AND finished_at IS NULL
                         AND accepted + refused + failed + withdrawn >= planned",
                )?
                .execute(params![push_no, now.0])?;
            changed.push(push_no);
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use homing_trace::Counts as Funnel;

    use super::*;

    #[test]
    fn every_step_stands_in_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index + 1, "{}", row.1);
            assert_eq!(Step::from_number(row.0 as i64), Some(row.0));
            if let Some(stage) = Stage::from_word(row.1) {
                assert!(Step::of_receipt(stage).is_none_or(|step| step == row.0), "{stage}");
            }
        }
        assert_eq!((Step::from_number(0), Step::from_number(15)), (None, None));
    }

    #[test]
    fn a_receipt_counts_in_the_column_the_table_of_stages_names() {
        let column = |funnel: Funnel| match funnel {
            Funnel::Accepted => Some("accepted"),
            Funnel::Refused => Some("refused"),
            Funnel::Delivered => Some("delivered"),
            Funnel::Displayed => Some("displayed"),
            Funnel::Suppressed => Some("suppressed"),
            Funnel::Opened => Some("opened"),
            Funnel::Dismissed => Some("dismissed"),
            Funnel::Action => Some("action"),
            Funnel::Nothing => None,
        };
        for (stage, ..) in homing_trace::stage::TABLE {
            if let Some(step) = Step::of_receipt(stage) {
                assert_eq!(step.row().2, column(stage.counts()), "{stage}");
            }
        }
    }
}
