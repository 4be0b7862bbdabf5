//! A connection to the device link on which anything can be said.

use std::sync::Arc;
use std::time::Duration;

use homing_gateway::Gateway;
use homing_link::{Connect, ConnectProperties, Opaque, Packet, Version, decode, encode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct Raw<S> {
    pub(crate) stream: S,
    received: Vec<u8>,
    pub(crate) version: Version,
}

/// Dials with this ALPN, or none.
pub(crate) async fn dial(gateway: &Gateway, alpn: Option<&[u8]>) -> TlsStream<TcpStream> {
    dial_as(gateway, alpn, None).await
}

/// Dials with this ALPN, or none, and shows a certificate: PEM of the chain, PEM of the key.
pub(crate) async fn dial_as(
    gateway: &Gateway,
    alpn: Option<&[u8]>,
    certificate: Option<(&str, &str)>,
) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(gateway.authority().ca_pem().as_bytes()).expect("PEM");
    roots.add(ca).expect("a root certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(|one| one.expect("PEM"));
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
            config.with_client_auth_cert(chain.collect(), key).expect("a key and its certificate")
        }
    };
    config.alpn_protocols = alpn.into_iter().map(<[u8]>::to_vec).collect();
    let tcp = TcpStream::connect(crate::house::link_address(gateway)).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.expect("a TLS handshake")
}

pub(crate) fn connect<'a>(
    version: Version,
    client_id: &'a str,
    username: &'a str,
    password: &'a str,
) -> Connect<'a> {
    Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id,
        username: Some(username),
        password: Some(Opaque(password.as_bytes())),
        will: None,
        properties: ConnectProperties::default(),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn new(stream: S, version: Version) -> Self {
        Self { stream, received: Vec::new(), version }
    }

    pub(crate) async fn say(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        encode(packet, self.version, &mut bytes).expect("a packet of ours");
        self.say_bytes(&bytes).await;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("still open");
        self.stream.flush().await.expect("still open");
    }

    /// Lends the next packet to `look`; `None` when the push service has closed.
    pub(crate) async fn hear<T>(&mut self, look: impl FnOnce(&Packet<'_>) -> T) -> Option<T> {
        let listening = async {
            loop {
                if let Some((packet, len)) = decode(&self.received, self.version, 1 << 20).expect("MQTT") {
                    let seen = look(&packet);
                    self.received.drain(..len);
                    return Some(seen);
                }
                match self.stream.read_buf(&mut self.received).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), listening).await.expect("an answer in time")
    }

    pub(crate) async fn hear_text(&mut self) -> String {
        self.hear(|packet| format!("{packet:?}")).await.unwrap_or_else(|| "closed".to_owned())
    }
}
