//! What a notification centre must know about an app: the parts of its manifest that decide something here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::content::counted;
use crate::{ContentExtension, PluralFormat};

/// From this length on, in seconds, the default sound plays instead (*UNNotificationSound*).
const SOUND_LIMIT_SECONDS: f64 = 30.0;
/// The files that hold what a device can play: linear PCM, IMA4, µLaw or aLaw in one of these.
const SOUND_FILES: [&str; 4] = ["aiff", "aif", "wav", "caf"];

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
    /// Entitled to communication notifications: direct messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub communication: bool,
    /// An App Clip.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub app_clip: bool,
    /// It has a notification service extension.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service_extension: bool,
    /// The extension is entitled to drop notifications.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub filtering: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_extensions: Vec<ContentExtension>,
    /// File name with extension → seconds. Shared, like the next two, by all devices that a process runs with this app.
    pub sounds: Arc<BTreeMap<String, f64>>,
    /// Locale → key → format.
    pub localisations: Arc<BTreeMap<String, BTreeMap<String, String>>>,
    /// Locale → key → format with plural forms.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub plurals: Arc<BTreeMap<String, BTreeMap<String, PluralFormat>>>,
}

fn is_empty<K, V>(map: &Arc<BTreeMap<K, V>>) -> bool {
    map.is_empty()
}

impl AppProfile {
    /// Whether a sound of this name can be played: it is in the bundle, short enough, and in a file of the right kind.
    pub(crate) fn can_play(&self, name: &str) -> bool {
        let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
        let is_playable = SOUND_FILES.iter().any(|playable| kind.eq_ignore_ascii_case(playable));
        is_playable && self.sounds.get(name).is_some_and(|seconds| *seconds < SOUND_LIMIT_SECONDS)
    }

    /// The text of `key` in `locale`, else in that without its last part, down to the language, else in English, else the
    /// key itself. In each, a format with plural forms comes before a plain one.
    pub(crate) fn localised(&self, locale: &str, key: &str, args: &[String]) -> String {
        self.filled(locale, key, args, |format| homing_payload::resolve(format, args))
    }

    /// The same of a format that counts: with plural forms, the count is its first argument and the names the second.
    pub(crate) fn counted(&self, locale: &str, key: &str, count: u64, names: &str) -> String {
        let args = [count.to_string(), names.to_owned()];
        self.filled(locale, key, &args, |format| counted(format, count, names))
    }

    fn filled(&self, locale: &str, key: &str, args: &[String], fill: impl Fn(&str) -> String) -> String {
        let filled_in = |locale: &str| {
            let plural = table(&self.plurals, locale).and_then(|table| table.get(key));
            let plain = || table(&self.localisations, locale).and_then(|table| table.get(key));
            plural.map(|plural| plural.resolved(locale, args)).or_else(|| plain().map(|format| fill(format)))
        };
        let mut wanted = locale;
        loop {
            if let Some(text) = filled_in(wanted) {
                return text;
            }
            match wanted.rfind(['-', '_']) {
                Some(end) => wanted = &wanted[..end],
                None => break,
            }
        }
        filled_in("en").unwrap_or_else(|| fill(key))
    }
}

/// Locales are the same whatever the case of their letters and with `_` for `-`.
fn table<'a, T>(tables: &'a BTreeMap<String, T>, locale: &str) -> Option<&'a T> {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    let mut tables = tables.iter();
    tables.find(|(name, _)| name.bytes().map(plain).eq(locale.bytes().map(plain))).map(|(_, table)| table)
}
