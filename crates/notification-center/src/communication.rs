//! Contents that were updated from an intent (*UNNotificationContentProviding*, *content(byUpdating:)*): messages and
//! calls of people. Who may have them, and what they must say.

use serde::{Deserialize, Serialize};

use crate::{AppProfile, NotificationContent, RequestError, Text};

/// The intent that a content was updated from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Communication {
    pub intent: CommunicationIntent,
    /// Who writes or calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Person>,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conversation_identifier: String,
    /// *speakableGroupName*; empty between two people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group_name: String,
}

/// Which intents there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommunicationIntent {
    /// *INSendMessageIntent*.
    SendMessage,
    /// *INStartCallIntent*.
    StartCall,
}

/// *INPerson*.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    pub display_name: String,
    /// An address: e-mail, telephone number, or the app's own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub handle: String,
}

impl std::fmt::Debug for Communication {
    /// Who writes to whom stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Communication").field("intent", &self.intent).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl Communication {
    fn check(&self, app: &AppProfile) -> Result<(), RequestError> {
        if !app.communication {
            return Err(RequestError::ContentProvidingObjectNotAllowed);
        }
        let is_somebody = |person: &Person| !(person.display_name.is_empty() && person.handle.is_empty());
        if !self.sender.as_ref().is_some_and(is_somebody) {
            return Err(RequestError::ContentProvidingObjectInvalid);
        }
        Ok(())
    }
}

impl NotificationContent {
    /// Updates the content from its intent: what the app left empty says who it is from and what it belongs to.
    pub(crate) fn update_from_intent(&mut self, app: &AppProfile) -> Result<(), RequestError> {
        let Some(communication) = &self.communication else { return Ok(()) };
        communication.check(app)?;
        let sender = communication.sender.clone().unwrap_or_default();
        let name = if sender.display_name.is_empty() { sender.handle } else { sender.display_name };
        let (group, thread) = (&communication.group_name, &communication.conversation_identifier);
        if self.title.is_empty() {
            self.title = Text::Plain(name);
        }
        if self.subtitle.is_empty() {
            self.subtitle = Text::Plain(group.clone());
        }
        if self.thread_identifier.is_empty() {
            self.thread_identifier.clone_from(thread);
        }
        Ok(())
    }
}
