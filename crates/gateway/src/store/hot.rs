//! What the hub hands to the store on the hot path, and what it gets back. When a notification goes where is the
//! hub's decision; what of it is durable is the store's.

use std::sync::Arc;

use homing_trace::{Environment, Reason, Stage, UnixMillis};

use crate::notification::{Notification, RegistrationKey};

/// One accepted notification on its way into the log.
#[derive(Clone, Debug)]
pub struct Append {
    /// Whose [`AnswerSink`] gets the answer.
    pub core: usize,
    /// The hub's name for this append; comes back in the answer.
    pub ticket: u64,
    pub place: Place,
    pub notification: Arc<Notification>,
}

/// Where the notification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its device is connected and the hub has given it its `seq`. Never for one that is tried once.
    Queued { registration: RegistrationKey, registration_no: u32, seq: u64 },
    /// Its device is away, or its time is over: the store looks whether the registration lives and gives the `seq`. One
    /// that is tried once is not kept; the store itself records its `accepted` and `discarded: device-away`. One whose time
    /// is over is `accepted` and `expired`, and replaces nothing.
    Away { registration: RegistrationKey },
}

/// The answer to one [`Append`], after the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub ticket: u64,
    pub result: Appended,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is safe. `replaced` is the newest of the rows that an append for an absent device ended.
    Stored { seq: u64, replaced: Option<u64> },
    /// Accepted and at its end: tried once while the device is away, or expired when it came.
    Over { seq: u64 },
    /// The registration has ended.
    Unregistered { since: UnixMillis },
    /// The store has never known the registration.
    NeverRegistered,
    /// The commit failed; nothing of it is kept.
    Failed,
}

/// Where one core takes its answers: called by the writer's thread, once per committed batch, with all of that core.
/// Must not block.
pub trait AnswerSink: Send + Sync {
    fn take(&self, answers: Vec<Answer>);
}

/// The end of a kept notification.
#[derive(Clone, Debug)]
pub struct End {
    pub seq: u64,
    pub registration: RegistrationKey,
    pub registration_no: u32,
    /// `acknowledged`, `replaced`, `expired` or `discarded`.
    pub stage: Stage,
    pub reason: Option<Reason>,
    pub at: UnixMillis,
}

/// An event for the second file: what may be lost with the process.
#[derive(Clone, Debug)]
pub enum StageEvent {
    /// A notification that is tried once was accepted: its first event, and all that is ever known of it.
    Accepted { seq: u64, registration: RegistrationKey, notification: Arc<Notification> },
    /// A later stage of any notification: `sent`, `acknowledged`, what the device said.
    Reached { seq: u64, registration: RegistrationKey, stage: Stage, reason: Option<Reason>, at: UnixMillis },
    /// A request that was refused.
    Refused(Box<Refused>),
}

/// A refused request, or one that a tester had go wrong: it never became a notification.
#[derive(Clone, Debug)]
pub struct Refused {
    /// As it is said in the answer.
    pub apns_id: Box<str>,
    /// `None` before authentication.
    pub team: Option<Box<str>>,
    pub topic: Option<Box<str>>,
    pub environment: Option<Environment>,
    /// The device token as it stood in the path, hex in either case.
    pub token: Option<Box<str>>,
    /// What a tester had it end by.
    pub injected: Option<Reason>,
    /// Apple's word; `None` when nothing was said.
    pub reason: Option<Reason>,
    pub at: UnixMillis,
}

/// A kept notification, read back.
#[derive(Clone, Debug)]
pub struct StoredNotification {
    pub seq: u64,
    pub notification: Arc<Notification>,
}

/// What a registration got by subscribing.
#[derive(Clone, Debug)]
pub struct Subscribed {
    pub registration: RegistrationKey,
    /// Dense number of the registration, for the hot path.
    pub registration_no: u32,
    /// Whether this subscribe made the registration.
    pub is_new: bool,
    /// The stored notification, if one lives and hasn't expired.
    pub newest: Option<StoredNotification>,
}

/// Which notifications a trace is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceQuery {
    /// All that carry this label, whatever its case.
    ApnsId(String),
    /// The one of this number.
    Seq(u64),
    /// All for this device token (64 hex digits in either case), and all requests refused that named it.
    Token { token: String, registration: Option<RegistrationKey> },
}

/// What an authenticated device may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRights {
    pub device: u64,
    pub team: Box<str>,
    /// Bundle ids whose topics it may subscribe.
    pub apps: Arc<[Box<str>]>,
    pub environments: Arc<[Environment]>,
}

/// A device that was just admitted.
#[derive(Clone)]
pub struct Enrolled {
    pub device: u64,
    /// 64 hex digits, said once; the store keeps its SHA-256.
    pub secret: zeroize::Zeroizing<String>,
}

impl std::fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolled").field("device", &self.device).finish_non_exhaustive()
    }
}
