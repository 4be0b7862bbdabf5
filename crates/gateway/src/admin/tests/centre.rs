//! The developer centre over its API: what is made, what is never told again, and every way to ask wrongly.

use serde_json::json;

use super::*;

const APP: &str = "com.example.news";
const TEAM: &str = "ABCDE12345";

impl Bench {
    pub(super) async fn send(&self, method: &str, uri: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("host", "localhost:8483")
            .header("authorization", format!("Bearer {KEY}"))
            .body(Body::from(body.to_owned()))
            .expect("it is a request");
        self.answer(request).await
    }

    pub(super) async fn post(&self, uri: &str, body: Value) -> (StatusCode, Value) {
        self.send("POST", uri, &body.to_string()).await
    }

    pub(super) async fn made(&self, uri: &str, body: Value) -> Value {
        let (status, made) = self.post(uri, body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made
    }

    /// Another team with an app.
    async fn others(&self) {
        self.made("/v1/teams", json!({"team_id": "OTHER12345", "name": "Others"})).await;
        self.made("/v1/apps", json!({"team_id": "OTHER12345", "bundle_id": "com.other.app"})).await;
    }

    async fn count(&self, uri: &str, field: &str) -> usize {
        self.ask(uri).await.1[field].as_array().expect("it is a list").len()
    }
}

#[tokio::test]
async fn what_is_made_is_listed_without_its_secrets_until_it_is_revoked() {
    let bench = bench().await;
    let key = bench.made("/v1/keys", json!({"team_id": TEAM})).await;
    assert!(key["p8"].as_str().is_some_and(|p8| p8.contains("BEGIN PRIVATE KEY")), "{key}");
    let wish = json!({"bundle_id": APP, "kind": "universal", "p12_password": "secret"});
    let certificate = bench.made("/v1/certificates", wish).await;
    assert!(certificate["pem"].as_str().is_some_and(|pem| pem.contains("PRIVATE KEY")));
    assert_eq!(certificate["environments"], json!(["development", "production"]));
    assert_eq!(certificate["topics"].as_array().map(Vec::len), Some(3));
    let wish = json!({"team_id": TEAM, "apps": [APP], "environments": ["development"], "quota": 3});
    let enrolment = bench.made("/v1/enrolment-keys", wish).await;
    let text = enrolment["enrolment_key"].as_str().expect("it has a text");
    for (list, field, path) in [
        ("/v1/keys", "keys", format!("/v1/keys/{}", key["key_id"].as_str().expect("an id"))),
        (
            "/v1/certificates",
            "certificates",
            format!("/v1/certificates/{}", certificate["certificate_id"].as_str().expect("an id")),
        ),
        ("/v1/enrolment-keys", "enrolment_keys", format!("/v1/enrolment-keys/{}", enrolment["id"])),
    ] {
        let told = bench.ask(list).await.1.to_string();
        assert!(!told.contains("PRIVATE") && !told.contains(text) && !told.contains("secret"), "{told}");
        assert_eq!(bench.count(list, field).await, 1, "{list}");
        assert_eq!(bench.send("DELETE", &path, "").await.0, StatusCode::NO_CONTENT, "{path}");
    }
    let detail = bench.ask(&format!("/v1/apps/{APP}")).await.1;
    assert_eq!((&detail["keys"], &detail["certificates"]), (&json!([]), &json!([])));
    let left = bench.ask("/v1/enrolment-keys").await.1;
    let ended = left["enrolment_keys"][0]["expires_at"].as_str().expect("it has ended");
    assert!(ended.parse::<UnixMillis>().expect("a time") <= bench.store.clock().now(), "{ended}");
}

#[tokio::test]
async fn a_secret_is_nowhere_in_the_files_of_the_store() {
    let bench = bench().await;
    let key = bench.made("/v1/keys", json!({"team_id": TEAM})).await;
    let wish = json!({"bundle_id": APP, "kind": "voip"});
    let certificate = bench.made("/v1/certificates", wish).await;
    let enrolment = bench.made("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": [APP]})).await;
    let lines = |text: &Value| {
        let text = text.as_str().expect("it is text").to_owned();
        let lines = text.lines().filter(|line| line.len() == 64 && !line.starts_with("--"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let private = certificate["pem"].as_str().expect("PEM").split("BEGIN PRIVATE KEY").nth(1).expect("a key");
    let mut secrets = [lines(&key["p8"]), lines(&json!(private))].concat();
    assert!(secrets.len() >= 4, "both keys have lines");
    secrets.push(enrolment["enrolment_key"].as_str().expect("text").to_owned());
    secrets.push(certificate["p12_password"].as_str().expect("text").to_owned());
    // DER is what a store would keep of a PEM.
    use base64::Engine as _;
    let mut needles: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.clone().into_bytes()).collect();
    let der = |line: &String| base64::engine::general_purpose::STANDARD.decode(line).ok();
    // What precedes the public half: the algorithm's head and the scalar.
    needles.extend(secrets.iter().filter_map(der).filter(|der| der.len() == 48));
    bench.store.close();
    for entry in walk(bench._dir.path()) {
        let content = std::fs::read(&entry).expect("it is read");
        for needle in &needles {
            let is_there = content.windows(needle.len()).any(|window| window == needle.as_slice());
            assert!(!is_there, "{} holds a secret", entry.display());
        }
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("it is listed") {
        let path = entry.expect("it is listed").path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

impl Bench {
    /// Each body is refused with this status, in words that hold this one; nothing of a key is said.
    async fn refuses(&self, cases: Vec<(&str, Value, u16, &str)>) {
        for (uri, body, status, word) in cases {
            let (found, problem) = self.post(uri, body.clone()).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert_eq!(found.as_u16(), status, "{uri} {body}: {detail}");
            assert!(detail.contains(word) && !detail.contains("BEGIN"), "{uri} {body}: {detail}");
        }
    }
}

#[tokio::test]
async fn each_wrong_team_and_app_is_refused_in_words() {
    let bench = bench().await;
    bench
        .refuses(vec![
            ("/v1/teams", json!({}), 400, "name"),
            ("/v1/teams", json!({"name": ""}), 422, "name"),
            ("/v1/teams", json!({"name": "x", "team_id": "lower12345"}), 422, "ten capital letters"),
            ("/v1/teams", json!({"name": "x", "team_id": TEAM}), 409, "exists"),
            ("/v1/teams", json!({"name": "x", "nmae": 1}), 400, "nmae"),
            ("/v1/apps", json!({"bundle_id": "com.x"}), 400, "team_id"),
            ("/v1/apps", json!({"bundle_id": "com..x", "team_id": TEAM}), 422, "bundle id"),
            ("/v1/apps", json!({"bundle_id": "com.x", "team_id": "NOBODY1234"}), 422, "NOBODY1234"),
            ("/v1/apps", json!({"bundle_id": APP, "team_id": TEAM}), 409, APP),
            ("/v1/apps", json!({"bundle_id": "com.example.news.voip", "team_id": TEAM}), 422, "suffix"),
        ])
        .await;
}

#[tokio::test]
async fn each_wrong_key_is_refused_in_words() {
    let bench = bench().await;
    bench.others().await;
    let many: Vec<String> = (0..401).map(|number| format!("com.example.app{number}")).collect();
    let key = |more: Value| {
        let mut wish = json!({"team_id": TEAM});
        let members = wish.as_object_mut().expect("it is an object");
        members.extend(more.as_object().expect("it is one").clone());
        wish
    };
    let p8 = homing_apns::jwt::SigningKey::from_scalar(&[7; 32]).expect("a key").to_p8().expect("a p8");
    bench
        .refuses(vec![
            ("/v1/keys", json!({}), 400, "team_id"),
            ("/v1/keys", json!({"team_id": "NOBODY1234"}), 422, "NOBODY1234"),
            ("/v1/keys", key(json!({"key_id": "a/b"})), 422, "ten capital letters"),
            ("/v1/keys", key(json!({"environments": []})), 422, "environment"),
            ("/v1/keys", key(json!({"environments": ["staging"]})), 400, "staging"),
            ("/v1/keys", key(json!({"apps": [APP]})), 422, "one environment"),
            ("/v1/keys", key(json!({"apps": [], "environments": ["production"]})), 422, "at least one app"),
            ("/v1/keys", key(json!({"apps": many, "environments": ["production"]})), 422, "400"),
            (
                "/v1/keys",
                key(json!({"apps": ["com.other.app"], "environments": ["production"]})),
                409,
                "com.other.app",
            ),
            ("/v1/keys", key(json!({"apps": ["com.x"], "environments": ["production"]})), 422, "com.x"),
            ("/v1/keys", key(json!({"related_to": "NOBODY1234"})), 422, "some of the apps"),
            (
                "/v1/keys",
                key(json!({"related_to": "NOBODY1234", "apps": [APP], "environments": ["production"]})),
                422,
                "NOBODY1234",
            ),
            ("/v1/keys", key(json!({"public_key_pem": "hello", "key_id": "KEY1234567"})), 422, "-pubout"),
            ("/v1/keys", key(json!({"public_key_pem": *p8, "key_id": "KEY1234567"})), 422, "private key"),
        ])
        .await;
    assert_eq!(bench.count("/v1/keys", "keys").await, 0, "nothing was made");
}

#[tokio::test]
async fn each_wrong_certificate_and_enrolment_key_is_refused_in_words() {
    let bench = bench().await;
    bench.others().await;
    bench
        .refuses(vec![
            ("/v1/certificates", json!({"bundle_id": APP}), 400, "kind"),
            ("/v1/certificates", json!({"bundle_id": APP, "kind": "web"}), 400, "web"),
            ("/v1/certificates", json!({"bundle_id": "com.x", "kind": "voip"}), 422, "com.x"),
            (
                "/v1/certificates",
                json!({"bundle_id": APP, "kind": "voip", "expires_at": "tomorrow"}),
                400,
                "RFC 3339",
            ),
            (
                "/v1/certificates",
                json!({"bundle_id": APP, "kind": "voip", "expires_at": "1900-01-01T00:00:00Z"}),
                422,
                "1970",
            ),
            (
                "/v1/certificates",
                json!({"bundle_id": APP, "kind": "voip", "expires_at": "9999-12-01T00:00:00Z"}),
                422,
                "2099",
            ),
            (
                "/v1/certificates",
                json!({"bundle_id": APP, "kind": "voip", "p12_password": "x".repeat(129)}),
                422,
                "128",
            ),
            ("/v1/enrolment-keys", json!({"team_id": TEAM}), 400, "apps"),
            ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": []}), 422, "apps"),
            ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": ["com.x"]}), 422, "com.x"),
            ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": ["com.other.app"]}), 409, "com.other.app"),
            ("/v1/enrolment-keys", json!({"team_id": TEAM, "apps": [APP], "quota": 0}), 422, "quota"),
            (
                "/v1/enrolment-keys",
                json!({"team_id": TEAM, "apps": [APP], "environments": []}),
                422,
                "environ",
            ),
        ])
        .await;
    assert_eq!(bench.count("/v1/certificates", "certificates").await, 0, "nothing was made");
    assert_eq!(bench.count("/v1/enrolment-keys", "enrolment_keys").await, 0, "nothing was made");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_everywhere() {
    let bench = bench().await;
    for uri in ["/v1/teams", "/v1/apps", "/v1/keys", "/v1/certificates", "/v1/enrolment-keys"] {
        for (body, status) in [("", 400), ("[1]", 400), ("{", 400), (&"x".repeat(200_000), 413)] {
            let found = bench.send("POST", uri, body).await.0;
            assert_eq!(found.as_u16(), status, "{uri} {}", &body[..body.len().min(9)]);
        }
        assert_eq!(bench.send("PATCH", uri, "{}").await.0, StatusCode::METHOD_NOT_ALLOWED, "{uri}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_so() {
    let bench = bench().await;
    for (method, uri) in [
        ("GET", "/v1/apps/com.x"),
        ("DELETE", "/v1/apps/com.x"),
        ("DELETE", "/v1/keys/NOBODY1234"),
        ("DELETE", "/v1/certificates/NOBODY1234"),
        ("DELETE", "/v1/enrolment-keys/77"),
    ] {
        let (status, problem) = bench.send(method, uri, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{uri}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("GET /v1/")), "{problem}");
    }
    let (status, _) = bench.send("DELETE", "/v1/enrolment-keys/one", "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_key_is_registered_by_its_public_half_once_and_teams_have_a_limited_number() {
    let bench = bench().await;
    let public = |scalar: u8| {
        let key = homing_apns::jwt::SigningKey::from_scalar(&[scalar; 32]).expect("a key");
        key.verifying_key().to_pem().expect("PEM")
    };
    let wish = |scalar| json!({"team_id": TEAM, "key_id": "APPLE12345", "public_key_pem": public(scalar)});
    let made = bench.made("/v1/keys", wish(7)).await;
    assert_eq!(made.get("p8"), None, "nobody here knows its private half");
    assert_eq!(made["public_key_pem"], public(7));
    bench.made("/v1/keys", wish(7)).await;
    let (status, problem) = bench.post("/v1/keys", wish(8)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let nameless = json!({"team_id": TEAM, "public_key_pem": public(9)});
    assert_eq!(bench.post("/v1/keys", nameless).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    let one = json!({"team_id": TEAM, "environments": ["production"]});
    bench.made("/v1/keys", one.clone()).await;
    bench.made("/v1/keys", one.clone()).await;
    let (status, problem) = bench.post("/v1/keys", one).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("revoke one")), "{problem}");

    let scoped = |related_to: Option<&Value>| json!({"team_id": TEAM, "environments": ["production"], "apps": [APP], "related_to": related_to});
    let first = bench.made("/v1/keys", scoped(None)).await;
    let second = bench.made("/v1/keys", scoped(Some(&first["key_id"]))).await;
    for other in [&first, &second] {
        let (status, problem) = bench.post("/v1/keys", scoped(Some(&other["key_id"]))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "a key has at most one related: {problem}");
    }
}
