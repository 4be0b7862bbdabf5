//! The streams of receipts of one connection: each is a task of its own, which ends with its connection, so that a reader
//! that is slow holds up nobody but itself. Who may read what is decided in `admission`, what there is to tell by the store.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use homing_apns::Reason;
use homing_apns::receipts::{HELLO, KEEP_ALIVE, KEEP_ALIVE_SECONDS, encode};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::ProviderPort;
use super::admission::Follower;
use crate::centre::Directory;
use crate::store::{ReceiptFeed, StoreError, Topics};

/// Streams of one connection.
const PER_CONNECTION: usize = 4;
/// Streams of all connections.
pub(super) const IN_ALL: usize = 256;
/// How long a reader may leave unread what was sent to it. It goes on later after its last cursor.
const STALLED: Duration = Duration::from_secs(120);

/// The streams of one connection. Dropping them ends them.
#[derive(Debug, Default)]
pub(super) struct Streams(JoinSet<()>);

impl Streams {
    pub(super) fn are_open(&mut self) -> bool {
        while self.0.try_join_next().is_some() {}
        !self.0.is_empty()
    }

    /// A place for one more stream.
    pub(super) fn admit(&mut self, port: &ProviderPort) -> Result<OwnedSemaphorePermit, Reason> {
        if self.are_open() && self.0.len() >= PER_CONNECTION {
            return Err(Reason::TooManyRequests);
        }
        Arc::clone(&port.receipt_streams).try_acquire_owned().map_err(|_| Reason::TooManyRequests)
    }

    pub(super) fn start(&mut self, stream: Stream, stop: watch::Receiver<bool>) {
        self.0.spawn(stream.run(stop));
    }
}

/// One stream.
pub(super) struct Stream {
    pub(super) port: Arc<ProviderPort>,
    pub(super) body: SendStream<Bytes>,
    pub(super) feed: ReceiptFeed,
    pub(super) follower: Follower,
    pub(super) _place: OwnedSemaphorePermit,
}

/// Why a stream ends before the push service stops.
enum End {
    /// Its client has left.
    Gone,
    /// Its client doesn't read.
    Stalled,
    Failed(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl Stream {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let end = tokio::select! {
            biased;
            // A closed channel means the same as `true`.
            _ = stop.wait_for(|stop| *stop) => None,
            end = self.tell() => end.err(),
        };
        match end {
            // A client that has left wants no end of its stream.
            None => drop(self.body.send_data(Bytes::new(), true)),
            Some(End::Gone) => {}
            Some(End::Stalled) => {
                tracing::info!("a provider doesn't read its receipts: its stream is reset");
                self.body.send_reset(h2::Reason::CANCEL);
            }
            Some(End::Failed(error)) => {
                tracing::error!(%error, "receipts can't be read");
                self.body.send_reset(h2::Reason::INTERNAL_ERROR);
            }
        }
    }

    async fn tell(&mut self) -> Result<(), End> {
        let mut directory = self.port.centre.directory();
        let mut topics = Arc::new(self.follower.topics(&directory));
        self.write(Bytes::from_static(HELLO)).await?;
        loop {
            self.refresh(&mut directory, &mut topics);
            let page = self.feed.page(&topics).await?;
            if !page.events.is_empty() {
                let mut text = Vec::new();
                for (cursor, event) in &page.events {
                    encode(cursor, event, &mut text);
                }
                self.write(text.into()).await?;
            }
            if !page.is_full {
                self.wait().await?;
            }
        }
    }

    /// Takes over what the developer centre has changed meanwhile.
    fn refresh(&self, directory: &mut Arc<Directory>, topics: &mut Arc<Topics>) {
        let now = self.port.centre.directory();
        if !Arc::ptr_eq(&now, directory) {
            *topics = Arc::new(self.follower.topics(&now));
            *directory = now;
        }
    }

    /// Waits until there may be more, and shows meanwhile that the stream lives.
    async fn wait(&mut self) -> Result<(), End> {
        loop {
            let said = Instant::now() + Duration::from_secs(KEEP_ALIVE_SECONDS);
            tokio::select! {
                more = self.feed.more() => return Ok(more?),
                _ = poll_fn(|cx| self.body.poll_reset(cx)) => return Err(End::Gone),
                () = tokio::time::sleep_until(said) => {}
            }
            self.write(Bytes::from_static(KEEP_ALIVE)).await?;
        }
    }

    /// Hands over as much at a time as the client has room for.
    async fn write(&mut self, mut text: Bytes) -> Result<(), End> {
        while !text.is_empty() {
            self.body.reserve_capacity(text.len());
            let room = match timeout(STALLED, poll_fn(|cx| self.body.poll_capacity(cx))).await {
                Ok(Some(Ok(room))) => room.min(text.len()),
                Ok(Some(Err(_)) | None) => return Err(End::Gone),
                Err(_) => return Err(End::Stalled),
            };
            if room > 0 {
                self.body.send_data(text.split_to(room), false).map_err(|_| End::Gone)?;
            }
        }
        Ok(())
    }
}
