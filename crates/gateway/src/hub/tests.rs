//! The hub over a store that commits when the test says so: single races, and random interleavings of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use homing_apns::{Expiration, Priority};
use homing_trace::{Environment, Reason, Stage};
use proptest::prelude::*;

use super::queue::is_expired;
use super::session::{Name, Subscription};
use super::*;
use crate::notification::{Mailbox, Notification, ReplyTo};
use crate::store::{Appended, Place as Where};

mod interleavings;
mod power;

const DEVICE: u64 = 7;

fn key() -> RegistrationKey {
    RegistrationKey { device: DEVICE, environment: Environment::Development, topic_no: 3, generation: 1 }
}

fn name() -> Name {
    Name {
        environment: Environment::Development,
        topic_no: 3,
        topic: "com.example.news".into(),
        instance: None,
    }
}

#[derive(Debug)]
enum Job {
    Append(Append),
    End(End),
    Subscribe,
    /// Of a held row, whose power-saving device saves no more.
    Read(Whose, u64),
}

/// What the store has written: one registration, its live rows, and how each row ended.
#[derive(Debug, Default)]
struct Rows {
    jobs: VecDeque<Job>,
    last_seq: u64,
    live: BTreeMap<u64, Arc<Notification>>,
    ended: BTreeMap<u64, (Stage, Option<Reason>)>,
    reached: Vec<(u64, Stage, Option<Reason>)>,
    /// Those of priority 10.
    urgent: BTreeSet<u64>,
    /// The newest live row for each subscribe that was carried out.
    subscribed: VecDeque<Option<(u64, Arc<Notification>)>>,
    /// The rows that were read.
    read: VecDeque<(Whose, u64, Option<Arc<Notification>>)>,
    answers: Vec<(usize, Answer)>,
}

/// A store whose writer works only when told to; jobs take effect in the order they were asked.
#[derive(Clone, Debug, Default)]
struct SlowLog(Arc<Mutex<Rows>>);

impl Log for SlowLog {
    fn next_seq(&self) -> Result<u64, StoreFull> {
        let mut rows = lock(&self.0);
        rows.last_seq += 1;
        Ok(rows.last_seq)
    }

    fn append(&self, append: Append) -> Result<(), StoreFull> {
        lock(&self.0).jobs.push_back(Job::Append(append));
        Ok(())
    }

    fn end(&self, end: End) -> Result<(), StoreFull> {
        lock(&self.0).jobs.push_back(Job::End(end));
        Ok(())
    }

    fn record(&self, event: StageEvent) -> Result<(), StoreFull> {
        let mut rows = lock(&self.0);
        match event {
            StageEvent::Accepted { seq, notification, .. } => {
                rows.note_urgency(seq, &notification);
                rows.reached.push((seq, Stage::Accepted, None));
            }
            StageEvent::Reached { seq, stage, reason, .. } => rows.reached.push((seq, stage, reason)),
            StageEvent::Refused(_) => {}
        }
        Ok(())
    }
}

impl Rows {
    fn note_urgency(&mut self, seq: u64, notification: &Notification) {
        if notification.priority == Priority::Ten {
            self.urgent.insert(seq);
        }
    }

    fn end(&mut self, seq: u64, how: (Stage, Option<Reason>)) {
        if self.live.remove(&seq).is_some() {
            assert!(self.ended.insert(seq, how).is_none(), "{seq} ends once");
        }
    }

    fn end_older_than(&mut self, newest: u64) -> Option<u64> {
        let older: Vec<u64> = self.live.range(..newest).map(|(seq, _)| *seq).collect();
        for seq in &older {
            self.end(*seq, (Stage::Replaced, None));
        }
        older.last().copied()
    }

    fn append(&mut self, append: Append) -> Appended {
        match append.place {
            Where::Queued { seq, .. } => {
                self.note_urgency(seq, &append.notification);
                self.live.insert(seq, append.notification);
                Appended::Stored { seq, replaced: None }
            }
            Where::Away { .. } => {
                self.last_seq += 1;
                let seq = self.last_seq;
                self.note_urgency(seq, &append.notification);
                if !append.notification.is_kept() {
                    self.reached.push((seq, Stage::Accepted, None));
                    self.reached.push((seq, Stage::Discarded, Some(Reason::DEVICE_AWAY)));
                    return Appended::Over { seq };
                }
                if is_expired(&append.notification, append.notification.accepted_at) {
                    self.ended.insert(seq, (Stage::Expired, None));
                    return Appended::Over { seq };
                }
                self.live.insert(seq, append.notification);
                Appended::Stored { seq, replaced: self.end_older_than(seq) }
            }
        }
    }

    /// Carries out the oldest job.
    fn work(&mut self) -> bool {
        match self.jobs.pop_front() {
            Some(Job::Append(append)) => {
                let (core, ticket) = (append.core, append.ticket);
                let result = self.append(append);
                self.answers.push((core, Answer { ticket, result }));
            }
            Some(Job::End(end)) => self.end(end.seq, (end.stage, end.reason)),
            Some(Job::Subscribe) => {
                let newest =
                    self.live.last_key_value().map(|(seq, notification)| (*seq, Arc::clone(notification)));
                if let Some((seq, _)) = &newest {
                    self.end_older_than(*seq);
                }
                self.subscribed.push_back(newest);
            }
            Some(Job::Read(whose, seq)) => {
                let row = self.live.get(&seq).map(Arc::clone);
                self.read.push_back((whose, seq, row));
            }
            None => return false,
        }
        true
    }
}

/// A hub of two cores over a slow store, with one sender.
struct World {
    hub: Arc<Hub<SlowLog>>,
    log: SlowLog,
    mailbox: Arc<Mailbox>,
    asked: u32,
    answered: BTreeMap<u32, Outcome>,
}

impl World {
    fn new() -> Self {
        let log = SlowLog::default();
        let hub = Hub::new(log.clone(), Clock::default(), Inboxes::new(2), BUDGET);
        Self { hub: Arc::new(hub), log, mailbox: Arc::default(), asked: 0, answered: BTreeMap::new() }
    }

    fn submit(&mut self, core: usize, expiration: Expiration) {
        self.submit_with(core, expiration, Priority::Ten);
    }

    fn submit_with(&mut self, core: usize, expiration: Expiration, priority: Priority) {
        let notification = Arc::unwrap_or_clone(queue::tests::notification(expiration));
        let notification = Notification { accepted_at: self.hub.clock.now(), priority, ..notification };
        let reply = ReplyTo { mailbox: Arc::clone(&self.mailbox), slot: self.asked };
        self.asked += 1;
        self.hub.submit(core, Submission { registration: key(), notification, reply });
        self.take_answers();
    }

    fn work(&mut self) -> bool {
        let worked = lock(&self.log.0).work();
        let answers = std::mem::take(&mut lock(&self.log.0).answers);
        for (core, answer) in answers {
            self.hub.inboxes.0[core].put([Command::Answers(vec![answer])]);
        }
        worked
    }

    fn drain(&mut self, core: usize) -> bool {
        let (mut taken, cx) = (Vec::new(), Context::from_waker(Waker::noop()));
        let some = self.hub.inboxes.0[core].poll_take(&cx, &mut taken).is_ready();
        self.hub.on_shard(core, |shard, effects| {
            for command in taken.drain(..) {
                self.hub.obey(shard, command, effects);
            }
        });
        self.take_answers();
        some
    }

    fn settle(&mut self) {
        while self.work() | self.drain(0) | self.drain(1) {}
    }

    fn take_answers(&mut self) {
        let mut taken = Vec::new();
        let _ = self.mailbox.poll_take(&Context::from_waker(Waker::noop()), &mut taken);
        for (slot, outcome) in taken {
            assert!(self.answered.insert(slot, outcome).is_none(), "each is answered once");
        }
    }

    fn connect(&self, core: usize) -> Phone {
        let (connection, _) = self.hub.connect(core, DEVICE, 4, Arc::default());
        Phone { connection, asked: 0, sent: Vec::new(), in_flight: VecDeque::new() }
    }

    fn end_of(&self, seq: u64) -> Option<(Stage, Option<Reason>)> {
        lock(&self.log.0).ended.get(&seq).cloned()
    }
}

/// One connection of the device.
struct Phone {
    connection: Connection<SlowLog>,
    /// Subscribes under way.
    asked: usize,
    sent: Vec<u64>,
    in_flight: VecDeque<u16>,
}

impl Phone {
    fn begin_subscribe(&mut self, world: &World) {
        self.connection.expect(Environment::Development, 3);
        lock(&world.log.0).jobs.push_back(Job::Subscribe);
        self.asked += 1;
    }

    /// Takes the store's answer, if it has come.
    fn finish_subscribe(&mut self, newest: Option<(u64, Arc<Notification>)>) {
        self.asked -= 1;
        let whose = Whose { key: key(), registration_no: 1 };
        self.connection.subscribe(Subscription { name: name(), whose, token: [0; 32], newest, wait: None });
    }

    fn subscribe(&mut self, world: &mut World) {
        self.begin_subscribe(world);
        world.settle();
        let newest = lock(&world.log.0).subscribed.pop_front().expect("the store has answered");
        self.finish_subscribe(newest);
        world.settle();
    }

    /// Answers how many held rows are to be read.
    fn save_power(&mut self, world: &World, saves: bool) -> usize {
        let held = self.connection.set_saves_power(saves);
        let reads = held.iter().map(|(whose, seq)| Job::Read(*whose, *seq));
        lock(&world.log.0).jobs.extend(reads);
        held.len()
    }

    /// Takes the store's answer to one read, if it has come.
    fn release(&mut self, world: &World) -> bool {
        let read = lock(&world.log.0).read.pop_front();
        let Some((whose, seq, row)) = read else { return false };
        self.connection.release(whose, seq, row);
        true
    }

    /// Saves power no more, and has what was held released.
    fn stop_saving(&mut self, world: &mut World) {
        self.save_power(world, false);
        world.settle();
        while self.release(world) {}
    }

    fn pump(&mut self) {
        let (sent, in_flight) = (&mut self.sent, &mut self.in_flight);
        let _ = self.connection.pump(Waker::noop(), true, &mut |outgoing| {
            match outgoing {
                Outgoing::Token { packet_id, .. } => in_flight.push_back(*packet_id),
                Outgoing::Notification { packet_id, seq, .. } => {
                    in_flight.push_back(*packet_id);
                    sent.push(*seq);
                }
                Outgoing::Broadcast { packet_id, broadcast } => {
                    in_flight.push_back(*packet_id);
                    sent.push(broadcast.seq);
                }
            }
            Fit::Written
        });
    }

    fn acknowledge(&mut self, refused: bool) {
        if let Some(packet_id) = self.in_flight.pop_front() {
            self.connection.acknowledge(packet_id, refused);
        }
    }

    /// Takes everything there is.
    fn take_all(&mut self) {
        self.pump();
        while !self.in_flight.is_empty() {
            self.acknowledge(false);
            self.pump();
        }
    }
}

#[test]
fn a_connected_device_gets_a_burst_in_order_and_nothing_before_its_commit() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    for expiration in [Expiration::Default, Expiration::Once, Expiration::Default] {
        world.submit(1, expiration);
    }
    world.drain(0);
    phone.take_all();
    assert!(phone.sent.is_empty() && world.answered.is_empty(), "nothing is committed");
    world.settle();
    phone.take_all();
    world.settle();
    assert_eq!(phone.sent, [1, 2, 3]);
    assert_eq!(world.answered.len(), 3);
    assert_eq!(world.end_of(3), Some((Stage::Acknowledged, None)));
}

#[test]
fn one_tried_once_with_nothing_before_it_is_answered_at_once() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    world.submit(0, Expiration::Once);
    assert_eq!(world.answered.get(&0), Some(&Outcome::Accepted { seq: 1 }));
    phone.take_all();
    assert_eq!(phone.sent, [1]);
}

#[test]
fn a_row_committed_after_the_subscribe_has_read_reaches_the_device_as_a_hint() {
    let mut world = World::new();
    world.submit(1, Expiration::Default);
    let mut phone = world.connect(0);
    // The append was asked first, but let the subscribe pass it, as with a store of another machine.
    phone.begin_subscribe(&world);
    lock(&world.log.0).jobs.swap(0, 1);
    world.work();
    let newest = lock(&world.log.0).subscribed.pop_front().expect("answered");
    assert!(newest.is_none());
    // The hint comes while the subscribe isn't through.
    world.settle();
    phone.finish_subscribe(newest);
    phone.take_all();
    assert_eq!(phone.sent, [1]);
    assert_eq!(world.answered.get(&0), Some(&Outcome::Accepted { seq: 1 }));
}

#[test]
fn of_several_stored_ones_the_newest_is_delivered_at_return() {
    let mut world = World::new();
    for expiration in [Expiration::Default, Expiration::Default, Expiration::Once] {
        world.submit(0, expiration);
    }
    world.settle();
    let mut phone = world.connect(1);
    phone.subscribe(&mut world);
    phone.take_all();
    assert_eq!(phone.sent, [2]);
    assert_eq!(world.end_of(1), Some((Stage::Replaced, None)));
    assert!(lock(&world.log.0).reached.contains(&(3, Stage::Discarded, Some(Reason::DEVICE_AWAY))));
}

#[test]
fn a_device_that_leaves_keeps_only_the_newest_of_what_it_has_not_acknowledged() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    for expiration in
        [Expiration::Default, Expiration::Default, Expiration::Once, Expiration::Default, Expiration::Once]
    {
        world.submit(0, expiration);
    }
    world.work();
    world.drain(0);
    phone.pump();
    assert_eq!(phone.sent, [1], "the others wait for their commits");
    drop(phone);
    world.settle();
    assert_eq!(world.answered.len(), 5);
    assert_eq!(
        [1, 2].map(|seq| world.end_of(seq)),
        [Some((Stage::Replaced, None)), Some((Stage::Replaced, None))]
    );
    for seq in [3, 5] {
        assert!(lock(&world.log.0).reached.contains(&(seq, Stage::Discarded, Some(Reason::DEVICE_AWAY))));
    }
    let mut phone = world.connect(1);
    phone.subscribe(&mut world);
    phone.take_all();
    assert_eq!(phone.sent, [4]);
}

#[test]
fn an_acknowledgement_deletes_only_its_own_and_a_refusal_is_discarded() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    phone.take_all();
    world.submit(0, Expiration::Default);
    world.submit(0, Expiration::Default);
    world.settle();
    phone.pump();
    phone.acknowledge(true);
    world.settle();
    assert_eq!(world.end_of(1), Some((Stage::Discarded, Some(Reason::REFUSED_BY_DEVICE))));
    assert_eq!(world.end_of(2), None);
}

#[test]
fn the_newest_connection_wins_and_the_older_one_learns_why() {
    let mut world = World::new();
    let parting = Arc::new(Parting::default());
    let (old, _) = world.hub.connect(0, DEVICE, 4, Arc::clone(&parting));
    let (new, hears) = world.hub.connect(1, DEVICE, 4, Arc::default());
    world.settle();
    assert_eq!(parting.said(), Some(Farewell::TakenOver));
    assert!(hears.expect("they are on different cores").try_recv().is_ok());
    assert!(old.pump(Waker::noop(), true, &mut |_| Fit::Written).is_none());
    drop(old);
    assert_eq!(world.hub.connected(), 1);
    drop(new);
    assert_eq!(world.hub.connected(), 0);
}

#[test]
fn what_an_ended_registration_still_had_is_discarded() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    phone.take_all();
    world.submit(0, Expiration::Default);
    world.submit(0, Expiration::Default);
    world.settle();
    phone.connection.unsubscribe(Environment::Development, 3, None);
    world.settle();
    let unregistered = Some((Stage::Discarded, Some(Reason::UNREGISTERED)));
    assert_eq!([1, 2].map(|seq| world.end_of(seq)), [unregistered.clone(), unregistered]);
}

#[test]
fn too_large_and_expired_ones_are_passed_over() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    phone.take_all();
    let soon = world.hub.clock.now().secs() + 60;
    for expiration in [Expiration::Default, Expiration::At(soon), Expiration::Default] {
        world.submit(0, expiration);
    }
    world.settle();
    world.hub.clock.advance(Duration::from_secs(61)).expect("kept nowhere");
    let mut sent = Vec::new();
    let _ = phone.connection.pump(Waker::noop(), true, &mut |outgoing| match outgoing {
        Outgoing::Notification { seq: 1, .. } | Outgoing::Token { .. } => Fit::TooLarge,
        Outgoing::Notification { seq, .. } => {
            sent.push(*seq);
            Fit::Written
        }
        Outgoing::Broadcast { .. } => Fit::Written,
    });
    world.settle();
    assert_eq!(sent, [3]);
    assert_eq!(world.end_of(1), Some((Stage::Discarded, Some(Reason::TOO_LARGE_FOR_DEVICE))));
    assert_eq!(world.end_of(2), Some((Stage::Expired, None)));
}

#[test]
fn what_expired_meanwhile_pushes_out_nothing_when_its_device_leaves() {
    let mut world = World::new();
    let mut phone = world.connect(0);
    phone.subscribe(&mut world);
    phone.take_all();
    let soon = world.hub.clock.now().secs() + 60;
    for expiration in [Expiration::Default, Expiration::At(soon), Expiration::At(soon)] {
        world.submit(0, expiration);
    }
    world.settle();
    // One of the two is on its way, the other waits.
    let mut writes = 0;
    let _ = phone.connection.pump(Waker::noop(), true, &mut |_| {
        writes += 1;
        if writes < 2 { Fit::Written } else { Fit::WrittenAndFull }
    });
    world.hub.clock.advance(Duration::from_secs(61)).expect("kept nowhere");
    world.submit(0, Expiration::At(1));
    drop(phone);
    world.settle();
    assert_eq!(world.answered.len(), 4);
    assert_eq!(world.end_of(4), Some((Stage::Expired, None)));
    let mut phone = world.connect(1);
    phone.subscribe(&mut world);
    phone.take_all();
    assert_eq!(phone.sent, [1]);
}

#[test]
fn a_silent_registration_waits_longer_each_time() {
    let mut world = World::new();
    for silences in 0..3_u32 {
        let mut phone = world.connect(0);
        phone.subscribe(&mut world);
        let unpause_at =
            phone.connection.pump(Waker::noop(), true, &mut |_| Fit::Written).expect("connected").unpause_at;
        assert_eq!(unpause_at.is_some(), silences > 1, "after {silences} silences");
        world.hub.silences.note(key());
    }
    world.hub.silences.over(&key());
    assert_eq!(world.hub.silences.wait(&key()), None);
}
