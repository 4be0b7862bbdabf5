//! The iOS 9 API (*UIApplication*, *UIUserNotificationSettings*, *UILocalNotification*): what an app registers for, and
//! what it schedules. It goes through the same permission, the same pending requests and the same screen as
//! UserNotifications. When a *UILocalNotification* fires is `notification`'s, which callback an app gets `callback`'s.

mod callback;
mod notification;
mod settings;

use std::collections::BTreeSet;

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::{
    AppState, Center, Delivered, Identifiers, Notification, NotificationRequest, Output, Pending,
    RequestError, Trigger,
};

pub use callback::{ApplicationState, LegacyCall, LegacyMethods, LegacySubject};
pub(crate) use callback::{Callback, Occasion, Origin};
pub(crate) use notification::has_null;
pub use notification::{CalendarUnit, LocalNotification, LocalNotificationError};
pub(crate) use settings::Registered;
pub use settings::{
    LegacyAction, LegacyActionBehavior, LegacyActivationMode, LegacyCategory, UserNotificationSettings,
    UserNotificationType,
};

/// What an app asks by the iOS 9 API. `request` is the caller's number, given back in the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum LegacyInput {
    /// *registerUserNotificationSettings(_:)*; answered by [`LegacyCall::DidRegisterUserNotificationSettings`], now or
    /// when the user has answered.
    RegisterUserNotificationSettings { settings: UserNotificationSettings },
    /// *scheduleLocalNotification(_:)*.
    ScheduleLocalNotification { notification: Box<LocalNotification>, request: u64 },
    /// *presentLocalNotificationNow(_:)*.
    PresentLocalNotificationNow { notification: Box<LocalNotification>, request: u64 },
    /// *cancelLocalNotification(_:)*: all that are equal.
    CancelLocalNotification { notification: Box<LocalNotification> },
    /// *cancelAllLocalNotifications()*.
    CancelAllLocalNotifications,
    /// *scheduledLocalNotifications*, set.
    SetScheduledLocalNotifications { notifications: Vec<LocalNotification>, request: u64 },
    /// *applicationIconBadgeNumber*, set.
    SetApplicationIconBadgeNumber { count: i64, request: u64 },
}

/// Questions, which change nothing.
impl Center {
    /// *scheduledLocalNotifications*, read: soonest first.
    pub fn scheduled_local_notifications(&self, bundle: &str) -> Vec<LocalNotification> {
        let pending = self.pending(bundle).into_iter();
        pending.filter_map(|pending| LocalNotification::scheduled_as(&pending.request)).collect()
    }

    /// *currentUserNotificationSettings*: the types in force, the switches in Settings included; none if the user refused.
    pub fn user_notification_settings(&self, bundle: &str) -> Option<UserNotificationSettings> {
        Some(self.apps.get(bundle)?.user_notification_settings())
    }

    /// *applicationState*; `None` of an app that doesn't run. A prompt in front of it makes an app inactive.
    pub fn application_state(&self, bundle: &str) -> Option<ApplicationState> {
        let app = self.apps.get(bundle)?;
        match app.state {
            AppState::Foreground if app.prompt.as_ref().is_some_and(|prompt| prompt.shown) => {
                Some(ApplicationState::Inactive)
            }
            AppState::Foreground => Some(ApplicationState::Active),
            AppState::Background => Some(ApplicationState::Background),
            AppState::Ended | AppState::ForceQuit => None,
        }
    }
}

impl App {
    pub(crate) fn take_legacy(&mut self, input: LegacyInput, turn: &mut Turn<'_>) {
        match input {
            LegacyInput::RegisterUserNotificationSettings { settings } => self.register(settings, turn),
            LegacyInput::ScheduleLocalNotification { notification, request } => {
                let result = self.check_local(&notification, turn);
                let fits = result.is_ok();
                self.tell_result(request, result, turn);
                if fits {
                    self.schedule(*notification, turn);
                }
            }
            LegacyInput::PresentLocalNotificationNow { notification, request } => {
                let result = self.check_local(&notification, turn);
                let fits = result.is_ok();
                self.tell_result(request, result, turn);
                if fits {
                    let request = self.request_of(*notification, turn);
                    self.deliver(Notification { date: turn.now, request }, None, turn);
                }
            }
            LegacyInput::CancelLocalNotification { notification } => {
                self.cancel(|one| *one == *notification, turn);
            }
            LegacyInput::CancelAllLocalNotifications => self.cancel(|_| true, turn),
            LegacyInput::SetScheduledLocalNotifications { notifications, request } => {
                self.set_scheduled(notifications, request, turn);
            }
            LegacyInput::SetApplicationIconBadgeNumber { count, request } => {
                self.icon_badge_number_set(count, request, turn);
            }
        }
    }

    fn tell_result(&self, request: u64, result: Result<(), RequestError>, turn: &mut Turn<'_>) {
        turn.out.push(Output::AddResult { bundle: self.bundle(), request, result });
    }

    fn check_local(&self, notification: &LocalNotification, turn: &Turn<'_>) -> Result<(), RequestError> {
        notification.check(turn.time_zone)?;
        if !self.permission.is_granted() {
            return Err(RequestError::NotificationsNotAllowed);
        }
        let waiting = self.pending.iter().filter_map(|pending| Some(&pending.region()?.identifier));
        let regions = waiting.chain(notification.region_name()).collect();
        if notification.region.is_some() { check_regions(&regions) } else { Ok(()) }
    }

    /// Two that are equal are two: each gets an identifier of its own.
    fn request_of(&self, notification: LocalNotification, turn: &mut Turn<'_>) -> NotificationRequest {
        let identifier = loop {
            let identifier = format!("UILocalNotification-{}", turn.completion());
            let pending = self.pending.iter().map(|pending| pending.request.identifier.as_str());
            let shown = self.delivered.iter().chain(&self.transient).map(Delivered::identifier);
            if !pending.chain(shown).any(|taken| taken == identifier) {
                break identifier;
            }
        };
        notification.into_request(identifier)
    }

    /// Without a fire date, or past it, it comes at once; what repeats then waits for its next date.
    fn schedule(&mut self, notification: LocalNotification, turn: &mut Turn<'_>) {
        let by_region = notification.region.is_some();
        let first = notification.first_date(turn.time_zone);
        let comes_now = !by_region && first.is_none_or(|first| first <= turn.now);
        let date = if comes_now { notification.date_after(turn.time_zone, turn.now) } else { first };
        let request = self.request_of(notification, turn);
        if by_region || date.is_some() {
            self.wait_for(request.clone(), date, turn);
        }
        if comes_now {
            self.deliver(Notification { date: turn.now, request }, None, turn);
        }
    }

    fn wait_for(&mut self, request: NotificationRequest, date: Option<UnixMillis>, turn: &Turn<'_>) {
        let region =
            request.trigger.as_ref().and_then(Trigger::region).map(|region| region.identifier.clone());
        if let Some(region) = region {
            self.pending.retain(|pending| pending.region().is_none_or(|other| other.identifier != region));
        }
        let inside = Self::begins_inside(request.trigger.as_ref(), turn.location);
        let (added_at, counted_from) = (turn.now, turn.now);
        self.pending.push(Pending { request, added_at, next_trigger_date: date, counted_from, inside });
        self.keep_soonest();
    }

    /// Also withdraws them from the screen.
    fn cancel(&mut self, is_meant: impl Fn(&LocalNotification) -> bool, turn: &mut Turn<'_>) {
        let is_meant = |request: &NotificationRequest| {
            LocalNotification::scheduled_as(request).is_some_and(|one| is_meant(&one))
        };
        self.pending.retain(|pending| !is_meant(&pending.request));
        let shown = self.delivered.iter().chain(&self.transient).map(|delivered| &delivered.notification);
        let shown = shown.chain(self.collected.iter().map(|collected| &collected.notification));
        let identifiers: Vec<_> = shown
            .filter(|notification| is_meant(&notification.request))
            .map(|notification| notification.request.identifier.clone())
            .collect();
        self.remove_delivered(&Identifiers::These(identifiers), turn);
    }

    /// The whole list is replaced, or, if one of them can't be scheduled, stays.
    fn set_scheduled(&mut self, notifications: Vec<LocalNotification>, request: u64, turn: &mut Turn<'_>) {
        let result = notifications.iter().try_for_each(|notification| notification.check(turn.time_zone));
        let may = notifications.is_empty() || self.permission.is_granted();
        let permitted = if may { Ok(()) } else { Err(RequestError::NotificationsNotAllowed) };
        // What was scheduled before makes way; requests of the newer API stay.
        let others =
            self.pending.iter().filter(|one| LocalNotification::scheduled_as(&one.request).is_none());
        let others = others.filter_map(|pending| Some(&pending.region()?.identifier));
        let regions = others.chain(notifications.iter().filter_map(LocalNotification::region_name)).collect();
        let result = result.and(permitted).and_then(|()| check_regions(&regions));
        let fits = result.is_ok();
        self.tell_result(request, result, turn);
        if fits {
            self.pending.retain(|pending| LocalNotification::scheduled_as(&pending.request).is_none());
            for notification in notifications {
                self.schedule(notification, turn);
            }
        }
    }

    /// Without permission for badges it is refused, as by UserNotifications. 0 where there was a number clears the app's
    /// notifications, which only this API does.
    fn icon_badge_number_set(&mut self, count: i64, request: u64, turn: &mut Turn<'_>) {
        let had_one = self.badge > 0;
        self.badge_set(count, request, turn);
        if count == 0 && had_one && self.badge == 0 {
            self.remove_delivered(&Identifiers::All, turn);
        }
    }
}

/// Those that an app would wait for, by their identifiers.
fn check_regions(regions: &BTreeSet<&String>) -> Result<(), RequestError> {
    let max = crate::region::MAX_REGIONS;
    if regions.len() > max { Err(RequestError::TooManyRegions { max }) } else { Ok(()) }
}
