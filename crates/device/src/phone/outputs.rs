//! Carries out what the notification center decided: what is kept goes into the transaction, the rest waits for it.

use homing_local::message::{DeviceMessage, UserInfo};
use homing_local::{DeviceEvent, LocalError, Reply};
use homing_notification_center::{self as center, Output};
use homing_trace::UnixMillis;
use serde_json::json;

use super::{Effect, Phone};
use crate::happening::Kind;
use crate::store::StoreError;
use crate::translate;

impl Phone {
    pub(super) fn carry_out(&mut self, output: Output) -> Result<(), StoreError> {
        match output {
            Output::ShowPrompt(prompt) => {
                self.happened(Kind::PromptShown, Some(&prompt.bundle), json!(translate::prompt(&prompt)));
            }
            Output::WithdrawPrompt { bundle } => {
                self.happened(Kind::PromptWithdrawn, Some(&bundle), json!({}))
            }
            Output::AuthorizationResult { bundle, request, granted } => {
                self.authorization_decided(&bundle, request, granted);
            }
            Output::AddResult { request, result, .. } | Output::BadgeResult { request, result, .. } => {
                let reply = match result {
                    Ok(()) => Reply::Done,
                    Err(error) => Reply::Error(translate::request_error(&error)),
                };
                self.answer(request, reply);
            }
            Output::Present { bundle, delivered } => self.present(&bundle, &delivered),
            Output::PlaySound { bundle, sound } => {
                let name = sound.file.as_deref().unwrap_or("default");
                let detail = json!({"sound": name, "critical": sound.critical, "volume": sound.volume});
                self.happened(Kind::Sound, Some(&bundle), detail);
            }
            Output::SetBadge { bundle, badge } => {
                self.happened(Kind::Badge, Some(&bundle), json!({"badge": badge}));
            }
            Output::Removed { bundle, identifiers } => {
                self.happened(Kind::Withdrawn, Some(&bundle), json!({"identifiers": identifiers}));
            }
            Output::SummaryDelivered { notifications } => self.summary_delivered(&notifications),
            Output::CategoriesChanged { bundle } => self.happened(Kind::Changed, Some(&bundle), json!({})),
            Output::RunServiceExtension { bundle, call, request, deadline } => {
                self.run_extension(&bundle, call, &request, deadline)?;
            }
            Output::ServiceExtensionTimeWillExpire { bundle, call } => {
                self.extension_will_expire(&bundle, call)?;
            }
            Output::EndServiceExtension { bundle, call } => {
                self.effects.push(Effect::EndExtension { call });
                self.happened(Kind::ServiceExtension, Some(&bundle), json!({"call": call, "ended": true}));
            }
            Output::ContentExtensionReceives { bundle, notification, opened } => {
                self.content_extension_receives(&bundle, &notification, opened);
            }
            Output::ContentExtensionResponds { bundle, call, response, deadline } => {
                self.content_extension_responds(&bundle, call, &response, deadline)?;
            }
            Output::CallWillPresent { bundle, completion, notification, deadline } => {
                self.will_present(&bundle, completion, &notification, deadline)?;
            }
            Output::CallDidReceive { bundle, completion, response } => {
                self.did_receive(&bundle, completion, &response)?;
            }
            Output::ResponseTimeExpired { bundle, completion } => self.response_overdue(&bundle, completion),
            Output::CallOpenSettings { bundle, notification } => {
                self.call_open_settings(&bundle, notification.as_deref())?;
            }
            fetch @ Output::CallDidReceiveRemoteNotification { .. } => self.did_receive_remote(fetch)?,
            Output::CallLegacy { bundle, call } => self.call_back(&bundle, *call)?,
            Output::AppMoved { bundle, from, to, cause, launch } => {
                self.app_moved(bundle, (from, to), cause, &launch)?;
            }
            Output::LockMoved { locked } => self.happened(Kind::Lock, None, json!({"locked": locked})),
            Output::Receipt(said) => self.owe(&said)?,
        }
        Ok(())
    }

    /// What came of a request for permission is told to its caller, and noted down for an app that is driven.
    fn authorization_decided(&mut self, bundle: &str, request: u64, granted: bool) {
        self.happened(Kind::Changed, Some(bundle), json!({"request": request, "granted": granted}));
        let (now, driven) = (self.clock.now(), self.driven.get_mut(bundle));
        if let Some(driven) = driven.filter(|driven| driven.driver.is_some()) {
            driven.reply(now, request, granted);
        }
        self.answer(request, Reply::Granted(granted));
    }

    fn call_open_settings(
        &mut self,
        bundle: &str,
        notification: Option<&center::Notification>,
    ) -> Result<(), StoreError> {
        let from = notification.map(translate::notification).transpose();
        let event = from.map(|from| DeviceEvent::OpenSettings { notification: from.map(Box::new) });
        self.call_app(bundle, event)
    }

    fn summary_delivered(&mut self, notifications: &[(String, String)]) {
        let notifications: Vec<_> = notifications
            .iter()
            .map(|(app, identifier)| json!({"app": app, "identifier": identifier}))
            .collect();
        self.happened(Kind::Summary, None, json!({"notifications": notifications}));
    }

    fn did_receive_remote(&mut self, fetch: Output) -> Result<(), StoreError> {
        let Output::CallDidReceiveRemoteNotification {
            bundle,
            completion,
            user_info,
            application_state,
            deadline,
        } = fetch
        else {
            return Ok(());
        };
        let detail = json!({"deadline": deadline, "application_state": application_state});
        self.happened(Kind::DidReceiveRemoteNotification, Some(&bundle), detail);
        let state = translate::same(&application_state);
        let event = state.map(|application_state| DeviceEvent::DidReceiveRemoteNotification {
            completion,
            user_info: UserInfo(user_info.0),
            application_state,
            deadline,
        });
        self.call_app(&bundle, event)
    }

    fn will_present(
        &mut self,
        bundle: &str,
        completion: u64,
        notification: &center::Notification,
        deadline: UnixMillis,
    ) -> Result<(), StoreError> {
        let detail = json!({"identifier": notification.request.identifier, "deadline": deadline});
        self.happened(Kind::WillPresent, Some(bundle), detail);
        let notification = translate::notification(notification).map(Box::new);
        let event =
            notification.map(|notification| DeviceEvent::WillPresent { completion, notification, deadline });
        self.call_app(bundle, event)
    }

    fn did_receive(
        &mut self,
        bundle: &str,
        completion: u64,
        response: &center::Response,
    ) -> Result<(), StoreError> {
        let identifier = &response.notification.request.identifier;
        let detail = json!({"identifier": identifier, "action_identifier": response.action_identifier});
        self.happened(Kind::DidReceive, Some(bundle), detail);
        let response = translate::same(response).map(Box::new);
        self.call_app(bundle, response.map(|response| DeviceEvent::DidReceive { completion, response }))
    }

    fn present(&mut self, bundle: &str, delivered: &center::Delivered) {
        let Some(app) = self.center.app(bundle) else { return };
        match translate::view(&self.center, app, delivered, self.clock.now()) {
            Ok(view) => self.happened(Kind::Presented, Some(bundle), json!(view)),
            Err(error) => {
                tracing::error!(device = self.name, bundle, %error, "a notification can't be shown")
            }
        }
    }

    pub(super) fn call_app(
        &mut self,
        bundle: &str,
        event: Result<DeviceEvent, LocalError>,
    ) -> Result<(), StoreError> {
        match event {
            Ok(event) if self.is_driven(bundle) => return self.tell_driven(bundle, event),
            Ok(event) => self.tell_app(bundle, DeviceMessage::Event(event)),
            Err(error) => tracing::error!(device = self.name, bundle, %error, "the app can't be called"),
        }
        Ok(())
    }

    fn app_moved(
        &mut self,
        bundle: String,
        (from, to): (center::AppState, center::AppState),
        cause: center::MoveCause,
        launch: &center::LaunchOptions,
    ) -> Result<(), StoreError> {
        let (state, cause) = (translate::app_state_word(to), translate::move_cause(cause));
        let detail = json!({"from": translate::app_state_word(from), "to": state, "cause": cause});
        self.happened(Kind::AppMoved, Some(&bundle), detail);
        if to.is_running() {
            let starts = !from.is_running();
            if starts {
                if !self.is_driven(&bundle) {
                    self.effects.push(Effect::Launch { bundle: bundle.clone() });
                }
                let launch_options = translate::launch_options(launch);
                self.call_app(
                    &bundle,
                    launch_options.map(|launch_options| DeviceEvent::Launched { launch_options }),
                )?;
            }
            self.tell_app(&bundle, DeviceMessage::Event(DeviceEvent::StateChanged { state }));
            if starts && self.is_driven(&bundle) {
                self.launch_driven(&bundle)?;
            }
        } else {
            self.forget_calls(&bundle);
            if let Some(driven) = self.driven.get_mut(&bundle) {
                driven.suspended = false;
            }
            self.effects.push(Effect::EndProcess { bundle });
        }
        Ok(())
    }
}
