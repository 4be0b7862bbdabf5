//! Where the authority's certificates and keys are kept: two PEM files each, mode 0600, written so that a crash leaves
//! either none or both.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::AuthorityError;

/// A certificate and its key.
pub(super) struct Pair {
    pub(super) certificate: CertificateDer<'static>,
    key: Zeroizing<Vec<u8>>,
}

impl Pair {
    pub(super) fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        Self { certificate, key: Zeroizing::new(key.serialize_der()) }
    }

    pub(super) fn key_pair(&self) -> Result<KeyPair, AuthorityError> {
        Ok(KeyPair::try_from(self.key.as_slice())?)
    }

    pub(super) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()))
    }

    pub(super) fn pem(&self) -> String {
        pem_of("CERTIFICATE", &self.certificate)
    }
}

/// RFC 7468: base64 in lines of 64.
pub(super) fn pem_of(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let body = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(der));
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

/// The directory.
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn at(dir: PathBuf) -> Result<Self, AuthorityError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|source| AuthorityError::Io { path: dir.clone(), source })?;
        Ok(Self(dir))
    }

    pub(super) fn certificate_path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.pem"))
    }

    fn key_path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.key.pem"))
    }

    /// `None` when there is no certificate of that name.
    pub(super) fn read(&self, name: &str) -> Result<Option<Pair>, AuthorityError> {
        let path = self.certificate_path(name);
        let pem = match std::fs::read(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AuthorityError::Io { path, source }),
        };
        let damaged = |path: &Path, detail: String| AuthorityError::Damaged { path: path.to_owned(), detail };
        let certificate = CertificateDer::from_pem_slice(&pem)
            .map_err(|error| damaged(&path, error.to_string()))?
            .into_owned();
        let key_path = self.key_path(name);
        let pem = std::fs::read(&key_path)
            .map(Zeroizing::new)
            .map_err(|source| AuthorityError::Io { path: key_path.clone(), source })?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&pem)
            .map_err(|error| damaged(&key_path, error.to_string()))?;
        let pair = Pair { certificate, key: Zeroizing::new(key.secret_pkcs8_der().to_vec()) };
        let key = pair.key_pair().map_err(|error| damaged(&key_path, error.to_string()))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&pair.certificate)
            .map_err(|error| damaged(&path, error.to_string()))?;
        if parsed.public_key().subject_public_key.data != key.public_key_raw() {
            return Err(damaged(&key_path, "it is not the key of the certificate beside it".to_owned()));
        }
        drop(parsed);
        Ok(Some(pair))
    }

    /// The key first: a certificate without its key would be worth nothing.
    pub(super) fn write(
        &self,
        name: &str,
        certificate: CertificateDer<'static>,
        key: &KeyPair,
    ) -> Result<Pair, AuthorityError> {
        let pair = Pair::new(certificate, key);
        // A renewed certificate must not be found beside another's key.
        match std::fs::remove_file(self.certificate_path(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(AuthorityError::Io { path: self.certificate_path(name), source }),
        }
        let key_pem = Zeroizing::new(pem_of("PRIVATE KEY", &pair.key));
        replace(&self.key_path(name), key_pem.as_bytes())?;
        replace(&self.certificate_path(name), pair.pem().as_bytes())?;
        Ok(pair)
    }
}

fn replace(path: &Path, contents: &[u8]) -> Result<(), AuthorityError> {
    let next = path.with_extension("next");
    let write = || {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(&next, path)
    };
    write().map_err(|source| AuthorityError::Io { path: path.to_owned(), source })
}
