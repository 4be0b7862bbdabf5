//! Serves an API on one socket: how many connections there are, how long their heads may take and may be, and how they end.

use std::io;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::underway::Underway;

/// Connections at a time; further ones wait in the kernel.
const CONNECTIONS: usize = 1024;
/// How long a connection may be idle or take over a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
/// How long accepting pauses when there are no more files.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Serves `router` until `stop` is true or its sender is gone, then lets the requests that have come come to their end; half
/// of a request's head isn't waited for. Dropping the future cuts everything. Who asks is in the extension [`ConnectInfo`] of a socket's address.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, address)) => {
                    let router = router.clone().layer(Extension(ConnectInfo(address)));
                    connections.spawn(converse(stream, router, stop.clone()));
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "an API can't accept connections; trying again in 100 ms");
                    tokio::time::sleep(BACK_OFF).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender being gone is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}

/// Errors that are about one connection and not about us.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn converse(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Without it a small answer may wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection to an API was gone at once");
        return;
    }
    let (underway, router) = Underway::of(router);
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut conversation = std::pin::pin!(conversation);
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stopped(&mut stop) => {
            conversation.as_mut().graceful_shutdown();
            underway.last_of(conversation).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to an API broke off");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::{Instant, timeout};

    use super::*;

    /// Within this all has happened that is going to.
    const SOON: Duration = Duration::from_secs(20);

    struct Served {
        address: std::net::SocketAddr,
        stop: watch::Sender<bool>,
        serving: tokio::task::JoinHandle<()>,
        asked: Arc<tokio::sync::Notify>,
    }

    impl Served {
        /// `/` is answered at once, `/slow` 300 ms later, by two pieces of a body.
        async fn start() -> Self {
            let asked = Arc::new(tokio::sync::Notify::new());
            let heard = Arc::clone(&asked);
            let slow = move || async move {
                heard.notify_one();
                tokio::time::sleep(Duration::from_millis(300)).await;
                let pieces = ["first ", "last"].map(Ok::<_, std::convert::Infallible>);
                let pieces = futures_util::stream::iter(pieces);
                Body::from_stream(futures_util::StreamExt::then(pieces, async |piece| {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    piece
                }))
            };
            let router = Router::new().route("/", get(async || "here")).route("/slow", post(slow));
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
            let address = listener.local_addr().expect("bound");
            let (stop, stops) = watch::channel(false);
            let serving = tokio::spawn(serve(listener, router, stops));
            Self { address, stop, serving, asked }
        }

        async fn connect(&self, said: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.expect("it listens");
            stream.write_all(said.as_bytes()).await.expect("still open");
            stream
        }
    }

    async fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        // A reset ends it as well.
        let _ = timeout(SOON, stream.read_to_string(&mut text)).await.expect("it ends");
        text
    }

    #[tokio::test]
    async fn a_stop_waits_for_no_half_sent_head() {
        let served = Served::start().await;
        let mut held = Vec::new();
        for said in ["", "G", "GET / HTTP/1.1\r\nhost: localhost\r\n"] {
            held.push(served.connect(said).await);
        }
        // One that has asked before, and begins another question.
        let mut again = served.connect("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let mut answer = [0; 15];
        again.read_exact(&mut answer).await.expect("it is answered");
        again.write_all(b"GET / HTTP/1.1\r\n").await.expect("still open");
        held.push(again);
        let began = Instant::now();
        served.stop.send_replace(true);
        timeout(SOON, served.serving).await.expect("it stops").expect("it doesn't panic");
        assert!(began.elapsed() < HEAD_WITHIN / 10, "{:?}", began.elapsed());
        for stream in held {
            rest(stream).await;
        }
    }

    #[tokio::test]
    async fn a_stop_waits_for_what_was_asked_and_lets_the_whole_answer_go() {
        let served = Served::start().await;
        let asking = "POST /slow HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";
        let stream = served.connect(asking).await;
        timeout(SOON, served.asked.notified()).await.expect("it was asked");
        served.stop.send_replace(true);
        let answer = rest(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("last"), "{answer}");
        timeout(SOON, served.serving).await.expect("it stops").expect("it doesn't panic");
    }
}
