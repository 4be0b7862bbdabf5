//! The HTTP API.

use std::net::TcpListener;

use tokio::sync::watch;

use crate::engine::Engine;

/// What the API needs to be served.
#[derive(Debug)]
pub(crate) struct ApiConfig {
    pub(crate) engine: Engine,
    /// Non-blocking.
    pub(crate) listeners: Vec<TcpListener>,
    /// Further names by which the API may be called, beside `localhost` and addresses.
    pub(crate) hosts: Vec<String>,
}

/// Serves until `stop` says true, then lets what has begun come to its end; streams end at once.
pub(crate) async fn serve(config: ApiConfig, mut stop: watch::Receiver<bool>) {
    tracing::debug!(engine = ?config.engine, listeners = ?config.listeners, hosts = ?config.hosts, "nothing is served");
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}
