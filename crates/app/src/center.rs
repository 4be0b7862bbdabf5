//! The calls of an app, each a method named after Apple's. Frames on the stream are `stream`'s, callbacks are
//! `delegate`'s.

use std::sync::Arc;

use homing_local::{
    AppCall, AppStateWord, AuthorizationOption, Category, FetchResult, LegacyMethods, LocalError,
    Notification, NotificationRequest, NotificationSettings, PendingView, PresentationOption, Recipient,
    Reply, message::Secret,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::app::App;
use crate::delegate::{self, AppDelegate};
use crate::stream::Calls;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum AppError {
    #[error(
        "no device has started this process: {missing} isn't set; install the app with a launch command, or set what \
         GET …/apps/<bundle ID>/credentials says"
    )]
    NotLaunched { missing: &'static str },
    #[error("no device listens at {socket}: {source}")]
    NoDevice { socket: std::path::PathBuf, source: std::io::Error },
    #[error("the device closed the connection: attach again")]
    Disconnected,
    /// The error a completion handler gets.
    #[error(transparent)]
    Device(#[from] LocalError),
    #[error("the device answered with something else than was asked: is it of the same version?")]
    OtherReply,
    #[error("the call is too large for the device: {0}")]
    TooLarge(String),
}

/// What the device says unasked, to be given to [`NotificationCenter::run_delegate`].
#[derive(Debug)]
pub struct Events(pub(crate) mpsc::Receiver<homing_local::DeviceEvent>);

/// *UNUserNotificationCenter* of one app, with the calls of `UIApplication` about remote notifications. Clones share
/// the stream.
#[derive(Clone, Debug)]
pub struct NotificationCenter {
    calls: Arc<Calls>,
}

impl NotificationCenter {
    /// *supportsContentExtensions*: every device draws notifications with the app's content extension.
    pub const fn supports_content_extensions() -> bool {
        true
    }

    /// Says who is speaking on `stream`. Must be called within a tokio runtime, which drives the stream.
    pub async fn attach<S>(stream: S, bundle_id: &str) -> Result<(Self, Events), AppError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (center, _, events) = App::in_process(stream, bundle_id).await?.into_parts();
        Ok((center, events))
    }

    pub(crate) fn over(calls: Calls) -> Self {
        Self { calls: Arc::new(calls) }
    }

    pub(crate) async fn attach_as(
        &self,
        bundle_id: &str,
        device: Option<String>,
        secret: Option<Secret>,
    ) -> Result<(), AppError> {
        self.done(AppCall::Attach { bundle_id: bundle_id.to_owned(), device, secret }).await
    }

    pub(crate) fn state(&self) -> watch::Receiver<AppStateWord> {
        self.calls.state()
    }

    /// Sets the delegate, ends the launch (*Set the delegate before `didFinishLaunching` returns*), and gives it what
    /// the device says, one thing after the other, until the device closes the stream.
    pub async fn run_delegate(&self, events: Events, delegate: impl AppDelegate) -> Result<(), AppError> {
        delegate::run(self, events, delegate).await
    }

    /// *requestAuthorization(options:completionHandler:)*: asks the user, once in the app's life, and waits for the
    /// answer. `true` if something was granted.
    pub async fn request_authorization(&self, options: &[AuthorizationOption]) -> Result<bool, AppError> {
        let reply = self.call(AppCall::RequestAuthorization { options: options.to_vec() }).await?;
        if let Reply::Granted(granted) = reply { Ok(granted) } else { Err(unexpected(reply)) }
    }

    /// *getNotificationSettings(completionHandler:)*: as they are now; the user may change them at any time.
    pub async fn notification_settings(&self) -> Result<NotificationSettings, AppError> {
        let reply = self.call(AppCall::GetNotificationSettings).await?;
        if let Reply::Settings(settings) = reply { Ok(*settings) } else { Err(unexpected(reply)) }
    }

    /// *UIApplication.registerForRemoteNotifications()*: the token comes to [`AppDelegate::did_register`]; call it at
    /// every launch.
    pub async fn register_for_remote_notifications(&self) -> Result<(), AppError> {
        self.done(AppCall::RegisterForRemoteNotifications).await
    }

    /// *UIApplication.unregisterForRemoteNotifications()*.
    pub async fn unregister_for_remote_notifications(&self) -> Result<(), AppError> {
        self.done(AppCall::UnregisterForRemoteNotifications).await
    }

    /// *UIApplication.isRegisteredForRemoteNotifications*.
    pub async fn is_registered_for_remote_notifications(&self) -> Result<bool, AppError> {
        let reply = self.call(AppCall::IsRegisteredForRemoteNotifications).await?;
        if let Reply::Registered(registered) = reply { Ok(registered) } else { Err(unexpected(reply)) }
    }

    /// *add(_:withCompletionHandler:)*: schedules a request, in place of the pending one of the same identifier; without a
    /// trigger it comes at once. What is wrong with it is [`AppError::Device`], with *UNError*'s codes.
    pub async fn add(&self, request: NotificationRequest) -> Result<(), AppError> {
        self.done(AppCall::Add { request: Box::new(request) }).await
    }

    /// *getPendingNotificationRequests(completionHandler:)*, with the date of each (*nextTriggerDate()*).
    pub async fn pending_notification_requests(&self) -> Result<Vec<PendingView>, AppError> {
        let reply = self.call(AppCall::GetPendingNotificationRequests).await?;
        if let Reply::Pending(pending) = reply { Ok(pending) } else { Err(unexpected(reply)) }
    }

    /// *removePendingNotificationRequests(withIdentifiers:)*: unknown ones are ignored.
    pub async fn remove_pending_notification_requests(&self, identifiers: &[&str]) -> Result<(), AppError> {
        self.done(AppCall::RemovePendingNotificationRequests { identifiers: owned(identifiers) }).await
    }

    /// *removeAllPendingNotificationRequests()*.
    pub async fn remove_all_pending_notification_requests(&self) -> Result<(), AppError> {
        self.done(AppCall::RemoveAllPendingNotificationRequests).await
    }

    /// *getDeliveredNotifications(completionHandler:)*: those in Notification Center, newest first.
    pub async fn delivered_notifications(&self) -> Result<Vec<Notification>, AppError> {
        let reply = self.call(AppCall::GetDeliveredNotifications).await?;
        if let Reply::Delivered(delivered) = reply { Ok(delivered) } else { Err(unexpected(reply)) }
    }

    /// *removeDeliveredNotifications(withIdentifiers:)*: unknown ones are ignored.
    pub async fn remove_delivered_notifications(&self, identifiers: &[&str]) -> Result<(), AppError> {
        self.done(AppCall::RemoveDeliveredNotifications { identifiers: owned(identifiers) }).await
    }

    /// *removeAllDeliveredNotifications()*.
    pub async fn remove_all_delivered_notifications(&self) -> Result<(), AppError> {
        self.done(AppCall::RemoveAllDeliveredNotifications).await
    }

    /// *setBadgeCount(_:withCompletionHandler:)*: 0 hides the badge; below 0 is *UNError.Code.badgeInputInvalid*.
    pub async fn set_badge_count(&self, count: i64) -> Result<(), AppError> {
        self.done(AppCall::SetBadgeCount { count }).await
    }

    /// *setNotificationCategories(_:)*: the actions the app offers, all of them: call it at every launch. What was set
    /// before is no more.
    pub async fn set_notification_categories(&self, categories: Vec<Category>) -> Result<(), AppError> {
        self.done(AppCall::SetNotificationCategories { categories }).await
    }

    /// *getNotificationCategories(completionHandler:)*.
    pub async fn notification_categories(&self) -> Result<Vec<Category>, AppError> {
        let reply = self.call(AppCall::GetNotificationCategories).await?;
        if let Reply::Categories(categories) = reply { Ok(categories) } else { Err(unexpected(reply)) }
    }

    /// Whose notifications the app wants ([`AppCall::SetRecipient`]). UserNotifications has no such call: on iOS a
    /// notification service extension with the filtering entitlement drops the others', and the app withdraws what is
    /// delivered. The provider's SDK does it for its users.
    pub async fn set_recipient(&self, recipient: Recipient) -> Result<(), AppError> {
        self.done(AppCall::SetRecipient { recipient }).await
    }

    pub(crate) async fn set_delegate(&self, did_receive_remote_notification: bool) -> Result<(), AppError> {
        let call = AppCall::SetDelegate {
            will_present: true,
            did_receive: true,
            did_receive_remote_notification,
            legacy: LegacyMethods::default(),
        };
        self.done(call).await?;
        self.done(AppCall::FinishLaunching).await
    }

    /// There is none of UserNotifications: the app has the methods of iOS 9.
    pub(crate) async fn set_legacy_delegate(
        &self,
        did_receive_remote_notification: bool,
        legacy: LegacyMethods,
    ) -> Result<(), AppError> {
        let (will_present, did_receive) = (false, false);
        let call =
            AppCall::SetDelegate { will_present, did_receive, did_receive_remote_notification, legacy };
        self.done(call).await?;
        self.done(AppCall::FinishLaunching).await
    }

    pub(crate) async fn complete_will_present(
        &self,
        completion: u64,
        options: Vec<PresentationOption>,
    ) -> Result<(), AppError> {
        self.done(AppCall::WillPresentCompletion { completion, options }).await
    }

    pub(crate) async fn complete_did_receive(&self, completion: u64) -> Result<(), AppError> {
        self.done(AppCall::DidReceiveCompletion { completion }).await
    }

    pub(crate) async fn complete_fetch(&self, completion: u64, result: FetchResult) -> Result<(), AppError> {
        self.done(AppCall::FetchCompletion { completion, result }).await
    }

    pub(crate) async fn done(&self, call: AppCall) -> Result<(), AppError> {
        let reply = self.call(call).await?;
        if let Reply::Done = reply { Ok(()) } else { Err(unexpected(reply)) }
    }

    pub(crate) async fn call(&self, call: AppCall) -> Result<Reply, AppError> {
        self.calls.call(call).await
    }
}

fn owned(identifiers: &[&str]) -> Vec<String> {
    identifiers.iter().map(|&identifier| identifier.to_owned()).collect()
}

pub(crate) fn unexpected(reply: Reply) -> AppError {
    match reply {
        Reply::Error(error) => AppError::Device(error),
        Reply::Done
        | Reply::Granted(_)
        | Reply::Settings(_)
        | Reply::Registered(_)
        | Reply::Badge(_)
        | Reply::Pending(_)
        | Reply::Delivered(_)
        | Reply::Categories(_)
        | Reply::UserNotificationSettings(_)
        | Reply::LocalNotifications(_) => AppError::OtherReply,
    }
}
