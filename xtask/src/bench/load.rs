//! One measured run of h2load: 16 connections, 100 streams each. A run with any answer but 200 is no measurement.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cpu_time;

pub(super) const CONNECTIONS: u32 = 16;
pub(super) const STREAMS: u32 = 100;
/// Bounds a run that hangs.
const AT_MOST_SECONDS: &str = "120";
/// After the load the server still delivers: it is quiet when it used less than this in one look.
const QUIET: Duration = Duration::from_millis(4);
const LOOK: Duration = Duration::from_millis(200);
const SETTLES_WITHIN: Duration = Duration::from_secs(20);

/// What is sent to whom, and the processes whose CPU time counts.
#[derive(Debug)]
pub(super) struct Load<'a> {
    pub(super) uris: &'a Path,
    pub(super) payload: &'a Path,
    pub(super) headers: &'a [String],
    pub(super) pids: &'a [u32],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) per_second: f64,
    /// On-core time of the server per request, delivery included.
    pub(super) cpu_micros: f64,
}

impl Load<'_> {
    pub(super) fn run(&self, requests: u32) -> Result<Sample> {
        let before = cpu_time::of_processes(self.pids)?;
        let mut command = Command::new("timeout");
        command.args([AT_MOST_SECONDS, "h2load", "-t", "1"]);
        command.args([
            "-n",
            &requests.to_string(),
            "-c",
            &CONNECTIONS.to_string(),
            "-m",
            &STREAMS.to_string(),
        ]);
        command.arg("-i").arg(self.uris).arg("-d").arg(self.payload);
        for header in self.headers {
            command.args(["-H", header]);
        }
        let output = command.output().context("cannot run h2load")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "h2load failed ({}):\n{said}", output.status);
        ensure!(all_are_200(&said, requests), "not every answer was 200:\n{said}");
        let per_second = per_second(&said).with_context(|| format!("h2load said no rate:\n{said}"))?;
        let used = self.cpu_when_quiet()?.saturating_sub(before);
        Ok(Sample { per_second, cpu_micros: used.as_secs_f64() * 1e6 / f64::from(requests) })
    }

    fn cpu_when_quiet(&self) -> Result<Duration> {
        let deadline = Instant::now() + SETTLES_WITHIN;
        let mut last = cpu_time::of_processes(self.pids)?;
        let (_never, nothing) = sync_channel::<()>(0);
        loop {
            nothing.recv_timeout(LOOK).ok();
            let now = cpu_time::of_processes(self.pids)?;
            // The time of a thread that has ended is not among it any more.
            if now.saturating_sub(last) < QUIET {
                return Ok(now);
            }
            ensure!(Instant::now() < deadline, "the server was still busy {SETTLES_WITHIN:?} after the load");
            last = now;
        }
    }
}

/// `status codes: 200000 2xx, 0 3xx, 0 4xx, 0 5xx`, and nothing failed.
fn all_are_200(said: &str, requests: u32) -> bool {
    let requests_line = said.lines().find(|line| line.starts_with("requests:"));
    let codes_line = said.lines().find(|line| line.starts_with("status codes:"));
    requests_line.is_some_and(|line| line.contains(&format!("{requests} succeeded, 0 failed")))
        && codes_line.is_some_and(|line| line.starts_with(&format!("status codes: {requests} 2xx")))
}

/// `finished in 2.07s, 96617.05 req/s, 4.2MB/s`.
fn per_second(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.starts_with("finished in"))?;
    line.split(", ").find_map(|part| part.strip_suffix(" req/s"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
finished in 2.07s, 96617.05 req/s, 4.20MB/s
requests: 200000 total, 200000 started, 200000 done, 200000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 200000 2xx, 0 3xx, 0 4xx, 0 5xx
";

    #[test]
    fn the_rate_is_read() {
        assert_eq!(per_second(SAID), Some(96_617.05));
    }

    #[test]
    fn a_run_with_another_answer_is_no_measurement() {
        assert!(all_are_200(SAID, 200_000));
        let refused = "requests: 9 total, 9 started, 9 done, 8 succeeded, 1 failed, 0 errored, 0 timeout\n\
                       status codes: 8 2xx, 0 3xx, 1 4xx, 0 5xx\n";
        assert!(!all_are_200(refused, 9));
        assert!(!all_are_200("", 9));
    }
}
