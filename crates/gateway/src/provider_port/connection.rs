//! One provider connection: a single task that takes requests, reads their bodies, hands admitted ones to the hub and writes
//! the answers, in whatever order they come. Whether a request is admitted is decided in `admission`; streams of receipts and
//! requests about channels run beside it, see `receipts` and `channels`.

mod ending;
pub(super) mod instead;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use homing_apns::{ChannelRequest, DeviceTokenHex, Reason, Refusal, RequestHeaders, receipts};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use super::ProviderPort;
use super::admission::{Admission, Body, Head, Known, Moment, Refusing};
use super::answer::{self, Labels};
use super::channels::{Asked as AskedOfChannels, Names, Unread};
use super::preface::{Signs, announced};
use super::receipts::{Stream, Streams};
use crate::centre::Directory;
use crate::notification::{Mailbox, Outcome, RegistrationKey, ReplyTo, Submission};
use crate::store::BadCursor;
use crate::testers::{Noted, without_tokens};
pub(super) use ending::End;
use ending::{AGE_WITHIN, Going, Leaving, STOP_WITHIN};
pub(super) use instead::gone;
use instead::{Kept, Testing};

/// Requests of one connection that may wait for their outcome. More than streams, since a client may reset a stream whose
/// notification is on its way.
const WAITING: usize = 2 * announced::MAX_CONCURRENT_STREAMS as usize;
/// Bytes of a body that are kept: the largest payload.
pub(super) const BODY_KEPT: usize = 5120;
/// Bytes of a body that are read away before the refusal is sent without waiting for its end.
pub(super) const BODY_READ: usize = 64 * 1024;
/// How often slow bodies and silent connections are looked for, at least.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Characters kept of a label that is no UUID.
const LABEL_KEPT: usize = 64;

/// A request that wants an answer.
struct Asked {
    respond: SendResponse<Bytes>,
    /// What the answer carries: as sent, or made here.
    apns_id: HeaderValue,
    uri: Uri,
    /// Its answer has no body.
    is_head: bool,
    /// What the journal is told once it is answered, where there is one.
    noted: Option<Box<Noted>>,
}

impl Asked {
    /// The token in the path, whatever it is worth.
    fn token(&self) -> Option<&str> {
        homing_apns::device_token_in_path(self.uri.path()).ok()
    }
}

/// A request whose body isn't complete.
struct Reading {
    asked: Asked,
    /// What the head came to; a refusal is said after the body too, so that no client is cut off while it sends.
    head: Result<Head, Refusing>,
    stream: RecvStream,
    body: Body,
    since: Instant,
}

/// A request that the hub has.
struct Waiting {
    asked: Asked,
    head: Head,
    registration: RegistrationKey,
    /// Before then it isn't answered.
    not_before: Option<Instant>,
}

pub(super) struct Connection<T> {
    h2: h2::server::Connection<T, Bytes>,
    port: Arc<ProviderPort>,
    core: usize,
    admission: Admission,
    labels: Labels,
    mailbox: Arc<Mailbox>,
    reading: Vec<Reading>,
    /// By slot; see [`ReplyTo`].
    waiting: Vec<Option<Waiting>>,
    free: Vec<u32>,
    outcomes: Vec<(u32, Outcome)>,
    streams: Streams,
    /// Each request about channels listens until it is answered; made for the first.
    channel_requests: Option<watch::Sender<Option<Unread>>>,
    last_stream: u32,
    /// Streams that are allowed until it is known who speaks here; `None` once all are.
    first_streams: Option<u16>,
    /// Whether the client is still to be told that all are.
    is_to_widen: bool,
    going: Option<Going>,
    leaving: Option<Leaving>,
    changes: watch::Receiver<Arc<Directory>>,
    stop: watch::Receiver<bool>,
    /// What testers asked for on this connection.
    testing: Option<Box<Testing>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    pub(super) fn new(
        h2: h2::server::Connection<T, Bytes>,
        port: Arc<ProviderPort>,
        core: usize,
        admission: Admission,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let changes = admission.changes();
        let first_streams = port.rules.first_streams;
        let is_limited = u32::from(first_streams) < announced::MAX_CONCURRENT_STREAMS;
        let first_streams = (is_limited && !admission.is_authenticated()).then_some(first_streams);
        let testing = port.testers.as_ref().map(|testers| Box::new(Testing::new(testers)));
        Self {
            h2,
            port,
            core,
            admission,
            labels: Labels::new(),
            mailbox: Arc::default(),
            reading: Vec::new(),
            waiting: Vec::new(),
            free: Vec::new(),
            outcomes: Vec::new(),
            streams: Streams::default(),
            channel_requests: None,
            last_stream: 0,
            first_streams,
            is_to_widen: false,
            going: None,
            leaving: None,
            changes,
            stop,
            testing,
        }
    }

    /// Serves the connection until it ends: by its client, by an error, by silence, after its credential was revoked, or
    /// after `stop` when all is answered.
    pub(super) async fn run(mut self, signs: &Signs) -> Result<End, h2::Error> {
        let mut stop = self.stop.clone();
        let mut changes = self.changes.clone();
        let mut is_stopping = false;
        let (look_every, old_at) = self.patience();
        let mut last_heard = Instant::now();
        loop {
            let look = Instant::now() + look_every;
            // Once it leaves, the time to go is over and says nothing more.
            let ends = self.leaving.as_ref().map(|leaving| leaving.by);
            let ends = ends.or_else(|| self.going.as_ref().map(|going| going.looks_at()));
            let look = ends.map_or(look, |by| look.min(by));
            tokio::select! {
                biased;
                ended = poll_fn(|cx| self.poll(cx, signs)) => {
                    self.conclude_rest();
                    return ended;
                }
                // The next round of the loop looks at what it was.
                Ok(()) = changes.changed() => {}
                // A closed channel means the same as `true`.
                _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                    is_stopping = true;
                    self.go(STOP_WITHIN, true);
                }
                () = tokio::time::sleep_until(look) => {
                    self.give_up_slow_bodies(look);
                    // A stream whose reader is gone or doesn't read ends by itself.
                    // One that goes has its own time.
                    let is_going = self.going.is_some();
                    if is_going || signs.heard.swap(false, Ordering::Relaxed) || self.streams.are_open() {
                        last_heard = look;
                    } else if look >= last_heard + self.port.rules.idle && self.leaving.is_none() {
                        self.leave(Reason::IdleTimeout, self.moment());
                    }
                    if look >= old_at && self.going.is_none() {
                        self.go(AGE_WITHIN, false);
                    }
                }
            }
        }
    }

    /// How often to look at the time, and when the connection is old: not all at once, so that not all come again at once.
    fn patience(&self) -> (Duration, Instant) {
        let rules = &self.port.rules;
        let shortest = rules.idle.min(rules.age).min(rules.body) / 4;
        let chance = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        let age = rules.age.mul_f64(1.0 - chance / 10.0);
        (LOOK_EVERY.min(shortest).max(Duration::from_millis(10)), Instant::now() + age)
    }

    /// Allows all streams once it is known who speaks here. It is said by another setting of `h2`'s, which the editor turns
    /// into this one; `h2` has no way to, and takes one at a time.
    fn widen(&mut self) {
        if self.first_streams.is_some() && self.admission.is_authenticated() {
            self.first_streams = None;
            self.is_to_widen = true;
        }
        if self.is_to_widen && self.h2.set_initial_window_size(announced::INITIAL_WINDOW_SIZE).is_ok() {
            self.is_to_widen = false;
        }
    }

    /// Ready when the connection has ended.
    fn poll(&mut self, cx: &mut Context<'_>, signs: &Signs) -> Poll<Result<End, h2::Error>> {
        let now = self.moment();
        self.admission.refresh();
        if self.leaving.is_none()
            && let Some(reason) = self.admission.dismissed(now)
        {
            self.leave(reason, now);
        }
        self.go_on(signs, now);
        loop {
            self.widen();
            self.narrow(signs);
            // This also writes what was answered, hence it comes last before `Pending`, too.
            loop {
                match self.h2.poll_accept(cx) {
                    Poll::Ready(Some(Ok((request, respond)))) => self.take(request, respond, cx, now),
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(None) => return Poll::Ready(Ok(End::Closed)),
                    Poll::Pending => break,
                }
            }
            let refused = self.read_bodies(cx, now);
            let answered = self.mailbox.poll_take(cx, &mut self.outcomes).is_ready()
                | self.release(cx, now)
                | self.hear_channels(cx, now);
            self.answer_outcomes(now);
            if !refused && !answered {
                return self.poll_left(signs, now);
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment::now(self.port.store.clock())
    }

    /// Takes a new request: its head is checked, and its body read as far as it has come.
    fn take(
        &mut self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        cx: &mut Context<'_>,
        now: Moment,
    ) {
        let (parts, stream) = request.into_parts();
        if let Some(testing) = self.testing.as_mut().filter(|testing| testing.is_away) {
            return testing.ignore(respond);
        }
        self.last_stream = self.last_stream.max(respond.stream_id().into());
        let open = self.reading.len() + self.waiting.len() - self.free.len() + self.open_channel_requests();
        if self.first_streams.is_some_and(|most| open >= usize::from(most)) {
            return respond.send_reset(h2::Reason::REFUSED_STREAM);
        }
        let headers = RequestHeaders::read(&parts.headers);
        let channels = ChannelRequest::of(parts.method.as_str(), parts.uri.path());
        let label = if channels.is_some() { headers.request_id.or(headers.apns_id) } else { headers.apns_id };
        let apns_id = match label {
            Some(sent) => sent.clone(),
            None => match self.labels.make() {
                Ok(made) => made,
                Err(error) => {
                    tracing::error!(%error, "the system has no randomness for an apns-id");
                    return respond.send_reset(h2::Reason::INTERNAL_ERROR);
                }
            },
        };
        if let Some(request) = channels {
            let noted = self.note(&parts, &headers, now);
            let stream = (respond, stream, apns_id, noted);
            return self.take_channel_request(request, &parts, &headers, stream, now);
        }
        if parts.uri.path() == receipts::PATH {
            return self.take_receipts(&parts, respond, apns_id, now);
        }
        let head = self.admission.check_head(&parts.method, &parts.uri, &headers, now);
        let noted = self.note(&parts, &headers, now);
        let is_head = parts.method == Method::HEAD;
        let asked = Asked { respond, apns_id, uri: parts.uri, is_head, noted };
        let mut reading = Reading { asked, head, stream, body: Body::default(), since: now.instant };
        match reading.poll(cx) {
            Poll::Pending => self.reading.push(reading),
            Poll::Ready(Ok(())) => self.finish(reading, now),
            Poll::Ready(Err(error)) => self.conclude_cut(reading, &error),
        }
    }

    /// Hands a request about channels over to a task of its own.
    fn take_channel_request(
        &mut self,
        request: Result<ChannelRequest<'_>, Reason>,
        parts: &Parts,
        headers: &RequestHeaders<'_>,
        (respond, stream, request_id, noted): (
            SendResponse<Bytes>,
            RecvStream,
            HeaderValue,
            Option<Box<Noted>>,
        ),
        now: Moment,
    ) {
        let environment = self.admission.environment();
        let head = request.map_err(Refusing::from);
        let head =
            head.and_then(|request| self.admission.check_channel_request(request, &parts.uri, headers, now));
        let names = Names { request_id, apns_id: headers.apns_id.cloned(), unique_id: None };
        let pending = self.channel_requests.get_or_insert_with(watch::Sender::default).subscribe();
        let port = Arc::clone(&self.port);
        let testing = noted.and_then(|noted| self.testing_of_channels(noted));
        let is_head = parts.method == Method::HEAD;
        let asked = AskedOfChannels { port, respond, stream, is_head, names, environment, testing, pending };
        // Not ended with the connection: what is committed must be sent, too.
        drop(tokio::spawn(asked.run(head)));
    }

    /// Begins a stream of receipts, or says why not. What its request may bring along is read away by `h2`. It is about no
    /// notification, so a refusal stands in no trace.
    fn take_receipts(
        &mut self,
        parts: &Parts,
        mut respond: SendResponse<Bytes>,
        apns_id: HeaderValue,
        now: Moment,
    ) {
        let begun = (|| {
            let headers = RequestHeaders::read(&parts.headers);
            let follower = self.admission.check_receipts(&parts.method, &parts.uri, &headers, now)?;
            let cursor = receipts::cursor_in_query(parts.uri.query())?;
            let feed = self.port.store.receipts(self.admission.environment(), cursor);
            let feed = feed.map_err(|BadCursor| Reason::BadRequestParams)?;
            Ok((follower, feed, self.streams.admit(&self.port)?))
        })();
        match begun {
            Ok((follower, feed, _place)) => {
                let Some(body) = answer::stream(&mut respond) else { return };
                let stream = Stream { port: Arc::clone(&self.port), body, feed, follower, _place };
                self.streams.start(stream, self.stop.clone());
            }
            Err(reason) => {
                let is_head = parts.method == Method::HEAD;
                answer::refuse(&mut respond, apns_id, &Refusal::new(reason), is_head);
            }
        }
    }

    /// Reads on where more has come. Tells whether a request was answered here and now.
    fn read_bodies(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let mut ended = false;
        let mut at = 0;
        while at < self.reading.len() {
            match self.reading[at].poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(result) => {
                    ended = true;
                    let reading = self.reading.swap_remove(at);
                    match result {
                        Ok(()) => self.finish(reading, now),
                        Err(error) => self.conclude_cut(reading, &error),
                    }
                }
            }
        }
        ended
    }

    /// The request is here as a whole: it goes to the hub, or is refused.
    fn finish(&mut self, reading: Reading, now: Moment) {
        let Reading { mut asked, head, body, .. } = reading;
        if let Some(noted) = &mut asked.noted {
            noted.asked.payload = Bytes::copy_from_slice(body.start());
        }
        let mut head = match head {
            Ok(head) => head,
            Err(refusing) => return self.refuse(asked, refusing.reason.into(), refusing.known, now),
        };
        let label = asked.apns_id.to_str().unwrap_or_default();
        let checked = if self.waiting.len() - self.free.len() >= WAITING {
            Err(Reason::ServiceUnavailable)
        } else {
            self.admission.check_body(&head, asked.token().unwrap_or_default(), body, label, now)
        };
        let checked = checked.and_then(|(registration, notification)| {
            match self.port.rates.admits(&registration, now.real) {
                true => Ok((registration, notification)),
                false => Err(Reason::TooManyRequests),
            }
        });
        match checked {
            Ok((registration, notification)) => {
                let not_before = match self.instead(&registration, now) {
                    Some(instead) => match self.have(instead, asked, head, now) {
                        Kept::Here(kept, not_before) => {
                            (asked, head) = *kept;
                            not_before
                        }
                        Kept::Gone => return,
                    },
                    None => None,
                };
                let slot = self.put(Waiting { asked, head, registration, not_before });
                let reply = ReplyTo { mailbox: Arc::clone(&self.mailbox), slot };
                self.port.hub.submit(self.core, Submission { registration, notification, reply });
            }
            Err(reason) => self.refuse(asked, reason.into(), head.into(), now),
        }
    }

    fn put(&mut self, waiting: Waiting) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.waiting[slot as usize] = Some(waiting);
            return slot;
        }
        self.waiting.push(Some(waiting));
        // `WAITING` is far below what 32 bits hold.
        (self.waiting.len() - 1) as u32
    }

    fn answer_outcomes(&mut self, now: Moment) {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        for (slot, outcome) in outcomes.drain(..) {
            let Some(waiting) = self.waiting.get_mut(slot as usize).and_then(Option::take) else {
                continue;
            };
            let Some(Waiting { mut asked, head, .. }) = self.unless_early(waiting, slot, outcome, now) else {
                continue;
            };
            self.free.push(slot);
            let refusal = match outcome {
                Outcome::Accepted { seq } => {
                    let unique_id = self.port.unique_id(self.admission.environment(), seq);
                    self.conclude(&mut asked, (200, None, unique_id.as_ref()), &head.into());
                    answer::accept(&mut asked.respond, asked.apns_id, unique_id);
                    continue;
                }
                Outcome::Unregistered { since } => {
                    Refusal { reason: Reason::Unregistered, timestamp: Some(since) }
                }
                Outcome::NeverRegistered => Reason::BadDeviceToken.into(),
                Outcome::Overloaded => Reason::ServiceUnavailable.into(),
                Outcome::Failed => Reason::InternalServerError.into(),
            };
            self.refuse(asked, refusal, head.into(), now);
        }
        self.outcomes = outcomes;
    }

    /// Answers, and writes it down for the trace.
    fn refuse(&self, mut asked: Asked, refusal: Refusal, known: Known, now: Moment) {
        if known.team.is_some() || self.port.strangers.may_note(now.real) {
            self.note_refusal(&asked, Some(&refusal), &known, now);
        }
        self.conclude(&mut asked, (refusal.status(), Some(&refusal), None), &known);
        answer::refuse(&mut asked.respond, asked.apns_id, &refusal, asked.is_head);
    }

    fn note_refusal(&self, asked: &Asked, refusal: Option<&Refusal>, known: &Known, now: Moment) {
        let label = label(&asked.apns_id);
        let token = asked.token().filter(|token| DeviceTokenHex::parse(token.as_bytes()).is_ok());
        let reason = refusal.map(|refusal| homing_trace::Reason::from_peer(refusal.reason.as_str()));
        let mut refused = known.refused(label, self.admission.environment(), token, reason, now.at);
        refused.injected = asked.noted.as_ref().and_then(|noted| noted.injected.clone());
        self.port.note_refusal(refused);
    }

    fn give_up_slow_bodies(&mut self, at: Instant) {
        let (now, body) = (self.moment(), self.port.rules.body);
        let slow = self.reading.extract_if(.., |reading| reading.since + body <= at);
        for Reading { asked, head, .. } in slow.collect::<Vec<_>>() {
            let known = head.map_or_else(|refusing| refusing.known, Known::from);
            self.refuse(asked, Reason::IdleTimeout.into(), known, now);
        }
    }
}

/// What stands for a request in the trace, whatever its client has put there.
pub(super) fn label(id: &HeaderValue) -> Box<str> {
    without_tokens(&String::from_utf8_lossy(id.as_bytes())).chars().take(LABEL_KEPT).collect()
}

impl Reading {
    /// Reads what has come; ready when that is all, or as much as is read of a body that is too large.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        while let Some(chunk) = ready!(self.stream.poll_data(cx)) {
            let chunk = chunk?;
            self.body.take(&chunk, BODY_KEPT);
            self.stream.flow_control().release_capacity(chunk.len())?;
            if self.body.len > BODY_READ {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
