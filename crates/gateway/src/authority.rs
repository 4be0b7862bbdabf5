//! The certificate authority of one Homing: a root, and one issuer each for servers, providers and devices, kept in the
//! data directory and used again at each start. A port trusts only its own issuer; which topics a provider's certificate
//! may name is decided by the centre.

mod device;
mod files;
mod names;
mod provider;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use homing_link::DeviceId;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use device::{CsrError, DeviceKey, certified_device};
pub use names::APPLE_NAMES;
pub(crate) use provider::EXPIRES_BEFORE;
pub use provider::{CertificateTopic, ProviderCertificate, ProviderCertificateRequest};

use files::{Files, Pair};

/// Days a server's or a provider's certificate is valid (Apple's are yearly).
const LEAF_DAYS: i64 = 397;
/// A certificate with fewer days left is renewed at the next start.
const RENEW_DAYS: i64 = 30;
const CA_DAYS: i64 = 20 * 365;

/// The authority can't be read, made or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("{path}: {source}: the data directory and its files must be readable and writable by this user")]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "{path} is damaged or doesn't fit the rest of its directory ({detail}): restore it from a backup, or remove the \
         directory, which makes a new root that every client must be told"
    )]
    Damaged { path: PathBuf, detail: String },
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("a PKCS#12 file could not be made: {0}")]
    Pkcs12(String),
    #[error("{0:?} can't stand in a certificate: write a host name or an IP address")]
    BadName(String),
}

/// The root and its issuers. Clones share them.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    root_pem: String,
    root_path: PathBuf,
    server_issuer: CertificateDer<'static>,
    provider: Pair,
    device: Pair,
    server: Pair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("root", &self.0.root_path).finish_non_exhaustive()
    }
}

impl Authority {
    /// Reads the authority under this data directory, or makes it. The server's certificate covers Apple's names and
    /// this machine's loopback. Blocks.
    pub fn open(data_dir: &Path) -> Result<Self, AuthorityError> {
        Self::open_for(data_dir, &[])
    }

    /// As [`Authority::open`]; the server's certificate also covers these host names and IP addresses.
    pub fn open_for(data_dir: &Path, names: &[String]) -> Result<Self, AuthorityError> {
        let files = Files::at(data_dir.join("authority"))?;
        let root = match files.read("root")? {
            Some(pair) => pair,
            None => {
                let key = KeyPair::generate()?;
                let certificate = ca_params("Homing Root CA", 1).self_signed(&key)?;
                files.write("root", certificate.der().clone(), &key)?
            }
        };
        let server_issuer = issuer(&files, &root, "server-issuer", "Homing Server CA")?;
        let provider = issuer(&files, &root, "provider-issuer", "Homing Provider CA")?;
        let device = issuer(&files, &root, "device-issuer", "Homing Device CA")?;
        let wanted = names::server_names(names)?;
        let server = match files.read("server")? {
            Some(pair)
                if names::covers(&pair.certificate, &wanted)
                    && days_left(&pair.certificate) >= RENEW_DAYS =>
            {
                pair
            }
            Some(_) | None => {
                let key = KeyPair::generate()?;
                let certificate = server_params(wanted).signed_by(&key, &server_issuer.issuer()?)?;
                files.write("server", certificate.der().clone(), &key)?
            }
        };
        Ok(Self(Arc::new(Inner {
            root_pem: root.pem(),
            root_path: files.certificate_path("root"),
            server_issuer: server_issuer.certificate,
            provider,
            device,
            server,
        })))
    }

    /// The root certificate, which clients must trust.
    pub fn ca_pem(&self) -> &str {
        &self.0.root_pem
    }

    /// The file that holds the root certificate and nothing else.
    pub fn ca_pem_path(&self) -> &Path {
        &self.0.root_path
    }

    /// What a server sends: its certificate and its issuer's.
    pub fn server_chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.0.server.certificate.clone(), self.0.server_issuer.clone()]
    }

    pub fn server_key(&self) -> PrivateKeyDer<'static> {
        self.0.server.key_der()
    }

    /// What the provider port trusts.
    pub fn provider_roots(&self) -> RootCertStore {
        only(&self.0.provider.certificate)
    }

    /// What the device link trusts.
    pub fn device_roots(&self) -> RootCertStore {
        only(&self.0.device.certificate)
    }

    /// Signs a provider's certificate for a new key. It counts only once the developer centre knows it.
    pub fn issue_provider_certificate(
        &self,
        request: &ProviderCertificateRequest,
    ) -> Result<ProviderCertificate, AuthorityError> {
        provider::issue(&self.0.provider, request)
    }

    /// Signs a device's certificate: a chain in PEM, without the root.
    pub fn issue_device_certificate(
        &self,
        device: DeviceId,
        key: &DeviceKey,
    ) -> Result<String, AuthorityError> {
        device::issue(&self.0.device, device, key)
    }
}

fn issuer(files: &Files, root: &Pair, name: &str, common_name: &str) -> Result<Pair, AuthorityError> {
    if let Some(pair) = files.read(name)? {
        return Ok(pair);
    }
    let key = KeyPair::generate()?;
    let certificate = ca_params(common_name, 0).signed_by(&key, &root.issuer()?)?;
    files.write(name, certificate.der().clone(), &key)
}

fn ca_params(common_name: &str, below: u8) -> CertificateParams {
    let mut params = params_for(CA_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::OrganizationName, "Homing");
    params
}

fn server_params(names: Vec<rcgen::SanType>) -> CertificateParams {
    let mut params = params_for(LEAF_DAYS);
    params.distinguished_name.push(DnType::CommonName, "Homing push service");
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// Valid from yesterday, so that a client whose clock is a little behind agrees.
fn params_for(days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.use_authority_key_identifier_extension = true;
    // Certificates live on real time.
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let midnight_after = |days: i64| {
        let date = today.saturating_add(jiff::Span::new().days(days));
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight_after(-1);
    params.not_after = midnight_after(days);
    params
}

/// Whole days until the certificate expires; negative when it has, or can't be read.
fn days_left(certificate: &CertificateDer<'_>) -> i64 {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok((_, parsed)) => (parsed.validity().not_after.timestamp() - jiff::Timestamp::now().as_second())
            .div_euclid(24 * 60 * 60),
        Err(_) => -1,
    }
}

fn only(issuer: &CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // It was checked to be a certificate when it was read; an empty store trusts nobody.
    if let Err(error) = roots.add(issuer.clone()) {
        tracing::error!(%error, "an issuer's certificate can't be trusted");
    }
    roots
}

impl Pair {
    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
        Ok(Issuer::from_ca_cert_der(&self.certificate, self.key_pair()?)?)
    }
}
