//! A broadcast on its way to the devices that have subscribed to its channel: one for all of them, encoded once for each
//! version of MQTT. Who gets it is the hub's; what is stored of it, the store's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use homing_apns::{ChannelId, Priority};
use homing_link::{BroadcastHead, ChannelName, EncodedPublish, PacketId, Version};
use homing_trace::{Environment, UnixMillis};

use crate::store::Tally;

/// Bytes of broadcasts that may be on their way; a device that takes none is closed before long.
const BUDGET: usize = 64 << 20;
/// What one costs beside its payload and its two encodings.
const OVERHEAD: usize = 512;

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
    /// `None`: for those only who are there now.
    pub(crate) expires_at: Option<UnixMillis>,
    pub(crate) payload: Bytes,
    pub(crate) tally: Arc<Tally>,
    pub(crate) encoded: Encoded,
    /// Its place in the budget; one that was stored has none, as its receiver's subscriptions are few.
    pub(crate) _place: Option<Place>,
}

/// Made when the first device of a version gets it. `None` inside: it can't be said in MQTT.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    v5: OnceLock<Option<EncodedPublish>>,
    v311: OnceLock<Option<EncodedPublish>>,
}

impl Broadcast {
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
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
        let millis = self.expires_at?.millis_since(now).max(1);
        Some(u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX))
    }
}

/// How much is on its way; shared by all ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Underway(Arc<AtomicUsize>);

/// A broadcast's part of the budget, given back when the last connection lets go of it.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<AtomicUsize>,
    bytes: usize,
}

impl Underway {
    /// `None` when too much is on its way.
    pub(crate) fn take(&self, payload_len: usize) -> Option<Place> {
        let bytes = 3 * payload_len + OVERHEAD;
        if self.0.fetch_add(bytes, Ordering::Relaxed) + bytes > BUDGET {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        Some(Place { of: Arc::clone(&self.0), bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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
            expires_at,
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

    #[test]
    fn what_is_under_way_is_bounded_and_given_back() {
        let underway = Underway::default();
        let mut places = Vec::new();
        while let Some(place) = underway.take(5120) {
            places.push(place);
        }
        assert!((4_000..4_300).contains(&places.len()), "{}", places.len());
        places.pop();
        assert!(underway.take(5120).is_some());
    }
}
