//! Silent notifications in background: how many an app may have, and the one that waits for its turn (*Pushing
//! background updates to your app*). How one is given to the app is `response`'s.

use homing_trace::{Reason, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::output::UserInfo;
use crate::{AppState, FetchResult, LaunchOptions, MoveCause, RemoteMark};

/// The time in which an app may have so many.
const WINDOW_MILLIS: i64 = 60 * 60 * 1_000;
/// How many in that time: Apple names two or three an hour.
const PER_WINDOW: usize = 3;
/// How many after it overran its time.
const PER_WINDOW_CUT: usize = 1;
/// How many after a row of fetches that failed: the lower of Apple's two or three.
const PER_WINDOW_FAILING: usize = 2;
/// How many failed in a row make it so.
const FAILING: u32 = 3;
/// How long an overrun is held against it.
const CUT_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// An app's use of its budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Budget {
    /// When it was given the last ones in background, oldest first; older ones than the window are forgotten.
    given: Vec<UnixMillis>,
    overran_at: Option<UnixMillis>,
    /// How many fetches failed since one brought something.
    #[serde(skip_serializing_if = "is_zero")]
    failed: u32,
    pub(crate) held: Option<Held>,
}

/// The newest silent notification that may not wake the app now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) user_info: UserInfo,
    /// `None` of one that was shown as well: its receipt is said already.
    pub(crate) remote: Option<RemoteMark>,
    /// When the budget has room for it; `None`: once Low Power Mode is off.
    pub(crate) due: Option<UnixMillis>,
}

/// What became of a silent notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// The app has it, or may not be woken at all.
    Settled,
    /// It waits, or there are too many.
    Throttled,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Budget {
    pub(crate) fn is_unused(&self) -> bool {
        *self == Self::default()
    }

    /// The moment from which there is room for one more.
    fn free_at(&mut self, now: UnixMillis) -> UnixMillis {
        self.given.retain(|at| now.millis_since(*at) < WINDOW_MILLIS);
        let cut = self.overran_at.is_some_and(|at| now.millis_since(at) < CUT_MILLIS);
        let limit = match cut {
            true => PER_WINDOW_CUT,
            false if self.failed >= FAILING => PER_WINDOW_FAILING,
            false => PER_WINDOW,
        };
        match self.given.len().checked_sub(limit) {
            Some(over) => self.given[over].plus_millis(WINDOW_MILLIS),
            None => now,
        }
    }

    /// The clock went back: nobody waits longer than there is to wait.
    pub(crate) fn see_time(&mut self, now: UnixMillis) {
        self.given.iter_mut().chain(&mut self.overran_at).for_each(|at| *at = (*at).min(now));
        let held = self.held.iter_mut().filter_map(|held| held.due.as_mut());
        held.for_each(|due| *due = (*due).min(now.plus_millis(WINDOW_MILLIS)));
    }

    /// New data makes good what failed before; that there was none is nobody's fault.
    pub(crate) const fn completed(&mut self, result: FetchResult) {
        match result {
            FetchResult::NewData => self.failed = 0,
            FetchResult::NoData => {}
            FetchResult::Failed => self.failed = self.failed.saturating_add(1),
        }
    }

    pub(crate) fn overran(&mut self, now: UnixMillis) {
        self.overran_at = Some(now);
    }
}

impl App {
    /// A silent notification is for this app: it gets it now, later, or never. `remote` unless it is shown as well.
    pub(crate) fn offer(
        &mut self,
        user_info: UserInfo,
        remote: Option<RemoteMark>,
        turn: &mut Turn<'_>,
    ) -> Offered {
        if !self.may_be_given() {
            return Offered::Settled;
        }
        match self.state {
            AppState::Foreground => self.give(user_info, turn),
            AppState::Background | AppState::Ended | AppState::ForceQuit => {
                let free_at = self.budget.free_at(turn.now);
                if !turn.conditions.low_power && free_at <= turn.now {
                    return self.wake(user_info, turn);
                }
                let due = (!turn.conditions.low_power).then_some(free_at);
                let held = Held { user_info, remote, due };
                if let Some(Held { remote: Some(older), .. }) = self.budget.held.replace(held) {
                    let reason = Some(Reason::SUPERSEDED);
                    turn.receipt(&self.profile.bundle_id, Some(&older), Stage::Suppressed, reason);
                }
                Offered::Throttled
            }
        }
    }

    /// Whether a silent notification is for this app as it stands, now or later.
    pub(crate) fn may_be_given(&self) -> bool {
        match self.state {
            AppState::Foreground => true,
            AppState::Background | AppState::Ended => self.wakes(),
            AppState::ForceQuit => false,
        }
    }

    fn wakes(&self) -> bool {
        self.profile.wakes_for_remote_notifications && self.permission.background_refresh
    }

    /// In background, where each one counts.
    fn wake(&mut self, user_info: UserInfo, turn: &mut Turn<'_>) -> Offered {
        self.budget.given.push(turn.now);
        if !self.state.is_running() {
            let launch = LaunchOptions::RemoteNotification(user_info.clone());
            self.move_with(AppState::Background, MoveCause::RemoteNotification, launch, turn);
        }
        self.give(user_info, turn)
    }

    fn give(&mut self, user_info: UserInfo, turn: &mut Turn<'_>) -> Offered {
        if self.call_remote(user_info, turn) { Offered::Settled } else { Offered::Throttled }
    }

    /// The app came to the front: what waits is given to it at once.
    pub(crate) fn release_held(&mut self, turn: &mut Turn<'_>) {
        let Some(Held { user_info, remote, .. }) = self.budget.held.take() else { return };
        self.silent_receipt(remote.as_ref(), turn);
        self.give(user_info, turn);
    }

    /// The budget has room, or Low Power Mode was switched: what waits wakes the app if it may.
    pub(crate) fn retry_held(&mut self, turn: &mut Turn<'_>) {
        let free_at = self.budget.free_at(turn.now);
        let low_power = turn.conditions.low_power;
        let Some(held) = &mut self.budget.held else { return };
        held.due = (!low_power).then_some(free_at);
        if low_power || free_at > turn.now {
            return;
        }
        let Some(Held { user_info, remote, .. }) = self.budget.held.take() else { return };
        self.silent_receipt(remote.as_ref(), turn);
        // Background App Refresh may have been switched off meanwhile.
        if self.wakes() && self.state != AppState::ForceQuit {
            self.wake(user_info, turn);
        }
    }

    fn silent_receipt(&self, remote: Option<&RemoteMark>, turn: &mut Turn<'_>) {
        turn.receipt(&self.profile.bundle_id, remote, Stage::Suppressed, Some(Reason::SILENT));
    }

    /// What waits is for another user than the one who is signed in now.
    pub(crate) fn give_up_held(&mut self, fits: impl FnOnce(&UserInfo) -> bool, turn: &mut Turn<'_>) {
        if let Some(Held { remote, .. }) = self.budget.held.take_if(|held| !fits(&held.user_info)) {
            let reason = Some(Reason::ANOTHER_USER);
            turn.receipt(&self.profile.bundle_id, remote.as_ref(), Stage::Suppressed, reason);
        }
    }
}
