//! An upstream's answer on its way to the browser: piece by piece as it comes, for as long as both are there and the session
//! lasts. When either goes, the other's connection is closed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

use crate::sessions::End;

/// Why an answer broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the upstream's answer broke off: {0}")]
    Upstream(#[from] hyper::Error),
    #[error("the session has ended")]
    SessionEnded,
}

/// The body of an answer.
pub(super) struct Passing {
    answer: Incoming,
    session_end: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Drives the connection to the upstream, and closes it when dropped.
    _connection: JoinSet<()>,
    _place: OwnedSemaphorePermit,
}

impl Passing {
    pub(super) fn new(
        answer: Incoming,
        end: End,
        connection: JoinSet<()>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { answer, session_end: Box::pin(end.come()), _connection: connection, _place: place }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.session_end.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Broken::SessionEnded)));
        }
        loop {
            return match ready!(Pin::new(&mut self.answer).poll_frame(context)) {
                // Trailers are headers that nobody has looked at.
                Some(Ok(frame)) if frame.is_trailers() => continue,
                Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
                None => Poll::Ready(None),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}
