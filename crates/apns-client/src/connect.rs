//! From a host's name to an HTTP/2 connection: whom to dial, as whom, and for how long to try.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::ClientCertificate;
use crate::error::ConnectError;
use crate::go_away::{Notice, Tap};
use crate::provider_key::ProviderKey;
use crate::tls::{self, Roots, TlsError};

/// Apple's host for tokens of apps in development; port 443, or 2197 where a firewall blocks that.
pub const DEVELOPMENT_HOST: &str = "api.sandbox.push.apple.com";
/// Apple's host for tokens of apps from the store; port 443, or 2197 where a firewall blocks that.
pub const PRODUCTION_HOST: &str = "api.push.apple.com";

/// Bytes that may come before they are read: more than those of a few streams of receipts, so that one that isn't read
/// leaves room for answers.
const CONNECTION_WINDOW: u32 = 1 << 20;

/// As whom a provider sends.
#[derive(Clone, Debug)]
pub enum Credential {
    /// With a signing key; connections may share it, and then share its tokens.
    Key(Arc<ProviderKey>),
    Certificate(Arc<ClientCertificate>),
}

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// A name, which must be the certificate's, or an address.
    pub host: String,
    pub port: u16,
    pub roots: Roots,
    pub credential: Credential,
    /// For name look-up, TCP, TLS and HTTP/2 together.
    pub connect_deadline: Duration,
    /// For one request, from the call to the whole answer.
    pub request_deadline: Duration,
}

impl ClientConfig {
    /// With the machine's roots and 10 seconds for connecting, 20 for a request.
    pub fn new(host: impl Into<String>, port: u16, credential: Credential) -> Self {
        Self {
            host: host.into(),
            port,
            roots: Roots::Native,
            credential,
            connect_deadline: Duration::from_secs(10),
            request_deadline: Duration::from_secs(20),
        }
    }
}

pub(crate) type Connection = h2::client::Connection<Tap<TlsStream<TcpStream>>, Bytes>;

/// An HTTP/2 connection that somebody must drive.
pub(crate) struct Connected {
    pub(crate) sender: h2::client::SendRequest<Bytes>,
    pub(crate) connection: Connection,
    pub(crate) notice: Notice,
}

pub(crate) async fn connect(config: &ClientConfig) -> Result<Connected, ConnectError> {
    let certificate = match &config.credential {
        Credential::Key(_) => None,
        Credential::Certificate(certificate) => Some(certificate.as_ref()),
    };
    let tls = tls::config(&config.roots, certificate).map_err(|error| match error {
        TlsError::Roots(error) => ConnectError::Roots(error),
        TlsError::Certificate(error) => ConnectError::Certificate(error),
    })?;
    let name =
        ServerName::try_from(config.host.clone()).map_err(|_| ConnectError::Host(config.host.clone()))?;
    let until = Instant::now() + config.connect_deadline;
    let within = Deadline { config, until };
    let (host, port) = (|| config.host.clone(), config.port);

    let addresses = within
        .wait("looking up its name", tokio::net::lookup_host((config.host.as_str(), port)))
        .await?
        .map_err(|cause| ConnectError::Resolve { host: host(), cause })?;
    let tcp = within
        .wait("connecting", dial(addresses.collect(), until))
        .await?
        .map_err(|cause| ConnectError::Reach { host: host(), port, cause })?;
    let tls = within
        .wait("shaking hands by TLS", TlsConnector::from(tls).connect(name, tcp))
        .await?
        .map_err(|cause| ConnectError::Tls { host: host(), port, cause })?;
    let (tap, notice) = Tap::new(tls);
    // One request until the first SETTINGS tell how many: with a token Apple allows no more before it is verified.
    let handshake = h2::client::Builder::new()
        .enable_push(false)
        .initial_max_send_streams(1)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(tap);
    let (sender, connection) = within
        .wait("beginning HTTP/2", handshake)
        .await?
        .map_err(|cause| ConnectError::Http2 { host: host(), port, cause })?;
    tracing::debug!(host = config.host, port, "connected");
    Ok(Connected { sender, connection, notice })
}

struct Deadline<'c> {
    config: &'c ClientConfig,
    until: Instant,
}

impl Deadline<'_> {
    async fn wait<T>(&self, doing: &'static str, work: impl Future<Output = T>) -> Result<T, ConnectError> {
        timeout_at(self.until, work).await.map_err(|_| ConnectError::Deadline {
            host: self.config.host.clone(),
            port: self.config.port,
            after: self.config.connect_deadline,
            doing,
        })
    }
}

/// Tries the addresses in turn, giving each an equal share of the time that is left, so that one that swallows
/// packets doesn't keep from the next.
async fn dial(addresses: Vec<SocketAddr>, until: Instant) -> io::Result<TcpStream> {
    let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    let count = addresses.len();
    for (tried, address) in addresses.into_iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = u32::try_from(count - tried).map_or(left, |shares| left / shares);
        result = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(connected) => connected,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("{address} didn't answer"))),
        };
        if let Ok(stream) = &result {
            stream.set_nodelay(true)?;
            break;
        }
    }
    result
}
