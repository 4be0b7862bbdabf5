//! An API served over real sockets: streams have places, and everything ends when it is told to.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use axum::response::sse::Event;
use axum::routing::get;
use futures_util::StreamExt as _;
use homing_http_api::{Watchers, serve, with_manners};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(20);

struct Served {
    address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// Lets the answers of `/slow` go.
    go: std::sync::Arc<Notify>,
    /// Says that `/slow` was asked.
    asked: std::sync::Arc<Notify>,
}

async fn served() -> Served {
    let (stop, stopped) = watch::channel(false);
    let watchers = Watchers::new(1, stopped.clone());
    let (go, asked) = (std::sync::Arc::new(Notify::new()), std::sync::Arc::new(Notify::new()));
    let (wait, tell) = (go.clone(), asked.clone());
    let router = Router::new()
        .route(
            "/events",
            get(async move || {
                let first = futures_util::stream::iter([Event::default().data("first")]);
                watchers.stream(first.chain(futures_util::stream::pending()))
            }),
        )
        .route(
            "/slow",
            get(async move || {
                tell.notify_one();
                wait.notified().await;
                "done"
            }),
        );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback is there");
    let address = listener.local_addr().expect("it is bound");
    let serving = tokio::spawn(serve(listener, with_manners(router, 1024), stopped));
    Served { address, stop, serving, go, asked }
}

/// A connection on which `path` was asked for.
async fn ask(served: &Served, method: Method, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).await.expect("it listens");
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is taken");
    stream
}

/// What comes until `end` does; or until the connection ends.
async fn read(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut bytes = [0; 1024];
    let reading = async {
        while !text.contains(end) || end.is_empty() {
            match stream.read(&mut bytes).await {
                Ok(count) if count > 0 => text.push_str(&String::from_utf8_lossy(&bytes[..count])),
                Ok(_) | Err(_) => break,
            }
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("it answers in time");
    text
}

#[tokio::test]
async fn there_are_so_many_watchers_and_who_leaves_makes_room() {
    let served = served().await;
    let mut first = ask(&served, Method::GET, "/events").await;
    assert!(read(&mut first, "first").await.contains("data: first"));
    let mut second = ask(&served, Method::GET, "/events").await;
    let refused = read(&mut second, "close one").await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    drop(first);
    // The place is free once the server has noticed that its watcher left.
    let room = async {
        let head = async || read(&mut ask(&served, Method::GET, "/events").await, "\r\n\r\n").await;
        while !head().await.starts_with("HTTP/1.1 200") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, room).await.expect("there is room in time");
}

#[tokio::test]
async fn a_stop_ends_streams_and_idle_connections_and_lets_answers_go() {
    let served = served().await;
    let mut watching = ask(&served, Method::GET, "/events").await;
    assert!(read(&mut watching, "first").await.contains("data: first"));
    let mut idle = TcpStream::connect(served.address).await.expect("it listens");
    let mut slow = ask(&served, Method::GET, "/slow").await;
    served.asked.notified().await;
    served.stop.send_replace(true);
    assert!(read(&mut watching, "").await.ends_with("0\r\n\r\n"), "the stream ends well");
    assert_eq!(read(&mut idle, "").await, "");
    served.go.notify_one();
    assert!(read(&mut slow, "").await.ends_with("done"));
    tokio::time::timeout(DEADLINE, served.serving).await.expect("it ends in time").expect("it ends well");
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let served = served().await;
    let answer = read(&mut ask(&served, Method::DELETE, "/slow").await, "lists what can").await;
    assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("allow: GET"), "{answer}");
}
