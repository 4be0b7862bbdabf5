//! The door old providers come in by: Apple's legacy binary interface and its feedback service (*Binary Provider API*), over
//! TLS with a client certificate. It decides when a connection ends and what is said then; whether a notification is
//! admitted is decided as on the HTTP/2 port, where it goes is the hub's. Whoever comes to speak HTTP/2 is handed over to that
//! port: Apple's channel management has the same port numbers.

mod conversation;
mod feedback;
mod instead;
mod judge;
mod round;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use homing_apns::Reason;
use homing_apns::legacy::ErrorPacket;
use homing_trace::Environment;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::Authority;
use crate::listen::{stopped, unless_long_stopped};
use crate::provider_port::{
    Admission, ProviderPort, ProviderPortError, Socket, Spoken, certificate_of, environment_of, explain,
    legacy_server_config, management_environment, spoken,
};
use conversation::Conversation;
use judge::Judge;

/// How long a TLS handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// How long what a client goes on sending is read away after our last word: closing at once would be a reset, which takes
/// that word from it.
const PARTING: Duration = Duration::from_secs(10);
/// The same once the gateway stops.
const PARTING_AT_STOP: Duration = Duration::from_millis(500);

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// For a notification, from its first byte to its last.
    pub(crate) frame: Duration,
    /// How long a connection may be silent. Apple let providers keep theirs for hours.
    pub(crate) idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { frame: Duration::from_secs(30), idle: Duration::from_secs(2 * 60 * 60) }
    }
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Notifications come in.
    Notifications,
    /// Tokens whose app is gone go out.
    Feedback,
}

/// The legacy ports of a gateway: one for all its cores, addresses and environments.
pub(crate) struct LegacyPort {
    provider_port: Arc<ProviderPort>,
    production: Arc<ServerConfig>,
    development: Arc<ServerConfig>,
    /// Commands 0 and 1 carry the documented 256 bytes and no more.
    strict: bool,
    pub(crate) deadlines: Deadlines,
}

type Stream = TlsStream<Socket>;

impl LegacyPort {
    pub(crate) fn new(
        provider_port: Arc<ProviderPort>,
        authority: &Authority,
        strict: bool,
    ) -> Result<Self, ProviderPortError> {
        let config = |environment| {
            let port = Arc::clone(&provider_port);
            let (chain, key) = (authority.server_chain(), authority.server_key());
            legacy_server_config(chain, key, authority.provider_roots(), |issued| {
                Arc::new(Judge::new(issued, port, environment))
            })
        };
        let (production, development) = (config(Environment::Production)?, config(Environment::Development)?);
        Ok(Self { provider_port, production, development, strict, deadlines: Deadlines::default() })
    }

    /// Serves one connection from its TLS handshake on, on the runtime of `core`. `environment` is that of a connection whose
    /// server name says none. Returns when the connection is over.
    pub(crate) async fn serve(
        self: Arc<Self>,
        core: usize,
        (environment, service): (Environment, Service),
        tcp: TcpStream,
        peer: SocketAddr,
        mut stop: watch::Receiver<bool>,
    ) {
        let port = tcp.local_addr().map_or(0, |address| address.port());
        let accepted = match Socket::new(tcp) {
            Ok(socket) => {
                let accepting = timeout(HANDSHAKE_DEADLINE, self.accept((environment, port), socket));
                match unless_long_stopped(&mut stop, accepting).await {
                    Some(accepted) => accepted,
                    None => return,
                }
            }
            Err(error) => return tracing::debug!(%peer, %error, "a provider's connection ended at once"),
        };
        let (stream, environment, spoken) = match accepted {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(error)) => {
                return tracing::warn!(%peer, %error, "no legacy connection with a provider: {}", explain(&error));
            }
            Err(_) => return tracing::debug!(%peer, "a provider's TLS handshake took too long"),
        };
        if spoken == Spoken::Http2 {
            let port = Arc::clone(&self.provider_port);
            return port.converse(core, environment, stream, peer, stop).await;
        }
        let admission = match self.admission(&stream, environment) {
            Ok(admission) => admission,
            Err(reason) => {
                tracing::warn!(%peer, %reason, "a provider was sent away: {}", reason.advice());
                return part(stream, None, stop).await;
            }
        };
        match service {
            Service::Notifications => {
                Conversation::new(&self, core, admission, peer).run(stream, stop).await;
            }
            Service::Feedback => feedback::tell(&self.provider_port, &admission, stream, stop, peer).await,
        }
    }

    /// The handshake, with the environment that the server name says, and what is going to be spoken.
    async fn accept(
        &self,
        (environment, port): (Environment, u16),
        socket: Socket,
    ) -> std::io::Result<(Stream, Environment, Spoken)> {
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await?;
        let hello = start.client_hello();
        let (spoken, named) = (spoken(&hello), environment_of(hello.server_name()));
        let (environment, config) = match spoken {
            Spoken::Http2 => {
                let of_port = || management_environment(port).unwrap_or(environment);
                (named.unwrap_or_else(of_port), &self.provider_port.tls)
            }
            Spoken::Legacy => {
                let environment = named.unwrap_or(environment);
                let config = match environment {
                    Environment::Production => &self.production,
                    Environment::Development => &self.development,
                };
                (environment, config)
            }
        };
        Ok((start.into_stream(Arc::clone(config)).await?, environment, spoken))
    }

    fn admission(&self, stream: &Stream, environment: Environment) -> Result<Admission, Reason> {
        let leaf = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate_of(leaf.ok_or(Reason::BadCertificate)?, environment)?;
        Admission::new(Arc::clone(&self.provider_port), environment, Some(certificate))
    }
}

/// Says the last word, if there is one, and closes. What the client has sent meanwhile is discarded.
async fn part(mut stream: Stream, word: Option<ErrorPacket>, mut stop: watch::Receiver<bool>) {
    let parting = timeout(PARTING, async {
        if let Some(packet) = word {
            stream.write_all(&packet.to_bytes()).await?;
            stream.flush().await?;
        }
        stream.shutdown().await?;
        discard(stream.into_inner().0).await
    });
    let at_stop = async {
        stopped(&mut stop).await;
        sleep(PARTING_AT_STOP).await;
    };
    tokio::select! {
        // Best effort: the client may be gone.
        _ = parting => (),
        () = at_stop => (),
    }
}

/// Reads away what comes until the peer has closed; an error when it broke off.
async fn discard(mut socket: Socket) -> std::io::Result<()> {
    let mut discarded = vec![0; 4096];
    while socket.read(&mut discarded).await? > 0 {}
    Ok(())
}
