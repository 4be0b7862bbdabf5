//! The proxy's limits in time and number, against upstreams that don't keep them.

use axum::response::IntoResponse as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::sessions::Sessions;

async fn upstream() -> (TcpListener, Upstream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    (listener, Upstream { name: "provider", base, key: "key".to_owned() })
}

fn end() -> (Sessions, End) {
    let mut sessions = Sessions::default();
    let now = std::time::Instant::now();
    let value = sessions.begin(now);
    let entered = sessions.enter([value.as_str()].into_iter(), now).expect("it has begun");
    let end = entered.end;
    (sessions, end)
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_in_time_is_named() {
    let (listener, upstream) = upstream().await;
    let mut proxy = Proxy::new(&[upstream]).expect("it can be used");
    proxy.head_within = Duration::from_millis(50);
    let (_sessions, end) = end();
    let asked = proxy.forward("provider/v1/status", Request::new(Body::empty()), end);
    let (problem, closed) = tokio::join!(asked, async {
        let (mut stream, _) = listener.accept().await.expect("it is asked");
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.map(|_| heard)
    });
    let problem = problem.expect_err("nothing was answered");
    assert_eq!(problem.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(problem.detail().starts_with("the provider at 127.0.0.1:"), "{}", problem.detail());
    let heard = closed.expect("the connection is closed after the deadline");
    assert!(heard.starts_with(b"GET /v1/status HTTP/1.1\r\n"));
    assert_eq!(proxy.places.available_permits(), MOST_AT_ONCE);
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let (_listener, upstream) = upstream().await;
    let proxy = Proxy::new(&[upstream]).expect("it can be used");
    let all = u32::try_from(MOST_AT_ONCE).expect("it is small");
    let _places = Arc::clone(&proxy.places).acquire_many_owned(all).await.expect("they are free");
    let (_sessions, end) = end();
    let refused = proxy.forward("provider/", Request::new(Body::empty()), end).await;
    let refused = refused.expect_err("there is no place").into_response();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
}

#[test]
fn upstreams_that_cannot_be_used_are_named() {
    let upstream =
        |name, base: &str, key: &str| Upstream { name, base: base.to_owned(), key: key.to_owned() };
    let good = || upstream("provider", "http://localhost:1", "key");
    assert!(Proxy::new(&[good(), upstream("device", "http://[::1]:2", "key")]).is_ok());
    for wrong in [
        upstream("provider", "http://localhost:2", "key"),
        upstream("", "http://localhost:2", "key"),
        upstream("a/b", "http://localhost:2", "key"),
        upstream("device", "https://localhost:2", "key"),
        upstream("device", "http://localhost:2", "k\r\ne"),
    ] {
        let error = Proxy::new(&[good(), wrong.clone()]).expect_err("it can't be used").to_string();
        assert!(error.contains(&format!("{:?}", wrong.name)) && !error.contains("k\r\ne"), "{error}");
    }
    let shown = format!("{:?} {:?}", Proxy::new(&[good()]), good());
    assert!(!shown.contains("key"), "{shown}");
}
