//! What the HTTP API wants to know of a phone, and what a user does with it by way of the API.

use homing_local::message::Page;
use homing_local::view::{AppView, ChangeSetting};
use homing_local::{
    AppCall, AppManifest, AppStateWord, ApplicationState, AuthorizationOption, AuthorizationStatus,
    Coordinate, DeviceEvent, Finding, LocalError, LocationPermission, NotificationView, PromptView, Reply,
};
use homing_notification_center as center;
use homing_trace::Environment;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::connection::registration_of;
use super::containers::new_secret;
use super::{App, Caller, Effect, Input, Phone, Question};
use crate::arrival::Arrival;
use crate::happening::Kind;
use crate::store::{KeptApp, StoreError};
use crate::translate;

/// Why the phone doesn't do it, and what would help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no app {0:?} is installed on this device: GET …/apps lists those that are")]
    NoApp(String),
    #[error(
        "no prompt is on the screen: an app shows one when it asks for the first time and is in foreground"
    )]
    NoPrompt,
    #[error(
        "no notification {identifier:?} of {app:?} is on the screen: GET …/notifications lists those that are"
    )]
    NotShown { app: String, identifier: String },
    #[error("the notification {identifier:?} of {app:?} offers no action {action:?}: it offers {offered}")]
    NoAction { app: String, identifier: String, action: String, offered: String },
    #[error("{0:?} isn't driven through this API: PUT …/apps/{0}/driver says what is answered in its name")]
    NotDriven(String),
    #[error(
        "the content extension of {0:?} is asked about the action before: wait until it has answered, or {0} is told"
    )]
    Asked(String),
    #[error("no call {call} of {app:?} is open: it was answered, or its time is over")]
    NoCall { app: String, call: u64 },
    #[error("{0:?} isn't in foreground, so nobody can touch its page: open it first (PUT …/apps/{0}/state)")]
    NotInFront(String),
    #[error(
        "no app {0:?} is offloaded on this device: GET /v1/devices/… lists those that are, PUT …/apps/{0} installs one"
    )]
    NotOffloaded(String),
    #[error(
        "{0:?} isn't registered, so it has no token that could change: let it register first (PUT …/apps/{0}/registration)"
    )]
    NoToken(String),
    #[error("{app} has no registration for {kind} of this name: GET …/registrations lists those it has")]
    NoRegistration { app: String, kind: String },
    #[error("{app} doesn't follow the channel {channel}: GET …/channels lists those it does")]
    NoChannel { app: String, channel: String },
    #[error("the app manifest can't be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Manifest(Vec<Finding>),
    #[error(
        "no app of this bundle ID and secret is here: attach with what the process was given at its launch"
    )]
    NotTheApp,
    #[error("{0} was started by the device, and only that process or one of its group may be it")]
    NotTheProcess(String),
    #[error("{0} runs already: one process at a time is an app")]
    RunsAlready(String),
    #[error("{0}")]
    Invalid(String),
    #[error("the device {0:?} is off: turn it on first (PUT /v1/devices/{0}/power)")]
    Off(String),
    #[error("the device is stopped, or can't write its file: its log says which")]
    Broken,
}

/// How a device is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DeviceView {
    pub(crate) name: String,
    /// 16 hexadecimal digits; absent until it is enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_id: Option<String>,
    /// `false`: it was turned off (PUT …/power), and the rest is as it was then.
    pub(crate) on: bool,
    /// `false` in airplane mode.
    pub(crate) online: bool,
    /// The screen is locked.
    pub(crate) locked: bool,
    /// Of the clock on the wall, by its name in the IANA database.
    pub(crate) time_zone: String,
    /// Where it is, if that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<Coordinate>,
    /// Low Power Mode is on.
    pub(crate) low_power: bool,
    /// The mute switch is on.
    pub(crate) muted: bool,
    /// The language, a BCP 47 tag.
    pub(crate) locale: String,
    /// *UNUserNotificationCenter.supportsContentExtensions*: always, as on every iPhone.
    pub(crate) supports_content_extensions: bool,
    pub(crate) link: LinkView,
    /// Bundle IDs of the installed apps.
    pub(crate) apps: Vec<String>,
    /// Bundle IDs of the apps whose data alone is here.
    pub(crate) offloaded: Vec<String>,
}

/// How it stands with the push service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    pub(crate) connected: bool,
    /// Why there is no connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Trying again alone won't help.
    pub(crate) refused: bool,
}

/// An installed app and what it shows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AppDetail {
    #[serde(flatten)]
    pub(crate) app: AppView,
    /// The environment its token belongs to; absent without the entitlement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) environment: Option<Environment>,
    /// *applicationState*; absent of an app that doesn't run. Behind a prompt, an app in foreground is inactive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application_state: Option<ApplicationState>,
    /// It has registered for remote notifications, and the user's switches let one reach it
    /// (*isRegisteredForRemoteNotifications*).
    pub(crate) registered: bool,
    /// What `didFailToRegisterForRemoteNotificationsWithError` was told last; absent once registering succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registration_error: Option<LocalError>,
    /// The number that its icon shows: 0 while a Focus hides badges, or the user lets the app show none.
    pub(crate) visible_badge: u32,
    /// Background App Refresh is on for it.
    pub(crate) background_refresh: bool,
    /// Whether it may know where the device is.
    pub(crate) location_permission: LocationPermission,
    /// Of an app that runs as a process of its own: its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<i32>,
    /// Its process is stopped, until the device has something for it or the user opens it.
    pub(crate) suspended: bool,
    /// The page that is open, of a running app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Everything a running app shows, in words of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) screen: Option<Value>,
}

/// What a process needs to be an app.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Credentials {
    /// Path of the Unix socket.
    pub(crate) socket: String,
    /// The device's name.
    pub(crate) device: String,
    pub(crate) bundle_id: String,
    /// 256 random bits, of this install.
    pub(crate) secret: String,
    /// The app's data container.
    pub(crate) container: String,
}

pub(super) type Asked<T> = Result<Result<T, Refusal>, StoreError>;

impl Question {
    /// A question and where its answer goes, once all that follows from it is on disk and let out.
    pub(crate) fn new<T: Send + 'static>(
        ask: impl FnOnce(&mut Phone) -> Asked<T> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, Refusal>>) {
        let (answer, answered) = oneshot::channel();
        let question = Box::new(move |phone: &mut Phone| {
            let result = ask(phone)?;
            // The asker may have gone.
            phone.effects.push(Effect::Answer(Box::new(move || drop(answer.send(result)))));
            Ok(())
        });
        (Self(question), answered)
    }
}

/// What is to be seen.
impl Phone {
    pub(crate) fn device_view(&self) -> DeviceView {
        DeviceView {
            name: self.name.clone(),
            device_id: self.device_id.clone(),
            on: true,
            online: *self.online.borrow(),
            locked: self.center.is_locked(),
            time_zone: self.center.time_zone().to_owned(),
            location: self.center.location().and_then(|location| translate::same(&location).ok()),
            low_power: self.center.is_low_power(),
            muted: self.center.is_muted(),
            locale: self.center.locale().to_owned(),
            supports_content_extensions: true,
            link: LinkView {
                connected: self.link_state.connected,
                why: self.link_state.why.clone(),
                refused: self.link_state.refused,
            },
            apps: self.apps.keys().cloned().collect(),
            offloaded: self.offloaded.keys().cloned().collect(),
        }
    }

    pub(crate) fn manifests(&self) -> Vec<AppManifest> {
        self.apps.values().map(|app| app.kept.manifest.clone()).collect()
    }

    pub(crate) fn app_details(&self) -> Vec<AppDetail> {
        self.apps.values().map(|app| self.detail(app)).collect()
    }

    pub(crate) fn app_detail(&self, bundle: &str) -> Result<AppDetail, Refusal> {
        Ok(self.detail(self.app(bundle)?))
    }

    fn detail(&self, app: &App) -> AppDetail {
        let manifest = &app.kept.manifest;
        let bundle = &manifest.bundle_id;
        let settings = self.center.settings(bundle);
        let status = settings.and_then(|settings| translate::same(&settings.authorization_status).ok());
        let screen = app.process.as_ref().map(|process| process.screen.borrow().clone());
        AppDetail {
            app: AppView {
                bundle_id: bundle.clone(),
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                state: self.center.app_state(bundle).map_or(AppStateWord::Ended, translate::app_state_word),
                authorization_status: status.unwrap_or(AuthorizationStatus::NotDetermined),
                badge: self.center.badge(bundle),
                device_token: app.kept.token.clone(),
            },
            environment: manifest.entitlements.aps_environment,
            application_state: self
                .center
                .application_state(bundle)
                .and_then(|state| translate::same(&state).ok()),
            registered: self.is_registered(bundle),
            registration_error: app.registration_error.clone(),
            visible_badge: self.center.visible_badge(bundle),
            background_refresh: self.center.refreshes_in_background(bundle),
            location_permission: translate::same(&self.center.location_permission(bundle))
                .unwrap_or_default(),
            pid: app.process.as_ref().and_then(super::process::Process::pid),
            suspended: app.process.as_ref().is_some_and(|process| process.suspension.suspended)
                || self.driven.get(bundle).is_some_and(|driven| driven.suspended),
            url: screen.as_ref().and_then(|screen| Some(screen.get("url")?.as_str()?.to_owned())),
            screen,
        }
    }

    pub(crate) fn credentials(&self, bundle: &str) -> Result<Credentials, Refusal> {
        let kept = &self.app(bundle)?.kept;
        Ok(Credentials {
            socket: self.socket.display().to_string(),
            device: self.name.clone(),
            bundle_id: bundle.to_owned(),
            secret: kept.secret.clone(),
            container: self.container(kept.container).display().to_string(),
        })
    }

    /// The app has asked the user, and the answer isn't there.
    pub(crate) fn has_open_prompt(&self, bundle: &str) -> bool {
        self.center.has_open_prompt(bundle)
    }

    pub(crate) fn prompt_view(&self) -> Option<PromptView> {
        self.center.prompt().map(|prompt| translate::prompt(&prompt))
    }

    /// Everything on the screen; what came last is on top.
    pub(crate) fn shown(&self) -> Vec<NotificationView> {
        let view = |(app, delivered)| translate::view(&self.center, app, delivered, self.clock.now()).ok();
        self.center.screen().into_iter().filter_map(view).collect()
    }

    pub(super) fn app(&self, bundle: &str) -> Result<&App, Refusal> {
        self.apps.get(bundle).ok_or_else(|| Refusal::NoApp(bundle.to_owned()))
    }
}

/// What a user does.
impl Phone {
    /// Installs an app, or another version of it, which keeps everything: what runs of the one before ends. `true` if it is
    /// new. A new one is opened once and left in background, as its user would, so that it can register.
    pub(crate) fn install_from(&mut self, manifest: AppManifest) -> Asked<bool> {
        if let Err(refusal) = check_manifest(&manifest) {
            return Ok(Err(refusal));
        }
        let bundle = manifest.bundle_id.clone();
        let is_new = !self.apps.contains_key(&bundle);
        self.install(manifest)?;
        if is_new {
            self.feed(center::Input::AppStateChanged { bundle, state: center::AppState::Background })?;
        }
        Ok(Ok(is_new))
    }

    pub(super) fn install(&mut self, manifest: AppManifest) -> Result<(), StoreError> {
        let bundle = manifest.bundle_id.clone();
        let detail = json!({"name": manifest.name, "version": manifest.version});
        let profile = self.profile(&manifest);
        if self.center.app_state(&bundle).is_some_and(center::AppState::is_running) {
            // Another version takes the place of one that doesn't run.
            let state = center::AppState::Ended;
            self.feed(center::Input::AppStateChanged { bundle: bundle.clone(), state })?;
        }
        let before = self.apps.remove(&bundle);
        // A build for the other environment is another registration.
        let moved = before
            .as_ref()
            .and_then(|app| registration_of(&app.kept))
            .filter(|registration| Some(registration.environment) != manifest.entitlements.aps_environment);
        let container = match &before {
            Some(app) => app.kept.container,
            None => match self.offloaded.remove(&bundle) {
                Some(offloaded) => {
                    self.store.remove_offloaded(&bundle)?;
                    offloaded.container
                }
                None => self.store.next_container()?,
            },
        };
        let secret = match &before {
            Some(app) => app.kept.secret.clone(),
            None => new_secret()?,
        };
        let (registered, token, process) = match before {
            Some(App { kept, process, .. }) if moved.is_none() => (kept.registered, kept.token, process),
            Some(App { process, .. }) => (false, None, process),
            None => (false, None, None),
        };
        if let Some(registration) = moved {
            self.end_registration(registration)?;
            self.end_all_further(&bundle)?;
            self.leave_all_channels(&bundle)?;
        }
        let kept = KeptApp { manifest, registered, token, container, secret };
        self.store.save_app(&kept)?;
        self.apps.insert(bundle.clone(), App { kept, process, arriving: None, registration_error: None });
        self.happened(Kind::Installed, Some(&bundle), detail);
        self.feed(center::Input::AppInstalled(profile))
    }

    pub(crate) fn answer_prompt(&mut self, allow: bool) -> Asked<()> {
        let Some(prompt) = self.center.prompt() else { return Ok(Err(Refusal::NoPrompt)) };
        self.feed(center::Input::PromptAnswered { bundle: prompt.bundle, allow })?;
        Ok(Ok(()))
    }

    pub(crate) fn set_app_state(&mut self, bundle: &str, state: AppStateWord) -> Asked<()> {
        if let Err(refusal) = self.app(bundle) {
            return Ok(Err(refusal));
        }
        let state = translate::app_state(state);
        self.feed(center::Input::AppStateChanged { bundle: bundle.to_owned(), state })?;
        Ok(Ok(()))
    }

    pub(crate) fn change_setting(&mut self, bundle: &str, change: &ChangeSetting) -> Asked<()> {
        if let Err(refusal) = self.app(bundle) {
            return Ok(Err(refusal));
        }
        match translate::same(change) {
            Ok(change) => {
                self.feed(center::Input::SettingChanged { bundle: bundle.to_owned(), change })?;
                self.happened(Kind::Changed, Some(bundle), json!({}));
            }
            Err(error) => return Ok(Err(Refusal::Invalid(error.message))),
        }
        Ok(Ok(()))
    }

    pub(crate) fn tap(&mut self, app: String, identifier: String) -> Asked<()> {
        self.act(app, identifier, |bundle, identifier| center::Input::Tapped { bundle, identifier })
    }

    pub(crate) fn flick(&mut self, app: String, identifier: String) -> Asked<()> {
        self.act(app, identifier, |bundle, identifier| {
            let what = center::AppInput::Flicked { identifier };
            center::Input::OfApp { bundle, what }
        })
    }

    pub(crate) fn dismiss(&mut self, app: String, identifier: String) -> Asked<()> {
        self.act(app, identifier, |bundle, identifier| center::Input::Dismissed { bundle, identifier })
    }

    /// Chooses an action of a notification. `true` if it waits until the screen is unlocked.
    pub(crate) fn choose(
        &mut self,
        (app, identifier): (String, String),
        action: String,
        text: Option<String>,
    ) -> Asked<bool> {
        if let Err(refusal) = self.app(&app) {
            return Ok(Err(refusal));
        }
        match self.center.offers(&app, &identifier, &action) {
            Ok(chosen) if text.is_some() && chosen.text_input.is_none() => {
                let words = format!("the action {action:?} takes no text: leave the text out");
                return Ok(Err(Refusal::Invalid(words)));
            }
            Ok(_) => {}
            Err(center::NoAction::NotShown) => return Ok(Err(Refusal::NotShown { app, identifier })),
            Err(center::NoAction::NotOffered(offered)) => {
                let offered = if offered.is_empty() { "none".to_owned() } else { offered.join(", ") };
                return Ok(Err(Refusal::NoAction { app, identifier, action, offered }));
            }
        }
        let is_open = self.center.open_in_extension(&app) == Some(&identifier);
        if is_open && self.center.asks_content_extension(&app) {
            return Ok(Err(Refusal::Asked(app)));
        }
        let text = text.map(center::Text::Plain);
        let (bundle, of) = (app.clone(), identifier.clone());
        let what = center::AppInput::Acted { identifier, action, text };
        self.feed(center::Input::OfApp { bundle: app, what })?;
        Ok(Ok(self.center.is_deferred(&bundle, &of)))
    }

    /// What the notification center must know about an app.
    pub(super) fn profile(&self, manifest: &AppManifest) -> center::AppProfile {
        let mut profile = translate::profile(manifest);
        profile.service_extension =
            manifest.service_extension.is_some() || self.extension(&manifest.bundle_id).is_some();
        profile
    }

    fn act(
        &mut self,
        app: String,
        identifier: String,
        input: impl FnOnce(String, String) -> center::Input,
    ) -> Asked<()> {
        if let Err(refusal) = self.app(&app) {
            return Ok(Err(refusal));
        }
        if !self.center.on_screen(&app).any(|delivered| delivered.identifier() == identifier) {
            return Ok(Err(Refusal::NotShown { app, identifier }));
        }
        self.feed(input(app, identifier))?;
        Ok(Ok(()))
    }

    /// Locks the screen, or unlocks it.
    pub(crate) fn set_lock(&mut self, locked: bool) -> Asked<DeviceView> {
        self.feed(center::Input::LockSet { locked })?;
        Ok(Ok(self.device_view()))
    }

    /// A touch on the app's page; whether the app took it is told afterwards.
    pub(crate) fn touch_page(
        &mut self,
        bundle: &str,
        touch: Map<String, Value>,
    ) -> Asked<oneshot::Receiver<bool>> {
        if let Err(refusal) = self.app(bundle) {
            return Ok(Err(refusal));
        }
        if self.center.app_state(bundle) != Some(center::AppState::Foreground) {
            return Ok(Err(Refusal::NotInFront(bundle.to_owned())));
        }
        let (taken, is_taken) = oneshot::channel();
        if self.is_driven(bundle) {
            self.tell_driven(bundle, DeviceEvent::Touched { touch: Page(touch) })?;
            // The toucher may have gone.
            let answer = move || {
                let _ = taken.send(true);
            };
            self.effects.push(Effect::Answer(Box::new(answer)));
            return Ok(Ok(is_taken));
        }
        let (bundle, touch) = (bundle.to_owned(), Value::Object(touch));
        self.effects.push(Effect::Touch { bundle, touch, taken });
        Ok(Ok(is_taken))
    }

    /// The notifications that came, newest first, each with a sentence about what the device made of it.
    pub(crate) fn arrivals(&self, limit: u32) -> Asked<Vec<(Arrival, String)>> {
        let told = |arrival: Arrival| {
            let is_held = self.center.holds(&arrival.app, arrival.seq, &arrival.apns_id);
            let why = arrival.why(is_held);
            (arrival, why)
        };
        Ok(Ok(self.store.arrivals(limit)?.into_iter().map(told).collect()))
    }

    /// Makes a call as the app would; the reply comes when it is known, which for a prompt is when it is answered.
    pub(crate) fn call_as(&mut self, bundle: &str, call: AppCall) -> Asked<oneshot::Receiver<Reply>> {
        if let Err(refusal) = self.app(bundle) {
            return Ok(Err(refusal));
        }
        let (reply, replied) = oneshot::channel();
        self.call(bundle, call, Caller::Api(reply))?;
        Ok(Ok(replied))
    }

    /// Asks for permission as the app would. The answer comes when it is known; an app that is driven finds it under the
    /// number, too.
    pub(crate) fn ask_permission_as(
        &mut self,
        bundle: &str,
        options: Vec<AuthorizationOption>,
    ) -> Asked<(u64, oneshot::Receiver<Reply>)> {
        let request = self.next_request;
        let replied = self.call_as(bundle, AppCall::RequestAuthorization { options })?;
        Ok(replied.map(|replied| (request, replied)))
    }

    /// Airplane mode off or on.
    pub(crate) fn set_online(&mut self, online: bool) -> Asked<()> {
        self.store.save_online(online)?;
        let switch = self.online.clone();
        self.effects.push(Effect::Answer(Box::new(move || {
            switch.send_replace(online);
        })));
        self.happened(Kind::Changed, None, json!({}));
        Ok(Ok(()))
    }
}

/// Whether an app can be installed. A warning doesn't hinder it.
pub(crate) fn check_manifest(manifest: &AppManifest) -> Result<(), Refusal> {
    let mut findings = manifest.check();
    findings.retain(|finding| finding.severity == homing_local::manifest::Severity::Error);
    if findings.is_empty() { Ok(()) } else { Err(Refusal::Manifest(findings)) }
}

impl From<Question> for Input {
    fn from(question: Question) -> Self {
        Self::Ask(question)
    }
}
