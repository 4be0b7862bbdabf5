//! What the device and the process of a notification content extension say to each other
//! (*UNNotificationContentExtension*): a line of JSON at a time, on the process's standard input and output. When it is
//! asked, and what follows from its answer, is decided by `notification-center`.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Action, Notification, NotificationResponse};

/// What the device says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ToContentExtension {
    /// *didReceive(_ notification:)*: the notification that the user opened, then each later one that belongs to it.
    Notification {
        notification: Box<Notification>,
        /// *notificationActions*: what the opened notification offers now.
        actions: Vec<Action>,
    },
    /// *didReceive(_ response:completionHandler:)*: the user chose an action, which is told to the app unless
    /// [`FromContentExtension::Answer`] comes with the same number before the deadline.
    Response { call: u64, response: Box<NotificationResponse>, deadline: UnixMillis },
}

/// What the process says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FromContentExtension {
    /// The completion handler of *didReceive(_ response:completionHandler:)*.
    Answer { call: u64, option: ContentExtensionResponseOption },
    /// *notificationActions* of the extension's context: offered in place of the category's.
    SetActions(Vec<Action>),
    /// *dismissNotificationContentExtension()*: the notification is open no more, and stays where it was.
    DismissNotification {},
    /// *performNotificationDefaultAction()*: as a tap.
    PerformDefaultAction {},
}

/// *UNNotificationContentExtensionResponseOption*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContentExtensionResponseOption {
    /// The notification stays open.
    DoNotDismiss,
    /// It leaves the screen, and the app isn't told.
    Dismiss,
    /// It leaves the screen, and the app is told: what happens without the method.
    #[default]
    DismissAndForwardAction,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_process_may_say() {
        for (json, said) in [
            (
                json!({"answer": {"call": 7, "option": "dismiss"}}),
                FromContentExtension::Answer { call: 7, option: ContentExtensionResponseOption::Dismiss },
            ),
            (
                json!({"set_actions": [{"identifier": "like", "title": ""}]}),
                FromContentExtension::SetActions(vec![
                    serde_json::from_value(json!({"identifier": "like"})).expect("it is an action"),
                ]),
            ),
            (json!({"dismiss_notification": {}}), FromContentExtension::DismissNotification {}),
            (json!({"perform_default_action": {}}), FromContentExtension::PerformDefaultAction {}),
        ] {
            let read: FromContentExtension = serde_json::from_value(json).expect("it is readable");
            assert_eq!(read, said);
            let written = serde_json::to_string(&said).expect("it is writable");
            assert_eq!(serde_json::from_str::<FromContentExtension>(&written).expect("it is ours"), said);
        }
        for refused in ["{}", "[]", "7", r#"{"answer":{"call":7}}"#, r#"{"answer":{"call":7,"option":"x"}}"#]
        {
            assert!(serde_json::from_str::<FromContentExtension>(refused).is_err(), "{refused}");
        }
    }
}
