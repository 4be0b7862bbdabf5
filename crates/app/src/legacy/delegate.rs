//! *UIApplicationDelegate*, as of iOS 9, and how it is run: what the device says in UserNotifications' words becomes the
//! callback that `callbacks` decides.

use std::future::Future;

use homing_local::message::UserInfo;
use homing_local::{
    AppStateWord, FetchResult, LaunchOptions, LocalError, Notification, NotificationResponse,
    PresentationOption, Trigger,
};

use super::callbacks::{ApplicationState, Callback, Has, Moment, Origin, callback};
use super::local::LocalNotification;
use crate::app::App;
use crate::application::Application;
use crate::center::AppError;
use crate::delegate::AppDelegate;

/// An action that the user chose (*application(_:handleActionWithIdentifier:for…:withResponseInfo:completionHandler:)*).
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub identifier: String,
    /// Of a remote notification: its payload.
    pub remote: Option<UserInfo>,
    pub local: Option<LocalNotification>,
    /// *UIUserNotificationActionResponseTypedTextKey*.
    pub typed_text: Option<String>,
}

/// What an app does when the device calls it. Which of the methods it has is said by [`LegacyDelegate::HAS`]; one that it
/// hasn't is never called.
pub trait LegacyDelegate: Send {
    const HAS: Has;

    /// *application(_:didFinishLaunchingWithOptions:)*.
    fn did_finish_launching(&mut self, _options: LaunchOptions) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// *application(_:didReceiveRemoteNotification:)*: it arrived in front (active), or was tapped (inactive).
    fn did_receive_remote_notification(
        &mut self,
        _user_info: UserInfo,
        _state: ApplicationState,
    ) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// *application(_:didReceiveRemoteNotification:fetchCompletionHandler:)*: instead of the other, and for silent ones.
    fn did_receive_remote_notification_fetch(
        &mut self,
        _user_info: UserInfo,
        _state: ApplicationState,
    ) -> impl Future<Output = FetchResult> + Send {
        std::future::ready(FetchResult::NoData)
    }

    /// *application(_:didReceive:)*.
    fn did_receive_local_notification(
        &mut self,
        _notification: LocalNotification,
        _state: ApplicationState,
    ) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    fn handle_action(&mut self, _action: Action) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// *application(_:didRegisterForRemoteNotificationsWithDeviceToken:)*.
    fn did_register(&mut self, _device_token: Vec<u8>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// *application(_:didFailToRegisterForRemoteNotificationsWithError:)*.
    fn did_fail_to_register(&mut self, _error: LocalError) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Runs an app that knows only iOS 9's callbacks, until the device closes the connection.
pub async fn run<L: LegacyDelegate>(app: App, delegate: L) -> Result<(), AppError> {
    let application = app.application();
    app.run(Legacy { application, delegate, launched_by: LaunchOptions::default() }).await
}

struct Legacy<L> {
    application: Application,
    delegate: L,
    /// What started the app, until it was told.
    launched_by: LaunchOptions,
}

impl<L: LegacyDelegate> Legacy<L> {
    /// Whether the tap on it started the app.
    fn launched_by(&mut self, notification: &Notification) -> bool {
        let launch = std::mem::take(&mut self.launched_by);
        let local = launch.local_notification.is_some_and(|local| {
            local.request.identifier == notification.request.identifier && local.date == notification.date
        });
        local || launch.remote_notification.is_some_and(|remote| remote == user_info(notification))
    }

    async fn arrived(&mut self, notification: &Notification) {
        // One that is also silent comes by the other way, and is told once.
        let aps = notification.request.content.user_info.get("aps");
        let also_silent = aps.and_then(|aps| aps.get("content-available")).is_some_and(|value| *value == 1);
        if !(also_silent && L::HAS.fetch) {
            self.tell(notification, Moment::ForegroundArrival).await;
        }
    }

    async fn responded(&mut self, response: NotificationResponse) {
        let notification = &response.notification;
        match response.action_identifier.as_str() {
            NotificationResponse::DEFAULT_ACTION => {
                let moment = if self.launched_by(notification) { Moment::LaunchingTap } else { Moment::Tap };
                self.tell(notification, moment).await;
            }
            NotificationResponse::DISMISS_ACTION => {}
            identifier => {
                let remote = matches!(notification.request.trigger, Some(Trigger::Push));
                let action = Action {
                    identifier: identifier.to_owned(),
                    remote: remote.then(|| user_info(notification)),
                    local: LocalNotification::of(&notification.request),
                    typed_text: response.user_text.clone(),
                };
                self.delegate.handle_action(action).await;
            }
        }
    }

    async fn tell(&mut self, notification: &Notification, moment: Moment) {
        let remote = matches!(notification.request.trigger, Some(Trigger::Push));
        let origin = if remote { Origin::Remote } else { Origin::Local };
        match callback(origin, moment, L::HAS) {
            Some((Callback::Remote, state)) => {
                self.delegate.did_receive_remote_notification(user_info(notification), state).await;
            }
            Some((Callback::Fetch, state)) => {
                self.delegate.did_receive_remote_notification_fetch(user_info(notification), state).await;
            }
            Some((Callback::Local, state)) => {
                // One that was made by the newer API is none that iOS 9 knows.
                if let Some(local) = LocalNotification::of(&notification.request) {
                    self.delegate.did_receive_local_notification(local, state).await;
                }
            }
            Some((Callback::HandleAction, _)) | None => {}
        }
    }
}

fn user_info(notification: &Notification) -> UserInfo {
    UserInfo(notification.request.content.user_info.clone())
}

impl<L: LegacyDelegate> AppDelegate for Legacy<L> {
    const TAKES_SILENT: bool = L::HAS.fetch;

    async fn did_finish_launching(&mut self, options: LaunchOptions) {
        self.launched_by = options.clone();
        self.delegate.did_finish_launching(options).await;
    }

    /// iOS 9 shows nothing while the app is in front.
    async fn will_present(&mut self, notification: Notification) -> Vec<PresentationOption> {
        self.arrived(&notification).await;
        Vec::new()
    }

    async fn did_receive(&mut self, response: NotificationResponse) {
        self.responded(response).await;
    }

    async fn did_register(&mut self, device_token: Vec<u8>) {
        self.delegate.did_register(device_token).await;
    }

    async fn did_fail_to_register(&mut self, error: LocalError) {
        self.delegate.did_fail_to_register(error).await;
    }

    async fn did_receive_remote(&mut self, user_info: UserInfo) -> FetchResult {
        self.launched_by = LaunchOptions::default();
        let state = match self.application.application_state() {
            AppStateWord::Foreground => ApplicationState::Active,
            AppStateWord::Background | AppStateWord::Ended | AppStateWord::ForceQuit => {
                ApplicationState::Background
            }
        };
        self.delegate.did_receive_remote_notification_fetch(user_info, state).await
    }
}
