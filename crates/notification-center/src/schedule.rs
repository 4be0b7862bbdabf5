//! What of an app has a time, and what comes next.

use homing_trace::UnixMillis;

use crate::app::{App, Turn};
use crate::authorization::EPHEMERAL_MILLIS;
use crate::content_extension::ANSWER_MILLIS;
use crate::extension::EXTENSION_MILLIS;
use crate::presentation::{BANNER_MILLIS, WILL_PRESENT_MILLIS};
use crate::response::{FETCH_MILLIS, LAUNCH_MILLIS, RESPONSE_MILLIS};
use crate::{Output, Surface};

/// Something of an app whose time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The pending request at this index fires.
    Pending(usize),
    /// `willPresent` wasn't answered.
    WillPresent(usize),
    /// A silent notification wasn't finished.
    Fetch(usize),
    /// The completion handler of `didReceive` wasn't called.
    Response(usize),
    /// The delegate didn't come.
    Waiting(usize),
    /// The service extension wasn't done.
    Extension(usize),
    /// The content extension didn't say what becomes of an action.
    ContentExtension,
    /// The silent notification that waits may wake the app.
    Held,
    /// A banner goes.
    Banner(usize),
    /// An App Clip may notify no more.
    Ephemeral,
}

impl App {
    /// Should the clock have gone back, what repeats finds its next date and nobody gets more time than there was to
    /// have.
    pub(crate) fn see_time(&mut self, time_zone: &str, now: UnixMillis) {
        self.pending.iter_mut().for_each(|pending| pending.see_time(time_zone, now));
        let not_after = |time: &mut UnixMillis, millis: i64| *time = (*time).min(now.plus_millis(millis));
        if let Some(until) = &mut self.permission.ephemeral_until {
            not_after(until, EPHEMERAL_MILLIS);
        }
        let process = &mut self.process;
        process
            .presenting
            .iter_mut()
            .for_each(|presenting| not_after(&mut presenting.deadline, WILL_PRESENT_MILLIS));
        process.fetching.iter_mut().for_each(|fetching| not_after(&mut fetching.deadline, FETCH_MILLIS));
        process
            .responding
            .iter_mut()
            .for_each(|responding| not_after(&mut responding.deadline, RESPONSE_MILLIS));
        process.waiting.iter_mut().for_each(|waiting| not_after(&mut waiting.deadline, LAUNCH_MILLIS));
        self.extending.iter_mut().for_each(|extending| not_after(&mut extending.deadline, EXTENSION_MILLIS));
        if let Some(deadline) = self.content_extension_deadline() {
            not_after(deadline, ANSWER_MILLIS);
        }
        self.budget.see_time(now);
        let banners = self.transient.iter_mut().filter_map(|banner| banner.gone_at.as_mut());
        banners.for_each(|gone_at| not_after(gone_at, BANNER_MILLIS));
        for listed in &mut self.delivered {
            match &mut listed.gone_at {
                // It doesn't come back, whatever the clock does.
                Some(gone_at) if *gone_at <= now => {
                    listed.gone_at = None;
                    listed.surfaces.retain(|surface| *surface != Surface::Banner);
                }
                Some(gone_at) => not_after(gone_at, BANNER_MILLIS),
                None => {}
            }
        }
    }

    /// What comes next, and when.
    pub(crate) fn next_due(&self) -> Option<(UnixMillis, Due)> {
        let pending = self
            .pending
            .iter()
            .enumerate()
            .filter_map(|(at, pending)| Some((at, pending.next_trigger_date?)));
        let presenting = self.process.presenting.iter().map(|presenting| presenting.deadline).enumerate();
        let fetching = self.process.fetching.iter().map(|fetching| fetching.deadline).enumerate();
        let responding = self.process.responding.iter().map(|responding| responding.deadline).enumerate();
        let waiting = self.process.waiting.iter().map(|waiting| waiting.deadline).enumerate();
        let extending = self.extending.iter().map(|extending| extending.deadline).enumerate();
        let banners =
            self.transient.iter().enumerate().filter_map(|(at, banner)| Some((at, banner.gone_at?)));
        pending
            .map(|(at, time)| (time, Due::Pending(at)))
            .chain(presenting.map(|(at, time)| (time, Due::WillPresent(at))))
            .chain(fetching.map(|(at, time)| (time, Due::Fetch(at))))
            .chain(responding.map(|(at, time)| (time, Due::Response(at))))
            .chain(waiting.map(|(at, time)| (time, Due::Waiting(at))))
            .chain(extending.map(|(at, time)| (time, Due::Extension(at))))
            .chain(self.content_extension_due().map(|time| (time, Due::ContentExtension)))
            .chain(self.budget.held.as_ref().and_then(|held| Some((held.due?, Due::Held))))
            .chain(banners.map(|(at, time)| (time, Due::Banner(at))))
            .chain(self.permission.ephemeral_until.map(|time| (time, Due::Ephemeral)))
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
            Due::Response(at) => self.response_expired(at, turn),
            Due::Waiting(at) => drop(self.process.waiting.remove(at)),
            Due::Extension(at) => self.extension_expired(at, turn),
            Due::ContentExtension => self.content_extension_ended(turn),
            Due::Held => self.retry_held(turn),
            Due::Ephemeral => {
                self.permission.clip_ended();
                self.leave_switched_off(turn);
            }
            Due::Banner(at) => {
                let identifier = self.transient.remove(at).notification.request.identifier;
                turn.out.push(Output::Removed { bundle: self.bundle(), identifiers: vec![identifier] });
            }
        }
    }
}
