//! A provider's client certificate with its key, from the files Apple's tools and OpenSSL write. What the certificate
//! allows is read by `homing_apns::CertificateTopics` and decided by the push service.

use p12_keystore::Pkcs12Archive;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

/// Certificate chain and key (*Establishing a certificate-based connection to APNs*).
pub struct ClientCertificate {
    /// The certificate that belongs to the key comes first.
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why a file gives no client certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("there is no certificate in it: use a file that holds the push certificate and its key")]
    NoCertificate,
    #[error(
        "there is no private key in it: export the certificate together with its key, as .p12 from the keychain, or \
         put both into one .pem file"
    )]
    NoKey,
    #[error("its private key is encrypted: decrypt it first with `openssl pkey -in FILE -out KEY.pem`")]
    EncryptedKey,
    #[error("none of its certificates belongs to its private key: put the matching pair into one file")]
    NoPair,
    #[error("it is not readable as PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    #[error("its private key can't be used: {0}")]
    Key(rustls::Error),
    #[error("the password is wrong")]
    Password,
    #[error("it is not readable as PKCS#12: {0}")]
    Pkcs12(p12_keystore::error::Error),
}

impl ClientCertificate {
    /// Reads PEM text that holds certificates and one private key (PKCS#8, PKCS#1 or SEC 1), in any order.
    ///
    /// # Errors
    /// If either is missing or they don't belong together.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CertificateError::Pem)?;
        let text = String::from_utf8_lossy(pem);
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(CertificateError::EncryptedKey);
        }
        let key = match PrivateKeyDer::from_pem_slice(pem) {
            Ok(key) => key,
            Err(rustls::pki_types::pem::Error::NoItemsFound) => return Err(CertificateError::NoKey),
            Err(error) => return Err(CertificateError::Pem(error)),
        };
        Self::pair(certificates, key)
    }

    /// Reads a PKCS#12 file: a `.p12` or `.pfx`.
    ///
    /// # Errors
    /// If the password is wrong, or certificate or key is missing.
    pub fn from_p12(p12: &[u8], password: &str) -> Result<Self, CertificateError> {
        use p12_keystore::error::Error;
        let archive = Pkcs12Archive::from_pkcs12(p12, password).map_err(|error| {
            let wrong_password = matches!(error, Error::MacError(_));
            if wrong_password { CertificateError::Password } else { CertificateError::Pkcs12(error) }
        })?;
        let certificates: Vec<CertificateDer<'static>> =
            archive.certs.iter().map(|bag| bag.cert.as_der().to_vec().into()).collect();
        if archive.keys.is_empty() {
            return Err(CertificateError::NoKey);
        }
        let mut result = Err(CertificateError::NoPair);
        for bag in &archive.keys {
            let key = PrivatePkcs8KeyDer::from(bag.key.as_der().to_vec()).into();
            result = Self::pair(certificates.clone(), key);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Puts the certificate that belongs to the key in front of the others.
    fn pair(
        mut chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let signer = rustls::crypto::ring::sign::any_supported_type(&key).map_err(CertificateError::Key)?;
        let own = chain.iter().position(|certificate| {
            CertifiedKey::new(vec![certificate.clone()], signer.clone()).keys_match().is_ok()
        });
        let Some(own) = own else { return Err(CertificateError::NoPair) };
        chain[..=own].rotate_right(1);
        Ok(Self { chain, key })
    }

    /// The certificates, the provider's own first, then the private key, unencrypted: what most clients read as a `.pem`.
    pub fn to_pem(&self) -> String {
        let mut pem = String::new();
        for certificate in &self.chain {
            push_pem(&mut pem, "CERTIFICATE", certificate);
        }
        let label = match &self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            PrivateKeyDer::Pkcs8(_) | _ => "PRIVATE KEY",
        };
        push_pem(&mut pem, label, self.key.secret_der());
        pem
    }

    /// The provider's own certificate, in DER.
    pub fn leaf(&self) -> &[u8] {
        self.chain.first().map_or(&[], |certificate| certificate.as_ref())
    }

    pub(crate) fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.clone_key())
    }
}

/// RFC 7468: base64 in lines of 64.
fn push_pem(pem: &mut String, label: &str, der: &[u8]) {
    use base64::Engine as _;
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    // 48 bytes are 64 characters.
    for line in der.chunks(48) {
        base64::engine::general_purpose::STANDARD.encode_string(line, pem);
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCertificate").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["provider".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn certificate_and_key_are_found_in_any_order_and_among_others() {
        let ((own, key), (other, _)) = (pair(), pair());
        for pem in [format!("{own}{key}"), format!("{key}\n{other}{own}"), format!("{other}{key}{own}")] {
            let read = ClientCertificate::from_pem(pem.as_bytes()).unwrap();
            assert_eq!(read.leaf(), CertificateDer::from_pem_slice(own.as_bytes()).unwrap().as_ref());
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let ((certificate, key), (_, other_key)) = (pair(), pair());
        let error = |pem: String| ClientCertificate::from_pem(pem.as_bytes()).unwrap_err();
        assert!(matches!(error(certificate.clone()), CertificateError::NoKey));
        assert!(matches!(error(key), CertificateError::NoCertificate));
        assert!(matches!(error(format!("{certificate}{other_key}")), CertificateError::NoPair));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(matches!(error(format!("{certificate}{encrypted}")), CertificateError::EncryptedKey));
        assert!(matches!(error("hello".to_owned()), CertificateError::NoKey));
    }

    #[test]
    fn a_p12_is_opened_by_its_password_only() {
        let (certificate, key) = pair();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let chain = p12_keystore::PrivateKeyChain::new(
            vec![1; 20],
            p12_keystore::PrivateKey::from_der(key.secret_der()).unwrap(),
            [p12_keystore::Certificate::from_der(&certificate).unwrap()],
        );
        let mut store = p12_keystore::KeyStore::new();
        store.add_entry("push", p12_keystore::KeyStoreEntry::PrivateKeyChain(chain));
        let p12 = store.writer("secret").encryption_iterations(1).write().unwrap();
        assert_eq!(ClientCertificate::from_p12(&p12, "secret").unwrap().leaf(), certificate.as_ref());
        let pem = ClientCertificate::from_p12(&p12, "secret").unwrap().to_pem();
        assert_eq!(ClientCertificate::from_pem(pem.as_bytes()).unwrap().leaf(), certificate.as_ref());
        assert!(matches!(ClientCertificate::from_p12(&p12, "wrong"), Err(CertificateError::Password)));
        assert!(matches!(ClientCertificate::from_p12(b"hello", ""), Err(CertificateError::Pkcs12(_))));
    }
}
