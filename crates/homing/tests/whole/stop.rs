//! A stop while clients hold connections open and say nothing: they are told in order, and nobody waits for them.

use std::path::Path;
use std::time::Instant;

use homing_testkit::device::Link;
use homing_testkit::endpoints::{Endpoints, HostPort};
use homing_testkit::ports::free_block;
use homing_testkit::process::Homing;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::home::BINARY;

/// What begins an HTTP/2 connection: the preface and empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const SHUTDOWN: &[u8] = br#"{"reason":"Shutdown"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn homing_up_stops_though_idle_connections_are_held_open() {
    let dir = tempfile::tempdir().unwrap();
    let homing =
        Homing::up(Path::new(BINARY), &dir.path().join("data"), free_block(61).unwrap()).await.unwrap();
    stops_while_clients_hold_on(homing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn homing_gateway_stops_though_idle_connections_are_held_open() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let homing = Homing::gateway(Path::new(BINARY), &data_dir, free_block(62).unwrap()).await.unwrap();
    stops_while_clients_hold_on(homing).await;
}

/// A connection of which all is kept that it has heard. It answers nothing, and isn't closed before it is dropped.
struct Held<S> {
    stream: S,
    said: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Held<S> {
    async fn new(mut stream: S, first: &[u8]) -> Self {
        stream.write_all(first).await.unwrap();
        stream.flush().await.unwrap();
        Self { stream, said: Vec::new() }
    }

    async fn hear(&mut self, enough: impl Fn(&[u8]) -> bool) {
        while !enough(&self.said) {
            assert_ne!(self.stream.read_buf(&mut self.said).await.unwrap(), 0, "it goes on");
        }
    }

    /// Reads on until the other side has closed in good order.
    async fn hear_out(mut self) -> Self {
        self.stream.read_to_end(&mut self.said).await.unwrap();
        self
    }
}

/// Kind and payload of each frame that is whole.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(len) else { break };
        frames.push((head[3], payload.to_vec()));
        bytes = rest;
    }
    frames
}

async fn dial(
    endpoints: &Endpoints,
    at: &HostPort,
    alpn: &[u8],
) -> impl AsyncRead + AsyncWrite + Unpin + Send + use<> {
    Link::new(at.clone(), &endpoints.ca_pem).unwrap().dial(alpn).await.unwrap()
}

/// The explanations of the GOAWAYs, which must be the last it was told.
fn farewells(said: &[u8]) -> Vec<Vec<u8>> {
    let frames = frames(said);
    let first = frames.iter().position(|frame| frame.0 == GO_AWAY).unwrap_or(frames.len());
    let last = frames.last().map(|frame| frame.0);
    assert_eq!(last, Some(GO_AWAY), "GOAWAY, then close: {frames:?}");
    let told = frames[first..].iter().filter(|frame| frame.0 == GO_AWAY);
    told.map(|frame| frame.1[8..].to_vec()).collect()
}

async fn stops_while_clients_hold_on(homing: Homing) {
    let endpoints = homing.endpoints().clone();
    let provider = &endpoints.apns.development;
    let begun = dial(&endpoints, provider, b"h2").await;
    let mut begun = Held::new(begun, PREFACE).await;
    let mut silent = Held::new(dial(&endpoints, provider, b"h2").await, b"").await;
    begun.hear(|said| frames(said).iter().any(|frame| frame.0 == SETTINGS)).await;
    silent.hear(|said| frames(said).iter().any(|frame| frame.0 == SETTINGS)).await;
    let device = Held::new(dial(&endpoints, &endpoints.device_link, b"mqtt").await, b"").await;
    let enrolling = Held::new(dial(&endpoints, &endpoints.device_link, b"http/1.1").await, b"").await;
    let admin = endpoints.gateway_admin.trim_start_matches("http://");
    let admin = Held::new(TcpStream::connect(admin).await.unwrap(), b"").await;
    let amid_tls = TcpStream::connect((provider.host.as_str(), provider.port)).await.unwrap();

    let asked = Instant::now();
    let stopping = tokio::spawn(homing.stop());
    // Each is told and closed while the client still holds on, and so until the process has ended.
    let (begun, silent) = tokio::join!(begun.hear_out(), silent.hear_out());
    assert_eq!(farewells(&begun.said), [SHUTDOWN], "once, since nothing is open");
    assert_eq!(farewells(&silent.said), [SHUTDOWN]);
    let (status, said) = stopping.await.unwrap().unwrap();
    eprintln!("it stopped {:?} after it was asked to", asked.elapsed());
    assert!(status.success(), "{status}: {said}");
    assert!(!said.contains("didn't end in time"), "nobody was waited for to the end: {said}");
    drop((begun.stream, silent.stream, device, enrolling, admin, amid_tls));
}
