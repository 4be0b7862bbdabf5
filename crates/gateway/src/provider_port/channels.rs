//! Requests about broadcast channels (*Sending channel management requests to APNs*, *Sending broadcast push notification
//! requests to APNs*), each in a task of its own: they are few beside notifications, and whoever sends those isn't held
//! up. Whether a request's head is admitted is decided in `admission`, what there is by the store, whom a broadcast reaches
//! by the hub.

pub(super) mod instead;

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use homing_apns::{ChannelId, Reason, Refusal, channel};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use tokio::sync::watch;
use tokio::time::{timeout, timeout_at};

use super::ProviderPort;
use super::admission::{Action, Body, ChannelHead, Known, Moment, Refusing};
use super::answer::{APNS_ID, APNS_UNIQUE_ID, JSON, once};
use super::connection::{BODY_KEPT, BODY_READ};
use crate::broadcast::{self, Broadcast, Encoded, Until};
use crate::shares::{NoRoom, Share};
use crate::store::{Broadcasted, NewBroadcast, StoreError, random};
use crate::testers::Unanswered;

const APNS_CHANNEL_ID: HeaderName = HeaderName::from_static("apns-channel-id");
const APNS_REQUEST_ID: HeaderName = HeaderName::from_static("apns-request-id");

/// Requests of all teams that may be carried out at a time. Those whose body is still to come, or that are refused, take
/// no place: a connection has as many as it has streams, and whoever is slow or a stranger keeps nobody else out.
pub(super) const IN_ALL: usize = 4_096;
/// Lists of channels that may be on their way out: each can be of some 300 kB.
pub(super) const LISTS: usize = 64;
/// Random bytes of a channel's id.
const ID_LEN: usize = 16;

/// How an answer is labelled.
#[derive(Debug)]
pub(super) struct Names {
    /// As sent, or made here.
    pub(super) request_id: HeaderValue,
    /// A client that sends this in its place finds its answer by it.
    pub(super) apns_id: Option<HeaderValue>,
    /// Of a broadcast that was accepted in the development environment.
    pub(super) unique_id: Option<HeaderValue>,
}

/// A request about channels that wants an answer.
pub(super) struct Asked {
    pub(super) port: Arc<ProviderPort>,
    pub(super) respond: SendResponse<Bytes>,
    pub(super) stream: RecvStream,
    /// Its answer has no body.
    pub(super) is_head: bool,
    pub(super) names: Names,
    pub(super) environment: homing_trace::Environment,
    /// Where there are tools for testers.
    pub(super) testing: Option<Box<instead::Testing>>,
    /// Lets its connection wait for the answer before it ends, and says when its body is waited for no more.
    pub(super) pending: watch::Receiver<Option<Unread>>,
}

/// What becomes of a request whose body isn't complete when its connection ends.
#[derive(Clone, Debug)]
pub(super) enum Unread {
    Refused(Reason),
    /// It wasn't looked at, and may be sent again at once.
    Reset,
}

/// What an answer other than a refusal says.
enum Answer {
    Created(ChannelId),
    Told(Vec<u8>),
    Listed(Vec<u8>, Share),
    Deleted,
    /// By its number.
    Broadcast(u64),
}

impl Asked {
    /// Reads the body, does what is asked, and answers.
    pub(super) async fn run(mut self, head: Result<ChannelHead, Refusing>) {
        // A refusal is said after the body too, so that no client is cut off while it sends.
        let mut body = Body::default();
        let reading = timeout(self.port.rules.body, read(&mut self.stream, &mut body));
        let unread = async { self.pending.wait_for(Option::is_some).await.ok()?.clone() };
        let has_ended = tokio::select! {
            biased;
            has_ended = reading => Ok(has_ended),
            Some(how) = unread => Err(how),
        };
        self.note_payload(body.start());
        let body = match has_ended {
            Ok(Ok(Ok(()))) => Ok(body),
            Ok(Ok(Err(error))) => {
                let known = head.map_or_else(|refusing| refusing.known, |head| head.known());
                return self.conclude_cut(&known, &error);
            }
            Ok(Err(_)) => Err(Reason::IdleTimeout),
            Err(Unread::Refused(reason)) => Err(reason),
            Err(Unread::Reset) => return self.reset(head),
        };
        let head = match head {
            Ok(head) => head,
            Err(refusing) => return self.refuse(refusing),
        };
        let body = body.and_then(|body| check(&head.action, &body).map(|()| body));
        let body = match body {
            Ok(body) => body,
            Err(reason) => return self.refuse(Refusing { reason, known: head.known() }),
        };
        let place = match self.port.channel_requests.take(&head.team, 1) {
            Ok(place) => place,
            Err(full) => {
                return self
                    .refuse(Refusing { reason: no_room(full, &head, "requests"), known: head.known() });
            }
        };
        let Some((mut asked, not_before)) = self.unless_hit(&head).await else { return };
        let done = asked.act(&head, body).await;
        drop(place);
        if let Some(at) = not_before {
            // Nobody waits for the answer to a stream that was reset.
            let _ = timeout_at(at, poll_fn(|cx| asked.respond.poll_reset(cx))).await;
        }
        match done {
            Ok(answer) => {
                if let Answer::Broadcast(seq) = answer {
                    asked.names.unique_id = asked.port.unique_id(asked.environment, seq);
                }
                asked.conclude(&head.known(), answer.noted());
                // As long as it may take to send a body.
                let within = asked.port.rules.body;
                answer.send(asked.respond, asked.names, within).await;
            }
            Err(reason) => asked.refuse(Refusing { reason, known: head.known() }),
        }
    }

    fn reset(mut self, head: Result<ChannelHead, Refusing>) {
        let known = head.map_or_else(|refusing| refusing.known, |head| head.known());
        self.conclude_without(&known, Unanswered::Closed);
        self.respond.send_reset(h2::Reason::REFUSED_STREAM);
    }

    async fn act(&self, head: &ChannelHead, body: Body) -> Result<Answer, Reason> {
        let store = &self.port.store;
        match &head.action {
            Action::Create => {
                let policy = channel::read_creation(&body.start)?;
                let id = ChannelId::from_bytes(&random::<ID_LEN>().map_err(failed)?);
                let has_room = store.create_channel(head.of, id.clone(), policy).await.map_err(failed)?;
                has_room.then_some(Answer::Created(id)).ok_or(Reason::CannotCreateChannelConfig)
            }
            Action::Read(id) => {
                let found = store.channel(head.of, id.clone()).await.map_err(failed)?;
                let found = found.ok_or(Reason::ChannelNotRegistered)?;
                Ok(Answer::Told(channel::describe(found.policy)))
            }
            Action::Delete(id) => {
                let was_there = store.delete_channel(head.of, id.clone()).await.map_err(failed)?;
                was_there.then_some(Answer::Deleted).ok_or(Reason::ChannelNotRegistered)
            }
            Action::List => {
                let place = self.port.channel_lists.take(&head.team, 1);
                let place = place.map_err(|full| no_room(full, head, "lists"))?;
                let ids = store.channels(head.of).await.map_err(failed)?;
                Ok(Answer::Listed(channel::list(&ids), place))
            }
            Action::Broadcast { .. } => self.broadcast(head, body).await,
        }
    }

    async fn broadcast(&self, head: &ChannelHead, body: Body) -> Result<Answer, Reason> {
        let Action::Broadcast { id, priority, expiration } = &head.action else {
            return Err(Reason::InternalServerError);
        };
        let place = self.port.underway.take(&head.team, broadcast::cost(body.len));
        let place = place.map_err(|full| no_room(full, head, "broadcasts"))?;
        let payload = Bytes::from(body.start);
        let accepted_at = self.port.store.clock().now();
        let request_id: Box<str> = self.names.request_id.to_str().unwrap_or_default().into();
        let new = NewBroadcast {
            of: head.of,
            id: id.clone(),
            request_id: request_id.clone(),
            priority: *priority,
            expiration: *expiration,
            accepted_at,
            payload: payload.clone(),
            injected: self.injected(),
        };
        let (channel, seq, expires_at) = match self.port.store.broadcast(new).await.map_err(failed)? {
            Broadcasted::Accepted { channel, seq, expires_at } => (channel, seq, expires_at),
            Broadcasted::NotRegistered => return Err(Reason::ChannelNotRegistered),
            Broadcasted::BadExpiration => return Err(Reason::BadExpirationDate),
            Broadcasted::TooMany => return Err(Reason::TooManyRequests),
            Broadcasted::Overloaded => return Err(Reason::ServiceUnavailable),
        };
        self.port.hub.broadcast(&Arc::new(Broadcast {
            seq,
            channel_no: channel.no,
            environment: head.of.environment,
            bundle_id: Arc::clone(&head.bundle_id),
            channel: id.clone(),
            request_id,
            priority: *priority,
            until: Until::new(expires_at),
            payload,
            tally: self.port.store.tallies().of(seq),
            encoded: Encoded::default(),
            _place: Some(place),
        }));
        Ok(Answer::Broadcast(seq))
    }

    pub(super) fn refuse(self, refusing: Refusing) {
        let Refusing { reason, known } = refusing;
        let status = reason.status();
        self.refuse_as(&reason.into(), &known, (status, None));
    }

    /// The same with another status, and when to try again, in seconds.
    fn refuse_as(mut self, refusal: &Refusal, known: &Known, (status, retry_after): (u16, Option<u32>)) {
        self.note_refusal(known, Some(&refusal.reason));
        self.conclude(known, (status, Some(refusal), None));
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        response.headers_mut().extend(retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        self.names.put(&mut response);
        if let Ok(mut body) = self.respond.send_response(response, self.is_head)
            && !self.is_head
        {
            let _ = body.send_data(Bytes::from(refusal.body_as(status)), true);
        }
    }

    /// Writes down for the trace that it wasn't taken.
    fn note_refusal(&self, known: &Known, reason: Option<&Reason>) {
        let now = Moment::now(self.port.store.clock());
        if known.team.is_some() || self.port.strangers.may_note(now.real) {
            let label = super::connection::label(&self.names.request_id);
            let word = reason.map(|reason| homing_trace::Reason::from_peer(reason.as_str()));
            let mut refused = known.refused(label, self.environment, None, word, now.at);
            refused.injected = self.injected();
            self.port.note_refusal(refused);
        }
    }
}

/// Whether the body is in order; none is asked for where nothing is made or sent.
fn check(action: &Action, body: &Body) -> Result<(), Reason> {
    match action {
        Action::Create | Action::Broadcast { .. } if body.len > BODY_KEPT => Err(Reason::PayloadTooLarge),
        Action::Create => channel::read_creation(&body.start).map(|_| ()),
        Action::Broadcast { .. } => channel::check_broadcast(&body.start),
        Action::Read(_) | Action::Delete(_) | Action::List => Ok(()),
    }
}

impl Names {
    fn put(self, response: &mut Response<()>) {
        let headers = response.headers_mut();
        headers.insert(APNS_REQUEST_ID, once(self.request_id));
        headers.extend(self.apns_id.map(|id| (APNS_ID, once(id))));
        headers.extend(self.unique_id.map(|id| (APNS_UNIQUE_ID, once(id))));
    }
}

impl Answer {
    /// What the journal is told of it.
    const fn noted(&self) -> (u16, Option<&Refusal>, Option<&ChannelId>) {
        match self {
            Self::Created(id) => (201, None, Some(id)),
            Self::Deleted => (204, None, None),
            Self::Told(_) | Self::Listed(..) | Self::Broadcast(_) => (200, None, None),
        }
    }

    /// A stream that its client has reset wants no answer.
    async fn send(self, mut respond: SendResponse<Bytes>, names: Names, within: Duration) {
        let mut response = Response::new(());
        names.put(&mut response);
        let (body, _place) = match self {
            Self::Created(id) => {
                *response.status_mut() = StatusCode::CREATED;
                let id = HeaderValue::from_str(&id.to_string());
                response.headers_mut().extend(id.map(|id| (APNS_CHANNEL_ID, id)));
                (Vec::new(), None)
            }
            Self::Deleted => {
                *response.status_mut() = StatusCode::NO_CONTENT;
                (Vec::new(), None)
            }
            Self::Broadcast(_) => (Vec::new(), None),
            Self::Told(body) => (body, None),
            Self::Listed(body, place) => (body, Some(place)),
        };
        if body.is_empty() {
            let _ = respond.send_response(response, true);
            return;
        }
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        if let Ok(stream) = respond.send_response(response, false) {
            let _ = timeout(within, write(stream, body.into())).await;
        }
    }
}

/// What is handed over waits here until its client takes it; the last frame ends the stream.
async fn write(mut stream: SendStream<Bytes>, mut body: Bytes) -> Option<()> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let room = poll_fn(|cx| stream.poll_capacity(cx)).await?.ok()?.min(body.len());
        if room > 0 {
            let part = body.split_to(room);
            stream.send_data(part, body.is_empty()).ok()?;
        }
    }
    Some(())
}

/// Reads the body, as far as it is read of one that is too large.
async fn read(stream: &mut RecvStream, body: &mut Body) -> Result<(), h2::Error> {
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        body.take(&chunk, BODY_KEPT);
        stream.flow_control().release_capacity(chunk.len())?;
        if body.len > BODY_READ {
            break;
        }
    }
    Ok(())
}

/// Where its team has its share, or all have the whole.
fn no_room(full: NoRoom, head: &ChannelHead, of: &str) -> Reason {
    let (team, app) = (&*head.team, &*head.bundle_id);
    match full {
        NoRoom::Team => {
            tracing::debug!(
                team,
                app,
                "this team has a quarter of the room for {of} or more, and the rest is for others"
            );
            Reason::TooManyRequests
        }
        NoRoom::All => {
            tracing::debug!(team, app, "all teams together use the room for {of}");
            Reason::ServiceUnavailable
        }
    }
}

fn failed(error: StoreError) -> Reason {
    match error {
        StoreError::Busy | StoreError::Closed => Reason::ServiceUnavailable,
        StoreError::Io { .. }
        | StoreError::InUse { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::OlderSchema { .. }
        | StoreError::Damaged { .. }
        | StoreError::Sqlite { .. }
        | StoreError::Commit { .. }
        | StoreError::NotEnrolled
        | StoreError::Limit { .. }
        | StoreError::Invalid(_) => {
            tracing::error!(%error, "a request about channels failed");
            Reason::InternalServerError
        }
    }
}
