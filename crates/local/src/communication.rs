//! Intents that make a notification a communication between people. Who may use them is decided by
//! `notification-center`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::NotificationContent;

/// The intent that a content is updated from (*UNNotificationContentProviding*). The app needs the entitlement
/// `communication`, and the intent a sender.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Communication {
    pub intent: CommunicationIntent,
    /// Who writes or calls: the title, where the app gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Person>,
    /// The conversation it belongs to: the thread, where the app gives none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conversation_identifier: String,
    /// *speakableGroupName*: the subtitle, where the app gives none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group_name: String,
}

/// Which intents there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommunicationIntent {
    /// *INSendMessageIntent*.
    SendMessage,
    /// *INStartCallIntent*.
    StartCall,
}

/// *INPerson*. One of the two is given.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
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

impl NotificationContent {
    /// *content(byUpdating:)*. Whether it may be so is said when the notification is added.
    #[must_use]
    pub fn updating(self, communication: Communication) -> Self {
        Self { communication: Some(communication), ..self }
    }
}
