//! `cargo xtask up`: builds the console's page, then the release binary, and becomes `homing up`, so that signals and the exit code are its own.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, bail};

use crate::step::{cargo, repository_root, target_dir};
use crate::{console, programs};

/// Arguments after an optional `--` go to `homing up` untouched.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    programs::require(programs::TO_BUILD)?;
    console::build()?;
    cargo(&["build", "--release", "-p", "homing"])?;
    let args = args.strip_prefix(&["--"]).unwrap_or(args);
    let binary = target_dir().join("release/homing");
    let error = Command::new(&binary).arg("up").args(args).current_dir(repository_root()).exec();
    bail!("cannot run {}: {error}", binary.display());
}
