//! Reading what became of notifications: the push service's stream of receipts, which Homing has and Apple hasn't. Where to
//! keep the cursor, and when to read again after the stream has ended, is decided by the caller.

use std::future::poll_fn;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use homing_apns::receipts::{self, Decoder, ReceiptEvent};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode, Version};

use super::Client;
use crate::error::{ReceiptsError, SendError};
use crate::go_away::Notice;

/// How long a stream may be silent: four times the push service's longest silence.
const SILENCE: Duration = Duration::from_secs(4 * receipts::KEEP_ALIVE_SECONDS);

/// A stream of receipts. What isn't read waits at the push service: at most one flow-control window is held here.
pub struct Receipts {
    stream: h2::RecvStream,
    decoder: Decoder,
    /// What has come and isn't decoded yet, and how many bytes it had at first.
    chunk: Bytes,
    chunk_len: usize,
    ended: bool,
    notice: Notice,
}

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipts").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Client {
    /// Begins to read receipts: all that follow the cursor, or all that are kept, the oldest first, then each as it is
    /// written. The stream may live as long as the connection, beside notifications that are sent.
    ///
    /// # Errors
    /// If the cursor is none, the push service refuses or has no such stream, or the connection breaks.
    pub async fn receipts(&self, after: Option<&str>) -> Result<Receipts, ReceiptsError> {
        let deadline = self.config.request_deadline;
        tokio::time::timeout(deadline, self.begin_receipts(after))
            .await
            .unwrap_or(Err(ReceiptsError::Deadline { after: deadline }))
    }

    async fn begin_receipts(&self, after: Option<&str>) -> Result<Receipts, ReceiptsError> {
        let path = receipts::path_after(after).ok_or(ReceiptsError::Cursor)?;
        let mut sender = self.sender.clone().ready().await.map_err(|error| self.broken(error, true))?;
        let mut head = http::Request::builder()
            .method(Method::GET)
            .version(Version::HTTP_2)
            .uri(format!("{}{path}", self.origin))
            .body(())
            .map_err(SendError::Request)?;
        let authorization = self.authorization();
        if let Some(authorization) = &authorization {
            head.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let (answer, _) = sender.send_request(head, true).map_err(|error| self.broken(error, true))?;
        let answer = answer.await.map_err(|error| self.broken(error, false))?;
        let is_stream = answer
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(receipts::CONTENT_TYPE.as_bytes()));
        if answer.status() != StatusCode::OK {
            let refused = self.read(answer).await;
            self.note_expired(authorization.as_ref(), &refused);
            return Err(match refused {
                Err(error) => error.into(),
                // Only 200 is a success.
                Ok(response) => ReceiptsError::NoStream { status: response.status },
            });
        }
        if !is_stream {
            return Err(ReceiptsError::NoStream { status: answer.status().as_u16() });
        }
        let stream = answer.into_body();
        let notice = self.notice.clone();
        let decoder = Decoder::default();
        Ok(Receipts { stream, decoder, chunk: Bytes::new(), chunk_len: 0, ended: false, notice })
    }
}

impl Receipts {
    /// The next receipt, and the cursor to go on after it; waits until there is one. `None` when the push service has ended
    /// the stream, as it does when it stops: read on with the last cursor. A receipt may come more than once. Dropping the
    /// future loses nothing.
    ///
    /// # Errors
    /// Nothing more comes after one.
    pub async fn next(&mut self) -> Option<Result<(String, ReceiptEvent), ReceiptsError>> {
        if self.ended {
            return None;
        }
        let next = self.read_on().await;
        if !matches!(next, Some(Ok(_))) {
            self.ended = true;
        }
        next
    }

    /// What the push service has said about the connection's end, or how it broke.
    fn broken(&self, cause: h2::Error) -> ReceiptsError {
        match self.notice.get().and_then(|go_away| go_away.reason.clone()) {
            Some(reason) => ReceiptsError::Closed { reason },
            None => ReceiptsError::Broken { cause },
        }
    }

    async fn read_on(&mut self) -> Option<Result<(String, ReceiptEvent), ReceiptsError>> {
        loop {
            let mut rest = &self.chunk[..];
            let found = self.decoder.read(&mut rest);
            let left = rest.len();
            self.chunk.advance(self.chunk.len() - left);
            match found {
                Ok(Some(receipt)) => return Some(Ok(receipt)),
                Ok(None) => {}
                Err(error) => return Some(Err(error.into())),
            }
            // The stream may be gone already; then there is no window left to widen.
            let _ = self.stream.flow_control().release_capacity(std::mem::take(&mut self.chunk_len));
            let chunk = tokio::time::timeout(SILENCE, poll_fn(|cx| self.stream.poll_data(cx))).await;
            self.chunk = match chunk {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(cause))) => return Some(Err(self.broken(cause))),
                Ok(None) => return None,
                Err(_) => return Some(Err(ReceiptsError::Silent { after: SILENCE })),
            };
            self.chunk_len = self.chunk.len();
        }
    }
}
