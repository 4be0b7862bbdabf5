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

/// Connections at a time; further ones wait in the kernel.
const CONNECTIONS: usize = 1024;
/// How long a connection may be idle or take over a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
/// How long accepting pauses when there are no more files.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Serves `router` until `stop` is true or its sender is gone, then lets what has begun come to its end. Dropping the
/// future cuts everything. Who asks is in the extension [`ConnectInfo`] of a socket's address.
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
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to an API broke off");
    }
}
