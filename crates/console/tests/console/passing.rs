//! What goes through to the other APIs and back.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use crate::browser::{UPSTREAM_KEY, World};

fn body_from(pieces: mpsc::Receiver<Bytes>) -> Body {
    let pieces =
        ReceiverStream::new(pieces).map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
    Body::new(StreamBody::new(pieces))
}

#[tokio::test]
async fn a_request_goes_on_with_the_upstreams_key_and_nothing_of_the_browsers() {
    let world = World::signed_in().await;
    let mut request =
        world.request(Method::POST, "/api/provider/v1/apps/com.example.news/pushes?a=%2F..&b", "{\"x\":1}");
    for (name, value) in [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("idempotency-key", "k1"),
        ("last-event-id", "7"),
        ("authorization", "Bearer of-the-page"),
        ("referer", "http://localhost/"),
        ("user-agent", "browser"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "evil.example"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("keep-alive", "timeout=5"),
    ] {
        request.headers_mut().insert(name, value.parse().expect("it is a value"));
    }
    let answer = world.ask(request).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["push_id"], "1");
    let asked = world.upstream.asked();
    let [asked] = asked.as_slice() else { panic!("it was asked {} times", asked.len()) };
    assert_eq!(asked.method, Method::POST);
    assert_eq!(asked.target, "/base/v1/apps/com.example.news/pushes?a=%2F..&b");
    assert_eq!(asked.body, "{\"x\":1}");
    let mut names: Vec<&str> = asked.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let wanted = [
        "accept",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "last-event-id",
    ];
    assert_eq!(names, wanted);
    assert_eq!(asked.headers["authorization"], format!("Bearer {UPSTREAM_KEY}"));
    assert_eq!(asked.headers["host"], world.upstream.address.to_string());
}

#[tokio::test]
async fn of_an_answers_headers_only_harmless_ones_come_through() {
    let world = World::signed_in().await;
    let loud = world.get("/api/provider/v1/loud").await;
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "max-age=5"),
        ("retry-after", "7"),
        ("idempotency-replayed", "true"),
    ] {
        assert_eq!(loud.headers[name], value);
    }
    assert!(!loud.headers.contains_key("set-cookie") && !loud.headers.contains_key("authorization"));
    assert_eq!(world.get("/api/provider/v1/apps").await.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn no_upstream_can_show_a_page_send_elsewhere_or_sign_out() {
    let world = World::signed_in().await;
    let page = world.get("/api/provider/v1/page").await;
    assert_eq!(page.headers["content-type"], "application/octet-stream");
    let elsewhere = world.get("/api/provider/v1/elsewhere").await;
    assert_eq!(elsewhere.status, StatusCode::FOUND);
    assert!(!elsewhere.headers.contains_key("location"));
    let refused = world.get("/api/provider/v1/no-key").await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert!(refused.detail().contains("doesn't take the console's key"), "{}", refused.detail());
}

#[tokio::test]
async fn events_arrive_one_by_one_while_the_stream_is_open() {
    let mut world = World::signed_in().await;
    let request = world.request(Method::GET, "/api/provider/v1/events", Body::empty());
    let answer = world.begin(request).await.expect("it answers");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body();
    let stream = world.upstream.stream().await;
    for number in 0..100 {
        let event = format!("event: push\ndata: {number}\n\n");
        stream.send(event.clone().into()).await.expect("it is open");
        let frame = body.frame().await.expect("it goes on").expect("it is whole");
        assert_eq!(frame.into_data().expect("it is data"), event);
    }
    drop(stream);
    assert!(body.frame().await.is_none(), "it ends with the upstream's");
}

#[tokio::test]
async fn a_browser_that_leaves_takes_the_upstreams_connection_with_it() {
    let mut world = World::signed_in().await;
    let request = world.request(Method::GET, "/api/provider/v1/events", Body::empty());
    let answer = world.begin(request).await.expect("it answers");
    let stream = world.upstream.stream().await;
    assert!(!stream.is_closed());
    drop(answer);
    stream.closed().await;
}

#[tokio::test]
async fn a_browser_that_leaves_before_the_answer_does_so_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let world = World::before(format!("http://{}", listener.local_addr().expect("it is bound"))).await;
    let request = world.request(Method::POST, "/api/provider/v1/x", "{}");
    let mut heard = Vec::new();
    let (mut stream, _) = tokio::select! {
        _ = world.begin(request) => panic!("nothing was answered"),
        accepted = listener.accept() => accepted.expect("it is asked"),
    };
    // The request was dropped, and the connection with it.
    stream.read_to_end(&mut heard).await.expect("the console hangs up");
    assert!(heard.starts_with(b"POST /v1/x HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&heard));
}

#[tokio::test]
async fn a_head_is_asked_for_without_its_body() {
    let world = World::signed_in().await;
    let answer = world.ask(world.request(Method::HEAD, "/api/provider/v1/loud", Body::empty())).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.headers["retry-after"], "7");
}

#[tokio::test]
async fn a_body_goes_on_as_it_comes() {
    let mut world = World::signed_in().await;
    let mut came = std::mem::replace(&mut world.upstream.pieces, mpsc::channel(1).1);
    let (pieces, receiver) = mpsc::channel(1);
    let sending = world.begin(world.request(Method::POST, "/api/provider/v1/pieces", body_from(receiver)));
    let (answer, ()) = tokio::join!(sending, async {
        for piece in ["one", "two"] {
            pieces.send(piece.into()).await.expect("it is read");
            assert_eq!(came.recv().await.expect("it comes"), piece);
        }
        drop(pieces);
    });
    assert_eq!(answer.expect("it answers").status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_its_head_or_when_it_is() {
    const LONGEST: usize = 1024 * 1024;
    let world = World::signed_in().await;
    let longest = world.request(Method::POST, "/api/provider/v1/x", vec![b'x'; LONGEST]);
    assert_eq!(world.ask(longest).await.status, StatusCode::ACCEPTED);
    assert_eq!(world.upstream.asked()[0].body.len(), LONGEST);

    let (host, cookie) = (&world.host, &world.cookie);
    let told = world.raw(format!(
        "POST /api/provider/v1/x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n\
         Content-Length: {}\r\n\r\n",
        LONGEST + 1
    ));
    assert!(told.await.starts_with("HTTP/1.1 413 "));

    let (pieces, receiver) = mpsc::channel(1);
    pieces.send(vec![b'x'; LONGEST + 1].into()).await.expect("there is room");
    let refused = world.ask(world.request(Method::POST, "/api/provider/v1/x", body_from(receiver))).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.detail().contains("1048576"), "{}", refused.detail());
    assert_eq!(world.upstream.asked().len(), 1);
}

#[tokio::test]
async fn an_upstream_that_is_gone_is_named_with_what_to_do() {
    let world = World::signed_in().await;
    let answer = world.get("/api/gateway/v1/status").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.json()["upstream"], "gateway");
    assert!(answer.detail().contains("the gateway at 127.0.0.1:") && answer.detail().contains("start it"));
    let unknown = world.get("/api/apns/v1/status").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.detail().contains("provider, gateway"), "{}", unknown.detail());
}

/// A console before an upstream that answers what it is told, byte by byte, and then hangs up.
async fn answered(bytes: &'static [u8]) -> (World, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    let world = World::before(base).await;
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("it is asked");
        let mut heard = [0; 4096];
        assert!(stream.read(&mut heard).await.is_ok_and(|length| length > 0));
        stream.write_all(bytes).await.expect("it is taken");
    });
    (world, serving)
}

#[tokio::test]
async fn an_upstream_that_hangs_up_or_talks_nonsense_is_named() {
    for said in [b"".as_slice(), b"HTTP/1.1 200 OK\r\nContent-", b"SSH-2.0-x\r\n\r\n"] {
        let (world, serving) = answered(said).await;
        let answer = world.get("/api/provider/v1/apps").await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{said:?}");
        assert!(answer.detail().contains("broke off before it answered"), "{}", answer.detail());
        serving.await.expect("it was asked");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    for said in [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"apps\":[".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n",
    ] {
        let (world, serving) = answered(said).await;
        let request = world.request(Method::GET, "/api/provider/v1/apps", Body::empty());
        let answer = world.begin(request).await.expect("the head is whole");
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.into_body().collect().await.is_err(), "{said:?}");
        serving.await.expect("it was asked");
    }
}

#[tokio::test]
async fn no_path_leaves_the_upstreams_base() {
    let world = World::signed_in().await;
    let (host, cookie) = (&world.host, &world.cookie);
    let ask = async |target: &str| {
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
        let answer = world.raw(head).await;
        answer.split(' ').nth(1).expect("it has a status").to_owned()
    };
    assert_eq!(ask("/api/provider/v1/apps").await, "202");
    for target in [
        "/api/provider/..",
        "/api/provider/../secret",
        "/api/provider/v1/../../secret",
        "/api/provider/%2e%2e/secret",
        "/api/provider/.%2e/secret",
        "/api/provider/..%2fsecret",
        "/api/provider/..%5csecret",
        "/api/provider/..\\secret",
        "/api/provider//evil.example/",
        "/api/provider/v1//apps",
        "/api/provider/v1/%0d%0aX-Header:%20injected",
        "/api/provider/v1/%00",
        "/api/provider/v1/%",
    ] {
        assert_eq!(ask(target).await, "400", "{target}");
    }
    for target in [
        "/api/provider@evil.example/",
        "/api/provider:80/",
        "/api/provider.evil.example/v1",
        "/api/%70rovider/v1",
        "/api/../api/provider/v1",
        "/api//provider/v1",
        "/api/",
        "/%61pi/provider/v1",
        "/x/../api/provider/v1",
    ] {
        assert_eq!(ask(target).await, "404", "{target}");
    }
    assert_eq!(world.upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_request_that_two_servers_would_read_differently_goes_nowhere() {
    let world = World::signed_in().await;
    let (host, cookie) = (&world.host, &world.cookie);
    let smuggled = "GET /base/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (framing, wanted) in [
        ("Content-Length: 5\r\nContent-Length: 6", "HTTP/1.1 400 "),
        ("Transfer-Encoding: xchunked", "HTTP/1.1 400 "),
        ("X-Header: a\rb", "HTTP/1.1 400 "),
        // Chunked is what counts, and it alone goes on.
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "HTTP/1.1 202 "),
    ] {
        let answer = world.raw(format!(
            "POST /api/provider/v1/x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n\
             Connection: close\r\n{framing}\r\n\r\n0\r\n\r\n{smuggled}"
        ));
        assert!(answer.await.starts_with(wanted), "{framing}");
    }
    let asked = world.upstream.asked();
    let [asked] = asked.as_slice() else { panic!("it was asked {} times", asked.len()) };
    assert_eq!((asked.target.as_str(), asked.body.len()), ("/base/v1/x", 0));
    assert!(!asked.headers.contains_key("content-length") || asked.headers["content-length"] == "0");
}
