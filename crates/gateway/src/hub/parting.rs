//! Why the hub wants a connection closed, said across threads.

use std::sync::OnceLock;

/// Why the hub wants a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    TakenOver,
    ShuttingDown,
    /// Its enrolment was deleted.
    Removed,
}

/// Where a connection's task reads the hub's farewell, which may come from any thread.
#[derive(Debug, Default)]
pub(crate) struct Parting(OnceLock<Farewell>);

impl Parting {
    /// The first farewell stays.
    pub(crate) fn say(&self, farewell: Farewell) {
        let _ = self.0.set(farewell);
    }

    pub(crate) fn said(&self) -> Option<Farewell> {
        self.0.get().copied()
    }
}
