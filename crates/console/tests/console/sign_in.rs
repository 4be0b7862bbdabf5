//! Signing in and out.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, HOST, RETRY_AFTER, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use homing_console::{Console, ConsoleConfig, StartError};
use http_body_util::BodyExt as _;

use crate::browser::{Answer, LINK_KEY, World};

async fn ask_for_link(world: &World, authorization: &str) -> Answer {
    let request = Request::post("/links").header(HOST, &world.host).header(AUTHORIZATION, authorization);
    world.ask(request.body(Body::empty()).expect("it is a request")).await
}

#[tokio::test]
async fn a_link_signs_in_once_until_signed_out() {
    let mut world = World::start().await;
    assert_eq!(world.get("/session").await.status, StatusCode::UNAUTHORIZED);
    let code = world.code();
    let answer = world.sign_in(&code).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let cookie = answer.headers[SET_COOKIE].to_str().expect("it is text").to_owned();
    let (_, port) = world.host.split_once(':').expect("it has a port");
    let (value, attributes) = cookie.split_once("; ").expect("it has attributes");
    let value = value.strip_prefix(&format!("homing-console-{port}=")).expect("it has the port in its name");
    assert_eq!(value.len(), 43);
    assert_eq!(attributes, "Path=/; Max-Age=604800; HttpOnly; SameSite=Strict");
    world.take_cookie(&answer);

    let session = world.get("/session").await;
    assert_eq!(session.status, StatusCode::OK);
    assert_eq!(session.json(), serde_json::json!({"about": {"version": "1"}}));
    assert_eq!(session.headers[SET_COOKIE], cookie, "it is put off");
    assert_eq!(session.headers["cache-control"], "no-store");

    let again = world.sign_in(&code).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.detail().contains("homing console"));

    let signed_out = world.ask(world.request(Method::DELETE, "/session", Body::empty())).await;
    assert_eq!(signed_out.status, StatusCode::NO_CONTENT);
    assert!(signed_out.headers[SET_COOKIE].to_str().is_ok_and(|cookie| cookie.contains("Max-Age=0;")));
    assert_eq!(world.get("/session").await.status, StatusCode::UNAUTHORIZED, "the cookie was kept");
    assert_eq!(world.get("/api/provider/v1/apps").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.upstream.asked().len(), 0);
}

#[tokio::test]
async fn only_who_has_the_key_is_given_a_link() {
    let world = World::start().await;
    for wrong in ["", "Bearer", "Bearer ", "Bearer wrong", "Basic link-key-7f3a", LINK_KEY] {
        let refused = ask_for_link(&world, wrong).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(refused.detail().contains("homing console"));
    }
    let given = ask_for_link(&world, &format!("Bearer {LINK_KEY}")).await;
    assert_eq!(given.status, StatusCode::CREATED);
    let url = given.json()["url"].as_str().expect("it is text").to_owned();
    let (_, code) = url.split_once('#').expect("it has a code");
    assert_eq!(world.sign_in(code).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn wrong_codes_are_refused_and_too_many_make_wait() {
    let world = World::start().await;
    for wrong in 0..10 {
        assert_eq!(world.sign_in(&wrong.to_string()).await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    let refused = world.sign_in(&world.code()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds = refused.headers[RETRY_AFTER].to_str().ok().and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{seconds:?}");
}

#[tokio::test]
async fn what_is_no_code_is_refused_without_being_counted() {
    let world = World::start().await;
    for _ in 0..3 {
        for body in ["", "{", "[]", "{\"code\":7}", "{\"code\":\"x\",\"more\":1}", "code=x"] {
            let refused = world.ask(world.request(Method::POST, "/session", body)).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        }
        let long = format!("{{\"code\":\"{}\"}}", "x".repeat(5000));
        let refused = world.ask(world.request(Method::POST, "/session", long)).await;
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let other = world.ask(world.request(Method::PUT, "/session", "{}")).await;
    assert_eq!(other.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.sign_in(&world.code()).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn signing_in_anew_ends_the_session_before() {
    let mut world = World::signed_in().await;
    let before = world.cookie.clone();
    let answer = world.sign_in(&world.code()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/session").await.status, StatusCode::UNAUTHORIZED);
    world.take_cookie(&answer);
    world.cookie =
        format!("{}=of-another-port; a=b; {}", before.split('=').next().expect("a name"), world.cookie);
    assert_eq!(world.get("/session").await.status, StatusCode::OK);
}

#[tokio::test]
async fn streams_end_with_their_session() {
    let mut world = World::signed_in().await;
    let answer = world.begin(world.request(Method::GET, "/api/provider/v1/events", Body::empty())).await;
    let mut body = answer.expect("it answers").into_body();
    let stream = world.upstream.stream().await;
    stream.send("data: 1\n\n".into()).await.expect("it is open");
    let frame = body.frame().await.expect("it goes on").expect("it is whole");
    assert_eq!(frame.into_data().expect("it is data"), "data: 1\n\n");
    world.ask(world.request(Method::DELETE, "/session", Body::empty())).await;
    assert!(body.frame().await.is_none_or(|frame| frame.is_err()));
    stream.closed().await;
}

#[tokio::test]
async fn a_stop_ends_streams_at_once() {
    let mut world = World::signed_in().await;
    let answer = world.begin(world.request(Method::GET, "/api/provider/v1/events", Body::empty())).await;
    let mut body = answer.expect("it answers").into_body();
    let stream = world.upstream.stream().await;
    let began = std::time::Instant::now();
    world.console.shutdown().await;
    stream.closed().await;
    assert!(body.frame().await.is_none_or(|frame| frame.is_err()));
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "it waited for its deadline");
}

#[tokio::test]
async fn a_console_that_anybody_could_enter_or_nobody_reach_does_not_start() {
    let config = |listen: Vec<std::net::SocketAddr>, link_key: &str| ConsoleConfig {
        listen,
        link_key: link_key.to_owned(),
        upstreams: Vec::new(),
        about: serde_json::Value::Null,
        hosts: Vec::new(),
    };
    let world = World::start().await;
    let taken = world.console.addresses().to_vec();
    let started = Console::start(config(taken.clone(), "key")).await;
    assert!(matches!(started, Err(StartError::Listen { address, .. }) if address == taken[0]));
    assert!(matches!(Console::start(config(Vec::new(), "key")).await, Err(StartError::NoAddress)));
    assert!(matches!(Console::start(config(taken, "")).await, Err(StartError::NoLinkKey)));
}
