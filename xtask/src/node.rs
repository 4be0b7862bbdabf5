//! Node's packages, for the console's page and the foreign clients: installed as their lock file says, running no script
//! of theirs.

use std::process::Command;

use anyhow::{Context, Result};

use crate::step::repository_root;
use crate::test::run_in;

/// Runs `npm` in a folder of the repository; what it says is words, not data.
pub(crate) fn npm(folder: &str, args: &[&str]) -> Result<()> {
    run_in(folder, Command::new("npm").args(args).stdout(std::io::stderr()))
}

/// The packages of the folder's lock file, installed again when that changes.
pub(crate) fn install(folder: &str) -> Result<()> {
    let absolute = repository_root().join(folder);
    let wanted = std::fs::read_to_string(absolute.join("package-lock.json"))?;
    let stamp = absolute.join("node_modules/.installed-from");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    npm(folder, &["ci", "--no-audit", "--no-fund", "--ignore-scripts"])?;
    std::fs::write(&stamp, &wanted).context("npm ci left no node_modules")
}
