//! Whom an app's notifications are for. A sender that knows its users tags a payload with one; the app says who is
//! signed in; what is for somebody else reaches neither the user nor the app. How a tag is made is left to the sender
//! and the app's own code: here it is a word that is the same or isn't.

use homing_trace::{Reason, Stage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::{App, Turn, WaitingCall};
use crate::{Delivered, Notification, Output, Trigger};

/// Who uses the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// The app never said: every notification is taken.
    #[default]
    Anyone,
    /// Nobody is signed in: only what is for no user in particular.
    Nobody,
    /// The user of this tag is: besides that, what bears their tag.
    User(String),
}

impl Recipient {
    /// Whether a remote notification with this payload is for them.
    pub(crate) fn fits(&self, payload: &Map<String, Value>) -> bool {
        let Some(tag) = user_tag(payload) else { return true };
        match self {
            Self::Anyone => true,
            Self::Nobody => false,
            Self::User(user) => user == tag,
        }
    }

    /// Local notifications are the app's own affair.
    fn takes(&self, notification: &Notification) -> bool {
        let request = &notification.request;
        request.trigger != Some(Trigger::Push) || self.fits(&request.content.user_info)
    }
}

/// `homing.user` of a payload: a string beside `aps`.
fn user_tag(payload: &Map<String, Value>) -> Option<&str> {
    payload.get("homing")?.get("user")?.as_str()
}

impl App {
    /// Somebody else uses the app from now on: what is for another user leaves the screen, and what waits for the app
    /// never reaches it. What was already said about a notification stays said.
    pub(crate) fn recipient_set(&mut self, recipient: Recipient, turn: &mut Turn<'_>) {
        let fits = |delivered: &Delivered| recipient.takes(&delivered.notification);
        let mut gone = Vec::new();
        for list in [&mut self.delivered, &mut self.transient] {
            let withdrawn = list.extract_if(.., |delivered| !fits(delivered));
            gone.extend(withdrawn.map(|delivered| delivered.notification.request.identifier));
        }
        if !gone.is_empty() {
            turn.out.push(Output::Removed { bundle: self.bundle(), identifiers: gone });
        }
        let process = &mut self.process;
        for asked in process.presenting.extract_if(.., |asked| !recipient.takes(&asked.notification)) {
            let reason = Some(Reason::ANOTHER_USER);
            turn.receipt(&self.profile.bundle_id, asked.remote.as_ref(), Stage::Suppressed, reason);
        }
        let others = |notification: &Notification| !recipient.takes(notification);
        self.give_up_extending(others, Reason::ANOTHER_USER, turn);
        self.give_up_collected(others, &Reason::ANOTHER_USER, turn);
        self.give_up_held(|user_info| recipient.fits(&user_info.0), turn);
        self.process.waiting.retain(|waiting| match &waiting.call {
            WaitingCall::DidReceive(response) => recipient.takes(&response.notification),
            WaitingCall::DidReceiveRemoteNotification(user_info) => recipient.fits(&user_info.0),
            WaitingCall::OpenSettings(from) => from.as_ref().is_none_or(|from| recipient.takes(from)),
        });
        self.recipient = recipient;
    }
}
