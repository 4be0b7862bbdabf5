//! The words of `homing device`.

use clap::Parser as _;

use super::*;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    device: DeviceArgs,
}

#[test]
fn a_time_needs_its_unit() {
    assert_eq!(duration("2h").ok(), Some(Duration::from_secs(7_200)));
    assert_eq!(duration("1h30m").ok(), Some(Duration::from_secs(5_400)));
    assert_eq!(duration("2.5s").ok(), Some(Duration::from_millis(2_500)));
    for wrong in ["", "5", "h", "2 h", "-1s", "1x", "0s", "1e3s"] {
        assert!(duration(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_role_runs_with_and_without_its_word() {
    let options = ["--link", "[::1]:8883", "--ca", "ca.pem", "--enrolment-key", "k"];
    let bare = Cli::try_parse_from(["homing"].iter().chain(&options)).expect("it is understood");
    assert!(bare.device.role.is_some() && bare.device.command.is_none());
    let named = Cli::try_parse_from(["homing", "run"].iter().chain(&options)).expect("it is understood");
    assert!(matches!(named.device.command, Some(Command::Run(_))));
    assert_eq!(role::host_port("[::1]:8883").ok(), Some(("::1".to_owned(), 8883)));
    assert!(role::host_port("8883").is_err());
}

#[test]
fn a_word_wants_none_of_the_roles_options() {
    let parsed =
        Cli::try_parse_from(["homing", "tap", "--device", "iphone", "--json"]).expect("it is understood");
    assert!(matches!(parsed.device.command, Some(Command::OfApp(OfApp::Tap(_)))));
    assert!(Cli::try_parse_from(["homing", "--link", "localhost:1"]).is_err(), "the CA is missing");
}

#[test]
fn a_name_is_one_segment_of_a_path() {
    assert_eq!(client::escaped("a/b ?道"), "a%2Fb%20%3F%E9%81%93");
}

#[test]
fn the_prompt_reads_as_on_the_screen() {
    let answer =
        serde_json::json!({"prompt": {"app": "com.example.news", "app_name": "News", "options": ["alert"]}});
    assert_eq!(text::prompt(&answer), "“News” Would Like to Send You Notifications  (alert)");
}
