//! `homing device`: a user's hands on the virtual iPhones of a running Homing, and a device as a process of its own.
//!
//! This file says which words there are; what each asks of the device API is `asks` and, of whole devices, `lifecycle`,
//! the API's client `client`, of what is around a device and how its user has set it `surroundings`, how answers read to people `text`, the process `role`. `expect` waits for a notification,
//! `script` carries out a file of these words.

mod answer;
mod asks;
mod client;
mod expect;
mod fleet;
mod lifecycle;
mod role;
mod script;
mod surroundings;
mod text;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};

use homing_trace::Environment;

use crate::endpoints::FindArgs;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub(crate) struct DeviceArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    role: Option<role::RoleArgs>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the devices: their names, ids and connections
    List(Where),
    /// Show a device: its id, its connection, its apps
    Show(Where),
    /// List the apps on a device
    Apps(Where),
    /// Install an app from its manifest, or another version in its place; without a manifest the demo app
    Install {
        /// The app's manifest (JSON)
        #[arg(value_name = "FILE")]
        manifest: Option<String>,
        /// What the demo app is built for [default: production on iphone-production, else development]
        #[arg(long, value_name = "ENVIRONMENT", conflicts_with = "manifest")]
        environment: Option<Environment>,
        #[command(flatten)]
        at: Where,
    },
    /// Show the permission prompt on the screen
    Prompt(Where),
    /// Answer the prompt: allow
    Allow(Where),
    /// Answer the prompt: don't allow
    Deny(Where),
    /// List what is on the screen
    #[command(visible_alias = "notifications")]
    Shown(Where),
    /// List the local requests that wait for their triggers
    Pending(Where),
    /// Lock the screen: no app is in foreground, and what comes is on the lock screen
    Lock(Where),
    /// Unlock the screen; opening an app and a tap do it, too
    Unlock(Where),
    /// Turn airplane mode on
    Offline(Where),
    /// Turn airplane mode off
    Online(Where),
    /// Let time pass at once on the clock of this Homing: `2h`, `90s`, `1h30m`, `3d`
    Advance {
        #[arg(value_name = "TIME", value_parser = duration)]
        by: Duration,
        #[command(flatten)]
        at: Where,
    },
    /// Watch what happens, until Ctrl-C
    Watch(Where),
    /// Wait until a notification is shown, or suppressed: exit code 0; 4 if it isn't in time
    Expect(Box<expect::Expect>),
    /// Print the number of the newest event, for `expect --since`
    Mark(Where),
    /// Carry out a file of JSON lines, each a word of this list with its options
    Script(script::ScriptArgs),
    #[command(flatten)]
    Lifecycle(lifecycle::Lifecycle),
    #[command(flatten)]
    Surroundings(Box<surroundings::Surroundings>),
    #[command(flatten)]
    OfApp(OfApp),
    /// Run a device, or a whole fleet, as a process of its own
    Run(role::RoleArgs),
}

/// The words about one app.
#[derive(Debug, clap::Subcommand)]
enum OfApp {
    /// Remove an app; its device token ends
    #[command(visible_alias = "uninstall")]
    Remove(App),
    /// Let the app ask for permission; the prompt shows when it is in foreground
    Ask(App),
    /// Bring an app to the foreground, starting it if need be
    Open(App),
    /// Send an app to the background
    Background(App),
    /// End an app, as the system does when memory is short
    End(App),
    /// Force-quit an app, as its user does
    #[command(visible_alias = "quit")]
    ForceQuit(App),
    /// Tap a notification: the newest, or the one named
    Tap(Touch),
    /// Clear a notification: the newest, or the one named
    Dismiss(Touch),
    /// Choose an action of a notification: of the newest, or of the one named
    Action {
        /// The action's identifier, as the app's category has it
        #[arg(value_name = "ACTION")]
        action: String,
        /// What its user writes, for an action that takes text
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        touch: Touch,
    },
    /// Let the app register for remote notifications, or for a push type with a token of its own
    Register(Registration),
    /// Let the app unregister: without a push type it keeps its token and is shown nothing; a push type's token ends
    Unregister(Registration),
    /// List the app's registrations beside its own, with their tokens
    Registrations(App),
    /// Say in Settings whether the app may know where the device is
    LocationPermission {
        #[arg(value_parser = ["not-determined", "denied", "when-in-use", "always"])]
        permission: String,
        #[command(flatten)]
        app: App,
    },
    /// Let the app add a local notification
    Notify(Box<Notify>),
    /// Let the app withdraw one of its delivered notifications, or all
    RemoveDelivered(Which),
    /// Let the app remove one of its pending requests, or all
    RemovePending(Which),
    /// Show the number on the app's icon, or let the app set it
    Badge {
        /// The new number; 0 is none
        #[arg(value_name = "N")]
        count: Option<u32>,
        #[command(flatten)]
        app: App,
    },
    /// Show the app's device token
    Token(App),
    /// Show the page the app has open
    Page(App),
    /// Show the app's notification settings, or turn one switch
    Settings {
        /// Like `sound=off`: allow-notifications, alert, sound, badge, notification-center, lock-screen,
        /// critical-alert, time-sensitive, background-app-refresh
        #[arg(value_name = "SWITCH=on|off", value_parser = switch)]
        change: Option<(String, bool)>,
        #[command(flatten)]
        app: App,
    },
}

/// Which device, of which Homing.
#[derive(Clone, Debug, clap::Args)]
struct Where {
    /// The device's name or id; not needed if there is only one
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    find: FindArgs,
}

/// Which app on it.
#[derive(Clone, Debug, clap::Args)]
struct App {
    /// The app's bundle ID; not needed if there is only one
    #[arg(long, value_name = "BUNDLE_ID")]
    app: Option<String>,
    #[command(flatten)]
    at: Where,
}

#[derive(Debug, clap::Args)]
struct Touch {
    /// The notification's identifier, as `homing device shown` lists it
    identifier: Option<String>,
    #[command(flatten)]
    app: App,
}

#[derive(Debug, clap::Args)]
struct Registration {
    /// voip, complication, liveactivity, …; without it, the app's own notifications
    #[arg(value_name = "PUSH_TYPE")]
    kind: Option<String>,
    /// The Live Activity whose own token it is
    #[arg(long, value_name = "NAME", requires = "kind")]
    instance: Option<String>,
    #[command(flatten)]
    app: App,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Its identifier; all without it
    identifier: Option<String>,
    #[command(flatten)]
    app: App,
}

#[derive(Debug, clap::Args)]
struct Notify {
    /// Replaces what has the same identifier
    #[arg(long, value_name = "ID", default_value = "local")]
    identifier: String,
    #[arg(long)]
    title: Option<String>,
    #[arg(long)]
    body: Option<String>,
    /// The number for the icon
    #[arg(long, value_name = "N")]
    badge: Option<u32>,
    /// `default`, or one of the app's sound files
    #[arg(long, value_name = "NAME")]
    sound: Option<String>,
    /// When: `10s`, `2h`; at once without it
    #[arg(long = "in", value_name = "TIME", value_parser = duration)]
    after: Option<Duration>,
    /// Again and again, from 60 s on
    #[arg(long, requires = "after")]
    repeat: bool,
    #[command(flatten)]
    app: App,
}

pub(crate) fn run(args: DeviceArgs) -> anyhow::Result<ExitCode> {
    match (args.command, args.role) {
        (Some(Command::Run(role)), _) | (None, Some(role)) => return role::run(role),
        (Some(Command::Script(script)), _) => return script::run(script),
        (Some(Command::Watch(at)), _) => asks::watch(&at)?,
        (Some(command), _) => return Ok(asks::carry_out(command)?.print()),
        (None, None) => bail!("say what to do with the device\nhint: `homing device --help` lists it"),
    }
    Ok(ExitCode::SUCCESS)
}

/// `1h30m`, `90s`, `2.5s`; a number alone is refused, since nobody knows its unit.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let wrong = || anyhow!("write a time like 90s, 15m, 2h, 3d or 1h30m");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit_on) = rest.split_at(digits);
        let letters = unit_on.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_on.len());
        let (unit, after) = unit_on.split_at(letters);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        let amount: f64 = number.parse().map_err(|_| wrong())?;
        total += Duration::try_from_secs_f64(amount * seconds).map_err(|_| wrong())?;
        rest = after;
    }
    if total.is_zero() { Err(wrong()) } else { Ok(total) }
}

fn switch(text: &str) -> anyhow::Result<(String, bool)> {
    match text.split_once('=') {
        Some((name, "on")) => Ok((name.to_owned(), true)),
        Some((name, "off")) => Ok((name.to_owned(), false)),
        Some(_) | None => bail!("write a switch like sound=off"),
    }
}

#[cfg(test)]
mod tests;
