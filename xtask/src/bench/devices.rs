//! The devices of the measurement: one process of `homing-bench`, which enrols, subscribes and acknowledges.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Devices {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(super) tokens: Vec<String>,
}

impl Devices {
    /// Returns when all of them are subscribed.
    pub(super) fn start(binary: &Path, endpoints: &Path, count: usize) -> Result<Devices> {
        let mut child = Command::new(binary)
            .arg("--endpoints")
            .arg(endpoints)
            .args(["--devices", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let stdout = child.stdout.take().context("the devices' output")?;
        let mut devices = Devices { child, stdout: BufReader::new(stdout), tokens: Vec::new() };
        let said = devices.read_line()?;
        let tokens = said.get("tokens").and_then(Value::as_array).context("the devices said no tokens")?;
        devices.tokens = tokens.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        ensure!(devices.tokens.len() == count, "{} of {count} devices have a token", devices.tokens.len());
        Ok(devices)
    }

    /// Lets them go, and returns how many notifications they acknowledged.
    pub(super) fn finish(mut self) -> Result<u64> {
        drop(self.child.stdin.take());
        let said = self.read_line()?;
        said.get("acknowledged").and_then(Value::as_u64).context("the devices said no count")
    }

    fn read_line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the devices ended early: {line:?}"))
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
