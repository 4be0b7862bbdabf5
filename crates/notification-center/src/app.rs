//! One app's share of the notification centre, and its process: where it stands, and what ends with it.

use homing_trace::{Reason, Receipt, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::authorization::Permission;
use crate::budget::Budget;
use crate::category::Deferred;
use crate::conditions::Conditions;
use crate::content_extension::Open;
use crate::extension::Extending;
use crate::legacy::Registered;
use crate::output::UserInfo;
use crate::seen::Seen;
use crate::summary::Collected;
use crate::{
    AppInput, AppProfile, AppReceipt, AppState, AuthorizationOptions, Category, Coordinate, Delegate,
    Delivered, LaunchOptions, LocationPermission, MoveCause, Notification, Output, Pending, Recipient,
    RemoteMark, Response, Shown, Surface,
};

/// What one input may use.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) now: UnixMillis,
    pub(crate) locale: &'a str,
    pub(crate) time_zone: &'a str,
    pub(crate) location: Option<Coordinate>,
    /// The screen is locked.
    pub(crate) locked: bool,
    pub(crate) conditions: &'a Conditions,
    pub(crate) next_completion: &'a mut u64,
    pub(crate) next_order: &'a mut u64,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    pub(crate) fn completion(&mut self) -> u64 {
        let completion = *self.next_completion;
        *self.next_completion += 1;
        completion
    }

    /// Of what comes on the screen now: after everything that is there.
    pub(crate) fn order(&mut self) -> u64 {
        *self.next_order += 1;
        *self.next_order
    }

    /// Says what became of a remote notification. About a local one there is nobody to tell.
    pub(crate) fn receipt(
        &mut self,
        bundle: &str,
        remote: Option<&RemoteMark>,
        event: Stage,
        reason: Option<Reason>,
    ) {
        self.shown_receipt(bundle, remote, (event, reason), Shown::default());
    }

    /// The same of one that is put before the user.
    pub(crate) fn shown_receipt(
        &mut self,
        bundle: &str,
        remote: Option<&RemoteMark>,
        (event, reason): (Stage, Option<Reason>),
        shown: Shown,
    ) {
        let Some(remote) = remote else { return };
        let receipt =
            Receipt { seq: remote.seq, apns_id: remote.apns_id.clone(), event, reason, at: self.now };
        self.out.push(Output::Receipt(AppReceipt {
            bundle: bundle.to_owned(),
            registration: remote.registration.clone(),
            receipt,
            shown,
        }));
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct App {
    pub(crate) profile: AppProfile,
    pub(crate) state: AppState,
    pub(crate) permission: Permission,
    #[serde(default)]
    pub(crate) location_permission: LocationPermission,
    /// It didn't call `unregisterForRemoteNotifications`.
    pub(crate) registered: bool,
    #[serde(default)]
    pub(crate) recipient: Recipient,
    pub(crate) prompt: Option<OpenPrompt>,
    pub(crate) badge: u32,
    /// The number that the icon was last said to show.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) icon: u32,
    /// Waiting for their triggers, at most 64.
    pub(crate) pending: Vec<Pending>,
    /// In Notification Center, oldest first.
    pub(crate) delivered: Vec<Delivered>,
    /// Banners that aren't in Notification Center.
    pub(crate) transient: Vec<Delivered>,
    pub(crate) seen: Seen,
    /// What the app offers on its notifications, from whenever it said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) categories: Vec<Category>,
    /// What the user chose behind the lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deferred: Vec<Deferred>,
    /// With the service extension.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) extending: Vec<Extending>,
    /// Waiting for the scheduled summary, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) collected: Vec<Collected>,
    /// What the user has open in the content extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<Open>,
    #[serde(default, skip_serializing_if = "Budget::is_unused")]
    pub(crate) budget: Budget,
    /// By the iOS 9 API.
    #[serde(default, skip_serializing_if = "Registered::is_none")]
    pub(crate) legacy: Registered,
    pub(crate) process: Process,
}

/// What lives only as long as the app's process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// `None` until the app said.
    pub(crate) delegate: Option<Delegate>,
    pub(crate) launched: bool,
    /// Notifications whose `willPresent` wasn't answered yet.
    pub(crate) presenting: Vec<Presenting>,
    /// What waits for the delegate while the app is launched.
    pub(crate) waiting: Vec<Waiting>,
    /// Silent notifications the app is working on.
    pub(crate) fetching: Vec<Fetching>,
    /// Responses the app is working on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) responding: Vec<Responding>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenPrompt {
    pub(crate) options: AuthorizationOptions,
    /// The requests that share it.
    pub(crate) requests: Vec<u64>,
    /// It is on the screen; else the app isn't in foreground, or another app's is.
    pub(crate) shown: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Presenting {
    pub(crate) completion: u64,
    pub(crate) notification: Notification,
    pub(crate) remote: Option<RemoteMark>,
    pub(crate) deadline: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) call: WaitingCall,
    pub(crate) deadline: UnixMillis,
    /// What is said started the app.
    #[serde(default)]
    pub(crate) launching: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum WaitingCall {
    DidReceive(Box<Response>),
    DidReceiveRemoteNotification(UserInfo),
    OpenSettings(Option<Box<Notification>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fetching {
    pub(crate) completion: u64,
    pub(crate) deadline: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Responding {
    pub(crate) completion: u64,
    pub(crate) notification: Notification,
    pub(crate) deadline: UnixMillis,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl App {
    pub(crate) fn new(profile: AppProfile, permission: Permission) -> Self {
        Self {
            profile,
            state: AppState::Ended,
            permission,
            location_permission: LocationPermission::default(),
            registered: true,
            recipient: Recipient::Anyone,
            prompt: None,
            badge: 0,
            icon: 0,
            pending: Vec::new(),
            delivered: Vec::new(),
            transient: Vec::new(),
            seen: Seen::default(),
            categories: Vec::new(),
            deferred: Vec::new(),
            extending: Vec::new(),
            collected: Vec::new(),
            open: None,
            budget: Budget::default(),
            legacy: Registered::default(),
            process: Process::default(),
        }
    }

    pub(crate) fn bundle(&self) -> String {
        self.profile.bundle_id.clone()
    }

    pub(crate) fn take(&mut self, what: AppInput, turn: &mut Turn<'_>) {
        match what {
            AppInput::Acted { identifier, action, text } => self.acted(identifier, action, text, turn),
            AppInput::Flicked { identifier } => {
                self.leave_surface(&|of| *of == identifier, Surface::is_banner, turn);
            }
            AppInput::SettingsOpened { identifier } => self.settings_opened(identifier.as_deref(), turn),
            AppInput::CategoriesSet { categories } => self.categories_set(categories, turn),
            AppInput::ServiceExtensionAnswered { call, content } => {
                self.extension_answered(call, *content, turn);
            }
            AppInput::ServiceExtensionEnded { call } => self.extension_ended(call, turn),
            AppInput::ResponseCompleted { completion } => self.response_completed(completion),
            AppInput::Expanded { identifier } => self.expanded(identifier, turn),
            AppInput::Closed => self.closed(turn),
            AppInput::ContentExtensionAnswered { call, option } => self.extension_chose(call, option, turn),
            AppInput::ContentExtensionSetActions { actions } => self.extension_set_actions(actions, turn),
            AppInput::ContentExtensionDismissed => self.open = None,
            AppInput::ContentExtensionEnded => self.content_extension_ended(turn),
            AppInput::Legacy { asked } => self.take_legacy(asked, turn),
        }
    }

    pub(crate) fn state_changed(&mut self, to: AppState, turn: &mut Turn<'_>) {
        if (self.state, to) != (AppState::ForceQuit, AppState::Ended) {
            self.move_to(to, MoveCause::Input, turn);
        }
    }

    /// Moves the app, which starts or ends its process. Nothing happens if it is there already.
    pub(crate) fn move_to(&mut self, to: AppState, cause: MoveCause, turn: &mut Turn<'_>) {
        self.move_with(to, cause, LaunchOptions::None, turn);
    }

    /// The same; an app that doesn't run is started with these options.
    pub(crate) fn move_with(
        &mut self,
        to: AppState,
        cause: MoveCause,
        options: LaunchOptions,
        turn: &mut Turn<'_>,
    ) {
        let from = std::mem::replace(&mut self.state, to);
        if from == to {
            return;
        }
        if to == AppState::Foreground && self.profile.app_clip {
            self.permission.clip_opened(turn.now);
        }
        let launch = if from.is_running() { LaunchOptions::None } else { options };
        turn.out.push(Output::AppMoved { bundle: self.bundle(), from, to, cause, launch });
        if from == AppState::Foreground {
            self.withdraw_prompt(turn);
        }
        if !to.is_running() {
            // What waited for its turn is discarded with the process (*Pushing background updates to your app*).
            self.budget.held = None;
        }
        if from.is_running() && !to.is_running() {
            self.process_ended(turn);
        }
        if to == AppState::Foreground {
            self.release_held(turn);
        }
    }

    /// What the process was asked stays unanswered: nothing is presented, no prompt stands, no response arrives.
    pub(crate) fn process_ended(&mut self, turn: &mut Turn<'_>) {
        let process = std::mem::take(&mut self.process);
        self.legacy.forget_waiting();
        for presenting in process.presenting {
            self.not_presented(&presenting, turn);
        }
        self.withdraw_prompt(turn);
        self.prompt = None;
    }

    /// The screen is locked: no app is in front, and no banner on it.
    pub(crate) fn locked(&mut self, turn: &mut Turn<'_>) {
        self.closed(turn);
        if self.state == AppState::Foreground {
            self.move_to(AppState::Background, MoveCause::Locked, turn);
        }
        self.leave_surface(&|_| true, Surface::is_banner, turn);
    }

    /// No such notification is to be seen on such a surface any more; one that was nowhere else is gone.
    pub(crate) fn leave_surface(
        &mut self,
        leaves: &dyn Fn(&str) -> bool,
        is_left: impl Fn(Surface) -> bool,
        turn: &mut Turn<'_>,
    ) {
        for list in [&mut self.delivered, &mut self.transient] {
            let leaving = list.iter_mut().filter(|delivered| leaves(delivered.identifier()));
            leaving.for_each(|delivered| delivered.surfaces.retain(|surface| !is_left(*surface)));
        }
        for mut unlisted in self.delivered.extract_if(.., |delivered| !delivered.is_listed()) {
            // Of what is listed, nobody noted that its banner went.
            if unlisted.gone_at.take_if(|gone_at| *gone_at <= turn.now).is_some() {
                unlisted.surfaces.retain(|surface| *surface != Surface::Banner);
            }
            self.transient.push(unlisted);
        }
        let gone = self.transient.extract_if(.., |delivered| delivered.surfaces.is_empty());
        let identifiers: Vec<_> = gone.map(|delivered| delivered.notification.request.identifier).collect();
        if !identifiers.is_empty() {
            turn.out.push(Output::Removed { bundle: self.bundle(), identifiers });
        }
    }

    pub(crate) fn not_presented(&self, presenting: &Presenting, turn: &mut Turn<'_>) {
        let foreground = Some(Reason::FOREGROUND);
        turn.receipt(&self.profile.bundle_id, presenting.remote.as_ref(), Stage::Suppressed, foreground);
    }

    /// The device restarts: processes and what they were asked are gone, a force-quit is forgiven. What an app was
    /// asked about with `willPresent` is shown as that of an app that isn't in front.
    pub(crate) fn boot(&mut self, turn: &mut Turn<'_>) {
        let presenting = std::mem::take(&mut self.process.presenting);
        self.process_ended(turn);
        self.state = AppState::Ended;
        self.transient.clear();
        self.delivered
            .iter_mut()
            .for_each(|delivered| delivered.surfaces.retain(|surface| !surface.is_banner()));
        self.deferred.clear();
        self.open = None;
        self.budget.held = None;
        for Presenting { notification, remote, .. } in presenting {
            self.deliver(notification, remote, turn);
        }
        // The device went down with the extension: what it worked on is shown as it came.
        self.extension_ended(None, turn);
    }
}
