//! The callbacks of an app: `UNUserNotificationCenterDelegate` and the remote-notification half of
//! `UIApplicationDelegate`. Which callback fits which notification is decided by the device.

use std::future::Future;

use homing_local::{
    AppStateWord, DeviceEvent, FetchResult, LaunchOptions, LocalError, Notification, NotificationResponse,
    PresentationOption,
    message::{Page, UserInfo},
};

use crate::center::{AppError, Events, NotificationCenter};

/// *UNUserNotificationCenterDelegate* and *UIApplicationDelegate*: what an app does when the device calls it. Every method
/// has Apple's default: nothing is shown in foreground, taps and silent notifications are taken and ignored.
pub trait AppDelegate: Send {
    /// Whether the app takes silent notifications
    /// (`application(_:didReceiveRemoteNotification:fetchCompletionHandler:)`).
    const TAKES_SILENT: bool = false;

    /// `application(_:didFinishLaunchingWithOptions:)`: why the app was started. What it was started for comes by the
    /// other methods, too.
    fn did_finish_launching(&mut self, _options: LaunchOptions) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// `userNotificationCenter(_:willPresent:withCompletionHandler:)`: the app is in foreground; how shall the notification
    /// be shown? Empty: not at all.
    fn will_present(
        &mut self,
        _notification: Notification,
    ) -> impl Future<Output = Vec<PresentationOption>> + Send {
        std::future::ready(Vec::new())
    }

    /// `userNotificationCenter(_:didReceive:withCompletionHandler:)`: the user tapped a notification, or chose one of its
    /// actions.
    fn did_receive(&mut self, _response: NotificationResponse) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// `application(_:didRegisterForRemoteNotificationsWithDeviceToken:)`: the bytes are opaque and of any length.
    fn did_register(&mut self, _device_token: Vec<u8>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// `application(_:didFailToRegisterForRemoteNotificationsWithError:)`.
    fn did_fail_to_register(&mut self, _error: LocalError) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// `application(_:didReceiveRemoteNotification:fetchCompletionHandler:)`: a silent notification came; there are about
    /// 30 seconds for it.
    fn did_receive_remote(&mut self, _user_info: UserInfo) -> impl Future<Output = FetchResult> + Send {
        std::future::ready(FetchResult::NoData)
    }

    /// The user touched the page that the app shows, in words of the app's own.
    fn touched(&mut self, _touch: Page) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// `userNotificationCenter(_:openSettingsFor:)`: the user wants to see the app's own settings, from the menu of this
    /// notification or from Settings.
    fn open_settings(&mut self, _notification: Option<Notification>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// `applicationDidBecomeActive`, `applicationDidEnterBackground`, `applicationWillTerminate`.
    fn state_changed(&mut self, _state: AppStateWord) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

pub(crate) async fn run<D: AppDelegate>(
    center: &NotificationCenter,
    mut events: Events,
    mut delegate: D,
) -> Result<(), AppError> {
    center.set_delegate(D::TAKES_SILENT).await?;
    while let Some(event) = events.0.recv().await {
        match event {
            DeviceEvent::DidRegister { device_token } => match bytes_of_hex(&device_token) {
                Some(token) => delegate.did_register(token).await,
                None => tracing::warn!("the device sent a token that isn't hexadecimal"),
            },
            DeviceEvent::DidFailToRegister { error } => delegate.did_fail_to_register(error).await,
            DeviceEvent::WillPresent { completion, notification, deadline: _ } => {
                let options = delegate.will_present(*notification).await;
                center.complete_will_present(completion, options).await?;
            }
            DeviceEvent::DidReceive { completion, response } => {
                delegate.did_receive(*response).await;
                center.complete_did_receive(completion).await?;
            }
            DeviceEvent::DidReceiveRemoteNotification { completion, user_info, .. } => {
                let result = delegate.did_receive_remote(user_info).await;
                center.complete_fetch(completion, result).await?;
            }
            DeviceEvent::OpenSettings { notification } => {
                delegate.open_settings(notification.map(|notification| *notification)).await;
            }
            DeviceEvent::Launched { launch_options } => {
                delegate.did_finish_launching(launch_options).await;
            }
            DeviceEvent::Touched { touch } => delegate.touched(touch).await,
            DeviceEvent::StateChanged { state } => delegate.state_changed(state).await,
            // Callbacks that this app hasn't.
            DeviceEvent::Legacy { .. } => {}
        }
    }
    Ok(())
}

pub(crate) fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_two_digits_a_byte() {
        assert_eq!(bytes_of_hex("00ffA1"), Some(vec![0, 255, 161]));
        assert_eq!(bytes_of_hex("0"), None);
        assert_eq!(bytes_of_hex("é0"), None);
    }
}
