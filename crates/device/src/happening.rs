//! What a device tells those who watch it: one event for everything worth seeing, with the decision and its reason.

mod detail;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use homing_trace::UnixMillis;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

pub(crate) use detail::ToldSchema;

/// Events kept for a watcher that is slow or comes later. One that falls further behind is told that it missed some.
pub(crate) const KEPT: usize = 1024;

/// An event with its number: higher than that of any event before it on this host, also before a restart.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) no: u64,
    #[serde(flatten)]
    pub(crate) happening: Happening,
}

impl std::ops::Deref for Told {
    type Target = Happening;

    fn deref(&self) -> &Happening {
        &self.happening
    }
}

/// The newest events of all devices of a host, and those who watch them all.
#[derive(Clone, Debug)]
pub(crate) struct Record(Arc<Mutex<Newest>>);

#[derive(Debug)]
struct Newest {
    next: u64,
    kept: VecDeque<Arc<Told>>,
    watchers: broadcast::Sender<Arc<Told>>,
}

/// What a watcher gets: first what was kept, then what comes.
#[derive(Debug)]
pub(crate) struct Watching {
    /// Some after the number asked for aren't kept any more.
    pub(crate) missed: bool,
    pub(crate) kept: Vec<Arc<Told>>,
    pub(crate) coming: broadcast::Receiver<Arc<Told>>,
}

impl Record {
    /// `now` makes the numbers higher than those of an earlier start: nothing happens a thousand times in each millisecond.
    pub(crate) fn new(now: SystemTime) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let next = u64::try_from(since.as_millis()).unwrap_or_default().saturating_mul(1000);
        Self(Arc::new(Mutex::new(Newest {
            next,
            kept: VecDeque::new(),
            watchers: broadcast::Sender::new(KEPT),
        })))
    }

    /// The number of the newest event.
    pub(crate) fn mark(&self) -> u64 {
        self.newest().next - 1
    }

    /// What happens on any device, also on those that are added later.
    pub(crate) fn watch(&self, after: Option<u64>) -> Watching {
        let newest = self.newest();
        newest.watching(after, newest.watchers.subscribe(), |_| true)
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn watching(
        &self,
        after: Option<u64>,
        coming: broadcast::Receiver<Arc<Told>>,
        is_meant: impl Fn(&Told) -> bool,
    ) -> Watching {
        let Some(after) = after else { return Watching { missed: false, kept: Vec::new(), coming } };
        // What an earlier start of the host told isn't kept either.
        let first = self.kept.front().map_or(self.next, |first| first.no);
        let missed = first > after.saturating_add(1);
        let kept = self.kept.iter().filter(|told| told.no > after && is_meant(told)).cloned().collect();
        Watching { missed, kept, coming }
    }
}

/// Those who watch one device, and those who watch all.
#[derive(Clone, Debug)]
pub(crate) struct Watchers {
    of_device: broadcast::Sender<Arc<Told>>,
    record: Record,
}

impl Watchers {
    pub(crate) fn with(record: Record) -> Self {
        Self { of_device: broadcast::Sender::new(KEPT), record }
    }

    pub(crate) fn tell(&self, happening: Happening) {
        let mut newest = self.record.newest();
        let told = Arc::new(Told { no: newest.next, happening });
        newest.next += 1;
        if newest.kept.len() == KEPT {
            newest.kept.pop_front();
        }
        newest.kept.push_back(Arc::clone(&told));
        // Nobody may be watching.
        let _ = self.of_device.send(Arc::clone(&told));
        let _ = newest.watchers.send(told);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Told>> {
        self.of_device.subscribe()
    }

    /// What happens on this device, from the number on.
    pub(crate) fn watch(&self, device: &str, after: Option<u64>) -> Watching {
        let newest = self.record.newest();
        newest.watching(after, self.of_device.subscribe(), |told| told.device == device)
    }
}

/// One event of a device, as it stands in the event stream. What each kind means and says is described in `detail`.
#[derive(Clone, Serialize)]
pub struct Happening {
    pub at: UnixMillis,
    /// The device's name.
    pub device: String,
    pub kind: Kind,
    /// The bundle ID, of what concerns an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What exactly, by kind.
    pub detail: Value,
}

impl std::fmt::Debug for Happening {
    /// What people are told, and say, stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Happening")
            .field("at", &self.at)
            .field("device", &self.device)
            .field("kind", &self.kind)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Added,
    Erased,
    Restarted,
    TurnedOff,
    TurnedOn,
    ContentErased,
    Restored,
    Link,
    Lock,
    Installed,
    Removed,
    AppMoved,
    Crashed,
    Suspended,
    SettingsOpened,
    Token,
    PromptShown,
    PromptWithdrawn,
    Arrived,
    Presented,
    Sound,
    Badge,
    Withdrawn,
    WillPresent,
    DidReceive,
    DidReceiveRemoteNotification,
    LegacyCallback,
    ContentExtension,
    Summary,
    ServiceExtension,
    HandedOver,
    Channel,
    Broadcast,
    Receipt,
    Screen,
    Changed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_with_a_number_of_before_the_start_has_missed_some() {
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let (before, after) = (Record::new(at(10)), Record::new(at(20)));
        assert!(!before.watch(Some(before.mark())).missed);
        assert!(after.watch(Some(before.mark())).missed);
        assert!(!after.watch(Some(after.mark())).missed);
        assert!(!after.watch(None).missed);
    }
}
