//! The one clock of a Homing: real time plus an offset that only grows.
//!
//! Provider, push service and devices of one process share it for schedules, expiry, budgets and triggers, so that a
//! test can let two hours pass. TLS, provider tokens and connection timers stay on real time. The offset outlives the
//! process in a file, since what was once past must never become future again.

mod agenda;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use homing_trace::UnixMillis;
use tokio::sync::watch;

pub use agenda::{Agenda, Attendance};

use agenda::Attending;

/// A handle on the clock; clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    offset_millis: Arc<watch::Sender<i64>>,
    kept_in: Option<Arc<Path>>,
    /// The highest offset that was promised: the file never says less.
    promised: Arc<Mutex<i64>>,
    attending: Arc<Attending>,
}

/// Time that is let pass in steps. All of it has passed when this is dropped.
#[derive(Debug)]
pub struct Passing {
    clock: Clock,
    /// How far it is ahead of real time at the end.
    offset: i64,
}

/// The file of the offset can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    #[error("the clock's file {path} can't be used: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "the clock's file {path} should hold one number, the milliseconds it is ahead; it holds {found:?}: \
         restore it, or remove it together with the rest of the data directory"
    )]
    Unreadable { path: PathBuf, found: String },
}

impl Default for Clock {
    /// A clock that shows real time, and forgets its offset with the process.
    fn default() -> Self {
        Self::ahead_by(0, None)
    }
}

impl Clock {
    /// The clock whose offset is kept in `path`; a missing file means real time.
    pub fn kept_in(path: &Path) -> Result<Self, ClockError> {
        let offset = match std::fs::read_to_string(path) {
            Ok(text) => text
                .trim()
                .parse::<i64>()
                .ok()
                .filter(|offset| *offset >= 0)
                .ok_or(ClockError::Unreadable { path: path.to_owned(), found: text })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(source) => return Err(ClockError::Io { path: path.to_owned(), source }),
        };
        Ok(Self::ahead_by(offset, Some(path.into())))
    }

    fn ahead_by(offset: i64, kept_in: Option<Arc<Path>>) -> Self {
        let offset_millis = Arc::new(watch::Sender::new(offset));
        let promised = Arc::new(Mutex::new(offset));
        Self { offset_millis, kept_in, promised, attending: Arc::default() }
    }

    pub fn now(&self) -> UnixMillis {
        real_now().plus_millis(self.offset_millis())
    }

    pub fn offset_millis(&self) -> i64 {
        *self.offset_millis.borrow()
    }

    /// Lets `by` pass at once: sleepers whose time has come wake. Answers the new offset, which is safe on disk by
    /// then. Blocks for that write.
    pub fn advance(&self, by: Duration) -> Result<i64, ClockError> {
        self.pass(by)?.to_end();
        Ok(self.offset_millis())
    }

    /// Lets `by` pass in steps. What the clock will show at the end is safe on disk now, so a step costs nothing, and a
    /// process that ends in between begins at the end. What passes at the same time comes on top. Blocks for that write.
    pub fn pass(&self, by: Duration) -> Result<Passing, ClockError> {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = promised.saturating_add(by);
        if offset > *promised {
            self.kept_in.as_deref().map_or(Ok(()), |path| keep(path, offset))?;
            *promised = offset;
        }
        Ok(Passing { clock: self.clone(), offset })
    }

    fn go_on(&self, wanted: i64) {
        self.offset_millis.send_if_modified(|offset| {
            let later = wanted > *offset;
            *offset = wanted.max(*offset);
            later
        });
    }

    /// Waits until the clock shows `at`, whether time passes or is advanced.
    pub async fn sleep_until(&self, at: UnixMillis) {
        let mut advanced = self.offset_millis.subscribe();
        loop {
            let Ok(left) = u64::try_from(at.millis_since(self.now())) else { return };
            if left == 0 {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left)) => {}
                // The sender lives in `self`, so this never fails while we wait.
                _ = advanced.changed() => {}
            }
        }
    }
}

impl Passing {
    /// Whether `at` isn't later than the end, which real time that passes meanwhile moves on.
    pub fn reaches(&self, at: UnixMillis) -> bool {
        at.millis_since(real_now()) <= self.offset
    }

    /// Goes on until the clock shows `at`, or the end.
    pub fn to(&self, at: UnixMillis) {
        self.clock.go_on(at.millis_since(real_now()).min(self.offset));
    }

    /// The clock is ahead by as much more as was to pass; what real time passed meanwhile comes on top.
    pub fn to_end(self) {}
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.clock.go_on(self.offset);
    }
}

/// Replaces the file in one step, so that a crash leaves the old or the new offset.
fn keep(path: &Path, offset: i64) -> Result<(), ClockError> {
    let next = path.with_extension("next");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        writeln!(file, "{offset}")?;
        file.sync_all()?;
        std::fs::rename(&next, path)?;
        path.parent().map_or(Ok(()), |dir| std::fs::File::open(dir)?.sync_all())
    };
    write().map_err(|source| ClockError::Io { path: path.to_owned(), source })
}

fn real_now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_advanced() {
        let clock = Clock::default();
        let at = clock.now().plus_millis(7_200_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        clock.advance(Duration::from_secs(7_200)).expect("nothing is written");
        sleeper.await.expect("the sleeper ends");
        assert!(clock.now() >= at);
    }

    #[test]
    fn time_passes_in_steps_to_its_end_which_is_kept_from_the_first() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("clock");
        let clock = Clock::kept_in(&path).expect("a missing file is real time");
        let (hour, began) = (3_600_000, clock.now());
        let passing = clock.pass(Duration::from_secs(2 * 3_600)).expect("it is written");
        passing.to(began.plus_millis(hour));
        assert!((hour..hour + 60_000).contains(&clock.now().millis_since(began)));
        assert_eq!(Clock::kept_in(&path).expect("it is read").offset_millis(), 2 * hour);
        assert!(!passing.reaches(began.plus_millis(3 * hour)), "beyond the end");
        passing.to_end();
        assert!((2 * hour..2 * hour + 60_000).contains(&clock.now().millis_since(began)));
        assert_eq!(clock.offset_millis(), 2 * hour, "whatever real time has passed");
    }

    #[test]
    fn no_time_is_lost_when_two_let_it_pass_at_once() {
        let clock = Clock::default();
        let hour = Duration::from_secs(3_600);
        let passing = clock.pass(hour).expect("nothing is written");
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| clock.advance(hour).expect("nothing is written"));
            }
        });
        drop(passing);
        assert_eq!(clock.offset_millis(), 9 * 3_600_000);
    }

    #[test]
    fn the_offset_outlives_the_process() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("clock");
        let clock = Clock::kept_in(&path).expect("a missing file is real time");
        assert_eq!(clock.advance(Duration::from_secs(60)).expect("it is written"), 60_000);
        assert_eq!(Clock::kept_in(&path).expect("it is read").offset_millis(), 60_000);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("clock");
        std::fs::write(&path, "-5").expect("it is written");
        let error = Clock::kept_in(&path).expect_err("an offset never shrinks").to_string();
        assert!(error.contains("clock") && error.contains("-5"), "{error}");
    }
}
