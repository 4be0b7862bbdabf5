//! Identity tokens at the door: what they open, and for whom.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homing_apns::jwt::SigningKey;
use homing_provider::identity_token::{Claims, sign};
use serde_json::{Value, json};

use crate::hands::{APP, Ask, BUNDLE, OTHER, World, claims, identity_key, identity_token, now, token};

fn bind(identity: &str, user: &str) -> Ask {
    let body = json!({"environment": "development", "user": user});
    Ask::new("PUT", format!("{APP}/installations/{}", token('a'))).key(identity).json(&body)
}

#[tokio::test]
async fn a_user_logs_in_reports_and_logs_out_with_an_identity_token() {
    let world = World::start().await;
    let ann = identity_token("ann");
    let bound = world.ask(bind(&ann, "ann")).await.expect(201);
    assert_eq!(bound["user"], "ann");
    let push = json!({"environment": "development", "audience": {"user": "ann"}, "content": {"body": "hi"}});
    let push = world.root("POST", &format!("{APP}/pushes"), &push).await.expect(202);
    let report = json!({"push_id": push["push_id"], "event": "opened"});
    let reports = format!("{APP}/installations/{}/reports", token('a'));
    world.ask(Ask::new("POST", &*reports).key(&ann).json(&report)).await.expect(204);
    let logout = format!("{APP}/installations/{}/user?user=ann", token('a'));
    world.ask(Ask::new("DELETE", logout).key(&ann)).await.expect(204);
    let push = world.get(&format!("{APP}/pushes/{}", push["push_id"].as_str().expect("it has one"))).await;
    assert_eq!(push["counts"]["opened"], 1, "{push}");
    assert_eq!(world.get(&format!("{APP}/installations/{}", token('a'))).await["user"], Value::Null);
    world.stop().await;
}

#[tokio::test]
async fn an_identity_token_speaks_for_its_own_user_alone() {
    let world = World::start().await;
    world.log_in(&token('a'), "bob").await;
    let push = json!({"environment": "development", "audience": {"user": "bob"}, "content": {"body": "hi"}});
    let push = world.root("POST", &format!("{APP}/pushes"), &push).await.expect(202);
    let ann = identity_token("ann");
    // A token alone may be told by anybody who is somebody: it stays whose it is.
    let mut alone = bind(&ann, "ann");
    alone.body = json!({"environment": "development"}).to_string().into();
    assert_eq!(world.ask(alone).await.body["user"], "bob");
    for ask in [
        bind(&ann, "bob"),
        Ask::new("DELETE", format!("{APP}/installations/{}/user?user=bob", token('a'))).key(&ann),
    ] {
        let answer = world.ask(ask).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.detail().contains("\"ann\""), "{}", answer.body);
    }
    // What was for another user is as if it weren't there.
    let report = json!({"push_id": push["push_id"], "event": "opened"});
    let reports = Ask::new("POST", format!("{APP}/installations/{}/reports", token('a'))).key(&ann);
    let answer = world.ask(reports.json(&report)).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert_eq!(world.get(&format!("{APP}/installations/{}", token('a'))).await["user"], "bob");
    world.stop().await;
}

#[tokio::test]
async fn an_identity_token_opens_nothing_else() {
    let world = World::start().await;
    let ann = identity_token("ann");
    for (method, path) in [
        ("GET", "/v1/status".to_owned()),
        ("GET", format!("{APP}/installations/{}", token('a'))),
        ("DELETE", format!("{APP}/installations/{}", token('a'))),
        ("POST", format!("{APP}/pushes")),
        ("POST", "/v1/payloads/check".to_owned()),
        ("GET", format!("{APP}/notifications?user=ann")),
    ] {
        let answer = world.ask(Ask::new(method, path).key(&ann)).await;
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert!(answer.detail().contains("server key"), "{}", answer.body);
    }
    let elsewhere =
        Ask { path: format!("/v1/apps/{OTHER}/installations/{}", token('a')), ..bind(&ann, "ann") };
    let answer = world.ask(elsewhere).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    world.stop().await;
}

#[tokio::test]
async fn forged_ended_and_foreign_tokens_are_refused_with_a_reason() {
    let world = World::start().await;
    let key = identity_key();
    let good = claims("ann");
    let (_, rest) = good_parts();
    let with_header = |header: Value| format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let stranger = SigningKey::from_scalar(&[8; 32]).expect("it is a scalar");
    let cases = [
        (sign(&stranger, "k1", &good), "wasn't signed"),
        (sign(&key, "k2", &good), "\"k2\""),
        (sign(&key, "k1", &Claims { aud: OTHER.to_owned(), ..good.clone() }), BUNDLE),
        (sign(&key, "k1", &Claims { iat: now() - 600, exp: now() - 1, ..good.clone() }), "ended"),
        (sign(&key, "k1", &Claims { exp: now() + 90_000, ..good.clone() }), "a day"),
        (sign(&key, "k1", &Claims { iat: now() + 600, exp: now() + 900, ..good.clone() }), "before"),
        (sign(&key, "k1", &Claims { sub: String::new(), ..good.clone() }), "`sub`"),
        (with_header(json!({"alg": "none", "kid": "k1"})), "ES256"),
        (with_header(json!({"alg": "HS256", "kid": "k1"})), "ES256"),
        ("a.b.c".to_owned(), "base64url"),
        (format!("{}..", "x".repeat(5000)), "4096"),
    ];
    for (identity, hint) in cases {
        let answer = world.ask(bind(&identity, "ann")).await;
        assert_eq!(answer.status, 401, "{hint}: {}", answer.body);
        assert!(answer.detail().contains(hint), "{hint}: {}", answer.body);
    }
    // A key that was removed signs nothing any more.
    world.root("DELETE", &format!("{APP}/identity-keys/k1"), &Value::Null).await.expect(200);
    assert_eq!(world.ask(bind(&identity_token("ann"), "ann")).await.status, 401);
    world.stop().await;
}

fn good_parts() -> (String, String) {
    let token = identity_token("ann");
    let (header, rest) = token.split_once('.').expect("it has parts");
    (header.to_owned(), rest.to_owned())
}
