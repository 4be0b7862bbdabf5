//! The device's side of TLS: it trusts one root only, the one it was given. Which protocol is spoken is the caller's.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longest wait for the TCP connection and the TLS handshake together.
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);

/// Why the push service can't be reached safely.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(
        "the CA file holds no usable certificate: {0}\nhint: give the push service's root certificate as PEM"
    )]
    NoRoot(String),
    #[error("{0:?} is neither a host name nor an IP address")]
    Host(String),
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Where the push service is, and how to know that it is the right one.
#[derive(Clone)]
pub(crate) struct Dialler {
    host: String,
    port: u16,
    name: ServerName<'static>,
    mqtt: TlsConnector,
    http: TlsConnector,
}

impl std::fmt::Debug for Dialler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialler").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// What is spoken on a connection, told to the server by ALPN.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Speak {
    Mqtt,
    Http1,
}

impl Dialler {
    pub(crate) fn new(host: &str, port: u16, ca_pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem) {
            let certificate = certificate.map_err(|error| TlsError::NoRoot(error.to_string()))?;
            roots.add(certificate).map_err(|error| TlsError::NoRoot(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(TlsError::NoRoot("no CERTIFICATE block".to_owned()));
        }
        let connector = |alpn: &[u8]| -> Result<TlsConnector, TlsError> {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            config.alpn_protocols = vec![alpn.to_vec()];
            Ok(TlsConnector::from(Arc::new(config)))
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Host(host.to_owned()))?;
        Ok(Self {
            host: host.to_owned(),
            port,
            name,
            mqtt: connector(b"mqtt")?,
            http: connector(b"http/1.1")?,
        })
    }

    /// `host:port` as it stands in a Host header.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(crate) async fn dial(&self, speak: Speak) -> std::io::Result<TlsStream<TcpStream>> {
        let connector = match speak {
            Speak::Mqtt => &self.mqtt,
            Speak::Http1 => &self.http,
        };
        let dialled = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            connector.connect(self.name.clone(), stream).await
        };
        tokio::time::timeout(CONNECT_DEADLINE, dialled).await.unwrap_or_else(|_| {
            let said = format!("no answer within {} s", CONNECT_DEADLINE.as_secs());
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, said))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused_with_what_to_do() {
        let error =
            Dialler::new("localhost", 8883, b"not a certificate").expect_err("there is none").to_string();
        assert!(error.contains("root certificate as PEM"), "{error}");
    }
}
