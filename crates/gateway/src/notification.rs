//! The words the push service's own parts share: a notification on its way from the provider port through the hub to
//! the device port, and how the answer finds its request. What may be accepted is decided by the provider port; where
//! a notification goes, by the hub.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use homing_apns::{CollapseId, Expiration, Priority, PushType};
use homing_trace::{Environment, UnixMillis};

/// Longest time a notification is kept for a device that is away (*Sending notification requests to APNs*).
pub const RETENTION_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What a device token seals: one registration, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistrationKey {
    pub device: u64,
    pub environment: Environment,
    /// The push service's number for the topic; at most 23 bits.
    pub topic_no: u32,
    /// When it was registered, in seconds by the store's clock; rises with each registration of the same topic.
    pub generation: u32,
}

/// One accepted notification. Its `seq` is not here: it is given when the notification enters its registration's queue.
#[derive(Clone)]
pub struct Notification {
    /// The label its sender chose, as sent, or the one we made for it.
    pub apns_id: Box<str>,
    pub push_type: PushType,
    pub priority: Priority,
    pub collapse_id: Option<CollapseId>,
    pub expiration: Expiration,
    pub accepted_at: UnixMillis,
    pub payload: Bytes,
}

impl Notification {
    /// Whether it is kept when it can't be delivered at once.
    pub fn is_kept(&self) -> bool {
        !matches!(self.expiration, Expiration::Once)
    }

    /// The moment after which it is delivered no more. `None` for one that is tried once.
    pub fn expires_at(&self) -> Option<UnixMillis> {
        let by_retention = self.accepted_at.plus_millis(RETENTION_MILLIS);
        match self.expiration {
            Expiration::Default => Some(by_retention),
            Expiration::Once => None,
            Expiration::At(seconds) => Some(UnixMillis::from_secs(seconds).min(by_retention)),
        }
    }
}

impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification")
            .field("apns_id", &self.apns_id)
            .field("push_type", &self.push_type)
            .field("expiration", &self.expiration)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// A request the provider port has admitted, and where its answer goes.
#[derive(Debug)]
pub struct Submission {
    pub registration: RegistrationKey,
    pub notification: Notification,
    pub reply: ReplyTo,
}

/// How a submission ended, said to the provider port exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 200: the promise of the push service holds from here.
    Accepted { seq: u64 },
    /// 410, from the store.
    Unregistered { since: UnixMillis },
    /// The token opens, but the store has never known it: 400 BadDeviceToken.
    NeverRegistered,
    /// A queue is full: 503 ServiceUnavailable.
    Overloaded,
    /// The store failed: 500 InternalServerError.
    Failed,
}

/// The mailbox and the slot of the request that waits for an [`Outcome`].
#[derive(Clone, Debug)]
pub struct ReplyTo {
    pub mailbox: std::sync::Arc<Mailbox>,
    pub slot: u32,
}

impl ReplyTo {
    pub fn answer(&self, outcome: Outcome) {
        self.mailbox.put(self.slot, outcome);
    }
}

/// Where the answers for one provider connection wait for its task. Bounded by the connection's stream limit.
#[derive(Debug, Default)]
pub struct Mailbox {
    answers: Mutex<Vec<(u32, Outcome)>>,
    waker: Mutex<Option<Waker>>,
    filled: AtomicBool,
}

impl Mailbox {
    fn put(&self, slot: u32, outcome: Outcome) {
        lock(&self.answers).push((slot, outcome));
        if !self.filled.swap(true, Ordering::AcqRel)
            && let Some(waker) = lock(&self.waker).take()
        {
            waker.wake();
        }
    }

    /// Moves all answers into `into`; pending until there is one.
    pub fn poll_take(&self, cx: &Context<'_>, into: &mut Vec<(u32, Outcome)>) -> Poll<()> {
        if !self.filled.load(Ordering::Acquire) {
            *lock(&self.waker) = Some(cx.waker().clone());
            if !self.filled.load(Ordering::Acquire) {
                return Poll::Pending;
            }
        }
        self.filled.store(false, Ordering::Release);
        into.append(&mut lock(&self.answers));
        Poll::Ready(())
    }
}

/// A lock whose holder panicked still guards consistent data here: every section is a few moves.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
