//! What those who share a clock have to do: when the next thing of each is due, and whether something is under way. Who
//! lets time pass looks here, so that it stops where something is to happen, and waits until it has. What they do is
//! their own.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use homing_trace::UnixMillis;

use crate::Clock;

/// What somebody has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// When the next thing is due.
    pub next: Option<UnixMillis>,
    /// Something is under way that the clock should wait for.
    pub at_work: bool,
}

type Look = dyn Fn() -> Agenda + Send + Sync;

/// Somebody's agenda is looked at until this is dropped.
pub struct Attendance(#[expect(dead_code, reason = "it is kept alive")] Arc<Look>);

impl std::fmt::Debug for Attendance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attendance").finish_non_exhaustive()
    }
}

/// All that share the clock.
#[derive(Default)]
pub(crate) struct Attending(Mutex<Vec<Weak<Look>>>);

impl std::fmt::Debug for Attending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attending").finish_non_exhaustive()
    }
}

impl Clock {
    /// From now on `look` says what somebody has to do. It is asked only while time is let pass, and must not block.
    pub fn attend(&self, look: impl Fn() -> Agenda + Send + Sync + 'static) -> Attendance {
        let look: Arc<Look> = Arc::new(look);
        let mut attending = self.attending.0.lock().unwrap_or_else(PoisonError::into_inner);
        attending.retain(|attending| attending.strong_count() > 0);
        attending.push(Arc::downgrade(&look));
        Attendance(look)
    }

    /// What all of them together have to do. What is due now is under way.
    pub fn agenda(&self) -> Agenda {
        let looks: Vec<_> = {
            let attending = self.attending.0.lock().unwrap_or_else(PoisonError::into_inner);
            attending.iter().filter_map(Weak::upgrade).collect()
        };
        let mut all = Agenda::default();
        for Agenda { next, at_work } in looks.iter().map(|look| look()) {
            all.at_work |= at_work;
            all.next = all.next.into_iter().chain(next).min();
        }
        all.at_work |= all.next.is_some_and(|next| next <= self.now());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_of_all_is_next_and_what_is_due_is_under_way() {
        let clock = Clock::default();
        let now = clock.now();
        let at = move |seconds: i64| Some(now.plus_millis(seconds * 1_000));
        let _late = clock.attend(move || Agenda { next: at(7_200), at_work: false });
        let early = clock.clone().attend(move || Agenda { next: at(3_600), at_work: false });
        assert_eq!(clock.agenda(), Agenda { next: at(3_600), at_work: false });
        clock.advance(std::time::Duration::from_secs(3_600)).expect("nothing is written");
        assert!(clock.agenda().at_work);
        drop(early);
        assert_eq!(clock.agenda(), Agenda { next: at(7_200), at_work: false });
    }
}
