//! How a provider's connection ends: told that it takes no more requests, or made to end at once; and when it has answered
//! enough to be let go of. Why one must end is decided where that is seen.

use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use homing_apns::{Reason, Refusal};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::admission::{Known, Moment};
use super::super::channels::Unread;
use super::super::preface::Signs;
use super::{Connection, Reading};

/// How long a connection may take to end once it was told to, when the gateway stops and when it is merely old.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(2);
/// When the gateway stops, how long requests that were on their way are waited for where none is in progress.
const QUIET_AT_STOP: Duration = Duration::from_millis(250);
pub(super) const AGE_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection that must end may take to answer what it has handed on.
pub(super) const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// How a connection ended.
#[derive(Debug)]
pub(in crate::provider_port) enum End {
    Closed,
    /// Everything is written; its client is still to be told why it ends.
    Dismissed {
        reason: Reason,
        last_stream: u32,
    },
}

/// A connection that takes no more requests, answers those that come on, and ends.
pub(super) struct Going {
    /// Then it must end.
    pub(super) by: Instant,
    /// Since when its client has been told.
    pub(super) told_at: Option<Instant>,
    /// When something was last heard of it; its beginning before that.
    heard_at: Instant,
    /// Whether the gateway stops.
    pub(super) is_stop: bool,
}

/// A connection that must end.
pub(super) struct Leaving {
    pub(super) reason: Reason,
    pub(super) by: Instant,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// Begins to end the connection in order, within this time; sooner if it was to end later.
    pub(super) fn go(&mut self, within: Duration, is_stop: bool) {
        let now = Instant::now();
        let by = now + within;
        let going = self.going.get_or_insert(Going { by, told_at: None, heard_at: now, is_stop });
        going.by = going.by.min(by);
        if is_stop && !going.is_stop {
            (going.is_stop, going.heard_at) = (true, now);
        }
    }

    /// At a stop, ends the connection once nothing is open and nothing is on its way. Else tells the client, once, that it
    /// takes no more requests; and once the time is over, ends what hasn't ended.
    pub(super) fn go_on(&mut self, signs: &Signs, now: Moment) {
        let nothing_is_open = self.is_at_rest() && !self.streams.are_open();
        let Some(going) = &mut self.going else { return };
        if signs.heard.swap(false, Ordering::Relaxed) {
            going.heard_at = now.instant;
        }
        // Some clients read nothing that follows a first GOAWAY, not even the last.
        let is_told_once = going.is_stop && nothing_is_open;
        if going.told_at.is_none() && is_told_once && going.heard_at + QUIET_AT_STOP <= now.instant {
            return if self.leaving.is_none() {
                self.leave(Reason::Shutdown, now)
            };
        }
        // Frames are whole while nothing waits to be written.
        if going.told_at.is_none() && !is_told_once && !signs.is_writing.load(Ordering::Relaxed) {
            going.told_at = Some(now.instant);
            let _ = signs.farewell.set(Refusal::new(Reason::Shutdown).body());
            self.h2.graceful_shutdown();
        }
        let (is_late, is_quiet) = (going.by <= now.instant, going.is_quiet(now.instant));
        if self.leaving.is_none() && (is_late || is_quiet && self.is_at_rest()) {
            self.leave(Reason::Shutdown, now);
        }
    }

    /// Begins to end the connection: what isn't handed on yet is refused, what follows is refused by admission.
    pub(super) fn leave(&mut self, reason: Reason, now: Moment) {
        for Reading { asked, head, .. } in std::mem::take(&mut self.reading) {
            let known = head.map_or_else(|refusing| refusing.known, Known::from);
            self.refuse(asked, reason.clone().into(), known, now);
        }
        self.end_unread_channel_requests(Unread::Refused(reason.clone()));
        self.leaving = Some(Leaving { reason, by: now.instant + LEAVE_WITHIN });
    }

    /// Ready when the connection must end, and all its requests are answered and written, or the time for that is over. Streams
    /// of receipts end with it: their clients hear why from the connection's end.
    pub(super) fn poll_left(&self, signs: &Signs, now: Moment) -> Poll<Result<End, h2::Error>> {
        if self.testing.as_ref().is_some_and(|testing| testing.is_cut) {
            return Poll::Ready(Ok(End::Closed));
        }
        let Some(Leaving { reason, by }) = &self.leaving else { return Poll::Pending };
        let (reason, is_late) = (reason.clone(), *by <= now.instant);
        let is_answered = self.is_at_rest();
        // A frame that is half written must not be followed by another.
        match signs.is_writing.load(Ordering::Relaxed) {
            true if is_late => Poll::Ready(Ok(End::Closed)),
            false if is_late || is_answered => {
                Poll::Ready(Ok(End::Dismissed { reason, last_stream: self.last_stream }))
            }
            true | false => Poll::Pending,
        }
    }

    /// Whether no request is in progress.
    pub(super) fn is_at_rest(&self) -> bool {
        self.reading.is_empty() && self.waiting.len() == self.free.len() && self.open_channel_requests() == 0
    }

    /// Requests about channels that aren't answered.
    pub(super) fn open_channel_requests(&self) -> usize {
        self.channel_requests.as_ref().map_or(0, watch::Sender::receiver_count)
    }

    /// Ends those whose bodies aren't complete.
    pub(super) fn end_unread_channel_requests(&self, how: Unread) {
        if let Some(requests) = &self.channel_requests {
            requests.send_replace(Some(how));
        }
    }
}

impl Going {
    /// Whether what was on its way when its client was told has had time to come.
    pub(super) fn is_quiet(&self, now: Instant) -> bool {
        self.is_stop && self.told_at.is_some_and(|at| at + QUIET_AT_STOP <= now)
    }

    /// When to look at the time again.
    pub(super) fn looks_at(&self) -> Instant {
        let soon = Instant::now() + QUIET_AT_STOP;
        if self.is_stop { self.by.min(soon) } else { self.by }
    }
}
