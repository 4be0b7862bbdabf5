//! The names the server's certificate covers: Apple's, so that a client with fixed hosts needs only a hosts file, this
//! machine's loopback, and what the operator adds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::SanType;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

use super::AuthorityError;

/// Apple's hosts: HTTP/2, broadcasts and channels, the legacy interface and its feedback service (*Sending notification
/// requests to APNs*, *Sending channel management requests to APNs*, *Binary Provider API*).
pub const APPLE_NAMES: [&str; 11] = [
    "api.push.apple.com",
    "api.sandbox.push.apple.com",
    "api.development.push.apple.com",
    "api-broadcast.push.apple.com",
    "api-broadcast.sandbox.push.apple.com",
    "api-manage-broadcast.push.apple.com",
    "api-manage-broadcast.sandbox.push.apple.com",
    "gateway.push.apple.com",
    "gateway.sandbox.push.apple.com",
    "feedback.push.apple.com",
    "feedback.sandbox.push.apple.com",
];

pub(super) fn server_names(extra: &[String]) -> Result<Vec<SanType>, AuthorityError> {
    let dns = |name: &str| {
        name.try_into().map(SanType::DnsName).map_err(|_| AuthorityError::BadName(name.to_owned()))
    };
    let mut names = APPLE_NAMES
        .iter()
        .chain(["localhost"].iter())
        .map(|name| dns(name))
        .collect::<Result<Vec<_>, _>>()?;
    names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    for name in extra {
        let name = match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => dns(name)?,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Whether the certificate covers all of these names.
pub(super) fn covers(certificate: &CertificateDer<'_>, wanted: &[SanType]) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else { return false };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    let has = |wanted: &SanType| {
        names.value.general_names.iter().any(|name| match (name, wanted) {
            (GeneralName::DNSName(name), SanType::DnsName(wanted)) => *name == wanted.as_str(),
            (GeneralName::IPAddress(octets), SanType::IpAddress(IpAddr::V4(wanted))) => {
                *octets == wanted.octets()
            }
            (GeneralName::IPAddress(octets), SanType::IpAddress(IpAddr::V6(wanted))) => {
                *octets == wanted.octets()
            }
            _ => false,
        })
    };
    wanted.iter().all(has)
}
