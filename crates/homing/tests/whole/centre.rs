//! The developer centre from the command line: what `homing app` and `homing cert` make works through real connections,
//! and ends when it is revoked.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::home::{BINARY, Home};

/// Runs commands in a folder of its own, against one Homing.
struct Shell<'a> {
    folder: &'a Path,
    data_dir: &'a Path,
}

impl Shell<'_> {
    fn run(&self, args: &[&str]) -> Output {
        Command::new(BINARY).current_dir(self.folder).args(args).output().unwrap()
    }

    fn app(&self, args: &[&str]) -> Output {
        let args = [&["app", "--data-dir", self.data_dir.to_str().unwrap()], args].concat();
        self.run(&args)
    }

    /// What it printed, which must have succeeded.
    fn said(&self, args: &[&str]) -> String {
        said(&self.app(args))
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.said(&[args, &["--json"]].concat())).unwrap()
    }

    /// What it complained of, which must have failed.
    fn refused(&self, args: &[&str]) -> String {
        let output = self.app(args);
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// The reason the push service gave, or "200", when curl sent an alert.
    fn curl(&self, home: &Home, credential: &[&str], headers: &[&str], token: &str) -> String {
        let endpoints = home.homing.endpoints();
        let url = format!("https://localhost:{}/3/device/{token}", endpoints.apns.development.port);
        let mut curl = Command::new("curl");
        curl.current_dir(self.folder).args(["--silent", "--http2", "--max-time", "20", "--cacert"]);
        curl.arg(&endpoints.ca_pem).args(credential).args(["--data", r#"{"aps":{"alert":"Hi"}}"#]);
        for header in headers {
            curl.args(["--header", header]);
        }
        let output = curl.args(["--write-out", "%{http_code}", &url]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match text.strip_suffix("200") {
            Some("") => "200".to_owned(),
            Some(_) | None => {
                let body = text.get(..text.len() - 3).unwrap_or_default();
                let reason = serde_json::from_str::<Value>(body).unwrap_or_default()["reason"].clone();
                reason.as_str().map_or_else(|| format!("exit code {:?}", output.status.code()), str::to_owned)
            }
        }
    }

    fn mode(&self, file: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        self.folder.join(file).metadata().unwrap().permissions().mode() & 0o777
    }

    fn openssl(&self, args: &[&str]) -> String {
        said(&Command::new("openssl").current_dir(self.folder).args(args).output().unwrap())
    }
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned()
}

/// A provider token as a shell would make it.
fn bearer(p8: &str, key_id: &str, team: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let key = homing_apns::jwt::SigningKey::from_p8(p8).unwrap();
    format!("authorization: bearer {}", key.sign(key_id, team, i64::try_from(now).unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_certificates_from_the_command_line_send_until_they_are_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let home = Home::up(&data_dir, 40).await;
    let token = home.token().await;
    let shell = Shell { folder: dir.path(), data_dir: &data_dir };
    let topic = "apns-topic: com.example.news";

    // A key of the team's: its private half stands in one file and nowhere else.
    let key = shell.said(&["key", "create"]);
    let file = format!("AuthKey_{key}.p8");
    let p8 = std::fs::read_to_string(dir.path().join(&file)).unwrap();
    assert_eq!(shell.mode(&file), 0o600);
    let authorization = bearer(&p8, &key, "HOMINGDEMO");
    assert_eq!(shell.curl(&home, &[], &[&authorization, topic], &token), "200");
    let listed = shell.json(&["key", "list"]);
    assert!(!listed.to_string().contains("PRIVATE"), "{listed}");
    shell.said(&["key", "revoke", &key]);
    assert_eq!(shell.curl(&home, &[], &[&authorization, topic], &token), "InvalidProviderToken");

    // A real key is registered by its public half, and production configuration works unchanged.
    shell.openssl(&["pkey", "-in", &file, "-pubout", "-out", "public.pem"]);
    let register = ["key", "create", "--key-id", "APPLE12345", "--public-key"];
    let refused = shell.refused(&[&register[..], &[&file]].concat());
    assert!(refused.contains("-pubout"), "{refused}");
    let made = shell.json(&[&register[..], &["public.pem"]].concat());
    assert_eq!((&made["key_id"], &made["p8"]), (&json!("APPLE12345"), &Value::Null));
    let authorization = bearer(&p8, "APPLE12345", "HOMINGDEMO");
    assert_eq!(shell.curl(&home, &[], &[&authorization, topic], &token), "200");

    // A key for production alone is told that it is in the wrong place.
    let made = shell.json(&[
        "key",
        "create",
        "--environment",
        "production",
        "--app",
        "com.example.news",
        "--out",
        "other.p8",
    ]);
    assert_eq!(made["apps"], json!(["com.example.news"]));
    let p8 = std::fs::read_to_string(dir.path().join("other.p8")).unwrap();
    let authorization = bearer(&p8, made["key_id"].as_str().unwrap(), "HOMINGDEMO");
    assert_eq!(shell.curl(&home, &[], &[&authorization, topic], &token), "BadEnvironmentKeyInToken");
    let refused = shell.refused(&["key", "create", "--out", "other.p8"]);
    assert!(refused.contains("other.p8 exists") && refused.contains("--out"), "{refused}");
    let keys = shell.json(&["key", "list"])["keys"].as_array().unwrap().len();
    assert_eq!(keys, 3, "the demo's, the registered one and that for production: none without a file");

    certificates(&shell, &home, &token);
    home.homing.stop().await.unwrap();
}

fn certificates(shell: &Shell<'_>, home: &Home, token: &str) {
    let topic = "apns-topic: com.example.news";
    let create = ["certificate", "create", "com.example.news", "--kind"];
    let made = shell.json(&[&create[..], &["development", "--password", "secret", "--out", "push"]].concat());
    assert_eq!((shell.mode("push.pem"), shell.mode("push.p12")), (0o600, 0o600));
    assert_eq!((&made["pem"], &made["p12_base64"]), (&Value::Null, &Value::Null));
    shell.openssl(&[
        "pkcs12",
        "-in",
        "push.p12",
        "-passin",
        "pass:secret",
        "-out",
        "by-openssl.pem",
        "-nodes",
    ]);
    let pem = said(&shell.run(&["cert", "pem", "push.p12", "--password", "secret", "--out", "ours.pem"]));
    assert_eq!((pem.as_str(), shell.mode("ours.pem")), ("ours.pem", 0o600));
    for file in ["push.pem", "by-openssl.pem", "ours.pem"] {
        assert_eq!(shell.curl(home, &["--cert", file], &[], token), "200", "{file}");
    }
    for (file, password) in [("push.p12", "secret"), ("ours.pem", "")] {
        let shown = said(&shell.run(&["cert", "inspect", file, "--json", "--password", password]));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["topics"], json!(["com.example.news"]), "{file}");
        assert_eq!(shown["environments"], json!(["development"]));
        assert_eq!(shown["team_id"], "HOMINGDEMO");
    }
    let wrong = shell.run(&["cert", "inspect", "push.p12", "--password", "wrong"]);
    let wrong = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.contains("password is wrong") && wrong.contains("HOMING_P12_PASSWORD"), "{wrong}");

    shell.said(&[&create[..], &["universal", "--out", "all"]].concat());
    assert_eq!(shell.curl(home, &["--cert", "all.pem"], &[], token), "MissingTopic");
    assert_eq!(shell.curl(home, &["--cert", "all.pem"], &[topic], token), "200");
    shell
        .said(&[&create[..], &["development", "--expires", "2020-01-01T00:00:00Z", "--out", "old"]].concat());
    let old = shell.run(&["cert", "inspect", "old.pem"]);
    assert_eq!(old.status.code(), Some(1));
    assert!(String::from_utf8(old.stdout).unwrap().contains("(expired)"));
    assert!(shell.curl(home, &["--cert", "old.pem"], &[], token).starts_with("exit code"));

    shell.said(&["certificate", "revoke", made["certificate_id"].as_str().unwrap()]);
    assert!(shell.curl(home, &["--cert", "push.pem"], &[], token).starts_with("exit code"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn teams_apps_and_enrolment_keys_are_made_and_ended_by_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let home = Home::up(&data_dir, 41).await;
    let shell = Shell { folder: dir.path(), data_dir: &data_dir };
    let team = shell.said(&["team", "create", "Weather people"]);
    assert_eq!(team.len(), 10);
    let several = shell.refused(&["create", "com.example.weather"]);
    assert!(several.contains(&team) && several.contains("--team"), "{several}");
    assert_eq!(shell.said(&["create", "com.example.weather", "--team", &team]), "com.example.weather");
    assert!(shell.said(&["list"]).contains("com.example.weather"));
    let shown = shell.json(&["show", "com.example.weather"]);
    assert!(shown["topics"].as_array().unwrap().contains(&json!("com.example.weather.voip")), "{shown}");

    let key = ["enrolment-key", "create", "--team", &team, "--app", "com.example.weather", "--quota", "1"];
    let text = shell.said(&key);
    let endpoints = home.homing.endpoints();
    let enrol = |text: &str| {
        let url = format!("https://localhost:{}/devices", endpoints.device_link.port);
        let body = json!({"enrolment_key": text}).to_string();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"]);
        said(&curl.arg(&endpoints.ca_pem).args(["--data", &body, &url]).output().unwrap())
    };
    assert_eq!(enrol(&text), "201");
    assert_eq!(enrol(&text), "403", "its quota is used up");
    let listed = shell.json(&["enrolment-key", "list"]);
    assert!(!listed.to_string().contains(&text), "its text is kept nowhere");
    let id = listed["enrolment_keys"].as_array().unwrap().last().unwrap()["id"].to_string();
    shell.said(&["enrolment-key", "revoke", &id]);
    assert_eq!(enrol(&text), "401");

    shell.said(&["remove", "com.example.weather"]);
    assert!(!shell.said(&["list"]).contains("com.example.weather"));
    for (args, word) in [
        (&["show", "com.example.weather"][..], "homing app list"),
        (&["remove", "com.example.weather"], "/v1/apps"),
        (&["remove", "../status"], "no id"),
        (&["key", "revoke", "NOBODY1234"], "/v1/keys"),
        (&["certificate", "create", "com.example.none", "--kind", "voip"], "com.example.none"),
        (&["team", "create", "x", "--id", "short"], "ten capital letters"),
        (&["create", "com..x", "--team", "HOMINGDEMO"], "bundle id"),
    ] {
        let refused = shell.refused(args);
        assert!(refused.contains(word), "{args:?}: {refused}");
    }
    home.homing.stop().await.unwrap();
}
