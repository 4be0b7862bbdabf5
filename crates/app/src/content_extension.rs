//! *UNNotificationContentExtension*: a program of the app that draws a notification while the user has it open, and is
//! asked first about its actions. The device starts it by the `command` of its entry in the manifest's
//! `content_extensions`, and ends it when the notification is open no more. What becomes of its answers is decided by the
//! device; how it draws is its own affair.

use std::future::Future;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

pub use homing_local::content_extension::ContentExtensionResponseOption;
use homing_local::content_extension::{FromContentExtension, ToContentExtension};
use homing_local::{Action, Notification, NotificationResponse};

use crate::service_extension::{ExtensionError, lines};

/// *UNNotificationContentExtension*. [`run`] does the rest of the process.
pub trait ContentExtension: Send {
    /// *didReceive(_ notification:)*: the notification that the user opened, then each later one of its category and
    /// thread, as long as it is open.
    fn did_receive(
        &mut self,
        notification: Notification,
        context: &ExtensionContext,
    ) -> impl Future<Output = ()> + Send;

    /// *didReceive(_ response:completionHandler:)*: the user chose an action. There are about ten seconds; without an
    /// answer by then the app is told, as without this method.
    fn did_receive_response(
        &mut self,
        _response: NotificationResponse,
        _context: &ExtensionContext,
    ) -> impl Future<Output = ContentExtensionResponseOption> + Send {
        std::future::ready(ContentExtensionResponseOption::DismissAndForwardAction)
    }
}

/// *NSExtensionContext*, as far as notifications are concerned. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct ExtensionContext {
    actions: Arc<Mutex<Vec<Action>>>,
}

impl ExtensionContext {
    /// *notificationActions*, read: what the notification offers.
    pub fn notification_actions(&self) -> Vec<Action> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// *notificationActions*, set: these are offered in place of the category's, as long as the notification is open.
    /// A set that no category could have is without effect.
    pub fn set_notification_actions(&self, actions: Vec<Action>) -> Result<(), ExtensionError> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&actions);
        say(&FromContentExtension::SetActions(actions))
    }

    /// *performNotificationDefaultAction()*: the app is opened, as by a tap on the notification.
    pub fn perform_notification_default_action(&self) -> Result<(), ExtensionError> {
        say(&FromContentExtension::PerformDefaultAction {})
    }

    /// *dismissNotificationContentExtension()*: the notification is closed, and stays in Notification Center.
    pub fn dismiss_notification_content_extension(&self) -> Result<(), ExtensionError> {
        say(&FromContentExtension::DismissNotification {})
    }
}

/// Does the work of the process, until the device ends it. Must be called within a tokio runtime.
pub async fn run(mut extension: impl ContentExtension) -> Result<(), ExtensionError> {
    let mut lines = lines();
    let context = ExtensionContext::default();
    let mut said = lines.recv().await.ok_or(ExtensionError::NothingToDo)?;
    loop {
        match serde_json::from_str(&said)? {
            ToContentExtension::Notification { notification, actions } => {
                *context.actions.lock().unwrap_or_else(PoisonError::into_inner) = actions;
                extension.did_receive(*notification, &context).await;
            }
            ToContentExtension::Response { call, response, deadline: _ } => {
                let option = extension.did_receive_response(*response, &context).await;
                say(&FromContentExtension::Answer { call, option })?;
            }
        }
        match lines.recv().await {
            Some(next) => said = next,
            None => return Ok(()),
        }
    }
}

fn say(said: &FromContentExtension) -> Result<(), ExtensionError> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}
