//! Where a notification goes once it is admitted: to the queue of its registration, when its device is connected and
//! has subscribed, else to the store. Also what the device port may send next, and how each notification ends.
//!
//! # Who owns what
//! A connection lives on the core that accepted it, and so do the queues and the window of its device: a
//! [`Shard`](shard::Shard) per core, plain data under a lock that is hardly ever contended, since only the core's own
//! thread takes it. Other threads hand over through the core's [`Inbox`](inbox::Inbox), one wake for each time it stops
//! being empty. [`Presence`](presence::Presence) says on which core a device is; it is written when a device comes or
//! goes and read on each submission. Locks are taken in the order shard → presence, inbox, store, mailbox.
//!
//! # Why nothing is lost when a device comes or goes
//! Three facts about the store: appends, ends and subscribes take effect in the order they were asked, one after the
//! other; an append is answered after its commit; a subscribe reads the newest live row in that same order.
//! Two rules about memory: (1) a device is in `Presence`, and its session in the shard, before its first subscribe is
//! asked; the session *expects* a topic before the subscribe of it is asked. (2) When an append is committed whose
//! notification waits in no queue, presence is looked up again, and the device's core gets a hint.
//!
//! Take such an append A and a subscribe S of its registration. If A precedes S in the store, S reads A's row, or a
//! newer one that has replaced it. If S precedes A, the topic was expected before A was committed, hence before presence
//! is looked up after that commit; the look-up finds the device (or its later connection, whose own subscribe follows
//! the same argument), and the hint reaches a session that expects or holds the registration. It is never dropped
//! there: an expecting session keeps it until the subscribe is through, in whatever order the two come in.
//! Both may bring the same row; a queue knows by `seq` what waits, is in flight or was sent, and drops the repeat.
//!
//! # Why the order is that of `seq`
//! A queue is sorted by `seq`, and only its front is sent, when nothing before it waits for a commit. A hint takes its
//! place in that order; when a newer one has been sent already, or had replaced it in the store, it is `replaced`. A
//! sender that waits for its answer isn't overtaken: a hint is answered only after it has found its place.
//!
//! # What waits while a device saves power
//! One of priority 5 or 1 whose turn comes is held: it leaves the queue, so that those of priority 10 overtake it, and is
//! the one that is stored for its registration. A newer one to be held replaces it, and so does anything newer that is
//! unacknowledged when the device leaves. Memory keeps what finds its row; the payload, which may be held for days, is in
//! the store. When the device says that it doesn't save power any more, the row is read and goes to its place in the queue,
//! unless it was replaced or has ended meanwhile; a new connection saves none until it says so, and what it subscribes
//! reads the row.
//!
//! # Why each has one end
//! A session that goes, for whatever reason, leaves in one step under its shard's lock: of each registration the newest
//! kept notification whose time isn't over stays live in the store, the others are ended as `replaced`, which the store
//! writes down as `expired` where their time was over, and those that are tried once as `discarded: device-away`. An end asked before its append is committed takes effect right after it; the ticket of such
//! an append remembers it, so that its commit makes no hint. A further end of the same row changes nothing. Rows that a
//! crash leaves behind below the newest are ended at the next start.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Instant;

use homing_clock::Clock;
use homing_trace::Environment;
use tokio::sync::oneshot;

pub(crate) mod channels;
pub(crate) mod effect;
mod inbox;
mod parting;
mod presence;
mod queue;
mod registration;
pub(crate) mod session;
mod shard;
mod silence;
#[cfg(test)]
mod tests;
mod window;

use effect::{Effect, Effects, Hint, Whose};
use inbox::Inbox;
use presence::{Place, Presence};
use queue::Limits;
use session::{Farewell, Fit, Now, Outgoing, Parting, Session, Subscription};
use shard::{Log, Shard, Unsaid};
use silence::Silences;

use crate::broadcast::Broadcast;
use crate::notification::{Notification, Outcome, RegistrationKey, Submission, lock};
use crate::store::{Answer, AnswerSink, Append, End, StageEvent, Store, StoreFull};

/// Submissions that may wait for one core.
const INBOX: usize = 65_536;

/// What may wait for all connected devices together, in bytes, by default.
pub(crate) const BUDGET: usize = 256 << 20;

/// Commands a core takes before it lets its connections run.
const BATCH: usize = 1024;

#[derive(Debug)]
pub(crate) enum Command {
    Submit(Submission),
    Answers(Vec<Answer>),
    Hint(Hint),
    Leave { device: u64, epoch: u64, farewell: Farewell, left: Option<oneshot::Sender<()>> },
}

/// What is broadcast by other threads and waits for one core; its bound is the budget of all that is under way.
type Broadcasts = Inbox<Arc<Broadcast>>;

/// The inboxes of all cores: they exist before the store, which answers into them.
#[derive(Clone, Debug)]
pub(crate) struct Inboxes(Vec<Arc<Inbox<Command>>>);

#[derive(Debug)]
struct Answers(Arc<Inbox<Command>>);

impl AnswerSink for Answers {
    fn take(&self, answers: Vec<Answer>) {
        self.0.put([Command::Answers(answers)]);
    }
}

impl Inboxes {
    pub(crate) fn new(cores: usize) -> Self {
        Self((0..cores).map(|_| Arc::new(Inbox::new(INBOX))).collect())
    }

    pub(crate) fn sinks(&self) -> Vec<Arc<dyn AnswerSink>> {
        self.0.iter().map(|inbox| Arc::new(Answers(Arc::clone(inbox))) as Arc<dyn AnswerSink>).collect()
    }
}

impl Log for Store {
    fn next_seq(&self) -> Result<u64, StoreFull> {
        self.seqs().next()
    }

    fn append(&self, append: Append) -> Result<(), StoreFull> {
        Store::append(self, append)
    }

    fn end(&self, end: End) -> Result<(), StoreFull> {
        Store::end(self, end)
    }

    fn record(&self, event: StageEvent) -> Result<(), StoreFull> {
        Store::record(self, event)
    }
}

/// Routes notifications to devices; one per gateway, shared by all its cores.
#[derive(Debug)]
pub(crate) struct Hub<L = Store> {
    store: L,
    clock: Clock,
    presence: Presence,
    silences: Silences,
    last_epoch: AtomicU64,
    /// It stops: no device is let in any more.
    closing: AtomicBool,
    shards: Vec<Mutex<Shard>>,
    inboxes: Inboxes,
    broadcasts: Vec<Broadcasts>,
}

/// When a connection wants to be looked after next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timers {
    /// The oldest unacknowledged packet is too old then.
    pub(crate) silent_at: Option<Instant>,
    /// A registration that was silent may send again.
    pub(crate) unpause_at: Option<Instant>,
}

impl<L: Log> Hub<L> {
    pub(crate) fn new(store: L, clock: Clock, inboxes: Inboxes, budget: usize) -> Self {
        let cores = inboxes.0.len();
        let shard = |core| Mutex::new(Shard::new(core, Limits::default(), budget / cores.max(1)));
        Self {
            store,
            clock,
            presence: Presence::default(),
            silences: Silences::default(),
            last_epoch: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            shards: (0..cores).map(shard).collect(),
            inboxes,
            broadcasts: (0..cores).map(|_| Inbox::new(usize::MAX)).collect(),
        }
    }

    /// Takes an admitted notification from a connection of `core`; its answer goes to the submission's mailbox, exactly
    /// once. Never blocks.
    pub(crate) fn submit(&self, core: usize, submission: Submission) {
        match self.presence.get(submission.registration.device) {
            Some(place) if place.core != core => {
                if let Err(Command::Submit(refused)) =
                    self.inboxes.0[place.core].offer(Command::Submit(submission))
                {
                    refused.reply.answer(Outcome::Overloaded);
                }
            }
            Some(_) | None => {
                self.on_shard(core, |shard, effects| shard.submit(submission, &self.store, effects))
            }
        }
    }

    /// Sends a broadcast that is committed to all that have subscribed to its channel. Never blocks.
    pub(crate) fn broadcast(&self, broadcast: &Arc<Broadcast>) {
        for inbox in &self.broadcasts {
            inbox.put([Arc::clone(broadcast)]);
        }
    }

    /// Gives out broadcasts on `core`, some receivers at a time, others taking their turn in between. Runs on that core until
    /// it is dropped.
    pub(crate) async fn serve_broadcasts(&self, core: usize) {
        let mut taken = Vec::new();
        loop {
            std::future::poll_fn(|cx| self.broadcasts[core].poll_take(cx, &mut taken)).await;
            loop {
                let arrived = taken.drain(..);
                let has_more = self.on_shard(core, |shard, effects| {
                    arrived.for_each(|broadcast| shard.broadcast(broadcast));
                    shard.fan_out(effects)
                });
                if !has_more {
                    break;
                }
                tokio::task::yield_now().await;
                self.broadcasts[core].take(&mut taken);
            }
        }
    }

    /// Devices connected now.
    pub(crate) fn connected(&self) -> usize {
        self.presence.len()
    }

    /// Whether something is on its way to a device that is connected. Looks at all of them.
    pub(crate) fn is_delivering(&self) -> bool {
        self.shards.iter().any(|shard| lock(shard).is_delivering())
    }

    /// Works through what other threads hand to `core`. Runs on that core until it is dropped.
    pub(crate) async fn serve(&self, core: usize) {
        let mut taken = Vec::new();
        loop {
            std::future::poll_fn(|cx| self.inboxes.0[core].poll_take(cx, &mut taken)).await;
            let mut commands = taken.drain(..);
            while commands.len() > 0 {
                self.on_shard(core, |shard, effects| {
                    for command in commands.by_ref().take(BATCH) {
                        self.obey(shard, command, effects);
                    }
                });
                tokio::task::yield_now().await;
            }
        }
    }

    fn obey(&self, shard: &mut Shard, command: Command, effects: &mut Effects) {
        match command {
            Command::Submit(submission) => shard.submit(submission, &self.store, effects),
            Command::Answers(answers) => {
                for answer in answers {
                    shard.answered(answer, effects);
                }
            }
            Command::Hint(hint) => shard.hint(hint, effects),
            Command::Leave { device, epoch, farewell, left } => {
                if shard.leave((device, epoch), Some(farewell), self.clock.now(), effects) {
                    self.presence.go(device, epoch);
                }
                if let Some(left) = left {
                    // The newer connection may have given up waiting.
                    let _ = left.send(());
                }
            }
        }
    }

    /// Puts a device that has proved who it is onto `core`. The newest connection wins: the receiver hears when an older
    /// one on another core has left.
    pub(crate) fn connect(
        self: &Arc<Self>,
        core: usize,
        device: u64,
        receive_maximum: u16,
        parting: Arc<Parting>,
    ) -> (Connection<L>, Option<oneshot::Receiver<()>>) {
        let mut displaced = None;
        let epoch = self.last_epoch.fetch_add(1, Ordering::Relaxed) + 1;
        self.on_shard(core, |shard, effects| {
            if self.closing.load(Ordering::SeqCst) {
                return parting.say(Farewell::ShuttingDown);
            }
            let old = self.presence.come(device, Place { core, epoch });
            let session = Session::new(epoch, receive_maximum, parting);
            shard.connect(device, session, self.clock.now(), effects);
            if let Some(old) = old.filter(|old| old.core != core) {
                let (left, hears) = oneshot::channel();
                let farewell = Farewell::TakenOver;
                let leave = Command::Leave { device, epoch: old.epoch, farewell, left: Some(left) };
                self.inboxes.0[old.core].put([leave]);
                displaced = Some(hears);
            }
        });
        (Connection { hub: Arc::clone(self), core, device, epoch }, displaced)
    }

    /// Closes the connection of a device whose enrolment has ended.
    pub(crate) fn dismiss(&self, device: u64) {
        if let Some(place) = self.presence.get(device) {
            let (epoch, farewell) = (place.epoch, Farewell::Removed);
            self.inboxes.0[place.core].put([Command::Leave { device, epoch, farewell, left: None }]);
        }
    }

    /// Closes all connections of `core`, since the gateway stops.
    pub(crate) fn close(&self, core: usize) {
        self.closing.store(true, Ordering::SeqCst);
        self.on_shard(core, |shard, effects| {
            for (device, epoch) in shard.connected() {
                let farewell = Some(Farewell::ShuttingDown);
                shard.leave((device, epoch), farewell, self.clock.now(), effects);
                self.presence.go(device, epoch);
            }
        });
    }

    fn on_shard<T>(&self, core: usize, work: impl FnOnce(&mut Shard, &mut Effects) -> T) -> T {
        let mut shard = lock(&self.shards[core]);
        let mut effects = std::mem::take(&mut shard.effects);
        let done = work(&mut shard, &mut effects);
        while !effects.list.is_empty() {
            self.carry_out(core, &mut shard, &mut effects);
        }
        shard.effects = effects.rested();
        done
    }

    fn carry_out(&self, core: usize, shard: &mut Shard, effects: &mut Effects) {
        let at = self.clock.now();
        let mut list = std::mem::take(&mut effects.list);
        for effect in list.drain(..) {
            match effect {
                Effect::Answer { reply, outcome } => {
                    // A trace asked for after the answer must know what the answer knows.
                    self.say(shard);
                    reply.answer(outcome);
                }
                Effect::End { seq, whose, stage, reason } => {
                    let Whose { key: registration, registration_no } = whose;
                    let end = End { seq, registration, registration_no, stage, reason, at };
                    shard.unsaid.push_back(Unsaid::End(end));
                }
                Effect::Accepted { seq, key, notification } => {
                    shard.unsaid.push_back(Unsaid::Event(StageEvent::Accepted {
                        seq,
                        registration: key,
                        notification,
                    }));
                }
                Effect::Reached { seq, key, stage, reason } => {
                    let event = StageEvent::Reached { seq, registration: key, stage, reason, at };
                    shard.unsaid.push_back(Unsaid::Event(event));
                }
                Effect::LookAgain(hint) => match self.presence.get(hint.key.device) {
                    Some(place) if place.core != core => {
                        self.inboxes.0[place.core].put([Command::Hint(hint)])
                    }
                    Some(_) | None => shard.hint(hint, effects),
                },
                Effect::Wake(waker) => waker.wake(),
                Effect::SilenceOver(key) => self.silences.over(&key),
            }
        }
        if effects.list.is_empty() {
            effects.list = list;
        }
        self.say(shard);
    }

    /// Tells the store what has happened, in order. What a full store can't take now is said with what comes next.
    fn say(&self, shard: &mut Shard) {
        while let Some(unsaid) = shard.unsaid.pop_front() {
            let said = match &unsaid {
                Unsaid::End(end) => self.store.end(end.clone()),
                Unsaid::Event(event) => self.store.record(event.clone()),
            };
            if said.is_err() {
                return shard.unsaid.push_front(unsaid);
            }
        }
    }

    fn now(&self) -> Now {
        Now { wall: self.clock.now(), mono: Instant::now() }
    }
}

/// One connected device, as the device port drives it. Dropping it makes the device leave.
#[derive(Debug)]
pub(crate) struct Connection<L: Log = Store> {
    hub: Arc<Hub<L>>,
    core: usize,
    pub(crate) device: u64,
    epoch: u64,
}

impl<L: Log> Connection<L> {
    /// `None` when this connection has been taken over or sent away.
    fn with<T>(&self, work: impl FnOnce(&mut Session, &mut Effects) -> T) -> Option<T> {
        self.hub
            .on_shard(self.core, |shard, effects| shard.with_session(self.device, self.epoch, effects, work))
    }

    /// Lets `write` have what may be sent now; `waker` is woken when there is more.
    pub(crate) fn pump(
        &self,
        waker: &Waker,
        has_room: bool,
        write: &mut dyn FnMut(&Outgoing<'_>) -> Fit,
    ) -> Option<Timers> {
        self.with(|session, effects| {
            session.set_waker(waker);
            if session.has_turns() {
                let now = self.hub.now();
                session.channels.let_go(now);
                if has_room {
                    session.pump(now, effects, write);
                }
            }
            Timers { silent_at: session.silent_at(), unpause_at: session.next_unpause() }
        })
    }

    pub(crate) fn acknowledge(&self, packet_id: u16, refused: bool) {
        self.with(|session, effects| session.acknowledge(packet_id, refused, effects));
    }

    /// Whether the device says that it saves power; it doesn't until it has said so. Answers what was held till now, in the
    /// order in which it goes out: each row shall be read and [released](Self::release).
    pub(crate) fn set_saves_power(&self, saves: bool) -> Vec<(Whose, u64)> {
        let now = self.hub.clock.now();
        self.with(|session, effects| session.set_saves_power(saves, now, effects)).unwrap_or_default()
    }

    /// What was held for a registration goes out, if it still is the one; `row` is `None` when it had ended.
    pub(crate) fn release(&self, whose: Whose, seq: u64, row: Option<Arc<Notification>>) {
        self.with(|session, effects| session.release(whose, seq, row, effects));
    }

    /// Remembers which registrations let the connection time out.
    pub(crate) fn note_silence(&self) {
        let silent = self.with(|session, _| session.silent(self.hub.now()));
        for key in silent.unwrap_or_default() {
            self.hub.silences.note(key);
        }
    }

    pub(crate) fn registered(&self) -> usize {
        self.with(|session, _| session.registered()).unwrap_or(0)
    }

    /// A registration that this connection holds.
    pub(crate) fn held(
        &self,
        environment: Environment,
        topic_no: u32,
        instance: Option<&str>,
    ) -> Option<Whose> {
        self.with(|session, _| {
            let slot = session.find_name(environment, topic_no, instance)?;
            session.registration(slot).map(|held| held.whose)
        })?
    }

    pub(crate) fn expect(&self, environment: Environment, topic_no: u32) {
        self.with(|session, _| session.expect(environment, topic_no));
    }

    pub(crate) fn expect_no_more(&self, environment: Environment, topic_no: u32) {
        self.with(|session, _| session.expect_no_more(environment, topic_no));
    }

    pub(crate) fn subscribe(&self, mut subscription: Subscription) {
        subscription.wait = self.hub.silences.wait(&subscription.whose.key);
        self.with(|session, effects| session.subscribe(subscription, self.hub.now(), effects));
    }

    /// From here on what is broadcast on the channel is sent here; `false` when it has as many as it may.
    pub(crate) fn subscribe_channel(&self, channel_no: u32, filter: &str) -> bool {
        let whose = (self.device, self.epoch);
        self.hub.on_shard(self.core, |shard, _| shard.subscribe_channel(whose, channel_no, filter))
    }

    /// Whether it had subscribed.
    pub(crate) fn unsubscribe_channel(&self, filter: &str) -> bool {
        let whose = (self.device, self.epoch);
        self.hub.on_shard(self.core, |shard, _| shard.unsubscribe_channel(whose, filter))
    }

    /// The message that a channel has kept, for a device that has just subscribed.
    pub(crate) fn offer(&self, broadcast: &Arc<Broadcast>) {
        self.with(|session, effects| session.arrive_broadcast(broadcast, effects));
    }

    pub(crate) fn say_token_again(&self, key: &RegistrationKey, token: [u8; 32]) {
        self.with(|session, effects| {
            if let Some(slot) = session.find(key) {
                session.say_token_again(slot, token, effects);
            }
        });
    }

    /// Stops serving a registration that is about to end.
    pub(crate) fn unsubscribe(&self, environment: Environment, topic_no: u32, instance: Option<&str>) {
        self.with(|session, effects| {
            if let Some(slot) = session.find_name(environment, topic_no, instance) {
                session.unsubscribe(slot, effects);
            }
        });
    }

    /// The registration of this topic to which `seq` was sent on this connection, if it is remembered.
    pub(crate) fn sent_to(
        &self,
        environment: Environment,
        topic_no: u32,
        seq: u64,
    ) -> Option<RegistrationKey> {
        self.with(|session, _| session.sent_to(environment, topic_no, seq))?
    }
}

impl<L: Log> Drop for Connection<L> {
    fn drop(&mut self) {
        let (device, epoch) = (self.device, self.epoch);
        let now = self.hub.clock.now();
        let leave =
            |shard: &mut Shard, effects: &mut Effects| shard.leave((device, epoch), None, now, effects);
        let was_there = self.hub.on_shard(self.core, leave);
        if was_there {
            self.hub.presence.go(device, epoch);
        }
    }
}
