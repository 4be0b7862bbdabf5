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
    /// The other name that its sender was answered, in the development environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apns_unique_id: Option<String>,
    /// What a broadcast has beside: it has many receivers, and what became of it is counted over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Broadcast>,
}

/// A broadcast's channel, and to how many devices it went. Its `apns_id` is the `apns-request-id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broadcast {
    /// As in `apns-channel-id`.
    pub channel: String,
    /// How often it was sent: once for each subscribed connection.
    pub sent: u64,
    pub acknowledged: u64,
    /// Answered with an error by the device.
    pub refused: u64,
}
