//! The testers' tools from the command line, against a push service for one run.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use homing_apns::Expiration;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::provider::{Answered, TestProvider, new_apns_id};
use homing_trace::Environment;
use serde_json::{Value, json};

use crate::home::{BINARY, wait};

const PAYLOAD: &str = r#"{"aps":{"alert":"Hi"}}"#;

struct Bench {
    homing: Child,
    file: PathBuf,
    provider: TestProvider,
}

impl Bench {
    /// Its only line is what `--endpoints` takes.
    async fn start(folder: &Path) -> Self {
        let file = folder.join("endpoints.json");
        let stdout = std::fs::File::create(&file).unwrap();
        let homing = Command::new(BINARY)
            .args(["gateway", "--ephemeral"])
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let endpoints: Endpoints =
            wait(async || serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()).await;
        let provider = TestProvider::connect(&endpoints, Environment::Development).await.unwrap();
        Self { homing, file, provider }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).arg("--endpoints").arg(&self.file);
        command
    }

    /// What it printed, which must have succeeded.
    fn said(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What it complained of, which must have failed.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// The answer: its status with the timestamp of 410, or 200. And the label.
    async fn send(&self, token: &str) -> (String, String) {
        let apns_id = new_apns_id().unwrap();
        let answered = self.provider.send(token, apns_id, Expiration::Default, PAYLOAD).await.unwrap();
        let said = match answered {
            Answered::Accepted => "200".to_owned(),
            Answered::Refused { refusal, .. } => refusal.to_string(),
            other @ (Answered::NotTaken | Answered::Unknown) => format!("{other:?}"),
        };
        (said, apns_id.as_str().to_owned())
    }

    fn stop(mut self) {
        drop(self.homing.stdin.take());
        assert!(self.homing.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_made_marked_and_restored() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path()).await;
    let token = bench.said(&["gateway", "token", "make", "com.example.news"]);
    assert_eq!(bench.send(&token).await.0, "200");
    let (_, apns_id) = bench.send(&token).await;
    let story = bench.said(&["trace", &apns_id]);
    let unique =
        story.lines().find_map(|line| line.trim().strip_prefix("apns-unique-id ")).expect("development");
    assert_eq!(bench.said(&["trace", unique]), story);
    let marked =
        bench.said(&["gateway", "token", "unregister", &token, "--at", "2026-11-22T02:04:05Z", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&marked).unwrap()["state"], "unregistered");
    let (said, apns_id) = bench.send(&token).await;
    assert_eq!(said, "410 Unregistered since 2026-11-22T02:04:05.000Z");
    let story = bench.said(&["trace", &apns_id]);
    assert!(story.contains("injected") && story.contains("a tester has marked the token"), "{story}");
    bench.said(&["gateway", "token", "expire", &token]);
    assert!(bench.send(&token).await.0.starts_with("410 ExpiredToken since 20"));
    let listed = bench.said(&["gateway", "token", "list"]);
    assert!(listed.starts_with("expired since") && listed.ends_with(&token), "{listed}");
    bench.said(&["gateway", "token", "restore", &token]);
    assert_eq!(bench.send(&token).await.0, "200");
    assert_eq!(bench.said(&["gateway", "token", "list"]), "");
    for (args, word) in [
        (&["gateway", "token", "restore", &*token][..], "/v1/token-marks"),
        (&["gateway", "token", "unregister", "../status"], "64 hex digits"),
        (&["gateway", "token", "expire", &"ab".repeat(32)], "`token`"),
        (&["gateway", "token", "expire", &token, "--at", "soon"], "soon"),
        (&["gateway", "token", "make", "com.nobody"], "/v1/apps"),
    ] {
        let refused = bench.refused(args);
        assert!(refused.contains(word), "{args:?}: {refused}");
    }
    bench.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_added_listed_and_removed_and_the_journal_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path()).await;
    let token = bench.said(&["gateway", "token", "make", "com.example.news"]);
    let mut following = bench.command(&["gateway", "journal", "--follow", "--json", "--token", &token]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();

    let add = ["gateway", "fault", "add", "refuse", "--reason", "TooManyRequests", "--retry-after", "7"];
    let id = bench.said(&[&add[..], &["--token", &token, "--count", "1"]].concat());
    let listed = bench.said(&["gateway", "fault", "list"]);
    assert!(
        listed.starts_with(&format!("{id}  refuse status 429 TooManyRequests retry_after 7")),
        "{listed}"
    );
    assert_eq!(bench.send(&token).await.0, "429 TooManyRequests");
    assert_eq!(bench.send(&token).await.0, "200");
    assert_eq!(bench.said(&["gateway", "fault", "list"]), "", "its count is used up");
    let (first, second) = (next(), next());
    assert_eq!(first["answer"]["reason"], "TooManyRequests");
    assert_eq!(first["injected"], "fault-refuse");
    assert_eq!(first["payload"], PAYLOAD);
    assert_eq!((&second["answer"]["status"], &second["injected"]), (&json!(200), &Value::Null));
    following.kill().unwrap();
    following.wait().unwrap();

    let id =
        bench.said(&["gateway", "fault", "add", "silence", "--app", "com.example.news", "--seconds", "60"]);
    bench.said(&["gateway", "fault", "remove", &id]);
    bench.said(&["gateway", "fault", "add", "drop", "--app", "com.example.news", "--percent", "50"]);
    bench.said(&["gateway", "fault", "remove", "--all"]);
    assert_eq!(bench.said(&["gateway", "fault", "list", "--json"]), r#"{"faults":[]}"#);
    let refused = ["gateway", "journal", "--status", "429"];
    let told = bench.said(&refused);
    assert!(told.contains("429 TooManyRequests  [fault-refuse]") && told.contains(&token), "{told}");
    assert_eq!(told.lines().count(), 1);
    for (args, word) in [
        (&["gateway", "fault", "add", "refuse", "--token", &*token][..], "`reason`"),
        (&["gateway", "fault", "add", "drop"], "--app"),
        (&["gateway", "fault", "add", "drop", "--app", "com.nobody"], "/v1/apps"),
        (&["gateway", "fault", "add", "explode", "--app", "com.example.news"], "one-stream"),
        (&["gateway", "fault", "remove", "99"], "/v1/faults"),
        (&["gateway", "fault", "remove"], "<ID>"),
        (&["gateway", "journal", "--app", "com.nobody"], "/v1/apps"),
    ] {
        let refused = bench.refused(args);
        assert!(refused.contains(word), "{args:?}: {refused}");
    }
    bench.stop();
}
