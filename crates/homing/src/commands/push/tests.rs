//! The command line of `homing push`, and where it sends.

use clap::Parser as _;

use super::*;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: PushArgs,
}

fn destination(options: &[&str]) -> anyhow::Result<Destination> {
    Cli::try_parse_from(["push"].iter().chain(options))?.args.destination.resolve()
}

/// A data directory with the files that a running Homing describes there.
fn data_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let p8 = homing_apns::jwt::SigningKey::from_scalar(&[7; 32]).unwrap().to_p8().unwrap();
    std::fs::write(at("demo.p8"), p8.as_bytes()).unwrap();
    std::fs::write(at("ca.pem"), "").unwrap();
    let of_environment = |token: &str| {
        serde_json::json!({"certificate_pem": at("c.pem"), "certificate_p12": at("c.p12"), "p12_password": "s",
                           "device_token": token})
    };
    let endpoints = serde_json::json!({
        "pid": 1, "gateway_admin": "http://localhost:1", "gateway_admin_key": "k", "ca_pem": at("ca.pem"),
        "apns": {"development": {"host": "localhost", "port": 2197}},
        "device_link": {"host": "localhost", "port": 8883},
        "demo": {"bundle_id": "com.example.news", "team_id": "TEAM567890", "key_id": "KEY4567890",
                 "key_p8": at("demo.p8"), "development": of_environment("ab"), "production": of_environment("cd")},
    });
    std::fs::write(at("endpoints.json"), endpoints.to_string()).unwrap();
    dir
}

#[test]
fn apple_is_the_default_and_the_environment_chooses_the_host() {
    let dir = data_dir();
    let key = dir.path().join("demo.p8").display().to_string();
    let credential = ["--key", &key, "--key-id", "K", "--team-id", "T"];
    let development = destination(&credential).unwrap();
    assert_eq!((development.host.as_str(), development.port), ("api.sandbox.push.apple.com", 443));
    let production =
        destination(&[&credential[..], &["--environment", "production", "--port", "2197"]].concat()).unwrap();
    assert_eq!((production.host.as_str(), production.port), ("api.push.apple.com", 2197));
    let other = destination(&[&credential[..], &["--host", "127.0.0.1", "--port", "1"]].concat()).unwrap();
    assert_eq!((other.host.as_str(), other.port, other.trace_option), ("127.0.0.1", 1, None));
}

#[test]
fn a_running_homing_gives_address_root_key_topic_and_token() {
    let dir = data_dir();
    let path = dir.path().display().to_string();
    let found = destination(&["--data-dir", &path]).unwrap();
    assert_eq!((found.host.as_str(), found.port), ("localhost", 2197));
    assert_eq!(found.bundle_id.as_deref(), Some("com.example.news"));
    assert_eq!(found.device_token.as_deref(), Some("ab"));
    assert!(matches!(found.roots, homing_apns_client::Roots::Pem(_)));
    assert!(format!("{:?}", found.credential).contains("KEY4567890"));
    assert_eq!(found.trace_option, Some(format!("--data-dir {path}")));
    let error = destination(&["--data-dir", &path, "--environment", "production"]).unwrap_err().to_string();
    assert!(error.contains("no production environment"), "{error}");
}

#[test]
fn what_is_missing_or_contradicts_itself_is_said() {
    let dir = data_dir();
    let key = dir.path().join("demo.p8").display().to_string();
    let error = |options: &[&str]| format!("{:#}", destination(options).unwrap_err());
    assert!(error(&[]).contains("nothing to authenticate with"));
    assert!(error(&["--key", &key, "--team-id", "T"]).contains("--key-id"));
    assert!(error(&["--key", &key, "--key-id", "K"]).contains("--team-id"));
    assert!(
        error(&["--key", "/nowhere.p8", "--key-id", "K", "--team-id", "T"])
            .contains("can't read /nowhere.p8")
    );
    let ca = dir.path().join("ca.pem").display().to_string();
    assert!(error(&["--key", &ca, "--key-id", "K", "--team-id", "T"]).contains("AuthKey_"));
    assert!(error(&["--certificate", &key]).contains("no certificate in it"));
    assert!(error(&["--certificate", &key, "--key", &key]).contains("cannot be used with"));
    assert!(error(&["--host", "a", "--data-dir", "b"]).contains("cannot be used with"));
}
