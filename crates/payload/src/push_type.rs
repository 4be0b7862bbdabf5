//! Apple's push types: their wire words, the topics they go to and how large their payloads may be.
//! Which priority or credential goes with which type is decided in `homing-apns`.

use serde::{Deserialize, Serialize};

/// The largest payload of a push to a broadcast channel, in bytes (*Sending broadcast push notification requests to
/// APNs*).
pub const BROADCAST_MAX_LEN: usize = 5120;

/// What kind of push this is: the value of `apns-push-type` (*Sending notification requests to APNs*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushType {
    Alert,
    Background,
    Complication,
    Controls,
    FileProvider,
    LiveActivity,
    Location,
    Mdm,
    PushToTalk,
    Voip,
    Widgets,
}

/// The text is none of Apple's push types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown push type {0:?}: write one of alert, background, complication, controls, fileprovider, liveactivity, \
     location, mdm, pushtotalk, voip, widgets"
)]
pub struct UnknownPushType(pub String);

impl PushType {
    pub const ALL: [Self; 11] = [
        Self::Alert,
        Self::Background,
        Self::Complication,
        Self::Controls,
        Self::FileProvider,
        Self::LiveActivity,
        Self::Location,
        Self::Mdm,
        Self::PushToTalk,
        Self::Voip,
        Self::Widgets,
    ];

    /// The word of the `apns-push-type` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::Complication => "complication",
            Self::Controls => "controls",
            Self::FileProvider => "fileprovider",
            Self::LiveActivity => "liveactivity",
            Self::Location => "location",
            Self::Mdm => "mdm",
            Self::PushToTalk => "pushtotalk",
            Self::Voip => "voip",
            Self::Widgets => "widgets",
        }
    }

    /// What is appended to the bundle ID to make this type's topic; empty where the topic has no suffix.
    /// An `mdm` topic isn't a bundle ID at all but the UID of the MDM push certificate.
    pub const fn topic_suffix(self) -> &'static str {
        match self {
            Self::Alert | Self::Background | Self::Mdm => "",
            Self::Complication => ".complication",
            Self::Controls => ".push-type.controls",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::Location => ".location-query",
            Self::PushToTalk => ".voip-ptt",
            Self::Voip => ".voip",
            Self::Widgets => ".push-type.widgets",
        }
    }

    /// The largest payload in bytes; exactly as many are still accepted.
    pub const fn max_payload_len(self) -> usize {
        match self {
            Self::Voip => 5120,
            Self::Alert
            | Self::Background
            | Self::Complication
            | Self::Controls
            | Self::FileProvider
            | Self::LiveActivity
            | Self::Location
            | Self::Mdm
            | Self::PushToTalk
            | Self::Widgets => 4096,
        }
    }

    /// The push type a topic's suffix names; `None` for a topic without one (`alert`, `background` or `mdm`).
    pub fn of_topic(topic: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|push_type| {
            let suffix = push_type.topic_suffix();
            !suffix.is_empty() && topic.len() > suffix.len() && topic.ends_with(suffix)
        })
    }
}

impl std::fmt::Display for PushType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for PushType {
    type Err = UnknownPushType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|push_type| push_type.as_str() == text)
            .ok_or_else(|| UnknownPushType(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_is_the_serde_word() {
        for push_type in PushType::ALL {
            assert_eq!(push_type.as_str().parse(), Ok(push_type));
            assert_eq!(serde_json::to_value(push_type).unwrap(), push_type.as_str());
        }
        assert!("Alert".parse::<PushType>().is_err());
    }

    #[test]
    fn a_topic_tells_its_push_type_by_its_suffix_only() {
        for push_type in PushType::ALL {
            let topic = format!("com.example.app{}", push_type.topic_suffix());
            let told = (!push_type.topic_suffix().is_empty()).then_some(push_type);
            assert_eq!(PushType::of_topic(&topic), told, "{topic}");
        }
        assert_eq!(PushType::of_topic(".voip"), None);
    }
}
