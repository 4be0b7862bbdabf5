//! Sockets that listen: one per core on each address, the kernel spreading connections over them, and taking connections
//! from them. What is spoken is left to the ports.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections that may wait to be accepted; the kernel has its own limit.
const BACKLOG: i32 = 4096;

/// How long accepting pauses when there are no more files.
const BACK_OFF: Duration = Duration::from_millis(100);

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("port {port} for {role} is in use: stop what listens on {address}, or choose another port")]
    InUse { port: u16, role: &'static str, address: SocketAddr },
    #[error(
        "port {port} for {role} is for root, or for who has CAP_NET_BIND_SERVICE: run as root, or once \
         `sudo setcap cap_net_bind_service=+ep $(command -v homing)`, or choose another port (without --apple-ports)"
    )]
    Privileged { port: u16, role: &'static str },
    #[error("can't listen on {address} for {role}: {source}")]
    Other { role: &'static str, address: SocketAddr, source: io::Error },
    #[error("no address to listen on for {role}: name at least one")]
    NoAddress { role: &'static str },
}

/// Listeners of one role.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Where it listens, ports as the kernel chose them.
    pub(crate) addresses: Vec<SocketAddr>,
    /// For each core, one on each address.
    pub(crate) per_core: Vec<Vec<TcpListener>>,
}

/// Binds `cores` listeners to each address. Port 0 lets the kernel choose, once for all addresses.
pub(crate) fn bind(role: &'static str, wanted: &[SocketAddr], cores: usize) -> Result<Bound, ListenError> {
    let mut bound = Bound { addresses: Vec::new(), per_core: (0..cores).map(|_| Vec::new()).collect() };
    for &address in wanted {
        let chosen = bound.addresses.first().map_or(0, SocketAddr::port);
        let mut address =
            SocketAddr::new(address.ip(), if address.port() == 0 { chosen } else { address.port() });
        match bind_address(&mut address, cores) {
            Ok(listeners) => {
                for (core, listener) in bound.per_core.iter_mut().zip(listeners) {
                    core.push(listener);
                }
                bound.addresses.push(address);
            }
            Err(error) if is_missing_loopback(address, &error) => {
                tracing::info!(%address, role, "this machine has no IPv6 loopback address");
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(ListenError::InUse { port: address.port(), role, address });
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && address.port() < 1024 => {
                return Err(ListenError::Privileged { port: address.port(), role });
            }
            Err(source) => return Err(ListenError::Other { role, address, source }),
        }
    }
    if bound.addresses.is_empty() { Err(ListenError::NoAddress { role }) } else { Ok(bound) }
}

fn bind_address(address: &mut SocketAddr, cores: usize) -> io::Result<Vec<TcpListener>> {
    if address.port() != 0 {
        // Sockets that share a port would share it with another process's too: look whether it is free first.
        socket(*address, false)?;
    }
    let mut listeners = Vec::with_capacity(cores);
    for _ in 0..cores {
        let socket = socket(*address, true)?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        *address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn is_missing_loopback(address: SocketAddr, error: &io::Error) -> bool {
    let missing = matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(EAFNOSUPPORT);
    missing && address.ip() == IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)
}

/// Linux: the kernel was built or started without IPv6.
const EAFNOSUPPORT: i32 = 97;

/// Takes connections until `stop` says true. `limit` bounds how many there are at once; beyond it they wait in the kernel.
pub(crate) async fn accept(
    listener: tokio::net::TcpListener,
    role: &'static str,
    limit: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, SocketAddr, OwnedSemaphorePermit),
) {
    let mut failing = false;
    loop {
        let permit = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            permit = Arc::clone(&limit).acquire_owned() => permit,
        };
        let Ok(permit) = permit else { return };
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                failing = false;
                serve(stream, address, permit);
            }
            Err(error) if is_the_peers(&error) => {
                tracing::debug!(role, %error, "a connection was gone before it was accepted")
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(role, %error, "can't accept connections; trying again every 100 ms");
                }
                failing = true;
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Ends when `stop` says true or nobody is left to say it.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.is_ok();
}

/// How long a handshake that is under way may go on when all stops.
const AT_THE_DOOR: Duration = Duration::from_millis(250);

/// What `work` comes to, unless `stop` says true before.
pub(crate) async fn unless_stopped<T>(
    stop: &mut watch::Receiver<bool>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = stopped(stop) => None,
    }
}

/// The same with a moment more: who is at the door when it closes may have sent all it has to say already.
pub(crate) async fn unless_long_stopped<T>(
    stop: &mut watch::Receiver<bool>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let closed = async {
        stopped(stop).await;
        tokio::time::sleep(AT_THE_DOOR).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = closed => None,
    }
}

/// Errors that are about one connection and not about us.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn all_cores_share_the_port_that_the_kernel_chose() {
        let bound = bind("the test", &[ANY], 3).expect("loopback is there");
        assert_eq!(bound.per_core.len(), 3);
        for core in &bound.per_core {
            assert_eq!(core[0].local_addr().ok(), Some(bound.addresses[0]));
        }
    }

    #[test]
    fn a_port_in_use_is_refused_by_name_even_if_its_owner_would_share_it() {
        let first = bind("the first", &[ANY], 2).expect("loopback is there");
        let error = bind("the second", &first.addresses, 2).expect_err("it is in use");
        let port = first.addresses[0].port();
        assert!(
            matches!(error, ListenError::InUse { port: named, role: "the second", .. } if named == port),
            "{error}"
        );
    }
}
