//! `homing device run`: one virtual device as a process of its own, on somebody's push service. Many at once are `fleet`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use homing_clock::Clock;
use homing_device::{DeviceConfig, DeviceHost, VirtualDevice};
use homing_local::AppManifest;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::fleet;
use super::script::{self, Defaults};
use crate::data_dir::{self, DataDir};
use crate::demo::DemoApps;
use crate::endpoints;
use crate::words;

#[derive(Debug, clap::Args)]
pub(super) struct RoleArgs {
    /// The push service's device link
    #[arg(long, value_name = "HOST:PORT", value_parser = host_port)]
    pub(super) link: (String, u16),
    /// Its root certificate (PEM); no other is trusted
    #[arg(long, value_name = "FILE")]
    pub(super) ca: PathBuf,
    /// What lets a new device enrol
    #[arg(long, value_name = "KEY")]
    pub(super) enrolment_key: String,
    /// The device's name
    #[arg(long, default_value = "iphone")]
    name: String,
    /// Where its API listens; port 0 takes a free one
    /// [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) api: Vec<SocketAddr>,
    /// Manifest of an app to install when the device is new, instead of the demo's development build
    #[arg(long, value_name = "FILE")]
    install: Vec<PathBuf>,
    /// Where its notifications are seen besides the API
    #[arg(long, value_name = "FACE", default_value = "headless")]
    face: Face,
    /// Carry out a script of JSON lines on this device, and end
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Where everything is kept [default: $XDG_DATA_HOME/homing]; of a fleet, who its devices are, and its API's key
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    // Here and not in a struct of their own, since clap doesn't see what is flattened into an optional one.
    /// Run this many devices at once, in memory: for load and for tests. Nothing is safe on them, and all of their state
    /// is gone at the end; without --data-dir they are removed from the push service as well
    #[arg(long, value_name = "N", help_heading = "Fleets", conflicts_with_all = ["name", "install", "face", "script"])]
    pub(super) fleet: Option<u64>,
    /// What they are like (TOML, see docs/devices.md); without it, all alike, with the demo app, always online
    #[arg(long, value_name = "FILE", help_heading = "Fleets", requires = "fleet")]
    pub(super) profile: Option<PathBuf>,
    /// Write each token to this file: token, app, environment, locale, time zone and number of the device, by tabs
    #[arg(long, value_name = "FILE", help_heading = "Fleets", requires = "fleet")]
    pub(super) tokens: Option<PathBuf>,
    /// Print a line of JSON with the fleet's numbers every second
    #[arg(long, help_heading = "Fleets", requires = "fleet")]
    pub(super) json: bool,
}

/// Where notifications are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Face {
    /// In the API alone
    Headless,
    /// On this machine's desktop, over D-Bus
    Desktop,
}

pub(super) fn run(mut args: RoleArgs) -> anyhow::Result<ExitCode> {
    if let Some(devices) = args.fleet {
        return fleet::run(devices, args);
    }
    if args.api.is_empty() {
        args.api.push(SocketAddr::from(([127, 0, 0, 1], 0)));
    }
    let script = args.script.as_ref().map(script::read).transpose()?;
    let dir = DataDir::take(&data_dir::or_default(args.data_dir.clone())?)?;
    let ca_pem =
        std::fs::read(&args.ca).with_context(|| format!("can't read the CA {}", args.ca.display()))?;
    let apps = apps(&args.install)?;
    let api_key = dir.key("device-api.key")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.context("the runtime can't start")?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be watched")?;
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be watched")?;
        let clock = Clock::kept_in(&dir.join("clock"))?;
        let host = DeviceHost::start(DeviceConfig {
            data_dir: dir.join("devices"),
            clock: clock.clone(),
            link: args.link,
            ca_pem,
            enrolment_key: args.enrolment_key,
            api: args.api,
            api_key: api_key.clone(),
            devices: vec![VirtualDevice { name: args.name.clone(), apps }],
            launcher: DemoApps::alone(clock).launcher(),
        });
        let mut host = host.await.context("the device can't start")?;
        if args.face == Face::Desktop {
            host.show_on_desktop().await.context("the device can't be shown on this desktop")?;
        }
        let at = host.addresses().first().context("the device's API has no address: give one with --api")?;
        let endpoints = json!({
            "pid": std::process::id(), "device_api": format!("http://{at}"), "device_api_key": api_key,
        });
        let path = dir.write_private(endpoints::FILE_NAME, endpoints.to_string().as_bytes())?;
        words::say(format!("the device runs; its API is at http://{at}, its key in {}", path.display()));
        let defaults = Defaults { device: Some(args.name), app: None, endpoints: path };
        let scripted = async {
            match script {
                Some(text) => tokio::task::spawn_blocking(move || script::carry_out(&text, defaults)).await?,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
            _ = terminate.recv() => Ok(ExitCode::SUCCESS),
            ended = scripted => ended,
        };
        endpoints::Endpoints::remove(dir.path())?;
        host.shutdown().await;
        ended
    })
}

fn apps(files: &[PathBuf]) -> anyhow::Result<Vec<AppManifest>> {
    if files.is_empty() {
        let demo = homing_app::demo::manifest("development").context("the demo's manifest is wrong")?;
        return Ok(vec![demo]);
    }
    let read = |file: &PathBuf| {
        let shown = file.display();
        let json = std::fs::read(file).with_context(|| format!("can't read the manifest {shown}"))?;
        let (manifest, warnings) = AppManifest::from_json(&json).with_context(|| format!("{shown}"))?;
        for warning in warnings {
            words::say(format!("{shown}: {warning}"));
        }
        Ok(manifest)
    };
    files.iter().map(read).collect()
}

pub(super) fn host_port(text: &str) -> anyhow::Result<(String, u16)> {
    let wrong = || anyhow!("write host and port, like localhost:8883 or [::1]:8883");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
}
