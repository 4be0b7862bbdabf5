//! `homing up`: all roles on this machine, with embedded stores and two virtual iPhones. Also how `homing gateway`
//! starts, since its push service is the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use homing_app::demo::DemoOptions;
use homing_clock::Clock;
use homing_device::{DeviceConfig, DeviceHost, Tokens};
use homing_gateway::{Gateway, GatewayConfig};
use homing_trace::Environment;
use tokio::sync::watch;

use crate::commands::gateway::GatewayFile;
use crate::data_dir::{self, DataDir};
use crate::demo::{self, DemoApps, DemoCredentials};
use crate::endpoints::{Endpoints, HostPort};
use crate::ports::{self, Ports};
use crate::words;

mod greeting;

/// How long the virtual iPhones may take to register before the greeting is printed without their tokens.
const REGISTER_DEADLINE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Where everything is kept [default: $XDG_DATA_HOME/homing]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Put every port into N to N+19, so that several can run side by side
    #[arg(long, value_name = "N")]
    ports_from: Option<u16>,
}

pub(crate) fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let dir = DataDir::take(&data_dir::or_default(args.data_dir)?)?;
    let ports = args.ports_from.map_or(Ok(Ports::DEFAULT), Ports::from)?;
    let listen = Listen {
        apns: vec![
            (Environment::Production, ports::loopback(ports.production)),
            (Environment::Development, ports::loopback(ports.development)),
        ],
        device_link: ports::loopback(ports.device_link),
        admin: ports::loopback(ports.gateway_admin),
    };
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        Endpoints::remove(dir.path())?;
        let clock = Clock::kept_in(&dir.join("clock"))?;
        let gateway = start_gateway(&dir, clock.clone(), listen, None).await?;
        let ended = everything_up(&dir, clock, &gateway, ports.device_api, began, stop).await;
        let removed = Endpoints::remove(dir.path());
        gateway.shutdown().await;
        ended.and(removed)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The push service alone, as its configuration file says.
pub(crate) fn run_gateway(file: GatewayFile) -> anyhow::Result<ExitCode> {
    let dir = DataDir::take(&file.data_dir)?;
    let listen = Listen {
        apns: vec![
            (Environment::Production, file.production.listen),
            (Environment::Development, file.development.listen),
        ],
        device_link: file.device_link.listen,
        admin: file.admin.listen,
    };
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        Endpoints::remove(dir.path())?;
        let clock = Clock::kept_in(&dir.join("clock"))?;
        let gateway = start_gateway(&dir, clock, listen, file.cores).await?;
        let ready = async {
            let credentials = if file.demo { Some(demo::ensure(&dir, &gateway).await?) } else { None };
            endpoints_of(&dir, &gateway, credentials)?.write(dir.path())
        };
        let ended = match ready.await {
            Ok(()) => {
                tracing::info!(data = %dir.path().display(), "the push service is up; endpoints.json says where");
                stop.await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        let removed = Endpoints::remove(dir.path());
        gateway.shutdown().await;
        ended.and(removed)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Demo, devices, endpoints.json and the greeting; then serves until it is told to stop.
async fn everything_up(
    dir: &DataDir,
    clock: Clock,
    gateway: &Gateway,
    device_api_port: u16,
    began: Instant,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let credentials = demo::ensure(dir, gateway).await?;
    let enrolment_key = credentials.enrolment_key.clone();
    let mut endpoints = endpoints_of(dir, gateway, Some(credentials))?;
    let device_api_key = dir.key("device-api.key")?;
    let devices = DeviceHost::start(DeviceConfig {
        data_dir: dir.join("devices"),
        clock,
        link: (endpoints.device_link.host.clone(), endpoints.device_link.port),
        ca_pem: gateway.authority().ca_pem().as_bytes().to_vec(),
        enrolment_key,
        api: ports::loopback(device_api_port),
        api_key: device_api_key.clone(),
        devices: demo::iphones()?,
        launcher: DemoApps::launcher(DemoOptions::default()),
    })
    .await
    .context("the virtual iPhones can't start")?;
    endpoints.device_api = Some(format!("http://localhost:{}", port_of(devices.addresses())?));
    endpoints.device_api_key = Some(device_api_key);
    let mut tokens = devices.tokens();
    let mut installed = devices.installed().await;
    // Those that were added later may be offline for good reason.
    installed.retain(|(device, _)| Environment::ALL.into_iter().any(|of| *device == demo::iphone(of)));
    let registered = wait_for_tokens(&mut endpoints, &mut tokens, &installed);
    tokio::pin!(stop);
    let stopped = tokio::select! {
        registered = registered => {
            if !registered {
                tracing::warn!("the virtual iPhones have no device tokens yet: see `homing device list`");
            }
            false
        }
        () = &mut stop => true,
    };
    if !stopped {
        endpoints.write(dir.path())?;
        words::say_data(greeting::greeting(&endpoints, dir.path(), began.elapsed()));
        keep_tokens_true(dir, &mut endpoints, tokens, stop).await?;
    }
    Endpoints::remove(dir.path())?;
    devices.shutdown().await;
    Ok(())
}

/// Waits until every installed demo app has its token; `false` when the deadline passes first.
async fn wait_for_tokens(
    endpoints: &mut Endpoints,
    tokens: &mut watch::Receiver<Tokens>,
    installed: &BTreeSet<(String, String)>,
) -> bool {
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
async fn keep_tokens_true(
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

/// Where the push service listens.
struct Listen {
    apns: Vec<(Environment, Vec<SocketAddr>)>,
    device_link: Vec<SocketAddr>,
    admin: Vec<SocketAddr>,
}

async fn start_gateway(
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
fn endpoints_of(
    dir: &DataDir,
    gateway: &Gateway,
    credentials: Option<DemoCredentials>,
) -> anyhow::Result<Endpoints> {
    let addresses = gateway.addresses();
    let localhost = |port| HostPort { host: "localhost".to_owned(), port };
    let mut apns = BTreeMap::new();
    for (environment, bound) in &addresses.apns {
        apns.insert(*environment, localhost(port_of(bound)?));
    }
    let (demo, enrolment_key) =
        credentials.map_or((None, None), |made| (Some(made.demo), Some(made.enrolment_key)));
    Ok(Endpoints {
        pid: std::process::id(),
        device_api: None,
        device_api_key: None,
        gateway_admin: format!("http://localhost:{}", port_of(&addresses.admin)?),
        gateway_admin_key: dir.key("gateway-admin.key")?,
        ca_pem: gateway.authority().ca_pem_path().to_owned(),
        apns,
        device_link: localhost(port_of(&addresses.device_link)?),
        enrolment_key,
        demo,
    })
}

fn port_of(addresses: &[SocketAddr]) -> anyhow::Result<u16> {
    addresses.first().map(SocketAddr::port).context("a listener has no address")
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the runtime can't start")
}

/// Resolves at SIGINT or SIGTERM.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be watched")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be watched")?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }))
}
