//! Hostile pages and programs get nothing, whatever they know of a session.

use axum::body::Body;
use axum::http::header::{COOKIE, HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::{Method, Request, StatusCode};

use crate::browser::{LINK_KEY, World};

/// Headers set over those of the console's own page; empty ones are taken away.
type Change<'a> = &'a [(&'static str, &'a str)];

/// A request with the session's cookie, as no browser would attach it to a hostile page's: the worst case.
fn changed(world: &World, method: &Method, target: &str, change: Change<'_>) -> Request<Body> {
    let mut request = world.request(method.clone(), target, Body::empty());
    for (name, value) in change {
        let name = HeaderName::from_static(name);
        match *value {
            "" => request.headers_mut().remove(name),
            value => request.headers_mut().insert(name, HeaderValue::from_str(value).expect("it is a value")),
        };
    }
    request
}

#[tokio::test]
async fn no_foreign_page_reaches_session_links_or_apis() {
    let world = World::signed_in().await;
    let (_, port) = world.host.split_once(':').expect("it has a port");
    let other_name = format!("http://127.0.0.1:{port}");
    let cases: [(Change<'_>, StatusCode); 11] = [
        (&[("origin", "http://evil.example"), ("sec-fetch-site", "")], StatusCode::FORBIDDEN),
        (&[("origin", "null"), ("sec-fetch-site", "")], StatusCode::FORBIDDEN),
        (&[("origin", "http://localhost:1"), ("sec-fetch-site", "")], StatusCode::FORBIDDEN),
        (&[("origin", &other_name), ("sec-fetch-site", "")], StatusCode::FORBIDDEN),
        (&[("origin", ""), ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (&[("origin", ""), ("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (&[("origin", ""), ("sec-fetch-site", "none")], StatusCode::FORBIDDEN),
        (
            &[
                ("origin", ""),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            StatusCode::FORBIDDEN,
        ),
        (&[("host", "evil.example"), ("origin", "http://evil.example")], StatusCode::MISDIRECTED_REQUEST),
        (&[("host", "localhost.evil.example"), ("origin", "")], StatusCode::MISDIRECTED_REQUEST),
        (&[("host", ""), ("origin", "")], StatusCode::MISDIRECTED_REQUEST),
    ];
    let requests = [
        (Method::GET, "/api/provider/v1/apps"),
        (Method::POST, "/api/provider/v1/apps"),
        (Method::OPTIONS, "/api/provider/v1/apps"),
        (Method::GET, "/session"),
        (Method::POST, "/session"),
        (Method::DELETE, "/session"),
        (Method::POST, "/links"),
    ];
    for (change, wanted) in cases {
        for (method, target) in &requests {
            let mut request = changed(&world, method, target, change);
            request
                .headers_mut()
                .insert("authorization", format!("Bearer {LINK_KEY}").parse().expect("a value"));
            assert_eq!(world.ask(request).await.status, wanted, "{method} {target} {change:?}");
        }
    }
    assert_eq!(world.upstream.asked().len(), 0);
    assert_eq!(world.get("/session").await.status, StatusCode::OK, "nobody signed it out");
}

#[tokio::test]
async fn what_changes_something_says_its_origin() {
    let world = World::signed_in().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request =
            changed(&world, &method, "/api/provider/v1/x", &[("origin", ""), ("sec-fetch-site", "")]);
        assert_eq!(world.ask(request).await.status, StatusCode::FORBIDDEN, "{method}");
        let request = changed(&world, &method, "/api/provider/v1/x", &[("sec-fetch-site", "")]);
        assert_eq!(world.ask(request).await.status, StatusCode::ACCEPTED, "{method}");
    }
    let read = changed(&world, &Method::GET, "/api/provider/v1/x", &[("origin", ""), ("sec-fetch-site", "")]);
    assert_eq!(world.ask(read).await.status, StatusCode::ACCEPTED);
    let named = [("host", "push.example.org"), ("origin", "https://push.example.org")];
    let configured = changed(&world, &Method::POST, "/api/provider/v1/x", &named);
    assert_eq!(world.ask(configured).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn without_the_cookie_nothing_is_passed_on() {
    let mut world = World::signed_in().await;
    let good = std::mem::take(&mut world.cookie);
    let (name, value) = good.split_once('=').expect("it has a value");
    let longer = format!("{good}x");
    for cookie in
        ["", value, &format!("{name}="), &format!("other={value}"), &longer, &good[..good.len() - 1]]
    {
        world.cookie = cookie.to_owned();
        for target in ["/api/provider/v1/apps", "/api/unknown", "/session"] {
            assert_eq!(world.get(target).await.status, StatusCode::UNAUTHORIZED, "{cookie} {target}");
        }
    }
    assert_eq!(world.upstream.asked().len(), 0);
}

#[tokio::test]
async fn another_page_may_open_the_page_but_not_take_parts_of_it() {
    let world = World::start().await;
    let from = |site: &'static str, mode: &'static str, dest: &'static str| {
        let change =
            [("origin", ""), ("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
        world.ask(changed(&world, &Method::GET, "/", &change))
    };
    assert_eq!(from("none", "navigate", "document").await.status, StatusCode::OK);
    assert_eq!(from("cross-site", "navigate", "document").await.status, StatusCode::OK);
    for (mode, dest) in
        [("navigate", "iframe"), ("no-cors", "script"), ("no-cors", "image"), ("cors", "empty")]
    {
        for site in ["cross-site", "same-site"] {
            assert_eq!(from(site, mode, dest).await.status, StatusCode::FORBIDDEN, "{site} {mode} {dest}");
        }
    }
    let rebound = changed(&world, &Method::GET, "/", &[("host", "evil.example"), ("origin", "")]);
    assert_eq!(world.ask(rebound).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn a_web_socket_is_not_begun() {
    let world = World::signed_in().await;
    let (host, cookie) = (&world.host, &world.cookie);
    for (origin, wanted) in
        [("http://evil.example".to_owned(), "HTTP/1.1 403 "), (format!("http://{host}"), "HTTP/1.1 202 ")]
    {
        let answer = world.raw(format!(
            "GET /api/provider/v1/apps HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n\
             Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ));
        assert!(answer.await.starts_with(wanted), "{origin}");
    }
    for asked in world.upstream.asked() {
        assert!(!asked.headers.contains_key("upgrade") && !asked.headers.contains_key("sec-websocket-key"));
    }
}

#[tokio::test]
async fn the_console_is_no_proxy_for_other_hosts() {
    let world = World::signed_in().await;
    let (host, cookie) = (&world.host, &world.cookie);
    let provider = world.upstream.address;
    for (line, wanted) in [
        (format!("GET http://{host}/api/provider/v1/apps"), "HTTP/1.1 400 "),
        (format!("GET http://{provider}/v1/apps"), "HTTP/1.1 400 "),
        (format!("CONNECT {provider}"), "HTTP/1.1 400 "),
        (format!("GET //{provider}/v1/apps"), "HTTP/1.1 404 "),
        ("OPTIONS *".to_owned(), "HTTP/1.1 405 "),
        ("TRACE /api/provider/v1/apps".to_owned(), "HTTP/1.1 403 "),
    ] {
        let answer = world
            .raw(format!("{line} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"))
            .await;
        assert!(answer.starts_with(wanted), "{line}: {answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{line}: {answer}");
    }
    assert_eq!(world.upstream.asked().len(), 0);
}

#[tokio::test]
async fn the_description_and_the_page_are_for_everyone_and_hold_no_secret() {
    let world = World::start().await;
    let plain = |target: &str| Request::get(target).header(HOST, &world.host).body(Body::empty());
    let description = world.ask(plain("/openapi.json").expect("it is a request")).await.json();
    let paths: Vec<&String> = description["paths"].as_object().expect("it has paths").keys().collect();
    assert_eq!(paths, ["/links", "/openapi.json", "/session"]);
    let page = world.ask(plain("/").expect("it is a request")).await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let head = Request::head("/").header(HOST, &world.host).body(Body::empty()).expect("it is a request");
    let head = world.ask(head).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert!(!head.headers.contains_key(COOKIE) && !head.headers.contains_key(ORIGIN));
}
