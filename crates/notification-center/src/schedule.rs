//! Requests that wait for their time, and everything else of an app that has one. A trigger counts from the moment of
//! the request, so that a repeating one doesn't drift.

use homing_trace::UnixMillis;

use crate::app::{App, Turn};
use crate::extension::EXTENSION_MILLIS;
use crate::presentation::{BANNER_MILLIS, WILL_PRESENT_MILLIS};
use crate::response::{FETCH_MILLIS, LAUNCH_MILLIS};
use crate::{Identifiers, Notification, NotificationRequest, Output, Pending, RequestError, Trigger};

/// How many requests of one app may wait: those that fire soonest are kept (*UILocalNotification*).
const MAX_PENDING: usize = 64;
/// Longest identifier, in bytes.
const MAX_IDENTIFIER: usize = 1_024;
/// Largest content, in bytes of JSON.
const MAX_CONTENT: usize = 64 * 1_024;
/// Longest interval, in seconds: some 95 years.
const MAX_SECONDS: f64 = 3.0e9;
/// Shortest interval that repeats, in seconds (*UNTimeIntervalNotificationTrigger*).
const MIN_REPEATING_SECONDS: f64 = 60.0;

/// Something of an app whose time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The pending request at this index fires.
    Pending(usize),
    /// `willPresent` wasn't answered.
    WillPresent(usize),
    /// A silent notification wasn't finished.
    Fetch(usize),
    /// The delegate didn't come.
    Waiting(usize),
    /// The service extension wasn't done.
    Extension(usize),
    /// A banner goes.
    Banner(usize),
}

impl App {
    pub(crate) fn add(&mut self, request: NotificationRequest, number: u64, turn: &mut Turn<'_>) {
        let interval = self.check(&request);
        turn.out.push(Output::AddResult {
            bundle: self.bundle(),
            request: number,
            result: interval.clone().map(|_| ()),
        });
        let Ok(interval) = interval else { return };
        self.pending.retain(|pending| pending.request.identifier != request.identifier);
        match interval {
            None => self.deliver(Notification { date: turn.now, request }, None, turn),
            Some(interval) => {
                let next_trigger_date = turn.now.plus_millis(interval);
                self.pending.push(Pending { request, added_at: turn.now, next_trigger_date });
                self.keep_soonest();
            }
        }
    }

    /// The milliseconds to wait, if any.
    fn check(&self, request: &NotificationRequest) -> Result<Option<i64>, RequestError> {
        let len = request.identifier.len();
        if len == 0 {
            return Err(RequestError::EmptyIdentifier);
        }
        if len > MAX_IDENTIFIER {
            return Err(RequestError::IdentifierTooLong { len, max: MAX_IDENTIFIER });
        }
        let interval = match request.trigger {
            None => None,
            Some(Trigger::Push) => return Err(RequestError::PushTrigger),
            Some(Trigger::TimeInterval { seconds, repeats }) => {
                if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
                    return Err(RequestError::NoDate);
                }
                if repeats && seconds < MIN_REPEATING_SECONDS {
                    return Err(RequestError::RepeatsTooOften);
                }
                Some(millis(seconds))
            }
        };
        if !self.permission.is_granted() {
            return Err(RequestError::NotificationsNotAllowed);
        }
        if !request.content.is_displayable() {
            return Err(RequestError::NoContent);
        }
        let len = serde_json::to_vec(&request.content).map_or(usize::MAX, |json| json.len());
        if len > MAX_CONTENT {
            return Err(RequestError::ContentTooLarge { len, max: MAX_CONTENT });
        }
        Ok(interval)
    }

    /// Beyond the limit, the one that fires last is dropped without a word; of equals, the newest.
    fn keep_soonest(&mut self) {
        while self.pending.len() > MAX_PENDING {
            let last = self.pending.iter().enumerate().max_by_key(|(_, pending)| pending.next_trigger_date);
            let Some((last, _)) = last else { return };
            self.pending.remove(last);
        }
    }

    pub(crate) fn remove_pending(&mut self, identifiers: &Identifiers) {
        self.pending.retain(|pending| !identifiers.contains(&pending.request.identifier));
    }

    /// Should the clock have gone back, what repeats finds its next beat and nobody gets more time than there was to
    /// have. What fired once doesn't fire again.
    pub(crate) fn see_time(&mut self, now: UnixMillis) {
        for pending in &mut self.pending {
            if let Some(Trigger::TimeInterval { seconds, repeats: true }) = pending.request.trigger {
                let interval = millis(seconds);
                if pending.next_trigger_date.plus_millis(-interval) > now {
                    pending.next_trigger_date = next_beat(pending.added_at, interval, now);
                }
            }
        }
        let not_after = |time: &mut UnixMillis, millis: i64| *time = (*time).min(now.plus_millis(millis));
        let process = &mut self.process;
        process
            .presenting
            .iter_mut()
            .for_each(|presenting| not_after(&mut presenting.deadline, WILL_PRESENT_MILLIS));
        process.fetching.iter_mut().for_each(|fetching| not_after(&mut fetching.deadline, FETCH_MILLIS));
        process.waiting.iter_mut().for_each(|waiting| not_after(&mut waiting.deadline, LAUNCH_MILLIS));
        self.extending.iter_mut().for_each(|extending| not_after(&mut extending.deadline, EXTENSION_MILLIS));
        let banners = self.transient.iter_mut().filter_map(|banner| banner.gone_at.as_mut());
        banners.for_each(|gone_at| not_after(gone_at, BANNER_MILLIS));
    }

    /// What comes next, and when.
    pub(crate) fn next_due(&self) -> Option<(UnixMillis, Due)> {
        let pending = self.pending.iter().map(|pending| pending.next_trigger_date).enumerate();
        let presenting = self.process.presenting.iter().map(|presenting| presenting.deadline).enumerate();
        let fetching = self.process.fetching.iter().map(|fetching| fetching.deadline).enumerate();
        let waiting = self.process.waiting.iter().map(|waiting| waiting.deadline).enumerate();
        let extending = self.extending.iter().map(|extending| extending.deadline).enumerate();
        let banners =
            self.transient.iter().enumerate().filter_map(|(at, banner)| Some((at, banner.gone_at?)));
        pending
            .map(|(at, time)| (time, Due::Pending(at)))
            .chain(presenting.map(|(at, time)| (time, Due::WillPresent(at))))
            .chain(fetching.map(|(at, time)| (time, Due::Fetch(at))))
            .chain(waiting.map(|(at, time)| (time, Due::Waiting(at))))
            .chain(extending.map(|(at, time)| (time, Due::Extension(at))))
            .chain(banners.map(|(at, time)| (time, Due::Banner(at))))
            .min()
    }

    /// Its time has come. `due` is what [`App::next_due`] just said.
    pub(crate) fn come_due(&mut self, due: Due, turn: &mut Turn<'_>) {
        match due {
            Due::Pending(at) => self.fire(at, turn),
            Due::WillPresent(at) => {
                let presenting = self.process.presenting.remove(at);
                self.not_presented(&presenting, turn);
            }
            Due::Fetch(at) => self.fetch_expired(self.process.fetching[at].completion, turn),
            Due::Waiting(at) => drop(self.process.waiting.remove(at)),
            Due::Extension(at) => self.extension_expired(at, turn),
            Due::Banner(at) => {
                let identifier = self.transient.remove(at).notification.request.identifier;
                turn.out.push(Output::Removed { bundle: self.bundle(), identifiers: vec![identifier] });
            }
        }
    }

    /// Delivers a request with the date it was due. One that repeats waits for the next date in the future, however
    /// many it missed; the other leaves. Without permission it fires into nothing.
    fn fire(&mut self, at: usize, turn: &mut Turn<'_>) {
        let pending = &mut self.pending[at];
        let date = pending.next_trigger_date;
        let request = match pending.request.trigger {
            Some(Trigger::TimeInterval { seconds, repeats: true }) => {
                pending.next_trigger_date = next_beat(pending.added_at, millis(seconds), turn.now);
                pending.request.clone()
            }
            Some(Trigger::TimeInterval { repeats: false, .. } | Trigger::Push) | None => {
                self.pending.remove(at).request
            }
        };
        self.deliver(Notification { date, request }, None, turn);
    }
}

/// The first of `anchor` plus k intervals after `now`.
fn next_beat(anchor: UnixMillis, interval: i64, now: UnixMillis) -> UnixMillis {
    let periods = now.millis_since(anchor).div_euclid(interval).saturating_add(1);
    anchor.plus_millis(periods.saturating_mul(interval))
}

/// At least one millisecond; `seconds` is within [`MAX_SECONDS`].
#[expect(clippy::cast_possible_truncation, reason = "3e12 milliseconds are far below the limit of an i64")]
fn millis(seconds: f64) -> i64 {
    ((seconds * 1_000.0).round() as i64).max(1)
}
