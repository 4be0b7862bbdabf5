//! `homing gateway`: the push service as a process of its own, from a configuration file, or for one run of tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use homing_clock::Clock;
use homing_trace::Environment;
use serde::Deserialize;

use crate::data_dir::DataDir;
use crate::demo;
use crate::endpoints::{Endpoints, FindArgs};
use crate::local_api::LocalApi;
use crate::ports;
use crate::roles::process::{runtime, stop_signal};
use crate::roles::push_service;

mod advice;
mod ephemeral;
mod fault;
mod journal;
mod rules;
mod scratch;
mod token;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct GatewayArgs {
    #[command(subcommand)]
    command: Option<Command>,
    /// Configuration file (TOML); docs/gateway.toml is an example with every key
    #[arg(long, value_name = "FILE", required_unless_present = "ephemeral")]
    config: Option<PathBuf>,
    /// Also listen on Apple's own ports (443, 2195 to 2197), for clients with fixed ports; needs root or CAP_NET_BIND_SERVICE
    #[arg(long, conflicts_with = "ephemeral")]
    apple_ports: bool,
    /// For tests: on ports of the system's choice, told as one line of JSON; ends with its parent and leaves nothing
    #[arg(long, conflicts_with = "config")]
    ephemeral: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what a running push service takes from clients though Apple doesn't document it
    Advice(advice::AdviceArgs),
    /// Device tokens for tests: make one without a device, let one be unregistered or expired, restore it
    Token(token::TokenArgs),
    /// Faults for tests: let requests for an app go wrong
    Fault(fault::FaultArgs),
    /// What providers sent and what they were answered
    Journal(journal::JournalArgs),
    /// Remove the directory of an ephemeral push service once it has ended, also if it was killed
    #[command(hide = true)]
    Sweep { folder: PathBuf },
}

/// What the file says. A key we don't know is an error: it is a misspelt one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayFile {
    /// Where everything is kept; a relative path starts at the file's folder.
    pub data_dir: PathBuf,
    /// Threads that serve connections; one per processor core by default.
    pub cores: Option<usize>,
    /// Creates the demo team, its app, credentials and enrolment key, as `homing up` does.
    #[serde(default)]
    pub demo: bool,
    pub production: ProviderListen,
    pub development: ProviderListen,
    /// Commands 0 and 1 of the legacy interface carry the documented 256 bytes and no more.
    #[serde(default)]
    pub strict_legacy: bool,
    /// How Apple's provider API answers where there is a choice.
    #[serde(default)]
    pub provider_api: rules::RulesFile,
    /// The admin API has what only tests need: marks on tokens, faults, the journal of requests.
    #[serde(default)]
    pub for_testers: bool,
    pub device_link: Listen,
    pub admin: Listen,
}

/// Where the providers of one environment come in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderListen {
    pub listen: Vec<SocketAddr>,
    /// The legacy binary interface; not served if left out.
    #[serde(default)]
    pub legacy: Vec<SocketAddr>,
    /// Its feedback service; not served if left out.
    #[serde(default)]
    pub feedback: Vec<SocketAddr>,
}

/// The addresses of one listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub listen: Vec<SocketAddr>,
}

impl GatewayFile {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("can't read the configuration {shown}"))?;
        let mut file: Self = toml::from_str(&text).map_err(|error| {
            anyhow::anyhow!("the configuration {shown} can't be used\n{}", error.to_string().trim_end())
        })?;
        if let Some(folder) = path.parent() {
            file.data_dir = folder.join(&file.data_dir);
        }
        Ok(file)
    }
}

pub(crate) fn run(args: GatewayArgs) -> anyhow::Result<ExitCode> {
    match (args.command, args.config) {
        (Some(Command::Advice(args)), _) => advice::run(&args).map(|()| ExitCode::SUCCESS),
        (Some(Command::Token(args)), _) => token::run(args).map(|()| ExitCode::SUCCESS),
        (Some(Command::Fault(args)), _) => fault::run(args).map(|()| ExitCode::SUCCESS),
        (Some(Command::Journal(args)), _) => journal::run(&args).map(|()| ExitCode::SUCCESS),
        (Some(Command::Sweep { folder }), _) => scratch::sweep(&folder).map(|()| ExitCode::SUCCESS),
        (None, Some(config)) => run_configured(&config, args.apple_ports),
        (None, None) => ephemeral::run(),
    }
}

/// The admin API of a running push service.
fn admin(find: &FindArgs) -> anyhow::Result<LocalApi> {
    let endpoints = find.find()?;
    let (Some(base), Some(key)) = (&endpoints.gateway_admin, &endpoints.gateway_admin_key) else {
        anyhow::bail!(
            "this Homing has no push service\nhint: start one with `homing up` or `homing gateway`"
        );
    };
    Ok(LocalApi::new(base, key))
}

fn run_configured(config: &Path, apple_ports: bool) -> anyhow::Result<ExitCode> {
    let file = GatewayFile::read(config)?;
    let rules = file.provider_api.rules()?;
    let dir = DataDir::take(&file.data_dir)?;
    let (production, development) = (file.production, file.development);
    let of_each = |production, development| {
        vec![(Environment::Production, production), (Environment::Development, development)]
    };
    let if_named = |production, development| {
        let mut named: Vec<(Environment, Vec<SocketAddr>)> = of_each(production, development);
        named.retain(|(_, addresses)| !addresses.is_empty());
        named
    };
    let mut listen = push_service::Listen {
        apns: of_each(production.listen, development.listen),
        legacy: if_named(production.legacy, development.legacy),
        feedback: if_named(production.feedback, development.feedback),
        strict_legacy: file.strict_legacy,
        rules,
        for_testers: file.for_testers,
        device_link: file.device_link.listen,
        admin: file.admin.listen,
    };
    if apple_ports {
        ports::add_apple_ports(&mut listen);
    }
    runtime()?.block_on(async {
        let stop = stop_signal()?;
        Endpoints::remove(dir.path())?;
        let clock = Clock::kept_in(&dir.join("clock"))?;
        let gateway = push_service::start(&dir, clock, listen, file.cores).await?;
        let ready = async {
            let credentials = if file.demo { Some(demo::ensure(&dir, &gateway).await?) } else { None };
            push_service::endpoints_of(&dir, &gateway, credentials.as_ref())?.write(dir.path())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<GatewayFile> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("gateway.toml");
        std::fs::write(&path, text)?;
        GatewayFile::read(&path)
    }

    const EXAMPLE: &str = include_str!("../../../../docs/gateway.toml");

    #[test]
    fn the_example_in_the_documents_is_read() {
        let file = read(EXAMPLE).expect("the example is right");
        assert!(file.data_dir.is_absolute());
    }

    #[test]
    fn a_misspelt_key_is_named_with_those_that_exist() {
        let error = read(&EXAMPLE.replace("data_dir", "data_dri")).expect_err("it is refused").to_string();
        assert!(error.contains("data_dri") && error.contains("data_dir"), "{error}");
    }
}
