//! `cargo xtask fuzz`: every target of `fuzz/` for a bounded time, on the stable toolchain.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::programs::require_cargo_tool;
use crate::step::{self, cargo_command, output_of, repository_root};

const DEFAULT_SECONDS: u32 = 30;

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let seconds: u32 = match args {
        [] => DEFAULT_SECONDS,
        [seconds] => seconds.parse().with_context(|| format!("`{seconds}` is no number of seconds"))?,
        _ => anyhow::bail!("fuzz takes at most one argument, the seconds for each target"),
    };
    require_cargo_tool("cargo-fuzz")?;
    let listed = output_of(fuzz_command().arg("list")).context("`cargo fuzz list` failed in fuzz/")?;
    let targets: Vec<&str> = listed.split_whitespace().collect();
    ensure!(!targets.is_empty(), "fuzz/ has no targets");
    for target in &targets {
        let limit = format!("-max_total_time={seconds}");
        step::run(fuzz_command().args(["run", target, "--", &limit, "-rss_limit_mb=4096"]))?;
    }
    eprintln!("fuzz: {} targets, {seconds} s each, nothing found", targets.len());
    Ok(())
}

/// cargo-fuzz asks for flags that stable hides behind this variable.
fn fuzz_command() -> Command {
    let mut command = cargo_command();
    command.current_dir(repository_root()).env("RUSTC_BOOTSTRAP", "1").arg("fuzz");
    command
}
