//! What the user does with a notification, and the app's calls that may have to wait until it is launched and its
//! delegate is there.

use homing_trace::{Reason, Stage};

use crate::app::{App, Fetching, Responding, Turn, Waiting, WaitingCall};
use crate::legacy::{Callback, Occasion, Origin};
use crate::output::UserInfo;
use crate::{
    AppState, ApplicationState, Delegate, Delivered, FetchResult, MoveCause, Notification, Output, Response,
};

/// How long an app in background may work on a silent notification (*Pushing background updates to your app*).
pub(crate) const FETCH_MILLIS: i64 = 30_000;
/// How long an app in background may work on a response: as long as on anything else.
pub(crate) const RESPONSE_MILLIS: i64 = 30_000;
/// How many responses are remembered as open; beyond that, the oldest isn't.
const MAX_RESPONDING: usize = 64;
/// How many silent notifications an app may be working on; more are not given to it.
const MAX_FETCHING: usize = 64;
/// How long a launched app may take until its delegate is there.
pub(crate) const LAUNCH_MILLIS: i64 = 20_000;
/// How many calls wait for that; more are lost.
const MAX_WAITING: usize = 64;

impl App {
    /// Opens the app with the notification.
    pub(crate) fn tapped(&mut self, identifier: &str, turn: &mut Turn<'_>) {
        let Some(delivered) = self.acted_on(identifier, (Stage::Opened, None), turn) else { return };
        let action = Response::DEFAULT_ACTION.to_owned();
        self.respond((action, None), delivered, AppState::Foreground, turn);
    }

    /// `launching`: it is why the app was started.
    pub(crate) fn call_did_receive(&mut self, response: Response, launching: bool, turn: &mut Turn<'_>) {
        self.call(WaitingCall::DidReceive(Box::new(response)), launching, turn);
    }

    /// Opens the app where it has its own settings. The notification it comes from stays.
    pub(crate) fn settings_opened(&mut self, identifier: Option<&str>, turn: &mut Turn<'_>) {
        if !self.permission.settings(&self.profile).provides_app_notification_settings {
            return;
        }
        let mut on_screen = self.delivered.iter().chain(&self.transient);
        let from = identifier
            .and_then(|identifier| on_screen.find(|delivered| delivered.identifier() == identifier))
            .map(|delivered| Box::new(delivered.notification.clone()));
        self.move_to(AppState::Foreground, MoveCause::Input, turn);
        self.call(WaitingCall::OpenSettings(from), false, turn);
    }

    /// What the user acts on was seen, and leaves the screen.
    pub(crate) fn acted_on(
        &mut self,
        identifier: &str,
        (stage, reason): (Stage, Option<Reason>),
        turn: &mut Turn<'_>,
    ) -> Option<Delivered> {
        let delivered = self.take_delivered(identifier)?;
        turn.out.push(Output::Removed { bundle: self.bundle(), identifiers: vec![identifier.to_owned()] });
        if !delivered.displayed {
            turn.receipt(&self.profile.bundle_id, delivered.remote.as_ref(), Stage::Displayed, None);
        }
        turn.receipt(&self.profile.bundle_id, delivered.remote.as_ref(), stage, reason);
        Some(delivered)
    }

    /// Gives the running app a silent notification. `false` if it works on too many already.
    pub(crate) fn call_remote(&mut self, user_info: UserInfo, turn: &mut Turn<'_>) -> bool {
        if self.process.fetching.len() >= MAX_FETCHING {
            return false;
        }
        self.call(WaitingCall::DidReceiveRemoteNotification(user_info), false, turn)
    }

    /// Calls the app's delegate, now or when it is there. `false` if too much waits for it.
    fn call(&mut self, call: WaitingCall, launching: bool, turn: &mut Turn<'_>) -> bool {
        let waiting = Waiting { call, deadline: turn.now.plus_millis(LAUNCH_MILLIS), launching };
        match self.process.delegate {
            Some(delegate) if waiting.is_answered_by(delegate, self.process.launched) => {
                self.call_now(waiting, delegate, turn);
            }
            _ if self.process.launched => {}
            _ if self.process.waiting.len() >= MAX_WAITING => return false,
            _ => self.process.waiting.push(waiting),
        }
        true
    }

    fn call_now(&mut self, waiting: Waiting, delegate: Delegate, turn: &mut Turn<'_>) {
        let called = waiting.response_callback(delegate);
        match waiting.call {
            WaitingCall::DidReceive(response) => {
                if let Some(called) = called {
                    self.call_response(called, response, turn);
                }
            }
            WaitingCall::DidReceiveRemoteNotification(user_info) => {
                let state = match self.state {
                    AppState::Foreground => ApplicationState::Active,
                    AppState::Background | AppState::Ended | AppState::ForceQuit => {
                        ApplicationState::Background
                    }
                };
                self.call_fetch(user_info, state, turn);
            }
            WaitingCall::OpenSettings(notification) => {
                turn.out.push(Output::CallOpenSettings { bundle: self.bundle(), notification });
            }
        }
    }

    /// The number of the completion handler that an app gets with what the user did.
    pub(crate) fn responding(&mut self, notification: &Notification, turn: &mut Turn<'_>) -> u64 {
        let completion = turn.completion();
        let deadline = turn.now.plus_millis(RESPONSE_MILLIS);
        if self.process.responding.len() >= MAX_RESPONDING {
            self.process.responding.remove(0);
        }
        self.process.responding.push(Responding { completion, notification: notification.clone(), deadline });
        completion
    }

    /// The method with the fetch completion handler, of an app that has it.
    pub(crate) fn call_fetch(
        &mut self,
        user_info: UserInfo,
        application_state: ApplicationState,
        turn: &mut Turn<'_>,
    ) {
        let (bundle, completion) = (self.bundle(), turn.completion());
        let deadline = turn.now.plus_millis(FETCH_MILLIS);
        if self.process.fetching.len() < MAX_FETCHING {
            self.process.fetching.push(Fetching { completion, deadline });
            turn.out.push(Output::CallDidReceiveRemoteNotification {
                bundle,
                completion,
                user_info,
                application_state,
                deadline,
            });
        }
    }

    pub(crate) fn delegate_set(&mut self, delegate: Delegate, turn: &mut Turn<'_>) {
        if !self.state.is_running() {
            return;
        }
        self.process.delegate = Some(delegate);
        let launched = self.process.launched;
        let (ready, waiting) = std::mem::take(&mut self.process.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|waiting| waiting.is_answered_by(delegate, launched));
        self.process.waiting = waiting;
        for waiting in ready {
            self.call_now(waiting, delegate, turn);
        }
    }

    /// What waits for a delegate of UserNotifications that didn't come goes to the methods of iOS 9, or is lost.
    pub(crate) fn launch_finished(&mut self, turn: &mut Turn<'_>) {
        if !self.state.is_running() {
            return;
        }
        self.process.launched = true;
        let waiting = std::mem::take(&mut self.process.waiting);
        let Some(delegate) = self.process.delegate else { return };
        for waiting in waiting.into_iter().filter(|waiting| waiting.is_answered_by(delegate, true)) {
            self.call_now(waiting, delegate, turn);
        }
    }

    /// What came of it weighs on what the app gets in future; in foreground nothing does.
    pub(crate) fn fetch_completed(&mut self, completion: u64, result: FetchResult) {
        let is_open = self.process.fetching.iter().any(|fetching| fetching.completion == completion);
        self.fetch_ended(completion);
        if is_open && self.state == AppState::Background {
            self.budget.completed(result);
        }
    }

    fn fetch_ended(&mut self, completion: u64) {
        self.process.fetching.retain(|fetching| fetching.completion != completion);
    }

    pub(crate) fn response_completed(&mut self, completion: u64) {
        self.process.responding.retain(|responding| responding.completion != completion);
    }

    /// The app never called the completion handler of `didReceive`: in background, its time is over.
    pub(crate) fn response_expired(&mut self, at: usize, turn: &mut Turn<'_>) {
        let completion = self.process.responding.remove(at).completion;
        if self.state == AppState::Background {
            turn.out.push(Output::ResponseTimeExpired { bundle: self.bundle(), completion });
        }
    }

    /// The app took longer than it may: in background, that ends it.
    pub(crate) fn fetch_expired(&mut self, completion: u64, turn: &mut Turn<'_>) {
        self.fetch_ended(completion);
        if self.state == AppState::Background {
            self.budget.overran(turn.now);
            self.move_to(AppState::Ended, MoveCause::BackgroundTimeExpired, turn);
        }
    }
}

impl Waiting {
    /// While the app is launched, a delegate of UserNotifications may still come.
    fn is_answered_by(&self, delegate: Delegate, launched: bool) -> bool {
        match &self.call {
            WaitingCall::DidReceive(_) => match self.response_callback(delegate) {
                Some(Callback::DidReceive) => true,
                called => launched && called.is_some(),
            },
            WaitingCall::DidReceiveRemoteNotification(_) => delegate.did_receive_remote_notification,
            WaitingCall::OpenSettings(_) => true,
        }
    }

    /// The method that gets a response.
    fn response_callback(&self, delegate: Delegate) -> Option<Callback> {
        let WaitingCall::DidReceive(response) = &self.call else { return None };
        delegate.callback(Occasion::of(response, self.launching), Origin::of(&response.notification))
    }
}
