//! Whom a connection trusts and what it shows of itself. The handshake itself is rustls's.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::certificate::{CertificateError, ClientCertificate};

/// The certificates that a server's chain must end in.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// The machine's own, where Apple's are.
    #[default]
    Native,
    /// Those in this PEM text, and no others.
    Pem(Vec<u8>),
}

/// Why there is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    #[error(
        "this machine has no root certificates: install the package ca-certificates, or name a file with the \
         environment variable SSL_CERT_FILE"
    )]
    NoNative,
    #[error("there is no certificate in the PEM text to be trusted")]
    NoCertificate,
    #[error("the certificates to be trusted are not readable as PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    #[error("a certificate to be trusted can't be used: {0}")]
    Certificate(rustls::Error),
}

impl Roots {
    fn store(&self) -> Result<RootCertStore, RootsError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Native => {
                let found = rustls_native_certs::load_native_certs();
                for error in &found.errors {
                    tracing::debug!(%error, "a root certificate of this machine can't be read");
                }
                let (added, _) = store.add_parsable_certificates(found.certs);
                if added == 0 {
                    return Err(RootsError::NoNative);
                }
            }
            Self::Pem(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    store.add(certificate.map_err(RootsError::Pem)?).map_err(RootsError::Certificate)?;
                }
                if store.is_empty() {
                    return Err(RootsError::NoCertificate);
                }
            }
        }
        Ok(store)
    }
}

/// What can't be used: the roots, or the client certificate.
pub(crate) enum TlsError {
    Roots(RootsError),
    Certificate(CertificateError),
}

pub(crate) fn config(
    roots: &Roots,
    certificate: Option<&ClientCertificate>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Certificate(CertificateError::Key(error)))?
        .with_root_certificates(roots.store().map_err(TlsError::Roots)?);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let (chain, key) = certificate.parts();
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| TlsError::Certificate(CertificateError::Key(error)))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
