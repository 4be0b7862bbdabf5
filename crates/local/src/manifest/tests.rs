//! Manifests that can and can't be used.

use super::*;

fn manifest(json: &str) -> Result<(AppManifest, Vec<Finding>), ManifestError> {
    AppManifest::from_json(json.as_bytes())
}

#[test]
fn a_whole_manifest_is_read_and_written_back() {
    let json = r#"{
  "bundle_id": "com.example.news",
  "name": "News",
  "version": "2.1",
  "entitlements": {
    "aps-environment": "development",
    "time-sensitive": true,
    "critical": false
  },
  "background_modes": [
    "remote-notification"
  ],
  "sounds": [
    {
      "name": "chime.caf",
      "seconds": 2.5
    }
  ],
  "localisations": {
    "en": {
      "NEWS": "%@ writes"
    }
  }
}"#;
    let (read, findings) = manifest(json).expect("it is whole");
    assert_eq!(findings, []);
    assert!(read.wakes_for_remote_notifications());
    assert_eq!(serde_json::to_string_pretty(&read).expect("it is written"), json);
}

#[test]
fn a_small_manifest_is_enough_and_the_missing_entitlement_is_said() {
    let (read, findings) =
        manifest(r#"{"bundle_id": "com.example.news", "name": "News"}"#).expect("it is enough");
    assert_eq!(read.version, "1.0");
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["$.entitlements.aps-environment: without it, registering for remote notifications fails: \
          write \"development\" or \"production\""]
    );
}

#[test]
fn a_misspelt_key_is_named() {
    let error = manifest(r#"{"bundle_id": "com.example.news", "name": "News", "sound": []}"#);
    let error = error.expect_err("`sound` is no key").to_string();
    assert!(error.contains("unknown field `sound`") && error.contains("sounds"), "{error}");
    let error =
        manifest(r#"{"bundle_id": "a.b", "name": "N", "entitlements": {"aps-environment": "sandbox"}}"#);
    let error = error.expect_err("there are two environments").to_string();
    assert!(error.contains("development") && error.contains("production"), "{error}");
}

#[test]
fn each_rule_has_its_finding() {
    let table = [
        (r#"{"bundle_id": "", "name": "N"}"#, "$.bundle_id", Severity::Error),
        (r#"{"bundle_id": "com/x", "name": "N"}"#, "$.bundle_id", Severity::Error),
        (r#"{"bundle_id": "news", "name": "N"}"#, "$.bundle_id", Severity::Error),
        (r#"{"bundle_id": "com..news", "name": "N"}"#, "$.bundle_id", Severity::Error),
        (r#"{"bundle_id": "a.b", "name": " "}"#, "$.name", Severity::Error),
        (
            r#"{"bundle_id": "a.b", "name": "N", "content_extensions": [{}, {"command": {"argv": ["bin/draw"]}}]}"#,
            "$.content_extensions[1].command.argv",
            Severity::Error,
        ),
        (
            r#"{"bundle_id": "a.b", "name": "N", "background_modes": ["remote"]}"#,
            "$.background_modes[0]",
            Severity::Warning,
        ),
        (
            r#"{"bundle_id": "a.b", "name": "N", "sounds": [{"name": "x.mp3", "seconds": 1}]}"#,
            "$.sounds[0].name",
            Severity::Warning,
        ),
        (
            r#"{"bundle_id": "a.b", "name": "N", "sounds": [{"name": "x.caf", "seconds": 1}, {"name": "x.caf", "seconds": 1}]}"#,
            "$.sounds[1].name",
            Severity::Error,
        ),
        (
            r#"{"bundle_id": "a.b", "name": "N", "sounds": [{"name": "x.caf", "seconds": 0}]}"#,
            "$.sounds[0].seconds",
            Severity::Error,
        ),
        (
            r#"{"bundle_id": "a.b", "name": "N", "sounds": [{"name": "x.caf", "seconds": 30}]}"#,
            "$.sounds[0].seconds",
            Severity::Warning,
        ),
        (
            r#"{"bundle_id": "a.b", "name": "N", "localisations": {"english": {}}}"#,
            "$.localisations.english",
            Severity::Warning,
        ),
    ];
    for (json, path, severity) in table {
        let read: AppManifest = serde_json::from_str(json).expect("it has the right shape");
        let found = read.check().into_iter().find(|finding| finding.path == path);
        assert_eq!(found.map(|finding| finding.severity), Some(severity), "{json}");
    }
}

#[test]
fn a_command_is_a_program_that_is_found_from_anywhere() {
    let command = |argv: &str, env: &str| {
        format!(r#"{{"bundle_id":"a.b","name":"n","launch":{{"argv":{argv},"env":{env}}}}}"#)
    };
    let faults = |json: &str| match manifest(json) {
        Ok(_) => Vec::new(),
        Err(ManifestError::Findings(findings)) => findings
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.path)
            .collect(),
        Err(ManifestError::Json(error)) => panic!("it is JSON of the right shape: {error}"),
    };
    let long = format!("[\"/bin/app\", \"{}\"]", "x".repeat(4097));
    for (argv, env, wanted) in [
        (r#"["/bin/app", "--x"]"#, "{}", None),
        (r#"["app"]"#, r#"{"LANG":"C"}"#, None),
        ("[]", "{}", Some("$.launch.argv")),
        (r#"["./app"]"#, "{}", Some("$.launch.argv")),
        (r#"["bin/app"]"#, "{}", Some("$.launch.argv")),
        (r#"["/bin/a\u0000b"]"#, "{}", Some("$.launch")),
        (long.as_str(), "{}", Some("$.launch")),
        (r#"["app"]"#, r#"{"A=B":"C"}"#, Some("$.launch.env")),
        (r#"["app"]"#, r#"{"HOMING_SECRET":"C"}"#, Some("$.launch.env")),
    ] {
        let found = faults(&command(argv, env));
        assert_eq!(found.first().map(String::as_str), wanted, "{argv} {env}");
    }
}
