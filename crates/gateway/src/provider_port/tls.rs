//! TLS at the provider port: who may come in, and what a client's certificate and server name say. What a certificate may send
//! is decided at admission.

use std::sync::Arc;

use homing_apns::{CertificateTopics, Reason};
use homing_trace::Environment;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::centre::fingerprint;

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

/// TLS 1.2 and 1.3 for the legacy interface: without ALPN, with a client certificate from `client_roots` that `judge` takes.
///
/// No tickets are sent. Its clients mostly write and never read; what they had not read when they close would make their
/// system reset the connection, which takes what is still on its way to us.
pub(crate) fn legacy_server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_roots: RootCertStore,
    judge: impl FnOnce(Arc<dyn ClientCertVerifier>) -> Arc<dyn ClientCertVerifier>,
) -> Result<Arc<rustls::ServerConfig>, ProviderPortError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(client_roots), Arc::clone(&provider)).build()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(judge(verifier))
        .with_single_cert(chain, key)?;
    config.send_tls13_tickets = 0;
    // A session of TLS 1.2 that goes on would not ask the judge again.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// What is spoken to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http2,
    Legacy,
}

/// Apple's hosts (*Sending notification requests to APNs*, *Sending broadcast push notification requests to APNs*, *Sending
/// channel management requests to APNs*, *Binary Provider API*).
const APPLE_HOSTS: [(&str, Environment, Spoken); 11] = [
    ("api.push.apple.com", Environment::Production, Spoken::Http2),
    ("api.sandbox.push.apple.com", Environment::Development, Spoken::Http2),
    ("api.development.push.apple.com", Environment::Development, Spoken::Http2),
    ("api-broadcast.push.apple.com", Environment::Production, Spoken::Http2),
    ("api-broadcast.sandbox.push.apple.com", Environment::Development, Spoken::Http2),
    ("api-manage-broadcast.push.apple.com", Environment::Production, Spoken::Http2),
    ("api-manage-broadcast.sandbox.push.apple.com", Environment::Development, Spoken::Http2),
    ("gateway.push.apple.com", Environment::Production, Spoken::Legacy),
    ("gateway.sandbox.push.apple.com", Environment::Development, Spoken::Legacy),
    ("feedback.push.apple.com", Environment::Production, Spoken::Legacy),
    ("feedback.sandbox.push.apple.com", Environment::Development, Spoken::Legacy),
];

fn apple_host(server_name: Option<&str>) -> Option<(Environment, Spoken)> {
    let server_name = server_name?;
    let named = APPLE_HOSTS.iter().find(|(host, _, _)| host.eq_ignore_ascii_case(server_name));
    named.map(|(_, environment, spoken)| (*environment, *spoken))
}

/// The environment that a server name says, if it is one of Apple's.
pub(crate) fn environment_of(server_name: Option<&str>) -> Option<Environment> {
    apple_host(server_name).map(|(environment, _)| environment)
}

/// What a client is going to speak that comes to a port of the legacy interface. Apple's channel management has the same
/// numbers, 2195 and 2196: HTTP/2 is whoever names one of its hosts, or names none of Apple's and offers `h2`. The bytes that
/// come after the handshake are too late to tell: the legacy interface wants a certificate within it, and its feedback
/// service speaks first.
pub(crate) fn spoken(hello: &rustls::server::ClientHello<'_>) -> Spoken {
    let offers_http2 = || hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == b"h2"));
    match apple_host(hello.server_name()) {
        Some((_, spoken)) => spoken,
        None if offers_http2() => Spoken::Http2,
        None => Spoken::Legacy,
    }
}

/// The environment of Apple's channel management on this port, where no name says it.
pub(crate) const fn management_environment(port: u16) -> Option<Environment> {
    match port {
        2195 => Some(Environment::Development),
        2196 => Some(Environment::Production),
        _ => None,
    }
}

/// A client's certificate.
pub(crate) struct Shown {
    /// See [`fingerprint`].
    pub(super) fingerprint: [u8; 32],
    pub(super) topics: CertificateTopics,
}

/// What the client's certificate says; `None` without one. One that can't be read or isn't for this environment has Apple's
/// reason.
pub(super) fn certificate(
    connection: &rustls::ServerConnection,
    environment: Environment,
) -> Result<Option<Shown>, Reason> {
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    leaf.map(|leaf| certificate_of(leaf, environment)).transpose()
}

/// What a certificate says, when it can be read and is for this environment.
pub(crate) fn certificate_of(leaf: &CertificateDer<'_>, environment: Environment) -> Result<Shown, Reason> {
    let topics = CertificateTopics::from_der(leaf).map_err(|error| {
        tracing::info!(%error, "a provider's certificate is of no use");
        Reason::BadCertificate
    })?;
    if topics.allows_environment(environment) {
        Ok(Shown { fingerprint: fingerprint(leaf), topics })
    } else {
        Err(Reason::BadCertificateEnvironment)
    }
}

/// Why a handshake failed, for the log.
pub(crate) fn explain(error: &std::io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::NoApplicationProtocol) => {
            "this port speaks HTTP/2, and the client offers other protocols only: use an HTTP/2 client (curl --http2)"
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "this port speaks HTTP/2 over TLS, and what came is no TLS: use https"
        }
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure)) => {
            "the client's certificate is of no use here, for the reason given before"
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
    fn the_certificate_covers_every_host_that_says_an_environment() {
        let hosts: std::collections::BTreeSet<&str> = APPLE_HOSTS.iter().map(|(host, _, _)| *host).collect();
        assert_eq!(hosts, crate::authority::APPLE_NAMES.into_iter().collect());
    }

    #[test]
    fn apples_server_names_say_the_environment_and_others_do_not() {
        for (name, environment, _) in APPLE_HOSTS {
            let of_sandbox = name.contains(".sandbox.") || name.contains(".development.");
            assert_eq!(environment == Environment::Development, of_sandbox, "{name}");
            assert_eq!(environment_of(Some(&name.to_uppercase())), Some(environment), "{name}");
        }
        assert_eq!(environment_of(Some("localhost")), None);
        assert_eq!(environment_of(None), None);
    }
}
