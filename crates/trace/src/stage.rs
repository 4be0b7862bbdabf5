//! The one table that maps a stage to who says it and what it counts as in a funnel.

use serde::{Deserialize, Serialize};

/// One step in a notification's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Accepted,
    Refused,
    Stored,
    Replaced,
    Expired,
    Discarded,
    Sent,
    Acknowledged,
    Displayed,
    Suppressed,
    Opened,
    Dismissed,
    Action,
    /// A tester had it so: what its reason says is no accident.
    Injected,
}

/// Who may say a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    PushService,
    Device,
}

/// The column of the funnel that a stage adds one to, at most once per notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counts {
    Accepted,
    Refused,
    Delivered,
    Displayed,
    Suppressed,
    Opened,
    Dismissed,
    Action,
    Nothing,
}

/// The table: stage, its word, who says it, what it counts as.
pub const TABLE: [(Stage, &str, Speaker, Counts); 14] = [
    (Stage::Accepted, "accepted", Speaker::PushService, Counts::Accepted),
    (Stage::Refused, "refused", Speaker::PushService, Counts::Refused),
    (Stage::Stored, "stored", Speaker::PushService, Counts::Nothing),
    (Stage::Replaced, "replaced", Speaker::PushService, Counts::Nothing),
    (Stage::Expired, "expired", Speaker::PushService, Counts::Nothing),
    (Stage::Discarded, "discarded", Speaker::PushService, Counts::Nothing),
    (Stage::Sent, "sent", Speaker::PushService, Counts::Nothing),
    (Stage::Acknowledged, "acknowledged", Speaker::PushService, Counts::Delivered),
    (Stage::Displayed, "displayed", Speaker::Device, Counts::Displayed),
    (Stage::Suppressed, "suppressed", Speaker::Device, Counts::Suppressed),
    (Stage::Opened, "opened", Speaker::Device, Counts::Opened),
    (Stage::Dismissed, "dismissed", Speaker::Device, Counts::Dismissed),
    (Stage::Action, "action", Speaker::Device, Counts::Action),
    (Stage::Injected, "injected", Speaker::PushService, Counts::Nothing),
];

impl Stage {
    const fn row(self) -> &'static (Self, &'static str, Speaker, Counts) {
        &TABLE[self as usize]
    }

    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    pub const fn speaker(self) -> Speaker {
        self.row().2
    }

    pub const fn counts(self) -> Counts {
        self.row().3
    }

    /// `None` for a word that is no stage.
    pub fn from_word(word: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == word).map(|row| row.0)
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_stands_in_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index, "{}", row.1);
            assert_eq!(serde_json::to_value(row.0).ok(), Some(serde_json::Value::from(row.1)));
            assert_eq!(Stage::from_word(row.1), Some(row.0));
        }
    }
}
