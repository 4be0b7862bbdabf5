//! A push service for one run of tests: it says where it is on stdout, and is gone with whoever started it, however that
//! ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use homing_apns::Expiration;
use homing_testkit::api::Api;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::provider::{Answered, TestProvider, new_apns_id};
use homing_trace::Environment;

use crate::home::{BINARY, wait};

struct Ephemeral {
    child: Child,
    endpoints: Endpoints,
    /// The demo app's device token.
    token: String,
    folder: PathBuf,
}

/// Started by `command`, once it has said where it is.
fn started(command: &mut Command) -> Ephemeral {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let endpoints: Endpoints = serde_json::from_str(&line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let token = said["demo"]["production"]["device_token"].as_str().unwrap().to_owned();
    let folder = endpoints.ca_pem.ancestors().nth(3).unwrap().to_owned();
    assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("homing-ephemeral-"), "{folder:?}");
    Ephemeral { child, endpoints, token, folder }
}

fn ephemeral() -> Command {
    let mut command = Command::new(BINARY);
    command.args(["gateway", "--ephemeral"]).stdin(Stdio::null());
    command
}

fn kill_hard(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// Waits until neither the process nor its directory is there.
async fn is_gone(pid: u32, folder: &Path) {
    wait(async || (!folder.exists() && !Path::new(&format!("/proc/{pid}/exe")).exists()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_where_it_is_takes_pushes_and_ends_when_its_stdin_closes() {
    let mut it = started(ephemeral().stdin(Stdio::piped()));
    let provider = TestProvider::connect(&it.endpoints, Environment::Production).await.unwrap();
    let answered = provider.send(&"ab".repeat(32), new_apns_id().unwrap(), Expiration::Once, "{}").await;
    let Answered::Refused { status: 400, refusal } = answered.unwrap() else { panic!("no device has this") };
    assert_eq!(refusal.reason.as_str(), "BadDeviceToken");
    let answered = provider.send(&it.token, new_apns_id().unwrap(), Expiration::Default, "{}").await;
    assert_eq!(answered.unwrap(), Answered::Accepted, "its device is away, so it is kept");
    // A second one stands beside it.
    let second = started(ephemeral().stdin(Stdio::piped()));
    assert_ne!(it.folder, second.folder);
    assert_ne!(it.endpoints.device_link, second.endpoints.device_link);
    drop(it.child.stdin.take());
    assert!(it.child.wait().unwrap().success());
    assert!(!it.folder.exists(), "{:?}", it.folder);
    let mut rest = String::new();
    it.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line is all it says");
    Api::admin(&second.endpoints).get("/v1/status").await.unwrap();
    let mut second = second;
    drop(second.child.stdin.take());
    assert!(second.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_leaves_nothing_when_it_is_killed() {
    let mut it = started(&mut ephemeral());
    kill_hard(it.endpoints.pid);
    it.child.wait().unwrap();
    is_gone(it.endpoints.pid, &it.folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_when_the_process_that_started_it_is_killed() {
    // The shell lives on beside it, since something follows.
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" gateway --ephemeral </dev/null; true", BINARY]).stdin(Stdio::null());
    let mut it = started(&mut shell);
    assert_ne!(it.child.id(), it.endpoints.pid);
    kill_hard(it.child.id());
    it.child.wait().unwrap();
    is_gone(it.endpoints.pid, &it.folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stdin_that_was_closed_from_the_start_tells_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(writer);
    let mut it = started(ephemeral().stdin(Stdio::from(reader)));
    let admin = Api::admin(&it.endpoints);
    for _ in 0..20 {
        admin.get("/v1/status").await.unwrap();
        wait(async || it.folder.exists().then_some(())).await;
    }
    assert!(it.child.try_wait().unwrap().is_none(), "it runs on");
    let pid = it.endpoints.pid.to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert!(it.child.wait().unwrap().success());
    assert!(!it.folder.exists());
}
