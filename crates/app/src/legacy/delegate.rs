//! *UIApplicationDelegate*, as of iOS 9, and how it is run. Which of its methods is called when is decided by the device.

use std::future::Future;

use homing_local::legacy::LegacyCallback;
use homing_local::message::{Page, UserInfo};
use homing_local::{
    AppStateWord, ApplicationState, DeviceEvent, FetchResult, LegacyMethods, LocalError, LocalNotification,
    UserNotificationSettings,
};

use crate::app::App;
use crate::center::{AppError, Events, NotificationCenter};
use crate::delegate::bytes_of_hex;

/// Which methods an app has that are only called if it has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Has {
    /// *application(_:didReceiveRemoteNotification:)*.
    pub remote: bool,
    /// *application(_:didReceiveRemoteNotification:fetchCompletionHandler:)*, which wins over the other.
    pub fetch: bool,
    /// *application(_:didReceive:)* with a *UILocalNotification*.
    pub local: bool,
    /// *application(_:handleActionWithIdentifier:for…:withResponseInfo:completionHandler:)*.
    pub action: bool,
}

/// *UIApplication.LaunchOptionsKey*, of those that concern notifications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaunchOptions {
    /// *UIApplicationLaunchOptionsRemoteNotificationKey*.
    pub remote_notification: Option<UserInfo>,
    /// *UIApplicationLaunchOptionsLocalNotificationKey*: no callback follows for a tap on it.
    pub local_notification: Option<LocalNotification>,
}

/// An action that the user chose.
#[derive(Clone, PartialEq)]
pub struct Action {
    /// *UIUserNotificationAction.identifier*.
    pub identifier: String,
    /// Of a remote notification: its payload.
    pub remote: Option<UserInfo>,
    /// Of a local notification: itself.
    pub local: Option<LocalNotification>,
    /// *UIUserNotificationActionResponseTypedTextKey* of the response info.
    pub typed_text: Option<String>,
}

impl std::fmt::Debug for Action {
    /// What people write stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Action").field("identifier", &self.identifier).finish_non_exhaustive()
    }
}

/// What an app does when the device calls it. The state is *applicationState* at that moment, by which an app tells an
/// arrival (active) from a tap (inactive): the same method is called for both.
pub trait LegacyDelegate: Send {
    /// *respondsToSelector(_:)*, as the device sees it.
    const HAS: Has;

    /// *application(_:didFinishLaunchingWithOptions:)*.
    fn did_finish_launching(&mut self, _options: LaunchOptions) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// *application(_:didRegister:)*: what the user allows.
    fn did_register_user_notification_settings(
        &mut self,
        _settings: UserNotificationSettings,
    ) -> impl Future<Output = ()> + Send {
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

    /// *application(_:didReceive:)*: it came in front (active), or was tapped (inactive).
    fn did_receive_local_notification(
        &mut self,
        _notification: LocalNotification,
        _state: ApplicationState,
    ) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// *application(_:handleActionWithIdentifier:for…:withResponseInfo:completionHandler:)*.
    fn handle_action(
        &mut self,
        _action: Action,
        _state: ApplicationState,
    ) -> impl Future<Output = ()> + Send {
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

    /// *applicationDidBecomeActive*, *applicationDidEnterBackground*, *applicationWillTerminate*.
    fn state_changed(&mut self, _state: AppStateWord) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The user touched the page that the app shows, in words of the app's own.
    fn touched(&mut self, _touch: Page) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Runs an app that knows only iOS 9's callbacks, until the device closes the connection.
pub async fn run<L: LegacyDelegate>(app: App, mut delegate: L) -> Result<(), AppError> {
    let (center, _, Events(mut events)) = app.into_parts();
    let Has { remote, fetch, local, action } = L::HAS;
    let methods = LegacyMethods {
        did_receive_remote_notification: remote,
        did_receive_local_notification: local,
        handle_action: action,
    };
    center.set_legacy_delegate(fetch, methods).await?;
    while let Some(event) = events.recv().await {
        take(&center, &mut delegate, event).await?;
    }
    Ok(())
}

async fn take<L: LegacyDelegate>(
    center: &NotificationCenter,
    delegate: &mut L,
    event: DeviceEvent,
) -> Result<(), AppError> {
    match event {
        DeviceEvent::Launched { launch_options } => {
            let local = launch_options.local_notification;
            let options = LaunchOptions {
                remote_notification: launch_options.remote_notification,
                local_notification: local.map(|local| LocalNotification::of(&local.request)),
            };
            delegate.did_finish_launching(options).await;
        }
        DeviceEvent::DidRegister { device_token } => match bytes_of_hex(&device_token) {
            Some(token) => delegate.did_register(token).await,
            None => tracing::warn!("the device sent a token that isn't hexadecimal"),
        },
        DeviceEvent::DidFailToRegister { error } => delegate.did_fail_to_register(error).await,
        DeviceEvent::DidReceiveRemoteNotification { completion, user_info, application_state, .. } => {
            let result = delegate.did_receive_remote_notification_fetch(user_info, application_state).await;
            center.complete_fetch(completion, result).await?;
        }
        DeviceEvent::StateChanged { state } => delegate.state_changed(state).await,
        DeviceEvent::Touched { touch } => delegate.touched(touch).await,
        DeviceEvent::Legacy { callback } => call_back(center, delegate, callback).await?,
        // They are for a delegate of UserNotifications, which isn't there.
        DeviceEvent::WillPresent { .. }
        | DeviceEvent::DidReceive { .. }
        | DeviceEvent::OpenSettings { .. } => {}
    }
    Ok(())
}

async fn call_back<L: LegacyDelegate>(
    center: &NotificationCenter,
    delegate: &mut L,
    callback: LegacyCallback,
) -> Result<(), AppError> {
    match callback {
        LegacyCallback::DidRegisterUserNotificationSettings { settings } => {
            delegate.did_register_user_notification_settings(settings).await;
        }
        LegacyCallback::DidReceiveRemoteNotification { user_info, application_state } => {
            delegate.did_receive_remote_notification(user_info, application_state).await;
        }
        LegacyCallback::DidReceiveLocalNotification { notification, application_state } => {
            delegate.did_receive_local_notification(*notification, application_state).await;
        }
        LegacyCallback::HandleAction {
            completion,
            identifier,
            remote_notification,
            local_notification,
            response_info,
            application_state,
        } => {
            let action = Action {
                identifier,
                remote: remote_notification,
                local: local_notification.map(|local| *local),
                typed_text: response_info.typed_text,
            };
            delegate.handle_action(action, application_state).await;
            center.complete_did_receive(completion).await?;
        }
    }
    Ok(())
}
