//! TLS at the provider port: who may come in, and what a client's certificate and server name say. What a certificate may send
//! is decided at admission.

use std::sync::Arc;

use homing_apns::{CertificateTopics, Reason};
use homing_trace::Environment;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

/// Why the port's TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderPortError {
    #[error("the provider port's certificate or key can't be used: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the issuer of provider certificates can't be used: {0}")]
    Issuer(#[from] rustls::server::VerifierBuilderError),
}

/// TLS 1.2 and 1.3, `h2` preferred; a client certificate is asked for, not required, and must come from `client_roots`.
pub(super) fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_roots: RootCertStore,
) -> Result<Arc<rustls::ServerConfig>, ProviderPortError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(client_roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// The environment that a server name says, if it is one of Apple's.
pub(super) fn environment_of(server_name: Option<&str>) -> Option<Environment> {
    match server_name? {
        "api.push.apple.com" => Some(Environment::Production),
        "api.sandbox.push.apple.com" | "api.development.push.apple.com" => Some(Environment::Development),
        _ => None,
    }
}

/// What the client's certificate says; `None` without one. One that can't be read or isn't for this environment has Apple's
/// reason.
pub(super) fn certificate(
    connection: &rustls::ServerConnection,
    environment: Environment,
) -> Result<Option<CertificateTopics>, Reason> {
    let Some(leaf) = connection.peer_certificates().and_then(<[_]>::first) else { return Ok(None) };
    let topics = CertificateTopics::from_der(leaf).map_err(|error| {
        tracing::info!(%error, "a provider's certificate is of no use");
        Reason::BadCertificate
    })?;
    if topics.allows_environment(environment) {
        Ok(Some(topics))
    } else {
        Err(Reason::BadCertificateEnvironment)
    }
}

/// Why a handshake failed, for the log.
pub(super) fn explain(error: &std::io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::NoApplicationProtocol) => {
            "this port speaks HTTP/2, and the client offers other protocols only: use an HTTP/2 client (curl --http2)"
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "this port speaks HTTP/2 over TLS, and what came is no TLS: use https"
        }
        Some(rustls::Error::InvalidCertificate(_)) => {
            "the client's certificate was not issued by this push service's provider issuer"
        }
        Some(rustls::Error::AlertReceived(_)) => {
            "the client refused our certificate: give it the root certificate of this push service"
        }
        Some(_) | None => "the client ended the handshake",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apples_server_names_say_the_environment_and_others_do_not() {
        assert_eq!(environment_of(Some("api.push.apple.com")), Some(Environment::Production));
        for name in ["api.sandbox.push.apple.com", "api.development.push.apple.com"] {
            assert_eq!(environment_of(Some(name)), Some(Environment::Development));
        }
        assert_eq!(environment_of(Some("localhost")), None);
        assert_eq!(environment_of(None), None);
    }
}
