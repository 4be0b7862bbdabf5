//! What a trace shows: the events of one notification, in order.

use serde::{Deserialize, Serialize};

use crate::{Environment, Reason, Stage, UnixMillis};

/// One step: when, which, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: UnixMillis,
    pub stage: Stage,
    pub reason: Option<Reason>,
}

/// The life of one notification as `homing trace --json` prints it, one line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The label its sender chose; other notifications may carry the same.
    pub apns_id: String,
    /// `None` when it was refused: a refused request never became a notification.
    pub seq: Option<u64>,
    pub topic: Option<String>,
    pub environment: Option<Environment>,
    pub events: Vec<Event>,
}
