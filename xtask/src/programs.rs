//! The programs the tasks need that aren't in this repository. Decides whether one is there, installs Debian's package
//! or cargo's tool where that is possible, and else says exactly what to install.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{cargo, cargo_command, output_of, run};

/// A program, how to see that it is there, and Debian's packages that bring it.
#[derive(Debug)]
pub(crate) struct Program {
    check: &'static [&'static str],
    /// A word that the check's output must contain; empty when success is enough.
    must_say: &'static str,
    packages: &'static [&'static str],
}

const fn program(check: &'static [&'static str], packages: &'static [&'static str]) -> Program {
    Program { check, must_say: "", packages }
}

/// Node as the console's page wants it: see `engines` in its `package.json`.
const NODE: Program = program(
    &[
        "node",
        "--eval",
        "const [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)",
    ],
    &["nodejs"],
);
const NPM: Program = program(&["npm", "--version"], &["npm"]);

pub(crate) const TO_BUILD: &[Program] = &[program(&["cc", "--version"], &["build-essential"]), NODE, NPM];

pub(crate) const TO_TEST: &[Program] = &[
    program(&["cc", "--version"], &["build-essential"]),
    program(&["git", "--version"], &["git"]),
    Program { check: &["curl", "--version"], must_say: "HTTP2", packages: &["curl"] },
    program(&["openssl", "version"], &["openssl"]),
    program(&["xxd", "-v"], &["xxd"]),
    program(&["mosquitto_sub", "--help"], &["mosquitto-clients"]),
    NODE,
    NPM,
    program(&["php", "--version"], &["php-cli"]),
    program(&["python3", "-c", "import venv, ensurepip"], &["python3", "python3-venv"]),
    program(&["chromium", "--version"], &["chromium"]),
    program(&["dbus-daemon", "--version"], &["dbus"]),
    program(&["dunst", "--version"], &["dunst"]),
    program(&["sh", "-c", "command -v Xvfb"], &["xvfb"]),
];

pub(crate) const TO_BENCH: &[Program] = &[
    program(&["cc", "--version"], &["build-essential"]),
    program(&["openssl", "version"], &["openssl"]),
    program(&["h2load", "--version"], &["nghttp2-client"]),
    program(&["nginx", "-v"], &["nginx-light"]),
];

/// Makes sure that all of `programs` are there.
pub(crate) fn require(programs: &[Program]) -> Result<()> {
    let missing = missing_packages(programs);
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("install them with: apt-get install {}", missing.join(" "));
    if !can_install() {
        bail!("programs are missing or too old, and only root on Debian can install them here; {by_hand}");
    }
    eprintln!("installing Debian packages: {}", missing.join(" "));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt().args(["-qq", "update"])).with_context(|| by_hand.clone())?;
    run(apt().args(["-qq", "install", "--yes", "--no-install-recommends"]).args(&missing))
        .with_context(|| by_hand.clone())?;
    let still = missing_packages(programs);
    if still.is_empty() {
        return Ok(());
    }
    bail!(
        "still missing, or older than CONTRIBUTING.md asks for, after the installation: {}",
        still.join(" ")
    );
}

fn missing_packages(programs: &[Program]) -> Vec<&'static str> {
    let missing = programs.iter().filter(|program| !is_there(program));
    let mut packages: Vec<&str> = missing.flat_map(|program| program.packages.iter().copied()).collect();
    packages.dedup();
    packages
}

fn is_there(program: &Program) -> bool {
    let [name, args @ ..] = program.check else { return false };
    let Ok(output) = Command::new(name).args(args).output() else { return false };
    // mosquitto's programs exit with 1 after their help.
    let ran = output.status.success() || *name == "mosquitto_sub";
    ran && String::from_utf8_lossy(&output.stdout).contains(program.must_say)
}

fn can_install() -> bool {
    let is_root = output_of(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    is_root && output_of(Command::new("apt-get").arg("--version")).is_some()
}

/// `rustfmt` or `clippy` of the toolchain in use.
pub(crate) fn require_component(component: &str) -> Result<()> {
    let command = component.trim_start_matches("rust");
    if output_of(cargo_command().args([command, "--version"])).is_some() {
        return Ok(());
    }
    run(Command::new("rustup").args(["component", "add", component]))
        .with_context(|| format!("install it with: rustup component add {component}"))
}

/// A cargo subcommand, built from source in the debug profile when it is absent: that halves the wait.
pub(crate) fn require_cargo_tool(name: &str) -> Result<()> {
    let subcommand = name.trim_start_matches("cargo-");
    if output_of(cargo_command().args([subcommand, "--version"])).is_some() {
        return Ok(());
    }
    cargo(&["install", name, "--locked", "--debug"])
        .with_context(|| format!("install it with: cargo install {name} --locked"))
}
