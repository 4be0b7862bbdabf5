//! Broadcast channels on the device link: their name, and what the push service says about a broadcast beside its
//! payload. Which channels there are, and who may subscribe to them, is decided by the push service.

use std::fmt;

use homing_trace::Environment;

use crate::topic::{MAX_TOPIC_LEN, is_level};
use crate::{Publish, UserProperties, user_property};

/// Longest channel id as it stands in a topic, in bytes.
pub const MAX_CHANNEL_ID_LEN: usize = 128;

const PREFIX: &str = "channel/";

/// A channel: `channel/<environment>/<bundle id>/<channel id>`, which is both the filter of a SUBSCRIBE and the topic of
/// what is broadcast, the same in both versions of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelName<'a> {
    pub environment: Environment,
    pub bundle_id: &'a str,
    /// In base64url without padding: `apns-channel-id` itself may hold `/` and `+`.
    pub id: &'a str,
}

impl<'a> ChannelName<'a> {
    /// Whether a topic or filter can only be meant for a channel.
    pub fn is_meant(topic: &str) -> bool {
        topic.starts_with(PREFIX)
    }

    /// Reads what [`fmt::Display`] writes; a wildcard is no channel.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let mut levels = topic.strip_prefix(PREFIX)?.split('/');
        let (environment, bundle_id, id) = (levels.next()?, levels.next()?, levels.next()?);
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = levels.next().is_none()
            && is_level(bundle_id, MAX_TOPIC_LEN)
            && (1..=MAX_CHANNEL_ID_LEN).contains(&id.len())
            && id.bytes().all(is_letter);
        fits.then_some(Self { environment: environment.parse().ok()?, bundle_id, id })
    }
}

impl fmt::Display for ChannelName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/{}/{}", self.environment, self.bundle_id, self.id)
    }
}

/// A broadcast without its payload; MQTT 3.1.1 can say nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BroadcastHead<'a> {
    pub seq: Option<u64>,
    pub request_id: Option<&'a str>,
    pub push_type: Option<&'a str>,
    /// 10, 5 or 1.
    pub priority: Option<u8>,
}

impl<'a> BroadcastHead<'a> {
    /// What a received broadcast says; words that can't be read are taken as not said.
    pub fn of(publish: &Publish<'a>) -> Self {
        let user = &publish.properties.user;
        Self {
            seq: user.get(user_property::SEQ).and_then(|seq| seq.parse().ok()),
            request_id: user.get(user_property::REQUEST_ID),
            push_type: user.get(user_property::PUSH_TYPE),
            priority: user.get(user_property::PRIORITY).and_then(|priority| priority.parse().ok()),
        }
    }

    /// Lends the user properties to `then`; the numbers' texts live only as long.
    pub fn with_user_properties<R>(&self, then: impl FnOnce(UserProperties<'_>) -> R) -> R {
        let seq = self.seq.map(|seq| seq.to_string());
        let priority = self.priority.map(|priority| priority.to_string());
        let pairs = [
            seq.as_deref().map(|seq| (user_property::SEQ, seq)),
            self.request_id.map(|id| (user_property::REQUEST_ID, id)),
            self.push_type.map(|push_type| (user_property::PUSH_TYPE, push_type)),
            priority.as_deref().map(|priority| (user_property::PRIORITY, priority)),
        ];
        let mut given = [("", ""); 4];
        let mut count = 0;
        for pair in pairs.into_iter().flatten() {
            given[count] = pair;
            count += 1;
        }
        then(UserProperties::new(&given[..count]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_channel_is_named_as_designed() {
        let name = ChannelName {
            environment: Environment::Development,
            bundle_id: "com.example.news",
            id: "dHN0LXNyY2gtY2hubA",
        };
        assert_eq!(name.to_string(), "channel/development/com.example.news/dHN0LXNyY2gtY2hubA");
        assert_eq!(ChannelName::parse(&name.to_string()), Some(name));
    }

    #[test]
    fn wildcards_and_other_alphabets_name_no_channel() {
        for topic in [
            "channel/#",
            "channel/+/com.example.news/AAAA",
            "channel/development/com.example.news/#",
            "channel/development/com.example.news/AAAA/#",
            "channel/development/com.example.news/AA=A",
            "channel/development/com.example.news/AA+A",
            "channel/development/com.example.news/",
            "channel/development//AAAA",
            "channel/sandbox/com.example.news/AAAA",
            "development/com.example.news/AAAA",
        ] {
            assert_eq!(ChannelName::parse(topic), None, "{topic}");
        }
        let long = format!("channel/development/a/{}", "A".repeat(MAX_CHANNEL_ID_LEN + 1));
        assert_eq!(ChannelName::parse(&long), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            production: bool,
            bundle_id in "[a-zA-Z0-9.-]{1,40}",
            id in "[a-zA-Z0-9_-]{1,128}",
        ) {
            let environment = if production { Environment::Production } else { Environment::Development };
            let name = ChannelName { environment, bundle_id: &bundle_id, id: &id };
            let written = name.to_string();
            prop_assert_eq!(ChannelName::parse(&written), Some(name));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = ChannelName::parse(&text);
            let _ = ChannelName::parse(&format!("channel/development/{text}"));
        }
    }
}
