//! The notification centre as a whole: each input goes to the app it concerns, after everything whose time came
//! before it. One app knows nothing of another, except that one at a time is in foreground and one prompt on the
//! screen.

use std::collections::BTreeMap;

use homing_payload::Payload;
use homing_trace::{Reason, Receipt, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::app::{App, Turn};
use crate::conditions::Conditions;
use crate::installation::Removed;
use crate::region::is_by_location;
use crate::schedule::Due;
use crate::{
    AppProfile, AppReceipt, AppState, Coordinate, Delivered, Input, MoveCause, NotificationContent,
    NotificationSetting, NotificationSettings, Output, Pending, RemoteNotification, Shown,
};

/// The notification centre of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Center {
    version: u32,
    locale: String,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default)]
    pub(crate) location: Option<Coordinate>,
    #[serde(default)]
    locked: bool,
    #[serde(default, skip_serializing_if = "Conditions::is_usual")]
    pub(crate) conditions: Conditions,
    next_completion: u64,
    #[serde(default)]
    next_order: u64,
    /// Boxed, since a map has room for eleven from its first.
    pub(crate) apps: BTreeMap<String, Box<App>>,
    pub(crate) removed: BTreeMap<String, Removed>,
}

/// The state of a notification centre can't be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state of the notification centre is damaged: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "the state of the notification centre is of version {found}, this Homing knows {}: use a newer one",
        Center::VERSION
    )]
    Version { found: u32 },
}

impl Default for Center {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            locale: "en".to_owned(),
            time_zone: utc(),
            location: None,
            locked: false,
            conditions: Conditions::default(),
            next_completion: 1,
            next_order: 0,
            apps: BTreeMap::new(),
            removed: BTreeMap::new(),
        }
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Questions, which change nothing.
impl Center {
    /// Of the state's JSON.
    pub const VERSION: u32 = 1;

    /// When to hand in [`Input::TimePassed`] next. Always later than the last input.
    pub fn next_wake(&self) -> Option<UnixMillis> {
        let of_apps = self.apps.values().filter_map(|app| app.next_due()).map(|(at, _)| at);
        of_apps.chain(self.conditions.summary_due).min()
    }

    /// Whether the app was asked something, and has time to answer: `willPresent`, what waits for its delegate, a silent
    /// notification it is working on.
    pub fn awaits(&self, bundle: &str) -> bool {
        let process = self.apps.get(bundle).map(|app| &app.process);
        process.is_some_and(|process| {
            !(process.presenting.is_empty() && process.waiting.is_empty() && process.fetching.is_empty())
        })
    }

    /// Whether a completion handler of the app's still counts: it wasn't called, and its time isn't over.
    pub fn is_open(&self, bundle: &str, completion: u64) -> bool {
        let process = self.apps.get(bundle).map(|app| &app.process);
        process.is_some_and(|process| {
            let presenting = process.presenting.iter().map(|presenting| presenting.completion);
            let fetching = process.fetching.iter().map(|fetching| fetching.completion);
            let responding = process.responding.iter().map(|responding| responding.completion);
            presenting.chain(fetching).chain(responding).any(|open| open == completion)
        })
    }

    pub fn apps(&self) -> impl Iterator<Item = &AppProfile> {
        self.apps.values().map(|app| &app.profile)
    }

    pub fn app(&self, bundle: &str) -> Option<&AppProfile> {
        self.apps.get(bundle).map(|app| &app.profile)
    }

    pub fn app_state(&self, bundle: &str) -> Option<AppState> {
        self.apps.get(bundle).map(|app| app.state)
    }

    /// `isRegisteredForRemoteNotifications`, of an app that has a token. With both notifications and Background App
    /// Refresh off, nothing remote reaches it.
    pub fn is_registered(&self, bundle: &str) -> bool {
        self.apps.get(bundle).is_some_and(|app| {
            app.registered && (app.permission.is_granted() || app.permission.background_refresh)
        })
    }

    pub fn settings(&self, bundle: &str) -> Option<NotificationSettings> {
        let app = self.apps.get(bundle)?;
        let mut settings = app.permission.settings(&app.profile);
        let in_summary =
            self.conditions.summary.as_ref().is_some_and(|summary| summary.apps.contains(bundle));
        if in_summary && app.permission.is_granted() {
            settings.scheduled_delivery_setting = NotificationSetting::Enabled;
        }
        Some(settings)
    }

    /// Background App Refresh, as the user has it for this app.
    pub fn refreshes_in_background(&self, bundle: &str) -> bool {
        self.apps.get(bundle).is_some_and(|app| app.permission.background_refresh)
    }

    /// The requests of an app that wait, soonest first, then those without a date.
    pub fn pending(&self, bundle: &str) -> Vec<&Pending> {
        let mut pending: Vec<_> =
            self.apps.get(bundle).map_or_else(Vec::new, |app| app.pending.iter().collect());
        pending.sort_by_key(|pending| (pending.next_trigger_date.is_none(), pending.next_trigger_date));
        pending
    }

    /// The notifications of an app in Notification Center that it may see, newest first: none that came from a region.
    pub fn delivered(&self, bundle: &str) -> impl Iterator<Item = &Delivered> {
        self.listed(bundle).filter(|delivered| !is_by_location(&delivered.notification))
    }

    fn listed(&self, bundle: &str) -> impl Iterator<Item = &Delivered> {
        self.apps.get(bundle).into_iter().flat_map(|app| app.delivered.iter().rev())
    }

    /// Everything on the screen, of all apps: what came last is on top.
    pub fn screen(&self) -> Vec<(&AppProfile, &Delivered)> {
        let mut screen: Vec<_> = self
            .apps
            .values()
            .flat_map(|app| app.delivered.iter().chain(&app.transient).map(|shown| (&app.profile, shown)))
            .collect();
        screen.sort_by_key(|(_, shown)| std::cmp::Reverse(shown.age()));
        screen
    }

    /// All notifications of an app on any surface: banners that aren't listed, then the list; each newest first.
    pub fn on_screen(&self, bundle: &str) -> impl Iterator<Item = &Delivered> {
        let banners = self.apps.get(bundle).into_iter().flat_map(|app| app.transient.iter().rev());
        banners.chain(self.listed(bundle))
    }

    /// Whether a remote notification is still on the screen, or waits for the summary or for its turn to wake the app.
    pub fn holds(&self, bundle: &str, seq: u64, apns_id: &str) -> bool {
        let Some(app) = self.apps.get(bundle) else { return false };
        let shown = app.delivered.iter().chain(&app.transient).map(|shown| &shown.remote);
        let collected = app.collected.iter().map(|collected| &collected.remote);
        let held = app.budget.held.iter().map(|held| &held.remote);
        let mut marks = shown.chain(collected).chain(held).flatten();
        marks.any(|mark| mark.seq == seq && mark.apns_id == apns_id)
    }

    /// The number on an app's icon; 0 is none.
    pub fn badge(&self, bundle: &str) -> u32 {
        self.apps.get(bundle).map_or(0, |app| app.badge)
    }

    /// The number that the icon shows: none while a Focus hides badges, or the app may show none.
    pub fn visible_badge(&self, bundle: &str) -> u32 {
        self.apps.get(bundle).map_or(0, |app| app.visible_badge(&self.conditions))
    }

    pub fn locale(&self) -> &str {
        &self.locale
    }

    /// The zone of the clock on the wall, by its name in the IANA database.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// Whether a device can be in this zone.
    pub fn knows_time_zone(name: &str) -> bool {
        crate::calendar::zone(name).is_some()
    }

    pub const fn is_locked(&self) -> bool {
        self.locked
    }

    /// What a remote notification for `bundle` with this payload says, in the words the user would read. `None` if it
    /// can't be read.
    pub fn content_of(&self, bundle: &str, payload: &[u8]) -> Option<NotificationContent> {
        let (payload, _findings) = Payload::parse(payload).ok()?;
        let user_info = payload.to_map();
        let content = NotificationContent::from_payload(&payload.aps.unwrap_or_default(), user_info);
        Some(match self.app(bundle) {
            Some(app) => content.resolved(app, &self.locale),
            None => content,
        })
    }

    /// The whole state. A device may write it seldom, and between, the inputs.
    pub fn to_json(&self) -> Result<Vec<u8>, StateError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// The state as [`Center::to_json`] wrote it. After a restart of the device, the next input is [`Input::Booted`].
    pub fn from_json(json: &[u8]) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let Head { version } = serde_json::from_slice(json)?;
        if version != Self::VERSION {
            return Err(StateError::Version { found: version });
        }
        Ok(serde_json::from_slice(json)?)
    }
}

/// What happens.
impl Center {
    /// Takes one input. What was due before it comes first. `now` is on the device's clock; should it go back, what
    /// fired doesn't fire again.
    pub fn handle(&mut self, input: Input, now: UnixMillis) -> Vec<Output> {
        let mut out = Vec::new();
        if matches!(input, Input::Booted) {
            self.for_all_apps(now, &mut out, App::boot);
        }
        self.pass_time(now, &mut out);
        self.dispatch(input, now, &mut out);
        if self.apps.values().any(|app| app.open.is_some()) {
            self.for_all_apps(now, &mut out, App::close_what_is_gone);
        }
        self.show_next_prompt(&mut out);
        out
    }

    fn dispatch(&mut self, input: Input, now: UnixMillis, out: &mut Vec<Output>) {
        match input {
            Input::Booted | Input::TimePassed => {}
            Input::LocaleChanged { locale } => self.locale = locale,
            Input::TimeZoneChanged { time_zone } => self.travel(time_zone, now, out),
            Input::LocationMoved(location) => self.moved_to(location, now, out),
            Input::LocationPermissionChanged { bundle, permission } => {
                self.with_app(&bundle, now, out, |app, _| app.location_permission = permission);
            }
            Input::AppInstalled(profile) => self.install(profile, now),
            Input::AppRemoved { bundle } => self.remove(&bundle, now, out),
            Input::AppStateChanged { bundle, state } => {
                self.with_app(&bundle, now, out, |app, turn| app.state_changed(state, turn));
                self.keep_one_in_foreground(&bundle, now, out);
            }
            Input::DelegateSet { bundle, delegate } => {
                self.with_app(&bundle, now, out, |app, turn| app.delegate_set(delegate, turn));
            }
            Input::LaunchFinished { bundle } => {
                self.with_app(&bundle, now, out, |app, turn| app.launch_finished(turn));
            }
            Input::AuthorizationRequested { bundle, options, request } => {
                self.with_app(&bundle, now, out, |app, turn| app.ask_for_permission(options, request, turn));
            }
            Input::PromptAnswered { bundle, allow } => {
                self.with_app(&bundle, now, out, |app, turn| app.prompt_answered(allow, turn));
            }
            Input::SettingChanged { bundle, change } => {
                self.with_app(&bundle, now, out, |app, turn| app.setting_changed(change, turn));
            }
            Input::RegisteredForRemoteNotifications { bundle, registered } => {
                self.with_app(&bundle, now, out, |app, _| app.registered = registered);
            }
            Input::RecipientSet { bundle, recipient } => {
                self.with_app(&bundle, now, out, |app, turn| app.recipient_set(recipient, turn));
            }
            Input::RemoteArrived(arrived) => self.arrive(arrived, now, out),
            Input::RequestAdded { bundle, notification, request } => {
                self.with_app(&bundle, now, out, |app, turn| app.add(*notification, request, turn));
            }
            Input::PendingRemoved { bundle, identifiers } => {
                self.with_app(&bundle, now, out, |app, _| app.remove_pending(&identifiers));
            }
            Input::DeliveredRemoved { bundle, identifiers } => {
                self.with_app(&bundle, now, out, |app, turn| app.remove_delivered(&identifiers, turn));
            }
            Input::BadgeSet { bundle, count, request } => {
                self.with_app(&bundle, now, out, |app, turn| app.badge_set(count, request, turn));
            }
            Input::WillPresentAnswered { bundle, completion, options } => {
                self.with_app(&bundle, now, out, |app, turn| {
                    app.will_present_answered(completion, options, turn)
                });
            }
            Input::FetchCompleted { bundle, completion, result } => {
                self.with_app(&bundle, now, out, |app, _| app.fetch_completed(completion, result));
            }
            Input::LockSet { locked } => self.set_lock(locked, now, out),
            Input::Tapped { bundle, identifier } => {
                self.with_app(&bundle, now, out, |app, turn| app.tapped(&identifier, turn));
                self.keep_one_in_foreground(&bundle, now, out);
            }
            Input::Dismissed { bundle, identifier } => {
                self.with_app(&bundle, now, out, |app, turn| app.dismissed(&identifier, turn));
            }
            Input::DeviceSet(setting) => self.set(setting, now, out),
            Input::OfApp { bundle, what } => {
                self.with_app(&bundle, now, out, |app, turn| app.take(what, turn));
                self.keep_one_in_foreground(&bundle, now, out);
            }
        }
    }

    /// Everything that came due, in the order of its time; of one time, in the order of the bundle IDs.
    fn pass_time(&mut self, now: UnixMillis, out: &mut Vec<Output>) {
        self.apps.values_mut().for_each(|app| app.see_time(&self.time_zone, now));
        self.see_summary_time(now);
        loop {
            if self.summary_is_next(now) {
                self.summary_comes(now, out);
                continue;
            }
            let due = self.apps.values_mut().filter_map(|app| app.next_due().map(|(at, due)| (at, due, app)));
            let Some((at, due, app)) = due.min_by_key(|(at, ..)| *at) else { return };
            if at > now {
                return;
            }
            let mut turn = Turn {
                now,
                locale: &self.locale,
                time_zone: &self.time_zone,
                location: self.location,
                locked: self.locked,
                conditions: &self.conditions,
                next_completion: &mut self.next_completion,
                next_order: &mut self.next_order,
                out,
            };
            let unanswered = matches!(due, Due::ContentExtension).then(|| app.bundle());
            app.come_due(due, &mut turn);
            app.show_badge(&mut turn);
            if let Some(bundle) = unanswered {
                self.keep_one_in_foreground(&bundle, now, out);
            }
        }
    }

    pub(crate) fn with_app(
        &mut self,
        bundle: &str,
        now: UnixMillis,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut App, &mut Turn<'_>),
    ) {
        let Some(app) = self.apps.get_mut(bundle) else { return };
        let mut turn = Turn {
            now,
            locale: &self.locale,
            time_zone: &self.time_zone,
            location: self.location,
            locked: self.locked,
            conditions: &self.conditions,
            next_completion: &mut self.next_completion,
            next_order: &mut self.next_order,
            out,
        };
        act(app, &mut turn);
        app.show_badge(&mut turn);
    }

    pub(crate) fn for_all_apps(
        &mut self,
        now: UnixMillis,
        out: &mut Vec<Output>,
        act: impl Fn(&mut App, &mut Turn<'_>),
    ) {
        let bundles: Vec<_> = self.apps.keys().cloned().collect();
        for bundle in bundles {
            self.with_app(&bundle, now, out, &act);
        }
    }

    fn arrive(&mut self, arrived: RemoteNotification, now: UnixMillis, out: &mut Vec<Output>) {
        let bundle = arrived.bundle.clone();
        if self.apps.contains_key(&bundle) {
            return self.with_app(&bundle, now, out, |app, turn| app.arrive(arrived, turn));
        }
        let RemoteNotification { registration, seq, apns_id, .. } = arrived;
        let reason = Some(Reason::UNKNOWN_APP);
        let receipt = Receipt { seq, apns_id, event: Stage::Suppressed, reason, at: now };
        out.push(Output::Receipt(AppReceipt { bundle, registration, receipt, shown: Shown::default() }));
    }

    /// What is due by now on the new wall fires at once.
    fn travel(&mut self, time_zone: String, now: UnixMillis, out: &mut Vec<Output>) {
        if Self::knows_time_zone(&time_zone) {
            self.time_zone = time_zone;
            self.for_all_apps(now, out, |app, turn| app.travelled(turn));
            self.plan_summary(now);
            self.pass_time(now, out);
        }
    }

    fn set_lock(&mut self, locked: bool, now: UnixMillis, out: &mut Vec<Output>) {
        if self.locked != locked {
            self.locked = locked;
            out.push(Output::LockMoved { locked });
            self.for_all_apps(now, out, if locked { App::locked } else { App::unlocked });
        }
    }

    /// The app that came to the foreground unlocks the screen and sends the others to background.
    fn keep_one_in_foreground(&mut self, bundle: &str, now: UnixMillis, out: &mut Vec<Output>) {
        if self.app_state(bundle) != Some(AppState::Foreground) {
            return;
        }
        self.set_lock(false, now, out);
        self.for_all_apps(now, out, |app, turn| {
            if app.state == AppState::Foreground && app.profile.bundle_id != bundle {
                app.move_to(AppState::Background, MoveCause::OtherAppInForeground, turn);
            }
        });
    }
}
