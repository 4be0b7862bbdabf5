//! The broadcast channels of the devices connected to one core: who has subscribed to what, and how a broadcast reaches them
//! a few at a time, so that one with many receivers holds up nobody.
//!
//! # Why a subscriber misses nothing
//! It stands among the subscribers before its channel's stored message is read, and a broadcast is committed before its
//! receivers are gathered: one that is committed before the read is read, one that is committed later finds the
//! subscriber. A message that comes both ways is known by its `seq`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::registration::Now;
use crate::broadcast::Broadcast;

/// Devices that are given a broadcast before others get their turn.
pub(super) const AT_ONCE: usize = 128;

/// Broadcasts that may wait for one device and channel; the oldest gives way, as a newer update makes it stale.
const WAITING: usize = 8;

/// Channels one connection may subscribe to.
pub(crate) const MAX_CHANNELS: usize = 64;

/// Who has subscribed to which channel on this core.
#[derive(Debug, Default)]
pub(super) struct Subscribers(HashMap<u32, HashSet<u64>>);

impl Subscribers {
    pub(super) fn add(&mut self, channel_no: u32, device: u64) {
        self.0.entry(channel_no).or_default().insert(device);
    }

    pub(super) fn remove(&mut self, channel_no: u32, device: u64) {
        if let Some(devices) = self.0.get_mut(&channel_no) {
            devices.remove(&device);
            if devices.is_empty() {
                self.0.remove(&channel_no);
            }
        }
    }

    fn of(&self, channel_no: u32) -> Vec<u64> {
        self.0.get(&channel_no).map(|devices| devices.iter().copied().collect()).unwrap_or_default()
    }
}

/// The broadcasts of one channel, one after the other.
#[derive(Debug)]
struct Work {
    channel_no: u32,
    broadcasts: VecDeque<Arc<Broadcast>>,
    /// Who is still to get the first of them; `None` before they are gathered.
    left: Option<Vec<u64>>,
}

/// What is still to be given out on one core; channels take turns.
#[derive(Debug, Default)]
pub(super) struct FanOut(VecDeque<Work>);

impl FanOut {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn put(&mut self, broadcast: Arc<Broadcast>) {
        let channel_no = broadcast.channel_no;
        match self.0.iter_mut().find(|work| work.channel_no == channel_no) {
            Some(work) => work.broadcasts.push_back(broadcast),
            None => self.0.push_back(Work { channel_no, broadcasts: [broadcast].into(), left: None }),
        }
    }

    /// The next broadcast and some of its receivers.
    pub(super) fn next(&mut self, subscribers: &Subscribers) -> Option<(Arc<Broadcast>, Vec<u64>)> {
        let mut work = self.0.pop_front()?;
        let broadcast = Arc::clone(work.broadcasts.front()?);
        let left = work.left.get_or_insert_with(|| subscribers.of(work.channel_no));
        let some = left.split_off(left.len().saturating_sub(AT_ONCE));
        if left.is_empty() {
            work.broadcasts.pop_front();
            work.left = None;
        }
        if !work.broadcasts.is_empty() {
            self.0.push_back(work);
        }
        Some((broadcast, some))
    }
}

/// One channel on one connection.
#[derive(Debug)]
struct Subscribed {
    channel_no: u32,
    /// As it was subscribed: a channel that is deleted meanwhile can still be left.
    filter: Box<str>,
    /// By `seq`.
    waiting: VecDeque<Arc<Broadcast>>,
    newest_sent: u64,
}

/// The channels of one connection. Most have none.
#[derive(Debug, Default)]
pub(crate) struct ConnectionChannels {
    subscribed: Vec<Subscribed>,
    /// How many wait, of all channels.
    waiting: usize,
    /// Whose turn it is.
    turn: usize,
}

impl ConnectionChannels {
    pub(super) fn nos(&self) -> impl Iterator<Item = u32> + '_ {
        self.subscribed.iter().map(|subscribed| subscribed.channel_no)
    }

    /// Whether it is there now: [`MAX_CHANNELS`] at most.
    pub(super) fn add(&mut self, channel_no: u32, filter: &str) -> bool {
        if self.nos().any(|no| no == channel_no) {
            return true;
        }
        let has_room = self.subscribed.len() < MAX_CHANNELS;
        if has_room {
            let (filter, waiting) = (filter.into(), VecDeque::new());
            self.subscribed.push(Subscribed { channel_no, filter, waiting, newest_sent: 0 });
        }
        has_room
    }

    /// The channel's number, if it was there. What is in flight stays so.
    pub(super) fn remove(&mut self, filter: &str) -> Option<u32> {
        let place = self.subscribed.iter().position(|subscribed| *subscribed.filter == *filter)?;
        let removed = self.subscribed.swap_remove(place);
        self.waiting -= removed.waiting.len();
        Some(removed.channel_no)
    }

    /// Takes one in, at its place; one that is known, or older than what was sent, is stale.
    pub(super) fn arrive(&mut self, broadcast: &Arc<Broadcast>) {
        let of_channel = |subscribed: &&mut Subscribed| subscribed.channel_no == broadcast.channel_no;
        let Some(subscribed) = self.subscribed.iter_mut().find(of_channel) else { return };
        if broadcast.seq <= subscribed.newest_sent {
            return;
        }
        let place = subscribed.waiting.binary_search_by_key(&broadcast.seq, |waiting| waiting.seq);
        let Err(place) = place else { return };
        subscribed.waiting.insert(place, Arc::clone(broadcast));
        if subscribed.waiting.len() > WAITING {
            subscribed.waiting.pop_front();
        } else {
            self.waiting += 1;
        }
    }

    /// Lets go of what is over, wherever it stands: it would be held for as long as the device is slow.
    pub(super) fn let_go(&mut self, now: Now) {
        if self.waiting > 0 {
            for subscribed in &mut self.subscribed {
                subscribed.waiting.retain(|broadcast| !broadcast.is_over(now.wall, now.mono));
            }
            self.waiting = self.subscribed.iter().map(|subscribed| subscribed.waiting.len()).sum();
        }
    }

    pub(super) const fn has_turn(&self) -> bool {
        self.waiting > 0
    }

    /// The next to send, channel by channel.
    pub(super) fn next(&mut self) -> Option<Arc<Broadcast>> {
        if self.waiting == 0 {
            return None;
        }
        let count = self.subscribed.len();
        let turns = (0..count).map(|step| (self.turn + step) % count);
        let place = turns.into_iter().find(|place| !self.subscribed[*place].waiting.is_empty())?;
        self.turn = place + 1;
        self.waiting -= 1;
        let subscribed = &mut self.subscribed[place];
        let next = subscribed.waiting.pop_front()?;
        if subscribed.waiting.is_empty() {
            subscribed.waiting = VecDeque::new();
        }
        subscribed.newest_sent = next.seq;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use homing_trace::UnixMillis;

    use super::*;
    use crate::broadcast::Until;
    use crate::broadcast::tests::broadcast;

    #[test]
    fn a_broadcast_reaches_each_subscriber_once_and_channels_take_turns() {
        let mut subscribers = Subscribers::default();
        for device in 0..300 {
            subscribers.add(1, device);
        }
        subscribers.add(2, 7);
        let mut fan_out = FanOut::default();
        for (channel_no, seq) in [(1, 1), (1, 2), (2, 3), (3, 4)] {
            fan_out.put(broadcast(channel_no, seq, None));
        }
        let mut given = Vec::new();
        while !fan_out.is_empty() {
            let (broadcast, devices) = fan_out.next(&subscribers).expect("there is work");
            given.push((broadcast.seq, devices.len()));
        }
        assert_eq!(given, [(1, 128), (3, 1), (4, 0), (1, 128), (1, 44), (2, 128), (2, 128), (2, 44)]);
        subscribers.remove(2, 7);
        assert!(subscribers.of(2).is_empty());
    }

    #[test]
    fn what_waits_is_bounded_sorted_and_never_older_than_what_was_sent() {
        let mut channels = ConnectionChannels::default();
        assert!(channels.add(1, "a") && channels.add(1, "a"));
        for seq in [3, 1, 2, 2] {
            channels.arrive(&broadcast(1, seq, None));
        }
        assert_eq!(channels.next().map(|next| next.seq), Some(1));
        for seq in (4..20).chain([1]) {
            channels.arrive(&broadcast(1, seq, None));
        }
        let sent: Vec<u64> = std::iter::from_fn(|| channels.next()).map(|next| next.seq).collect();
        assert_eq!(sent, (12..20).collect::<Vec<_>>(), "the newest eight");
        channels.arrive(&broadcast(1, 19, None));
        assert!(!channels.has_turn());
    }

    #[test]
    fn channels_of_a_connection_take_turns_and_take_what_waits_with_them() {
        let mut channels = ConnectionChannels::default();
        for no in [1, 2, 3] {
            channels.add(no, &no.to_string());
            for seq in [1, 2] {
                channels.arrive(&broadcast(no, u64::from(no) * 10 + seq, None));
            }
        }
        assert_eq!([channels.remove("2"), channels.remove("2")], [Some(2), None]);
        let sent: Vec<u64> = std::iter::from_fn(|| channels.next()).map(|next| next.seq).collect();
        assert_eq!(sent, [11, 31, 12, 32]);
        channels.arrive(&broadcast(2, 99, None));
        assert!(!channels.has_turn(), "nobody subscribes to it any more");
        let taken = (10..100).filter(|no| channels.add(*no, &no.to_string())).count();
        assert_eq!(taken, MAX_CHANNELS - 2);
    }

    #[test]
    fn what_is_over_is_let_go_of_though_its_device_takes_nothing() {
        let shares = crate::shares::Shares::new(4);
        let mut channels = ConnectionChannels::default();
        channels.add(1, "a");
        channels.add(2, "b");
        let began = std::time::Instant::now();
        let after = |seconds| began + std::time::Duration::from_secs(seconds);
        // The last one isn't stored, and lives on the other clock.
        for (channel_no, seq, until) in [
            (1, 1, Until::Expires(UnixMillis(9))),
            (1, 2, Until::Expires(UnixMillis(11))),
            (2, 3, Until::Tried(after(60))),
        ] {
            let mut one = Arc::into_inner(broadcast(channel_no, seq, None)).expect("nobody else has it");
            let place = shares.take(&format!("team {seq}").into(), 1).expect("there is room");
            (one.until, one._place) = (until, Some(place));
            channels.arrive(&Arc::new(one));
        }
        channels.let_go(Now { wall: UnixMillis(8), mono: after(0) });
        assert_eq!(shares.taken(), 3);
        channels.let_go(Now { wall: UnixMillis(10), mono: after(59) });
        assert_eq!(shares.taken(), 2);
        channels.let_go(Now { wall: UnixMillis(10), mono: after(60) });
        assert_eq!(shares.taken(), 1, "their room is others'");
        assert_eq!((channels.next().map(|next| next.seq), channels.has_turn()), (Some(2), false));
    }
}
