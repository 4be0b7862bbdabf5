//! How long an app's process may work in background. From the moment it has no more reason to, it has a while to finish,
//! then it is stopped as it stands; what the device has to say to it lets it go on. Only processes that the device
//! started are stopped: in its own process, and in a developer's, there is nothing to stop.

use std::collections::BTreeSet;

use homing_local::{AppStateWord, DeviceEvent};
use homing_notification_center::AppState;
use serde_json::json;

use super::process::{Body, Task};
use super::{Input, Phone};
use crate::happening::Kind;

/// How long an app may work after it went to background, was started there, or was called there.
const BACKGROUND_MILLIS: i64 = 30_000;
/// How long after it has said that it is done.
const DONE_MILLIS: i64 = 5_000;

/// How an app's background work stands.
#[derive(Debug, Default)]
pub(super) struct Suspension {
    pub(super) suspended: bool,
    /// What it was called for and hasn't completed.
    open: BTreeSet<u64>,
    /// Which of its deadlines counts.
    turn: u64,
    timer: Option<Task>,
}

impl Phone {
    /// Takes in what an app is told: some of it is a reason to work.
    pub(super) fn work_begins(&mut self, bundle: &str, event: &DeviceEvent) {
        match event {
            DeviceEvent::DidReceive { completion, .. }
            | DeviceEvent::DidReceiveRemoteNotification { completion, .. } => {
                self.called_for(bundle, *completion);
            }
            DeviceEvent::Legacy { callback } => match callback.completion() {
                Some(completion) => self.called_for(bundle, completion),
                None => self.resume(bundle),
            },
            DeviceEvent::StateChanged { state: AppStateWord::Foreground } => {
                self.resume(bundle);
                self.no_deadline(bundle);
            }
            DeviceEvent::StateChanged { .. } => self.rest_in_background(bundle),
            DeviceEvent::WillPresent { .. }
            | DeviceEvent::OpenSettings { .. }
            | DeviceEvent::Touched { .. } => {
                self.resume(bundle);
            }
            // They wait for the app to go on.
            DeviceEvent::DidRegister { .. }
            | DeviceEvent::DidFailToRegister { .. }
            | DeviceEvent::Launched { .. } => {}
        }
    }

    fn called_for(&mut self, bundle: &str, completion: u64) {
        let process = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut());
        if let Some(process) = process {
            process.suspension.open.insert(completion);
        }
        self.resume(bundle);
        self.rest_in_background(bundle);
    }

    /// The app called a completion handler.
    pub(super) fn work_ends(&mut self, bundle: &str, completion: u64) {
        let process = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut());
        let done = process.is_some_and(|process| {
            process.suspension.open.remove(&completion) && process.suspension.open.is_empty()
        });
        if done {
            self.rest_after(bundle, DONE_MILLIS);
        }
    }

    /// An app in background has the usual while.
    pub(super) fn rest_in_background(&mut self, bundle: &str) {
        self.rest_after(bundle, BACKGROUND_MILLIS);
    }

    fn rest_after(&mut self, bundle: &str, millis: i64) {
        if self.center.app_state(bundle) != Some(AppState::Background) {
            return;
        }
        // By the host's clock: setting the device's makes no time.
        let (clock, inputs) = (self.clock.host().clone(), self.inputs.clone());
        let at = clock.now().plus_millis(millis);
        let Some(process) = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut()) else { return };
        let is_stoppable = matches!(process.body, Body::Child { .. }) && !process.suspension.suspended;
        // Its while begins when it attaches, for which it has a deadline of its own.
        if !is_stoppable || process.is_awaited() {
            return;
        }
        process.suspension.turn += 1;
        let (bundle, run, turn) = (bundle.to_owned(), process.run, process.suspension.turn);
        let timer = tokio::spawn(async move {
            clock.sleep_until(at).await;
            if let Some(phone) = inputs.upgrade() {
                let _ = phone.send(Input::Rest { bundle, run, turn }).await;
            }
        });
        process.suspension.timer = Some(Task(timer.abort_handle()));
    }

    fn no_deadline(&mut self, bundle: &str) {
        if let Some(process) = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut()) {
            process.suspension.turn += 1;
            process.suspension.timer = None;
        }
    }

    /// Its while is over.
    pub(super) fn rest(&mut self, bundle: &str, run: u64, turn: u64) {
        if self.center.app_state(bundle) != Some(AppState::Background) {
            return;
        }
        let Some(process) = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut()) else { return };
        if process.run != run || process.suspension.turn != turn || process.is_awaited() {
            return;
        }
        if let Body::Child { child, gone: false, .. } = &process.body {
            child.suspend();
            process.suspension.suspended = true;
            let open = std::mem::take(&mut process.suspension.open);
            self.suspended(bundle, open);
        }
    }

    /// An app never said that it is done with a response. A process of its own has its while apart from that.
    pub(super) fn response_overdue(&mut self, bundle: &str, completion: u64) {
        if let Some(driven) = self.driven.get_mut(bundle).filter(|driven| driven.driver.is_some())
            && !std::mem::replace(&mut driven.suspended, true)
        {
            self.suspended(bundle, BTreeSet::from([completion]));
        }
    }

    /// `open` is what it was called for and never completed.
    fn suspended(&mut self, bundle: &str, open: BTreeSet<u64>) {
        self.happened(Kind::Suspended, Some(bundle), json!({"suspended": true, "uncompleted": open}));
    }

    /// A driven app is told something that it works on.
    pub(super) fn resume_driven(&mut self, bundle: &str, event: &DeviceEvent) {
        let works = match event {
            DeviceEvent::DidReceive { .. }
            | DeviceEvent::DidReceiveRemoteNotification { .. }
            | DeviceEvent::WillPresent { .. }
            | DeviceEvent::OpenSettings { .. }
            | DeviceEvent::Touched { .. }
            | DeviceEvent::Legacy { .. }
            | DeviceEvent::Launched { .. }
            | DeviceEvent::StateChanged { state: AppStateWord::Foreground } => true,
            DeviceEvent::StateChanged { .. }
            | DeviceEvent::DidRegister { .. }
            | DeviceEvent::DidFailToRegister { .. } => false,
        };
        if let Some(driven) = self.driven.get_mut(bundle)
            && works
            && std::mem::take(&mut driven.suspended)
        {
            self.happened(Kind::Suspended, Some(bundle), json!({"suspended": false}));
        }
    }

    fn resume(&mut self, bundle: &str) {
        let Some(process) = self.apps.get_mut(bundle).and_then(|app| app.process.as_mut()) else { return };
        if !std::mem::take(&mut process.suspension.suspended) {
            return;
        }
        if let Body::Child { child, .. } = &process.body {
            child.resume();
        }
        let (at, device) = (self.clock.now(), self.name.clone());
        let (kind, app, detail) = (Kind::Suspended, Some(bundle.to_owned()), json!({"suspended": false}));
        self.watchers.tell(crate::happening::Happening { at, device, kind, app, detail });
    }
}
