//! Broadcast channels: the requests that make, show, list and delete them, and the one that broadcasts (*Sending channel
//! management requests to APNs*, *Sending broadcast push notification requests to APNs*). Apple serves management at hosts of
//! its own; which one is connected to is decided by the caller.

use std::future::poll_fn;

use bytes::Bytes;
use homing_apns::{ApnsId, ChannelId, Expiration, Priority, StoragePolicy, channel};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Version};

use super::{Client, text};
use crate::error::SendError;

/// More of a list of channels than this isn't read: 10,000 of Homing's have about 300 kB.
const MAX_LIST: usize = 2 << 20;

/// What is asked about an app's channels.
#[derive(Clone, Debug)]
pub enum ChannelOrder {
    Create(StoragePolicy),
    Read(ChannelId),
    Delete(ChannelId),
    List,
    Broadcast(Broadcast),
}

/// One message for all that have subscribed to a channel.
#[derive(Clone, Debug)]
pub struct Broadcast {
    pub channel: ChannelId,
    pub priority: Option<Priority>,
    /// Must not be [`Expiration::At`] for a channel that stores nothing.
    pub expiration: Expiration,
    /// JSON, sent as it is.
    pub payload: Bytes,
}

/// The push service has done it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelAnswer {
    /// 200, 201 or 204.
    pub status: u16,
    /// The request's label: the one it bore, or one the push service made.
    pub request_id: Option<String>,
    /// By which Apple's console finds a broadcast; in the development environment only.
    pub apns_unique_id: Option<String>,
    /// The channel that was made, as in `apns-channel-id`.
    pub channel: Option<String>,
    /// JSON that describes a channel, or lists them; empty for all else.
    pub body: Vec<u8>,
}

impl ChannelOrder {
    fn method(&self) -> Method {
        match self {
            Self::Create(_) | Self::Broadcast(_) => Method::POST,
            Self::Read(_) | Self::List => Method::GET,
            Self::Delete(_) => Method::DELETE,
        }
    }

    fn path(&self, bundle_id: &str) -> String {
        match self {
            Self::Create(_) | Self::Read(_) | Self::Delete(_) => channel::path::channels(bundle_id),
            Self::List => channel::path::all_channels(bundle_id),
            Self::Broadcast(_) => channel::path::broadcast(bundle_id),
        }
    }

    fn body(&self) -> Bytes {
        match self {
            Self::Create(policy) => channel::describe(*policy).into(),
            Self::Read(_) | Self::Delete(_) | Self::List => Bytes::new(),
            Self::Broadcast(broadcast) => broadcast.payload.clone(),
        }
    }

    fn write_to(&self, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        match self {
            Self::Create(_) | Self::List => {}
            Self::Read(id) | Self::Delete(id) => put("apns-channel-id", id.to_string()),
            Self::Broadcast(Broadcast { channel, priority, expiration, .. }) => {
                put("apns-channel-id", channel.to_string());
                put("apns-push-type", "liveactivity".to_owned());
                put("apns-priority", priority.unwrap_or_default().to_string());
                if let Some(seconds) = expiration.seconds() {
                    put("apns-expiration", seconds.to_string());
                }
            }
        }
    }
}

impl Client {
    /// Asks about the channels of an app, or broadcasts. Without a label the push service makes one.
    ///
    /// # Errors
    /// If it was refused, or if nothing is known because the connection broke or the deadline passed; the label of a
    /// refusal is the request's.
    pub async fn channels(
        &self,
        bundle_id: &str,
        order: &ChannelOrder,
        request_id: Option<ApnsId>,
    ) -> Result<ChannelAnswer, SendError> {
        let after = self.config.request_deadline;
        tokio::time::timeout(after, self.ask_channels(bundle_id, order, request_id))
            .await
            .unwrap_or(Err(SendError::Deadline { after }))
    }

    async fn ask_channels(
        &self,
        bundle_id: &str,
        order: &ChannelOrder,
        request_id: Option<ApnsId>,
    ) -> Result<ChannelAnswer, SendError> {
        let mut sender = self.sender.clone().ready().await.map_err(|error| self.broken(error, true))?;
        let mut head = http::Request::builder()
            .method(order.method())
            .version(Version::HTTP_2)
            .uri(format!("{}{}", self.origin, order.path(bundle_id)))
            .body(())
            .map_err(SendError::Request)?;
        order.write_to(head.headers_mut());
        let label = request_id.and_then(|id| HeaderValue::from_str(id.as_str()).ok());
        head.headers_mut().extend(label.map(|label| (HeaderName::from_static("apns-request-id"), label)));
        let authorization = self.authorization();
        head.headers_mut().extend(authorization.clone().map(|value| (AUTHORIZATION, value)));
        let payload = order.body();
        let (answer, mut body) =
            sender.send_request(head, payload.is_empty()).map_err(|error| self.broken(error, true))?;
        if !payload.is_empty() {
            // An answer may come before the body is wanted; it says more than the failure to send the rest.
            let _ = body.send_data(payload, true);
        }
        let answer = answer.await.map_err(|error| self.broken(error, false))?;
        if answer.status().is_success() {
            return self.read_channels(answer).await;
        }
        let refused = self.read(answer).await;
        self.note_expired(authorization.as_ref(), &refused);
        match refused {
            Err(error) => Err(error),
            // Only a success is answered so, and this is none.
            Ok(response) => Err(SendError::NotApple { status: response.status, body: String::new() }),
        }
    }

    async fn read_channels(
        &self,
        answer: http::Response<h2::RecvStream>,
    ) -> Result<ChannelAnswer, SendError> {
        let (head, mut stream) = answer.into_parts();
        let mut body = Vec::new();
        while let Some(chunk) = poll_fn(|cx| stream.poll_data(cx)).await {
            let chunk = chunk.map_err(|error| self.broken(error, false))?;
            body.extend_from_slice(&chunk);
            if body.len() > MAX_LIST {
                let body = format!("more than {MAX_LIST} bytes");
                return Err(SendError::NotApple { status: head.status.as_u16(), body });
            }
            // The stream may be gone already; then there is no window left to widen.
            let _ = stream.flow_control().release_capacity(chunk.len());
        }
        Ok(ChannelAnswer {
            status: head.status.as_u16(),
            request_id: text(&head.headers, "apns-request-id"),
            apns_unique_id: text(&head.headers, "apns-unique-id"),
            channel: text(&head.headers, "apns-channel-id"),
            body,
        })
    }
}
