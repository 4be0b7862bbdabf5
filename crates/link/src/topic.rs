//! The names on the device link, in both directions. Anything else isn't Homing's: this is no general broker.

use std::fmt;

use homing_trace::Environment;

use crate::ReasonCode;

/// Longest topic (a bundle ID with a push type's suffix), in bytes.
pub const MAX_TOPIC_LEN: usize = 255;
/// Longest instance, in bytes.
pub const MAX_INSTANCE_LEN: usize = 128;
/// Where a device says how it is.
pub const DEVICE_STATE: &str = "device/state";

/// Which registration of a device is meant: `<environment>/<topic>` or `<environment>/<topic>@<instance>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegistrationName<'a> {
    pub environment: Environment,
    /// What a token is for: a bundle ID, or one with a push type's suffix.
    pub topic: &'a str,
    /// Names a further token for the same topic (Live Activities).
    pub instance: Option<&'a str>,
}

/// Why a topic filter registers nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("{0:?} isn't a filter of the device link: subscribe to `<environment>/<topic>/#`")]
    Foreign(String),
}

impl FilterError {
    /// What SUBACK says for it.
    pub const fn reason_code(&self) -> ReasonCode {
        match self {
            Self::Foreign(_) => ReasonCode::TopicFilterInvalid,
        }
    }
}

/// A topic name that isn't spoken on the device link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no topic of the device link")]
pub struct TopicError(pub String);

impl<'a> RegistrationName<'a> {
    /// Reads `<environment>/<topic>[@<instance>]/#`.
    pub fn parse_filter(filter: &'a str) -> Result<Self, FilterError> {
        filter.strip_suffix("/#").and_then(Self::parse).ok_or_else(|| FilterError::Foreign(filter.to_owned()))
    }

    /// The filter that registers it.
    pub fn filter(&self) -> String {
        format!("{self}/#")
    }

    /// Where the device says what became of its notifications.
    pub fn receipt_topic(&self) -> String {
        format!("{self}/receipt")
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (environment, rest) = name.split_once('/')?;
        let environment = environment.parse().ok()?;
        let (topic, instance) = match rest.split_once('@') {
            Some((topic, instance)) => (topic, Some(instance)),
            None => (rest, None),
        };
        let fits = is_level(topic, MAX_TOPIC_LEN)
            && instance.is_none_or(|instance| is_level(instance, MAX_INSTANCE_LEN));
        fits.then_some(Self { environment, topic, instance })
    }
}

impl fmt::Display for RegistrationName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Piece by piece: this is said with every notification.
        f.write_str(self.environment.as_str())?;
        f.write_str("/")?;
        f.write_str(self.topic)?;
        let Some(instance) = self.instance else { return Ok(()) };
        f.write_str("@")?;
        f.write_str(instance)
    }
}

pub(crate) fn is_level(text: &str, max_len: usize) -> bool {
    let reserved = |c: char| matches!(c, '/' | '+' | '#' | '@') || c.is_control();
    !text.is_empty() && text.len() <= max_len && !text.contains(reserved)
}

/// What the push service publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToDevice<'a> {
    /// `…/token`
    Token { registration: RegistrationName<'a> },
    /// `…/notification`; in 3.1.1, which has no user properties, `…/notification/<seq>/<apns-id>`.
    Notification { registration: RegistrationName<'a>, label: Option<Label<'a>> },
}

/// A notification's identity and its sender's name for it, inside a 3.1.1 topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    pub seq: u64,
    pub apns_id: &'a str,
}

impl<'a> ToDevice<'a> {
    pub const fn token(registration: RegistrationName<'a>) -> Self {
        Self::Token { registration }
    }

    pub const fn notification(registration: RegistrationName<'a>) -> Self {
        Self::Notification { registration, label: None }
    }

    pub const fn notification_v311(registration: RegistrationName<'a>, seq: u64, apns_id: &'a str) -> Self {
        Self::Notification { registration, label: Some(Label { seq, apns_id }) }
    }

    pub fn parse(topic: &'a str) -> Result<Self, TopicError> {
        Self::read(topic).ok_or_else(|| TopicError(topic.to_owned()))
    }

    fn read(topic: &'a str) -> Option<Self> {
        let mut levels = topic.splitn(4, '/');
        let name_len = levels.next()?.len() + 1 + levels.next()?.len();
        let registration = RegistrationName::parse(topic.get(..name_len)?)?;
        match (levels.next()?, levels.next()) {
            ("token", None) => Some(Self::token(registration)),
            ("notification", None) => Some(Self::notification(registration)),
            ("notification", Some(label)) => {
                let (seq, apns_id) = label.split_once('/')?;
                let canonical = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
                let seq = canonical.then(|| seq.parse().ok())??;
                is_level(apns_id, 64).then_some(Self::notification_v311(registration, seq, apns_id))
            }
            _ => None,
        }
    }
}

impl fmt::Display for ToDevice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { registration } => write!(f, "{registration}/token"),
            Self::Notification { registration, label: None } => {
                registration.fmt(f)?;
                f.write_str("/notification")
            }
            Self::Notification { registration, label: Some(Label { seq, apns_id }) } => {
                write!(f, "{registration}/notification/{seq}/{apns_id}")
            }
        }
    }
}

/// What a device may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromDevice<'a> {
    /// `…/receipt`, payload [`homing_trace::Receipt`].
    Receipt { registration: RegistrationName<'a> },
    /// [`DEVICE_STATE`], payload [`crate::DeviceState`].
    State,
}

impl<'a> FromDevice<'a> {
    pub fn parse(topic: &'a str) -> Result<Self, TopicError> {
        if topic == DEVICE_STATE {
            return Ok(Self::State);
        }
        let registration = topic.strip_suffix("/receipt").and_then(RegistrationName::parse);
        registration
            .map(|registration| Self::Receipt { registration })
            .ok_or_else(|| TopicError(topic.to_owned()))
    }
}

impl fmt::Display for FromDevice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receipt { registration } => write!(f, "{registration}/receipt"),
            Self::State => f.write_str(DEVICE_STATE),
        }
    }
}

#[cfg(test)]
mod tests;
