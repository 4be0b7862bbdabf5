//! What testers asked for of requests about channels: faults instead of answers, and notes for the journal. Which request is
//! hit is decided in `crate::testers`; what becomes of its connection, in `connection::instead`.

use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use homing_apns::{ChannelId, Refusal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::super::admission::{ChannelHead, Known};
use super::super::connection::gone;
use super::super::connection::instead::{text, wished};
use super::{Asked, Unread};
use crate::testers::{Answer, Effect, Interface, Noted, Target, Testers, Unanswered};

/// Messages that wait for a connection.
pub(in crate::provider_port) const TOLD: usize = 16;

/// One request's share.
pub(in crate::provider_port) struct Testing {
    pub(in crate::provider_port) testers: Arc<Testers>,
    pub(in crate::provider_port) noted: Box<Noted>,
    /// Where its connection hears what it is to do.
    pub(in crate::provider_port) connection: mpsc::Sender<Told>,
}

/// What a connection is to do for a request that was hit.
pub(in crate::provider_port) struct Told {
    pub(in crate::provider_port) effect: Effect,
    /// Of one that isn't taken: its stream, and what lets its connection wait for it.
    pub(in crate::provider_port) left: Option<(SendResponse<Bytes>, watch::Receiver<Option<Unread>>)>,
}

impl Asked {
    /// What a rule did to it.
    pub(super) fn injected(&self) -> Option<homing_trace::Reason> {
        self.testing.as_ref().and_then(|testing| testing.noted.injected.clone())
    }

    /// Tells the journal what was sent.
    pub(super) fn note_payload(&mut self, payload: &[u8]) {
        if let Some(testing) = &mut self.testing {
            testing.noted.asked.payload = Bytes::copy_from_slice(payload);
        }
    }

    /// Tells the journal what a request was answered: status, reason of a refusal, the channel that was made.
    pub(super) fn conclude(
        &mut self,
        known: &Known,
        (status, refusal, made): (u16, Option<&Refusal>, Option<&ChannelId>),
    ) {
        if self.testing.is_none() {
            return;
        }
        if let Some(why) = gone(&mut self.respond) {
            return self.conclude_without(known, why);
        }
        let answer = Answer {
            status: Some(status),
            reason: refusal.map(|refusal| refusal.reason.as_str().to_owned()),
            timestamp: refusal.and_then(|refusal| refusal.timestamp).map(|at| at.0),
            apns_id: self.names.apns_id.as_ref().map(text),
            apns_unique_id: self.names.unique_id.as_ref().map(text),
            apns_request_id: Some(text(&self.names.request_id)),
            apns_channel_id: made.map(ChannelId::to_string),
            ..Answer::default()
        };
        self.conclude_with(known, Some(answer));
    }

    /// Tells the journal of a request whose body will never be complete.
    pub(super) fn conclude_cut(&mut self, known: &Known, error: &h2::Error) {
        tracing::debug!(%error, "a request about channels ended within its body");
        let is_reset = error.is_reset();
        self.conclude_without(known, if is_reset { Unanswered::ResetInBody } else { Unanswered::Closed });
    }

    pub(super) fn conclude_without(&mut self, known: &Known, why: Unanswered) {
        if let Some(testing) = &mut self.testing {
            testing.noted.unanswered = Some(why);
        }
        self.conclude_with(known, None);
    }

    fn conclude_with(&mut self, known: &Known, answer: Option<Answer>) {
        let Some(testing) = self.testing.take() else { return };
        let topic = known.topic.as_ref().map(homing_apns::Topic::as_str);
        testing.testers.journal.write(*testing.noted, known.team.as_deref(), topic, answer);
    }

    /// Lets a request in order have what testers asked for, mostly nothing: it goes on, to be answered not before a moment if
    /// there is one, or is gone.
    pub(super) async fn unless_hit(mut self, head: &ChannelHead) -> Option<(Self, Option<Instant>)> {
        let Some(testing) = &mut self.testing else { return Some((self, None)) };
        let now = self.port.store.clock().now();
        let hit = testing.testers.faults.hit(Interface::Http2, Target::Channels(head.of), now);
        let Some(hit) = hit else { return Some((self, None)) };
        testing.noted.injected = Some(hit.effect.word());
        let connection = testing.connection.clone();
        match hit.effect {
            Effect::Delay(by) => Some((self, Some(Instant::now() + by))),
            effect @ Effect::OneStream => {
                // A connection that has ended needs to hear nothing.
                let _ = connection.send(Told { effect, left: None }).await;
                Some((self, None))
            }
            Effect::Refuse { status, reason, retry_after } => {
                self.refuse_as(&wished(reason, status, now), &head.known(), (status, retry_after));
                None
            }
            effect @ (Effect::Silence
            | Effect::Reset(_)
            | Effect::GoAway(_)
            | Effect::Drop
            | Effect::LegacyStatus(_)
            | Effect::LegacyClose) => {
                let known = head.known();
                self.note_refusal(&known, None);
                self.conclude_with(&known, None);
                let told = Told { effect, left: Some((self.respond, self.pending)) };
                let _ = connection.send(told).await;
                None
            }
        }
    }
}
