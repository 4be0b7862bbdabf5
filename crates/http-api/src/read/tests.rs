//! What is said about bodies, queries and paths that can't be read, through a router with all manners.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::with_manners;

const LONGEST: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only read")]
struct Wanted {
    name: String,
    inner: Option<Inner>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only read")]
struct Inner {
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only read")]
struct Asked {
    limit: u32,
}

async fn ask(method: Method, target: &str, body: String) -> (StatusCode, Value) {
    let router = Router::new()
        .route("/body", post(async |_: Body<Wanted>| ()))
        .route("/query", get(async |_: Query<Asked>| ()))
        .route("/number/{n}", get(async |_: Path<u8>| ()));
    let service = hyper_util::service::TowerToHyperService::new(with_manners(router, LONGEST));
    let request = Request::builder().method(method).uri(target).body(axum::body::Body::from(body));
    let (parts, body) =
        service.call(request.expect("it is a request")).await.expect("it answers").into_parts();
    let bytes = body.collect().await.expect("it ends").to_bytes();
    if parts.status == StatusCode::OK {
        return (parts.status, Value::Null);
    }
    assert_eq!(parts.headers["content-type"], "application/problem+json");
    (parts.status, serde_json::from_slice(&bytes).expect("it is JSON"))
}

#[tokio::test]
async fn a_body_that_cannot_be_used_is_refused_with_its_key_and_place() {
    let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(LONGEST));
    let cases: [(&str, u16, &[&str]); 10] = [
        (r#"{"name": "a", "inner": {"count": 1}}"#, 200, &[]),
        ("", 400, &["empty"]),
        (r#"["a"]"#, 400, &["object"]),
        ("{", 400, &["line 1 column 1"]),
        (r#"{"nam": "a"}"#, 400, &["unknown field `nam`", "`name`"]),
        (r#"{"name": "a", "inner": {"count": "1"}}"#, 400, &["`inner.count`", "u32"]),
        (r#"{"inner": {"count": 1}}"#, 400, &["missing field `name`"]),
        (r#"{"name": "a", "inner": [1]}"#, 400, &["`inner`", "sequence"]),
        (r#"{"name": "a"} {}"#, 400, &["one JSON value"]),
        (&long, 413, &["1024 bytes"]),
    ];
    for (body, status, hints) in cases {
        let (answered, problem) = ask(Method::POST, "/body", body.to_owned()).await;
        assert_eq!(answered.as_u16(), status, "{body}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(hints.iter().all(|hint| detail.contains(hint)), "{body}: {detail}");
    }
}

#[tokio::test]
async fn what_is_about_one_field_names_it() {
    for (body, field) in [
        ("{", Value::Null),
        ("[]", Value::Null),
        (r#"{"nam": "a"}"#, "nam".into()),
        (r#"{"name": 7}"#, "name".into()),
        (r#"{"name": "a", "inner": {"count": "1"}}"#, "inner.count".into()),
        (r#"{"name": "a", "inner": {"number": 1}}"#, "inner.number".into()),
        (r#"{"name": "a", "inner": {}}"#, "inner.count".into()),
        (r#"{"inner": {"count": 1}}"#, "name".into()),
    ] {
        let (_, problem) = ask(Method::POST, "/body", body.to_owned()).await;
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    for (query, field) in [("?limit=x", "limit"), ("?limit=3&limt=4", "limt"), ("", "limit")] {
        let (_, problem) = ask(Method::GET, &format!("/query{query}"), String::new()).await;
        assert_eq!(problem["field"], field, "{query}: {problem}");
    }
}

#[tokio::test]
async fn queries_paths_and_methods_are_refused_as_problems_too() {
    let cases = [
        (Method::GET, "/query?limit=3", 200, ""),
        (Method::GET, "/query?limit=x", 400, "limit"),
        (Method::GET, "/query?limit=3&limt=4", 400, "limt"),
        (Method::GET, "/query", 400, "limit"),
        (Method::GET, "/number/7", 200, ""),
        (Method::GET, "/number/700", 400, "700"),
        (Method::GET, "/number/%ff", 400, "UTF-8"),
        (Method::GET, "/nowhere", 404, "/openapi.json"),
        (Method::DELETE, "/query", 405, "/openapi.json"),
    ];
    for (method, target, status, hint) in cases {
        let (answered, problem) = ask(method, target, String::new()).await;
        assert_eq!(answered.as_u16(), status, "{target}: {problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(hint), "{target}: {problem}");
    }
}
