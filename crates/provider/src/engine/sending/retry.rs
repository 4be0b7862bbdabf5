//! What a try came to, and what follows: settled, or tried again, and when. Pure; the one table of reasons decides
//! (`homing_apns::Reason::retry`).

use homing_apns::{Reason, Retry};
use homing_apns_client::{Response, SendError};
use homing_trace::{Reason as TraceReason, UnixMillis};

use crate::engine::standings::Withdrawn;

/// Between tries without a wait that the push service names: 1 s, doubled up to this.
const LONGEST_WAIT_MS: i64 = 10 * 60 * 1000;
const FIRST_WAIT_MS: i64 = 1_000;

/// What one try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Refused {
        status: u16,
        reason: Reason,
        since: Option<UnixMillis>,
    },
    /// The connection is of no use any more; nobody looked at the request.
    NotTaken {
        why: String,
    },
    /// It may have been accepted.
    Unknown {
        why: String,
    },
    /// An answer that isn't Apple's.
    NotApple {
        status: u16,
    },
    /// It can't be written.
    Unwritable,
    Withdrawn(Withdrawn),
}

impl Outcome {
    pub(super) fn of(tried: Result<Result<Response, SendError>, Withdrawn>) -> Self {
        let error = match tried {
            Err(withdrawn) => return Self::Withdrawn(withdrawn),
            Ok(Ok(_)) => return Self::Accepted,
            Ok(Err(error)) => error,
        };
        match error {
            SendError::Refused { status, refusal, .. } => {
                // A word that isn't Apple's may be of any length.
                let reason = Reason::from_word(TraceReason::from_peer(refusal.reason.as_str()).as_str());
                Self::Refused { status, reason, since: refusal.timestamp }
            }
            SendError::NotApple { status, .. } => Self::NotApple { status },
            SendError::Closed { reason, unprocessed: true } => {
                Self::NotTaken { why: reason.as_str().to_owned() }
            }
            SendError::Closed { reason, unprocessed: false } => {
                Self::Unknown { why: reason.as_str().to_owned() }
            }
            SendError::NotTaken { .. } => Self::NotTaken { why: "not-taken".to_owned() },
            SendError::CertificateRejected { .. } => {
                Self::NotTaken { why: "certificate-rejected".to_owned() }
            }
            SendError::Deadline { .. } => Self::Unknown { why: "no-answer".to_owned() },
            SendError::Broken { .. } => Self::Unknown { why: "connection-broken".to_owned() },
            SendError::Request(_) => Self::Unwritable,
        }
    }

    /// Whether the request reached the connection, and was answered or may have been.
    pub(super) const fn is_sent(&self) -> bool {
        match self {
            Self::Accepted | Self::Refused { .. } | Self::Unknown { .. } | Self::NotApple { .. } => true,
            Self::NotTaken { .. } | Self::Unwritable | Self::Withdrawn(_) => false,
        }
    }

    /// Whether somebody answered, so that the connection is a good one.
    pub(super) const fn is_answer(&self) -> bool {
        matches!(self, Self::Accepted | Self::Refused { .. })
    }

    /// What it says of the way to the push service, if anything: that it is good, or what is wrong with it.
    pub(super) fn way(&self) -> Option<Result<(), String>> {
        match self {
            Self::Accepted | Self::Refused { .. } => Some(Ok(())),
            Self::NotTaken { why } | Self::Unknown { why } => {
                Some(Err(format!("the last try came to nothing: {why}")))
            }
            Self::NotApple { status } => Some(Err(format!(
                "what answers at the push service's address is none: status {status}, and no word of Apple's"
            ))),
            Self::Unwritable | Self::Withdrawn(_) => None,
        }
    }

    /// Whether the next try needs another connection. After `ExpiredProviderToken` Apple's answers nothing good on the
    /// old one.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::NotTaken { .. } | Self::Unknown { .. } | Self::NotApple { .. } => true,
            Self::Refused { reason, .. } => match reason.retry() {
                Retry::OnNewConnection | Retry::WithNewProviderToken => true,
                Retry::Never | Retry::AfterFix | Retry::Later | Retry::AfterSeconds(_) => false,
            },
            Self::Accepted | Self::Unwritable | Self::Withdrawn(_) => false,
        }
    }
}

/// What follows from a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused { reason: Reason, since: Option<UnixMillis> },
    Failed { why: String },
    Withdrawn(Withdrawn),
    Again { due: UnixMillis, why: String },
}

/// When a try was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Try {
    /// Tries before this one.
    pub(super) before: u32,
    pub(super) now: UnixMillis,
    /// From then on it isn't tried again.
    pub(super) deadline: UnixMillis,
    /// Spreads the tries that wait for the same.
    pub(super) dice: u64,
}

impl Try {
    pub(super) fn judge(self, outcome: Outcome) -> Verdict {
        let (wait, why) = match outcome {
            Outcome::Accepted => return Verdict::Accepted,
            Outcome::Withdrawn(withdrawn) => return Verdict::Withdrawn(withdrawn),
            Outcome::Unwritable => return Verdict::Failed { why: "unwritable".to_owned() },
            Outcome::Refused { status, reason, since } => match self.wait_after(status, &reason) {
                None => return Verdict::Refused { reason, since },
                Some(wait) => (wait, reason.as_str().to_owned()),
            },
            Outcome::NotTaken { why } | Outcome::Unknown { why } => (self.at_once(), why),
            Outcome::NotApple { .. } => (self.growing(), "no-push-service".to_owned()),
        };
        let due = self.now.plus_millis(wait);
        if due >= self.deadline { Verdict::Failed { why } } else { Verdict::Again { due, why } }
    }

    /// Milliseconds until the next try; `None` if there is none.
    fn wait_after(self, status: u16, reason: &Reason) -> Option<i64> {
        if matches!(reason, Reason::Unknown(_)) {
            // Of a word we don't know, the status says more than our table.
            return (status == 429 || status >= 500).then(|| self.growing());
        }
        match reason.retry() {
            Retry::Never | Retry::AfterFix => None,
            Retry::WithNewProviderToken | Retry::OnNewConnection => Some(self.at_once()),
            Retry::Later => Some(self.growing()),
            Retry::AfterSeconds(seconds) => {
                let wait = i64::from(seconds) * 1_000;
                Some(wait + self.up_to(wait / 10))
            }
        }
    }

    /// At once the first time; what fails again waits.
    fn at_once(self) -> i64 {
        if self.before == 0 { 0 } else { self.growing() }
    }

    /// Anything up to a limit that doubles.
    fn growing(self) -> i64 {
        let longest = FIRST_WAIT_MS.saturating_mul(1 << self.before.min(20)).min(LONGEST_WAIT_MS);
        self.up_to(longest)
    }

    fn up_to(self, longest: i64) -> i64 {
        let span = u64::try_from(longest).unwrap_or_default() + 1;
        i64::try_from(self.dice % span).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn judged(outcome: &Outcome, before: u32, dice: u64) -> Verdict {
        Try { before, now: NOW, deadline: NOW.plus_millis(DAY), dice }.judge(outcome.clone())
    }

    fn refused(reason: Reason) -> Outcome {
        Outcome::Refused { status: reason.status(), reason, since: None }
    }

    /// Milliseconds until the next try, the shortest and the longest.
    fn waits(outcome: &Outcome, before: u32) -> Option<(i64, i64)> {
        let wait = |dice| match judged(outcome, before, dice) {
            Verdict::Again { due, .. } => Some(due.millis_since(NOW)),
            Verdict::Accepted | Verdict::Refused { .. } | Verdict::Failed { .. } | Verdict::Withdrawn(_) => {
                None
            }
        };
        Some((wait(0)?, (0..2_000_000).step_by(997).filter_map(wait).max()?))
    }

    #[test]
    fn every_reason_of_the_table_is_settled_or_tried_again_as_it_says() {
        for reason in Reason::ALL {
            let outcome = refused(reason.clone());
            match (reason.retry(), waits(&outcome, 0)) {
                (Retry::Never | Retry::AfterFix, None) => {
                    let settled = Verdict::Refused { reason: reason.clone(), since: None };
                    assert_eq!(judged(&outcome, 0, 0), settled);
                }
                (Retry::WithNewProviderToken | Retry::OnNewConnection, Some(waits)) => {
                    assert_eq!(waits, (0, 0), "{reason}");
                    assert!(outcome.ends_connection(), "{reason}");
                }
                (Retry::Later, Some((0, longest))) => assert!(longest <= FIRST_WAIT_MS, "{reason}"),
                (Retry::AfterSeconds(seconds), Some((shortest, longest))) => {
                    let wait = i64::from(seconds) * 1_000;
                    assert!(shortest == wait && longest <= wait + wait / 10, "{reason}");
                }
                (retry, waits) => panic!("{reason}: {retry:?}, but {waits:?}"),
            }
        }
    }

    #[test]
    fn an_unknown_outcome_is_tried_again_at_once_and_then_ever_later() {
        let unknown = Outcome::Unknown { why: "no-answer".to_owned() };
        assert_eq!(waits(&unknown, 0), Some((0, 0)));
        let longest = |before| waits(&unknown, before).map(|waits| waits.1).unwrap_or_default();
        assert!((1..=2_000).contains(&longest(1)));
        assert!((60_000..=128_000).contains(&longest(7)));
        assert!((400_000..=LONGEST_WAIT_MS).contains(&longest(1_000)));
        assert!(unknown.is_sent() && unknown.ends_connection() && !unknown.is_answer());
    }

    #[test]
    fn a_word_nobody_knows_is_judged_by_its_status() {
        let of = |status| Outcome::Refused { status, reason: Reason::Unknown("Odd".to_owned()), since: None };
        assert!(waits(&of(400), 0).is_none() && waits(&of(410), 0).is_none());
        assert!(waits(&of(429), 0).is_some() && waits(&of(503), 0).is_some());
    }

    #[test]
    fn after_the_deadline_nothing_is_tried_again() {
        let unknown = Outcome::Unknown { why: "no-answer".to_owned() };
        let at = |deadline| Try { before: 0, now: NOW, deadline, dice: 0 }.judge(unknown.clone());
        assert_eq!(at(NOW), Verdict::Failed { why: "no-answer".to_owned() });
        assert!(matches!(at(NOW.plus_millis(1)), Verdict::Again { .. }));
        // A wait that leads beyond it is not begun.
        let later = refused(Reason::ServiceUnavailable);
        let soon = Try { before: 0, now: NOW, deadline: NOW.plus_millis(60_000), dice: 0 }.judge(later);
        assert_eq!(soon, Verdict::Failed { why: "ServiceUnavailable".to_owned() });
    }

    #[test]
    fn what_is_no_push_service_is_trouble_like_one_that_is_away() {
        let of = |outcome: Outcome| outcome.way().map(|way| way.is_ok());
        assert_eq!(of(Outcome::Accepted), Some(true));
        assert_eq!(of(Outcome::Unknown { why: "no-answer".to_owned() }), Some(false));
        let way = Outcome::NotApple { status: 502 }.way().unwrap().unwrap_err();
        assert!(way.contains("502"), "{way}");
        assert_eq!(of(Outcome::Withdrawn(Withdrawn::Retired)), None);
    }
}
