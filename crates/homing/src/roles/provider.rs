//! The provider: started on a data directory with the apps it is told of, and told to `endpoints.json`.

use std::net::SocketAddr;

use anyhow::Context as _;
use homing_clock::Clock;
use homing_provider::{AppSpec, Provider, ProviderConfig};

use crate::data_dir::DataDir;
use crate::endpoints::Endpoints;
use crate::roles::process::local_url;

pub(crate) async fn start(
    dir: &DataDir,
    clock: Clock,
    api: Vec<SocketAddr>,
    apps: Vec<AppSpec>,
    hosts: Vec<String>,
) -> anyhow::Result<Provider> {
    let config =
        ProviderConfig { data_dir: dir.folder("provider")?, clock, api, api_key: key(dir)?, apps, hosts };
    Provider::start(config).await.context("the provider can't start")
}

pub(crate) fn tell(dir: &DataDir, provider: &Provider, endpoints: &mut Endpoints) -> anyhow::Result<()> {
    endpoints.provider_api = Some(local_url(provider.addresses())?);
    endpoints.provider_api_key = Some(key(dir)?);
    Ok(())
}

/// The key with every right.
fn key(dir: &DataDir) -> anyhow::Result<String> {
    dir.key("provider-api.key")
}
