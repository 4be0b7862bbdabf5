//! Apps that are driven through the HTTP API (`driver`): their launch, their delegate's answers, and their service
//! extension's.

use homing_local::{AppCall, DeviceEvent, NotificationContent};
use homing_notification_center::{self as center, AppInput, Input};
use homing_trace::UnixMillis;
use serde_json::{Map, Value, json};

use super::questions::{Asked, Refusal};
use super::{Caller, Phone};
use crate::driver::{
    CallAnswer, DidReceiveAnswer, Driver, Extension, ExtensionAnswer, ExtensionCallView, FetchAnswer,
    ReplyView, ToldView, WillPresentAnswer, changed,
};
use crate::happening::Kind;
use crate::store::StoreError;
use crate::translate;

impl Phone {
    pub(super) fn is_driven(&self, bundle: &str) -> bool {
        self.driver(bundle).is_some()
    }

    /// Who isn't there is told nothing.
    pub(super) fn runs(&self, bundle: &str) -> bool {
        self.center.app_state(bundle).is_some_and(center::AppState::is_running)
    }

    fn driver(&self, bundle: &str) -> Option<&Driver> {
        self.driven.get(bundle).and_then(|driven| driven.driver.as_ref())
    }

    /// Takes the app over, or gives it back to its process, which is started anew if the app runs.
    pub(crate) fn set_driver(&mut self, bundle: &str, driver: Option<Driver>) -> Asked<()> {
        if !self.apps.contains_key(bundle) {
            return Ok(Err(Refusal::NoApp(bundle.to_owned())));
        }
        if driver.is_none() && !self.is_driven(bundle) {
            return Ok(Ok(()));
        }
        let runs = self.center.app_state(bundle).filter(|state| state.is_running());
        let is_new = driver.is_some() && !self.is_driven(bundle);
        if runs.is_some() && (is_new || driver.is_none()) {
            // Whoever answered for the app until now is gone, with what it was to answer.
            self.move_app(bundle, center::AppState::Ended)?;
        }
        let driven = self.driven.entry(bundle.to_owned()).or_default();
        driven.driver = driver;
        self.store.save_driven(bundle, driven)?;
        match runs {
            Some(state) if !self.center.app_state(bundle).is_some_and(center::AppState::is_running) => {
                self.move_app(bundle, state)?;
            }
            Some(_) => self.set_delegates_of_driven(bundle, true)?,
            None => {}
        }
        Ok(Ok(()))
    }

    fn move_app(&mut self, bundle: &str, state: center::AppState) -> Result<(), StoreError> {
        self.feed(Input::AppStateChanged { bundle: bundle.to_owned(), state })
    }

    /// A driven app that was started sets its delegates and finishes launching.
    pub(super) fn launch_driven(&mut self, bundle: &str) -> Result<(), StoreError> {
        let Some(driver) = self.driver(bundle) else { return Ok(()) };
        let at_launch = driver.delegate_at_launch;
        if at_launch || driver.fetch.is_some() {
            self.set_delegates_of_driven(bundle, at_launch)?;
        }
        self.feed(Input::LaunchFinished { bundle: bundle.to_owned() })?;
        self.set_delegates_of_driven(bundle, true)
    }

    /// That of the application is always there; that of the notification centre may come late.
    fn set_delegates_of_driven(&mut self, bundle: &str, both: bool) -> Result<(), StoreError> {
        let Some(driver) = self.driver(bundle) else { return Ok(()) };
        let delegate = center::Delegate {
            will_present: both && driver.will_present.is_some(),
            did_receive: both && driver.has_did_receive(),
            did_receive_remote_notification: driver.fetch.is_some(),
            legacy: translate::legacy_methods(driver.legacy),
        };
        self.feed(Input::DelegateSet { bundle: bundle.to_owned(), delegate })
    }

    /// What an app is told, noted down and answered as it was laid down.
    pub(super) fn tell_driven(&mut self, bundle: &str, event: DeviceEvent) -> Result<(), StoreError> {
        if !self.runs(bundle) {
            return Ok(());
        }
        self.resume_driven(bundle, &event);
        let now = self.clock.now();
        let Some(driven) = self.driven.get_mut(bundle) else { return Ok(()) };
        let Some(driver) = &driven.driver else { return Ok(()) };
        let answer = match &event {
            DeviceEvent::WillPresent { completion, .. } => match &driver.will_present {
                Some(WillPresentAnswer::Options(options)) => {
                    Some(AppCall::WillPresentCompletion { completion: *completion, options: options.clone() })
                }
                Some(WillPresentAnswer::ByHand(_)) | None => None,
            },
            DeviceEvent::DidReceiveRemoteNotification { completion, .. } => match driver.fetch {
                Some(FetchAnswer::Result(result)) => {
                    Some(AppCall::FetchCompletion { completion: *completion, result })
                }
                Some(FetchAnswer::ByHand(_)) | None => None,
            },
            DeviceEvent::DidReceive { completion, .. } => match driver.did_receive {
                Some(DidReceiveAnswer::Has(_)) | None => {
                    Some(AppCall::DidReceiveCompletion { completion: *completion })
                }
                Some(DidReceiveAnswer::ByHand(_)) => None,
            },
            DeviceEvent::Legacy { callback } => {
                callback.completion().map(|completion| AppCall::DidReceiveCompletion { completion })
            }
            DeviceEvent::DidRegister { .. }
            | DeviceEvent::DidFailToRegister { .. }
            | DeviceEvent::OpenSettings { .. }
            | DeviceEvent::Launched { .. }
            | DeviceEvent::Touched { .. }
            | DeviceEvent::StateChanged { .. } => None,
        };
        driven.tell(now, event);
        match answer {
            Some(call) => self.complete(bundle, call),
            None => Ok(()),
        }
    }

    /// Calls a completion handler in the app's name; nobody waits for the reply.
    fn complete(&mut self, bundle: &str, call: AppCall) -> Result<(), StoreError> {
        let (reply, _replied) = tokio::sync::oneshot::channel();
        self.call(bundle, call, Caller::Api(reply))
    }

    /// What the app was told, and what it was answered, oldest first.
    pub(crate) fn told(&self, bundle: &str) -> Result<(Vec<ToldView>, Vec<ReplyView>), Refusal> {
        match self.driven.get(bundle) {
            Some(driven) if driven.driver.is_some() => {
                let told = driven.told(|completion| self.center.is_open(bundle, completion));
                Ok((told, driven.replies().cloned().collect()))
            }
            Some(_) | None => Err(self.not_driven(bundle)),
        }
    }

    /// What is laid down for the app.
    pub(crate) fn driver_of(&self, bundle: &str) -> Result<Driver, Refusal> {
        self.driver(bundle).cloned().ok_or_else(|| self.not_driven(bundle))
    }

    fn not_driven(&self, bundle: &str) -> Refusal {
        if self.apps.contains_key(bundle) {
            Refusal::NotDriven(bundle.to_owned())
        } else {
            Refusal::NoApp(bundle.to_owned())
        }
    }

    /// Answers one call by hand.
    pub(crate) fn answer_call(&mut self, bundle: &str, completion: u64, answer: CallAnswer) -> Asked<()> {
        let Some(driven) = self.driven.get(bundle).filter(|driven| driven.driver.is_some()) else {
            return Ok(Err(self.not_driven(bundle)));
        };
        let invalid = |words: &str| Ok(Err(Refusal::Invalid(words.to_owned())));
        let open = driven.call(completion).filter(|_| self.center.is_open(bundle, completion));
        let call = match open {
            Some(DeviceEvent::WillPresent { .. }) => match answer.options {
                Some(options) => AppCall::WillPresentCompletion { completion, options },
                None => return invalid("willPresent is answered with \"options\", a list"),
            },
            Some(DeviceEvent::DidReceiveRemoteNotification { .. }) => match answer.result {
                Some(result) => AppCall::FetchCompletion { completion, result },
                None => {
                    return invalid("a fetch is answered with \"result\": new-data, no-data or failed");
                }
            },
            Some(DeviceEvent::DidReceive { .. } | DeviceEvent::Legacy { .. }) => {
                AppCall::DidReceiveCompletion { completion }
            }
            Some(
                DeviceEvent::DidRegister { .. }
                | DeviceEvent::DidFailToRegister { .. }
                | DeviceEvent::OpenSettings { .. }
                | DeviceEvent::Launched { .. }
                | DeviceEvent::Touched { .. }
                | DeviceEvent::StateChanged { .. },
            )
            | None => return Ok(Err(Refusal::NoCall { app: bundle.to_owned(), call: completion })),
        };
        self.complete(bundle, call)?;
        Ok(Ok(()))
    }
}

/// The service extension.
impl Phone {
    /// Lays down what the app's service extension does; `None` leaves it to its process, if the manifest has one.
    pub(crate) fn set_extension(&mut self, bundle: &str, extension: Option<Extension>) -> Asked<()> {
        let Some(app) = self.apps.get(bundle) else { return Ok(Err(Refusal::NoApp(bundle.to_owned()))) };
        let manifest = app.kept.manifest.clone();
        if let Some(Extension::Answer { changes } | Extension::BestAttempt { changes }) = &extension
            && let Err(error) = changed(&NotificationContent::default(), changes)
        {
            return Ok(Err(Refusal::Invalid(format!("the content can't be so changed: {error}"))));
        }
        let driven = self.driven.entry(bundle.to_owned()).or_default();
        driven.extension = extension;
        self.store.save_driven(bundle, driven)?;
        let profile = self.profile(&manifest);
        self.feed(Input::AppInstalled(profile))?;
        Ok(Ok(()))
    }

    pub(crate) fn extension(&self, bundle: &str) -> Option<&Extension> {
        self.driven.get(bundle)?.extension.as_ref()
    }

    pub(crate) fn extension_calls(&self, bundle: &str) -> Vec<ExtensionCallView> {
        let view = |call: center::ExtensionCall<'_>| {
            Some(ExtensionCallView {
                call: call.call,
                request: translate::same(call.request).ok()?,
                deadline: call.deadline,
                expiring: call.expiring,
            })
        };
        self.center.extension_calls(bundle).filter_map(view).collect()
    }

    /// Answers one call of the extension by hand.
    pub(crate) fn answer_extension(
        &mut self,
        bundle: &str,
        call: u64,
        answer: &ExtensionAnswer,
    ) -> Asked<()> {
        let mut calls = self.extension_calls(bundle).into_iter();
        let Some(open) = calls.find(|open| open.call == call) else {
            return Ok(Err(if self.apps.contains_key(bundle) {
                Refusal::NoCall { app: bundle.to_owned(), call }
            } else {
                Refusal::NoApp(bundle.to_owned())
            }));
        };
        if answer.crash && !answer.changes.is_empty() {
            let words = "an extension that crashes changes nothing: give either changes or crash";
            return Ok(Err(Refusal::Invalid(words.to_owned())));
        }
        if answer.crash {
            self.extension_crashed(bundle, call)?;
            return Ok(Ok(()));
        }
        match changed(&open.request.content, &answer.changes) {
            Ok(content) => self.extension_says(bundle, call, &content)?,
            Err(error) => {
                return Ok(Err(Refusal::Invalid(format!("the content can't be so changed: {error}"))));
            }
        }
        Ok(Ok(()))
    }

    /// The notification center wants the extension to run: as it was laid down here, else as a process.
    pub(super) fn run_extension(
        &mut self,
        bundle: &str,
        call: u64,
        request: &center::NotificationRequest,
        deadline: UnixMillis,
    ) -> Result<(), StoreError> {
        let detail = json!({"call": call, "identifier": request.identifier, "deadline": deadline});
        self.happened(Kind::ServiceExtension, Some(bundle), detail);
        match self.extension(bundle).cloned() {
            Some(Extension::Answer { changes }) => self.extension_answers(bundle, call, request, &changes),
            Some(Extension::Crash {}) => self.extension_crashed(bundle, call),
            Some(Extension::BestAttempt { .. } | Extension::ByHand {}) => Ok(()),
            None => {
                self.run_extension_process(bundle, call, request, deadline);
                Ok(())
            }
        }
    }

    /// Its time is over.
    pub(super) fn extension_will_expire(&mut self, bundle: &str, call: u64) -> Result<(), StoreError> {
        self.happened(Kind::ServiceExtension, Some(bundle), json!({"call": call, "expiring": true}));
        let Some(Extension::BestAttempt { changes }) = self.extension(bundle).cloned() else {
            self.warn_extension_process(call);
            return Ok(());
        };
        let request = self.center.extension_calls(bundle).find(|open| open.call == call);
        let Some(request) = request.map(|open| open.request.clone()) else { return Ok(()) };
        self.extension_answers(bundle, call, &request, &changes)
    }

    fn extension_answers(
        &mut self,
        bundle: &str,
        call: u64,
        request: &center::NotificationRequest,
        changes: &Map<String, Value>,
    ) -> Result<(), StoreError> {
        let content =
            translate::same(&request.content).ok().and_then(|content| changed(&content, changes).ok());
        match content {
            Some(content) => self.extension_says(bundle, call, &content),
            // As a process that stumbles over what it was given.
            None => self.extension_crashed(bundle, call),
        }
    }

    pub(super) fn extension_crashed(&mut self, bundle: &str, call: u64) -> Result<(), StoreError> {
        let what = AppInput::ServiceExtensionEnded { call: Some(call) };
        self.feed(Input::OfApp { bundle: bundle.to_owned(), what })
    }

    pub(super) fn extension_says(
        &mut self,
        bundle: &str,
        call: u64,
        content: &NotificationContent,
    ) -> Result<(), StoreError> {
        match translate::same::<_, center::NotificationContent>(content) {
            Ok(mut content) if !content.is_too_deep() => {
                let brought = self.bring_attachments(bundle, &mut content)?;
                let what = AppInput::ServiceExtensionAnswered { call, content: Box::new(content) };
                self.feed(Input::OfApp { bundle: bundle.to_owned(), what })?;
                self.settle_attachments(bundle, brought);
                Ok(())
            }
            Ok(_) | Err(_) => self.extension_crashed(bundle, call),
        }
    }
}
