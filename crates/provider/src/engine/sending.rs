//! A lane: sends the notifications of one app in one environment over one connection at a time.
//!
//! It claims a few hundred, hands them over one by one through the gate, keeps as many under way as the push service
//! takes, and settles in batches, all in turns with the store's writer. What isn't settled when the process dies is
//! claimed again after the start, and goes out under the same `apns-id`.

mod connection;
mod retry;
mod settle;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use homing_apns_client::Client;
use homing_clock::Agenda;
use homing_trace::UnixMillis;
use tokio::sync::watch;
use tokio::time::Instant;

use super::apps::Answer;
use super::lanes::{Destination, LaneParts};
use super::{random_u64, told_to_stop};
use connection::Connection;
use retry::{Outcome, Try, Verdict};
use settle::Settled;
use turn::{Asked, Claimed, Given};

pub(super) use connection::pause_after;
pub(super) use turn::first_place;

/// Notifications under way at a time, at most.
const IN_FLIGHT: usize = 256;
/// Claimed notifications, under way or not.
const CLAIMED: usize = 2 * IN_FLIGHT;
/// How long answers are waited for when the lane stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Why a notification failed that was never tried.
const NOT_IN_TIME: &str = "not-sent-in-time";
/// Before the next turn when the store couldn't.
const STORE_PAUSE: Duration = Duration::from_millis(200);

/// A notification that was tried.
struct Tried {
    claimed: Claimed,
    client: Arc<Client>,
    outcome: Outcome,
    sent_at: UnixMillis,
}

type Turn = BoxFuture<'static, (Arc<Vec<Settled>>, Answer<Given>)>;

struct Lane {
    parts: LaneParts,
    destination: watch::Receiver<Arc<Destination>>,
    /// `None` without a usable credential.
    connection: Option<Connection>,
    waiting: VecDeque<Claimed>,
    in_flight: FuturesUnordered<BoxFuture<'static, Tried>>,
    /// Claimed and not yet settled in the store.
    held: HashSet<i64>,
    settled: Vec<Settled>,
    turn: Option<Turn>,
    /// Something may be claimed, once there is room.
    wants: bool,
    /// A turn is needed even if nothing can be claimed.
    looks: bool,
    next: Option<UnixMillis>,
    /// How often it had been woken when it looked last.
    wakes: u64,
    /// No turn before: the store couldn't.
    pause: Option<Instant>,
    /// Nothing more is claimed.
    leaving: bool,
}

enum Event {
    Tried(Box<Tried>),
    Turned(Arc<Vec<Settled>>, Answer<Given>),
    Connection(Result<(), homing_apns_client::ConnectError>),
    Destination,
    /// There is something new, or it is time.
    Look,
    Resume,
    Stop,
}

/// Sends until `stop` says true or nobody is left to say it.
pub(super) async fn run(
    parts: LaneParts,
    destination: watch::Receiver<Arc<Destination>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut lane = Lane {
        parts,
        destination,
        connection: None,
        waiting: VecDeque::new(),
        in_flight: FuturesUnordered::new(),
        held: HashSet::new(),
        settled: Vec::new(),
        turn: None,
        wants: true,
        looks: true,
        next: None,
        wakes: 0,
        pause: None,
        leaving: false,
    };
    lane.set_destination();
    loop {
        lane.hand_over();
        lane.begin_turn();
        lane.plan();
        let event = lane.event(&mut stop).await;
        if !lane.take(event) {
            return lane.end().await;
        }
    }
}

impl Lane {
    /// When it looks again by itself.
    fn next(&self) -> Option<UnixMillis> {
        let overdue = self.waiting.iter().map(|claimed| claimed.push.deadline).min();
        self.next.into_iter().chain(overdue).min()
    }

    /// Says what it has to do. While nobody can be reached, it has time.
    fn plan(&self) {
        let connecting = self.connection.as_ref().filter(|_| !self.waiting.is_empty());
        let pauses = connecting.and_then(Connection::pauses_until);
        let connects = connecting.is_some() && pauses.is_none();
        let at_work = self.turn.is_some() || !self.in_flight.is_empty() || connects;
        let next = self.next().into_iter().chain(pauses).min();
        self.parts.state.plan(Agenda { next, at_work: at_work && self.pause.is_none() }, self.wakes);
    }

    async fn event(&mut self, stop: &mut watch::Receiver<bool>) -> Event {
        let (next, pause) = (self.next(), self.pause);
        let connects = !self.waiting.is_empty();
        let clock = self.parts.clock.clone();
        let due = async {
            match next {
                Some(next) => clock.sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        let resume = async {
            match pause {
                Some(pause) => tokio::time::sleep_until(pause).await,
                None => std::future::pending().await,
            }
        };
        let advance = async {
            match &mut self.connection {
                Some(connection) if connects => connection.advance().await,
                Some(_) | None => std::future::pending().await,
            }
        };
        let turned = async {
            match &mut self.turn {
                Some(turn) => turn.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told_to_stop(stop) => Event::Stop,
            Some(tried) = self.in_flight.next(), if !self.in_flight.is_empty() => Event::Tried(Box::new(tried)),
            (settled, given) = turned => Event::Turned(settled, given),
            result = advance => Event::Connection(result),
            changed = self.destination.changed() => if changed.is_ok() { Event::Destination } else { Event::Stop },
            () = self.parts.state.woken() => Event::Look,
            () = due => Event::Look,
            () = resume => Event::Resume,
        }
    }

    /// Whether it goes on.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Tried(tried) => self.judge(*tried),
            Event::Turned(settled, given) => {
                self.turn = None;
                self.turned(settled, given);
            }
            Event::Connection(Ok(())) => {}
            Event::Connection(Err(error)) => {
                tracing::warn!(lane = self.parts.lane, %error, "can't connect to the push service; trying again");
                self.set_trouble(Some(error.to_string()));
            }
            Event::Destination => self.set_destination(),
            Event::Look => {
                self.wakes = self.parts.state.wakes();
                (self.wants, self.looks, self.next) = (true, true, None);
                self.give_up_waiting();
            }
            Event::Resume => self.pause = None,
            Event::Stop => return false,
        }
        true
    }

    /// As many as the push service takes.
    fn hand_over(&mut self) {
        let Some(client) = self.connection.as_mut().and_then(Connection::client) else { return };
        while self.in_flight.len() < client.concurrency().min(IN_FLIGHT) {
            let Some(claimed) = self.waiting.pop_front() else { return };
            if claimed.push.deadline <= self.parts.clock.now() {
                self.settled.push(overdue(&claimed, self.parts.clock.now()));
                continue;
            }
            let (client, standings) = (Arc::clone(client), self.parts.standings.clone());
            let clock = self.parts.clock.clone();
            self.in_flight.push(Box::pin(async move {
                let sent_at = clock.now();
                let environment = claimed.push.environment;
                let gate = || standings.admit(claimed.installation_no, claimed.user.as_deref(), environment);
                let outcome = Outcome::of(client.send_if(claimed.request(), gate).await);
                Tried { claimed, client, outcome, sent_at }
            }));
        }
    }

    fn judge(&mut self, tried: Tried) {
        let Tried { claimed, client, outcome, sent_at } = tried;
        if let Some(connection) = &mut self.connection {
            if outcome.is_answer() {
                connection.answered();
            }
            if outcome.ends_connection() {
                tracing::debug!(lane = self.parts.lane, ?outcome, "the connection is left");
                connection.leave(&client);
            }
        }
        if let Some(way) = outcome.way() {
            self.set_trouble(way.err());
        }
        let sent_at = outcome.is_sent().then_some(sent_at);
        let now = self.parts.clock.now();
        let deadline = claimed.push.deadline;
        let verdict = Try { before: claimed.attempts, now, deadline, dice: random_u64() }.judge(outcome);
        let Claimed { of, installation_no, .. } = claimed;
        self.settled.push(Settled { of, installation_no, sent_at, at: now, verdict });
    }

    /// What waits for a connection longer than it may.
    fn give_up_waiting(&mut self) {
        let now = self.parts.clock.now();
        for claimed in std::mem::take(&mut self.waiting) {
            if claimed.push.deadline <= now {
                self.settled.push(overdue(&claimed, now));
            } else {
                self.waiting.push_back(claimed);
            }
        }
    }

    fn begin_turn(&mut self) {
        let held = self.held.len() - self.settled.len();
        let room = if self.leaving { 0 } else { CLAIMED.saturating_sub(held) };
        let asks = self.looks || !self.settled.is_empty() || (self.wants && room > 0);
        if self.turn.is_some() || self.pause.is_some() || !asks {
            return;
        }
        let settled = Arc::new(std::mem::take(&mut self.settled));
        let mut held = self.held.clone();
        for settled in settled.iter() {
            held.remove(&settled.of.notification_no);
        }
        let asked = Asked {
            lane: self.parts.lane,
            settled: Arc::clone(&settled),
            held,
            room,
            place: self.parts.state.place.load(Ordering::Relaxed),
            standings: self.parts.standings.clone(),
            changes: self.parts.changes.clone(),
        };
        (self.wants, self.looks) = (false, false);
        let store = self.parts.store.clone();
        self.turn = Some(Box::pin(async move {
            let given = store.write(move |scope| asked.take(scope)).await;
            (settled, given)
        }));
    }

    fn turned(&mut self, settled: Arc<Vec<Settled>>, given: Answer<Given>) {
        let given = match given {
            Ok(given) => given,
            Err(error) => {
                tracing::error!(lane = self.parts.lane, %error, "what was sent can't be written down; trying again");
                self.settled.extend(settled.iter().cloned());
                (self.wants, self.looks) = (true, true);
                self.pause = Some(Instant::now() + STORE_PAUSE);
                return;
            }
        };
        for settled in settled.iter() {
            self.held.remove(&settled.of.notification_no);
        }
        self.parts.standings.unwatch(settled.iter().map(|settled| settled.installation_no));
        self.held.extend(given.claimed.iter().map(|claimed| claimed.of.notification_no));
        // Room was left: there was nothing more.
        self.wants |=
            self.held.len() >= CLAIMED || given.next.is_some_and(|next| next <= self.parts.clock.now());
        self.parts.state.place.fetch_max(given.place, Ordering::Relaxed);
        self.next = given.next;
        self.waiting.extend(given.claimed);
    }

    /// Those who watch the pushes that wait hear of it.
    fn set_trouble(&self, trouble: Option<String>) {
        if !self.parts.state.set_trouble(trouble) {
            return;
        }
        let waiting: HashSet<_> = self.waiting.iter().map(|claimed| claimed.push.names()).collect();
        for (bundle_id, push_id) in waiting {
            self.parts.changes.tell(bundle_id, push_id);
        }
    }

    fn set_destination(&mut self) {
        let destination = Arc::clone(&self.destination.borrow_and_update());
        match &destination.config {
            Ok(config) => {
                self.connection = Some(Connection::new(config.clone(), self.parts.clock.clone()));
                self.set_trouble(None);
            }
            Err(why) => {
                self.connection = None;
                self.set_trouble(Some(why.clone()));
            }
        }
    }

    /// Lets answers come in for a moment, and writes down what is known.
    async fn end(mut self) {
        let until = Instant::now() + LAST_ANSWERS;
        while let Ok(Some(tried)) = tokio::time::timeout_at(until, self.in_flight.next()).await {
            self.judge(tried);
        }
        if let Some(turn) = self.turn.take() {
            let (settled, given) = turn.await;
            self.turned(settled, given);
        }
        (self.wants, self.looks, self.pause, self.leaving) = (false, false, None, true);
        self.begin_turn();
        if let Some(turn) = self.turn.take() {
            let (settled, given) = turn.await;
            self.turned(settled, given);
        }
        self.parts.standings.unwatch(self.waiting.iter().map(|claimed| claimed.installation_no));
    }
}

/// Its deadline came before its next try.
fn overdue(claimed: &Claimed, at: UnixMillis) -> Settled {
    let why = claimed.last_reason.clone().unwrap_or_else(|| NOT_IN_TIME.to_owned());
    let verdict = Verdict::Failed { why };
    Settled { of: claimed.of, installation_no: claimed.installation_no, sent_at: None, at, verdict }
}
