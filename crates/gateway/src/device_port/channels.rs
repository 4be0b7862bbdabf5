//! SUBSCRIBE and UNSUBSCRIBE of broadcast channels. A subscription is its connection's and is written down nowhere; a device
//! subscribes anew when it comes back, and gets the message its channel has kept meanwhile.

use std::sync::Arc;

use homing_apns::{ChannelId, StoragePolicy};
use homing_link::{ChannelName, Qos, ReasonCode, SubscribeFilter};
use tokio::io::{AsyncRead, AsyncWrite};

use super::DevicePort;
use super::conversation::{ANSWER_WITHIN, Conversation};
use crate::broadcast::{Broadcast, Encoded, Until};
use crate::hub::Connection;
use crate::store::{Channel, ChannelsOf, StoreError};

/// One channel of a SUBSCRIBE on its way to its answer.
pub(super) enum Asked {
    Refused(ReasonCode, Option<&'static str>),
    Wanted(Wanted),
    /// With the message that the channel has kept.
    Granted(Option<Arc<Broadcast>>),
}

/// A channel that the device's enrolment lets it have, if there is one of this id.
pub(super) struct Wanted {
    of: ChannelsOf,
    bundle_id: Arc<str>,
    id: ChannelId,
    filter: Box<str>,
}

impl Asked {
    pub(super) const fn code(&self) -> ReasonCode {
        match self {
            Self::Refused(code, _) => *code,
            Self::Granted(_) => ReasonCode::GrantedQos1,
            Self::Wanted(_) => ReasonCode::UnspecifiedError,
        }
    }

    pub(super) const fn why(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_, why) => *why,
            Self::Wanted(_) | Self::Granted(_) => None,
        }
    }

    /// Looks for the channel that is wanted, subscribes to it, and only then reads what it has kept.
    pub(super) async fn subscribe(self, port: &DevicePort, connection: &Connection) -> Self {
        let Self::Wanted(wanted) = self else { return self };
        let subscribing = wanted.subscribe(port, connection);
        match tokio::time::timeout(ANSWER_WITHIN, subscribing).await.unwrap_or(Err(StoreError::Busy)) {
            Ok(asked) => asked,
            Err(error) => {
                tracing::warn!(app = &*wanted.bundle_id, channel = %wanted.id, %error, "a channel can't be subscribed to");
                connection.unsubscribe_channel(&wanted.filter);
                Self::Refused(ReasonCode::UnspecifiedError, None)
            }
        }
    }
}

impl Wanted {
    async fn subscribe(&self, port: &DevicePort, connection: &Connection) -> Result<Asked, StoreError> {
        let Some(Channel { no, policy }) = port.store.channel(self.of, self.id.clone()).await? else {
            return Ok(Asked::Refused(ReasonCode::TopicFilterInvalid, Some("no such channel")));
        };
        if !connection.subscribe_channel(no, &self.filter) {
            return Ok(Asked::Refused(ReasonCode::QuotaExceeded, Some("too many channels")));
        }
        if policy == StoragePolicy::Nothing {
            return Ok(Asked::Granted(None));
        }
        let stored = port.store.stored_broadcast(no).await?;
        Ok(Asked::Granted(stored.map(|stored| {
            Arc::new(Broadcast {
                seq: stored.seq,
                channel_no: no,
                environment: self.of.environment,
                bundle_id: Arc::clone(&self.bundle_id),
                channel: self.id.clone(),
                request_id: stored.request_id,
                priority: stored.priority,
                until: Until::Expires(stored.expires_at),
                payload: stored.payload,
                tally: port.store.tallies().of(stored.seq),
                encoded: Encoded::default(),
                _place: None,
            })
        })))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S> {
    /// Whether a filter names a channel that the device may have.
    pub(super) fn ask_channel(&self, wish: &SubscribeFilter<'_>) -> Asked {
        let name = ChannelName::parse(wish.filter);
        let named = name.and_then(|name| Some((name, name.id.parse::<ChannelId>().ok()?)));
        let Some((name, id)) = named else {
            tracing::debug!(device = %self.name(), filter = wish.filter, "no channel's name");
            return Asked::Refused(ReasonCode::TopicFilterInvalid, None);
        };
        if wish.qos == Qos::AtMostOnce {
            return Asked::Refused(ReasonCode::ImplementationSpecificError, None);
        }
        let app = self.allowed_topic(name.environment, name.bundle_id);
        let Some(app) = app.filter(|entry| entry.name == entry.bundle_id) else {
            tracing::debug!(device = %self.name(), app = name.bundle_id, "not among the apps of its enrolment");
            return Asked::Refused(ReasonCode::NotAuthorized, None);
        };
        let of = ChannelsOf { topic_no: app.topic_no, environment: name.environment };
        Asked::Wanted(Wanted { of, bundle_id: app.bundle_id, id, filter: wish.filter.into() })
    }

    /// After SUBACK: what the channel has kept.
    pub(super) fn serve_channel(&self, asked: Asked) {
        if let Asked::Granted(Some(stored)) = asked {
            self.arrived.connection.offer(&stored);
        }
    }

    /// A device may always end what it holds.
    pub(super) fn leave_channel(&self, filter: &str) -> ReasonCode {
        if ChannelName::parse(filter).is_none() {
            ReasonCode::TopicFilterInvalid
        } else if self.arrived.connection.unsubscribe_channel(filter) {
            ReasonCode::Success
        } else {
            ReasonCode::NoSubscriptionExisted
        }
    }
}
