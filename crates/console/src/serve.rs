//! Connections from browsers: how many there are, how long their heads may take and may be, and how they end.

use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::doors::Peer;

/// Connections at once on one address; more wait in the kernel.
const CONNECTIONS: usize = 512;

/// Time for the head of a request, and how long a connection may be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// How long accepting pauses when there are no more files.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Takes connections until `stop` says true, then lets them end.
pub(crate) async fn accept(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, address)) => {
                    let router = router.clone().layer(Extension(Peer(address)));
                    connections.spawn(converse(stream, router, stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the console can't accept a connection");
                    tokio::time::sleep(BACK_OFF).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn converse(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Events are small and shall not wait for one another.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection to the console was gone at once");
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
        tracing::debug!(%error, "a connection to the console broke off");
    }
}

/// Ends when `stop` says true or nobody is left to say it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}
