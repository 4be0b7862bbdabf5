//! The push service: started on a data directory, and told to `endpoints.json`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use homing_clock::Clock;
use homing_gateway::{Gateway, GatewayConfig};
use homing_trace::Environment;

use crate::data_dir::DataDir;
use crate::demo::DemoCredentials;
use crate::endpoints::{Endpoints, HostPort};
use crate::roles::process::{local_url, port_of};

/// Where the push service listens.
pub(crate) struct Listen {
    pub(crate) apns: Vec<(Environment, Vec<SocketAddr>)>,
    pub(crate) device_link: Vec<SocketAddr>,
    pub(crate) admin: Vec<SocketAddr>,
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
        device_link: listen.device_link,
        admin: listen.admin,
        admin_key: dir.key("gateway-admin.key")?,
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
    let localhost = |port| HostPort { host: "localhost".to_owned(), port };
    let mut apns = BTreeMap::new();
    for (environment, bound) in &addresses.apns {
        apns.insert(*environment, localhost(port_of(bound)?));
    }
    Ok(Endpoints {
        gateway_admin: Some(local_url(&addresses.admin)?),
        gateway_admin_key: Some(dir.key("gateway-admin.key")?),
        ca_pem: Some(gateway.authority().ca_pem_path().to_owned()),
        apns,
        device_link: Some(localhost(port_of(&addresses.device_link)?)),
        enrolment_key: credentials.map(|made| made.enrolment_key.clone()),
        demo: credentials.map(|made| made.demo.clone()),
        ..Endpoints::of_this_process()
    })
}
