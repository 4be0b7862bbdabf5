//! Reads along on a connection for GOAWAY: Apple says there why it closes, but h2 keeps that text to itself. Nothing
//! is changed on the way, and framing stays h2's affair.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use homing_apns::{Reason, Refusal};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const FRAME_HEADER: usize = 9;
const GOAWAY_TYPE: u8 = 7;
/// Last stream and error code stand before the debug data.
const GOAWAY_FIELDS: usize = 8;
/// More of the debug data than this isn't kept; Apple's has about 40 bytes.
const MAX_KEPT: usize = 1024;

/// Why the other side closes the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoAway {
    /// HTTP/2's code, 0 for none.
    pub(crate) code: u32,
    /// What Apple says in JSON.
    pub(crate) reason: Option<Reason>,
}

/// The first GOAWAY of a connection, once there is one.
pub(crate) type Notice = Arc<OnceLock<GoAway>>;

/// A connection that is read along.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    stream: S,
    reader: FrameReader,
    notice: Notice,
}

impl<S> Tap<S> {
    pub(crate) fn new(stream: S) -> (Self, Notice) {
        let notice = Notice::default();
        (Self { stream, reader: FrameReader::default(), notice: notice.clone() }, notice)
    }
}

/// Where in the stream of frames the bytes stand.
#[derive(Debug, Default)]
struct FrameReader {
    header: [u8; FRAME_HEADER],
    header_len: usize,
    /// Bytes of the current frame still to come.
    remaining: usize,
    /// The beginning of a GOAWAY's payload.
    kept: Vec<u8>,
}

impl FrameReader {
    fn is_go_away(&self) -> bool {
        self.header[3] == GOAWAY_TYPE
    }

    /// Takes the next bytes; the answer is a GOAWAY that ended in them.
    fn read(&mut self, mut bytes: &[u8]) -> Option<GoAway> {
        let mut found = None;
        while !bytes.is_empty() {
            if self.header_len < FRAME_HEADER {
                let take = bytes.len().min(FRAME_HEADER - self.header_len);
                self.header[self.header_len..][..take].copy_from_slice(&bytes[..take]);
                self.header_len += take;
                bytes = &bytes[take..];
                if self.header_len < FRAME_HEADER {
                    break;
                }
                self.remaining = usize::from(self.header[0]) << 16
                    | usize::from(self.header[1]) << 8
                    | usize::from(self.header[2]);
            }
            let (payload, rest) = bytes.split_at(bytes.len().min(self.remaining));
            bytes = rest;
            self.remaining -= payload.len();
            if self.is_go_away() {
                let room = MAX_KEPT.saturating_sub(self.kept.len()).min(payload.len());
                self.kept.extend_from_slice(&payload[..room]);
            }
            if self.remaining == 0 {
                self.header_len = 0;
                if self.is_go_away() {
                    found = found.or_else(|| parse(&self.kept));
                    self.kept.clear();
                }
            }
        }
        found
    }
}

fn parse(payload: &[u8]) -> Option<GoAway> {
    let (fields, debug_data) = payload.split_at_checked(GOAWAY_FIELDS)?;
    let code = u32::from_be_bytes(fields[4..].try_into().ok()?);
    Some(GoAway { code, reason: Refusal::from_body(debug_data).ok().map(|refusal| refusal.reason) })
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(cx, buf);
        if let Some(go_away) = this.reader.read(&buf.filled()[before..]) {
            // Only the first one counts: a second repeats it with another last stream.
            let _ = this.notice.set(go_away);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![len[1], len[2], len[3], kind, 0, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        frame
    }

    fn go_away(code: u32, debug_data: &[u8]) -> Vec<u8> {
        let mut payload = vec![0, 0, 0, 0];
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(debug_data);
        frame(GOAWAY_TYPE, &payload)
    }

    /// Apple's field trace: SETTINGS, an empty acknowledgement, DATA that looks like a GOAWAY, then the real one.
    fn stream() -> Vec<u8> {
        let bait = go_away(2, br#"{"reason":"Bait"}"#);
        let real = go_away(0, br#"{"reason":"BadCertificateEnvironment"}"#);
        [frame(4, &[0; 12]), frame(4, &[]), frame(0, &bait), real, go_away(0, b"again")].concat()
    }

    #[test]
    fn the_reason_is_read_wherever_the_reads_are_cut() {
        let bytes = stream();
        for size in [1, 2, 5, 9, 10, bytes.len()] {
            let mut reader = FrameReader::default();
            let found: Vec<GoAway> = bytes.chunks(size).filter_map(|chunk| reader.read(chunk)).collect();
            assert_eq!(
                found[0],
                GoAway { code: 0, reason: Some(Reason::BadCertificateEnvironment) },
                "{size}"
            );
        }
    }

    #[test]
    fn other_texts_and_large_ones_give_the_code_only() {
        for debug_data in [&b""[..], b"client preface string missing", &[b'x'; 5000]] {
            let found = FrameReader::default().read(&go_away(1, debug_data));
            assert_eq!(found, Some(GoAway { code: 1, reason: None }));
        }
        assert_eq!(FrameReader::default().read(&frame(GOAWAY_TYPE, &[0; 7])), None);
    }
}
