//! Certificates of devices: made from a certificate request (PKCS#10, RFC 2986) of which only the public key is taken. Whether
//! the device is admitted, and whether it still is when it comes with its certificate, is left to the store.

use homing_link::DeviceId;
use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose, SubjectPublicKeyInfo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::certification_request::X509CertificationRequest;

use super::files::{Pair, pem_of};
use super::{AuthorityError, CA_DAYS, params_for};

/// What is wrong with a certificate request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    #[error("the csr is no PEM of a certificate request: make one with `openssl req -new`")]
    Unreadable,
    #[error(
        "the csr's kind of key or signature isn't taken: use ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
    )]
    Unsupported,
    #[error("the csr isn't signed by the key it holds")]
    NotSigned,
}

/// A device's public key, whose private half the sender has shown to hold.
#[derive(Clone, Debug)]
pub struct DeviceKey(SubjectPublicKeyInfo);

impl DeviceKey {
    /// Reads a certificate request in PEM. Its subject and the extensions it asks for are ignored.
    pub fn from_csr(pem: &str) -> Result<Self, CsrError> {
        let der =
            CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).map_err(|_| CsrError::Unreadable)?;
        let (after, request) = X509CertificationRequest::from_der(&der).map_err(|_| CsrError::Unreadable)?;
        let info = &request.certification_request_info;
        let key = &info.subject_pki;
        let signature_algorithm = contents(&der)
            .and_then(|parts| parts.get(info.raw.len()..))
            .and_then(contents)
            .filter(|_| after.is_empty())
            .ok_or(CsrError::Unreadable)?;
        let key_algorithm = contents(key.raw).and_then(contents).ok_or(CsrError::Unreadable)?;
        // What a handshake verifies, and nothing else, is a key that a device can come with.
        let mut algorithms = rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .all
            .iter()
            .filter(|algorithm| {
                algorithm.public_key_alg_id().as_ref() == key_algorithm
                    && algorithm.signature_alg_id().as_ref() == signature_algorithm
            })
            .peekable();
        if algorithms.peek().is_none() {
            return Err(CsrError::Unsupported);
        }
        let (public_key, signature) = (&key.subject_public_key.data, &request.signature_value.data);
        if !algorithms.any(|algorithm| algorithm.verify_signature(public_key, info.raw, signature).is_ok()) {
            return Err(CsrError::NotSigned);
        }
        SubjectPublicKeyInfo::from_der(key.raw).map(Self).map_err(|_| CsrError::Unsupported)
    }
}

/// What one DER value holds.
fn contents(der: &[u8]) -> Option<&[u8]> {
    Any::from_der(der).ok().map(|(_, value)| value.data)
}

/// The device's certificate and its issuer's, in PEM. It lasts as long as an issuer does: the enrolment is what ends.
pub(super) fn issue(issuer: &Pair, device: DeviceId, key: &DeviceKey) -> Result<String, AuthorityError> {
    let mut params = params_for(CA_DAYS);
    params.distinguished_name.push(DnType::CommonName, device.to_string());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key.0, &issuer.issuer()?)?;
    Ok([pem_of("CERTIFICATE", certificate.der()), issuer.pem()].concat())
}

/// Whom a certificate of the device issuer names.
pub fn certified_device(certificate: &CertificateDer<'_>) -> Option<DeviceId> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.parse().ok()?;
    names.next().is_none().then_some(name)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::Authority;
    use super::*;

    /// A request made by OpenSSL for a new key of this kind.
    fn csr(kind: &[&str]) -> String {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let output = Command::new("openssl")
            .current_dir(dir.path())
            .args(["req", "-new", "-nodes", "-keyout", "key.pem", "-subj", "/CN=root/O=of all evil"])
            .args([
                "-addext",
                "basicConstraints=CA:TRUE",
                "-addext",
                "subjectAltName=DNS:example.org",
                "-newkey",
            ])
            .args(kind)
            .output()
            .expect("openssl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("PEM is text")
    }

    #[test]
    fn every_kind_of_key_that_a_handshake_takes_gets_a_certificate() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let authority = Authority::open(dir.path()).expect("it is made");
        let device = DeviceId(0x0123_4567_89ab_cdef);
        for kind in [
            &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
            &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
            &["ed25519"],
            &["rsa:2048"],
        ] {
            let key = DeviceKey::from_csr(&csr(kind)).expect("OpenSSL's own");
            let chain = authority.issue_device_certificate(device, &key).expect("it is signed");
            let chain: Vec<_> =
                CertificateDer::pem_slice_iter(chain.as_bytes()).map(|one| one.expect("PEM")).collect();
            assert_eq!(chain.len(), 2, "{kind:?}");
            assert_eq!(certified_device(&chain[0]), Some(device));
            assert_eq!(certified_device(&chain[1]), None);
            let (_, leaf) = x509_parser::parse_x509_certificate(&chain[0]).expect("X.509");
            // Nothing the request asked for is in it.
            assert_eq!(leaf.subject().to_string(), "CN=0123456789abcdef");
            assert!(!leaf.is_ca() && leaf.subject_alternative_name().expect("readable").is_none());
            let usage = leaf.extended_key_usage().expect("readable").expect("it is there").value;
            assert!(usage.client_auth && !usage.server_auth && !usage.any);
        }
    }

    #[test]
    fn a_request_that_proves_nothing_is_refused() {
        let good = csr(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        let mut der = CertificateSigningRequestDer::from_pem_slice(good.as_bytes()).expect("PEM").to_vec();
        // The subject's last letter: the signature is about another one.
        let at = der.windows(4).position(|letters| letters == b"evil").expect("the subject");
        der[at + 3] = b'L';
        let changed = pem_of("CERTIFICATE REQUEST", &der);
        assert_eq!(DeviceKey::from_csr(&changed).err(), Some(CsrError::NotSigned));
        let other_curve = csr(&["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]);
        assert_eq!(DeviceKey::from_csr(&other_curve).err(), Some(CsrError::Unsupported));
        let short = csr(&["rsa:1024"]);
        assert_eq!(DeviceKey::from_csr(&short).err(), Some(CsrError::NotSigned));
        let empty = pem_of("CERTIFICATE REQUEST", b"");
        let cut = pem_of("CERTIFICATE REQUEST", &der[..der.len() - 1]);
        for text in ["", "no PEM", &empty, &cut] {
            assert_eq!(DeviceKey::from_csr(text).err(), Some(CsrError::Unreadable), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_request_brings_it_down(changes: Vec<(proptest::sample::Index, u8)>, cut: proptest::sample::Index) {
            let key = rcgen::KeyPair::generate().expect("the system has randomness");
            let request = rcgen::CertificateParams::default().serialize_request(&key).expect("it is signed");
            let mut der = request.der().to_vec();
            for (at, byte) in changes {
                let at = at.index(der.len());
                der[at] = byte;
            }
            let cut = &der[..cut.index(der.len())];
            for der in [&der, cut] {
                let _ = DeviceKey::from_csr(&pem_of("CERTIFICATE REQUEST", der));
                let _ = certified_device(&CertificateDer::from(der));
            }
        }
    }
}
