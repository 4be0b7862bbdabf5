//! What a device publishes: receipts and its state. Decides what is taken; everything else isn't Homing's.

use homing_link::{Delivery, DeviceState, FromDevice, PacketId, Publish, ReasonCode, RegistrationName};
use homing_trace::Receipt;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncWrite};

use super::conversation::{ANSWER_WITHIN, Conversation, End};
use crate::hub::effect::Whose;
use crate::notification::RegistrationKey;
use crate::store::{StageEvent, StoreError};

const NO_STATE: Taken = Taken::No(
    ReasonCode::PayloadFormatInvalid,
    r#"the payload of device/state is a JSON object such as {"low_power": true}"#,
);
const NO_RECEIPT: Taken = Taken::No(
    ReasonCode::PayloadFormatInvalid,
    r#"a receipt is a JSON object with seq, apns_id, event, reason and at, such as {"seq": 7, "apns_id": "…", "event": "displayed", "reason": null, "at": "2026-11-26T08:00:00.000Z"}"#,
);

/// What became of a PUBLISH.
enum Taken {
    Yes,
    /// Not for the reason given, in a code and in words; the device may go on.
    No(ReasonCode, &'static str),
    /// It can't be taken now: the device shall send it again on its next connection.
    Later,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S> {
    pub(super) async fn take_publish(&mut self, publish: &Publish<'_>) -> Result<(), End> {
        let packet_id = match publish.delivery {
            Delivery::AtMostOnce => None,
            Delivery::AtLeastOnce { packet_id, .. } => Some(packet_id),
            Delivery::ExactlyOnce { .. } => {
                return Err(End::Ours(ReasonCode::QosNotSupported, "publish at QoS 1"));
            }
        };
        if self.is_v5() && publish.retain {
            return Err(End::Ours(ReasonCode::RetainNotSupported, "nothing is retained here"));
        }
        if publish.properties.topic_alias.is_some() {
            return Err(End::Ours(ReasonCode::TopicAliasInvalid, "the topic alias maximum is 0"));
        }
        let taken = match FromDevice::parse(publish.topic) {
            Ok(FromDevice::Receipt { registration }) => {
                self.take_receipt(&registration, publish.payload.0).await
            }
            Ok(FromDevice::State) => self.take_state(publish.payload.0).await,
            Err(_) => Taken::No(
                ReasonCode::NotAuthorized,
                "a device publishes <environment>/<topic>/receipt and device/state alone",
            ),
        };
        match taken {
            Taken::Yes => self.acknowledge(packet_id, ReasonCode::Success, ""),
            Taken::No(code, why) if self.is_v5() => self.acknowledge(packet_id, code, why),
            Taken::No(ReasonCode::NotAuthorized, _) => {
                tracing::info!(device = %self.name(), topic = publish.topic, "a device publishes where it may not");
                return Err(End::Ours(ReasonCode::NotAuthorized, "not a topic of this device"));
            }
            // 3.1.1 can't be told what is wrong with it, and would only send it again.
            Taken::No(..) => self.acknowledge(packet_id, ReasonCode::Success, ""),
            Taken::Later => return Err(End::Ours(ReasonCode::ServerBusy, "try again later")),
        }
        Ok(())
    }

    fn acknowledge(&mut self, packet_id: Option<PacketId>, code: ReasonCode, why: &str) {
        if let Some(packet_id) = packet_id {
            self.arrived.dialect.acknowledge(packet_id, code, why, &mut self.wire.outbound);
        }
    }

    async fn take_state(&mut self, payload: &[u8]) -> Taken {
        // Serde would take a list for it, too.
        if !payload.trim_ascii_start().starts_with(b"{") {
            return NO_STATE;
        }
        match serde_json::from_slice::<DeviceState>(payload) {
            Ok(state) => {
                tracing::debug!(device = %self.name(), low_power = state.low_power, "device state");
                let held = self.arrived.connection.set_saves_power(state.low_power);
                self.release(held).await
            }
            Err(error) => {
                tracing::debug!(device = %self.name(), %error, "no device state");
                NO_STATE
            }
        }
    }

    /// Reads the rows of what was held, and lets them go out. Where they can't be read, the device's next connection reads
    /// them as it subscribes.
    async fn release(&mut self, held: Vec<(Whose, u64)>) -> Taken {
        if held.is_empty() {
            return Taken::Yes;
        }
        let rows = held.iter().map(|(whose, seq)| (whose.registration_no, *seq)).collect();
        match tokio::time::timeout(ANSWER_WITHIN, self.port.store.kept(rows)).await {
            Ok(Ok(rows)) => {
                for ((whose, seq), row) in held.into_iter().zip(rows) {
                    self.arrived.connection.release(whose, seq, row);
                }
                Taken::Yes
            }
            Ok(Err(error)) => {
                tracing::warn!(device = %self.name(), %error, "what was held can't be read");
                Taken::Later
            }
            Err(_) => Taken::Later,
        }
    }

    async fn take_receipt(&mut self, name: &RegistrationName<'_>, payload: &[u8]) -> Taken {
        if payload.len() > Receipt::MAX_LEN {
            return NO_RECEIPT;
        }
        let receipt = match Receipt::from_json(payload) {
            Ok(receipt) => receipt,
            Err(error) => {
                tracing::debug!(device = %self.name(), %error, "no receipt");
                return NO_RECEIPT;
            }
        };
        let registration = match self.receiver_of(name, receipt.seq).await {
            Ok(Some(registration)) => registration,
            Ok(None) => {
                self.port.unknown_receipts.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(device = %self.name(), seq = receipt.seq, "a receipt for what was not sent to it");
                return Taken::Yes;
            }
            Err(later) => return later,
        };
        let Receipt { seq, event: stage, reason, at, .. } = receipt;
        match self.port.store.record(StageEvent::Reached { seq, registration, stage, reason, at }) {
            Ok(()) => Taken::Yes,
            Err(_) => Taken::Later,
        }
    }

    /// The registration of this device to which `seq` was sent, on this connection or an earlier one.
    async fn receiver_of(
        &mut self,
        name: &RegistrationName<'_>,
        seq: u64,
    ) -> Result<Option<RegistrationKey>, Taken> {
        let Some(entry) = self.allowed(name) else { return Ok(None) };
        let connection = &self.arrived.connection;
        if let Some(key) = connection.sent_to(name.environment, entry.topic_no, seq) {
            return Ok(Some(key));
        }
        // A connection may be for its receipts only.
        let (store, device) = (&self.port.store, connection.device);
        let asking = async {
            let found = match connection.held(name.environment, entry.topic_no, name.instance) {
                Some(Whose { key, registration_no }) => Some((key, registration_no)),
                None => store.registration(device, name.environment, entry.topic_no, name.instance).await?,
            };
            let Some((key, registration_no)) = found else { return Ok(None) };
            let was_sent = store.was_sent(registration_no, seq).await?;
            Ok::<_, StoreError>(was_sent.then_some(key))
        };
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(receiver)) => Ok(receiver),
            Ok(Err(_)) | Err(_) => Err(Taken::Later),
        }
    }
}
