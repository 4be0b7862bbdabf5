//! Scripts of JSON lines and `homing device expect`: the example of `docs/device-scripts.md`, and everything that can go wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use homing_trace::Stage;
use serde_json::{Value, json};

use crate::home::{BINARY, Home};

/// What a command came to: its exit code, its lines on stdout, its words on stderr.
struct Ended {
    code: Option<i32>,
    lines: Vec<Value>,
    words: String,
}

fn device(dir: &Path, args: &[&str]) -> Ended {
    let mut command = Command::new(BINARY);
    command.arg("device").args(args).arg("--data-dir").arg(dir.join("data"));
    let done = command.output().unwrap();
    let lines = String::from_utf8(done.stdout).unwrap();
    Ended {
        code: done.status.code(),
        lines: lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        words: String::from_utf8(done.stderr).unwrap(),
    }
}

fn script(dir: &Path, text: &str) -> Ended {
    let file = dir.join("script.jsonl");
    std::fs::write(&file, text).unwrap();
    device(dir, &["script", file.to_str().unwrap(), "--device", "iphone-development"])
}

fn example() -> String {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/device-scripts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, after) = page.split_once("```jsonl\n").unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_the_page_runs() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 45).await;
    home.token().await;
    let ended = script(dir.path(), &example());
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(ended.lines.iter().all(|line| line["ok"] == true), "{:?}", ended.lines);
    assert_eq!(ended.lines.len(), 27);
    let token = ended.lines.last().unwrap();
    assert_eq!((&token["line"], &token["do"]), (&json!(34), &json!("token")));
    assert_eq!(token["answer"]["device_token"], home.token().await);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_script_can_not_do_is_said_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 46).await;
    home.token().await;
    // The first line would work; none is carried out when another can't be understood.
    let table = [
        ("{\"do\": \"lock\"}\n{\"do\": \"tap\", \"titel\": \"x\"}", "line 2", "identifier"),
        ("{\"do\": \"lock\"}\n\n{\"do\": \"explode\"}", "line 3", "permit"),
        ("{\"do\": \"lock\"}\n{\"open\": 1}", "line 2", "say what to do"),
        ("{\"do\": \"lock\"}\nopen", "line 2", "JSON object"),
        ("{\"do\": \"lock\"}\n{\"do\": \"advance\", \"by\": \"2\"}", "line 2", "write a time like"),
        ("{\"do\": \"lock\"}\n{\"do\": \"watch\"}", "line 2", "the words are"),
        ("{\"do\": \"lock\"}\n{\"do\": \"open\", \"data_dir\": \"/tmp\"}", "line 2", "it takes"),
        ("{\"do\": \"lock\"}\n{\"do\": \"push\", \"title\": true}", "line 2", "wants a value"),
    ];
    for (text, line, hint) in table {
        let ended = script(dir.path(), text);
        assert_eq!((ended.code, ended.lines.len()), (Some(1), 0), "{text}: {}", ended.words);
        assert!(ended.words.contains(line) && ended.words.contains(hint), "{text}: {}", ended.words);
    }
    assert_eq!(home.phone.get(crate::home::IPHONE).await.unwrap()["locked"], false);

    // A step that fails ends the script; those after it aren't carried out.
    let text = "{\"do\": \"open\"}\n{\"do\": \"tap\"}\n{\"do\": \"lock\"}";
    let ended = script(dir.path(), text);
    assert_eq!(ended.code, Some(1));
    let oks: Vec<_> = ended.lines.iter().map(|line| line["ok"].as_bool().unwrap()).collect();
    assert_eq!(oks, [true, false]);
    assert!(ended.words.contains("line 2: tap: no such notification"), "{}", ended.words);
    assert_eq!(home.phone.get(crate::home::IPHONE).await.unwrap()["locked"], false);
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expecting_says_by_its_exit_code_what_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 47).await;
    home.allow().await;
    home.state("background").await;
    let apns_id = home.alert("Hello").await;
    home.story(&apns_id, Stage::Displayed).await;

    // It came before it was expected, which is no race.
    let hello = ["expect", "--topic", "com.example.news", "--title", "Hello", "--json"];
    let seen = device(dir.path(), &hello);
    assert_eq!(seen.code, Some(0), "{}", seen.words);
    assert_eq!(seen.lines[0]["notification"]["apns_id"], apns_id.as_str());

    // After the mark it isn't there, and what is there instead is told.
    let mark = device(dir.path(), &["mark", "--json"]).lines[0]["mark"].to_string();
    let other = home.alert("Another").await;
    home.story(&other, Stage::Displayed).await;
    let late = device(dir.path(), &[&hello[..], &["--since", &mark, "--within", "3s"]].concat());
    assert_eq!(late.code, Some(4), "{}", late.words);
    assert!(late.words.contains("not seen") && late.words.contains("Another"), "{}", late.words);
    assert_eq!(late.lines[0]["instead"][0]["title"], "Another");

    // Suppressed, and for which reason.
    home.state("foreground").await;
    let silent = home.alert("While reading").await;
    let foreground = ["expect", "--title", "While reading", "--suppressed", "foreground", "--json"];
    let seen = device(dir.path(), &foreground);
    assert_eq!(seen.lines[0]["notification"]["apns_id"], silent.as_str(), "{}", seen.words);
    let focus = ["expect", "--title", "While reading", "--suppressed", "focus", "--within", "3s"];
    let not = device(dir.path(), &focus);
    assert_eq!(not.code, Some(4));
    assert!(not.words.contains("foreground"), "{}", not.words);

    // It comes while it is waited for, on the surface that is meant.
    home.state("background").await;
    let path = dir.path().to_owned();
    let waiting = std::thread::spawn(move || {
        device(&path, &["expect", "--title", "Soon", "--surface", "lock-screen", "--within", "30s"])
    });
    home.alert("Soon").await;
    assert_eq!(tokio::task::spawn_blocking(move || waiting.join().unwrap().code).await.unwrap(), Some(0));
    assert_eq!(device(dir.path(), &["expect", "--within", "soon"]).code, Some(2));

    // How many, and that there is none.
    let two = ["expect", "--count", "2", "--suppressed", "foreground", "--json", "--within", "2s"];
    let not = device(dir.path(), &two);
    assert_eq!((not.code, &not.lines[0]["came"]), (Some(4), &1.into()), "{}", not.words);
    assert!(not.words.contains("1 of 2 came"), "{}", not.words);
    let three = device(dir.path(), &["expect", "--count", "3", "--json"]);
    assert_eq!(three.lines[0]["notifications"].as_array().unwrap().len(), 3, "{}", three.words);
    let none = device(dir.path(), &["expect", "--none", "--title", "Spam", "--within", "500ms"]);
    assert_eq!(none.code, Some(0), "{}", none.words);
    let came = device(dir.path(), &["expect", "--none", "--title", "Soon"]);
    assert_eq!(came.code, Some(4));
    assert!(came.words.contains("none was to come") && came.words.contains("Soon"), "{}", came.words);
    for wrong in [&["expect", "--count", "0"][..], &["expect", "--none", "--count", "2"]] {
        assert_eq!(device(dir.path(), wrong).code, Some(2), "{wrong:?}");
    }
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_runs_just_for_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 48).await;
    let endpoints = home.homing.endpoints();
    let script = dir.path().join("own.jsonl");
    std::fs::write(&script, "{\"do\": \"permit\"}\n{\"do\": \"notify\", \"title\": \"Hi\", \"body\": \"-5 °C\"}\n{\"do\": \"expect\", \"title\": \"Hi\"}\n{\"do\": \"expect\", \"title\": \"Hi\", \"within\": \"3s\"}").unwrap();
    let link = format!("localhost:{}", endpoints.device_link.port);
    let mut command = Command::new(BINARY);
    command.args(["device", "--link", &link, "--enrolment-key", endpoints.enrolment_key.as_ref().unwrap()]);
    command.arg("--ca").arg(&endpoints.ca_pem).arg("--script").arg(script);
    let done = command.arg("--data-dir").arg(dir.path().join("own")).output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(4), "one notification meets one expectation: {words}");
    assert!(words.contains("line 4: expect"), "{words}");
    home.homing.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_expires_by_the_clock_it_is_sent_to() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::up(&dir.path().join("data"), 77).await;
    home.token().await;
    let text = r#"{"do": "permit"}
{"do": "background"}
{"do": "advance", "by": "2d"}
{"do": "offline"}
{"do": "push", "title": "Kept", "expiration": "+3600"}
{"do": "online"}
{"do": "expect", "title": "Kept", "within": "60s"}"#;
    let ended = script(dir.path(), text);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    home.homing.stop().await.unwrap();
}
