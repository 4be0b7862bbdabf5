//! One device's byte stream and what is on its way through it. Buffers are held only while there is something in them,
//! so that an idle device costs little.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Bytes taken in one read.
const READ: usize = 16 * 1024;

/// A buffer that is larger than this is given back once it is empty.
const REST: usize = 2 * 1024;

/// Beyond this many unwritten bytes nothing more is put in.
pub(super) const FULL: usize = 64 * 1024;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// What of a peer's bytes is read away after the farewell, and how long a pause in them ends that: to close on unread bytes
/// resets the connection, which can take our last words from the peer.
const READ_AWAY: usize = 2 << 20;
const READ_AWAY_PAUSE: Duration = Duration::from_millis(200);

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    /// Read and not yet understood.
    pub(super) inbound: Vec<u8>,
    /// To be written; the first `written` bytes are.
    pub(super) outbound: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// Since when the peer has taken nothing of what is to be written.
    pub(super) stuck_since: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// `first` has been read already.
    pub(super) fn new(stream: S, first: Vec<u8>) -> Self {
        Self { stream, inbound: first, outbound: Vec::new(), written: 0, unflushed: false, stuck_since: None }
    }

    /// Appends what comes to `inbound`; 0 at the end of the stream.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.inbound.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    /// Waits for more bytes.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// Ready when all of `outbound` is on its way.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let drained = self.poll_write_all(cx);
        match drained {
            Poll::Ready(_) => self.stuck_since = None,
            Poll::Pending => drop(self.stuck_since.get_or_insert_with(Instant::now)),
        }
        drained
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.outbound.len() {
            let wrote = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.outbound[self.written..]))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += wrote;
            self.stuck_since = None;
            self.unflushed = true;
        }
        self.outbound.clear();
        self.written = 0;
        if self.outbound.capacity() > REST {
            self.outbound = Vec::new();
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Puts back what of `inbound` wasn't understood yet.
    pub(super) fn put_back(&mut self, mut taken: Vec<u8>, understood: usize) {
        taken.drain(..understood);
        if taken.is_empty() && taken.capacity() > REST {
            taken = Vec::new();
        }
        self.inbound = taken;
    }

    /// Says what is left to say and closes; a peer that doesn't listen is left after a while.
    pub(super) async fn close(mut self) {
        let farewell = async {
            std::future::poll_fn(|cx| self.poll_drain(cx)).await?;
            self.stream.shutdown().await?;
            let mut read = 0;
            while read < READ_AWAY
                && let Ok(more) = tokio::time::timeout(READ_AWAY_PAUSE, self.fill()).await
            {
                match more? {
                    0 => break,
                    len => read += len,
                }
                self.inbound.clear();
            }
            io::Result::Ok(())
        };
        // Whether the peer heard it makes no difference any more.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}
