//! Which port each listener of `homing up` takes, and on which addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use anyhow::bail;
use homing_trace::Environment;

use crate::roles::push_service::Listen;

/// How many ports `--ports-from N` sets aside: N to N + 19, some for what is yet to come.
const BLOCK: u16 = 20;

/// The port of each listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub production: u16,
    pub development: u16,
    pub legacy_production: u16,
    pub feedback_production: u16,
    pub legacy_development: u16,
    pub feedback_development: u16,
    pub device_link: u16,
    pub console: u16,
    pub provider_api: u16,
    pub device_api: u16,
    pub gateway_admin: u16,
}

impl Ports {
    pub(crate) const DEFAULT: Self = Self {
        production: 2197,
        development: 2297,
        legacy_production: 2195,
        feedback_production: 2196,
        legacy_development: 2295,
        feedback_development: 2296,
        device_link: 8883,
        console: 8480,
        provider_api: 8481,
        device_api: 8482,
        gateway_admin: 8483,
    };

    /// The block that starts at `first`.
    pub(crate) fn from(first: u16) -> anyhow::Result<Self> {
        if first == 0 || first.checked_add(BLOCK - 1).is_none() {
            bail!(
                "--ports-from {first} leaves no room for {BLOCK} ports\nhint: name one between 1 and {}",
                65535 - BLOCK + 1
            );
        }
        Ok(Self {
            production: first,
            development: first + 1,
            legacy_production: first + 2,
            feedback_production: first + 3,
            legacy_development: first + 4,
            feedback_development: first + 5,
            device_link: first + 6,
            console: first + 7,
            provider_api: first + 8,
            device_api: first + 9,
            gateway_admin: first + 10,
        })
    }
}

/// Apple's ports of the provider API, its legacy interface with the feedback service, and channel management, which shares
/// their numbers.
const APPLE_HTTP2: [u16; 2] = [443, 2197];
const APPLE_LEGACY: u16 = 2195;
const APPLE_FEEDBACK: u16 = 2196;

/// Also listens on Apple's own ports, on the IP addresses where the provider API is anyhow: a client with fixed hosts and ports
/// then needs only a hosts file. Who names no host of Apple's is in production there.
pub(crate) fn add_apple_ports(listen: &mut Listen) {
    let ips: BTreeSet<IpAddr> =
        listen.apns.iter().flat_map(|(_, addresses)| addresses).map(SocketAddr::ip).collect();
    let mut taken: BTreeSet<SocketAddr> = [&listen.apns, &listen.legacy, &listen.feedback]
        .into_iter()
        .flatten()
        .flat_map(|(_, addresses)| addresses.iter().copied())
        .collect();
    for (ports, roles) in [
        (&APPLE_HTTP2[..], &mut listen.apns),
        (&[APPLE_LEGACY], &mut listen.legacy),
        (&[APPLE_FEEDBACK], &mut listen.feedback),
    ] {
        let at = roles.iter().position(|(environment, _)| *environment == Environment::Production);
        let at = at.unwrap_or_else(|| {
            roles.push((Environment::Production, Vec::new()));
            roles.len() - 1
        });
        let wanted = ports.iter().flat_map(|port| ips.iter().map(|ip| SocketAddr::new(*ip, *port)));
        roles[at].1.extend(wanted.filter(|address| taken.insert(*address)));
    }
}

/// 127.0.0.1 and, where the machine has it, ::1.
pub(crate) fn loopback(port: u16) -> Vec<SocketAddr> {
    let mut addresses = vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apples_ports_are_added_once_where_the_provider_api_listens() {
        let at = |ports: &[u16]| -> Vec<SocketAddr> {
            ports.iter().map(|port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), *port)).collect()
        };
        let mut listen = Listen {
            apns: vec![(Environment::Production, at(&[2197])), (Environment::Development, at(&[2297]))],
            legacy: vec![(Environment::Production, at(&[2195]))],
            feedback: Vec::new(),
            device_link: at(&[8883]),
            admin: at(&[8483]),
            strict_legacy: false,
            for_testers: false,
            rules: homing_gateway::ProviderRules::default(),
        };
        add_apple_ports(&mut listen);
        assert_eq!(listen.apns[0].1, at(&[2197, 443]));
        assert_eq!(listen.apns[1].1, at(&[2297]));
        assert_eq!(listen.legacy, [(Environment::Production, at(&[2195]))]);
        assert_eq!(listen.feedback, [(Environment::Production, at(&[2196]))]);
    }

    #[test]
    fn a_block_of_ports_must_fit() {
        assert_eq!(Ports::from(30_000).expect("it fits").gateway_admin, 30_010);
        assert!(Ports::from(65_516).is_ok());
        assert!(Ports::from(65_517).is_err());
        assert!(Ports::from(0).is_err());
    }
}
