//! Which of an app's callbacks is called for a notification that the user may see, and in which state of the app: the
//! precedence of *UNUserNotificationCenterDelegate* over *UIApplicationDelegate*'s methods, and among these.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LocalNotification, UserNotificationSettings};
use crate::app::{App, Turn};
use crate::output::UserInfo;
use crate::{AppState, Delegate, Notification, Output, RemoteMark, Response, Trigger};

/// The methods of iOS 9 that an app's *UIApplicationDelegate* has, beside the one with the fetch completion handler. They
/// are called only in an app without a *UNUserNotificationCenterDelegate*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LegacyMethods {
    /// *application(_:didReceiveRemoteNotification:)*.
    pub did_receive_remote_notification: bool,
    /// *application(_:didReceive:)* with a *UILocalNotification*.
    pub did_receive_local_notification: bool,
    /// *application(_:handleActionWithIdentifier:for…:withResponseInfo:completionHandler:)*.
    pub handle_action: bool,
}

impl LegacyMethods {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// *UIApplication.State*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationState {
    Active,
    /// In front of the user but not theirs: on the way there, or behind a prompt.
    Inactive,
    Background,
}

/// A call of the iOS 9 API.
#[derive(Clone, PartialEq)]
pub enum LegacyCall {
    /// *application(_:didRegister:)*: what the user allows.
    DidRegisterUserNotificationSettings { settings: UserNotificationSettings },
    /// *application(_:didReceiveRemoteNotification:)*.
    DidReceiveRemoteNotification { user_info: UserInfo, application_state: ApplicationState },
    /// *application(_:didReceive:)*.
    DidReceiveLocalNotification { notification: Box<LocalNotification>, application_state: ApplicationState },
    /// *application(_:handleActionWithIdentifier:for…:withResponseInfo:completionHandler:)*.
    HandleAction {
        completion: u64,
        identifier: String,
        of: LegacySubject,
        /// *UIUserNotificationActionResponseTypedTextKey* of the response info.
        typed_text: Option<String>,
        application_state: ApplicationState,
    },
}

impl std::fmt::Debug for LegacyCall {
    /// What people are told, and write, stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DidRegisterUserNotificationSettings { .. } => "DidRegisterUserNotificationSettings",
            Self::DidReceiveRemoteNotification { .. } => "DidReceiveRemoteNotification",
            Self::DidReceiveLocalNotification { .. } => "DidReceiveLocalNotification",
            Self::HandleAction { .. } => "HandleAction",
        })
    }
}

/// What the user acted on.
#[derive(Clone, Debug, PartialEq)]
pub enum LegacySubject {
    Remote(UserInfo),
    Local(Box<LocalNotification>),
}

/// When an app may be told of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// It arrived while the app was in front.
    ForegroundArrival,
    /// The user tapped it, and the app runs.
    Tap,
    /// The tap started the app.
    LaunchingTap,
    /// The user chose an action of it.
    Action,
    /// The user cleared it, and the app wants to know.
    Dismissal,
}

/// Whence it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `told` if the method with the fetch completion handler gets it anyhow, since it says `content-available`.
    Remote {
        told: bool,
    },
    Local,
}

/// The method that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    WillPresent,
    DidReceive,
    Fetch,
    Remote,
    Local,
    HandleAction,
}

impl Origin {
    fn arriving(remote: Option<&RemoteMark>) -> Self {
        remote.map_or(Self::Local, |remote| Self::Remote { told: remote.told })
    }

    /// Of one that the user acts on.
    pub(crate) fn of(notification: &Notification) -> Self {
        if notification.request.trigger == Some(Trigger::Push) {
            Self::Remote { told: false }
        } else {
            Self::Local
        }
    }
}

impl Delegate {
    /// A delegate of UserNotifications takes the place of all that iOS 9 had, also where it lacks the method.
    pub(crate) fn callback(self, occasion: Occasion, origin: Origin) -> Option<Callback> {
        if self.will_present || self.did_receive {
            return match occasion {
                Occasion::ForegroundArrival => self.will_present.then_some(Callback::WillPresent),
                Occasion::Tap | Occasion::LaunchingTap | Occasion::Action | Occasion::Dismissal => {
                    self.did_receive.then_some(Callback::DidReceive)
                }
            };
        }
        let fetch = self.did_receive_remote_notification.then_some(Callback::Fetch);
        let plain = self.legacy.did_receive_remote_notification.then_some(Callback::Remote);
        match (occasion, origin) {
            (Occasion::Action, _) => self.legacy.handle_action.then_some(Callback::HandleAction),
            (Occasion::Dismissal, _) => None,
            (Occasion::ForegroundArrival, Origin::Remote { told: true }) if fetch.is_some() => None,
            (Occasion::ForegroundArrival | Occasion::Tap, Origin::Remote { .. }) => fetch.or(plain),
            (Occasion::LaunchingTap, Origin::Remote { .. }) => fetch,
            (Occasion::ForegroundArrival | Occasion::Tap, Origin::Local) => {
                self.legacy.did_receive_local_notification.then_some(Callback::Local)
            }
            (Occasion::LaunchingTap, Origin::Local) => None,
        }
    }
}

impl Occasion {
    pub(crate) fn of(response: &Response, launching: bool) -> Self {
        match response.action_identifier.as_str() {
            Response::DEFAULT_ACTION if launching => Self::LaunchingTap,
            Response::DEFAULT_ACTION => Self::Tap,
            Response::DISMISS_ACTION => Self::Dismissal,
            _ => Self::Action,
        }
    }
}

impl App {
    pub(super) fn call_legacy(&self, call: LegacyCall, turn: &mut Turn<'_>) {
        turn.out.push(Output::CallLegacy { bundle: self.bundle(), call: Box::new(call) });
    }

    /// It arrived while the app was in front: an app of iOS 9 is told, and nothing is shown.
    pub(crate) fn tell_in_front(
        &mut self,
        notification: &Notification,
        remote: Option<&RemoteMark>,
        turn: &mut Turn<'_>,
    ) {
        let Some(delegate) = self.process.delegate else { return };
        match delegate.callback(Occasion::ForegroundArrival, Origin::arriving(remote)) {
            Some(called @ (Callback::Fetch | Callback::Remote | Callback::Local)) => {
                self.call_with(called, notification, ApplicationState::Active, turn);
            }
            Some(Callback::WillPresent | Callback::DidReceive | Callback::HandleAction) | None => {}
        }
    }

    /// The same of one that shows nothing. `wakes`: it is offered to the method with the fetch completion handler anyhow.
    pub(crate) fn tell_of_unseen(
        &mut self,
        user_info: &Map<String, Value>,
        wakes: bool,
        turn: &mut Turn<'_>,
    ) {
        let delegate = self.process.delegate.filter(|_| self.state == AppState::Foreground);
        let (user_info, application_state) = (UserInfo(user_info.clone()), ApplicationState::Active);
        match delegate
            .and_then(|has| has.callback(Occasion::ForegroundArrival, Origin::Remote { told: wakes }))
        {
            Some(Callback::Fetch) => self.call_fetch(user_info, application_state, turn),
            Some(Callback::Remote) => {
                let call = LegacyCall::DidReceiveRemoteNotification { user_info, application_state };
                self.call_legacy(call, turn);
            }
            Some(Callback::WillPresent | Callback::DidReceive | Callback::Local | Callback::HandleAction)
            | None => {}
        }
    }

    /// Gives an app of iOS 9 a notification by the method.
    fn call_with(
        &mut self,
        called: Callback,
        notification: &Notification,
        application_state: ApplicationState,
        turn: &mut Turn<'_>,
    ) {
        let user_info = || UserInfo(notification.request.content.user_info.clone());
        match called {
            Callback::Fetch => self.call_fetch(user_info(), application_state, turn),
            Callback::Remote => {
                let call =
                    LegacyCall::DidReceiveRemoteNotification { user_info: user_info(), application_state };
                self.call_legacy(call, turn);
            }
            Callback::Local => {
                let notification = Box::new(LocalNotification::of(&notification.request));
                let call = LegacyCall::DidReceiveLocalNotification { notification, application_state };
                self.call_legacy(call, turn);
            }
            Callback::WillPresent | Callback::DidReceive | Callback::HandleAction => {}
        }
    }

    /// The user acted on a notification, and the app gets it by this method.
    pub(crate) fn call_response(&mut self, called: Callback, response: Box<Response>, turn: &mut Turn<'_>) {
        match called {
            Callback::DidReceive => {
                let completion = self.responding(&response.notification, turn);
                turn.out.push(Output::CallDidReceive { bundle: self.bundle(), completion, response });
            }
            Callback::HandleAction => {
                let Response { action_identifier, notification, user_text } = *response;
                let completion = self.responding(&notification, turn);
                let of = match Origin::of(&notification) {
                    Origin::Remote { .. } => {
                        LegacySubject::Remote(UserInfo(notification.request.content.user_info))
                    }
                    Origin::Local => {
                        LegacySubject::Local(Box::new(LocalNotification::of(&notification.request)))
                    }
                };
                let application_state = match self.state {
                    AppState::Foreground => ApplicationState::Inactive,
                    AppState::Background | AppState::Ended | AppState::ForceQuit => {
                        ApplicationState::Background
                    }
                };
                let call = LegacyCall::HandleAction {
                    completion,
                    identifier: action_identifier,
                    of,
                    typed_text: user_text,
                    application_state,
                };
                self.call_legacy(call, turn);
            }
            Callback::Fetch | Callback::Remote | Callback::Local | Callback::WillPresent => {
                self.call_with(called, &response.notification, ApplicationState::Inactive, turn);
            }
        }
    }
}
