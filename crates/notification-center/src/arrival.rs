//! A remote notification arrives: is it for an app here, in time, new, readable, for the user who is signed in; what
//! part of it is for the app in background, and what part for the user.

use homing_payload::{Payload, PushType};
use homing_trace::{Reason, Stage};

use crate::app::{App, Turn};
use crate::budget::Offered;
use crate::depth::{MAX_DEPTH, goes_beyond};
use crate::output::UserInfo;
use crate::{
    Notification, NotificationContent, NotificationRequest, RemoteMark, RemoteNotification, Trigger,
};

impl App {
    /// The steps in order: expiry, repeats, whether the app wants any, payload, whom it is for, the app's part, the
    /// user's part. Each ends with one receipt at most: the user's part has the say.
    pub(crate) fn arrive(&mut self, arrived: RemoteNotification, turn: &mut Turn<'_>) {
        let remote = RemoteMark {
            registration: arrived.registration.clone(),
            seq: arrived.seq,
            apns_id: arrived.apns_id.clone(),
            told: false,
        };
        let suppressed = |reason, turn: &mut Turn<'_>| {
            turn.receipt(&arrived.bundle, Some(&remote), Stage::Suppressed, Some(reason));
        };
        if arrived.expires_at.is_some_and(|expires_at| expires_at <= turn.now) {
            return suppressed(Reason::EXPIRED, turn);
        }
        if !self.seen.is_first(&arrived, turn.now) {
            return suppressed(Reason::DUPLICATE, turn);
        }
        if !self.registered {
            return suppressed(Reason::NOT_REGISTERED, turn);
        }
        let Ok((payload, _findings)) = Payload::parse(&arrived.payload) else {
            return suppressed(Reason::UNREADABLE, turn);
        };
        let user_info = payload.to_map();
        if goes_beyond(user_info.values(), MAX_DEPTH - 1) {
            return suppressed(Reason::UNREADABLE, turn);
        }
        if !self.recipient.fits(&user_info) {
            return suppressed(Reason::ANOTHER_USER, turn);
        }
        let aps = payload.aps.unwrap_or_default();
        let (may_wake, may_show) = match arrived.push_type {
            None | Some(PushType::Alert) => (true, true),
            Some(PushType::Background) => (true, false),
            // These are for frameworks of their own, not for the notification centre.
            Some(
                PushType::Complication
                | PushType::Controls
                | PushType::FileProvider
                | PushType::LiveActivity
                | PushType::Location
                | PushType::Mdm
                | PushType::PushToTalk
                | PushType::Voip
                | PushType::Widgets,
            ) => return suppressed(Reason::FOR_FRAMEWORK, turn),
        };
        let wakes = may_wake && aps.content_available;
        let content = NotificationContent::from_payload(&aps, user_info.clone());
        let shows = may_show && content.is_displayable();
        let marked = RemoteMark { told: wakes && self.may_be_given(), ..remote.clone() };
        let only_silent = (!shows).then(|| remote.clone());
        if !shows {
            self.tell_of_unseen(&user_info, wakes, turn);
        }
        let offered = wakes.then(|| self.offer(UserInfo(user_info), only_silent, turn));
        if shows {
            let identifier = self.remote_identifier(&arrived);
            let request = NotificationRequest { identifier, content, trigger: Some(Trigger::Push) };
            let notification = Notification { date: turn.now, request };
            if aps.mutable_content && self.extends(&notification.request.content) {
                self.extend(notification, marked, turn);
            } else {
                self.deliver(notification, Some(marked), turn);
            }
            return;
        }
        suppressed(why_unseen(offered), turn);
    }

    /// What its sender chose, else the `apns-id`, unless another notification bears it here already.
    fn remote_identifier(&self, arrived: &RemoteNotification) -> String {
        if let Some(collapse_id) = arrived.collapse_id.as_ref().filter(|id| !id.is_empty()) {
            return collapse_id.clone();
        }
        let apns_id = &arrived.apns_id;
        let on_screen = self.delivered.iter().chain(&self.transient).map(|delivered| delivered.identifier());
        let presenting = self.process.presenting.iter().map(|presenting| &presenting.notification);
        let extending = self.extending.iter().map(|extending| &extending.notification);
        let collected = self.collected.iter().map(|collected| &collected.notification);
        let underway = presenting.chain(extending).chain(collected);
        let mut taken =
            on_screen.chain(underway.map(|notification| notification.request.identifier.as_str()));
        if taken.any(|identifier| identifier == apns_id) {
            format!("{apns_id}#{}", arrived.seq)
        } else {
            apns_id.clone()
        }
    }
}

/// Of one that shows nothing.
const fn why_unseen(offered: Option<Offered>) -> Reason {
    match offered {
        Some(Offered::Settled) => Reason::SILENT,
        Some(Offered::Throttled) => Reason::THROTTLED,
        None => Reason::NOT_DISPLAYABLE,
    }
}
