//! The foreign clients: libraries and programs nobody here wrote, run against one `homing up`. Decides their order and
//! their deadlines; what each checks is in `clients/`.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::conformance::Document;
use crate::documents;
use crate::ledger::Ledger;
use crate::node;
use crate::running::{Running, debug_binary, path_with};
use crate::step::{cargo, repository_root, target_dir};
use crate::test::{ensure_something_ran, run_in};

/// Each client by itself; a healthy one takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(180);

/// Name, interpreter and script, in order: the permission is asked for and given between the first two.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("curl", "bash", "clients/curl/send.sh"),
    ("curl", "bash", "clients/curl/refused.sh"),
    ("PHP", "php", "clients/php/legacy.php"),
    ("aioapns", "python3", "clients/python/send_aioapns.py"),
    ("node-apn", "node", "clients/node/send_node_apn.mjs"),
    ("apns2", "node", "clients/node/send_apns2.mjs"),
    ("aioapns and faults", "python3", "clients/python/faults_aioapns.py"),
    ("node-apn and faults", "node", "clients/node/faults_node_apn.mjs"),
    ("apns2 and faults", "node", "clients/node/faults_apns2.mjs"),
    ("curl with channels", "bash", "clients/curl/channels.sh"),
    ("node-apn with channels", "node", "clients/node/channels_node_apn.mjs"),
    ("mosquitto_sub", "bash", "clients/mosquitto/device.sh"),
    ("mqtt.js", "node", "clients/node/device_mqtt_js.mjs"),
];

/// `build` is what cargo is told to build the binary: after the tests, the selection that finds most of it built.
pub(crate) fn run(build: &[&str], document: Document) -> Result<()> {
    let venv = prepare_python()?;
    node::install("clients/node")?;
    cargo(build)?;
    let mut running = Running::start(debug_binary(), "clients", &[])?;
    let mut ledger = Ledger::default();
    let path = path_with(&[&venv.join("bin"), &target_dir().join("debug")])?;
    for (name, interpreter, script) in CLIENTS {
        eprintln!("\n# {name}");
        let mut command = Command::new(find_in(&venv, interpreter));
        command.arg(repository_root().join(script)).env("PATH", &path);
        run_client(&mut ledger, name, &mut command, &running)?;
    }
    documents::run(&mut ledger, &debug_binary(), &path)?;
    eprintln!("\n# the end");
    ledger.note("homing up stops cleanly", running.stop());
    if ledger.failed.is_empty() {
        let settled = ledger.conformance.settle(document);
        ledger.note("docs/conformance.md says what was seen", settled);
    } else {
        eprintln!("\nwhat homing up said:\n{}", last_lines(&running.log(), 60));
    }
    drop(running);
    close(&ledger)
}

fn close(ledger: &Ledger) -> Result<()> {
    for failure in &ledger.failed {
        eprintln!("FAILED {failure}");
    }
    eprintln!("\nforeign clients and documents:");
    say_closing_line(&ledger.closing_line());
    ensure_something_ran(ledger.passed, ledger.failed.len())?;
    if !ledger.failed.is_empty() {
        bail!("foreign clients: {} checks failed", ledger.failed.len());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the count is this task's answer")]
fn say_closing_line(line: &str) {
    println!("{line}");
}

fn find_in(venv: &Path, interpreter: &str) -> PathBuf {
    match interpreter {
        "python3" => venv.join("bin/python3"),
        other => PathBuf::from(other),
    }
}

/// Runs one client with its deadline, its lines shown and counted.
pub(crate) fn run_client(
    ledger: &mut Ledger,
    name: &str,
    command: &mut Command,
    running: &Running,
) -> Result<()> {
    let mut report = ledger.report(name);
    let mut child = command
        .env("ENDPOINTS", running.endpoints_file())
        .env("HOMING", &running.binary)
        .env("SCRATCH", &running.home)
        .env("XDG_DATA_HOME", &running.home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(repository_root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start the client {name}"))?;
    let (send, lines) = sync_channel::<String>(256);
    let stdout = child.stdout.take().context("the client's output")?;
    let reader = std::thread::spawn(move || {
        let all = BufReader::new(stdout).lines().map_while(Result::ok);
        all.into_iter().try_for_each(|line| send.send(line))
    });
    let deadline = Instant::now() + DEADLINE;
    let in_time = loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                eprintln!("{line}");
                report.take_line(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break true,
            Err(RecvTimeoutError::Timeout) => break false,
        }
    };
    if !in_time {
        // The group: a client's own children would keep the pipe open.
        Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status().ok();
    }
    let status = child.wait()?;
    drop(lines);
    reader.join().ok();
    let why = match (in_time, status.success()) {
        (false, _) => Some(format!("killed after {} s", DEADLINE.as_secs())),
        (true, true) => None,
        (true, false) => Some(status.to_string()),
    };
    report.finish(why);
    Ok(())
}

/// A virtual environment with the packages of `clients/python/requirements.txt`, made again when that file changes.
fn prepare_python() -> Result<PathBuf> {
    let venv = target_dir().join("clients/venv");
    let wanted = std::fs::read_to_string(repository_root().join("clients/python/requirements.txt"))?;
    let stamp = venv.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(venv);
    }
    run_in(".", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let pip = ["-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"];
    run_in("clients/python", Command::new(venv.join("bin/python3")).args(pip))?;
    std::fs::write(&stamp, &wanted)?;
    Ok(venv)
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
