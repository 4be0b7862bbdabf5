//! What a notification says: written by an app, or read from a payload; with its texts in the language of the device.

use homing_payload::{Alert, Aps};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::depth::{MAX_DEPTH, goes_beyond};
use crate::legacy::has_null;
use crate::{AppProfile, Attachment, Communication, LocalNotificationError, RequestError};

/// A text, or the key of one in the app's localisations, looked up when the notification is presented.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Plain(String),
    Localized {
        loc_key: String,
        #[serde(default)]
        loc_args: Vec<String>,
    },
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl std::fmt::Debug for Text {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "({} bytes)", text.len()),
            Self::Localized { loc_key, loc_args } => {
                write!(f, "{loc_key:?} with {} arguments", loc_args.len())
            }
        }
    }
}

impl Text {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) => text.is_empty(),
            Self::Localized { loc_key, .. } => loc_key.is_empty(),
        }
    }

    /// The text itself; of one that isn't resolved yet, its key.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Localized { loc_key, .. } => loc_key,
        }
    }

    pub(crate) fn resolved(&self, app: &AppProfile, locale: &str) -> Self {
        match self {
            Self::Plain(_) => self.clone(),
            Self::Localized { loc_key, loc_args } => Self::Plain(app.localised(locale, loc_key, loc_args)),
        }
    }

    /// As a format: `%u` is the count, `%@` the names. Without arguments of its own, a key's text is one, too.
    pub(crate) fn counted(&self, app: &AppProfile, locale: &str, count: u64, names: &str) -> String {
        match self {
            Self::Plain(format) => counted(format, count, names),
            Self::Localized { loc_key, loc_args } if loc_args.is_empty() => {
                app.counted(locale, loc_key, count, names)
            }
            Self::Localized { loc_key, loc_args } => {
                counted(&app.localised(locale, loc_key, loc_args), count, names)
            }
        }
    }
}

/// *UNNotificationSound*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotificationSound {
    /// `default`, or a file of the app's; empty is silent.
    pub name: String,
    #[serde(default)]
    pub critical: bool,
    #[serde(default)]
    pub volume: Option<f64>,
}

/// *UNNotificationInterruptionLevel*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterruptionLevel {
    Passive,
    #[default]
    Active,
    TimeSensitive,
    Critical,
}

/// *UNNotificationContent*.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotificationContent {
    pub title: Text,
    pub subtitle: Text,
    pub body: Text,
    /// 0 hides the badge, `None` leaves it.
    pub badge: Option<u32>,
    pub sound: Option<NotificationSound>,
    pub user_info: Map<String, Value>,
    pub category_identifier: String,
    pub thread_identifier: String,
    pub target_content_identifier: Option<String>,
    pub interruption_level: InterruptionLevel,
    pub relevance_score: f64,
    pub filter_criteria: Option<String>,
    /// Named in the summary of its group (iOS 12 to 14).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary_argument: String,
    /// How much it counts there; absent is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_argument_count: Option<u32>,
    /// Kept, and without effect as on newer systems.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub launch_image_name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The intent that it was updated from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communication: Option<Communication>,
}

impl std::fmt::Debug for NotificationContent {
    /// What people are told stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationContent")
            .field("title", &self.title)
            .field("subtitle", &self.subtitle)
            .field("body", &self.body)
            .field("badge", &self.badge)
            .field("sound", &self.sound)
            .field("interruption_level", &self.interruption_level)
            .finish_non_exhaustive()
    }
}

impl NotificationContent {
    /// Of a remote notification; `user_info` is its whole payload.
    pub(crate) fn from_payload(aps: &Aps, user_info: Map<String, Value>) -> Self {
        let alert = aps.alert.as_ref();
        let text = |pick: fn(&Alert) -> Text| alert.map_or_else(Text::default, pick);
        let mut content = Self {
            title: text(|a| remote_text(&a.title, &a.title_loc_key, &a.title_loc_args)),
            subtitle: text(|a| remote_text(&a.subtitle, &a.subtitle_loc_key, &a.subtitle_loc_args)),
            body: text(|a| remote_text(&a.body, &a.loc_key, &a.loc_args)),
            badge: aps.badge,
            sound: aps.sound.as_ref().map(|sound| NotificationSound {
                name: sound.name.clone().unwrap_or_default(),
                critical: sound.critical,
                volume: sound.volume,
            }),
            user_info,
            category_identifier: aps.category.clone().unwrap_or_default(),
            thread_identifier: aps.thread_id.clone().unwrap_or_default(),
            target_content_identifier: aps.target_content_id.clone(),
            interruption_level: aps.interruption_level.map(level).unwrap_or_default(),
            relevance_score: aps.relevance_score.unwrap_or_default(),
            filter_criteria: aps.filter_criteria.clone(),
            summary_argument: alert
                .and_then(|alert| alert.summary_arg.clone())
                .or_else(|| aps.summary_arg.clone())
                .unwrap_or_default(),
            summary_argument_count: alert.and_then(|alert| alert.summary_arg_count).or(aps.summary_arg_count),
            launch_image_name: alert.and_then(|alert| alert.launch_image.clone()).unwrap_or_default(),
            attachments: Vec::new(),
            communication: None,
        };
        content.bring_into_range();
        content
    }

    /// Nobody checked what an extension answers: what is out of its range is brought back into it, and what may not be
    /// there is left out.
    pub(crate) fn tidy(&mut self, app: &AppProfile) {
        self.bring_into_range();
        self.keep_good_attachments();
        if self.update_from_intent(app).is_err() {
            self.communication = None;
        }
    }

    fn bring_into_range(&mut self) {
        let score = self.relevance_score;
        self.relevance_score = if score.is_finite() { score.clamp(0.0, 1.0) } else { 0.0 };
        self.summary_argument_count = self.summary_argument_count.map(|count| count.max(1));
        if let Some(volume) = self.sound.as_mut().and_then(|sound| sound.volume.as_mut()) {
            *volume = volume.clamp(0.0, 1.0);
        }
    }

    /// What an app writes must be right as *UNMutableNotificationContent* has it; its files and intent are taken in.
    pub(crate) fn take_in(&mut self, app: &AppProfile) -> Result<(), RequestError> {
        if self.summary_argument_count == Some(0) {
            return Err(RequestError::SummaryArgumentCount);
        }
        if self.user_info.values().any(has_null) {
            return Err(LocalNotificationError::UserInfoNotPropertyList.into());
        }
        self.bring_into_range();
        self.update_from_intent(app)?;
        self.take_in_attachments()
    }

    /// Whether `user_info` nests more than 64 levels, itself counted: no device keeps such a content.
    pub fn is_too_deep(&self) -> bool {
        goes_beyond(self.user_info.values(), MAX_DEPTH - 1)
    }

    /// Whether there is a text to show.
    pub(crate) fn has_text(&self) -> bool {
        !(self.title.is_empty() && self.subtitle.is_empty() && self.body.is_empty())
    }

    /// Whether there is a sound to play.
    pub(crate) fn has_sound(&self) -> bool {
        self.sound.as_ref().is_some_and(|sound| sound.critical || !sound.name.is_empty())
    }

    /// Whether anything could be seen or heard of it.
    pub(crate) fn is_displayable(&self) -> bool {
        self.has_text() || self.has_sound() || self.badge.is_some()
    }

    /// With its texts looked up.
    pub(crate) fn resolved(mut self, app: &AppProfile, locale: &str) -> Self {
        for text in [&mut self.title, &mut self.subtitle, &mut self.body] {
            *text = text.resolved(app, locale);
        }
        self
    }
}

/// A format with its count and its names.
pub(crate) fn counted(format: &str, count: u64, names: &str) -> String {
    // The names come last, as they are: what looks like a format in them is text.
    let format = format.replace("%1$u", "%u").replace("%2$@", "%@").replace("%u", &count.to_string());
    homing_payload::resolve(&format, &[names.to_owned()])
}

/// A localisation key wins over the text beside it.
fn remote_text(text: &Option<String>, key: &Option<String>, args: &[String]) -> Text {
    match (key, text) {
        (Some(key), _) => Text::Localized { loc_key: key.clone(), loc_args: args.to_vec() },
        (None, Some(text)) => Text::Plain(text.clone()),
        (None, None) => Text::default(),
    }
}

fn level(level: homing_payload::InterruptionLevel) -> InterruptionLevel {
    match level {
        homing_payload::InterruptionLevel::Passive => InterruptionLevel::Passive,
        homing_payload::InterruptionLevel::Active => InterruptionLevel::Active,
        homing_payload::InterruptionLevel::TimeSensitive => InterruptionLevel::TimeSensitive,
        homing_payload::InterruptionLevel::Critical => InterruptionLevel::Critical,
    }
}
