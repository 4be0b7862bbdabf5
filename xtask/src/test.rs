//! `cargo xtask test`: everything a change must pass, in the order in which mistakes are cheapest to see. Nothing is
//! skipped: a part that can't run fails the task.

use std::process::Command;

use anyhow::{Result, bail};

use crate::clients;
use crate::conformance::Document;
use crate::console;
use crate::programs::{self, require_cargo_tool, require_component};
use crate::running::debug_binary;
use crate::step::{cargo, cargo_command, repository_root, run};
use crate::tidy;

pub(crate) fn everything() -> Result<()> {
    programs::require(programs::TO_TEST)?;
    require_component("rustfmt")?;
    require_component("clippy")?;
    tidy::run()?;
    cargo(&["fmt", "--all", "--check"])?;
    // Before the binary, which takes the page along.
    console::build()?;
    console::check()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    require_cargo_tool("cargo-deny")?;
    deny()?;
    require_cargo_tool("cargo-nextest")?;
    cargo(&["nextest", "run", "--workspace"])?;
    cargo(&["test", "--workspace", "--doc", "--quiet"])?;
    clients::run(&["build", "--workspace", "--bins", "--tests"], Document::Compare)?;
    console::walk(&debug_binary())
}

pub(crate) fn clients_only(document: Document) -> Result<()> {
    programs::require(programs::TO_TEST)?;
    clients::run(&["build", "-p", "homing"], document)
}

/// Only the console: its page's checks, and its walk in a browser.
pub(crate) fn console_only() -> Result<()> {
    programs::require(programs::TO_TEST)?;
    console::build()?;
    console::check()?;
    cargo(&["build", "-p", "homing"])?;
    console::walk(&debug_binary())
}

/// Advisories need a database from outside: where it can't be fetched, the rest is still checked, and this says so.
fn deny() -> Result<()> {
    cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"])?;
    let fetched = fetch_advisories();
    if !fetched {
        eprintln!("ADVISORIES WERE NOT CHECKED: the advisory database could not be fetched.");
        return Ok(());
    }
    cargo(&["deny", "--log-level", "error", "check", "advisories", "--disable-fetch"])
}

/// `false` when the database is out of reach; a broken `deny.toml` is seen by the check before.
fn fetch_advisories() -> bool {
    eprintln!("\n$ cargo deny fetch db");
    let mut command = Command::new("timeout");
    command.arg("60").arg(cargo_command().get_program()).args(["deny", "fetch", "db"]);
    match command.current_dir(repository_root()).output() {
        Ok(output) => output.status.success(),
        Err(_) => false,
    }
}

/// Fails when a program that must have run left no result.
pub(crate) fn ensure_something_ran(passed: usize, failed: usize) -> Result<()> {
    if passed + failed == 0 {
        bail!("no foreign client reported anything");
    }
    Ok(())
}

/// Shared by the parts that need another package manager's files.
pub(crate) fn run_in(folder: &str, command: &mut Command) -> Result<()> {
    run(command.current_dir(repository_root().join(folder)))
}
