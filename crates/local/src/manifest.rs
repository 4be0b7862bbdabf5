//! What an app declares about itself, as a JSON file: the counterpart of Info.plist, entitlements and bundle resources.
//! What follows from each line is decided by `device` and `notification-center`.

use std::collections::{BTreeMap, BTreeSet};

use homing_trace::Environment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod check;

/// An app manifest. Unknown keys are refused by name, so that a misspelt one isn't silently without effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppManifest {
    /// Like `com.example.news`; the topic of its notifications.
    pub bundle_id: String,
    /// The name under the icon.
    pub name: String,
    #[serde(default = "first_version")]
    pub version: String,
    #[serde(default)]
    pub entitlements: Entitlements,
    /// An App Clip: opened, it may notify for eight hours without asking.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub app_clip: bool,
    /// Of `UIBackgroundModes`, `remote-notification` has an effect; the others are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background_modes: Vec<String>,
    /// The sound files in the app's bundle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sounds: Vec<SoundFile>,
    /// Locale → key → format: the app's `Localizable.strings`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub localisations: BTreeMap<String, BTreeMap<String, String>>,
    /// Locale → key → format with plural forms: the app's `Localizable.stringsdict`, which comes before the other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plurals: BTreeMap<String, BTreeMap<String, PluralFormat>>,
    /// The directory of the app's own files, by its absolute path: what is attached from there is copied, not moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// How the app is started as a process of its own. Without it, the app is whatever the device's host runs for it,
    /// or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Command>,
    /// The notification service extension: started for each notification that says `mutable-content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_extension: Option<Command>,
    /// Notification content extensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_extensions: Vec<ContentExtension>,
}

/// A format with plural forms: `%#@name@` stands for the variable of that name, and takes the next argument,
/// `%2$#@name@` the second; all else is as in plain formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluralFormat {
    /// *NSStringLocalizedFormatKey*.
    #[schema(example = "%#@messages@ from %@")]
    pub format: String,
    pub variables: BTreeMap<String, PluralForms>,
}

/// What a variable says, by the category that its language puts the number into. In it, `%d` and `%@` are the number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluralForms {
    /// For 0 in every language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub few: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<String>,
    /// Where a form is missing, and for what is no number.
    pub other: String,
}

/// A notification content extension: it draws the notifications of its categories while the user has one open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContentExtension {
    /// `UNNotificationExtensionCategory`.
    pub categories: BTreeSet<String>,
    /// `UNNotificationExtensionInitialContentSizeRatio`.
    pub initial_content_size_ratio: f64,
    /// `UNNotificationExtensionDefaultContentHidden`.
    pub default_content_hidden: bool,
    /// `UNNotificationExtensionOverridesDefaultTitle`.
    pub overrides_default_title: bool,
    /// `UNNotificationExtensionUserInteractionEnabled`.
    pub user_interaction_enabled: bool,
    /// Started when the user opens a notification of these categories; what it says and hears is in `docs/devices.md`.
    /// Without it, what it answers is laid down through the device's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

/// A program of the app. It runs in the app's data container, as the device's user, with the device's locale, time zone
/// and search path, the variables here, and `HOMING_SOCKET`, `HOMING_DEVICE`, `HOMING_BUNDLE_ID`, `HOMING_SECRET`,
/// `HOMING_CONTAINER`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program, by its absolute path or by a name in the search path, and its arguments.
    #[schema(example = json!(["/opt/news/bin/news", "--device"]))]
    pub argv: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

impl std::fmt::Debug for Command {
    /// Values of variables may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("argv", &self.argv).field("env", &self.env.keys()).finish()
    }
}

fn first_version() -> String {
    "1.0".to_owned()
}

/// What the app's signature allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Entitlements {
    /// The environment its tokens belong to; without it, registering fails.
    #[serde(rename = "aps-environment", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "development")]
    pub aps_environment: Option<Environment>,
    /// `com.apple.developer.usernotifications.time-sensitive`.
    #[serde(rename = "time-sensitive")]
    pub time_sensitive: bool,
    /// `com.apple.developer.usernotifications.critical-alerts`.
    pub critical: bool,
    /// `com.apple.developer.usernotifications.communication`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub communication: bool,
    /// `com.apple.developer.usernotifications.filtering`: its service extension may drop notifications.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub filtering: bool,
}

/// One sound of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoundFile {
    /// The file's name with its extension: aiff, aif, wav or caf.
    pub name: String,
    /// How long it plays; from 30 s on, the default sound plays instead.
    pub seconds: f64,
}

/// What is wrong with a manifest, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Like `$.sounds[0].name`.
    pub path: String,
    pub severity: Severity,
    pub reason: String,
    pub fix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The app can't be installed.
    Error,
    /// It can, but something won't work as written.
    Warning,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.path, self.reason, self.fix)
    }
}

/// Why a text is no app manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("not an app manifest: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the app manifest can't be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Findings(Vec<Finding>),
}

impl AppManifest {
    /// The word in `background_modes` by which silent notifications may start the app.
    pub const REMOTE_NOTIFICATION: &str = "remote-notification";

    /// Reads a manifest. With the warnings, if it can be used.
    pub fn from_json(json: &[u8]) -> Result<(Self, Vec<Finding>), ManifestError> {
        let manifest: Self = serde_json::from_slice(json)?;
        let findings = manifest.check();
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(ManifestError::Findings(findings));
        }
        Ok((manifest, findings))
    }

    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<Finding> {
        check::check(self)
    }

    /// Whether silent notifications may start it.
    pub fn wakes_for_remote_notifications(&self) -> bool {
        self.background_modes.iter().any(|mode| mode == Self::REMOTE_NOTIFICATION)
    }
}

#[cfg(test)]
mod tests;
