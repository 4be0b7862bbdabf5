//! Why a stage was reached. The words are an open table: a peer may know more than we do.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A reason as it stands in a trace: one of the constants here, one of Apple's, or a foreign device's own word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    // stored and discarded, said by the push service
    /// The device is connected and saves power: one of priority 5 or 1 waits, or isn't tried.
    pub const LOW_POWER: Self = Self::known("low-power");

    // discarded, said by the push service
    pub const UNREGISTERED: Self = Self::known("unregistered");
    pub const DEVICE_AWAY: Self = Self::known("device-away");
    pub const TOO_LARGE_FOR_DEVICE: Self = Self::known("too-large-for-device");
    pub const REFUSED_BY_DEVICE: Self = Self::known("refused-by-device");

    /// A broadcast that was stored for a channel which has been deleted.
    pub const CHANNEL_DELETED: Self = Self::known("channel-deleted");

    // suppressed, said by the device
    pub const NOT_PERMITTED: Self = Self::known("not-permitted");
    pub const FOREGROUND: Self = Self::known("foreground");
    pub const FOCUS: Self = Self::known("focus");
    pub const SUMMARY: Self = Self::known("summary");
    pub const PROVISIONAL: Self = Self::known("provisional");
    pub const DUPLICATE: Self = Self::known("duplicate");
    pub const SUPERSEDED: Self = Self::known("superseded");
    pub const SILENT: Self = Self::known("silent");
    pub const THROTTLED: Self = Self::known("throttled");
    pub const UNKNOWN_APP: Self = Self::known("unknown-app");
    pub const EXPIRED: Self = Self::known("expired");
    pub const NOT_DISPLAYABLE: Self = Self::known("not-displayable");
    /// It isn't the notification centre's: its push type goes to a framework of its own (PushKit, ActivityKit, WidgetKit …).
    pub const FOR_FRAMEWORK: Self = Self::known("for-framework");
    pub const UNREADABLE: Self = Self::known("unreadable");
    /// The app has called `unregisterForRemoteNotifications`: the registration lives, nothing of it is shown.
    pub const NOT_REGISTERED: Self = Self::known("not-registered");
    pub const ANOTHER_USER: Self = Self::known("another-user");
    /// The app's service extension dropped it.
    pub const FILTERED: Self = Self::known("filtered");
    /// It is a sound alone, and the device is muted.
    pub const MUTED: Self = Self::known("muted");

    // injected: what testers may ask the push service for
    pub const MARK_UNREGISTERED: Self = Self::known("mark-unregistered");
    pub const MARK_EXPIRED: Self = Self::known("mark-expired");
    pub const FAULT_REFUSE: Self = Self::known("fault-refuse");
    pub const FAULT_DELAY: Self = Self::known("fault-delay");
    pub const FAULT_SILENCE: Self = Self::known("fault-silence");
    pub const FAULT_RESET: Self = Self::known("fault-reset");
    pub const FAULT_GO_AWAY: Self = Self::known("fault-go-away");
    pub const FAULT_DROP: Self = Self::known("fault-drop");
    pub const FAULT_ONE_STREAM: Self = Self::known("fault-one-stream");
    pub const FAULT_LEGACY_STATUS: Self = Self::known("fault-legacy-status");
    pub const FAULT_LEGACY_CLOSE: Self = Self::known("fault-legacy-close");

    /// What a device of ours says when it suppresses a notification.
    pub const SUPPRESSED: &[Self] = &[
        Self::NOT_PERMITTED,
        Self::FOREGROUND,
        Self::FOCUS,
        Self::SUMMARY,
        Self::PROVISIONAL,
        Self::DUPLICATE,
        Self::SUPERSEDED,
        Self::SILENT,
        Self::THROTTLED,
        Self::UNKNOWN_APP,
        Self::EXPIRED,
        Self::NOT_DISPLAYABLE,
        Self::FOR_FRAMEWORK,
        Self::UNREADABLE,
        Self::NOT_REGISTERED,
        Self::ANOTHER_USER,
        Self::FILTERED,
        Self::MUTED,
    ];

    /// Longest reason taken from a peer, in bytes.
    pub const MAX_LEN: usize = 64;

    pub const fn known(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// A peer's word, cut to [`Reason::MAX_LEN`] bytes at a character boundary. It is shown on terminals: control
    /// characters become `?`.
    pub fn from_peer(word: &str) -> Self {
        let end = (0..=word.len().min(Self::MAX_LEN)).rev().find(|&i| word.is_char_boundary(i)).unwrap_or(0);
        let shown = |letter: char| if letter.is_control() { '?' } else { letter };
        Self(Cow::Owned(word[..end].chars().map(shown).collect()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_reason_survives_and_a_long_one_is_cut_between_characters() {
        assert_eq!(Reason::from_peer("battery-empty").as_str(), "battery-empty");
        let cut = Reason::from_peer(&"道".repeat(40));
        assert_eq!(cut.as_str().len(), 63);
    }

    #[test]
    fn a_peers_word_cannot_steer_the_terminal_it_is_shown_on() {
        assert_eq!(Reason::from_peer("\u{1b}[2Jbattery\u{9b}1m\n").as_str(), "?[2Jbattery?1m?");
    }
}
