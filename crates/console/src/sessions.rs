//! Who is signed in. A session begins when a link is spent and ends when it is signed out, unused for a week, or the least
//! lately used of too many; what streams in its name ends with it. Only digests are kept, in memory: a restart signs
//! everybody out.

use std::time::{Duration, Instant};

use homing_http_api::Key;
use tokio::sync::watch;

use crate::links::random_text;

/// How long a session lasts without being used.
pub(crate) const IDLE_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Sessions at once.
const MOST: usize = 64;

#[derive(Debug)]
struct Session {
    key: Key,
    used: Instant,
    /// Dropping it is the end.
    end: watch::Sender<()>,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    all: Vec<Session>,
}

/// A session in use.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    /// Its cookie's value.
    pub(crate) value: &'a str,
    pub(crate) end: End,
}

/// Told when a session has ended.
#[derive(Debug)]
pub(crate) struct End(watch::Receiver<()>);

impl End {
    pub(crate) async fn come(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Sessions {
    /// The cookie's value for a new session.
    pub(crate) fn begin(&mut self, now: Instant) -> String {
        self.forget_idle(now);
        if self.all.len() == MOST {
            let idlest = self.all.iter().enumerate().min_by_key(|(_, session)| session.used);
            let idlest = idlest.map(|(index, _)| index);
            idlest.map(|index| self.all.swap_remove(index));
        }
        let value = random_text();
        self.all.push(Session { key: Key::new(&value), used: now, end: watch::Sender::new(()) });
        value
    }

    /// Uses the session that one of `values` belongs to.
    pub(crate) fn enter<'a>(
        &mut self,
        values: impl Iterator<Item = &'a str>,
        now: Instant,
    ) -> Option<Entered<'a>> {
        self.forget_idle(now);
        let (value, found) = self.find(values)?;
        let session = self.all.get_mut(found)?;
        session.used = now;
        Some(Entered { value, end: End(session.end.subscribe()) })
    }

    /// Ends the session that one of `values` belongs to.
    pub(crate) fn end<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        if let Some((_, found)) = self.find(values) {
            self.all.swap_remove(found);
        }
    }

    pub(crate) fn end_all(&mut self) {
        self.all.clear();
    }

    fn find<'a>(&self, mut values: impl Iterator<Item = &'a str>) -> Option<(&'a str, usize)> {
        values.find_map(|value| {
            let found = self.all.iter().position(|session| session.key.opens(value))?;
            Some((value, found))
        })
    }

    fn forget_idle(&mut self, now: Instant) {
        self.all.retain(|session| now.saturating_duration_since(session.used) < IDLE_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(sessions: &mut Sessions, value: &str, now: Instant) -> bool {
        sessions.enter([value].into_iter(), now).is_some()
    }

    #[test]
    fn a_session_lasts_a_week_after_its_last_use() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let value = sessions.begin(start);
        let almost = Duration::from_secs(7 * 24 * 60 * 60 - 1);
        assert!(is_in(&mut sessions, &value, start + almost));
        assert!(is_in(&mut sessions, &value, start + 2 * almost));
        assert!(!is_in(&mut sessions, &value, start + 2 * almost + IDLE_FOR));
        assert!(!is_in(&mut sessions, &value, start));
    }

    #[test]
    fn the_least_lately_used_gives_way_to_one_too_many() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let values: Vec<String> = (0..64).map(|second| sessions.begin(at(second))).collect();
        assert!(is_in(&mut sessions, &values[0], at(100)));
        let latest = sessions.begin(at(101));
        assert!(!is_in(&mut sessions, &values[1], at(102)));
        assert!(is_in(&mut sessions, &values[0], at(102)) && is_in(&mut sessions, &latest, at(102)));
        assert_eq!(sessions.all.len(), 64);
    }

    #[tokio::test]
    async fn what_watches_a_session_is_told_of_its_end() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let value = sessions.begin(now);
        let entered = sessions.enter(["wrong", &value].into_iter(), now).expect("it is signed in");
        assert_eq!(entered.value, value);
        sessions.end([value.as_str()].into_iter());
        entered.end.come().await;
        assert!(!is_in(&mut sessions, &value, now));
    }
}
