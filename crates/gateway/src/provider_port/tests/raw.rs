//! A client of single frames: what it sends is written out here, what it hears is shown frame by frame.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::ALERT;
use super::world::{APP, Credential, PREFACE, World, frames};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GO_AWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
const GENEROUS: Duration = Duration::from_secs(20);

/// Kind, flags, stream, payload.
pub(super) type Frame = (u8, u8, u32, Vec<u8>);

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// Header fields as literals of HPACK that are not indexed (RFC 7541 §6.2.2).
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            // One byte below 127, else what is above it in two more.
            match u8::try_from(text.len()) {
                Ok(len @ 0..127) => block.push(len),
                _ => {
                    let rest = text.len() - 127;
                    block.extend([127, 0x80 | (rest & 0x7f) as u8, (rest >> 7) as u8]);
                }
            }
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The HEADERS of a request for a device.
pub(super) fn head(stream: u32, token: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let path = format!("/3/device/{token}");
    let first = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", &path)];
    frame(HEADERS, END_HEADERS, stream, &block(&[&first[..], more].concat()))
}

/// A connection's first bytes with one request for [`APP`].
pub(super) fn first_request(authorization: &str, token: &str) -> Vec<u8> {
    let head = head(1, token, &[("authorization", authorization), ("apns-topic", APP)]);
    [PREFACE, &head, &frame(DATA, END_STREAM, 1, ALERT)].concat()
}

/// One connection.
pub(super) struct Raw {
    stream: TlsStream<TcpStream>,
    said: Vec<u8>,
}

impl Raw {
    pub(super) async fn connect(world: &World, credential: Credential<'_>) -> Self {
        let stream = world.tls(world.tls_config(credential, &["h2"])).await.expect("TLS works");
        Self { stream, said: Vec::new() }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("it is sent");
    }

    /// All that was heard.
    pub(super) fn heard(&self) -> Vec<Frame> {
        frames(&self.said)
    }

    /// Reads on until `enough` says so of all that was heard.
    pub(super) async fn hear(&mut self, enough: impl Fn(&[Frame]) -> bool) {
        let reading = async {
            while !enough(&frames(&self.said)) {
                let len = self.stream.read_buf(&mut self.said).await.expect("it goes on");
                assert_ne!(len, 0, "it ended after {:?}", frames(&self.said));
            }
        };
        tokio::time::timeout(GENEROUS, reading).await.expect("it is said in time");
    }

    /// Reads on until the server has closed, and answers nothing.
    pub(super) async fn hear_out(&mut self) {
        let reading = self.stream.read_to_end(&mut self.said);
        tokio::time::timeout(GENEROUS, reading).await.expect("it ends").expect("in good order");
    }

    /// Reads on until the server has closed, and acknowledges its PINGs.
    pub(super) async fn hear_all(&mut self) {
        let reading = async {
            let mut answered = self.heard().iter().filter(|frame| (frame.0, frame.1) == (PING, 0)).count();
            while self.stream.read_buf(&mut self.said).await.expect("it goes on") > 0 {
                let asked: Vec<Frame> =
                    self.heard().into_iter().filter(|frame| (frame.0, frame.1) == (PING, 0)).collect();
                for (_, _, _, payload) in &asked[answered..] {
                    self.stream.write_all(&frame(PING, ACK, 0, payload)).await.expect("it is sent");
                }
                answered = asked.len();
            }
        };
        tokio::time::timeout(GENEROUS, reading).await.expect("it ends");
    }
}
