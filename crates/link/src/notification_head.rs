//! What the push service says about a notification beside its payload, as MQTT user properties.

use crate::topic::{Label, RegistrationName, ToDevice};
use crate::{Publish, TopicError, UserProperties};

/// The names of the user properties.
pub mod user_property {
    pub const SEQ: &str = "seq";
    pub const APNS_ID: &str = "apns-id";
    /// A broadcast's, in place of `apns-id`.
    pub const REQUEST_ID: &str = "apns-request-id";
    pub const PUSH_TYPE: &str = "apns-push-type";
    pub const PRIORITY: &str = "apns-priority";
    pub const COLLAPSE_ID: &str = "apns-collapse-id";
}

/// A notification without its payload. Its words are the sender's: the device reads them leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationHead<'a> {
    pub seq: u64,
    pub apns_id: &'a str,
    /// As in `apns-push-type`. This and what follows: unknown in 3.1.1.
    pub push_type: Option<&'a str>,
    /// 10, 5 or 1.
    pub priority: Option<u8>,
    pub collapse_id: Option<&'a str>,
}

/// Why a PUBLISH is no notification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error(transparent)]
    Topic(#[from] TopicError),
    #[error("the topic isn't a notification's")]
    OtherTopic,
    #[error("the user property `{0}` is missing")]
    Missing(&'static str),
    #[error("the user property `{0}` is no number")]
    NotANumber(&'static str),
}

impl<'a> NotificationHead<'a> {
    /// The registration and the head of a received notification, of either MQTT version.
    pub fn of(publish: &Publish<'a>) -> Result<(RegistrationName<'a>, Self), HeadError> {
        match ToDevice::parse(publish.topic)? {
            ToDevice::Token { .. } => Err(HeadError::OtherTopic),
            ToDevice::Notification { registration, label: Some(Label { seq, apns_id }) } => {
                Ok((registration, Self { seq, apns_id, push_type: None, priority: None, collapse_id: None }))
            }
            ToDevice::Notification { registration, label: None } => {
                Ok((registration, Self::from_user_properties(&publish.properties.user)?))
            }
        }
    }

    pub fn from_user_properties(user: &UserProperties<'a>) -> Result<Self, HeadError> {
        use user_property::{APNS_ID, COLLAPSE_ID, PRIORITY, PUSH_TYPE, SEQ};
        let seq = user.get(SEQ).ok_or(HeadError::Missing(SEQ))?;
        Ok(Self {
            seq: seq.parse().map_err(|_| HeadError::NotANumber(SEQ))?,
            apns_id: user.get(APNS_ID).ok_or(HeadError::Missing(APNS_ID))?,
            push_type: user.get(PUSH_TYPE),
            priority: user
                .get(PRIORITY)
                .map(|priority| priority.parse().map_err(|_| HeadError::NotANumber(PRIORITY)))
                .transpose()?,
            collapse_id: user.get(COLLAPSE_ID),
        })
    }

    /// Lends the user properties to `then`; the numbers' texts live only as long.
    pub fn with_user_properties<R>(&self, then: impl FnOnce(&[(&str, &str)]) -> R) -> R {
        let seq = self.seq.to_string();
        let priority = self.priority.map(|priority| priority.to_string());
        let pairs = [
            Some((user_property::SEQ, seq.as_str())),
            Some((user_property::APNS_ID, self.apns_id)),
            self.push_type.map(|push_type| (user_property::PUSH_TYPE, push_type)),
            priority.as_deref().map(|priority| (user_property::PRIORITY, priority)),
            self.collapse_id.map(|collapse_id| (user_property::COLLAPSE_ID, collapse_id)),
        ];
        let mut given = [("", ""); 5];
        let mut count = 0;
        for pair in pairs.into_iter().flatten() {
            given[count] = pair;
            count += 1;
        }
        then(&given[..count])
    }
}
