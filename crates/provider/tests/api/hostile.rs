//! Whatever is sent, nothing but a refusal comes back, and the next request is answered.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::hands::{APP, Ask, ROOT, World, identity_token, token};

/// What the endpoints with a body are meant to get.
fn good() -> Vec<(&'static str, String, Value)> {
    let token = token('a');
    vec![
        (
            "PUT",
            APP.to_owned(),
            json!({"name": "n", "policy": "last-device", "push_services": {"development": {"host": "localhost", "port": 1, "ca_pem": "x"}}}),
        ),
        (
            "PUT",
            format!("{APP}/credentials/production"),
            json!({"key": {"key_id": "K", "team_id": "T", "p8": "x"}}),
        ),
        (
            "PUT",
            format!("{APP}/credentials/production"),
            json!({"certificate": {"p12_base64": "MIIB", "password": "p"}}),
        ),
        (
            "PUT",
            format!("{APP}/credentials/production"),
            json!({"certificate": {"pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"}}),
        ),
        ("PUT", format!("{APP}/identity-keys/k9"), json!({"public_key_pem": "x"})),
        (
            "POST",
            "/v1/keys".to_owned(),
            json!({"name": "n", "scopes": ["read"], "apps": ["com.example.news"]}),
        ),
        (
            "PUT",
            format!("{APP}/installations/{token}"),
            json!({"environment": "development", "user": "ann", "epoch": 3, "locale": "en", "time_zone": "UTC", "app_version": "1"}),
        ),
        (
            "POST",
            format!("{APP}/installations/{token}/reports"),
            json!({"push_id": "p", "event": "opened", "at": "2026-01-01T00:00:00Z"}),
        ),
        (
            "POST",
            format!("{APP}/pushes"),
            json!({"environment": "development", "audience": {"users": ["ann"]}, "policy": "all-devices", "content": {"title": "t", "badge": 1, "relevance_score": 0.5, "silent": false, "user_info": {"a": [1]}}, "options": {"push_type": "alert", "priority": 10, "expiration": 0, "collapse_id": "c", "topic": "com.example.news"}}),
        ),
        (
            "POST",
            format!("{APP}/pushes"),
            json!({"environment": "production", "audience": {"token": "aa"}, "payload": {"aps": {"alert": "x", "sound": {}}, "k": null}}),
        ),
        ("POST", "/v1/payloads/check".to_owned(), json!({"text": "{\"aps\":{}}", "push_type": "voip"})),
    ]
}

/// Values that somebody might put in another's place.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("x".repeat(70_000))),
        Just(json!("\u{0}\u{7f}\u{feff}")),
        Just(json!([])),
        Just(json!({})),
        proptest::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        Just(json!({"user": null, "tokens": []})),
        Just(json!("9999-12-31T23:59:59.999999999Z")),
        Just(json!(-62_135_596_801_i64)),
    ]
}

/// Puts `odd` in place of the value at a place that `at` chooses.
fn replace(value: &mut Value, at: usize, odd: Value) {
    let children: Vec<&mut Value> = match value {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let count = children.len();
    match children.into_iter().nth(at % (count + 1)) {
        Some(child) => replace(child, at / (count + 1), odd),
        None => *value = odd,
    }
}

/// A body near to a good one, or any bytes.
fn body(good: Value) -> impl Strategy<Value = Vec<u8>> {
    let text = good.to_string();
    let near = (any::<usize>(), odd()).prop_map(move |(at, odd)| {
        let mut body = good.clone();
        replace(&mut body, at, odd);
        body.to_string().into_bytes()
    });
    let cut = (any::<usize>(), any::<u8>()).prop_map(move |(at, byte)| {
        let mut bytes = text.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes
    });
    prop_oneof![6 => near, 2 => cut, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
}

fn request() -> impl Strategy<Value = (&'static str, String, Vec<u8>)> {
    proptest::sample::select(good())
        .prop_flat_map(|(method, path, good)| (Just(method), Just(path), body(good)))
}

/// Paths and queries of percent-encoded nonsense.
fn target() -> impl Strategy<Value = (&'static str, String)> {
    let part = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..12)
            .prop_map(|bytes| bytes.iter().map(|byte| format!("%{byte:02x}")).collect::<String>()),
        "[a-zA-Z0-9._~-]{1,40}",
        Just(token('a')),
        Just("com.example.news".to_owned()),
    ];
    let templates = proptest::sample::select(vec![
        ("GET", "/v1/apps/{}"),
        ("PUT", "/v1/apps/{}"),
        ("DELETE", "/v1/keys/{}"),
        ("GET", "/v1/apps/com.example.news/installations/{}"),
        ("DELETE", "/v1/apps/com.example.news/installations/{}"),
        ("DELETE", "/v1/apps/com.example.news/installations/{}/user?user={}&epoch={}"),
        ("GET", "/v1/apps/com.example.news/installations?user={}&after={}&limit={}"),
        ("GET", "/v1/apps/com.example.news/users?after={}"),
        ("GET", "/v1/apps/com.example.news/pushes?before={}"),
        ("GET", "/v1/apps/com.example.news/pushes/{}?skip={}"),
        ("GET", "/v1/apps/com.example.news/pushes/{}/events"),
        ("GET", "/v1/apps/com.example.news/notifications?user={}"),
        ("GET", "/v1/apps/com.example.news/notifications?token={}&skip={}"),
        ("GET", "/v1/apps/com.example.news/notifications?apns_id={}"),
        ("DELETE", "/v1/apps/com.example.news/credentials/{}"),
        ("DELETE", "/v1/apps/com.example.news/identity-keys/{}"),
    ]);
    (templates, part.clone(), part.clone(), part).prop_map(|((method, template), a, b, c)| {
        let target =
            [a, b, c].iter().fold(template.to_owned(), |target, part| target.replacen("{}", part, 1));
        (method, target)
    })
}

fn run<S: Strategy>(strategy: &S, ask: impl Fn(S::Value) -> Ask) {
    let runtime = tokio::runtime::Runtime::new().expect("it runs");
    let world = runtime.block_on(World::start());
    runtime.block_on(world.log_in(&token('a'), "ann"));
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(strategy, |value| {
            let ask = ask(value);
            let shown = format!("{} {} {:?}", ask.method, ask.path, ask.body);
            let answer = runtime.block_on(world.ask(ask));
            prop_assert!(answer.status < 500, "{shown}: {} {}", answer.status, answer.body);
            if answer.status >= 400 {
                prop_assert!(!answer.detail().is_empty(), "{shown}: {}", answer.body);
            }
            Ok(())
        })
        .expect("nothing breaks it");
    runtime.block_on(world.stop());
}

#[test]
fn no_body_breaks_it() {
    run(&request(), |(method, path, body)| Ask::new(method, path).key(ROOT).bytes(body));
}

#[test]
fn no_path_and_no_query_breaks_it() {
    run(&target(), |(method, path)| Ask::new(method, path).key(ROOT).json(&json!({})));
}

#[test]
fn no_key_breaks_it() {
    let key = prop_oneof![
        "[ -~]{0,80}",
        "[A-Za-z0-9_=-]{0,40}\\.[A-Za-z0-9_=-]{0,40}\\.[A-Za-z0-9_=-]{0,100}",
        (any::<usize>(), "[ -~]").prop_map(|(at, byte)| {
            let mut token = identity_token("ann");
            let at = at % token.len();
            token.replace_range(at..=at, &byte);
            token
        }),
    ];
    run(&key, |key| {
        let body = json!({"environment": "development", "user": "ann"});
        Ask::new("PUT", format!("{APP}/installations/{}", token('a'))).key(&key).json(&body)
    });
}
