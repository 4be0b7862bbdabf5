//! The door providers come in by: HTTP/2 over TLS, Apple's provider protocol (*Sending notification requests to APNs*) with
//! its broadcast channels, and beside it Homing's own stream of receipts. It decides whether a request is admitted and in which words it is answered;
//! where an admitted notification goes is the hub's.

mod admission;
mod answer;
mod binding;
mod channels;
mod connection;
mod editor;
mod noted;
mod preface;
mod rates;
mod receipts;
mod rules;
mod socket;
mod strangers;
mod tls;
mod verdicts;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use homing_apns::{Reason, Refusal};
use homing_trace::Environment;
use http::HeaderValue;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

pub(crate) use admission::{Admission, Body, Known, Moment, Refusing};
pub(crate) use answer::Labels;
pub use rules::ProviderRules;
pub(crate) use socket::Socket;
pub(crate) use tls::{
    ProviderPortError, Spoken, certificate_of, environment_of, explain, legacy_server_config,
    management_environment, spoken,
};

use crate::advice::Advice;
use crate::broadcast;
use crate::centre::Centre;
use crate::hub::Hub;
use crate::listen::{unless_long_stopped, unless_stopped};
use crate::shares::Shares;
use crate::store::{Refused, StageEvent, Store};
use crate::testers::Testers;
use crate::token::TokenSealer;
use connection::{Connection, End};
use preface::{GoAway, Prefaced, Signs, announced};
use rates::Rates;
use strangers::Strangers;
use verdicts::Verdicts;

/// How long a TLS handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a client may take until its preface is complete.
const PREFACE_DEADLINE: Duration = Duration::from_secs(30);
/// Opened at once: one client library fails, instead of waiting, when the connection's window is used up.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Bytes of headers that are read: what exceeds the announced limit is refused in Apple's form, what exceeds this one by `h2`, without
/// a body.
const HEADERS_READ: u32 = 16 * 1024;
/// Bytes that may wait to be written for one stream: an answer has about a hundred.
const SEND_BUFFER: usize = 16 * 1024;

/// What a provider port needs.
pub(crate) struct ProviderPortConfig {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Store,
    pub(crate) centre: Centre,
    pub(crate) sealer: TokenSealer,
    pub(crate) testers: Option<Arc<Testers>>,
    /// The server's certificate, leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// The issuer of provider certificates, and no other.
    pub(crate) client_roots: RootCertStore,
    pub(crate) rules: ProviderRules,
    /// Where leniencies are counted.
    pub(crate) advice: Arc<Advice>,
}

/// The provider port of a gateway: one for all its cores, addresses and environments.
pub(crate) struct ProviderPort {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Store,
    centre: Centre,
    pub(crate) sealer: TokenSealer,
    /// What testers may ask for; mostly nothing.
    pub(crate) testers: Option<Arc<Testers>>,
    pub(crate) tls: Arc<rustls::ServerConfig>,
    rules: ProviderRules,
    advice: Arc<Advice>,
    verdicts: Verdicts,
    rates: Rates,
    strangers: Strangers,
    /// A permit for each stream of receipts that may be open.
    receipt_streams: Arc<Semaphore>,
    /// Requests about channels that are carried out, lists of them that go out, and bytes of broadcasts that are on their way.
    channel_requests: Shares,
    channel_lists: Shares,
    underway: Shares,
}

impl std::fmt::Debug for ProviderPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderPort").field("verdicts", &self.verdicts).finish_non_exhaustive()
    }
}

impl ProviderPort {
    /// What an accepted notification of the development environment is named by, beside its label.
    fn unique_id(&self, environment: Environment, seq: u64) -> Option<HeaderValue> {
        match environment {
            Environment::Development => Some(answer::value(self.sealer.unique_ids().of(seq))),
            Environment::Production => None,
        }
    }

    pub(crate) fn new(config: ProviderPortConfig) -> Result<Self, ProviderPortError> {
        let ProviderPortConfig {
            hub,
            store,
            centre,
            sealer,
            testers,
            chain,
            key,
            client_roots,
            rules,
            advice,
        } = config;
        let tls = tls::server_config(chain, key, client_roots)?;
        Ok(Self {
            hub,
            store,
            centre,
            sealer,
            testers,
            tls,
            rates: Rates::new(rules.requests_per_token),
            rules,
            advice,
            verdicts: Verdicts::default(),
            strangers: Strangers::default(),
            receipt_streams: Arc::new(Semaphore::new(receipts::IN_ALL)),
            channel_requests: Shares::new(channels::IN_ALL),
            channel_lists: Shares::new(channels::LISTS),
            underway: Shares::new(broadcast::BUDGET),
        })
    }

    /// Writes a refusal down for the trace.
    pub(crate) fn note_refusal(&self, refused: Refused) {
        if self.store.record(StageEvent::Refused(Box::new(refused))).is_err() {
            tracing::debug!("no room to write down a refusal");
        }
    }

    /// Serves one connection from its TLS handshake on, on the runtime of `core`. `environment` is that of a connection whose
    /// server name says none. Returns when the connection is over; when `stop` turns true, it ends as soon as all that it has
    /// begun is answered.
    pub(crate) async fn serve(
        self: Arc<Self>,
        core: usize,
        environment: Environment,
        tcp: TcpStream,
        peer: SocketAddr,
        mut stop: watch::Receiver<bool>,
    ) {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&self.tls));
        let stream = match Socket::new(tcp) {
            Ok(socket) => {
                let greeting = timeout(HANDSHAKE_DEADLINE, acceptor.accept(socket));
                match unless_long_stopped(&mut stop, greeting).await {
                    Some(Ok(Ok(stream))) => stream,
                    Some(Ok(Err(error))) => {
                        return tracing::warn!(%peer, %error, "no connection with a provider: {}", tls::explain(&error));
                    }
                    Some(Err(_)) => return tracing::debug!(%peer, "a provider's TLS handshake took too long"),
                    None => return,
                }
            }
            Err(error) => return tracing::debug!(%peer, %error, "a provider's connection ended at once"),
        };
        self.converse(core, environment, stream, peer, stop).await;
    }

    /// Serves one connection after its TLS handshake; see [`ProviderPort::serve`].
    pub(crate) async fn converse(
        self: Arc<Self>,
        core: usize,
        environment: Environment,
        stream: TlsStream<Socket>,
        peer: SocketAddr,
        mut stop: watch::Receiver<bool>,
    ) {
        let session = stream.get_ref().1;
        let environment = tls::environment_of(session.server_name()).unwrap_or(environment);
        let offered = session.alpn_protocol().is_some();
        let admission = tls::certificate(session, environment)
            .and_then(|certificate| Admission::new(Arc::clone(&self), environment, certificate));
        let signs = Arc::new(Signs::default());
        let first_streams = self.rules.first_streams;
        let is_limited = u32::from(first_streams) < announced::MAX_CONCURRENT_STREAMS
            && admission.as_ref().is_ok_and(|admission| !admission.is_authenticated());
        let mut stream = Prefaced::new(stream, Arc::clone(&signs), is_limited.then_some(first_streams));
        let mut admission = match admission {
            Ok(admission) => admission,
            Err(reason) => return dismiss(stream, peer, reason).await,
        };
        if !offered {
            admission.without_alpn();
        }
        let beginning = timeout(PREFACE_DEADLINE, handshake().handshake(&mut stream));
        let begun = match unless_stopped(&mut stop, beginning).await {
            Some(Ok(Ok(h2))) => Ok(Connection::new(h2, self, core, admission, stop).run(&signs).await),
            Some(Ok(Err(error))) => Err(error.to_string()),
            Some(Err(_)) => Err("it sent nothing".to_owned()),
            // SETTINGS went out before it was waited for.
            None => Ok(Ok(End::Dismissed { reason: Reason::Shutdown, last_stream: 0 })),
        };
        match begun {
            Ok(Ok(End::Closed)) => {}
            Ok(Ok(End::Dismissed { reason, last_stream })) => {
                tracing::info!(%peer, %reason, "a provider's connection was closed: {}", reason.advice());
                let why = Refusal::new(reason).body();
                stream.send_away(&preface::go_away(last_stream, GoAway::NoError, &why)).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a provider's connection ended"),
            Err(error) => match stream.foreign().map(preface::missing_preface) {
                Some(why) => {
                    tracing::warn!(%peer, "this port speaks HTTP/2, and a client spoke something else: {why}");
                    // SETTINGS went out before the first byte was read.
                    stream.send_away(&preface::go_away(0, GoAway::ProtocolError, why.as_bytes())).await;
                }
                None => tracing::debug!(%peer, error, "a provider's connection ended before it began"),
            },
        }
    }
}

/// Tells a client why its certificate is of no use here, as Apple's service does: GOAWAY before any stream.
async fn dismiss<T>(stream: Prefaced<T>, peer: SocketAddr, reason: Reason)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    tracing::warn!(%peer, %reason, "a provider was sent away: {}", reason.advice());
    let mut frames = preface::settings();
    frames.extend(preface::go_away(0, GoAway::NoError, &Refusal::new(reason).body()));
    stream.send_away(&frames).await;
}

fn handshake() -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    builder
        .header_table_size(announced::HEADER_TABLE_SIZE)
        .max_concurrent_streams(announced::MAX_CONCURRENT_STREAMS)
        .initial_window_size(announced::INITIAL_WINDOW_SIZE)
        .max_frame_size(announced::MAX_FRAME_SIZE)
        .max_header_list_size(HEADERS_READ)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    builder
}

#[cfg(test)]
mod tests;
