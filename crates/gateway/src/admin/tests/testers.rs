//! The testers' tools over the API: what is made and ended, and every way to ask wrongly.

use serde_json::json;

use super::*;

const APP: &str = "com.example.news";

impl Bench {
    /// The numbers of the journal's entries that answer a question.
    async fn read(&self, query: &str) -> axum::response::Response {
        let request = Request::get(format!("/v1/journal{query}")).header("host", "localhost:8483");
        let request = request.header("authorization", format!("Bearer {KEY}"));
        self.call(request.body(Body::empty()).expect("it is a request")).await
    }

    async fn numbers(&self, query: &str) -> Vec<u64> {
        let response = self.read(query).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.expect("it ends").to_bytes();
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let entries = lines.map(|line| serde_json::from_slice::<Value>(line).expect("it is JSON"));
        entries.map(|entry| entry["no"].as_u64().expect("it is a number")).collect()
    }

    async fn token(&self) -> String {
        let wish = json!({"topic": APP, "environment": "development"});
        self.made("/v1/test-tokens", wish).await["token"].as_str().expect("it is text").to_owned()
    }
}

#[tokio::test]
async fn a_token_is_made_marked_and_restored() {
    let bench = bench().await;
    let token = bench.token().await;
    let sealed = homing_apns::DeviceTokenHex::parse(token.as_bytes()).expect("it is hex");
    assert!(bench.sealer.open(sealed.as_bytes()).is_some());
    let uri = format!("/v1/token-marks/{}", token.to_uppercase());
    let mark = json!({"state": "expired", "at": "2026-11-22T02:04:05.067Z"});
    let (status, marked) = bench.send("PUT", &uri, &mark.to_string()).await;
    let expected = json!({
        "token": token, "topic": APP, "environment": "development", "state": "expired",
        "at": "2026-11-22T02:04:05.067Z",
    });
    assert_eq!((status, &marked), (StatusCode::OK, &expected));
    assert_eq!(bench.ask("/v1/token-marks").await.1, json!({"token_marks": [expected]}));
    let (status, marked) = bench.send("PUT", &uri, r#"{"state": "unregistered"}"#).await;
    assert_eq!((status, &marked["state"]), (StatusCode::OK, &json!("unregistered")));
    assert_ne!(marked["at"], "2026-11-22T02:04:05.067Z", "now");
    assert_eq!(bench.send("DELETE", &uri, "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(bench.send("DELETE", &uri, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(bench.ask("/v1/token-marks").await.1, json!({"token_marks": []}));
}

#[tokio::test]
async fn a_rule_is_made_listed_and_removed() {
    let bench = bench().await;
    let token = bench.token().await;
    let wish = json!({
        "token": token, "effect": "refuse", "reason": "TooManyRequests", "retry_after": 3, "percent": 50, "seed": 9,
        "count": 2, "seconds": 60,
    });
    let made = bench.made("/v1/faults", wish).await;
    assert_eq!(made["app"], APP, "that of the token");
    assert_eq!(made["status"], 429, "that of the reason");
    for (name, value) in [("seed", json!(9)), ("hits", json!(0)), ("token", json!(token)), ("id", json!(1))] {
        assert_eq!(made[name], value, "{made}");
    }
    for wish in [
        json!({"app": APP, "effect": "delay", "milliseconds": 5}),
        json!({"app": APP, "effect": "silence", "environment": "production"}),
        json!({"app": APP, "effect": "reset"}),
        json!({"app": APP, "effect": "go-away"}),
        json!({"app": APP, "effect": "drop"}),
        json!({"app": APP, "effect": "one-stream"}),
        json!({"app": APP, "effect": "legacy-status", "status": 10}),
        json!({"app": APP, "effect": "legacy-close"}),
    ] {
        let made = bench.made("/v1/faults", wish.clone()).await;
        for (name, value) in wish.as_object().expect("it is an object") {
            assert_eq!(&made[name], value, "{made}");
        }
    }
    let (_, listed) = bench.ask("/v1/faults").await;
    assert_eq!(listed["faults"].as_array().map(Vec::len), Some(9));
    assert_eq!(listed["faults"][0], made);
    assert_eq!(bench.send("DELETE", "/v1/faults/1", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(bench.send("DELETE", "/v1/faults/1", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(bench.send("DELETE", "/v1/faults", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(bench.ask("/v1/faults").await.1, json!({"faults": []}));
}

#[tokio::test]
async fn what_cant_be_used_is_named_with_what_could() {
    let bench = bench().await;
    let token = bench.token().await;
    let (bad, unusable) = (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY);
    for (wish, status, words) in [
        (json!({"app": APP}), bad, &["effect"][..]),
        (json!({"app": APP, "effect": "explode"}), bad, &["effect", "explode", "silence"]),
        (json!({"app": APP, "effect": "drop", "percnt": 5}), bad, &["percnt", "percent"]),
        (json!({"app": APP, "effect": "drop", "percent": 300}), bad, &["percent"]),
        (json!({"app": APP, "effect": "drop", "count": -1}), bad, &["count"]),
        (json!({"app": APP, "effect": "drop", "environment": "moon"}), bad, &["environment"]),
        (json!([]), bad, &["object"]),
        (json!({"effect": "drop"}), unusable, &["`app`", "`token`"]),
        (json!({"app": "com.nobody", "effect": "drop"}), unusable, &["`app`", "/v1/apps"]),
        (json!({"token": "ab".repeat(32), "effect": "drop"}), unusable, &["`token`"]),
        (json!({"token": "x", "effect": "drop"}), unusable, &["`token`", "hex"]),
        (json!({"token": token, "app": "com.other", "effect": "drop"}), unusable, &["`token`", "`app`"]),
        (
            json!({"token": token, "environment": "production", "effect": "drop"}),
            unusable,
            &["`environment`"],
        ),
        (json!({"app": APP, "effect": "drop", "percent": 0}), unusable, &["`percent`", "1 to 100"]),
        (json!({"app": APP, "effect": "drop", "percent": 101}), unusable, &["`percent`"]),
        (json!({"app": APP, "effect": "drop", "count": 0}), unusable, &["`count`"]),
        (json!({"app": APP, "effect": "drop", "seconds": 0}), unusable, &["`seconds`", "86400"]),
        (json!({"app": APP, "effect": "drop", "seconds": 86_401}), unusable, &["`seconds`"]),
        (json!({"app": APP, "effect": "drop", "reason": "X"}), unusable, &["`reason`", "refuse or go-away"]),
        (json!({"app": APP, "effect": "delay"}), unusable, &["`milliseconds`"]),
        (
            json!({"app": APP, "effect": "delay", "milliseconds": 300_001}),
            unusable,
            &["`milliseconds`", "300000"],
        ),
        (json!({"app": APP, "effect": "refuse"}), unusable, &["`reason`", "TooManyRequests"]),
        (json!({"app": APP, "effect": "refuse", "reason": "a b"}), unusable, &["`reason`"]),
        (json!({"app": APP, "effect": "refuse", "reason": "x".repeat(65)}), unusable, &["`reason`"]),
        (
            json!({"app": APP, "effect": "refuse", "reason": "X", "status": 200}),
            unusable,
            &["`status`", "400"],
        ),
        (json!({"app": APP, "effect": "reset", "code": 14}), unusable, &["`code`", "RFC 9113"]),
        (json!({"app": APP, "effect": "silence", "retry_after": 1}), unusable, &["`retry_after`", "refuse"]),
        (json!({"app": APP, "effect": "legacy-status"}), unusable, &["`status`", "8"]),
        (json!({"app": APP, "effect": "legacy-status", "status": 300}), unusable, &["`status`"]),
    ] {
        let (answered, problem) = bench.post("/v1/faults", wish.clone()).await;
        let detail = problem["detail"].as_str().expect("it has one");
        assert_eq!(answered, status, "{wish}: {detail}");
        assert!(words.iter().all(|word| detail.contains(word)), "{wish}: {detail}");
    }
    assert_eq!(bench.ask("/v1/faults").await.1, json!({"faults": []}), "nothing was made");
}

#[tokio::test]
async fn what_cant_be_used_of_a_mark_a_token_or_a_question_is_named() {
    let bench = bench().await;
    let token = bench.token().await;
    let (bad, unusable) = (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY);
    let mark = format!("/v1/token-marks/{token}");
    for (uri, body, status, word) in [
        (&*mark, "{}", bad, "state"),
        (&mark, r#"{"state": "lost"}"#, bad, "expired"),
        (&mark, r#"{"state": "expired", "at": "soon"}"#, bad, "at"),
        (&mark, r#"{"state": "expired", "at": "1969-12-31T00:00:00Z"}"#, unusable, "`at`"),
        ("/v1/token-marks/zz", r#"{"state": "expired"}"#, unusable, "`token`"),
    ] {
        let (answered, problem) = bench.send("PUT", uri, body).await;
        assert_eq!(answered, status, "{body}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{problem}");
    }
    let wish = json!({"topic": "com.nobody", "environment": "development"});
    let (status, problem) = bench.post("/v1/test-tokens", wish).await;
    assert_eq!(status, unusable, "{problem}");
    for (uri, status) in [
        ("/v1/journal?status=many", bad),
        ("/v1/journal?since=1", bad),
        ("/v1/journal?app=com.nobody", unusable),
    ] {
        assert_eq!(bench.ask(uri).await.0, status, "{uri}");
    }
}

#[tokio::test]
async fn the_whole_journal_is_read_or_as_much_as_was_asked_for_and_nothing_that_is_too_old() {
    use crate::testers::{Asked, Noted, Testers};
    let testers = Arc::<Testers>::default();
    let bench = bench_with(Some(Arc::clone(&testers))).await;
    let now = bench.store.clock().now();
    for at in [now.plus_millis(-2 * 24 * 60 * 60 * 1000), now] {
        assert!(bench.numbers("").await.is_empty(), "nothing there, or too old");
        for _ in 0..2_500 {
            testers.journal.write(*Noted::new(Asked::default(), at), Some("ABCDE12345"), None, None);
        }
    }
    assert_eq!(bench.numbers("").await, (2_501..=5_000).collect::<Vec<_>>());
    assert_eq!(bench.numbers("?after=4000").await, (4_001..=5_000).collect::<Vec<_>>());
    assert_eq!(bench.numbers("?limit=1500").await, (2_501..=4_000).collect::<Vec<_>>());
    assert_eq!(bench.numbers("?limit=2&follow=true&after=2999").await, [3_000, 3_001]);
    assert!(bench.numbers("?limit=0").await.is_empty());
}

#[tokio::test]
async fn each_reader_of_the_journal_has_a_place_until_it_has_read_or_left_also_one_that_does_not_follow() {
    let testers = Arc::<crate::testers::Testers>::default();
    let bench = bench_with(Some(Arc::clone(&testers))).await;
    let places = testers.readers.available_permits();
    let mut reading = Vec::new();
    for query in ["", "?follow=true"].into_iter().cycle().take(places) {
        reading.push(bench.read(query).await);
    }
    for query in ["", "?follow=true"] {
        assert_eq!(bench.read(query).await.status(), StatusCode::TOO_MANY_REQUESTS, "{query}");
    }
    // The first has read all there is, the second leaves.
    let mut readers = reading.drain(..);
    let whole = readers.next().expect("it reads").into_body().collect().await.expect("it ends");
    assert!(whole.to_bytes().is_empty());
    drop(readers.next());
    assert_eq!(testers.readers.available_permits(), 2);
    assert!(bench.numbers("").await.is_empty());
    assert_eq!(testers.readers.available_permits(), 2, "it is given back");
}

#[tokio::test]
async fn where_there_are_no_tools_each_question_says_how_to_have_them() {
    let bench = bench_with(None).await;
    let token = "ab".repeat(32);
    let mark = format!("/v1/token-marks/{token}");
    for (method, uri, body) in [
        ("GET", "/v1/token-marks", ""),
        ("PUT", &mark, r#"{"state": "expired"}"#),
        ("DELETE", &mark, ""),
        ("POST", "/v1/test-tokens", r#"{"topic": "com.example.news", "environment": "production"}"#),
        ("GET", "/v1/faults", ""),
        ("POST", "/v1/faults", r#"{"app": "com.example.news", "effect": "drop"}"#),
        ("DELETE", "/v1/faults", ""),
        ("DELETE", "/v1/faults/1", ""),
        ("GET", "/v1/journal", ""),
    ] {
        let (status, problem) = bench.send(method, uri, body).await;
        assert_eq!(status, StatusCode::CONFLICT, "{method} {uri}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("for_testers")), "{problem}");
    }
}
