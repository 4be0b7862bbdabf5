//! The table of `docs/benchmarks.md`, with the conditions under which it was measured. Written anew by every run.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::Result;

use super::load::{CONNECTIONS, STREAMS, Sample};
use super::steps::{AIM, Steps};
use super::{DEVICES, PAYLOAD_LEN, REQUESTS, ROUNDS};
use crate::step::{output_of, repository_root};

/// At most this many times nginx's CPU per request: expiration 0, durable.
const AIMS: [f64; 2] = [2.0, 5.0];

pub(super) struct Row {
    name: String,
    pub(super) samples: Vec<Sample>,
}

impl Row {
    pub(super) fn new(name: &str) -> Row {
        Row { name: name.to_owned(), samples: Vec::new() }
    }
}

/// Median, least and greatest.
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Spread { median: at(values.len() / 2), least: at(0), greatest: at(values.len().saturating_sub(1)) }
    }
}

/// `rows`: nginx first, then expiration 0 and durable, each with one sample per round.
pub(super) fn write(rows: &[Row], steps: Steps, acknowledged: u64, accepted: u64) -> Result<()> {
    let (begin, end) = (introduction(), conditions());
    let text = format!("{begin}{}{}{}{end}", table(rows), accounts(acknowledged, accepted), centre(steps));
    eprintln!("\n{}", table(rows));
    std::fs::write(repository_root().join("docs/benchmarks.md"), text)?;
    eprintln!("written: docs/benchmarks.md");
    Ok(())
}

fn introduction() -> String {
    format!(
        "# Measurements

Written by `cargo xtask bench`; don't edit it by hand.

## Accepting notifications

`h2load` ({CONNECTIONS} connections, {STREAMS} streams each) sends {REQUESTS} notifications of {PAYLOAD_LEN} bytes a
round, spread over {DEVICES} devices that stay connected and acknowledge everything; nginx answers the same requests
with an empty 200. The three take turns, {ROUNDS} rounds, on loopback, sharing the machine's cores with `h2load` and the
devices. CPU is the server's on-core time per accepted notification, delivery and acknowledgement included, until the
server is quiet again. Every answer was 200. `docs/profile.md` says where the time goes.

"
    )
}

fn table(rows: &[Row]) -> String {
    let mut text = "\
| server | accepted/s: median (least–greatest) | CPU µs per accepted: median (least–greatest) | × nginx's CPU, paired | aim |
| --- | --- | --- | --- | --- |
"
    .to_owned();
    let floor = rows.first();
    for (index, row) in rows.iter().enumerate() {
        let rate = Spread::of(row.samples.iter().map(|sample| sample.per_second));
        let cpu = Spread::of(row.samples.iter().map(|sample| sample.cpu_micros));
        let (times, aim) = match (index.checked_sub(1).and_then(|index| AIMS.get(index)), floor) {
            (Some(aim), Some(floor)) => {
                let pairs = row.samples.iter().zip(&floor.samples);
                let times = Spread::of(pairs.map(|(ours, floor)| ours.cpu_micros / floor.cpu_micros)).median;
                let verdict = if times <= *aim { "met" } else { "missed" };
                (format!("{times:.2}"), format!("≤ {aim}: {verdict}"))
            }
            _ => ("1".to_owned(), "–".to_owned()),
        };
        writeln!(
            text,
            "| {} | {:.0} ({:.0}–{:.0}) | {:.1} ({:.1}–{:.1}) | {times} | {aim} |",
            row.name, rate.median, rate.least, rate.greatest, cpu.median, cpu.least, cpu.greatest
        )
        .ok();
    }
    text
}

fn accounts(acknowledged: u64, accepted: u64) -> String {
    format!(
        "
Of {accepted} notifications accepted in the whole run, the devices acknowledged {acknowledged}; a device that lags more
than its queue holds gets the newest (durable) or misses what is tried once.
"
    )
}

fn centre(Steps { per_second, per_cpu_second }: Steps) -> String {
    let verdict = if per_cpu_second >= AIM { "met" } else { "missed" };
    format!(
        "
## The notification centre

A million random steps (apps come to front and go, notifications arrive, requests are added and removed, settings and time zones
change, time passes), on one thread, without a shell around it: {per_second:.0} a second, {per_cpu_second:.0} a second of CPU;
aim ≥ {AIM:.0} a second of CPU: {verdict}.
"
    )
}

fn conditions() -> String {
    let line = |program: &str, args: &[&str]| {
        let said = output_of(Command::new(program).args(args).current_dir(repository_root()));
        said.and_then(|said| said.lines().next().map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let nginx = Command::new("nginx").arg("-v").output();
    let nginx =
        nginx.map(|output| String::from_utf8_lossy(&output.stderr).trim().to_owned()).unwrap_or_default();
    format!(
        "
## Conditions

| | |
| --- | --- |
| measured | {} |
| tree | {} |
| machine | {cores} × {} |
| kernel | {} |
| compiler | {} |
| nginx | {nginx}, one process, TLS 1.3, ECDSA P-256 |
| load | {} |
",
        line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        line("git", &["describe", "--always", "--dirty"]),
        model.trim_start_matches([' ', '\t', ':']).trim(),
        line("uname", &["-sr"]),
        line("rustc", &["--version"]),
        line("h2load", &["--version"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, cpu: &[f64]) -> Row {
        let samples =
            cpu.iter().map(|&cpu_micros| Sample { per_second: 1e6 / cpu_micros, cpu_micros }).collect();
        Row { name: name.to_owned(), samples }
    }

    #[test]
    fn the_table_pairs_each_round_with_nginx_and_says_what_was_missed() {
        let rows = [
            row("nginx", &[10.0, 20.0, 30.0]),
            row("once", &[20.0, 40.0, 60.0]),
            row("durable", &[60.0, 120.0, 180.0]),
        ];
        let text = table(&rows);
        assert!(
            text.contains("| once | 25000 (16667–50000) | 40.0 (20.0–60.0) | 2.00 | ≤ 2: met |"),
            "{text}"
        );
        assert!(text.contains("| 6.00 | ≤ 5: missed |"), "{text}");
    }
}
