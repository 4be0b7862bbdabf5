//! The first 24 bytes of a connection, and what is said to a peer whose first bytes aren't HTTP/2's or whose certificate
//! is of no use here. `h2` can't go away before it has read a preface, so these frames are written here; what it can't say
//! in its own is put there by the `editor`.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use tokio::time::timeout;

use super::editor::Editor;

/// RFC 9113 §3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What this port announces: the values seen from Apple's production service.
pub(super) mod announced {
    pub(crate) const HEADER_TABLE_SIZE: u32 = 4096;
    pub(crate) const MAX_CONCURRENT_STREAMS: u32 = 1000;
    pub(crate) const INITIAL_WINDOW_SIZE: u32 = 65_535;
    pub(crate) const MAX_FRAME_SIZE: u32 = 16_384;
    pub(crate) const MAX_HEADER_LIST_SIZE: u32 = homing_apns::MOST_HEADER_BYTES as u32;
}

/// How long a peer that is being sent away may take to read why.
const FAREWELL: Duration = Duration::from_secs(2);
/// What of its bytes is read away meanwhile, and how long a pause in them ends that: a reset would take our words from it.
const FAREWELL_BYTES: usize = 64 * 1024;
const FAREWELL_PAUSE: Duration = Duration::from_millis(200);

/// Error codes of RFC 9113 §7.
#[derive(Clone, Copy, Debug)]
pub(super) enum GoAway {
    NoError = 0,
    ProtocolError = 1,
}

/// Passes everything through, compares the first bytes with HTTP/2's preface, and lets frames be edited where that is wanted.
#[derive(Debug)]
pub(super) struct Prefaced<T> {
    io: T,
    first: [u8; PREFACE.len()],
    seen: usize,
    signs: Arc<Signs>,
    /// At work only where it is needed: for the first SETTINGS, and from where a later frame is to be another.
    editor: Option<Editor>,
    /// Whether later SETTINGS are to be others, too.
    is_limited: bool,
}

/// What is seen of a connection from below HTTP/2.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Set whenever something has been read.
    pub(super) heard: AtomicBool,
    /// Whether some of what was to be written still waits for the peer.
    pub(super) is_writing: AtomicBool,
    /// What each GOAWAY explains from now on. It may be set while nothing waits to be written: frames are whole then.
    pub(super) farewell: OnceLock<Vec<u8>>,
    /// Whether SETTINGS allow one stream from now on. To be set at such a moment, too.
    pub(super) is_narrow: AtomicBool,
}

impl Signs {
    fn note<R>(&self, written: Poll<R>) -> Poll<R> {
        self.is_writing.store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Prefaced<T> {
    /// `first_streams` is what the first SETTINGS shall allow, if that isn't all.
    pub(super) fn new(io: T, signs: Arc<Signs>, first_streams: Option<u16>) -> Self {
        let is_limited = first_streams.is_some();
        let streams = first_streams.map_or(announced::MAX_CONCURRENT_STREAMS, u32::from);
        let editor = Some(Editor::new(Some(streams)));
        Self { io, first: [0; PREFACE.len()], seen: 0, signs, editor, is_limited }
    }

    fn poll_edited(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let why = self.signs.farewell.get();
        let is_narrow = self.signs.is_narrow.load(Ordering::Relaxed);
        let is_wanted = self.is_limited || why.is_some() || is_narrow;
        if !is_wanted && self.editor.as_ref().is_some_and(Editor::has_begun) {
            self.editor = None;
        }
        if self.editor.is_none() && (why.is_some() || is_narrow) {
            self.editor = Some(Editor::new(None));
        }
        if let Some(editor) = self.editor.as_mut().filter(|_| is_narrow) {
            editor.narrow();
        }
        match &mut self.editor {
            Some(editor) => editor.poll_write(&mut self.io, cx, buf, why.map(Vec::as_slice)),
            None => Pin::new(&mut self.io).poll_write(cx, buf),
        }
    }

    /// Writes what the editor holds back.
    fn poll_editor(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.editor {
            Some(editor) => editor.poll_out(&mut self.io, cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// The first bytes, when they were not HTTP/2's.
    pub(super) fn foreign(&self) -> Option<&[u8]> {
        let seen = &self.first[..self.seen];
        (!PREFACE.starts_with(seen)).then_some(seen)
    }

    /// Says GOAWAY with this explanation and closes.
    pub(super) async fn send_away(mut self, frames: &[u8]) {
        // Best effort: the peer is on its way out in any case.
        let _ = timeout(FAREWELL, async {
            self.io.write_all(frames).await?;
            self.io.flush().await?;
            self.io.shutdown().await?;
            let (mut read, mut bytes) = (0, [0; 4096]);
            while read < FAREWELL_BYTES
                && let Ok(more) = timeout(FAREWELL_PAUSE, self.io.read(&mut bytes)).await
            {
                match more? {
                    0 => break,
                    some => read += some,
                }
            }
            io::Result::Ok(())
        })
        .await;
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Prefaced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.signs.heard.store(true, Ordering::Relaxed);
        let seen = self.seen;
        if seen < PREFACE.len() {
            let new = &buf.filled()[before..];
            let taken = new.len().min(PREFACE.len() - seen);
            self.first[seen..seen + taken].copy_from_slice(&new[..taken]);
            self.seen += taken;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Prefaced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.poll_edited(cx, buf);
        self.signs.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let is_edited = self.signs.farewell.get().is_some() || self.signs.is_narrow.load(Ordering::Relaxed);
        let written = if self.editor.is_none() && !is_edited {
            Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
        } else {
            let some = bufs.iter().find(|buf| !buf.is_empty());
            self.poll_edited(cx, some.map_or(&[], |buf| buf))
        };
        self.signs.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = match self.poll_editor(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.io).poll_flush(cx),
            waiting @ (Poll::Pending | Poll::Ready(Err(_))) => waiting,
        };
        self.signs.note(written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_editor(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// The explanation Apple's service gives, with the bytes that came instead.
pub(super) fn missing_preface(first: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text =
        "HTTP/2 client preface string missing or corrupt. Hex dump for received bytes: ".to_owned();
    for byte in first {
        // Writing to a string doesn't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A SETTINGS frame with what this port announces (RFC 9113 §6.5).
pub(super) fn settings() -> Vec<u8> {
    let values: [(u16, u32); 5] = [
        (1, announced::HEADER_TABLE_SIZE),
        (3, announced::MAX_CONCURRENT_STREAMS),
        (4, announced::INITIAL_WINDOW_SIZE),
        (5, announced::MAX_FRAME_SIZE),
        (6, announced::MAX_HEADER_LIST_SIZE),
    ];
    let payload: Vec<u8> = values
        .iter()
        .flat_map(|(id, value)| id.to_be_bytes().into_iter().chain(value.to_be_bytes()))
        .collect();
    frame(4, &payload)
}

/// A GOAWAY frame with its explanation (RFC 9113 §6.8). `last_stream` is the last that was looked at, 0 for none.
pub(super) fn go_away(last_stream: u32, code: GoAway, debug: &[u8]) -> Vec<u8> {
    let mut payload = last_stream.to_be_bytes().to_vec();
    payload.extend((code as u32).to_be_bytes());
    payload.extend(debug);
    frame(7, &payload)
}

/// A frame on stream 0, without flags.
pub(super) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    let head = [len[1], len[2], len[3], kind, 0, 0, 0, 0, 0];
    [&head, payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goaway_for_a_wrong_environment_is_the_one_seen_in_the_field() {
        let frame = go_away(0, GoAway::NoError, br#"{"reason":"BadCertificateEnvironment"}"#);
        assert_eq!(frame[..17], [0, 0, 46, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(frame.len(), 9 + 46);
    }

    #[test]
    fn the_explanation_shows_the_bytes_that_came() {
        assert!(missing_preface(b"POST /3/device").ends_with("504f5354202f332f646576696365"));
    }

    #[tokio::test]
    async fn only_foreign_first_bytes_are_reported() {
        for (sent, foreign) in
            [(&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"[..], false), (b"GET / HTTP/1.1\r\n\r\n", true)]
        {
            let (mut theirs, ours) = tokio::io::duplex(64);
            theirs.write_all(sent).await.expect("there is room");
            drop(theirs);
            let mut ours = Prefaced::new(ours, Arc::default(), None);
            let mut read = Vec::new();
            ours.read_to_end(&mut read).await.expect("it is read");
            assert_eq!(read, sent);
            assert_eq!(ours.foreign().is_some(), foreign);
        }
    }
}
