//! The door devices come in by: one TLS port for MQTT, MQTT over WebSocket and enrolment over HTTPS. This file decides
//! what is spoken on a connection; what is said is left to the files below.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use homing_link::{ALPN_HTTP1, ALPN_HTTP2, ALPN_MQTT, DeviceId, Speaks};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::{Authority, certified_device};
use crate::centre::Centre;
use crate::hub::Hub;
use crate::listen::unless_stopped;
use crate::store::Store;
use crate::token::TokenSealer;

mod arrival;
mod channels;
mod conversation;
mod enrolment;
mod http;
mod outgoing;
mod publishes;
mod replay;
mod subscriptions;
mod websocket;
mod wire;

use arrival::Refusal;
use conversation::{Conversation, End};
use replay::Replay;
use wire::Wire;

/// Time for the TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Time for the first bytes after it.
const FIRST_BYTES_WITHIN: Duration = Duration::from_secs(10);

/// How long TCP believes a silent peer. MQTT has its own keep alive, but 3.1.1 may do without: then a host that has
/// vanished would count as connected for ever.
const TCP_KEEPALIVE: Duration = Duration::from_secs(20 * 60);

/// All that a device port needs; shared by all cores.
pub(crate) struct DevicePort {
    hub: Arc<Hub>,
    store: Store,
    centre: Centre,
    sealer: TokenSealer,
    authority: Arc<Authority>,
    tls: TlsAcceptor,
    /// Says when who hasn't come in yet is let go of.
    stop: watch::Receiver<bool>,
    /// Receipts for what was not sent to their registration: acknowledged and not recorded.
    unknown_receipts: AtomicU64,
}

pub(crate) struct DevicePortConfig {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Store,
    pub(crate) centre: Centre,
    pub(crate) sealer: TokenSealer,
    pub(crate) authority: Arc<Authority>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Why the port's TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevicePortError {
    #[error("the device link's certificate or key can't be used: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the issuer of device certificates can't be used: {0}")]
    Issuer(#[from] rustls::server::VerifierBuilderError),
}

/// Whom a connection is with, and where it lives.
#[derive(Clone, Copy, Debug)]
struct Peer {
    core: usize,
    address: SocketAddr,
    /// The device named by the certificate that was shown, if one was.
    certified: Option<DeviceId>,
}

/// A connection after its TLS handshake.
struct Greeted {
    stream: TlsStream<TcpStream>,
    certified: Option<DeviceId>,
    speaks: Speaks,
    /// Read already to learn what is spoken.
    first: Vec<u8>,
}

impl DevicePort {
    pub(crate) fn new(config: DevicePortConfig) -> Result<Self, DevicePortError> {
        let DevicePortConfig { hub, store, centre, sealer, authority, stop } = config;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Asked for, not required: most devices have a secret instead.
        let verifier = WebPkiClientVerifier::builder_with_provider(
            Arc::new(authority.device_roots()),
            Arc::clone(&provider),
        )
        .allow_unauthenticated()
        .build()?;
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(authority.server_chain(), authority.server_key())?;
        // The server's order counts: a client that offers all gets MQTT.
        tls.alpn_protocols = [ALPN_MQTT, ALPN_HTTP1, ALPN_HTTP2].map(<[u8]>::to_vec).to_vec();
        tls.send_tls13_tickets = 1;
        let tls = TlsAcceptor::from(Arc::new(tls));
        Ok(Self { hub, store, centre, sealer, authority, tls, stop, unknown_receipts: AtomicU64::new(0) })
    }

    /// Serves one accepted connection on the core it lives on. Returns when it is over.
    pub(crate) async fn serve(self: Arc<Self>, core: usize, stream: TcpStream, address: SocketAddr) {
        // Each stage is boxed, so that an idle device doesn't pay for the largest one.
        let greeting = Box::pin(self.greet(address, stream));
        let Some(Some(greeted)) = unless_stopped(&mut self.stop.clone(), greeting).await else { return };
        let Greeted { stream, certified, speaks, first } = greeted;
        let peer = Peer { core, address, certified };
        match speaks {
            Speaks::Mqtt => Box::pin(self.converse(peer, stream, first)).await,
            Speaks::Http1 | Speaks::Http2 => {
                Box::pin(http::serve(self, peer, Replay::new(first, stream))).await
            }
        }
    }

    /// The TLS handshake, who was shown to be there, and what is spoken after it.
    async fn greet(&self, peer: SocketAddr, stream: TcpStream) -> Option<Greeted> {
        let keepalive = socket2::TcpKeepalive::new().with_time(TCP_KEEPALIVE);
        let tuned = stream
            .set_nodelay(true)
            .and_then(|()| socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive));
        if let Err(error) = tuned {
            tracing::debug!(%peer, %error, "a device's socket can't be tuned");
        }
        let mut stream = match tokio::time::timeout(HANDSHAKE_WITHIN, self.tls.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::info!(%peer, %error, "no TLS handshake on the device link");
                return None;
            }
            Err(_) => {
                tracing::info!(%peer, "no TLS handshake on the device link in time");
                return None;
            }
        };
        let session = stream.get_ref().1;
        let certified = match session.peer_certificates().and_then(<[_]>::first).map(certified_device) {
            Some(None) => {
                tracing::warn!(%peer, "a certificate of the device issuer names no device");
                return None;
            }
            Some(device) => device,
            None => None,
        };
        if let Some(speaks) = session.alpn_protocol().and_then(Speaks::from_alpn) {
            return Some(Greeted { stream, certified, speaks, first: Vec::new() });
        }
        let mut first = Vec::new();
        let speaks = tokio::time::timeout(FIRST_BYTES_WITHIN, first_bytes(&mut stream, &mut first)).await;
        match speaks {
            Ok(Ok(speaks)) => Some(Greeted { stream, certified, speaks, first }),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "closed before a word on the device link");
                None
            }
            Err(_) => {
                tracing::debug!(%peer, "not a word on the device link");
                None
            }
        }
    }

    /// Speaks MQTT over any byte stream until it ends.
    async fn converse<S>(&self, peer: Peer, stream: S, first: Vec<u8>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut wire = Wire::new(stream, first);
        let arriving = Box::pin(arrival::receive(self, peer, &mut wire));
        let arrived = match unless_stopped(&mut self.stop.clone(), arriving).await {
            Some(Ok(arrived)) => arrived,
            None => return wire.close().await,
            Some(Err(refusal)) => {
                match &refusal {
                    Refusal::Garbage(_) | Refusal::NotConnect | Refusal::Late => {
                        tracing::info!(peer = %peer.address, %refusal, "closed: not MQTT on the device link");
                    }
                    Refusal::Closed | Refusal::Io(_) | Refusal::Refused(_) => {
                        tracing::debug!(peer = %peer.address, %refusal, "no device");
                    }
                }
                return wire.close().await;
            }
        };
        let device = DeviceId(arrived.rights.device);
        match Conversation::new(self, arrived, wire).hold().await {
            End::Said(code) => tracing::debug!(%device, %code, "device disconnected"),
            End::Gone(error) => {
                tracing::debug!(%device, error = error.map(|error| error.to_string()), "device gone")
            }
            End::Ours(code, reason) => tracing::debug!(%device, %code, reason, "device disconnected by us"),
        }
    }
}

async fn first_bytes<S: AsyncRead + Unpin>(stream: &mut S, first: &mut Vec<u8>) -> std::io::Result<Speaks> {
    loop {
        let mut byte = [0; 4];
        let read = stream.read(&mut byte).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        first.extend_from_slice(&byte[..read]);
        if let Some(speaks) = Speaks::from_first_bytes(first) {
            return Ok(speaks);
        }
    }
}
