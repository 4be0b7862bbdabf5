//! How options become a notification.

use clap::Parser as _;
use homing_apns_client::{Credential, ProviderKey, Roots};
use homing_trace::Environment;

use super::*;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: NotificationArgs,
}

fn destination(bundle_id: Option<&str>) -> Destination {
    let p8 = homing_apns::jwt::SigningKey::from_scalar(&[7; 32]).unwrap().to_p8().unwrap();
    let key = ProviderKey::from_p8(&p8, "K", "T").unwrap();
    Destination {
        host: "localhost".to_owned(),
        port: 443,
        roots: Roots::Native,
        credential: Credential::Key(key.into()),
        environment: Environment::Development,
        bundle_id: bundle_id.map(str::to_owned),
        device_token: Some("ab".repeat(32)),
        trace_option: None,
        admin: None,
    }
}

fn resolve(options: &[&str], bundle_id: Option<&str>) -> anyhow::Result<Notification> {
    let args = Cli::try_parse_from(["push"].iter().chain(options)).map(|cli| cli.args)?;
    args.resolve(&destination(bundle_id))
}

fn with_file(json: &str, options: &[&str], bundle_id: Option<&str>) -> anyhow::Result<Notification> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("payload.apns");
    std::fs::write(&file, json)?;
    let mut all = vec!["--payload", file.to_str().unwrap()];
    all.extend(options);
    resolve(&all, bundle_id)
}

fn topic(notification: &Notification) -> &str {
    notification.options.topic.as_ref().unwrap().as_str()
}

fn device(notification: &Notification) -> String {
    let To::Device(token) = &notification.to else { panic!("{notification:?}") };
    token.to_string()
}

#[test]
fn a_broadcast_names_its_app_and_channel_and_needs_no_token() {
    let id = "dHN0LXNyY2gtY2hubA==";
    let json = r#"{"aps":{"timestamp":1700000000,"event":"update","content-state":{}}}"#;
    let sent = with_file(json, &["--channel", id, "--priority", "5"], Some("com.x")).unwrap();
    let To::Channel { bundle_id, channel } = &sent.to else { panic!("{sent:?}") };
    assert_eq!((bundle_id.as_str(), channel.to_string().as_str()), ("com.x", id));
    assert_eq!((sent.options.priority, sent.options.expiration), (Some(Priority::Five), Expiration::Default));
    let error = |options: &[&str], bundle_id| with_file(json, options, bundle_id).unwrap_err().to_string();
    assert!(error(&["--channel", id], None).contains("--topic"));
    assert!(error(&["--channel", "*"], Some("com.x")).contains("apns-channel-id"));
    assert!(error(&["--channel", id, "--token", "ab"], Some("com.x")).contains("cannot be used with"));
}

#[test]
fn words_become_a_payload_and_the_demo_fills_in_the_rest() {
    let sent = resolve(&["--title", "T", "--body", "B", "--badge", "3", "--sound", "default"], Some("com.x"))
        .unwrap();
    let json = r#"{"aps":{"alert":{"title":"T","body":"B"},"badge":3,"sound":"default"}}"#;
    assert_eq!(String::from_utf8(sent.payload.clone()).unwrap(), json);
    assert_eq!((topic(&sent), sent.options.push_type), ("com.x", Some(PushType::Alert)));
    assert_eq!(device(&sent), "ab".repeat(32));
    assert_eq!(sent.remarks, Vec::<String>::new());
}

#[test]
fn the_push_type_follows_the_topic_or_the_payload_and_the_suffix_the_push_type() {
    let of = |json: &str, options: &[&str], bundle_id| {
        let sent = with_file(json, options, bundle_id).unwrap();
        (topic(&sent).to_owned(), sent.options.push_type.unwrap(), sent.options.priority)
    };
    let silent = r#"{"aps":{"content-available":1}}"#;
    assert_eq!(of(silent, &[], Some("c.x")), ("c.x".to_owned(), PushType::Background, Some(Priority::Five)));
    let call = r#"{"caller":"Ann"}"#;
    assert_eq!(of(call, &["--topic", "c.x.voip"], None), ("c.x.voip".to_owned(), PushType::Voip, None));
    assert_eq!(
        of(call, &["--push-type", "voip"], Some("c.x")),
        ("c.x.voip".to_owned(), PushType::Voip, None)
    );
    let live = r#"{"aps":{"event":"update","timestamp":1,"content-state":{}}}"#;
    assert_eq!(
        of(live, &[], Some("c.x")),
        ("c.x.push-type.liveactivity".to_owned(), PushType::LiveActivity, None)
    );
}

#[test]
fn a_topic_that_contradicts_the_push_type_and_findings_are_remarked_but_sent() {
    let sent = with_file(
        r#"{"aps":{"alert":"x","badge":"3"}}"#,
        &["--topic", "c.x.voip", "--push-type", "alert"],
        None,
    )
    .unwrap();
    assert_eq!(sent.remarks.len(), 2);
    assert!(sent.remarks[0].contains("doesn't go with topic c.x.voip"), "{:?}", sent.remarks);
    assert!(sent.remarks[1].starts_with("error: $.aps.badge: "), "{:?}", sent.remarks);
    assert!(with_file("not json", &["--topic", "c.x"], None).unwrap().remarks[0].contains("not JSON"));
}

#[test]
fn a_simulators_file_names_its_app_and_is_sent_without_that() {
    let json = r#"{"Simulator Target Bundle":"com.sim","aps":{"alert":"x"},"n":1.0}"#;
    let sent = with_file(json, &[], None).unwrap();
    assert_eq!(topic(&sent), "com.sim");
    assert_eq!(sent.payload, br#"{"aps":{"alert":"x"},"n":1.0}"#);
    assert_eq!(sent.remarks.len(), 1);
}

#[test]
fn expirations_are_absolute_relative_or_none() {
    let mut remarks = Vec::new();
    let mut read = |text| expiration(text, 1_000_000, &mut remarks).map_err(|error| error.to_string());
    assert_eq!(read("0"), Ok(Expiration::Once));
    assert_eq!(read("+300"), Ok(Expiration::At(1_000_300)));
    assert_eq!(read("2000000"), Ok(Expiration::At(2_000_000)));
    assert!(read("soon").unwrap_err().contains("hint"));
    assert!(read("-1").is_err() && read("+x").is_err());
    assert_eq!(read("300"), Ok(Expiration::At(300)));
    assert!(remarks[0].contains("+300 for 300 s from now"), "{remarks:?}");
}

#[test]
fn a_token_is_taken_as_xcode_prints_it_and_bad_values_are_explained() {
    let sent = resolve(&["--body", "x", "--token", "<00fc13ad ff785122>"], Some("c.x")).unwrap();
    assert_eq!(device(&sent), "00fc13adff785122");
    let error = |options: &[&str], bundle_id| resolve(options, bundle_id).unwrap_err().to_string();
    assert!(error(&["--body", "x", "--token", "xyz"], Some("c.x")).contains("isn't complete hex"));
    assert!(error(&["--body", "x"], None).contains("--topic"));
    assert!(error(&[], Some("c.x")).contains("nothing to send"));
    assert!(error(&["--body", "x", "--topic", "a b"], None).contains("no topic"));
    assert!(error(&["--body", "x", "--priority", "7"], None).contains("10, 5 or 1"));
    assert!(error(&["--body", "x", "--apns-id", "7"], None).contains("UUID"));
    assert!(error(&["--body", "x", "--payload", "f"], None).contains("cannot be used with"));
}
