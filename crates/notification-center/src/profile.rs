//! What a notification centre must know about an app: the parts of its manifest that decide something here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// From this length on, in seconds, the default sound plays instead (*UNNotificationSound*).
const SOUND_LIMIT_SECONDS: f64 = 30.0;

/// An installed app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppProfile {
    pub bundle_id: String,
    pub name: String,
    /// `UIBackgroundModes` has `remote-notification`.
    pub wakes_for_remote_notifications: bool,
    /// Entitled to time-sensitive notifications.
    pub time_sensitive: bool,
    /// Entitled to critical alerts.
    pub critical: bool,
    /// File name with extension → seconds.
    pub sounds: BTreeMap<String, f64>,
    /// Locale → key → format.
    pub localisations: BTreeMap<String, BTreeMap<String, String>>,
}

impl AppProfile {
    /// Whether a sound of this name can be played: it is in the bundle, and short enough.
    pub(crate) fn can_play(&self, name: &str) -> bool {
        self.sounds.get(name).is_some_and(|seconds| *seconds < SOUND_LIMIT_SECONDS)
    }

    /// The format of `key`, in `locale`, else in its language, else in English.
    pub(crate) fn localised(&self, locale: &str, key: &str) -> Option<&str> {
        let language = locale.split(['-', '_']).next().unwrap_or(locale);
        [locale, language, "en"]
            .into_iter()
            .find_map(|locale| self.localisations.get(locale)?.get(key))
            .map(String::as_str)
    }
}
