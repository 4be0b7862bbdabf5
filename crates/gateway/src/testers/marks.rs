//! Device tokens that are answered as if their app were gone or they had expired. The registration itself goes on: its
//! device is told nothing and keeps what is under way to it, so that taking the mark away is all it takes to restore it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use homing_apns::{Reason, Refusal};
use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::notification::{RegistrationKey, lock};

/// Tokens that may be marked at a time.
const MOST: usize = 10_000;

/// As what a token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MarkKind {
    Unregistered,
    Expired,
}

impl MarkKind {
    pub(crate) const fn reason(self) -> Reason {
        match self {
            Self::Unregistered => Reason::Unregistered,
            Self::Expired => Reason::ExpiredToken,
        }
    }
}

/// A mark on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) kind: MarkKind,
    /// From when on it holds, and the `timestamp` of 410.
    pub(crate) since: UnixMillis,
}

impl Mark {
    pub(crate) const fn refusal(self) -> Refusal {
        Refusal { reason: self.kind.reason(), timestamp: Some(self.since) }
    }

    /// The word in traces for why a request was refused.
    pub(crate) const fn word(self) -> homing_trace::Reason {
        match self.kind {
            MarkKind::Unregistered => homing_trace::Reason::MARK_UNREGISTERED,
            MarkKind::Expired => homing_trace::Reason::MARK_EXPIRED,
        }
    }
}

/// No token can be marked beside those that are.
#[derive(Debug, thiserror::Error)]
#[error("{MOST} tokens are marked: restore one first")]
pub(crate) struct MarksFull;

#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Whether there is any.
    any: AtomicBool,
    marked: Mutex<BTreeMap<RegistrationKey, Marked>>,
}

#[derive(Debug)]
struct Marked {
    mark: Mark,
    /// Whether the feedback service has told it since something was last sent to it.
    is_told: bool,
}

impl Marks {
    pub(crate) fn put(&self, key: RegistrationKey, mark: Mark) -> Result<(), MarksFull> {
        let mut marked = lock(&self.marked);
        if marked.len() >= MOST && !marked.contains_key(&key) {
            return Err(MarksFull);
        }
        marked.insert(key, Marked { mark, is_told: false });
        self.any.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether there was one.
    pub(crate) fn remove(&self, key: &RegistrationKey) -> bool {
        let mut marked = lock(&self.marked);
        let removed = marked.remove(key).is_some();
        self.any.store(!marked.is_empty(), Ordering::Relaxed);
        removed
    }

    /// The mark that holds now. Costs a load when nothing is marked.
    pub(crate) fn get(&self, key: &RegistrationKey, now: UnixMillis) -> Option<Mark> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        lock(&self.marked).get(key).map(|marked| marked.mark).filter(|mark| mark.since <= now)
    }

    pub(crate) fn all(&self) -> Vec<(RegistrationKey, Mark)> {
        lock(&self.marked).iter().map(|(key, marked)| (*key, marked.mark)).collect()
    }

    /// Something was sent to it by the interface that isn't told: the feedback service tells it again.
    pub(crate) fn tell_again(&self, key: &RegistrationKey) {
        if let Some(marked) = lock(&self.marked).get_mut(key) {
            marked.is_told = false;
        }
    }

    /// What the feedback service has to tell of a topic.
    pub(crate) fn untold(
        &self,
        environment: Environment,
        topic_no: u32,
        now: UnixMillis,
    ) -> Vec<(RegistrationKey, UnixMillis)> {
        if !self.any.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let marked = lock(&self.marked);
        let of_topic = marked
            .iter()
            .filter(|(key, marked)| {
                let is_of_topic = key.environment == environment && key.topic_no == topic_no;
                is_of_topic && !marked.is_told && marked.mark.since <= now
            })
            .map(|(key, marked)| (*key, marked.mark.since));
        of_topic.collect()
    }

    /// It has told these.
    pub(crate) fn told(&self, keys: impl IntoIterator<Item = RegistrationKey>) {
        let mut marked = lock(&self.marked);
        for key in keys {
            if let Some(marked) = marked.get_mut(&key) {
                marked.is_told = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(device: u64) -> RegistrationKey {
        RegistrationKey { device, environment: Environment::Development, topic_no: 1, generation: 1 }
    }

    #[test]
    fn a_mark_holds_until_it_is_taken_away() {
        let marks = Marks::default();
        let mark = Mark { kind: MarkKind::Expired, since: UnixMillis(5) };
        marks.put(key(1), mark).expect("there is room");
        assert_eq!(marks.get(&key(1), UnixMillis(4)), None, "it holds from its time on");
        assert_eq!(marks.get(&key(1), UnixMillis(5)), Some(mark));
        assert_eq!(marks.get(&key(2), UnixMillis(5)), None);
        assert!(marks.remove(&key(1)) && !marks.remove(&key(1)));
        assert_eq!(marks.get(&key(1), UnixMillis(5)), None);
    }

    #[test]
    fn feedback_tells_a_mark_once_and_again_when_something_was_sent() {
        let marks = Marks::default();
        let mark = Mark { kind: MarkKind::Unregistered, since: UnixMillis(5) };
        marks.put(key(1), mark).expect("there is room");
        let untold = || marks.untold(Environment::Development, 1, UnixMillis(5));
        assert!(marks.untold(Environment::Development, 1, UnixMillis(4)).is_empty(), "it doesn't hold yet");
        assert_eq!(untold(), [(key(1), UnixMillis(5))]);
        assert!(marks.untold(Environment::Production, 1, UnixMillis(5)).is_empty());
        marks.told([key(1)]);
        assert!(untold().is_empty());
        marks.tell_again(&key(1));
        assert_eq!(untold().len(), 1);
    }

    #[test]
    fn there_is_a_limit() {
        let marks = Marks::default();
        let mark = Mark { kind: MarkKind::Unregistered, since: UnixMillis(5) };
        for device in 0..MOST as u64 {
            marks.put(key(device), mark).expect("there is room");
        }
        marks.put(key(0), mark).expect("it is marked already");
        marks.put(key(MOST as u64), mark).expect_err("there is no more room");
    }
}
