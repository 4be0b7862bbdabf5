//! Carries out what the notification center decided: what is kept goes into the transaction, the rest waits for it.

use homing_local::message::{DeviceMessage, UserInfo};
use homing_local::{DeviceEvent, LocalError, Reply};
use homing_notification_center::{self as center, Output};
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
                self.happened(Kind::Changed, Some(&bundle), json!({}));
                self.answer(request, Reply::Granted(granted));
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
            Output::CallWillPresent { bundle, completion, notification, deadline } => {
                let detail = json!({"identifier": notification.request.identifier, "deadline": deadline});
                self.happened(Kind::WillPresent, Some(&bundle), detail);
                let notification = translate::notification(&notification).map(Box::new);
                self.call_app(
                    &bundle,
                    notification.map(|notification| DeviceEvent::WillPresent {
                        completion,
                        notification,
                        deadline,
                    }),
                );
            }
            Output::CallDidReceive { bundle, completion, response } => {
                let identifier = &response.notification.request.identifier;
                let detail =
                    json!({"identifier": identifier, "action_identifier": response.action_identifier});
                self.happened(Kind::DidReceive, Some(&bundle), detail);
                let response = translate::same(&response).map(Box::new);
                self.call_app(
                    &bundle,
                    response.map(|response| DeviceEvent::DidReceive { completion, response }),
                );
            }
            Output::CallDidReceiveRemoteNotification { bundle, completion, user_info, deadline } => {
                self.happened(
                    Kind::DidReceiveRemoteNotification,
                    Some(&bundle),
                    json!({"deadline": deadline}),
                );
                let user_info = UserInfo(user_info.0);
                let event = DeviceEvent::DidReceiveRemoteNotification { completion, user_info, deadline };
                self.call_app(&bundle, Ok(event));
            }
            Output::AppMoved { bundle, from, to, cause } => self.app_moved(bundle, from, to, cause),
            Output::LockMoved { locked } => self.happened(Kind::Lock, None, json!({"locked": locked})),
            Output::Receipt(said) => self.owe(&said)?,
        }
        Ok(())
    }

    fn present(&mut self, bundle: &str, delivered: &center::Delivered) {
        let Some(app) = self.center.app(bundle) else { return };
        match translate::view(app, delivered) {
            Ok(view) => self.happened(Kind::Presented, Some(bundle), json!(view)),
            Err(error) => {
                tracing::error!(device = self.name, bundle, %error, "a notification can't be shown")
            }
        }
    }

    fn call_app(&mut self, bundle: &str, event: Result<DeviceEvent, LocalError>) {
        match event {
            Ok(event) => self.tell_app(bundle, DeviceMessage::Event(event)),
            Err(error) => tracing::error!(device = self.name, bundle, %error, "the app can't be called"),
        }
    }

    fn app_moved(
        &mut self,
        bundle: String,
        from: center::AppState,
        to: center::AppState,
        cause: center::MoveCause,
    ) {
        let (state, cause) = (translate::app_state_word(to), translate::move_cause(cause));
        let detail = json!({"from": translate::app_state_word(from), "to": state, "cause": cause});
        self.happened(Kind::AppMoved, Some(&bundle), detail);
        if to.is_running() {
            if !from.is_running() {
                self.effects.push(Effect::Launch { bundle: bundle.clone() });
            }
            self.tell_app(&bundle, DeviceMessage::Event(DeviceEvent::StateChanged { state }));
        } else {
            self.forget_calls(&bundle);
            self.effects.push(Effect::EndProcess { bundle });
        }
    }
}
