//! Serves an API on one socket: a bounded number of connections, none of which may dawdle over a request's head, all
//! ended in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Connections at a time; further ones wait in the kernel.
const CONNECTIONS: usize = 1024;
/// How long a connection may be idle or take over a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long accepting pauses when there are no more files.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Serves `router` until `stop` is true or its sender is gone, then lets what has begun come to its end. Dropping the
/// future cuts everything.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &places) => {
                if let Some((stream, place)) = accepted {
                    connections.spawn(converse(stream, place, router.clone(), stop.clone()));
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender being gone is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) if is_the_peers(&error) => None,
        Err(error) => {
            tracing::warn!(%error, "an API can't accept connections; trying again in 100 ms");
            tokio::time::sleep(BACK_OFF).await;
            None
        }
    }
}

/// Errors that are about one connection and not about us.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn converse(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    // Without it a small answer may wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a peer leaves is its own affair.
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
