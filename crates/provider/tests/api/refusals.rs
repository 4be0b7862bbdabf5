//! Bad requests, endpoint by endpoint: each is refused with the status that fits and a detail that says what to mend.

use serde_json::{Value, json};

use crate::hands::{APP, Ask, ROOT, World, identity_key, token};

/// A request, the status it gets, and what the detail must say.
type Case = (&'static str, String, Body, u16, &'static str);

enum Body {
    Json(Value),
    Text(String),
    None,
}

use Body::{Json, None as Nothing, Text};

async fn refused(world: &World, cases: Vec<Case>) {
    for (method, path, body, status, hint) in cases {
        let ask = Ask::new(method, path.clone()).key(ROOT);
        let (ask, shown) = match body {
            Json(body) => (ask.json(&body), body.to_string()),
            Text(body) => (ask.bytes(body.clone()), body),
            Nothing => (ask, String::new()),
        };
        let shown: String = shown.chars().take(200).collect();
        let answer = world.ask(ask).await;
        let what = format!("{method} {path} {shown}: {}", answer.body);
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        assert_eq!(answer.body["status"], status, "{what}");
        assert!(answer.detail().contains(hint), "no {hint:?} in {what}");
    }
}

/// What every endpoint with a body refuses.
fn no_body(method: &'static str, path: &str) -> Vec<Case> {
    [
        (Text(String::new()), "empty"),
        (Text("{".to_owned()), "line 1"),
        (Text("[]".to_owned()), "object"),
        (Text("\"x\"".to_owned()), "object"),
        (Text("{} {}".to_owned()), ""),
        (Json(json!({"nonsense": 1})), "`nonsense`"),
        (Text("\u{0}".to_owned()), "JSON"),
        (Text("{\"a\":".repeat(500)), ""),
    ]
    .into_iter()
    .map(|(body, hint)| (method, path.to_owned(), body, 400, hint))
    .collect()
}

#[tokio::test]
async fn no_endpoint_takes_a_body_it_cannot_read() {
    let world = World::start().await;
    let token = token('a');
    for (method, path) in [
        ("PUT", APP.to_owned()),
        ("PUT", format!("{APP}/credentials/development")),
        ("PUT", format!("{APP}/identity-keys/k1")),
        ("POST", "/v1/keys".to_owned()),
        ("PUT", format!("{APP}/installations/{token}")),
        ("POST", format!("{APP}/installations/{token}/reports")),
        ("POST", format!("{APP}/pushes")),
        ("POST", "/v1/payloads/check".to_owned()),
    ] {
        refused(&world, no_body(method, &path)).await;
        let most = if path.ends_with("/pushes") { 4 * 1024 * 1024 } else { 256 * 1024 };
        let long = Text(format!("{{\"x\":\"{}\"}}", "x".repeat(most)));
        let case = (method, path.clone(), long, 413, "bytes are taken");
        refused(&world, vec![case]).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn apps_are_refused_with_the_field_to_mend() {
    let world = World::start().await;
    let app =
        |body: Value, status: u16, hint: &'static str| ("PUT", APP.to_owned(), Json(body), status, hint);
    let service = |service: Value| json!({"push_services": {"development": service}});
    refused(
        &world,
        vec![
            app(json!({"name": 7}), 400, "`name`"),
            app(json!({"name": ""}), 422, "name"),
            app(json!({"name": "x".repeat(300)}), 422, "name"),
            app(json!({"name": "a\nb"}), 422, "name"),
            app(json!({"policy": "some-devices"}), 400, "`last-device`"),
            app(json!({"push_services": {"staging": {"host": "h", "port": 1}}}), 400, "`production`"),
            app(service(json!({"host": "h"})), 400, "`port`"),
            app(service(json!({"host": "h", "port": 70_000})), 400, "u16"),
            app(service(json!({"host": "h", "port": 0})), 422, "push_services.development.port"),
            app(service(json!({"host": "", "port": 1})), 422, "push_services.development.host"),
            app(service(json!({"host": "h", "port": 1, "ca": ""})), 400, "`ca`"),
            app(service(json!({"host": "h", "port": 1, "ca_pem": "x".repeat(70_000)})), 422, "ca_pem"),
            ("PUT", "/v1/apps/not%20a%20bundle".to_owned(), Json(json!({})), 422, "bundle ID"),
            ("PUT", format!("/v1/apps/{}", "x".repeat(300)), Json(json!({})), 422, "bundle ID"),
            ("PUT", "/v1/apps/%2e%2e".to_owned(), Json(json!({})), 422, "bundle ID"),
            ("PUT", "/v1/apps/news".to_owned(), Json(json!({})), 422, "two parts"),
            ("DELETE", "/v1/apps/com.example.nobody".to_owned(), Nothing, 404, "PUT /v1/apps/{bundle}"),
        ],
    )
    .await;
    world.stop().await;
}

#[tokio::test]
async fn credentials_and_keys_are_refused_without_showing_them() {
    let world = World::start().await;
    let p8 = identity_key().to_p8().expect("it can be written").to_string();
    let public = identity_key().verifying_key().to_pem().expect("it can be written");
    let credential = |body: Value, status: u16, hint: &'static str| {
        ("PUT", format!("{APP}/credentials/development"), Json(body), status, hint)
    };
    let key = |key_id: &str, p8: &str| json!({"key": {"key_id": key_id, "team_id": "ABCDE12345", "p8": p8}});
    let both = json!({"key": {"key_id": "K", "team_id": "T", "p8": p8}, "certificate": {"pem": ""}});
    let identity = |kid: &str, pem: Value, status: u16, hint: &'static str| {
        ("PUT", format!("{APP}/identity-keys/{kid}"), Json(json!({"public_key_pem": pem})), status, hint)
    };
    let nobody = "/v1/apps/com.example.nobody/credentials/development".to_owned();
    refused(
        &world,
        vec![
            credential(json!({}), 422, "either `key` or `certificate`"),
            credential(both, 422, "either `key` or `certificate`"),
            credential(key("K", "nonsense"), 422, ".p8"),
            credential(key("K", &public), 422, ".p8"),
            credential(key("", &p8), 422, "key.key_id"),
            credential(json!({"key": {"key_id": "K", "p8": p8}}), 400, "`team_id`"),
            credential(json!({"certificate": {}}), 422, "either `pem`"),
            credential(json!({"certificate": {"pem": "x", "p12_base64": "eA=="}}), 422, "either `pem`"),
            credential(json!({"certificate": {"pem": "x", "password": "p"}}), 422, "certificate.password"),
            credential(json!({"certificate": {"pem": "nonsense"}}), 422, "certificate"),
            credential(json!({"certificate": {"p12_base64": "***"}}), 422, "base64 -w0"),
            credential(json!({"certificate": {"p12_base64": "eA==", "password": "p"}}), 422, "certificate"),
            ("PUT", format!("{APP}/credentials/staging"), Json(key("K", &p8)), 400, "`production`"),
            ("DELETE", format!("{APP}/credentials/staging"), Nothing, 400, "`production`"),
            ("PUT", nobody, Json(key("K", &p8)), 404, "com.example.nobody"),
            identity("k2", json!("nonsense"), 422, "P-256"),
            identity("k2", json!(p8), 422, "P-256"),
            identity("k2", json!(7), 400, "`public_key_pem`"),
            // As long as the `kid` of an identity token may be.
            identity(&"k".repeat(129), json!(public), 422, "128"),
            (
                "PUT",
                "/v1/apps/com.example.nobody/identity-keys/k".to_owned(),
                Json(json!({"public_key_pem": public})),
                404,
                "nobody",
            ),
        ],
    )
    .await;
    let app = world.root("PUT", &format!("{APP}/credentials/development"), &key("K", &p8)).await.expect(200);
    assert_eq!(
        app["credentials"]["development"],
        json!({"kind": "key", "key_id": "K", "team_id": "ABCDE12345"})
    );
    assert!(!world.get(APP).await.to_string().contains("PRIVATE"), "no secret is ever answered");
    world.stop().await;
}

#[tokio::test]
async fn server_keys_are_refused_with_the_field_to_mend() {
    let world = World::start().await;
    let key = |body: Value, status: u16, hint: &'static str| {
        ("POST", "/v1/keys".to_owned(), Json(body), status, hint)
    };
    refused(
        &world,
        vec![
            key(json!({"scopes": ["read"]}), 400, "`name`"),
            key(json!({"name": "", "scopes": ["read"]}), 422, "name"),
            key(json!({"name": "a", "scopes": []}), 422, "scopes"),
            key(json!({"name": "a", "scopes": "read"}), 400, "`scopes`"),
            key(json!({"name": "a", "scopes": ["write"]}), 400, "`installations`"),
            key(json!({"name": "a", "scopes": ["read"], "apps": []}), 422, "apps"),
            key(json!({"name": "a", "scopes": ["read"], "apps": [7]}), 400, "apps[0]"),
            ("DELETE", "/v1/keys/nothing".to_owned(), Nothing, 404, "/v1/keys"),
            ("DELETE", "/v1/keys/root".to_owned(), Nothing, 404, ""),
        ],
    )
    .await;
    world.stop().await;
}

#[tokio::test]
async fn installations_are_refused_with_the_field_to_mend() {
    let world = World::start().await;
    let told = |body: Value, status: u16, hint: &'static str| {
        ("PUT", format!("{APP}/installations/{}", token('a')), Json(body), status, hint)
    };
    let with = |name: &str, value: Value| {
        let mut body = json!({"environment": "development", "user": "ann"});
        body[name] = value;
        body
    };
    let at = |token: &str| format!("{APP}/installations/{token}");
    let registration = || Json(with("user", json!("ann")));
    let long = "a".repeat(202);
    let report = json!({"push_id": "p", "event": "opened"});
    let mut cases = vec![
        told(json!({"user": "ann"}), 400, "`environment`"),
        told(with("environment", json!("sandbox")), 400, "`development`"),
        told(with("user", json!("")), 422, "user"),
        told(with("user", json!("x".repeat(256))), 422, "255"),
        told(with("user", json!("a\u{0}b")), 422, "control"),
        told(with("user", json!(7)), 400, "`user`"),
        told(with("epoch", json!(-1)), 400, "`epoch`"),
        told(with("epoch", json!(1.5)), 400, "`epoch`"),
        told(with("epoch", json!(u64::MAX)), 422, "epoch"),
        told(with("locale", json!("x".repeat(300))), 422, "locale"),
        told(with("time_zone", json!("a\nb")), 422, "time_zone"),
        told(with("Epoch", json!(1)), 400, "`epoch`"),
        ("PUT", "/v1/apps/com.example.nobody/installations/aa".to_owned(), registration(), 404, "nobody"),
        ("GET", at(&token('b')), Nothing, 404, "PUT /v1/apps/{bundle}/installations/{token}"),
        ("DELETE", at(&token('b')), Nothing, 404, "PUT /v1/apps/{bundle}/installations/{token}"),
        ("DELETE", format!("{}/user?user=ann", at(&token('b'))), Nothing, 404, "installation"),
        ("DELETE", format!("{}/user", at(&token('b'))), Nothing, 400, "`user`"),
        ("DELETE", format!("{}/user?user=ann&epoch=x", at(&token('b'))), Nothing, 400, "epoch"),
        ("DELETE", format!("{}/user?user=ann&epo=1", at(&token('b'))), Nothing, 400, "`epo`"),
        ("POST", format!("{}/reports", at(&token('b'))), Json(report.clone()), 404, ""),
        (
            "POST",
            format!("{}/reports", at(&token('b'))),
            Json(json!({"push_id": "p", "event": "sold"})),
            400,
            "`dismissed`",
        ),
        (
            "POST",
            format!("{}/reports", at(&token('b'))),
            Json(json!({"push_id": "p", "event": "opened", "at": "noon"})),
            400,
            "`at`",
        ),
    ];
    for bad in ["abc", "zz", "%20", &long] {
        for (method, body) in [("PUT", registration()), ("GET", Nothing), ("DELETE", Nothing)] {
            cases.push((method, at(bad), body, 422, "hex"));
        }
        cases.push(("DELETE", format!("{}/user?user=ann", at(bad)), Nothing, 422, "hex"));
        cases.push(("POST", format!("{}/reports", at(bad)), Json(report.clone()), 422, "hex"));
    }
    for list in ["installations", "users", "pushes"] {
        for (query, hint) in
            [("limit=0", "nonzero"), ("limit=x", "limit"), ("limits=1", "limits"), ("limit=-1", "limit")]
        {
            cases.push(("GET", format!("{APP}/{list}?{query}"), Nothing, 400, hint));
        }
    }
    cases.push(("GET", format!("{APP}/installations?after=x"), Nothing, 422, "next"));
    cases.push(("GET", format!("{APP}/pushes?before=x"), Nothing, 422, "next"));
    refused(&world, cases).await;
    world.stop().await;
}

fn push(body: Value, status: u16, hint: &'static str) -> Case {
    ("POST", format!("{APP}/pushes"), Json(body), status, hint)
}

fn to(audience: Value) -> Value {
    json!({"environment": "development", "audience": audience, "content": {"body": "x"}})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = to(json!({"user": "ann"}));
    body[name] = value;
    body
}

fn without(name: &str, mut body: Value) -> Value {
    body.as_object_mut().expect("it is one").remove(name);
    body
}

#[tokio::test]
async fn audiences_and_contents_are_refused_with_the_field_to_mend() {
    let world = World::start().await;
    let content = |name: &str, value: Value| with("content", json!({"body": "x", name: value}));
    let both = with("payload", json!({"aps": {"alert": "x"}}));
    let raw = |value: Value| without("content", with("payload", value));
    let neither = without("content", to(json!({"user": "ann"})));
    refused(
        &world,
        vec![
            push(with("environment", json!("sandbox")), 400, "`development`"),
            push(to(json!({})), 400, "exactly one"),
            push(to(json!("everyone")), 400, "audience"),
            push(to(json!({"usr": "ann"})), 400, "`tokens`"),
            push(to(json!({"user": "ann", "token": "aa"})), 400, "exactly one"),
            push(to(json!({"users": "ann"})), 400, "audience.users"),
            push(to(json!({"users": []})), 422, "audience"),
            push(to(json!({"users": vec!["x"; 10_001]})), 422, "10000"),
            push(to(json!({"tokens": vec!["aa"; 10_001]})), 422, "10000"),
            push(to(json!({"user": ""})), 422, "audience"),
            push(to(json!({"users": ["ann", ""]})), 422, "audience"),
            push(to(json!({"token": "zz"})), 422, "hex"),
            push(to(json!({"tokens": ["aa", "a"]})), 422, "hex"),
            push(with("policy", json!("first-device")), 400, "`all-devices`"),
            push(with("conten", json!({})), 400, "`conten`"),
            push(both, 422, "payload"),
            push(neither, 422, "content"),
            push(content("badge", json!(-1)), 400, "content.badge"),
            push(content("titel", json!("x")), 400, "`titel`"),
            push(content("user_info", json!([])), 400, "content.user_info"),
            push(content("interruption_level", json!("loud")), 422, "interruption"),
            push(content("body", json!("x".repeat(5000))), 422, "payload"),
            push(raw(json!([])), 400, "payload"),
            push(raw(json!({"aps": {"alert": "x".repeat(5000)}})), 422, "payload"),
        ],
    )
    .await;
    let long = content("body", json!("x".repeat(5000)));
    let answer = world.root("POST", &format!("{APP}/pushes"), &long).await.body;
    assert!(answer["limit"] == 4096 && answer["findings"].is_array(), "{answer}");
    assert_eq!(world.get(&format!("{APP}/pushes")).await["pushes"], json!([]), "nothing was planned");
    world.stop().await;
}

#[tokio::test]
async fn options_of_pushes_and_questions_about_them_are_refused_with_the_field_to_mend() {
    let world = World::start().await;
    let option = |name: &str, value: Value| with("options", json!({name: value}));
    let get =
        |path: &str, status: u16, hint: &'static str| ("GET", format!("{APP}/{path}"), Nothing, status, hint);
    let check = |body: Value, status: u16, hint: &'static str| {
        ("POST", "/v1/payloads/check".to_owned(), Json(body), status, hint)
    };
    let nobody = "/v1/apps/com.example.nobody";
    refused(
        &world,
        vec![
            push(option("priority", json!(7)), 422, "options.priority"),
            push(option("priority", json!("high")), 400, "options.priority"),
            push(option("push_type", json!("loud")), 400, "`voip`"),
            push(option("expiration", json!("tomorrow")), 400, "RFC 3339"),
            push(option("expiration", json!({})), 400, "options.expiration"),
            push(option("collapse_id", json!("x".repeat(65))), 422, "64"),
            push(option("topic", json!("com.example.other")), 422, "options.topic"),
            push(option("ttl", json!(3)), 400, "`ttl`"),
            ("POST", format!("{nobody}/pushes"), Json(to(json!({"user": "ann"}))), 404, "nobody"),
            ("GET", format!("{nobody}/events"), Nothing, 404, "nobody"),
            get("pushes/nothing", 404, "push"),
            get("pushes/nothing/events", 404, "push"),
            get("pushes/nothing?skip=-1", 400, "skip"),
            get("notifications", 400, "?user="),
            get("notifications?user=a&token=b", 400, "?user="),
            get("notifications?usr=a", 400, "`usr`"),
            get("notifications?token=zz", 422, "hex"),
            check(json!({"text": "{}", "push_type": "x"}), 400, "`voip`"),
            check(json!({"text": {}}), 400, "`text`"),
            check(json!({"text": "x".repeat(70_000)}), 422, "text"),
        ],
    )
    .await;
    world.stop().await;
}
