//! What was sent on one connection and not acknowledged: packet ids, the client's Receive Maximum, and when the oldest
//! was sent (MQTT 5, §4.9 Flow Control).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use homing_trace::UnixMillis;

use crate::broadcast::Broadcast;

/// What a packet id stands for.
#[derive(Debug)]
pub(crate) enum Sent {
    Token,
    Notification {
        slot: u16,
        seq: u64,
        /// `None` for one that is tried once.
        kept_until: Option<UnixMillis>,
    },
    /// Counted, not told of each.
    Broadcast(Arc<Broadcast>),
    /// Its registration ended while it was on the way.
    Orphan,
}

#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) packet_id: u16,
    pub(crate) sent_at: Instant,
    pub(crate) sent: Sent,
}

#[derive(Debug)]
pub(crate) struct Window {
    in_flight: VecDeque<InFlight>,
    limit: usize,
    last_id: u16,
}

impl Window {
    pub(crate) fn new(limit: u16) -> Self {
        Self { in_flight: VecDeque::new(), limit: usize::from(limit.max(1)), last_id: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.in_flight.len() >= self.limit
    }

    /// An id that nothing in flight has. There is one, as the limit is below 65,535.
    pub(crate) fn free_id(&self) -> u16 {
        let mut id = self.last_id;
        loop {
            id = if id == u16::MAX { 1 } else { id + 1 };
            if self.in_flight.iter().all(|sent| sent.packet_id != id) {
                return id;
            }
        }
    }

    pub(crate) fn push(&mut self, in_flight: InFlight) {
        self.last_id = in_flight.packet_id;
        self.in_flight.push_back(in_flight);
    }

    /// Acknowledgements mostly come in order, so the search starts at the oldest.
    pub(crate) fn take(&mut self, packet_id: u16) -> Option<InFlight> {
        let place = self.in_flight.iter().position(|sent| sent.packet_id == packet_id)?;
        let taken = self.in_flight.remove(place);
        if self.in_flight.is_empty() && self.in_flight.capacity() > 16 {
            self.in_flight = VecDeque::new();
        }
        taken
    }

    pub(crate) fn oldest_sent_at(&self) -> Option<Instant> {
        self.in_flight.front().map(|sent| sent.sent_at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &InFlight> {
        self.in_flight.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut InFlight> {
        self.in_flight.iter_mut()
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = InFlight> + '_ {
        self.in_flight.drain(..)
    }

    pub(crate) fn has_seq(&self, slot: u16, seq: u64) -> bool {
        self.in_flight.iter().any(|in_flight| match in_flight.sent {
            Sent::Notification { slot: its_slot, seq: its_seq, .. } => its_slot == slot && its_seq == seq,
            Sent::Token | Sent::Broadcast(_) | Sent::Orphan => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_flight_is_not_given_again_after_the_numbers_wrap() {
        let mut window = Window::new(2);
        let now = Instant::now();
        window.push(InFlight { packet_id: 1, sent_at: now, sent: Sent::Token });
        window.push(InFlight { packet_id: u16::MAX, sent_at: now, sent: Sent::Token });
        assert!(window.is_full());
        assert_eq!(window.free_id(), 2);
        assert!(window.take(1).is_some() && window.take(1).is_none());
        assert_eq!(window.free_id(), 1);
    }
}
