//! The virtual iPhones of `homing up`: started with the demo app, and their tokens kept true in `endpoints.json`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use homing_clock::Clock;
use homing_device::{DeviceConfig, DeviceHost, Tokens};
use homing_gateway::Gateway;
use homing_trace::Environment;
use tokio::sync::watch;

use crate::data_dir::DataDir;
use crate::demo::{self, DemoApps};
use crate::endpoints::Endpoints;
use crate::ports;
use crate::roles::process::local_url;

/// How long the virtual iPhones may take to register before the greeting is printed without their tokens.
const REGISTER_DEADLINE: Duration = Duration::from_secs(30);

/// Starts them against the push service that `endpoints` tells of, and tells it where their API is.
pub(crate) async fn start(
    dir: &DataDir,
    clock: Clock,
    gateway: &Gateway,
    endpoints: &mut Endpoints,
    api_port: u16,
    apps: DemoApps,
) -> anyhow::Result<DeviceHost> {
    let api_key = dir.key("device-api.key")?;
    let link = endpoints.device_link.as_ref().context("the push service has no device link")?;
    let devices = DeviceHost::start(DeviceConfig {
        data_dir: dir.join("devices"),
        clock,
        link: (link.host.clone(), link.port),
        ca_pem: gateway.authority().ca_pem().as_bytes().to_vec(),
        enrolment_key: endpoints.enrolment_key.clone().context("the push service gives no enrolment key")?,
        api: ports::loopback(api_port),
        api_key: api_key.clone(),
        devices: demo::iphones()?,
        launcher: apps.launcher(),
    })
    .await
    .context("the virtual iPhones can't start")?;
    endpoints.device_api = Some(local_url(devices.addresses())?);
    endpoints.device_api_key = Some(api_key);
    Ok(devices)
}

/// Waits until the demo app on each of the demo's own iPhones has its token; `false` when the deadline passes first.
/// Those that were added later may be offline for good reason.
pub(crate) async fn wait_for_tokens(devices: &DeviceHost, endpoints: &mut Endpoints) -> bool {
    let mut installed: BTreeSet<(String, String)> = devices.installed().await;
    installed.retain(|(device, _)| Environment::ALL.into_iter().any(|of| *device == demo::iphone(of)));
    let mut tokens = devices.tokens();
    let complete = async {
        loop {
            {
                let tokens = tokens.borrow_and_update();
                put_tokens(endpoints, &tokens);
                if installed.iter().all(|app| tokens.contains_key(app)) {
                    return true;
                }
            }
            if tokens.changed().await.is_err() {
                return false;
            }
        }
    };
    tokio::time::timeout(REGISTER_DEADLINE, complete).await.unwrap_or(false)
}

/// Rewrites endpoints.json whenever a token changes, until it is time to stop.
pub(crate) async fn keep_tokens_true(
    dir: &DataDir,
    endpoints: &mut Endpoints,
    mut tokens: watch::Receiver<Tokens>,
    mut stop: impl Future<Output = ()> + Unpin,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            changed = tokens.changed() => {
                if changed.is_err() {
                    stop.await;
                    return Ok(());
                }
                put_tokens(endpoints, &tokens.borrow_and_update());
                endpoints.write(dir.path())?;
            }
        }
    }
}

fn put_tokens(endpoints: &mut Endpoints, tokens: &Tokens) {
    let Some(demo) = &mut endpoints.demo else { return };
    for (environment, of_environment) in &mut demo.environments {
        let token = tokens.get(&(demo::iphone(*environment), demo.bundle_id.clone()));
        of_environment.device_token = token.cloned();
    }
}
