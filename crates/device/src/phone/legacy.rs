//! The iOS 9 API between apps and the notification center, which decides what it does.

use homing_local::legacy::{LegacyCall, LegacyCallback, ResponseInfo};
use homing_local::message::UserInfo;
use homing_local::{DeviceEvent, LocalError, LocalNotification, Reply, UserNotificationSettings};
use homing_notification_center::{self as center, AppInput, Input, LegacyInput};
use serde_json::{Value, json};

use super::{Caller, Phone};
use crate::happening::Kind;
use crate::store::StoreError;
use crate::translate;

impl Phone {
    pub(super) fn legacy_call(
        &mut self,
        bundle: &str,
        asked: LegacyCall,
        caller: Caller,
    ) -> Result<(), StoreError> {
        let asked = match asked {
            LegacyCall::RegisterUserNotificationSettings { settings } => {
                return self.register_settings(bundle, &settings, caller);
            }
            LegacyCall::CurrentUserNotificationSettings | LegacyCall::ScheduledLocalNotifications => {
                let reply = self.look_up_legacy(bundle, &asked).unwrap_or_else(Reply::Error);
                self.reply(caller, reply);
                return Ok(());
            }
            LegacyCall::SetApplicationIconBadgeNumber { count } => {
                return self.wait(caller, |request| {
                    input(bundle, LegacyInput::SetApplicationIconBadgeNumber { count, request })
                });
            }
            LegacyCall::CancelAllLocalNotifications => Ok(LegacyInput::CancelAllLocalNotifications),
            LegacyCall::CancelLocalNotification { notification } => {
                local(&notification).map(|notification| LegacyInput::CancelLocalNotification { notification })
            }
            LegacyCall::ScheduleLocalNotification { notification } => {
                return self.make(bundle, local(&notification), caller, |notification, request| {
                    LegacyInput::ScheduleLocalNotification { notification, request }
                });
            }
            LegacyCall::PresentLocalNotificationNow { notification } => {
                return self.make(bundle, local(&notification), caller, |notification, request| {
                    LegacyInput::PresentLocalNotificationNow { notification, request }
                });
            }
            LegacyCall::SetScheduledLocalNotifications { notifications } => {
                let all = notifications.iter().map(|one| local(one).map(|one| *one)).collect();
                return self.make(bundle, all, caller, |notifications, request| {
                    LegacyInput::SetScheduledLocalNotifications { notifications, request }
                });
            }
        };
        let reply = match asked {
            Ok(asked) => {
                self.feed(input(bundle, asked))?;
                Reply::Done
            }
            Err(error) => Reply::Error(error),
        };
        self.reply(caller, reply);
        Ok(())
    }

    /// Hands what the app made to the notification center, which takes it or says why not.
    fn make<T>(
        &mut self,
        bundle: &str,
        made: Result<T, LocalError>,
        caller: Caller,
        asked: impl FnOnce(T, u64) -> LegacyInput,
    ) -> Result<(), StoreError> {
        match made {
            Ok(made) => self.wait(caller, |request| input(bundle, asked(made, request))),
            Err(error) => {
                self.reply(caller, Reply::Error(error));
                Ok(())
            }
        }
    }

    /// The answer is the callback; the call itself only says whether it is one.
    fn register_settings(
        &mut self,
        bundle: &str,
        settings: &UserNotificationSettings,
        caller: Caller,
    ) -> Result<(), StoreError> {
        let settings = translate::same::<_, center::UserNotificationSettings>(settings);
        let settings = settings.and_then(|settings| match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => Err(LocalError::homing(LocalError::INVALID_ARGUMENT, error.to_string())),
        });
        match settings {
            Ok(settings) => {
                self.reply(caller, Reply::Done);
                self.feed(input(bundle, LegacyInput::RegisterUserNotificationSettings { settings }))
            }
            Err(error) => {
                self.reply(caller, Reply::Error(error));
                Ok(())
            }
        }
    }

    fn look_up_legacy(&self, bundle: &str, asked: &LegacyCall) -> Result<Reply, LocalError> {
        if matches!(asked, LegacyCall::ScheduledLocalNotifications) {
            let scheduled = self.center.scheduled_local_notifications(bundle);
            return translate::same(&scheduled).map(Reply::LocalNotifications);
        }
        let settings = self.center.user_notification_settings(bundle).unwrap_or_default();
        translate::same(&settings).map(Reply::UserNotificationSettings)
    }

    /// The notification center calls the app by the iOS 9 API.
    pub(super) fn call_back(&mut self, bundle: &str, call: center::LegacyCall) -> Result<(), StoreError> {
        let callback = callback(call);
        if let Ok(callback) = &callback {
            self.happened(Kind::LegacyCallback, Some(bundle), outline(callback));
        }
        self.call_app(bundle, callback.map(|callback| DeviceEvent::Legacy { callback }))
    }
}

fn input(bundle: &str, asked: LegacyInput) -> Input {
    Input::OfApp { bundle: bundle.to_owned(), what: AppInput::Legacy { asked } }
}

/// What nests too deeply isn't even written to the journal.
fn local(notification: &LocalNotification) -> Result<Box<center::LocalNotification>, LocalError> {
    translate::check_calendar(notification.repeat_calendar)?;
    let notification: center::LocalNotification = translate::same(notification)?;
    if notification.is_too_deep() {
        return Err(translate::request_error(&center::RequestError::ContentTooDeep));
    }
    Ok(Box::new(notification))
}

fn callback(call: center::LegacyCall) -> Result<LegacyCallback, LocalError> {
    use center::LegacyCall::{
        DidReceiveLocalNotification, DidReceiveRemoteNotification, DidRegisterUserNotificationSettings,
        HandleAction,
    };
    Ok(match call {
        DidRegisterUserNotificationSettings { settings } => {
            LegacyCallback::DidRegisterUserNotificationSettings { settings: translate::same(&settings)? }
        }
        DidReceiveRemoteNotification { user_info, application_state } => {
            LegacyCallback::DidReceiveRemoteNotification {
                user_info: UserInfo(user_info.0),
                application_state: translate::same(&application_state)?,
            }
        }
        DidReceiveLocalNotification { notification, application_state } => {
            LegacyCallback::DidReceiveLocalNotification {
                notification: translate::same(&notification)?,
                application_state: translate::same(&application_state)?,
            }
        }
        HandleAction { completion, identifier, of, typed_text, application_state } => {
            let (remote_notification, local_notification) = match of {
                center::LegacySubject::Remote(user_info) => (Some(UserInfo(user_info.0)), None),
                center::LegacySubject::Local(notification) => (None, Some(translate::same(&notification)?)),
            };
            LegacyCallback::HandleAction {
                completion,
                identifier,
                remote_notification,
                local_notification,
                response_info: ResponseInfo { typed_text },
                application_state: translate::same(&application_state)?,
            }
        }
    })
}

/// What of a callback anybody may see.
fn outline(callback: &LegacyCallback) -> Value {
    match callback {
        LegacyCallback::DidRegisterUserNotificationSettings { settings } => {
            json!({"callback": "did-register-user-notification-settings", "types": settings.types})
        }
        LegacyCallback::DidReceiveRemoteNotification { application_state, .. } => {
            json!({"callback": "did-receive-remote-notification", "application_state": application_state})
        }
        LegacyCallback::DidReceiveLocalNotification { application_state, .. } => {
            json!({"callback": "did-receive-local-notification", "application_state": application_state})
        }
        LegacyCallback::HandleAction { identifier, application_state, .. } => json!({
            "callback": "handle-action", "action_identifier": identifier,
            "application_state": application_state,
        }),
    }
}
