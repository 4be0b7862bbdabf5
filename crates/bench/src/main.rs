//! The devices of the measurements: many connections that subscribe, acknowledge everything and do nothing else.
//!
//! Prints `{"tokens": [...]}` on one line once all are subscribed, then serves until its standard input ends, and
//! prints how many notifications it acknowledged. With a channel, it also prints a line each time all have acknowledged one more. What is sent to them, and what is measured, `cargo xtask bench`
//! decides.

mod acknowledged;
mod enrol;
mod link;
mod target;

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use acknowledged::Acknowledged;
use target::Target;

#[derive(Debug, clap::Parser)]
struct Args {
    /// endpoints.json of the Homing to connect to
    #[arg(long)]
    endpoints: PathBuf,
    #[arg(long, default_value_t = 1_000)]
    devices: usize,
    /// A channel that all subscribe to as well: `channel/<environment>/<bundle id>/<id in base64url>`
    #[arg(long)]
    channel: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let round = args.channel.is_some().then_some(args.devices.max(1) as u64);
    let target = Arc::new(Target::read(&args.endpoints, args.channel)?);
    let acknowledged = Arc::new(Acknowledged::told_of_each(round));
    let (ready, mut tokens_in) = mpsc::channel(args.devices.max(1));
    // Handshakes share two cores with the server: a few at a time is fastest.
    let at_once = Arc::new(tokio::sync::Semaphore::new(32));
    for _ in 0..args.devices {
        let (target, acknowledged, ready) = (target.clone(), acknowledged.clone(), ready.clone());
        let at_once = at_once.clone();
        tokio::spawn(async move {
            let device = async {
                let permit = at_once.acquire_owned().await?;
                let enrolment = enrol::enrol(&target).await?;
                let link = link::subscribe(&target, &enrolment).await?;
                drop(permit);
                ready.send(link.token.clone()).await?;
                link.acknowledge_all(&acknowledged).await
            };
            if let Err(error) = device.await {
                complain(&error);
            }
        });
    }
    drop(ready);
    let mut tokens = Vec::with_capacity(args.devices);
    while tokens.len() < args.devices {
        tokens.push(tokens_in.recv().await.context("a device ended before it was ready")?);
    }
    say(&json!({ "tokens": tokens }));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    say(&json!({ "acknowledged": acknowledged.so_far() }));
    std::process::exit(0);
}

#[expect(clippy::print_stdout, reason = "stdout is this program's answer")]
fn say(line: &Value) {
    println!("{line}");
}

fn complain(error: &anyhow::Error) {
    eprintln!("a device ended: {error:#}");
}
