//! Which certificates may come in, judged within the handshake: a client of the legacy interface mostly doesn't read, so that
//! a failed handshake is all it notices. What a certificate may send is decided at admission.

use std::sync::Arc;

use homing_apns::Reason;
use homing_trace::Environment;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::provider_port::{Admission, ProviderPort, certificate_of};

/// Adds to the check of the issuer that the certificate is for the port's environment and a known team.
#[derive(Debug)]
pub(super) struct Judge {
    issued: Arc<dyn ClientCertVerifier>,
    port: Arc<ProviderPort>,
    environment: Environment,
}

impl Judge {
    pub(super) const fn new(
        issued: Arc<dyn ClientCertVerifier>,
        port: Arc<ProviderPort>,
        environment: Environment,
    ) -> Self {
        Self { issued, port, environment }
    }

    fn judge(&self, leaf: &CertificateDer<'_>) -> Result<(), Reason> {
        let certificate = certificate_of(leaf, self.environment)?;
        Admission::new(Arc::clone(&self.port), self.environment, Some(certificate)).map(drop)
    }
}

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.issued.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.issued.verify_client_cert(leaf, intermediates, now)?;
        match self.judge(leaf) {
            Ok(()) => Ok(verified),
            Err(reason) => {
                tracing::warn!(%reason, "a provider's certificate was refused: {}", reason.advice());
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.issued.supported_verify_schemes()
    }
}
