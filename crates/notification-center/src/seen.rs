//! Which remote notifications an app's registrations have had, so that one delivered again isn't shown again.

use std::collections::{BTreeSet, VecDeque};

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::RemoteNotification;

/// Longer than a push service stores anything, which is 30 days.
const REMEMBERED_MILLIS: i64 = 31 * 24 * 60 * 60 * 1000;
/// A push service keeps one notification for an absent device and 1,024 for a connected one, so one this far back
/// can't come again.
const MAX: usize = 16_384;

/// The last notifications, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(Fingerprint, UnixMillis)>", into = "Vec<(Fingerprint, UnixMillis)>")]
pub(crate) struct Seen {
    order: VecDeque<(Fingerprint, UnixMillis)>,
    known: BTreeSet<Fingerprint>,
}

impl Seen {
    /// Remembers `notification`; `false` if it was here before.
    pub(crate) fn is_first(&mut self, notification: &RemoteNotification, now: UnixMillis) -> bool {
        let forgotten = now.plus_millis(-REMEMBERED_MILLIS);
        while self.order.len() >= MAX || self.order.front().is_some_and(|(_, at)| *at < forgotten) {
            let Some((oldest, _)) = self.order.pop_front() else { break };
            self.known.remove(&oldest);
        }
        let fingerprint = Fingerprint::of(notification);
        let first = self.known.insert(fingerprint);
        if first {
            self.order.push_back((fingerprint, now));
        }
        first
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Forgets all but the newest `count`.
    pub(crate) fn keep_newest(&mut self, count: usize) {
        let gone = self.len().saturating_sub(count);
        for (oldest, _) in self.order.drain(..gone) {
            self.known.remove(&oldest);
        }
    }
}

impl From<Vec<(Fingerprint, UnixMillis)>> for Seen {
    fn from(order: Vec<(Fingerprint, UnixMillis)>) -> Self {
        Self { known: order.iter().map(|(fingerprint, _)| *fingerprint).collect(), order: order.into() }
    }
}

impl From<Seen> for Vec<(Fingerprint, UnixMillis)> {
    fn from(seen: Seen) -> Self {
        seen.order.into()
    }
}

/// Half a SHA-256 of registration, `apns-id` and payload. In JSON: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Fingerprint(u128);

impl Fingerprint {
    fn of(notification: &RemoteNotification) -> Self {
        let mut hash = Sha256::new();
        for part in
            [notification.registration.as_bytes(), notification.apns_id.as_bytes(), &notification.payload]
        {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        Self(digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte)))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = std::num::ParseIntError;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&hex, 16).map(Self)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        format!("{:032x}", fingerprint.0)
    }
}
