//! The command line: which words there are. What they do is left to [`crate::commands`].

use std::process::ExitCode;

use crate::commands::{
    app, cert, channel, completions, console, device, gateway, payload, provider, push, trace, up,
};

/// The whole iOS push path in one binary
///
/// A push service that speaks Apple's protocol, devices that behave like iPhones, and the trace of every notification
/// from the request to the tap.
#[derive(Debug, clap::Parser)]
#[command(name = "homing", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run everything on this machine: provider, push service, two virtual iPhones with a demo app, and the console
    Up(up::UpArgs),
    /// Run the push service as a process of its own
    Gateway(gateway::GatewayArgs),
    /// Run the provider as a process of its own
    Provider(provider::ProviderArgs),
    /// Use a virtual iPhone, or run one as a process of its own
    Device(Box<device::DeviceArgs>),
    /// Send one notification straight to Apple or to Homing
    Push(Box<push::PushArgs>),
    /// Broadcast channels of an app, at Apple or at Homing: create, list, show, delete
    Channel(Box<channel::ChannelArgs>),
    /// The developer centre of a running Homing: teams, apps, keys, certificates
    App(Box<app::AppArgs>),
    /// Show what a push certificate is for, or turn a .p12 into a .pem
    Cert(cert::CertArgs),
    /// Check a payload before it is sent
    Payload(payload::PayloadArgs),
    /// Tell a notification's life, from the request to the tap
    Trace(trace::TraceArgs),
    /// Print a fresh sign-in link of the running console
    Console(console::ConsoleArgs),
    /// Print the completion script of a shell
    Completions(completions::CompletionsArgs),
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Up(args) => up::run(args),
            Command::Gateway(args) => gateway::run(args),
            Command::Provider(args) => provider::run(args),
            Command::Device(args) => device::run(*args),
            Command::Push(args) => push::run(*args),
            Command::Channel(args) => channel::run(*args),
            Command::App(args) => app::run(*args),
            Command::Cert(args) => cert::run(args),
            Command::Payload(args) => payload::run(args),
            Command::Trace(args) => trace::run(args),
            Command::Console(args) => console::run(&args),
            Command::Completions(args) => Ok(completions::run(&args)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
