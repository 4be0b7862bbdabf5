//! A broadcast on its way to the devices that have subscribed to its channel: one for all of them, encoded once for each
//! version of MQTT. Who gets it is the hub's; what is stored of it, the store's.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use homing_apns::{ChannelId, Priority};
use homing_link::{BroadcastHead, ChannelName, EncodedPublish, PacketId, Version};
use homing_trace::{Environment, UnixMillis};

use crate::shares::Share;
use crate::store::Tally;

/// Bytes of broadcasts that may be on their way, of all teams; a device that takes none is closed before long.
pub(crate) const BUDGET: usize = 64 << 20;
/// What one costs beside its payload and its two encodings.
const OVERHEAD: usize = 512;

/// How long one that isn't stored waits for a device that is slow: after that it tells of the past.
const TRIED: Duration = Duration::from_secs(60);

/// The push type of every broadcast.
const PUSH_TYPE: &str = "liveactivity";

/// One broadcast.
#[derive(Debug)]
pub(crate) struct Broadcast {
    pub(crate) seq: u64,
    pub(crate) channel_no: u32,
    pub(crate) environment: Environment,
    pub(crate) bundle_id: Arc<str>,
    pub(crate) channel: ChannelId,
    pub(crate) request_id: Box<str>,
    pub(crate) priority: Priority,
    pub(crate) until: Until,
    pub(crate) payload: Bytes,
    pub(crate) tally: Arc<Tally>,
    pub(crate) encoded: Encoded,
    /// Its place in the budget; one that was stored has none, as its receiver's subscriptions are few.
    pub(crate) _place: Option<Share>,
}

/// Made when the first device of a version gets it. `None` inside: it can't be said in MQTT.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    v5: OnceLock<Option<EncodedPublish>>,
    v311: OnceLock<Option<EncodedPublish>>,
}

/// When one is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// It is stored, and expires.
    Expires(UnixMillis),
    /// It is for those only who are there now. A clock that a tester moves ends none.
    Tried(Instant),
}

impl Until {
    pub(crate) fn new(expires_at: Option<UnixMillis>) -> Self {
        expires_at.map_or_else(|| Self::Tried(Instant::now() + TRIED), Self::Expires)
    }
}

impl Broadcast {
    pub(crate) fn is_over(&self, wall: UnixMillis, mono: Instant) -> bool {
        match self.until {
            Until::Expires(at) => at <= wall,
            Until::Tried(until) => until <= mono,
        }
    }

    /// Appends it as a PUBLISH; `false`, and nothing is appended, when it is longer than `longest` bytes.
    pub(crate) fn write(
        &self,
        version: Version,
        (packet_id, longest): (PacketId, usize),
        now: UnixMillis,
        out: &mut Vec<u8>,
    ) -> bool {
        let cell = match version {
            Version::V5 => &self.encoded.v5,
            Version::V311 => &self.encoded.v311,
        };
        let encoded = cell.get_or_init(|| self.encode(version, now));
        let Some(encoded) = encoded.as_ref().filter(|encoded| encoded.len() <= longest) else { return false };
        encoded.write_with_expiry(packet_id, self.seconds_left(now).unwrap_or_default(), out);
        true
    }

    fn encode(&self, version: Version, now: UnixMillis) -> Option<EncodedPublish> {
        let id = self.channel.url_safe();
        let name = ChannelName { environment: self.environment, bundle_id: &self.bundle_id, id: &id };
        let head = BroadcastHead {
            seq: Some(self.seq),
            request_id: Some(&self.request_id),
            push_type: Some(PUSH_TYPE),
            priority: Some(self.priority.number()),
        };
        EncodedPublish::broadcast(version, &name, &head, self.seconds_left(now), &self.payload).ok()
    }

    /// Whole seconds, at least one, since what is over isn't sent.
    fn seconds_left(&self, now: UnixMillis) -> Option<u32> {
        let Until::Expires(at) = self.until else { return None };
        let millis = at.millis_since(now).max(1);
        Some(u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX))
    }
}

/// What one with this payload takes of [`BUDGET`].
pub(crate) const fn cost(payload_len: usize) -> usize {
    3 * payload_len + OVERHEAD
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn broadcast(channel_no: u32, seq: u64, expires_at: Option<UnixMillis>) -> Arc<Broadcast> {
        Arc::new(Broadcast {
            seq,
            channel_no,
            environment: Environment::Development,
            bundle_id: "com.example.news".into(),
            channel: ChannelId::from_bytes(&channel_no.to_be_bytes()),
            request_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".into(),
            priority: Priority::Ten,
            until: Until::new(expires_at),
            payload: Bytes::from_static(b"{}"),
            tally: Arc::default(),
            encoded: Encoded::default(),
            _place: None,
        })
    }

    #[test]
    fn all_receivers_of_a_version_get_the_same_bytes_but_for_packet_id_and_time_left() {
        let sent = broadcast(1, 7, Some(UnixMillis(10_000)));
        let written = |id, now| {
            let mut out = Vec::new();
            let packet_id = PacketId::new(id).expect("it is no zero");
            assert!(sent.write(Version::V5, (packet_id, 1 << 20), UnixMillis(now), &mut out));
            out
        };
        let (first, second) = (written(1, 1), written(2, 5_001));
        let differing = first.iter().zip(&second).filter(|(one, other)| one != other).count();
        assert_eq!((first.len(), differing), (second.len(), 2), "packet id 1 or 2; 10 s or 5 s left");
        let mut out = Vec::new();
        assert!(!sent.write(Version::V5, (PacketId::MIN, first.len() - 1), UnixMillis(0), &mut out));
        assert!(out.is_empty());
    }
}
