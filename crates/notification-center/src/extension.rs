//! The notification service extension: which notifications it gets, how long it has, and what is shown when it answers
//! in time, too late, nonsense, or not at all (*UNNotificationServiceExtension*). Its process is the device's.

use homing_trace::{Reason, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::{
    AuthorizationStatus, Center, Notification, NotificationContent, NotificationRequest, NotificationSetting,
    Output, RemoteMark,
};

/// How long the extension has (*Modifying content in newly delivered notifications*).
pub(crate) const EXTENSION_MILLIS: i64 = 30_000;
/// How long it then has for its best attempt. Apple doesn't say.
pub(crate) const BEST_ATTEMPT_MILLIS: i64 = 5_000;
/// How many notifications it works on at a time; more are shown as they came.
const MAX_EXTENDING: usize = 64;
/// The largest content it may answer with, in bytes of JSON.
const MAX_CONTENT: usize = 64 * 1_024;

/// A notification that is with the extension. It outlives the app's process: the extension has one of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Extending {
    pub(crate) call: u64,
    /// As it came, its texts looked up.
    pub(crate) notification: Notification,
    pub(crate) remote: RemoteMark,
    pub(crate) deadline: UnixMillis,
    /// `serviceExtensionTimeWillExpire` was called.
    pub(crate) expiring: bool,
}

/// A notification that the extension works on.
#[derive(Clone, Copy, Debug)]
pub struct ExtensionCall<'a> {
    pub call: u64,
    pub request: &'a NotificationRequest,
    pub deadline: UnixMillis,
    /// It was told that its time is over.
    pub expiring: bool,
}

impl Center {
    /// What the extension of an app works on, oldest first.
    pub fn extension_calls(&self, bundle: &str) -> impl Iterator<Item = ExtensionCall<'_>> {
        let extending = self.apps.get(bundle).into_iter().flat_map(|app| &app.extending);
        extending.map(|extending| ExtensionCall {
            call: extending.call,
            request: &extending.notification.request,
            deadline: extending.deadline,
            expiring: extending.expiring,
        })
    }
}

impl App {
    /// Whether the extension gets a notification of this content that its sender marked as mutable: an alert that the
    /// user would see.
    pub(crate) fn extends(&self, content: &NotificationContent) -> bool {
        let settings = self.permission.settings(&self.profile);
        let alerts = settings.alert_setting == NotificationSetting::Enabled
            || settings.authorization_status == AuthorizationStatus::Provisional;
        self.profile.service_extension
            && content.has_text()
            && self.permission.is_granted()
            && alerts
            && self.extending.len() < MAX_EXTENDING
    }

    /// Gives it to the extension; [`App::deliver`] goes on when it is back.
    pub(crate) fn extend(&mut self, mut notification: Notification, remote: RemoteMark, turn: &mut Turn<'_>) {
        self.supersede(&notification.request.identifier, turn);
        let content = &mut notification.request.content;
        *content = std::mem::take(content).resolved(&self.profile, turn.locale);
        let (call, deadline) = (turn.completion(), turn.now.plus_millis(EXTENSION_MILLIS));
        turn.out.push(Output::RunServiceExtension {
            bundle: self.bundle(),
            call,
            request: Box::new(notification.request.clone()),
            deadline,
        });
        self.extending.push(Extending { call, notification, remote, deadline, expiring: false });
    }

    /// The extension called its content handler. An answer that comes too late has no effect.
    pub(crate) fn extension_answered(
        &mut self,
        call: u64,
        mut content: NotificationContent,
        turn: &mut Turn<'_>,
    ) {
        let Some(at) = self.extending.iter().position(|extending| extending.call == call) else { return };
        let Extending { mut notification, remote, .. } = self.extending.remove(at);
        notification.date = turn.now;
        content.tidy(&self.profile);
        // Whom it is for is its sender's word, not the extension's.
        if let Some(homing) = notification.request.content.user_info.get("homing") {
            content.user_info.insert("homing".to_owned(), homing.clone());
        }
        if content.has_text() {
            let len = serde_json::to_vec(&content).map_or(usize::MAX, |json| json.len());
            if len <= MAX_CONTENT && !content.is_too_deep() {
                notification.request.content = content;
            }
        } else if self.profile.filtering {
            let reason = Some(Reason::FILTERED);
            return turn.receipt(&self.profile.bundle_id, Some(&remote), Stage::Suppressed, reason);
        }
        self.deliver(notification, Some(remote), turn);
    }

    /// The extension's process ended: what it worked on is shown as it came.
    pub(crate) fn extension_ended(&mut self, call: Option<u64>, turn: &mut Turn<'_>) {
        let ended = |extending: &mut Extending| call.is_none_or(|call| call == extending.call);
        for extending in self.extending.extract_if(.., ended).collect::<Vec<_>>() {
            let notification = Notification { date: turn.now, ..extending.notification };
            self.deliver(notification, Some(extending.remote), turn);
        }
    }

    /// Its time is over: first it is told, then it is ended.
    pub(crate) fn extension_expired(&mut self, at: usize, turn: &mut Turn<'_>) {
        let (bundle, call) = (self.bundle(), self.extending[at].call);
        if self.extending[at].expiring {
            turn.out.push(Output::EndServiceExtension { bundle, call });
            return self.extension_ended(Some(call), turn);
        }
        self.extending[at].expiring = true;
        self.extending[at].deadline = turn.now.plus_millis(BEST_ATTEMPT_MILLIS);
        turn.out.push(Output::ServiceExtensionTimeWillExpire { bundle, call });
    }

    /// What is with the extension won't be shown.
    pub(crate) fn give_up_extending(
        &mut self,
        given_up: impl Fn(&Notification) -> bool,
        reason: Reason,
        turn: &mut Turn<'_>,
    ) {
        for extending in self.extending.extract_if(.., |extending| given_up(&extending.notification)) {
            let (bundle, call) = (self.profile.bundle_id.clone(), extending.call);
            let said = Some(reason.clone());
            turn.receipt(&bundle, Some(&extending.remote), Stage::Suppressed, said);
            turn.out.push(Output::EndServiceExtension { bundle, call });
        }
    }
}
