//! The API over a real store, and who is turned away.

mod centre;
mod description;
mod testers;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use homing_apns::{Expiration, Priority, PushType};
use homing_clock::Clock;
use homing_trace::{Environment, Reason, UnixMillis};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::*;
use crate::notification::{Notification, RegistrationKey};
use crate::store::{Refused, StageEvent, StoreConfig};

const KEY: &str = "admin-key";

struct Bench {
    _dir: tempfile::TempDir,
    store: Store,
    router: axum::Router,
    advice: Arc<Advice>,
    sealer: TokenSealer,
    _stop: tokio::sync::watch::Sender<bool>,
}

async fn bench() -> Bench {
    bench_with(Some(Arc::default())).await
}

async fn bench_with(testers: Option<Arc<crate::testers::Testers>>) -> Bench {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let config = StoreConfig { dir: dir.path().to_owned(), clock: Clock::default() };
    let store = Store::open(config, vec![]).expect("the store opens");
    let centre = Centre::open(store.clone()).await.expect("it is read");
    centre.create_team("ABCDE12345", "Demo").await.expect("it is new");
    centre.create_app("ABCDE12345", "com.example.news").await.expect("it is new");
    let sealer = TokenSealer::load(&store).await.expect("it has a key");
    let admin_key = KEY.to_owned().into();
    let authority = Arc::new(Authority::open(dir.path()).expect("it is made"));
    let advice = Arc::new(Advice::default());
    let (stop, stops) = tokio::sync::watch::channel(false);
    let router = router(AdminContext {
        store: store.clone(),
        centre: centre.clone(),
        authority,
        sealer: sealer.clone(),
        advice: Arc::clone(&advice),
        testers,
        stop: stops,
        admin_key,
    });
    Bench { _dir: dir, store, router, advice, sealer, _stop: stop }
}

impl Bench {
    async fn get(&self, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::empty()).expect("it is a request")).await
    }

    async fn call(&self, request: Request<Body>) -> axum::response::Response {
        let service =
            hyper_util::service::TowerToHyperService::new(self.router.clone().into_service::<Body>());
        hyper::service::Service::call(&service, request).await.expect("it answers")
    }

    async fn answer(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let response = self.call(request).await;
        let status = response.status();
        let kind = response.headers().get("content-type").cloned();
        let body = response.into_body().collect().await.expect("it ends").to_bytes();
        let is_described = description::is_described(&method, &path, status, !status.is_success());
        assert!(is_described, "{method} {path}: {status} isn't described");
        if status == StatusCode::NO_CONTENT {
            assert!(body.is_empty());
            return (status, Value::Null);
        }
        if !status.is_success() {
            assert_eq!(
                kind.as_ref().map(|kind| kind.as_bytes()),
                Some(b"application/problem+json".as_slice())
            );
        }
        (status, serde_json::from_slice(&body).expect("it is JSON"))
    }

    async fn ask(&self, uri: &str) -> (StatusCode, Value) {
        self.get(uri, &[("host", "localhost:8483"), ("authorization", &format!("Bearer {KEY}"))]).await
    }
}

#[tokio::test]
async fn a_trace_is_found_by_label_and_by_token() {
    let bench = bench().await;
    let token = "00Ff".repeat(16);
    bench
        .store
        .record(StageEvent::Refused(Box::new(Refused {
            apns_id: "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10".into(),
            team: None,
            topic: Some("com.example.news".into()),
            environment: Some(Environment::Production),
            token: Some(token.as_str().into()),
            injected: None,
            reason: Some(Reason::known("BadDeviceToken")),
            at: UnixMillis(1_795_313_045_067),
        })))
        .expect("there is room");
    let expected = serde_json::json!({
        "traces": [{
            "apns_id": "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10",
            "seq": null,
            "topic": "com.example.news",
            "environment": "production",
            "events": [{"at": "2026-11-22T02:04:05.067Z", "stage": "refused", "reason": "BadDeviceToken"}]
        }],
        "truncated": false
    });
    for uri in [
        "/v1/traces?apns_id=9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".to_owned(),
        format!("/v1/traces?token={}", token.to_ascii_lowercase()),
    ] {
        assert_eq!(bench.ask(&uri).await, (StatusCode::OK, expected.clone()), "{uri}");
    }
    let (_, none) = bench.ask("/v1/traces?apns_id=x&limit=5").await;
    assert_eq!(none["traces"], serde_json::json!([]));
}

#[tokio::test]
async fn a_trace_is_found_by_the_other_name_that_its_sender_was_answered() {
    let bench = bench().await;
    let topic_no = 1;
    for (seq, environment) in [(7, Environment::Development), (8, Environment::Production)] {
        let registration = RegistrationKey { device: 7, environment, topic_no, generation: 1 };
        let notification = Arc::new(Notification {
            apns_id: "9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10".into(),
            push_type: PushType::Alert,
            priority: Priority::Ten,
            collapse_id: None,
            expiration: Expiration::Once,
            accepted_at: UnixMillis(1_795_313_045_067),
            payload: bytes::Bytes::from_static(b"{}"),
        });
        let accepted = StageEvent::Accepted { seq, registration, notification };
        bench.store.record(accepted).expect("there is room");
    }
    let unique = bench.sealer.unique_ids().of(7).to_string();
    let (_, found) = bench.ask(&format!("/v1/traces?apns_id={}", unique.to_lowercase())).await;
    let [trace] = found["traces"].as_array().expect("a list").as_slice() else { panic!("one: {found}") };
    assert_eq!((&trace["seq"], &trace["apns_unique_id"]), (&7.into(), &unique.clone().into()));
    let label = trace["apns_id"].as_str().expect("its label");
    let (_, found) = bench.ask(&format!("/v1/traces?apns_id={label}")).await;
    let names: Vec<&Value> = [0, 1].map(|at| &found["traces"][at]["apns_unique_id"]).into();
    assert_eq!(names, [&Value::from(unique), &Value::Null], "production has none");
}

#[tokio::test]
async fn many_traces_come_in_pages() {
    let bench = bench().await;
    for at in 0..5 {
        let refused = Refused {
            apns_id: format!("id-{at}").into(),
            team: None,
            topic: None,
            environment: Some(Environment::Production),
            token: Some("00ff".into()),
            injected: None,
            reason: Some(Reason::known("BadDeviceToken")),
            at: UnixMillis(1_795_313_045_000 + at),
        };
        bench.store.record(StageEvent::Refused(Box::new(refused))).expect("there is room");
    }
    for (skip, ids, truncated) in [
        (0, vec!["id-0", "id-1"], true),
        (2, vec!["id-2", "id-3"], true),
        (4, vec!["id-4"], false),
        (9, vec![], false),
    ] {
        let (_, page) = bench.ask(&format!("/v1/traces?token=00ff&limit=2&skip={skip}")).await;
        let traces = page["traces"].as_array().expect("it is a list");
        let found: Vec<_> =
            traces.iter().map(|trace| trace["apns_id"].as_str().expect("it is text")).collect();
        assert_eq!((found, page["truncated"] == true), (ids, truncated), "from {skip}");
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_says_how_to_ask() {
    let bench = bench().await;
    for uri in ["/v1/traces", "/v1/traces?apns_id=a&token=b", "/v1/traces?apnsid=a"] {
        let (status, problem) = bench.ask(uri).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{uri}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("apns")), "{problem}");
    }
    assert_eq!(bench.ask("/v2").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn apps_and_status_are_told() {
    let bench = bench().await;
    let (status, apps) = bench.ask("/v1/apps").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(apps["apps"][0]["bundle_id"], "com.example.news");
    assert_eq!(apps["apps"][0]["team_id"], "ABCDE12345");
    let (_, status) = bench.ask("/v1/status").await;
    assert_eq!(status["apps"], 1);
    assert_eq!(status["devices_enrolled"], 0);
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let bench = bench().await;
    let key = format!("Bearer {KEY}");
    let host = ("host", "localhost:8483");
    let cases: [(&[(&str, &str)], StatusCode); 8] = [
        (&[host], StatusCode::UNAUTHORIZED),
        (&[host, ("authorization", "Bearer other")], StatusCode::UNAUTHORIZED),
        (&[host, ("authorization", KEY)], StatusCode::UNAUTHORIZED),
        (&[("authorization", &key)], StatusCode::MISDIRECTED_REQUEST),
        (&[("host", "evil.example"), ("authorization", &key)], StatusCode::MISDIRECTED_REQUEST),
        (&[host, ("authorization", &key), ("origin", "http://evil.example")], StatusCode::FORBIDDEN),
        (&[host, ("authorization", &key), ("origin", "http://localhost:8483")], StatusCode::OK),
        (&[("host", "192.168.1.4:8483"), ("authorization", &key)], StatusCode::OK),
    ];
    for (headers, expected) in cases {
        assert_eq!(bench.get("/v1/apps", headers).await.0, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn the_description_names_every_path_and_needs_no_key() {
    let bench = bench().await;
    let (status, description) = bench.get("/openapi.json", &[("host", "127.0.0.1:1")]).await;
    assert_eq!(status, StatusCode::OK);
    let paths: Vec<&String> = description["paths"].as_object().expect("it has paths").keys().collect();
    assert_eq!(paths.len(), 20, "{paths:?}");
    assert!(description["components"]["schemas"]["Trace"].is_object());
}

#[tokio::test]
async fn advice_tells_what_an_apps_clients_do_and_should_do() {
    use homing_apns::{Leniencies, Leniency};
    let bench = bench().await;
    assert_eq!(bench.ask("/v1/advice").await.1, serde_json::json!({ "advice": [] }));
    let used = Leniencies::NONE.with_if(Leniency::DerSignature, true);
    let tally = bench.advice.tally("ABCDE12345", Some("com.example.news")).expect("there is room");
    tally.note_connection(used, Some("pushy/0.15"), UnixMillis(0));
    tally.note(used, UnixMillis(1_000));
    let (status, told) = bench.ask("/v1/advice").await;
    assert_eq!(status, StatusCode::OK);
    let expected = serde_json::json!({ "advice": [{
        "team_id": "ABCDE12345",
        "bundle_id": "com.example.news",
        "leniency": "der-signature",
        "what": Leniency::DerSignature.what(),
        "advice": Leniency::DerSignature.advice(),
        "strict_reason": "InvalidProviderToken",
        "requests": 1,
        "connections": 1,
        "first_at": "1970-01-01T00:00:00.000Z",
        "last_at": "1970-01-01T00:00:01.000Z",
        "clients": ["pushy/0.15"],
    }] });
    assert_eq!(told, expected);
}
