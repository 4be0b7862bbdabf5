//! What all devices of a fleet share: the profile, the clock, the way to the push service, and the gate that keeps them
//! from all connecting at once.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use homing_clock::Clock;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::counts::Counts;
use super::identities::Identities;
use super::profile::Profile;
use crate::link::Registration;
use crate::tls::Dialler;

/// Devices that enrol or connect at the same time. A handshake is work for both ends, and one machine plays all of this
/// end: more at once would only make each of them late.
pub(crate) const AT_THE_GATE: usize = 64;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) profile: Profile,
    pub(crate) clock: Clock,
    pub(crate) dialler: Dialler,
    pub(crate) enrolment_key: String,
    /// Where identities outlive the process, if they do.
    pub(crate) identities: Option<Identities>,
    pub(crate) gate: Gate,
    pub(crate) counts: Counts,
    /// Where tokens are written down.
    pub(crate) tokens: Option<Mutex<File>>,
}

impl World {
    /// Writes a token down for those who send.
    pub(crate) fn write_token(
        &self,
        token: &str,
        registration: &Registration,
        about: [&str; 2],
        device: u64,
    ) {
        let Some(file) = &self.tokens else { return };
        let [locale, zone] = about;
        let Registration { environment, topic, .. } = registration;
        let line = format!("{token}\t{topic}\t{environment}\t{locale}\t{zone}\t{device}\n");
        let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        if let Err(error) = written {
            self.counts.failed(format!("a token can't be written to the file of tokens: {error}"));
        }
    }
}

/// Lets some through at a time, and nobody to enrol while the push service wants to be spared.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    enrol_from: Mutex<Option<Instant>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_THE_GATE), enrol_from: Mutex::new(None) }
    }
}

impl Gate {
    /// A place at the gate; `None` never, since it isn't closed.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// The push service said when it wants to be asked again.
    pub(crate) fn spare(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut from = self.enrol_from.lock().unwrap_or_else(PoisonError::into_inner);
        *from = Some(from.map_or(until, |before| before.max(until)));
    }

    /// How long it is until enrolling may be tried.
    pub(crate) fn closed_for(&self) -> Option<Duration> {
        let from = *self.enrol_from.lock().unwrap_or_else(PoisonError::into_inner);
        from?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}
