//! The push service: started on a data directory, and told to `endpoints.json`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use homing_clock::Clock;
use homing_gateway::{Gateway, GatewayConfig, ProviderRules};
use homing_trace::Environment;

use crate::data_dir::DataDir;
use crate::demo::DemoCredentials;
use crate::endpoints::{ApnsPorts, Endpoints, HostPort};
use crate::roles::process::{local_url, port_of};

/// Where the push service listens, how strictly, and whether it has what only tests need.
pub(crate) struct Listen {
    pub(crate) apns: Vec<(Environment, Vec<SocketAddr>)>,
    pub(crate) legacy: Vec<(Environment, Vec<SocketAddr>)>,
    pub(crate) feedback: Vec<(Environment, Vec<SocketAddr>)>,
    pub(crate) device_link: Vec<SocketAddr>,
    pub(crate) admin: Vec<SocketAddr>,
    pub(crate) strict_legacy: bool,
    pub(crate) rules: ProviderRules,
    pub(crate) for_testers: bool,
}

/// Starts it, with a thread for each core unless `cores` says how many.
pub(crate) async fn start(
    dir: &DataDir,
    clock: Clock,
    listen: Listen,
    cores: Option<usize>,
) -> anyhow::Result<Gateway> {
    // A connection is an open file; the usual soft limit of 1,024 would be the first thing to run out.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let config = GatewayConfig {
        data_dir: dir.folder("gateway")?,
        clock,
        cores: cores.unwrap_or(all).max(1),
        apns: listen.apns,
        legacy: listen.legacy,
        feedback: listen.feedback,
        strict_legacy: listen.strict_legacy,
        rules: listen.rules,
        device_link: listen.device_link,
        admin: listen.admin,
        admin_key: dir.key("gateway-admin.key")?,
        for_testers: listen.for_testers,
    };
    Gateway::start(config).await.context("the push service can't start")
}

/// endpoints.json as far as the push service goes.
pub(crate) fn endpoints_of(
    dir: &DataDir,
    gateway: &Gateway,
    credentials: Option<&DemoCredentials>,
) -> anyhow::Result<Endpoints> {
    let addresses = gateway.addresses();
    let mut apns = BTreeMap::new();
    for (environment, bound) in &addresses.apns {
        let of_environment = |all: &[(Environment, Vec<SocketAddr>)]| {
            let bound = all.iter().find(|(of, _)| of == environment);
            bound.map(|(_, bound)| port_of(bound)).transpose()
        };
        let ports = ApnsPorts {
            host: "localhost".to_owned(),
            port: port_of(bound)?,
            legacy_port: of_environment(&addresses.legacy)?,
            feedback_port: of_environment(&addresses.feedback)?,
        };
        apns.insert(*environment, ports);
    }
    Ok(Endpoints {
        gateway_admin: Some(local_url(&addresses.admin)?),
        gateway_admin_key: Some(dir.key("gateway-admin.key")?),
        ca_pem: Some(gateway.authority().ca_pem_path().to_owned()),
        apns,
        device_link: Some(HostPort { host: "localhost".to_owned(), port: port_of(&addresses.device_link)? }),
        enrolment_key: credentials.map(|made| made.enrolment_key.clone()),
        demo: credentials.map(|made| made.demo.clone()),
        ..Endpoints::of_this_process()
    })
}
