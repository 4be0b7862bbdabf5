//! One connection of the legacy interface: reads notifications, has them taken in their order, and says nothing until one
//! fails or the connection is closed. What comes after a failed one is discarded, all before it was taken: so nothing is
//! handed over before it is known that what precedes it is in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use homing_apns::Reason;
use homing_apns::legacy::{
    BadFrame, Command, Decoder, ErrorPacket, LegacyNotification, NO_IDENTIFIER, Status,
};
use homing_trace::Reason as TraceReason;
use tokio::io::AsyncBufReadExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::instead::{About, conclude, instead, note};
use super::round::{Admitted, Failing, Round};
use super::{Deadlines, LegacyPort, Stream, part};
use crate::centre::Directory;
use crate::listen::stopped;
use crate::provider_port::{Admission, Body, Known, Labels, Moment, ProviderPort, Refusing};
use crate::store::hex;

/// How long what comes in is still taken when the gateway stops: a client that doesn't read has sent it for good.
const TAKE_AT_STOP: Duration = Duration::from_secs(2);
/// How long nothing must have come then.
const QUIET_AT_STOP: Duration = Duration::from_millis(100);

/// The word for a frame that can't be read, in traces: HTTP/2 has no such reason.
const PROTOCOL_ERROR: &str = "ProtocolError";

pub(super) struct Conversation {
    core: usize,
    port: Arc<ProviderPort>,
    admission: Admission,
    labels: Labels,
    decoder: Decoder,
    deadlines: Deadlines,
    round: Round,
    peer: SocketAddr,
    /// When the frame under way began.
    amid_since: Option<Instant>,
    /// When the gateway was seen to stop.
    stopping_since: Option<Instant>,
    changes: watch::Receiver<Arc<Directory>>,
    /// The connection's number in the journal, where there is one.
    journaled: Option<u64>,
}

/// Why the reading ends.
enum End {
    /// The client has closed, in whatever way.
    Closed,
    /// We close: the gateway stops, the client was silent too long, or its certificate counts no more.
    Ours,
    Failed(Failing),
}

impl From<Failing> for End {
    fn from(failing: Failing) -> Self {
        Self::Failed(failing)
    }
}

/// An error comes after all that had come before it.
fn came(read: std::io::Result<&[u8]>) -> Result<&[u8], End> {
    match read {
        Ok([]) | Err(_) => Err(End::Closed),
        Ok(bytes) => Ok(bytes),
    }
}

impl Conversation {
    pub(super) fn new(port: &LegacyPort, core: usize, admission: Admission, peer: SocketAddr) -> Self {
        let decoder = if port.strict { Decoder::strict() } else { Decoder::default() };
        let (port, deadlines) = (Arc::clone(&port.provider_port), port.deadlines);
        let (labels, round) = (Labels::new(), Round::default());
        let (amid_since, stopping_since, changes) = (None, None, admission.changes());
        let journaled = port.testers.as_ref().map(|testers| testers.journal.connection());
        Self {
            core,
            port,
            admission,
            labels,
            decoder,
            deadlines,
            round,
            peer,
            amid_since,
            stopping_since,
            changes,
            journaled,
        }
    }

    /// Serves the connection until it ends.
    pub(super) async fn run(mut self, mut stream: Stream, mut stop: watch::Receiver<bool>) {
        let end = loop {
            // At most what one TLS record holds, in its own buffer: a silent connection costs none.
            let bytes = match self.read(&mut stream, &mut stop).await {
                Ok(bytes) => bytes,
                Err(end) => break end,
            };
            let len = bytes.len();
            // What follows the last one that was taken must be sent again, on a connection that there will be none of.
            if self.is_dismissed() {
                break End::Ours;
            }
            if let Err(failing) = self.take(bytes).await {
                break failing.into();
            }
            stream.consume(len);
        };
        let word = match end {
            End::Closed => return,
            End::Ours => self.last_word(),
            // It isn't this notification that fails: all that follows the last one that was taken must be sent again.
            End::Failed(Failing { status: Status::ProcessingError, .. }) if *stop.borrow() => {
                self.last_word()
            }
            End::Failed(Failing { command, identifier, status }) => {
                tracing::debug!(peer = %self.peer, ?status, "a legacy connection was closed");
                let identifier = identifier.unwrap_or(NO_IDENTIFIER);
                command.is_none_or(Command::is_answered).then_some(ErrorPacket { status, identifier })
            }
        };
        part(stream, word, stop).await;
    }

    /// Tells the last notification that was taken, to those who are told anything.
    fn last_word(&self) -> Option<ErrorPacket> {
        let is_answered = self.decoder.last_command().is_some_and(Command::is_answered);
        let identifier = self.round.last_taken.unwrap_or(NO_IDENTIFIER);
        is_answered.then_some(ErrorPacket { status: Status::Shutdown, identifier })
    }

    /// Waits for bytes.
    async fn read<'a>(
        &mut self,
        stream: &'a mut Stream,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<&'a [u8], End> {
        let now = Instant::now();
        // Asked first: there may always be bytes.
        if *stop.borrow() {
            self.stopping_since.get_or_insert(now);
        }
        let deadline =
            self.amid_since.map_or(now + self.deadlines.idle, |since| since + self.deadlines.frame);
        let mut read = std::pin::pin!(stream.fill_buf());
        while self.stopping_since.is_none() {
            tokio::select! {
                biased;
                read = &mut read => return came(read),
                Ok(()) = self.changes.changed() => {
                    if self.is_dismissed() {
                        return Err(End::Ours);
                    }
                }
                () = stopped(stop) => self.stopping_since = Some(Instant::now()),
                () = tokio::time::sleep_until(deadline) => return Err(End::Ours),
            }
        }
        let now = Instant::now();
        let until = self.stopping_since.map_or(now, |since| (since + TAKE_AT_STOP).min(now + QUIET_AT_STOP));
        match timeout_at(until, read).await {
            Ok(read) if now < until => came(read),
            Ok(_) | Err(_) => Err(End::Ours),
        }
    }

    /// Whether the connection's certificate has been revoked or has expired.
    fn is_dismissed(&mut self) -> bool {
        self.admission.refresh();
        let reason = self.admission.dismissed(Moment::now(self.port.store.clock()));
        if let Some(reason) = &reason {
            tracing::info!(peer = %self.peer, %reason, "a legacy connection is closed: {}", reason.advice());
        }
        reason.is_some()
    }

    /// Takes all notifications that these bytes complete.
    async fn take(&mut self, mut bytes: &[u8]) -> Result<(), Failing> {
        let now = Moment::now(self.port.store.clock());
        let failing = loop {
            match self.decoder.read(&mut bytes) {
                Ok(Some(sent)) => {
                    self.amid_since = None;
                    if let Err(failing) = self.admit(sent, now) {
                        break Some(failing);
                    }
                }
                Ok(None) => break None,
                Err(bad) => break Some(self.refuse_frame(bad, now)),
            }
        };
        self.amid_since = self.decoder.is_amid().then(|| self.amid_since.unwrap_or_else(Instant::now));
        // What precedes the failing one is taken first.
        self.round.settle(&self.port, self.core, self.admission.environment()).await?;
        failing.map_or(Ok(()), Err)
    }

    fn admit(&mut self, sent: LegacyNotification, now: Moment) -> Result<(), Failing> {
        let label = self.labels.make_id().map(|label| Box::from(label.as_str()));
        let LegacyNotification { command, identifier, .. } = sent;
        let failing =
            |reason: &Reason| Failing { command: Some(command), identifier, status: Status::of(reason) };
        let apns_id: Box<str> = label.map_err(|error| {
            tracing::error!(%error, "the system has no randomness for an apns-id");
            failing(&Reason::InternalServerError)
        })?;
        let token = hex(&sent.token);
        let mut noted = self.journaled.map(|connection| note(connection, &self.admission, &sent, now.at));
        let checked = self.admission.check_legacy(&sent).and_then(|head| {
            let body = Body::from(sent.payload);
            match self.admission.check_body(&head, &token, body, &apns_id, now) {
                Ok((registration, notification)) => Ok((registration, notification, Known::from(head))),
                Err(reason) => Err(Refusing { reason, known: head.into() }),
            }
        });
        match checked {
            Ok((registration, notification, known)) => {
                let about = About { command, identifier, label: &apns_id, known: &known, token: &token };
                let environment = self.admission.environment();
                let is_marked = instead(&self.port, environment, &registration, &about, &mut noted, now.at)?;
                self.round.put(Admitted {
                    command,
                    identifier,
                    registration,
                    notification,
                    known,
                    token,
                    is_marked,
                    noted,
                });
                Ok(())
            }
            Err(refusing) => {
                let reason = TraceReason::from_peer(refusing.reason.as_str());
                let environment = self.admission.environment();
                let status = command.is_answered().then_some(Status::of(&refusing.reason));
                let said = Some((status, Some(&refusing.reason)));
                conclude(&self.port, noted, &refusing.known, &apns_id, said);
                let refused = refusing.known.refused(apns_id, environment, Some(&token), reason, now.at);
                self.port.note_refusal(refused);
                tracing::info!(
                    peer = %self.peer, reason = %refusing.reason,
                    "a legacy notification was refused: {}", refusing.reason.advice()
                );
                Err(failing(&refusing.reason))
            }
        }
    }

    fn refuse_frame(&mut self, bad: BadFrame, now: Moment) -> Failing {
        tracing::info!(peer = %self.peer, "a legacy connection is closed: {bad}");
        if let Ok(label) = self.labels.make_id() {
            let reason = bad.fault.reason();
            let reason = TraceReason::from_peer(reason.as_ref().map_or(PROTOCOL_ERROR, Reason::as_str));
            let (environment, label) = (self.admission.environment(), label.as_str().into());
            let (known, token) = (self.admission.known(), bad.token.map(|token| hex(&token)));
            self.port.note_refusal(known.refused(label, environment, token.as_deref(), reason, now.at));
        }
        Failing { command: bad.command, identifier: bad.identifier, status: bad.fault.status() }
    }
}
