//! Categories and their actions, as an app writes them and the device shows them. What choosing one leads to is decided
//! by `notification-center`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Text;

/// *UNNotificationCategory*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// What `aps.category` or a content's `category_identifier` names.
    pub identifier: String,
    /// In the order in which they are shown: a banner shows the first two, and ten at most are ever shown.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// Of one that was registered by the iOS 9 API: the actions that take the place of the others, except in an alert that
    /// stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minimal_actions: Vec<Action>,
    #[serde(default)]
    pub options: CategoryOptions,
    /// Shown in place of the body where previews are hidden; `%u` is the number of notifications in the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_previews_body_placeholder: Option<Text>,
    /// The summary of a group: `%u` is the sum of the summary argument counts, `%@` the summary arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_summary_format: Option<Text>,
}

/// *UNNotificationCategoryOptions*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CategoryOptions {
    /// The app is told when the user clears the notification.
    pub custom_dismiss_action: bool,
    pub allow_in_car_play: bool,
    pub hidden_previews_show_title: bool,
    pub hidden_previews_show_subtitle: bool,
    pub allow_announcement: bool,
}

/// *UNNotificationAction*; with `text_input`, *UNTextInputNotificationAction*.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub identifier: String,
    #[serde(default)]
    pub title: Text,
    #[serde(default)]
    pub options: ActionOptions,
    /// *UNNotificationActionIcon*, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_input: Option<TextInput>,
}

/// *UNNotificationActionOptions*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActionOptions {
    /// Waits until the screen is unlocked.
    pub authentication_required: bool,
    /// Looks dangerous.
    pub destructive: bool,
    /// Brings the app to the front, which unlocks the screen.
    pub foreground: bool,
}

/// What a text action asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextInput {
    pub button_title: Text,
    pub placeholder: Text,
}
