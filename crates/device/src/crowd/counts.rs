//! What became of a fleet, in numbers. Who counts is the device to which it happens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use homing_trace::{Reason, Receipt, Stage};
use serde::Serialize;
use utoipa::ToSchema;

/// A number that many change.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) enrolled: Count,
    pub(crate) online: Count,
    pub(crate) connected: Count,
    pub(crate) tokens: Count,
    pub(crate) received: Count,
    pub(crate) repeated: Count,
    displayed: Count,
    suppressed: Mutex<BTreeMap<Reason, u64>>,
    opened: Count,
    dismissed: Count,
    pub(crate) receipts_taken: Count,
    pub(crate) connections_lost: Count,
    failures: Count,
    last_failure: Mutex<Option<String>>,
}

impl Counts {
    /// A device says what became of a notification.
    pub(crate) fn said(&self, receipt: &Receipt) {
        match receipt.event {
            Stage::Displayed => self.displayed.up(),
            Stage::Suppressed => {
                if let Some(reason) = &receipt.reason {
                    let mut suppressed = self.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
                    *suppressed.entry(reason.clone()).or_default() += 1;
                }
            }
            Stage::Opened => self.opened.up(),
            Stage::Dismissed => self.dismissed.up(),
            // Nobody chooses actions here; the others are the push service's words.
            Stage::Action
            | Stage::Accepted
            | Stage::Refused
            | Stage::Stored
            | Stage::Replaced
            | Stage::Expired
            | Stage::Discarded
            | Stage::Sent
            | Stage::Acknowledged
            | Stage::Injected => {}
        }
    }

    /// Something that somebody may have to mend.
    pub(crate) fn failed(&self, why: String) {
        self.failures.up();
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    pub(crate) fn view(&self, devices: u64) -> FleetCounts {
        let suppressed = self.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
        FleetCounts {
            devices,
            enrolled: self.enrolled.get(),
            online: self.online.get(),
            connected: self.connected.get(),
            tokens: self.tokens.get(),
            received: self.received.get(),
            repeated: self.repeated.get(),
            displayed: self.displayed.get(),
            suppressed: suppressed
                .iter()
                .map(|(reason, count)| (reason.as_str().to_owned(), *count))
                .collect(),
            opened: self.opened.get(),
            dismissed: self.dismissed.get(),
            receipts_taken: self.receipts_taken.get(),
            connections_lost: self.connections_lost.get(),
            failures: self.failures.get(),
            last_failure: self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// How a fleet stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FleetCounts {
    pub devices: u64,
    /// That have an id at the push service.
    pub enrolled: u64,
    /// That have a network now, by their profile.
    pub online: u64,
    /// That the push service has taken the connection of.
    pub connected: u64,
    /// Tokens that apps have got.
    pub tokens: u64,
    /// Notifications that came, each once.
    pub received: u64,
    /// That came again: the push service hadn't had the acknowledgement.
    pub repeated: u64,
    pub displayed: u64,
    /// By their reasons.
    pub suppressed: BTreeMap<String, u64>,
    pub opened: u64,
    pub dismissed: u64,
    /// Receipts that the push service has acknowledged.
    pub receipts_taken: u64,
    /// Not by a device's own choice.
    pub connections_lost: u64,
    /// Enrolments, registrations and connections that were refused or failed.
    pub failures: u64,
    /// Why, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}
