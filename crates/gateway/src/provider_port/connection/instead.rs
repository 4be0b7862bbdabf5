//! What testers asked for on a connection: faults instead of answers, and notes for the journal. Which request is hit is
//! decided in `crate::testers`; what that does to the connection is decided here.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::SendResponse;
use homing_apns::{Reason, Refusal, RequestHeaders};
use homing_trace::{Stage, UnixMillis};
use http::HeaderValue;
use http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use super::super::admission::{Head, Known, Moment, Refusing};
use super::super::answer;
use super::super::channels::Unread;
use super::super::channels::instead::{TOLD, Testing as TestingOfChannels, Told};
use super::super::preface::{Signs, announced};
use super::ending::{LEAVE_WITHIN, Leaving};
use super::{Asked, Connection, Reading, Waiting};
use crate::notification::{Outcome, RegistrationKey};
use crate::store::StageEvent;
use crate::testers::{Answer, Effect, Instead, Interface, Noted, Testers, Unanswered};

/// Streams that are left without an answer. The client's limit of streams is reached before, unless it resets them.
const SILENT: usize = 1_000;

/// One connection's share.
pub(super) struct Testing {
    testers: Arc<Testers>,
    /// Its number in the journal.
    connection: u64,
    /// Answers that wait, by slot, and what wakes the connection when the next is due.
    late: Vec<(Instant, u32, Outcome)>,
    due: Option<Pin<Box<Sleep>>>,
    /// Kept, since a stream that is let go of is reset.
    silent: VecDeque<SendResponse<Bytes>>,
    /// What requests about channels that were hit want of it.
    told: (mpsc::Sender<Told>, mpsc::Receiver<Told>),
    /// One stream is to be announced.
    is_to_narrow: bool,
    /// It is being sent away: what comes now isn't looked at.
    pub(super) is_away: bool,
    /// It ends at once.
    pub(super) is_cut: bool,
}

/// What is left of a request that was hit.
pub(super) enum Kept {
    /// It goes on, to be answered not before this moment.
    Here(Box<(Asked, Head)>, Option<Instant>),
    Gone,
}

impl Testing {
    pub(super) fn new(testers: &Arc<Testers>) -> Self {
        Self {
            testers: Arc::clone(testers),
            connection: testers.journal.connection(),
            late: Vec::new(),
            due: None,
            silent: VecDeque::new(),
            told: mpsc::channel(TOLD),
            is_to_narrow: false,
            is_away: false,
            is_cut: false,
        }
    }

    /// Never answers a stream.
    pub(super) fn ignore(&mut self, respond: SendResponse<Bytes>) {
        if self.silent.len() >= SILENT {
            self.silent.pop_front();
        }
        self.silent.push_back(respond);
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// What the journal is to say of a request, where there is one.
    pub(super) fn note(
        &self,
        parts: &Parts,
        headers: &RequestHeaders<'_>,
        now: Moment,
    ) -> Option<Box<Noted>> {
        let testing = self.testing.as_ref()?;
        let mut asked = crate::testers::Asked {
            interface: "http2",
            connection: testing.connection,
            environment: Some(self.admission.environment()),
            credential: self.admission.credential(headers),
            ..crate::testers::Asked::default()
        };
        asked.take_head(parts);
        Some(Noted::new(asked, now.at))
    }

    /// Tells the journal what a request was answered: status, reason of a refusal, `apns-unique-id`.
    pub(super) fn conclude(
        &self,
        asked: &mut Asked,
        (status, refusal, unique_id): (u16, Option<&Refusal>, Option<&HeaderValue>),
        known: &Known,
    ) {
        if asked.noted.is_none() {
            return;
        }
        if let Some(why) = gone(&mut asked.respond) {
            return self.conclude_without(asked, why, known);
        }
        let answer = Answer {
            status: Some(status),
            reason: refusal.map(|refusal| refusal.reason.as_str().to_owned()),
            timestamp: refusal.and_then(|refusal| refusal.timestamp).map(|at| at.0),
            apns_id: Some(text(&asked.apns_id)),
            apns_unique_id: unique_id.map(text),
            ..Answer::default()
        };
        self.conclude_with(asked, Some(answer), known);
    }

    fn conclude_with(&self, asked: &mut Asked, answer: Option<Answer>, known: &Known) {
        let (Some(testing), Some(noted)) = (&self.testing, asked.noted.take()) else { return };
        let topic = known.topic.as_ref().map(homing_apns::Topic::as_str);
        testing.testers.journal.write(*noted, known.team.as_deref(), topic, answer);
    }

    /// Tells the journal why a request gets no answer.
    fn conclude_without(&self, asked: &mut Asked, why: Unanswered, known: &Known) {
        if let Some(noted) = &mut asked.noted {
            noted.unanswered = Some(why);
        }
        self.conclude_with(asked, None, known);
    }

    /// Tells the journal of a request whose body will never be complete.
    pub(super) fn conclude_cut(&self, reading: Reading, error: &h2::Error) {
        tracing::debug!(%error, "a request ended within its body");
        let Reading { mut asked, head, body, .. } = reading;
        let Some(noted) = &mut asked.noted else { return };
        noted.asked.payload = Bytes::copy_from_slice(body.start());
        let why = if error.is_reset() { Unanswered::ResetInBody } else { Unanswered::Closed };
        self.conclude_without(&mut asked, why, &known(head));
    }

    /// Tells the journal of the requests that get no answer, since the connection has ended.
    pub(super) fn conclude_rest(&mut self) {
        if self.testing.is_none() {
            return;
        }
        self.conclude_unread();
        for Waiting { mut asked, head, .. } in std::mem::take(&mut self.waiting).into_iter().flatten() {
            self.conclude_without(&mut asked, Unanswered::Closed, &head.into());
        }
    }

    /// Lets go of those whose bodies aren't complete.
    fn conclude_unread(&mut self) {
        for Reading { mut asked, head, .. } in std::mem::take(&mut self.reading) {
            self.conclude_without(&mut asked, Unanswered::Closed, &known(head));
            asked.respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
    }

    /// What a request in order gets instead of its answer, mostly nothing.
    pub(super) fn instead(&self, registration: &RegistrationKey, now: Moment) -> Option<Instead> {
        self.testing.as_ref()?.testers.instead(Interface::Http2, registration, now.at)
    }

    /// Lets a request have what it gets.
    pub(super) fn have(&mut self, instead: Instead, mut asked: Asked, head: Head, now: Moment) -> Kept {
        let effect = match instead {
            Instead::Marked(mark) => {
                mark_as(&mut asked, mark.word());
                self.refuse(asked, mark.refusal(), head.into(), now);
                return Kept::Gone;
            }
            Instead::Fault(hit) => hit.effect,
        };
        mark_as(&mut asked, effect.word());
        match effect {
            Effect::Delay(by) => Kept::Here(Box::new((asked, head)), Some(now.instant + by)),
            Effect::OneStream => {
                if let Some(testing) = &mut self.testing {
                    testing.is_to_narrow = true;
                }
                Kept::Here(Box::new((asked, head)), Some(now.instant))
            }
            spoils @ (Effect::Refuse { .. }
            | Effect::Silence
            | Effect::Reset(_)
            | Effect::GoAway(_)
            | Effect::Drop
            | Effect::LegacyStatus(_)
            | Effect::LegacyClose) => {
                self.spoil(spoils, asked, &head.into(), now);
                Kept::Gone
            }
        }
    }

    /// Ends a request that isn't taken.
    fn spoil(&mut self, effect: Effect, mut asked: Asked, known: &Known, now: Moment) {
        if let Effect::Refuse { status, reason, retry_after } = effect {
            let refusal = wished(reason, status, now.at);
            self.note_refusal(&asked, Some(&refusal), known, now);
            self.conclude(&mut asked, (status, Some(&refusal), None), known);
            return answer::refuse_as(&mut asked.respond, asked.apns_id, &refusal, (status, retry_after));
        }
        self.note_refusal(&asked, None, known, now);
        self.conclude_with(&mut asked, None, known);
        self.break_off(effect, asked.respond, now);
    }

    /// Ends a stream, or its connection, without an answer.
    fn break_off(&mut self, effect: Effect, mut respond: SendResponse<Bytes>, now: Moment) {
        let Some(testing) = &mut self.testing else { return };
        match effect {
            Effect::Reset(code) => respond.send_reset(code.into()),
            Effect::Drop => {
                // Letting go of it would reset it first.
                testing.ignore(respond);
                testing.is_cut = true;
            }
            Effect::GoAway(reason) => {
                testing.is_away = true;
                let stream = u32::from(respond.stream_id());
                // So that its client knows: it wasn't looked at.
                if self.last_stream == stream {
                    self.last_stream = stream.saturating_sub(2);
                    testing.ignore(respond);
                } else {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
                self.conclude_unread();
                self.end_unread_channel_requests(Unread::Reset);
                self.leaving = Some(Leaving { reason, by: now.instant + LEAVE_WITHIN });
            }
            // The others are for another interface, or were let go on.
            Effect::Silence
            | Effect::Refuse { .. }
            | Effect::Delay(_)
            | Effect::OneStream
            | Effect::LegacyStatus(_)
            | Effect::LegacyClose => testing.ignore(respond),
        }
    }

    /// What a request about channels has of this, where there is a journal.
    pub(super) fn testing_of_channels(&self, noted: Box<Noted>) -> Option<Box<TestingOfChannels>> {
        let testing = self.testing.as_ref()?;
        let (testers, connection) = (Arc::clone(&testing.testers), testing.told.0.clone());
        Some(Box::new(TestingOfChannels { testers, noted, connection }))
    }

    /// Does what requests about channels that were hit want of their connection. Tells whether there were any.
    pub(super) fn hear_channels(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let mut heard = false;
        while let Some(testing) = &mut self.testing
            && let Poll::Ready(Some(Told { effect, left })) = testing.told.1.poll_recv(cx)
        {
            heard = true;
            match left {
                Some((respond, _pending)) => self.break_off(effect, respond, now),
                None => testing.is_to_narrow = true,
            }
        }
        heard
    }

    /// Announces one stream where that is to be said; see [`Connection::widen`].
    pub(super) fn narrow(&mut self, signs: &Signs) {
        let Some(testing) = self.testing.as_mut().filter(|testing| testing.is_to_narrow) else { return };
        if signs.is_writing.load(Ordering::Relaxed) {
            return;
        }
        signs.is_narrow.store(true, Ordering::Relaxed);
        if self.h2.set_initial_window_size(announced::INITIAL_WINDOW_SIZE).is_ok() {
            testing.is_to_narrow = false;
        }
    }

    /// Holds an answer back whose time hasn't come. Its notification is in the trace as what it is.
    pub(super) fn unless_early(
        &mut self,
        mut waiting: Waiting,
        slot: u32,
        outcome: Outcome,
        now: Moment,
    ) -> Option<Waiting> {
        let Some(due) = waiting.not_before.take() else { return Some(waiting) };
        let injected = waiting.asked.noted.as_ref().and_then(|noted| noted.injected.clone());
        if let Outcome::Accepted { seq } = outcome {
            let registration = waiting.registration;
            let stage = Stage::Injected;
            let event = StageEvent::Reached { seq, registration, stage, reason: injected, at: now.at };
            if self.port.store.record(event).is_err() {
                tracing::debug!("no room to write down a fault");
            }
        }
        match &mut self.testing {
            Some(testing) if due > now.instant => {
                testing.late.push((due, slot, outcome));
                self.waiting[slot as usize] = Some(waiting);
                None
            }
            Some(_) | None => Some(waiting),
        }
    }

    /// Lets the answers go that are due, or that nobody waits for any more. Tells whether there were any; if not, the connection is woken when one is.
    pub(super) fn release(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let Some(testing) = &mut self.testing else { return false };
        let mut is_gone = |slot: u32| match self.waiting.get_mut(slot as usize) {
            Some(Some(waiting)) => waiting.asked.respond.poll_reset(cx).is_ready(),
            Some(None) | None => false,
        };
        let due = testing.late.extract_if(.., |(due, slot, _)| *due <= now.instant || is_gone(*slot));
        let before = self.outcomes.len();
        self.outcomes.extend(due.map(|(_, slot, outcome)| (slot, outcome)));
        if let Some(next) = testing.late.iter().map(|(due, ..)| *due).min() {
            let due = testing.due.get_or_insert_with(|| Box::pin(sleep_until(next)));
            due.as_mut().reset(next);
            if due.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        self.outcomes.len() > before
    }
}

fn known(head: Result<Head, Refusing>) -> Known {
    head.map_or_else(|refusing| refusing.known, Known::from)
}

/// Why nobody hears an answer any more, where that is so. Nothing is woken by it.
pub(in crate::provider_port) fn gone(respond: &mut SendResponse<Bytes>) -> Option<Unanswered> {
    match respond.poll_reset(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(_)) => Some(Unanswered::Reset),
        Poll::Ready(Err(_)) => Some(Unanswered::Closed),
        Poll::Pending => None,
    }
}

/// A refusal that a tester wished for: under 410 clients read since when.
pub(in crate::provider_port) fn wished(reason: Reason, status: u16, now: UnixMillis) -> Refusal {
    Refusal { reason, timestamp: (status == 410).then_some(now) }
}

/// A header's value, as the journal shows it.
pub(in crate::provider_port) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn mark_as(asked: &mut Asked, word: homing_trace::Reason) {
    if let Some(noted) = &mut asked.noted {
        noted.injected = Some(word);
    }
}
