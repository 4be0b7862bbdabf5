//! What every long-running role needs of its process: a runtime, and the word to stop.

use std::net::SocketAddr;

use anyhow::Context as _;

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the runtime can't start")
}

/// Resolves at SIGINT or SIGTERM.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be watched")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be watched")?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }))
}

/// `http://localhost` with the port of what listens.
pub(crate) fn local_url(addresses: &[SocketAddr]) -> anyhow::Result<String> {
    Ok(format!("http://localhost:{}", port_of(addresses)?))
}

pub(crate) fn port_of(addresses: &[SocketAddr]) -> anyhow::Result<u16> {
    addresses.first().map(SocketAddr::port).context("a listener has no address")
}
