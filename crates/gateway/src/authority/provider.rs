//! Certificates of providers as Apple writes them (*Establishing a certificate-based connection to APNs*): the topic in
//! the subject's UID, the environments and further topics in extensions of Apple's arc.

use std::time::Duration;

use homing_trace::{Environment, UnixMillis};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::string::PrintableString;
use rcgen::{CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::files::{Pair, pem_of};
use super::{AuthorityError, LEAF_DAYS, params_for};

/// `userId`, RFC 4519 §2.39.
const UID: [u64; 7] = [0, 9, 2342, 19_200_300, 100, 1, 1];
const DEVELOPMENT: [u64; 8] = [1, 2, 840, 113_635, 100, 6, 3, 1];
const PRODUCTION: [u64; 8] = [1, 2, 840, 113_635, 100, 6, 3, 2];
/// The place for VoIP topics. Apple publishes no layout; that of the list of topics is used.
const VOIP_TOPICS: [u64; 8] = [1, 2, 840, 113_635, 100, 6, 3, 4];
const TOPICS: [u64; 8] = [1, 2, 840, 113_635, 100, 6, 3, 6];
const ASN1_NULL: [u8; 2] = [5, 0];
/// The year 2100, in seconds since 1970. Later moments are taken for this one.
pub(crate) const EXPIRES_BEFORE: i64 = 4_102_444_800;
/// Apple's certificates name a country; nobody reads it.
const COUNTRY: &str = "US";

/// What a certificate is for.
#[derive(Clone, Debug)]
pub struct ProviderCertificateRequest {
    /// The default topic: used when a request names none.
    pub topic: String,
    /// Apple's words for the kind, and the bundle id.
    pub common_name: String,
    /// The team's id.
    pub team: String,
    pub environments: Vec<Environment>,
    /// All its topics with their kinds, the default one included. Empty: a certificate of one topic, without the list. With
    /// several, a request must name its topic.
    pub topics: Vec<CertificateTopic>,
    /// The topics of a VoIP certificate.
    pub voip_topics: Vec<CertificateTopic>,
    /// The end of its validity, on real time; in 397 days when absent.
    pub expires_at: Option<UnixMillis>,
    /// Opens the PKCS#12 file.
    pub p12_password: Zeroizing<String>,
}

/// One entry of a certificate's list of topics, such as `com.example.app.voip` of kind `voip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateTopic {
    pub topic: String,
    pub kinds: Vec<String>,
}

/// A provider's certificate with its key, in the formats that clients read.
pub struct ProviderCertificate {
    /// Certificate, issuer, then private key: clients that read only one certificate take the first.
    pub pem: Zeroizing<String>,
    /// The same as PKCS#12, in algorithms that OpenSSL 3 opens by default.
    pub p12: Zeroizing<Vec<u8>>,
    /// The certificate alone.
    pub der: CertificateDer<'static>,
    /// The end of its validity, to the second.
    pub expires_at: UnixMillis,
}

impl std::fmt::Debug for ProviderCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderCertificate").field("der_len", &self.der.len()).finish_non_exhaustive()
    }
}

pub(super) fn issue(
    issuer: &Pair,
    request: &ProviderCertificateRequest,
) -> Result<ProviderCertificate, AuthorityError> {
    let mut params = params_for(LEAF_DAYS);
    if let Some(expires_at) = request.expires_at {
        let second = |at: i64| {
            let seconds = at.clamp(0, EXPIRES_BEFORE).unsigned_abs();
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
        };
        params.not_after = second(expires_at.secs());
        params.not_before = params.not_before.min(second(expires_at.secs() - 24 * 60 * 60));
    }
    let expires_at = UnixMillis::from_secs(params.not_after.unix_timestamp());
    params.distinguished_name.push(DnType::CustomDnType(UID.to_vec()), request.topic.as_str());
    params.distinguished_name.push(DnType::CommonName, request.common_name.as_str());
    params.distinguished_name.push(DnType::OrganizationalUnitName, request.team.as_str());
    params
        .distinguished_name
        .push(DnType::CountryName, DnValue::PrintableString(PrintableString::try_from(COUNTRY)?));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for (environment, oid) in
        [(Environment::Development, &DEVELOPMENT), (Environment::Production, &PRODUCTION)]
    {
        if request.environments.contains(&environment) {
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(oid.as_slice(), ASN1_NULL.to_vec()));
        }
    }
    for (oid, topics) in [(&VOIP_TOPICS, &request.voip_topics), (&TOPICS, &request.topics)] {
        if !topics.is_empty() {
            let list = topics_extension(topics);
            params.custom_extensions.push(CustomExtension::from_oid_content(oid, list));
        }
    }
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer.issuer()?)?.der().clone();
    let key_der = Zeroizing::new(key.serialize_der());
    let key_pem = Zeroizing::new(pem_of("PRIVATE KEY", &key_der));
    let pem = [pem_of("CERTIFICATE", &certificate), issuer.pem(), key_pem.to_string()].concat();
    Ok(ProviderCertificate {
        pem: Zeroizing::new(pem),
        p12: Zeroizing::new(pkcs12(&certificate, &issuer.certificate, &key_der, request)?),
        der: certificate,
        expires_at,
    })
}

fn pkcs12(
    certificate: &CertificateDer<'_>,
    issuer: &CertificateDer<'_>,
    key: &[u8],
    request: &ProviderCertificateRequest,
) -> Result<Vec<u8>, AuthorityError> {
    let make = || {
        let chain = [Certificate::from_der(certificate)?, Certificate::from_der(issuer)?];
        let chain = PrivateKeyChain::new("homing", PrivateKey::from_der(key)?, chain);
        let mut store = KeyStore::new();
        store.add_entry(&request.topic, KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(&request.p12_password).write()
    };
    make().map_err(|error: p12_keystore::error::Error| AuthorityError::Pkcs12(error.to_string()))
}

/// `SEQUENCE { topic, SEQUENCE { kind, … }, topic, … }`, all UTF8String.
fn topics_extension(topics: &[CertificateTopic]) -> Vec<u8> {
    const UTF8_STRING: u8 = 0x0c;
    const SEQUENCE: u8 = 0x30;
    let mut list = Vec::new();
    for CertificateTopic { topic, kinds } in topics {
        list.extend(der(UTF8_STRING, topic.as_bytes()));
        let kinds: Vec<u8> = kinds.iter().flat_map(|kind| der(UTF8_STRING, kind.as_bytes())).collect();
        list.extend(der(SEQUENCE, &kinds));
    }
    der(SEQUENCE, &list)
}

/// Tag, length in the shortest form, contents.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(len) if len < 0x80 => der.push(len),
        Ok(_) | Err(_) => {
            let bytes = contents.len().to_be_bytes();
            let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            der.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
            der.extend_from_slice(significant);
        }
    }
    der.extend_from_slice(contents);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_topics_has_apples_layout() {
        let topic = |topic: &str, kind: &str| CertificateTopic {
            topic: topic.to_owned(),
            kinds: vec![kind.to_owned()],
        };
        let list = topics_extension(&[
            topic("com.eatthepath.pushy", "app"),
            topic("com.eatthepath.pushy.voip", "voip"),
            topic("com.eatthepath.pushy.complication", "complication"),
        ]);
        // The bytes of pushy's own multi-topic certificate.
        let expected = [
            b"\x30\x73\x0c\x14com.eatthepath.pushy\x30\x05\x0c\x03app".as_slice(),
            b"\x0c\x19com.eatthepath.pushy.voip\x30\x06\x0c\x04voip",
            b"\x0c\x21com.eatthepath.pushy.complication\x30\x0e\x0c\x0ccomplication",
        ]
        .concat();
        assert_eq!(list, expected);
    }

    #[test]
    fn a_long_list_has_a_long_length() {
        assert_eq!(der(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(der(4, &[0; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
    }
}
