//! What apps ask of the device, and what the HTTP API asks in an app's name: the calls of the local API. What follows
//! from them is decided by the notification center.

use homing_local::message::DeviceMessage;
use homing_local::{
    AppCall, AppReply, AppRequest, Category, DeviceEvent, LocalError, NotificationRequest, Recipient, Reply,
};
use homing_notification_center::{self as center, Identifiers, Input};

use serde_json::json;

use super::connection::registration_of;
use super::{Caller, Effect, Phone};
use crate::happening::Kind;
use crate::store::StoreError;
use crate::translate;

/// Calls that wait for an answer, of the user or of the notification center.
const WAITING_MAX: usize = 4096;

impl Phone {
    pub(super) fn app_said(
        &mut self,
        bundle: String,
        run: u64,
        request: AppRequest,
    ) -> Result<(), StoreError> {
        if !self.is_current(&bundle, run) {
            return Ok(());
        }
        let caller = Caller::App { bundle: bundle.clone(), run, id: request.id };
        self.call(&bundle, request.call, caller)
    }

    fn is_current(&self, bundle: &str, run: u64) -> bool {
        self.apps.get(bundle).and_then(|app| app.process.as_ref()).is_some_and(|process| process.run == run)
    }

    /// Makes a call in an app's name. The reply goes to `caller` once everything is on disk.
    pub(super) fn call(&mut self, bundle: &str, call: AppCall, caller: Caller) -> Result<(), StoreError> {
        let bundle_id = bundle.to_owned();
        let reply = match call {
            AppCall::Attach { bundle_id: said, .. } => attach(bundle, &said),
            AppCall::SetDelegate { will_present, did_receive, did_receive_remote_notification, legacy } => {
                let legacy = translate::legacy_methods(legacy);
                let delegate =
                    center::Delegate { will_present, did_receive, did_receive_remote_notification, legacy };
                self.feed(Input::DelegateSet { bundle: bundle_id, delegate })?;
                Reply::Done
            }
            AppCall::FinishLaunching => {
                self.feed(Input::LaunchFinished { bundle: bundle_id })?;
                Reply::Done
            }
            AppCall::RequestAuthorization { options } => {
                let options = translate::options(&options);
                return self.wait(caller, |request| Input::AuthorizationRequested {
                    bundle: bundle_id,
                    options,
                    request,
                });
            }
            AppCall::Add { request } => return self.add(bundle_id, &request, caller),
            AppCall::SetBadgeCount { count } => {
                return self.wait(caller, |request| Input::BadgeSet { bundle: bundle_id, count, request });
            }
            AppCall::SetNotificationCategories { categories } => {
                self.set_categories(bundle_id, &categories)?
            }
            AppCall::SetRecipient { recipient } => self.set_recipient(bundle_id, &recipient)?,
            AppCall::RegisterForRemoteNotifications => {
                self.reply(caller, Reply::Done);
                return self.register(bundle);
            }
            AppCall::UnregisterForRemoteNotifications => {
                self.set_registered(bundle, false)?;
                Reply::Done
            }
            AppCall::RemovePendingNotificationRequests { identifiers } => {
                self.remove_pending(bundle_id, Identifiers::These(identifiers))?
            }
            AppCall::RemoveAllPendingNotificationRequests => {
                self.remove_pending(bundle_id, Identifiers::All)?
            }
            AppCall::RemoveDeliveredNotifications { identifiers } => {
                self.remove_delivered(bundle_id, Identifiers::These(identifiers))?
            }
            AppCall::RemoveAllDeliveredNotifications => self.remove_delivered(bundle_id, Identifiers::All)?,
            AppCall::WillPresentCompletion { .. }
            | AppCall::DidReceiveCompletion { .. }
            | AppCall::FetchCompletion { .. } => self.completed(bundle_id, call)?,
            AppCall::Legacy { asked } => return self.legacy_call(bundle, asked, caller),
            AppCall::OpenSettings => self.open_settings(bundle)?,
            AppCall::Show { screen } => {
                self.shows(bundle, screen);
                Reply::Done
            }
            AppCall::GetNotificationSettings
            | AppCall::IsRegisteredForRemoteNotifications
            | AppCall::GetBadgeCount
            | AppCall::GetPendingNotificationRequests
            | AppCall::GetNotificationCategories
            | AppCall::GetDeliveredNotifications => self.look_up(bundle, &call),
        };
        self.reply(caller, reply);
        Ok(())
    }

    fn add(
        &mut self,
        bundle: String,
        request: &NotificationRequest,
        caller: Caller,
    ) -> Result<(), StoreError> {
        match translate::request(request) {
            // Not even the journal would be read again.
            Ok(notification) if notification.content.is_too_deep() => {
                let error = translate::request_error(&center::RequestError::ContentTooDeep);
                self.reply(caller, Reply::Error(error));
                Ok(())
            }
            Ok(mut notification) => {
                let brought = self.bring_attachments(&bundle, &mut notification.content)?;
                self.wait(caller, |request| Input::RequestAdded {
                    bundle: bundle.clone(),
                    notification: Box::new(notification),
                    request,
                })?;
                self.settle_attachments(&bundle, brought);
                Ok(())
            }
            Err(error) => {
                self.reply(caller, Reply::Error(error));
                Ok(())
            }
        }
    }

    /// The completion handlers of what the app was called for.
    fn completed(&mut self, bundle: String, call: AppCall) -> Result<Reply, StoreError> {
        if let AppCall::WillPresentCompletion { completion, options } = call {
            let options = translate::presentation(&options);
            self.feed(Input::WillPresentAnswered { bundle, completion, options })?;
        } else if let AppCall::DidReceiveCompletion { completion } = call {
            self.work_ends(&bundle, completion);
            let what = center::AppInput::ResponseCompleted { completion };
            self.feed(Input::OfApp { bundle, what })?;
        } else if let AppCall::FetchCompletion { completion, result } = call {
            self.work_ends(&bundle, completion);
            let result = translate::fetch_result(result);
            self.feed(Input::FetchCompleted { bundle, completion, result })?;
        }
        Ok(Reply::Done)
    }

    /// The user looks at Settings now, which is another app.
    fn open_settings(&mut self, bundle: &str) -> Result<Reply, StoreError> {
        if self.center.app_state(bundle) != Some(center::AppState::Foreground) {
            let message = "only an app in foreground can open Settings";
            return Ok(Reply::Error(LocalError::homing(LocalError::INVALID_ARGUMENT, message)));
        }
        let state = center::AppState::Background;
        self.feed(Input::AppStateChanged { bundle: bundle.to_owned(), state })?;
        self.happened(Kind::SettingsOpened, Some(bundle), json!({}));
        Ok(Reply::Done)
    }

    /// The calls that change nothing.
    fn look_up(&self, bundle: &str, call: &AppCall) -> Reply {
        let found = if matches!(call, AppCall::GetNotificationSettings) {
            let settings = self.center.settings(bundle).ok_or_else(|| no_app(bundle));
            settings.and_then(|settings| translate::same(&settings)).map(Reply::Settings)
        } else if matches!(call, AppCall::GetPendingNotificationRequests) {
            let pending = self.center.pending(bundle).into_iter();
            let anew = self.dates_from_now.then(|| self.clock.now());
            pending
                .map(|pending| translate::pending(bundle, pending, anew))
                .collect::<Result<_, _>>()
                .map(Reply::Pending)
        } else if matches!(call, AppCall::GetNotificationCategories) {
            translate::same(&self.center.categories(bundle)).map(Reply::Categories)
        } else if matches!(call, AppCall::GetDeliveredNotifications) {
            let delivered = self.center.delivered(bundle);
            delivered
                .map(|delivered| translate::notification(&delivered.notification))
                .collect::<Result<_, _>>()
                .map(Reply::Delivered)
        } else if matches!(call, AppCall::GetBadgeCount) {
            Ok(Reply::Badge(self.center.badge(bundle)))
        } else {
            Ok(Reply::Registered(self.is_registered(bundle)))
        };
        found.unwrap_or_else(Reply::Error)
    }

    fn remove_pending(&mut self, bundle: String, identifiers: Identifiers) -> Result<Reply, StoreError> {
        self.feed(Input::PendingRemoved { bundle, identifiers })?;
        Ok(Reply::Done)
    }

    fn remove_delivered(&mut self, bundle: String, identifiers: Identifiers) -> Result<Reply, StoreError> {
        self.feed(Input::DeliveredRemoved { bundle, identifiers })?;
        Ok(Reply::Done)
    }

    fn set_categories(&mut self, bundle: String, categories: &[Category]) -> Result<Reply, StoreError> {
        let categories: Vec<center::Category> = match translate::same(&categories) {
            Ok(categories) => categories,
            Err(error) => return Ok(Reply::Error(error)),
        };
        if let Err(error) = center::Category::check(&categories) {
            return Ok(Reply::Error(LocalError::homing(LocalError::INVALID_ARGUMENT, error.to_string())));
        }
        self.feed(Input::OfApp { bundle, what: center::AppInput::CategoriesSet { categories } })?;
        Ok(Reply::Done)
    }

    fn set_recipient(&mut self, bundle: String, recipient: &Recipient) -> Result<Reply, StoreError> {
        if let Recipient::User(tag) = recipient
            && !(1..=Recipient::MAX_TAG).contains(&tag.len())
        {
            let message =
                format!("a user's tag has 1 to {} bytes, this one {}", Recipient::MAX_TAG, tag.len());
            return Ok(Reply::Error(LocalError::homing(LocalError::INVALID_ARGUMENT, message)));
        }
        Ok(match translate::same(recipient) {
            Ok(recipient) => {
                self.feed(Input::RecipientSet { bundle, recipient })?;
                Reply::Done
            }
            Err(error) => Reply::Error(error),
        })
    }

    /// *registerForRemoteNotifications*: a token that is known comes at once, another when the push service gives it.
    fn register(&mut self, bundle: &str) -> Result<(), StoreError> {
        let Some(app) = self.apps.get(bundle) else { return Ok(()) };
        let Some(registration) = registration_of(&app.kept) else {
            self.failed_to_register(bundle, LocalError::no_aps_environment());
            return Ok(());
        };
        let (token, was_subscribed) = (app.kept.token.clone(), app.kept.is_subscribed());
        self.set_registered(bundle, true)?;
        match token {
            Some(device_token) => {
                self.tell_app(bundle, DeviceMessage::Event(DeviceEvent::DidRegister { device_token }));
            }
            None if !was_subscribed => self.subscribe_if_wanted(&registration),
            None => {}
        }
        Ok(())
    }

    /// *isRegisteredForRemoteNotifications*.
    pub(super) fn is_registered(&self, bundle: &str) -> bool {
        self.apps.get(bundle).is_some_and(|app| app.kept.registered) && self.center.is_registered(bundle)
    }

    fn set_registered(&mut self, bundle: &str, registered: bool) -> Result<(), StoreError> {
        let Some(app) = self.apps.get_mut(bundle) else { return Ok(()) };
        if app.kept.registered != registered {
            app.kept.registered = registered;
            self.store.save_app(&app.kept)?;
        }
        Ok(())
    }

    /// Hands a call to the notification center, which answers it now or later.
    pub(super) fn wait(
        &mut self,
        caller: Caller,
        input: impl FnOnce(u64) -> Input,
    ) -> Result<(), StoreError> {
        if self.waiting.len() >= WAITING_MAX {
            // The API asks and doesn't wait for the user.
            self.waiting.retain(|_, caller| match caller {
                Caller::App { .. } => true,
                Caller::Api(asker) => !asker.is_closed(),
            });
        }
        if self.waiting.len() >= WAITING_MAX {
            let busy = "too many calls wait for an answer: wait for some of them";
            self.reply(caller, Reply::Error(LocalError::homing(LocalError::INVALID_ARGUMENT, busy)));
            return Ok(());
        }
        let request = self.next_request;
        self.next_request += 1;
        self.waiting.insert(request, caller);
        self.feed(input(request))
    }

    /// The notification center answered a call.
    pub(super) fn answer(&mut self, request: u64, reply: Reply) {
        if let Some(caller) = self.waiting.remove(&request) {
            self.reply(caller, reply);
        }
    }

    pub(super) fn reply(&mut self, caller: Caller, reply: Reply) {
        match caller {
            Caller::App { bundle, run, id } => {
                if self.is_current(&bundle, run) {
                    self.tell_app(&bundle, DeviceMessage::Reply(AppReply { reply_to: id, reply }));
                }
            }
            // The asker may have gone.
            Caller::Api(asker) => {
                self.effects.push(Effect::Answer(Box::new(move || drop(asker.send(reply)))))
            }
        }
    }

    /// Calls of a process that ended are answered by nobody.
    pub(super) fn forget_calls(&mut self, bundle: &str) {
        self.waiting.retain(|_, caller| match caller {
            Caller::App { bundle: of, .. } => of != bundle,
            Caller::Api(_) => true,
        });
    }
}

fn attach(bundle: &str, said: &str) -> Reply {
    if said == bundle {
        return Reply::Done;
    }
    let message = format!("this stream belongs to {bundle}, not to {said}: attach as {bundle}");
    Reply::Error(LocalError::homing(LocalError::INVALID_ARGUMENT, message))
}

fn no_app(bundle: &str) -> LocalError {
    LocalError::homing(LocalError::INVALID_ARGUMENT, format!("{bundle} isn't installed on this device"))
}
