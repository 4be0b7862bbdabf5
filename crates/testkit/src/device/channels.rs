//! Broadcast channels on a device of the test's own.

use anyhow::Context as _;
use homing_link::{
    BroadcastHead, ChannelName, ConnectProperties, Delivery, Packet, PacketId, ReasonCode, Unsubscribe,
    UnsubscribeFilters, UnsubscribeProperties, Version,
};

use super::{Connection, TestDevice, within};

/// A broadcast as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// `channel/<environment>/<bundle id>/<id>`
    pub channel: String,
    pub packet_id: PacketId,
    /// Unknown in MQTT 3.1.1, like what follows.
    pub seq: Option<u64>,
    pub request_id: Option<String>,
    pub message_expiry: Option<u32>,
    pub payload: Vec<u8>,
}

impl TestDevice {
    /// Connects by MQTT 5, so that at most `window` messages are unacknowledged.
    pub async fn connect_with_window(&self, window: u16) -> anyhow::Result<Connection> {
        let receive_maximum = std::num::NonZeroU16::new(window);
        self.connect_with(Version::V5, ConnectProperties { receive_maximum, ..ConnectProperties::default() })
            .await
    }
}

impl Connection {
    /// The next broadcast. It isn't acknowledged yet.
    pub async fn next_broadcast(&mut self) -> anyhow::Result<Broadcast> {
        let search = async {
            loop {
                if !self.broadcasts.is_empty() {
                    return Ok(self.broadcasts.remove(0));
                }
                self.packet(|_| ()).await?;
            }
        };
        within(search).await.context("waiting for a broadcast")
    }

    /// That no broadcast has come until now.
    pub fn has_no_broadcast(&self) -> bool {
        self.broadcasts.is_empty()
    }

    /// Sends any UNSUBSCRIBE with one filter; what UNSUBACK says, which in MQTT 3.1.1 is nothing.
    pub async fn unsubscribe_from(&mut self, filter: &str) -> anyhow::Result<Option<ReasonCode>> {
        let packet_id = self.new_id();
        let filters = [filter];
        let filters = UnsubscribeFilters::new(&filters);
        let properties = UnsubscribeProperties::default();
        self.send(&Packet::Unsubscribe(Unsubscribe { packet_id, filters, properties })).await?;
        let answered = |packet: &Packet<'_>| {
            let Packet::UnsubAck(unsub_ack) = packet else { return None };
            (unsub_ack.packet_id == packet_id).then(|| unsub_ack.codes().next())
        };
        self.next_of(answered).await.context("waiting for UNSUBACK")
    }
}

pub(super) fn broadcast(packet: &Packet<'_>) -> Option<Broadcast> {
    let Packet::Publish(publish) = packet else { return None };
    let channel = ChannelName::parse(publish.topic)?.to_string();
    let Delivery::AtLeastOnce { packet_id, .. } = publish.delivery else { return None };
    let head = BroadcastHead::of(publish);
    Some(Broadcast {
        channel,
        packet_id,
        seq: head.seq,
        request_id: head.request_id.map(str::to_owned),
        message_expiry: publish.properties.message_expiry,
        payload: publish.payload.to_vec(),
    })
}
