//! The console: which APIs it speaks to, and what it may tell a page that is signed in.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use homing_console::{Console, ConsoleConfig, Upstream};
use serde_json::{Value, json};

use crate::data_dir::DataDir;
use crate::demo;
use crate::endpoints::Endpoints;

/// The file of the key by which `homing console` asks for a link.
pub(crate) const LINK_KEY: &str = "console.key";

pub(crate) async fn start(
    dir: &DataDir,
    endpoints: &Endpoints,
    listen: Vec<SocketAddr>,
) -> anyhow::Result<Console> {
    let known = [
        ("provider", &endpoints.provider_api, &endpoints.provider_api_key),
        ("device", &endpoints.device_api, &endpoints.device_api_key),
        ("gateway", &endpoints.gateway_admin, &endpoints.gateway_admin_key),
    ];
    let upstreams = known
        .into_iter()
        .filter_map(|(name, base, key)| Some(Upstream { name, base: base.clone()?, key: key.clone()? }));
    let config = ConsoleConfig {
        listen,
        link_key: dir.key(LINK_KEY)?,
        upstreams: upstreams.collect(),
        about: about(dir.path(), endpoints),
        hosts: Vec::new(),
    };
    Console::start(config).await.context("the console can't start")
}

/// No secrets: a page that was led astray could read it.
fn about(data_dir: &Path, endpoints: &Endpoints) -> Value {
    let demo = endpoints.demo.as_ref().map(|demo| {
        let environments: Vec<_> = demo.environments.keys().collect();
        json!({
            "bundle_id": demo.bundle_id,
            "user": demo.user,
            "accounts": demo::ACCOUNTS,
            "environments": environments,
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "demo": demo,
        "apns": endpoints.apns,
        "device_link": endpoints.device_link,
        "data_dir": data_dir,
    })
}
