//! What Apple's service can't offer a test: device tokens without a device, tokens that are unregistered or expired on
//! request, faults, and a journal of requests. A push service has these only where it is told to; the admin API sets them,
//! the provider ports ask for them at each request that is in order. Nothing here outlives the process.

mod blots;
mod entry;
mod faults;
mod journal;
mod marks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use homing_trace::UnixMillis;
use tokio::sync::Semaphore;

pub(crate) use blots::without_tokens;
pub(crate) use entry::{Answer, Asked, Credential, Entry, Unanswered};
pub(crate) use faults::{Effect, Faults, Hit, Interface, Rule, Scope, Target, Wish};
pub(crate) use journal::{Filter, Journal, Noted};
pub(crate) use marks::{Mark, MarkKind, Marks};

use crate::notification::RegistrationKey;

/// Device tokens without a device that one process makes.
const DEVICELESS: u32 = 100_000;
/// Who may read the journal at a time.
const READERS: usize = 16;

/// One for all ports and cores of a push service.
#[derive(Debug)]
pub(crate) struct Testers {
    pub(crate) marks: Marks,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// A place for each who reads the journal.
    pub(crate) readers: Arc<Semaphore>,
    deviceless: AtomicU32,
}

impl Default for Testers {
    fn default() -> Self {
        Self {
            marks: Marks::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            deviceless: AtomicU32::new(0),
        }
    }
}

/// What a request gets instead of what it would have got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Marked(Mark),
    Fault(Hit),
}

impl Testers {
    /// Asked for each notification that is in order, before it is handed on. A mark comes before faults, as what is wrong
    /// with a token comes before what goes wrong on the way.
    pub(crate) fn instead(
        &self,
        interface: Interface,
        registration: &RegistrationKey,
        now: UnixMillis,
    ) -> Option<Instead> {
        let marked = self.marks.get(registration, now).map(Instead::Marked);
        let target = Target::Registration(registration);
        marked.or_else(|| self.faults.hit(interface, target, now).map(Instead::Fault))
    }

    /// Whether one more device token without a device may be made.
    pub(crate) fn may_make_token(&self) -> bool {
        self.deviceless
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |made| {
                (made < DEVICELESS).then_some(made + 1)
            })
            .is_ok()
    }
}
