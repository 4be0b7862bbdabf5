//! Writes a run's history down while it happens, from many tasks at once. What it means is judged in [`crate::history`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::history::{Answer, Arrival, History, Moment, Registration, Sent};

/// The history so far, the test's own clock, and a count of accepted notifications that can be waited for.
#[derive(Debug)]
pub struct Recorder {
    inner: Mutex<Inner>,
    accepted: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    history: History,
    now: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { inner: Mutex::default(), accepted: watch::Sender::new(0) }
    }
}

impl Recorder {
    pub fn registered(&self, name: &str, device: &str) {
        let registration = Registration { name: name.to_owned(), device: device.to_owned(), ended_at: None };
        self.lock().history.registrations.push(registration);
    }

    /// Before a request goes out. Gives the place where its answer is written.
    pub fn sending(&self, apns_id: &str, registration: &str, kept: bool) -> usize {
        let mut inner = self.lock();
        let sent_at = inner.tick();
        inner.history.sent.push(Sent {
            apns_id: apns_id.to_owned(),
            registration: registration.to_owned(),
            kept,
            sent_at,
            answer: None,
        });
        inner.history.sent.len() - 1
    }

    /// After its answer came in.
    pub fn answered(&self, place: usize, status: u16) {
        let mut inner = self.lock();
        let at = inner.tick();
        if let Some(sent) = inner.history.sent.get_mut(place) {
            sent.answer = Some(Answer { at, status });
        }
        drop(inner);
        if status == 200 {
            self.accepted.send_modify(|count| *count += 1);
        }
    }

    /// When a notification has reached a device, before it is acknowledged.
    pub fn arrived(&self, device: &str, registration: &str, apns_id: &str, seq: u64) {
        let mut inner = self.lock();
        let at = inner.tick();
        inner.history.arrivals.push(Arrival {
            device: device.to_owned(),
            registration: registration.to_owned(),
            apns_id: apns_id.to_owned(),
            seq,
            at,
        });
    }

    pub fn killed(&self) {
        self.lock().history.killed = true;
    }

    /// How many have been accepted, and when that changes.
    pub fn accepted(&self) -> watch::Receiver<usize> {
        self.accepted.subscribe()
    }

    /// The history so far.
    pub fn history(&self) -> History {
        self.lock().history.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    const fn tick(&mut self) -> Moment {
        self.now += 1;
        Moment(self.now)
    }
}
