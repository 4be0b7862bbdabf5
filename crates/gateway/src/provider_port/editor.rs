//! What `h2` can't say, put into the frames it writes: a GOAWAY's explanation, how many streams are allowed before and after
//! a client has shown who it is, and another limit of headers than its own. Frames pass through whole and in order; only these two kinds are changed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::preface::{announced, frame};

const HEAD: usize = 9;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const ACK: u8 = 1;
/// RFC 9113 §6.5.2.
const MAX_CONCURRENT_STREAMS: u16 = 3;
const MAX_HEADER_LIST_SIZE: u16 = 6;
/// A GOAWAY's last stream and error code (RFC 9113 §6.8).
const GO_AWAY_FIXED: usize = 8;

/// Reads the frames of one connection on their way out.
#[derive(Debug)]
pub(super) struct Editor {
    /// What the first SETTINGS shall allow, while they are still to come.
    first_streams: Option<u32>,
    /// What those that follow allow.
    later_streams: u32,
    /// A frame's head, and its payload if it may be changed, as far as they have come.
    held: Vec<u8>,
    /// Bytes of the frame that go through unchanged and are still to come.
    passing: usize,
    /// What is to be written before anything else, and how much of it has been.
    out: Vec<u8>,
    written: usize,
}

impl Editor {
    /// Begins where a frame begins; with the streams that the first SETTINGS shall allow if they are still to come.
    pub(super) const fn new(first_streams: Option<u32>) -> Self {
        let later_streams = announced::MAX_CONCURRENT_STREAMS;
        Self { first_streams, later_streams, held: Vec::new(), passing: 0, out: Vec::new(), written: 0 }
    }

    /// Whether the first SETTINGS are out, and no frame is half written.
    pub(super) const fn has_begun(&self) -> bool {
        self.first_streams.is_none() && self.held.is_empty() && self.passing == 0 && self.out.is_empty()
    }

    /// From now on later SETTINGS allow one stream.
    pub(super) const fn narrow(&mut self) {
        self.later_streams = 1;
    }

    /// Writes what was taken before.
    pub(super) fn poll_out<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match ready!(Pin::new(&mut *io).poll_write(cx, &self.out[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                some => self.written += some,
            }
        }
        self.out.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Takes some of `bytes`; how many. `why` is what each GOAWAY explains.
    pub(super) fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        bytes: &[u8],
        why: Option<&[u8]>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_out(io, cx))?;
        if self.passing > 0 {
            let now = bytes.len().min(self.passing);
            let passed = ready!(Pin::new(io).poll_write(cx, &bytes[..now]))?;
            self.passing -= passed;
            return Poll::Ready(Ok(passed));
        }
        Poll::Ready(Ok(self.hold(bytes, why)))
    }

    /// Holds on to what must be seen before it goes out.
    fn hold(&mut self, bytes: &[u8], why: Option<&[u8]>) -> usize {
        let wanted = match self.held.first_chunk() {
            Some(head) if is_edited(head) => HEAD + payload_len(head),
            Some(_) | None => HEAD,
        };
        let taken = bytes.len().min(wanted - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        let Some(&head) = self.held.first_chunk::<HEAD>() else { return taken };
        if is_edited(&head) && self.held.len() < HEAD + payload_len(&head) {
            return taken;
        }
        let held = std::mem::take(&mut self.held);
        self.out = if is_edited(&head) {
            self.edit(held, why)
        } else {
            self.passing = payload_len(&head);
            held
        };
        taken
    }

    fn edit(&mut self, mut whole: Vec<u8>, why: Option<&[u8]>) -> Vec<u8> {
        let (kind, payload) = (whole[3], &mut whole[HEAD..]);
        if kind == GO_AWAY {
            let Some(why) = why.filter(|_| payload.len() == GO_AWAY_FIXED) else { return whole };
            return frame(GO_AWAY, &[payload, why].concat());
        }
        match self.first_streams.take() {
            Some(streams) => {
                let said = [
                    (MAX_CONCURRENT_STREAMS, streams),
                    (MAX_HEADER_LIST_SIZE, announced::MAX_HEADER_LIST_SIZE),
                ];
                for setting in payload.chunks_exact_mut(6) {
                    if let Some((_, value)) = said.iter().find(|(id, _)| setting[..2] == id.to_be_bytes()) {
                        setting[2..].copy_from_slice(&value.to_be_bytes());
                    }
                }
                whole
            }
            None => {
                let [high, low] = MAX_CONCURRENT_STREAMS.to_be_bytes();
                let [a, b, c, d] = self.later_streams.to_be_bytes();
                frame(SETTINGS, &[high, low, a, b, c, d])
            }
        }
    }
}

const fn payload_len(head: &[u8; HEAD]) -> usize {
    u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize
}

/// Whether a frame may be changed: GOAWAY, and SETTINGS that say something.
const fn is_edited(head: &[u8; HEAD]) -> bool {
    head[3] == GO_AWAY || head[3] == SETTINGS && head[4] & ACK == 0
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::provider_port::preface::{GoAway, go_away, settings};

    /// What comes out when these frames go in, in pieces of this size.
    async fn edited(first_streams: Option<u32>, why: Option<&[u8]>, sent: &[u8], piece: usize) -> Vec<u8> {
        let (mut ours, mut theirs) = tokio::io::duplex(7);
        let (sent, why) = (sent.to_vec(), why.map(<[u8]>::to_vec));
        let writing = tokio::spawn(async move {
            let mut editor = Editor::new(first_streams);
            let mut at = 0;
            while at < sent.len() {
                let bytes = &sent[at..sent.len().min(at + piece)];
                at += poll_fn(|cx| editor.poll_write(&mut ours, cx, bytes, why.as_deref()))
                    .await
                    .expect("it is open");
            }
            poll_fn(|cx| editor.poll_out(&mut ours, cx)).await.expect("it is open");
            ours.shutdown().await.expect("it is open");
        });
        let mut came = Vec::new();
        theirs.read_to_end(&mut came).await.expect("it is read");
        writing.await.expect("all is written");
        came
    }

    #[tokio::test]
    async fn only_goaways_and_settings_are_changed_whatever_the_pieces() {
        let other = [&[0, 0, 20, 0, 1, 0, 0, 0, 1][..], &[7; 20], &[0, 0, 0, 4, 1, 0, 0, 0, 0]].concat();
        let bare = go_away(5, GoAway::NoError, b"");
        let mut first = settings();
        let mut h2s = settings();
        let place = h2s.len() - 4;
        h2s[place..].copy_from_slice(&16_384_u32.to_be_bytes());
        let sent = [&h2s[..], &other, &settings(), &bare, &other, &bare].concat();
        first[HEAD + 6..HEAD + 12].copy_from_slice(&[0, 3, 0, 0, 0, 1]);
        let then = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 232];
        let said = go_away(5, GoAway::NoError, b"why");
        let expected = [&first[..], &other, &then, &said, &other, &said].concat();
        for piece in 1..40 {
            assert_eq!(edited(Some(1), Some(b"why"), &sent, piece).await, expected, "pieces of {piece}");
        }
    }

    #[tokio::test]
    async fn a_goaway_without_a_reason_and_one_that_explains_itself_stay_as_they_are() {
        let bare = go_away(5, GoAway::NoError, b"");
        assert_eq!(edited(None, None, &bare, 64).await, bare);
        let explained = go_away(5, GoAway::ProtocolError, b"too_many_resets");
        assert_eq!(edited(None, Some(b"why"), &explained, 64).await, explained);
    }
}
