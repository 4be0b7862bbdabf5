//! `cargo xtask bench`: accepted notifications per second and CPU per accepted notification, beside nginx answering an
//! empty 200, in turns within one run, because a machine's speed drifts. Decides the load and the order; what a program
//! must be told is in the files below.

mod devices;
mod load;
mod nginx;
mod provider_token;
mod report;
mod steps;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::programs;
use crate::running::Running;
use crate::step::{cargo, target_dir};
use devices::Devices;
use load::{Load, Sample};
use nginx::Nginx;
use report::Row;
use steps::Steps;

const DEVICES: usize = 1_000;
const ROUNDS: usize = 3;
const REQUESTS: u32 = 200_000;
const PAYLOAD_LEN: usize = 190;

/// With `--built`, measures the release binaries that are there.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    programs::require(programs::TO_BENCH)?;
    match args {
        [] => {
            cargo(&["build", "--release", "-p", "homing", "-p", "homing-bench"])?;
            cargo(&["build", "--release", "-p", "homing-notification-center", "--example", "steps"])?;
        }
        ["--built"] => {}
        _ => bail!("bench takes no argument but --built"),
    }
    // Alone: a provider beside it would read its receipts on the same cores.
    let mut homing = Running::start_gateway(target_dir().join("release/homing"), "bench")?;
    let endpoints = homing.endpoints()?;
    let devices =
        Devices::start(&target_dir().join("release/homing-bench"), &homing.endpoints_file(), DEVICES)?;
    let nginx = Nginx::start(&homing.home)?;
    let here = Files::write(&homing.home, &devices.tokens, &endpoints, nginx.port)?;
    let token = provider_token::sign(&endpoints, &homing.home)?;
    let header = |expiration: &str| {
        vec![
            format!("authorization: bearer {token}"),
            format!("apns-topic: {}", text(&endpoints, "/demo/bundle_id").unwrap_or_default()),
            "apns-push-type: alert".to_owned(),
            "apns-priority: 10".to_owned(),
            format!("apns-expiration: {expiration}"),
        ]
    };
    let (once, kept) = (header("0"), header("2000000000"));
    let homing_pids = [homing.pid()];
    let loads = [
        (
            "nginx, empty 200",
            Load { uris: &here.nginx_uris, payload: &here.payload, headers: &once, pids: &nginx.pids() },
        ),
        (
            "Homing, expiration 0",
            Load { uris: &here.homing_uris, payload: &here.payload, headers: &once, pids: &homing_pids },
        ),
        (
            "Homing, durable",
            Load { uris: &here.homing_uris, payload: &here.payload, headers: &kept, pids: &homing_pids },
        ),
    ];
    let mut rows: Vec<Row> = loads.iter().map(|(name, _)| Row::new(name)).collect();
    // The first requests pay for caches and connections of both; they are not counted.
    for (_, load) in &loads {
        load.run(REQUESTS / 10)?;
    }
    for round in 1..=ROUNDS {
        for ((name, load), row) in loads.iter().zip(&mut rows) {
            let sample: Sample = load.run(REQUESTS).with_context(|| format!("{name}, round {round}"))?;
            eprintln!("round {round}: {name}: {:.0}/s, {:.1} µs", sample.per_second, sample.cpu_micros);
            row.samples.push(sample);
        }
    }
    let acknowledged = devices.finish()?;
    homing.stop()?;
    let steps = Steps::measure(&target_dir().join("release/examples/steps"))?;
    report::write(
        &rows,
        steps,
        acknowledged,
        u64::from(REQUESTS) * 2 * ROUNDS as u64 + u64::from(REQUESTS / 10) * 2,
    )
}

/// What h2load reads.
struct Files {
    homing_uris: PathBuf,
    nginx_uris: PathBuf,
    payload: PathBuf,
}

impl Files {
    fn write(
        home: &Path,
        tokens: &[String],
        endpoints: &serde_json::Value,
        nginx_port: u16,
    ) -> Result<Files> {
        let files = Files {
            homing_uris: home.join("homing-uris"),
            nginx_uris: home.join("nginx-uris"),
            payload: home.join("payload.json"),
        };
        let port = endpoints.pointer("/apns/development/port").and_then(serde_json::Value::as_u64);
        let port = port.context("endpoints.json has no apns.development.port")?;
        let uris = |port: u64| -> String {
            tokens.iter().map(|token| format!("https://localhost:{port}/3/device/{token}\n")).collect()
        };
        std::fs::write(&files.homing_uris, uris(port))?;
        std::fs::write(&files.nginx_uris, uris(u64::from(nginx_port)))?;
        let frame = r#"{"aps":{"alert":{"title":"Measured","body":""},"sound":"default"}}"#;
        let filler = "x".repeat(PAYLOAD_LEN - frame.len());
        let payload = frame.replace(r#""body":"""#, &format!(r#""body":"{filler}""#));
        ensure!(payload.len() == PAYLOAD_LEN, "the payload has {} bytes", payload.len());
        std::fs::write(&files.payload, payload)?;
        Ok(files)
    }
}

/// A string of endpoints.json.
fn text(endpoints: &serde_json::Value, pointer: &str) -> Result<String> {
    let value = endpoints.pointer(pointer).and_then(serde_json::Value::as_str);
    value.map(str::to_owned).with_context(|| format!("endpoints.json has no {pointer}"))
}
