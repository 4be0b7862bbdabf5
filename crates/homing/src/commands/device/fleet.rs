//! `homing device --fleet`: very many virtual devices in one process. What they are like a profile says, what becomes of
//! them is told in numbers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use homing_clock::Clock;
use homing_device::{Crowd, CrowdConfig, FleetCounts, Profile};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, interval};

use super::role::RoleArgs;
use crate::data_dir::DataDir;
use crate::endpoints;
use crate::words::{say, say_data};

/// The file of the devices' identities in a data directory.
const IDENTITIES: &str = "fleet.jsonl";
/// Open files besides the devices' connections.
const OTHER_FILES: u64 = 128;
/// Threads that look up the push service's name.
const BLOCKING_THREADS: usize = 8;
/// How often numbers are printed as JSON.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// How often they are told in words, if they changed.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Runs until a signal ends it.
pub(super) fn run(devices: u64, args: RoleArgs) -> anyhow::Result<ExitCode> {
    enough_files(devices)?;
    let ca_pem =
        std::fs::read(&args.ca).with_context(|| format!("can't read the CA {}", args.ca.display()))?;
    let profile = profile(args.profile.as_ref())?;
    let dir = args.data_dir.as_deref().map(DataDir::take).transpose()?;
    if dir.is_none() && !args.api.is_empty() {
        bail!("--api needs a place to keep its key\nhint: give one with --data-dir DIR");
    }
    let clock = match &dir {
        Some(dir) => Clock::kept_in(&dir.join("clock"))?,
        None => Clock::default(),
    };
    let config = CrowdConfig {
        devices,
        profile,
        clock,
        link: args.link,
        ca_pem,
        enrolment_key: args.enrolment_key,
        identities: dir.as_ref().map(|dir| dir.join(IDENTITIES)),
        tokens: args.tokens,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build();
    runtime.context("the runtime can't start")?.block_on(async {
        let mut ends = Ends::watch()?;
        let mut crowd = Crowd::start(config).context("the fleet can't start")?;
        if let Some(dir) = &dir {
            serve(&mut crowd, dir, &args.api).await?;
        }
        say(format!("a fleet of {devices} devices starts"));
        watch(&crowd, args.json, &mut ends).await?;
        say("the fleet ends; a second signal ends it at once, with its devices left at the push service");
        if let Some(dir) = &dir {
            endpoints::Endpoints::remove(dir.path())?;
        }
        let last = crowd.counts();
        tell(&last, args.json)?;
        let farewell = tokio::select! {
            farewell = crowd.shutdown() => farewell,
            () = ends.next() => return Ok(ExitCode::FAILURE),
        };
        if farewell.left_behind > 0 {
            let (left, removed) = (farewell.left_behind, farewell.removed);
            say(format!("{removed} devices were removed from the push service, {left} are left there"));
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn profile(path: Option<&PathBuf>) -> anyhow::Result<Profile> {
    let demo = homing_app::demo::manifest("development").context("the demo's manifest is wrong")?;
    let profile = match path {
        Some(path) => Profile::read(path, &demo)?,
        None => Profile::plain(&demo)?,
    };
    profile.warnings().iter().for_each(say);
    Ok(profile)
}

/// Each connection is an open file.
fn enough_files(devices: u64) -> anyhow::Result<()> {
    let may = rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files can't be raised")?;
    let needs = devices.saturating_add(OTHER_FILES);
    if may < needs {
        bail!(
            "a fleet of {devices} devices needs {needs} open files, and this process may have {may}\n\
             hint: raise the hard limit (`ulimit -Hn {needs}` as root, or LimitNOFILE= of the service), or take fewer \
             devices"
        );
    }
    Ok(())
}

async fn serve(crowd: &mut Crowd, dir: &DataDir, api: &[std::net::SocketAddr]) -> anyhow::Result<()> {
    let key = dir.key("device-api.key")?;
    let mut first = None;
    let free = [std::net::SocketAddr::from(([127, 0, 0, 1], 0))];
    for address in if api.is_empty() { &free } else { api } {
        let bound = crowd.serve(*address, &key).await?;
        first.get_or_insert(bound);
    }
    let at = first.context("the fleet's API has no address")?;
    let endpoints = json!({
        "pid": std::process::id(), "device_api": format!("http://{at}"), "device_api_key": key.to_string(),
    });
    let path = dir.write_private(endpoints::FILE_NAME, endpoints.to_string().as_bytes())?;
    say(format!("the fleet's API is at http://{at}, its key in {}", path.display()));
    Ok(())
}

/// Who wants it to end.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn watch() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("SIGINT can't be watched")?,
            terminate: signal(SignalKind::terminate()).context("SIGTERM can't be watched")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Tells how the fleet stands until somebody ends it.
async fn watch(crowd: &Crowd, as_json: bool, ends: &mut Ends) -> anyhow::Result<()> {
    let mut look = interval(COUNT_EVERY);
    let (mut said, mut said_at) = (FleetCounts::default(), Instant::now());
    loop {
        tokio::select! {
            () = ends.next() => return Ok(()),
            _ = look.tick() => {}
        }
        let counts = crowd.counts();
        if as_json {
            tell(&counts, true)?;
        }
        if counts != said && said_at.elapsed() >= SAY_EVERY {
            tell(&counts, false)?;
            (said, said_at) = (counts, Instant::now());
        }
    }
}

fn tell(counts: &FleetCounts, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say_data(serde_json::to_string(counts).context("the numbers can't be written")?);
    } else {
        say(in_words(counts));
    }
    Ok(())
}

fn in_words(counts: &FleetCounts) -> String {
    let FleetCounts { devices, enrolled, online, connected, received, displayed, opened, dismissed, .. } =
        counts;
    let suppressed: u64 = counts.suppressed.values().sum();
    let reasons: Vec<_> =
        counts.suppressed.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let mut words =
        format!("{connected} of {devices} devices connected ({online} online, {enrolled} enrolled)");
    if *received > 0 {
        words += &format!(
            "; {received} notifications came: {displayed} displayed, {suppressed} suppressed{reasons}, {opened} opened, \
             {dismissed} dismissed"
        );
    }
    if let Some(why) = &counts.last_failure {
        words += &format!("; {} failures, the last: {why}", counts.failures);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_words() {
        let counts = FleetCounts {
            devices: 10,
            enrolled: 10,
            online: 9,
            connected: 8,
            received: 7,
            displayed: 4,
            suppressed: [("focus".to_owned(), 1), ("not-permitted".to_owned(), 2)].into(),
            opened: 1,
            ..FleetCounts::default()
        };
        assert_eq!(
            in_words(&counts),
            "8 of 10 devices connected (9 online, 10 enrolled); 7 notifications came: 4 displayed, 3 suppressed \
             (focus 1, not-permitted 2), 1 opened, 0 dismissed"
        );
    }

    #[test]
    fn too_few_open_files_are_said_with_what_helps() {
        let error = enough_files(u64::MAX / 2).expect_err("no system has so many").to_string();
        assert!(error.contains("ulimit -Hn") && error.contains("fewer"), "{error}");
    }
}
