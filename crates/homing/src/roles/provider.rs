//! The provider: started on a data directory with the apps it is told of, and told to `endpoints.json`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use homing_clock::Clock;
use homing_provider::{AppSpec, Provider, ProviderConfig};

use crate::data_dir::DataDir;
use crate::endpoints::Endpoints;
use crate::roles::process::local_url;

/// How long the demo apps may take, and how often that is looked at.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

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

/// Waits until the demo apps have told the provider their tokens, and with them their user: what is pushed to the demo's
/// user from then on has somebody to go to.
pub(crate) async fn wait_for_apps(provider: &Provider, endpoints: &Endpoints) {
    let Some(demo) = &endpoints.demo else { return };
    let tokens = demo.environments.values().filter_map(|environment| environment.device_token.as_deref());
    let told = async {
        let mut look = tokio::time::interval(LOOK_EVERY);
        for token in tokens {
            while provider.engine().installation(&demo.bundle_id, token).await.is_err() {
                look.tick().await;
            }
        }
    };
    if tokio::time::timeout(TOLD_WITHIN, told).await.is_err() {
        tracing::warn!(
            "the demo apps haven't told the provider their tokens yet: pushes to users go nowhere"
        );
    }
}

/// The key with every right.
fn key(dir: &DataDir) -> anyhow::Result<String> {
    dir.key("provider-api.key")
}
