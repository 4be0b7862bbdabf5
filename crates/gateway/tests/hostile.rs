//! Peers that flood, stall and bomb, on the provider port and on the device link: others are served meanwhile, memory stays
//! bounded, and who must be sent away is. The frames are written by hand, since no client writes them.

// The other tests need more of it.
#[allow(dead_code)]
#[path = "device_link/house.rs"]
mod house;

#[path = "hostile/device_link.rs"]
mod device_link;
#[path = "hostile/frames.rs"]
mod frames;
#[path = "hostile/provider_port.rs"]
mod provider_port;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use homing_apns::Expiration;
use homing_gateway::Gateway;
use homing_link::Version;
use homing_testkit::device::Connection;
use house::{House, NEWS};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

/// How long one attack goes on.
const ATTACK: Duration = Duration::from_secs(3);
/// Within which a good client is served all the same; far beyond what it takes.
const SERVED_WITHIN: Duration = Duration::from_secs(20);
/// By how much the process, attackers and all, may grow, in bytes.
const GROWTH: u64 = 96 << 20;
/// A peer that takes nothing for so long has stopped taking.
const BLOCKED: Duration = Duration::from_secs(3);

/// How an attack ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Closed,
    /// The peer doesn't read on.
    Blocked,
    /// It takes all, as long as the attack goes on.
    Taken,
}

/// What the process has in memory, in bytes.
fn memory() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("it is a number");
    pages * 4096
}

async fn tls(gateway: &Gateway, to: SocketAddr, alpn: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(gateway.authority().ca_pem().as_bytes()).expect("PEM");
    roots.add(ca).expect("a root certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let tcp = TcpStream::connect(to).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.expect("a TLS handshake")
}

/// Writes what `next` gives until the time is over, without reading anything.
async fn flood(
    mut stream: TlsStream<TcpStream>,
    lasts: Duration,
    mut next: impl FnMut() -> Vec<u8>,
) -> Ended {
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        let bytes = next();
        let write = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match timeout(BLOCKED, write).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ended::Closed,
            Err(_) => return Ended::Blocked,
        }
    }
    // A close that is on its way is one.
    match timeout(BLOCKED, read_to_end(&mut stream)).await {
        Ok(()) => Ended::Closed,
        Err(_) => Ended::Taken,
    }
}

async fn read_to_end(stream: &mut TlsStream<TcpStream>) {
    let mut discarded = vec![0; 16 * 1024];
    while !matches!(stream.read(&mut discarded).await, Ok(0) | Err(_)) {}
}

/// The peer closes within its deadlines.
async fn is_closed(mut stream: TlsStream<TcpStream>) {
    timeout(Duration::from_secs(90), read_to_end(&mut stream)).await.expect("there is a deadline");
}

/// A push service with a device and a sender that behave.
struct Good {
    house: House,
    connection: Connection,
    token: String,
}

impl Good {
    async fn start() -> Self {
        let house = House::start(2).await;
        let device = house.enrol().await;
        let mut connection = device.connect(Version::V5).await.expect("enrolled");
        let token = connection.subscribe(&NEWS).await.expect("its own app");
        Self { house, connection, token }
    }

    fn provider_port(&self) -> SocketAddr {
        self.house.gateway.addresses().apns[0].1[0]
    }

    fn device_port(&self) -> SocketAddr {
        house::link_address(&self.house.gateway)
    }

    /// A notification goes all the way, and a new connection is taken.
    async fn is_served(&mut self) {
        let served = async {
            let apns_id = self.house.send(&self.token, Expiration::Once, "{}").await.expect("accepted");
            let notification = self.connection.notification().await.expect("delivered");
            assert_eq!(notification.apns_id, apns_id);
            self.connection.ack(notification.packet_id).await.expect("still open");
            drop(tls(&self.house.gateway, self.provider_port(), b"h2").await);
        };
        timeout(SERVED_WITHIN, served).await.expect("others are served");
    }

    /// Lets the attackers do their work while others are served; how each attack ended.
    async fn under(&mut self, what: &str, mut attackers: JoinSet<Ended>) -> Vec<Ended> {
        let before = memory();
        let (mut ends, mut most) = (Vec::new(), before);
        while !attackers.is_empty() {
            self.is_served().await;
            most = most.max(memory());
            while let Some(ended) = attackers.try_join_next() {
                ends.push(ended.expect("an attacker doesn't panic"));
            }
        }
        let growth = most.saturating_sub(before);
        assert!(growth < GROWTH, "{what}: grew by {growth} bytes: {ends:?}");
        eprintln!("{what}: grew by {} KiB, {ends:?}", growth >> 10);
        ends
    }
}
