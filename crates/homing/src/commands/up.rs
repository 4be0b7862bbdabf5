//! `homing up`: all roles on this machine, with embedded stores and two virtual iPhones, in the order in which they need
//! one another, and stopped in the other.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use homing_clock::Clock;
use homing_console::Console;
use homing_device::DeviceHost;
use homing_gateway::{Gateway, ProviderRules};
use homing_provider::Provider;
use homing_trace::Environment;

use crate::data_dir::{self, DataDir};
use crate::demo::{self, Business, DemoApps};
use crate::endpoints::Endpoints;
use crate::ports::{self, Ports};
use crate::roles::process::{local_url, runtime, stop_signal};
use crate::roles::push_service::Listen;
use crate::roles::{console, phones, provider, push_service};
use crate::words;

mod greeting;

#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Where everything is kept [default: $XDG_DATA_HOME/homing]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Put every port into N to N+19, so that several can run side by side
    #[arg(long, value_name = "N")]
    ports_from: Option<u16>,
    /// Also listen on Apple's own ports (443, 2195 to 2197), for clients with fixed ports; needs root or CAP_NET_BIND_SERVICE
    #[arg(long)]
    apple_ports: bool,
}

/// What all roles of one `homing up` share.
struct House {
    dir: DataDir,
    clock: Clock,
    ports: Ports,
    began: Instant,
}

/// What runs beside the push service.
#[derive(Default)]
struct Roles {
    provider: Option<Provider>,
    phones: Option<DeviceHost>,
    console: Option<Console>,
}

pub(crate) fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let dir = DataDir::take(&data_dir::or_default(args.data_dir)?)?;
    let ports = args.ports_from.map_or(Ok(Ports::DEFAULT), Ports::from)?;
    let mut listen = Listen {
        apns: vec![
            (Environment::Production, ports::loopback(ports.production)),
            (Environment::Development, ports::loopback(ports.development)),
        ],
        legacy: vec![
            (Environment::Production, ports::loopback(ports.legacy_production)),
            (Environment::Development, ports::loopback(ports.legacy_development)),
        ],
        feedback: vec![
            (Environment::Production, ports::loopback(ports.feedback_production)),
            (Environment::Development, ports::loopback(ports.feedback_development)),
        ],
        device_link: ports::loopback(ports.device_link),
        admin: ports::loopback(ports.gateway_admin),
        strict_legacy: false,
        rules: ProviderRules::default(),
        for_testers: true,
    };
    if args.apple_ports {
        ports::add_apple_ports(&mut listen);
    }
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        Endpoints::remove(dir.path())?;
        let clock = Clock::kept_in(&dir.join("clock"))?;
        let gateway = push_service::start(&dir, clock.clone(), listen, None).await?;
        let house = House { dir, clock, ports, began };
        let mut roles = Roles::default();
        let ended = house.live(&gateway, &mut roles, stop).await;
        let removed = Endpoints::remove(house.dir.path());
        roles.shutdown().await;
        gateway.shutdown().await;
        ended.and(removed)
    })?;
    Ok(ExitCode::SUCCESS)
}

impl House {
    /// Starts everything beside the push service, says where it is, and serves until it is told to stop.
    async fn live(
        &self,
        gateway: &Gateway,
        roles: &mut Roles,
        mut stop: impl Future<Output = ()> + Unpin,
    ) -> anyhow::Result<()> {
        let credentials = demo::ensure(&self.dir, gateway).await?;
        let mut endpoints = push_service::endpoints_of(&self.dir, gateway, Some(&credentials))?;
        let business = Business::open(&self.dir)?;
        let (dir, clock) = (&self.dir, self.clock.clone());

        let apps = vec![demo::app_spec(&endpoints, &business)?];
        let listen = ports::loopback(self.ports.provider_api);
        let started = provider::start(dir, clock.clone(), listen, apps, Vec::new()).await?;
        let apps = DemoApps::of(&business, &local_url(started.addresses())?, clock.clone());
        provider::tell(dir, &started, &mut endpoints)?;
        roles.provider = Some(started);

        let started = phones::start(dir, clock, gateway, &mut endpoints, self.ports.device_api, apps).await?;
        let tokens = started.tokens();
        let phones = roles.phones.insert(started);

        let started = console::start(dir, &endpoints, ports::loopback(self.ports.console)).await?;
        let console = roles.console.insert(started);
        endpoints.console = Some(local_url(console.addresses())?);

        tokio::select! {
            registered = phones::wait_for_tokens(phones, &mut endpoints) => {
                if !registered {
                    tracing::warn!("the virtual iPhones have no device tokens yet: see `homing device list`");
                }
            }
            () = &mut stop => return Ok(()),
        }
        if let Some(provider) = &roles.provider {
            provider::wait_for_apps(provider, &endpoints).await;
        }
        endpoints.write(dir.path())?;
        let link = console.fresh_link();
        words::say_data(greeting::greeting(&endpoints, dir.path(), &link, self.began.elapsed()));
        phones::keep_tokens_true(dir, &mut endpoints, tokens, stop).await
    }
}

impl Roles {
    /// In the order in which nobody misses who went before.
    async fn shutdown(self) {
        if let Some(console) = self.console {
            console.shutdown().await;
        }
        if let Some(phones) = self.phones {
            phones.shutdown().await;
        }
        if let Some(provider) = self.provider {
            provider.shutdown().await;
        }
    }
}
