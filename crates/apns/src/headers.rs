//! A request's headers, read in one pass and checked one by one, so that the push service can put each check where it
//! belongs in its admission. Which topic or token is known is decided there.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    ApnsId, ChannelId, ChannelOperation, ChannelRequest, CollapseId, Expiration, Leniencies, Leniency,
    Priority, PushType, Reason, Topic,
};

const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
const APNS_TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const APNS_PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const APNS_PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
const APNS_EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
const APNS_COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");

/// Bytes that a request's headers may have: seen in the SETTINGS of Apple's production service.
pub const MOST_HEADER_BYTES: usize = 8_000;
/// What each field counts beside its name and value (RFC 9113 §6.5.2).
const FIELD_OVERHEAD: usize = 32;

/// The headers Apple gives a meaning, not yet checked. Every other header is ignored.
#[derive(Clone, Copy, Default)]
pub struct RequestHeaders<'a> {
    /// As sent; it belongs on the answer even when it is no UUID.
    pub apns_id: Option<&'a HeaderValue>,
    pub authorization: Option<&'a HeaderValue>,
    topic: Option<&'a HeaderValue>,
    push_type: Option<&'a HeaderValue>,
    priority: Option<&'a HeaderValue>,
    expiration: Option<&'a HeaderValue>,
    collapse_id: Option<&'a HeaderValue>,
    /// What the client calls itself; it changes nothing.
    pub user_agent: Option<&'a HeaderValue>,
    /// Names a request about channels as `apns-id` names a notification.
    pub request_id: Option<&'a HeaderValue>,
    channel_id: Option<&'a HeaderValue>,
    duplicate: bool,
    /// Bytes of all fields, as HTTP/2 counts them.
    size: usize,
}

impl<'a> RequestHeaders<'a> {
    pub fn read(headers: &'a HeaderMap) -> Self {
        let mut read = Self { duplicate: has_duplicate(headers), ..Self::default() };
        for (name, value) in headers {
            read.size += name.as_str().len() + value.len() + FIELD_OVERHEAD;
            let place = match name.as_str() {
                "apns-id" => &mut read.apns_id,
                "authorization" => &mut read.authorization,
                "apns-topic" => &mut read.topic,
                "apns-push-type" => &mut read.push_type,
                "apns-priority" => &mut read.priority,
                "apns-expiration" => &mut read.expiration,
                "apns-collapse-id" => &mut read.collapse_id,
                "user-agent" => &mut read.user_agent,
                "apns-request-id" => &mut read.request_id,
                "apns-channel-id" => &mut read.channel_id,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        read
    }

    /// More than [`MOST_HEADER_BYTES`] are [`Reason::RequestHeaderFieldsTooLarge`]. Any header twice is
    /// [`Reason::DuplicateHeaders`]; `cookie` is not, since HTTP/2 lets a client split it (RFC 9113 §8.2.3).
    pub fn check_form(&self) -> Result<(), Reason> {
        if self.size > MOST_HEADER_BYTES {
            return Err(Reason::RequestHeaderFieldsTooLarge);
        }
        if self.duplicate { Err(Reason::DuplicateHeaders) } else { Ok(()) }
    }

    /// What the headers depart in from the documented form, though they are taken.
    pub fn leniencies(&self) -> Leniencies {
        let is_empty = |value: Option<&HeaderValue>| value.is_some_and(HeaderValue::is_empty);
        Leniencies::NONE
            .with_if(Leniency::UpperCaseApnsId, has(self.apns_id, u8::is_ascii_uppercase))
            .with_if(Leniency::EmptyTopic, is_empty(self.topic))
            .with_if(Leniency::UnderscoreInTopic, has(self.topic, |byte| *byte == b'_'))
            .with_if(Leniency::EmptyCollapseId, is_empty(self.collapse_id))
            .with_if(Leniency::BackgroundAtDefault, self.priority.is_none() && self.is_background())
    }

    fn is_background(&self) -> bool {
        self.push_type.is_some_and(|value| value.as_bytes() == PushType::Background.as_str().as_bytes())
    }

    /// The same of a request about channels, which has other headers: those of notifications mean nothing there.
    pub fn leniencies_about(&self, request: &ChannelRequest<'_>) -> Leniencies {
        let names_channel = match request.operation {
            ChannelOperation::Read | ChannelOperation::Delete | ChannelOperation::Broadcast => true,
            ChannelOperation::Create | ChannelOperation::List => false,
        };
        let id = self.channel_id.filter(|id| names_channel && !id.is_empty());
        let is_bare = |id: &HeaderValue| {
            !id.len().is_multiple_of(4) || has(Some(id), |byte| matches!(byte, b'-' | b'_'))
        };
        Leniencies::NONE
            .with_if(Leniency::UpperCaseApnsId, has(self.request_id.or(self.apns_id), u8::is_ascii_uppercase))
            .with_if(Leniency::UnderscoreInTopic, request.bundle_id.contains('_'))
            .with_if(Leniency::ChannelIdInPath, names_channel && id.is_none() && request.id_in_path.is_some())
            .with_if(Leniency::BareChannelId, id.is_some_and(is_bare))
    }

    pub fn apns_id(&self) -> Result<Option<ApnsId>, Reason> {
        self.apns_id.map(|value| ApnsId::parse(value.as_bytes())).transpose()
    }

    /// Like [`RequestHeaders::apns_id`], which one of Apple's own samples sends in its place: one that is no UUID is
    /// [`Reason::BadMessageId`].
    pub fn request_id(&self) -> Result<Option<ApnsId>, Reason> {
        self.request_id.or(self.apns_id).map(|value| ApnsId::parse(value.as_bytes())).transpose()
    }

    /// The channel that is meant; `in_path` when the header isn't there. None or an empty one is
    /// [`Reason::MissingChannelId`].
    pub fn channel_id(&self, in_path: Option<&str>) -> Result<ChannelId, Reason> {
        let in_header = self.channel_id.map(HeaderValue::as_bytes).filter(|value| !value.is_empty());
        ChannelId::parse(in_header.or(in_path.map(str::as_bytes)).ok_or(Reason::MissingChannelId)?)
    }

    /// Broadcasts must name their push type, which is always that of Live Activities.
    pub fn check_broadcast_push_type(&self) -> Result<(), Reason> {
        let value = self.push_type.ok_or(Reason::MissingPushType)?;
        let is_right = value.to_str().is_ok_and(crate::channel::is_live_activity);
        if is_right { Ok(()) } else { Err(Reason::InvalidPushType) }
    }

    /// An empty header is no topic. Whether one is needed depends on the credential: [`Reason::MissingTopic`] is the caller's.
    pub fn topic(&self) -> Result<Option<Topic>, Reason> {
        self.topic.filter(|value| !value.is_empty()).map(|value| Topic::parse(value.as_bytes())).transpose()
    }

    /// A word that isn't Apple's is [`Reason::InvalidPushType`].
    pub fn push_type(&self) -> Result<Option<PushType>, Reason> {
        let Some(value) = self.push_type else { return Ok(None) };
        let word = std::str::from_utf8(value.as_bytes()).map_err(|_| Reason::InvalidPushType)?;
        word.parse().map(Some).map_err(|_| Reason::InvalidPushType)
    }

    pub fn priority(&self) -> Result<Option<Priority>, Reason> {
        self.priority.map(|value| Priority::parse(value.as_bytes())).transpose()
    }

    pub fn expiration(&self) -> Result<Expiration, Reason> {
        self.expiration.map_or(Ok(Expiration::Default), |value| Expiration::parse(value.as_bytes()))
    }

    /// An empty header is no id.
    pub fn collapse_id(&self) -> Result<Option<CollapseId>, Reason> {
        self.collapse_id
            .filter(|value| !value.is_empty())
            .map(|value| CollapseId::parse(value.as_bytes()))
            .transpose()
    }
}

impl std::fmt::Debug for RequestHeaders<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHeaders")
            .field("apns_id", &self.apns_id)
            .field("authorization", &self.authorization.map(|_| "…"))
            .field("topic", &self.topic)
            .field("push_type", &self.push_type)
            .field("duplicate", &self.duplicate)
            .finish_non_exhaustive()
    }
}

fn has(value: Option<&HeaderValue>, wanted: fn(&u8) -> bool) -> bool {
    value.is_some_and(|value| value.as_bytes().iter().any(wanted))
}

fn has_duplicate(headers: &HeaderMap) -> bool {
    headers.len() != headers.keys_len()
        && headers.keys().any(|name| name != http::header::COOKIE && headers.get_all(name).iter().count() > 1)
}

/// The priority a request gets. Apple says that 10 with `background` is an error (*Sending notification requests to
/// APNs*); only an explicit one is [`Reason::BadPriority`], and a background notification without the header gets 5: see
/// [`Leniency::BackgroundAtDefault`].
pub fn effective_priority(said: Option<Priority>, push_type: Option<PushType>) -> Result<Priority, Reason> {
    match (said, push_type) {
        (Some(Priority::Ten), Some(PushType::Background)) => Err(Reason::BadPriority),
        (None, Some(PushType::Background)) => Ok(Priority::Five),
        (said, _) => Ok(said.unwrap_or_default()),
    }
}

/// How a notification is to be delivered: all `apns-*` headers of a request, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// `None`: the push service makes one.
    pub apns_id: Option<ApnsId>,
    /// `None`: a certificate's only topic is meant.
    pub topic: Option<Topic>,
    /// `None`: see [`crate::infer_push_type`].
    pub push_type: Option<PushType>,
    /// `None`: 10, or 5 for background notifications.
    pub priority: Option<Priority>,
    pub expiration: Expiration,
    pub collapse_id: Option<CollapseId>,
}

impl DeliveryOptions {
    /// Checks all headers in the order the push service does; the first mistake is the reason.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Reason> {
        let headers = RequestHeaders::read(headers);
        headers.check_form()?;
        let apns_id = headers.apns_id()?;
        let topic = headers.topic()?;
        let push_type = headers.push_type()?;
        if let (Some(push_type), Some(topic)) = (push_type, &topic) {
            crate::check_topic(push_type, topic)?;
        }
        let priority = headers.priority()?;
        effective_priority(priority, push_type)?;
        Ok(Self {
            apns_id,
            topic,
            push_type,
            priority,
            expiration: headers.expiration()?,
            collapse_id: headers.collapse_id()?,
        })
    }

    /// The priority the push service will use; [`Reason::BadPriority`] for 10 with `background`.
    pub fn effective_priority(&self) -> Result<Priority, Reason> {
        effective_priority(self.priority, self.push_type)
    }

    /// Adds the headers to a request. What isn't set isn't sent.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        let values = [
            (APNS_ID, self.apns_id.map(|id| id.as_str().to_owned())),
            (APNS_TOPIC, self.topic.as_ref().map(|topic| topic.as_str().to_owned())),
            (APNS_PUSH_TYPE, self.push_type.map(|push_type| push_type.as_str().to_owned())),
            (APNS_PRIORITY, self.priority.map(|priority| priority.as_str().to_owned())),
            (APNS_EXPIRATION, self.expiration.seconds().map(|seconds| seconds.to_string())),
            (APNS_COLLAPSE_ID, self.collapse_id.as_ref().map(|id| id.as_str().to_owned())),
        ];
        for (name, value) in values {
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
