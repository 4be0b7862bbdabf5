//! What one device of a fleet takes, besides its TLS connection: counted at the allocator, so that it is the same on every
//! machine. The push service is a process of its own, and not counted.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that isn't as it should be")]
#![expect(unsafe_code, reason = "only an allocator sees every byte, and the language wants `unsafe` for one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use homing_clock::Clock;
use homing_device::{Crowd, CrowdConfig, FleetCounts, Profile};
use homing_testkit::Expiration;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::ports::free_block;
use homing_testkit::process::Homing;
use homing_testkit::provider::{Answered, TestProvider, new_apns_id};
use homing_trace::Environment;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const BINARY: &str = env!("CARGO_BIN_EXE_homing");
const DEVICES: u64 = 1_000;
/// Notifications that each device gets before it is measured.
const NOTIFICATIONS: usize = 12;
/// The most bytes a device may take, besides its TLS connection.
const MOST: i64 = 20_000;

/// The system's allocator, with a count of what is in use.
struct Counting;

static IN_USE: AtomicI64 = AtomicI64::new(0);

// SAFETY: everything is the system allocator's; the count changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's conditions.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        IN_USE.fetch_add(size as i64 - layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn in_use() -> i64 {
    IN_USE.load(Ordering::Relaxed)
}

async fn until(crowd: &Crowd, what: &str, wanted: impl Fn(&FleetCounts) -> bool) {
    let waited = async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        while !wanted(&crowd.counts()) {
            look.tick().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(180), waited).await;
    waited.unwrap_or_else(|_| panic!("{what} didn't come: {:?}", crowd.counts()));
}

/// Bytes for each of some hundred connections that have shaken hands and nothing else.
async fn bare_tls(endpoints: &Endpoints) -> i64 {
    const CONNECTIONS: i64 = 200;
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(&endpoints.ca_pem).unwrap();
    CertificateDer::pem_slice_iter(&pem).for_each(|root| roots.add(root.unwrap()).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"mqtt".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let connect = async || -> Box<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(("localhost", endpoints.device_link.port)).await.unwrap();
        Box::new(connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap())
    };
    // What all share is there from the first on.
    let first = connect().await;
    let before = in_use();
    let mut all = Vec::with_capacity(CONNECTIONS as usize);
    for _ in 0..CONNECTIONS {
        all.push(connect().await);
    }
    let each = (in_use() - before) / CONNECTIONS;
    drop((first, all));
    each
}

async fn send_to_all(provider: &TestProvider, tokens: &str) {
    // A page of text, as people send it.
    let body = "All trains between the two stations are late today. ".repeat(4);
    let payload = format!(
        r#"{{"aps":{{"alert":{{"title":"News","body":"{body}"}},"sound":"default","badge":1}},"url":"https://news.example/1"}}"#
    );
    for line in tokens.lines() {
        let token = line.split('\t').next().unwrap();
        let sent = provider.send(token, new_apns_id().unwrap(), Expiration::Default, payload.clone()).await;
        assert_eq!(sent.unwrap(), Answered::Accepted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_a_fleet_takes_at_most_20_kb_besides_its_tls_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (data, ports) = (dir.path().join("data"), free_block(211).unwrap());
    let gateway = Homing::gateway(Path::new(BINARY), &data, ports).await.unwrap();
    let endpoints = gateway.endpoints();
    let tls = bare_tls(endpoints).await;
    let profile = dir.path().join("profile.toml");
    // The usual app, with a user who has let everything lie.
    std::fs::write(&profile, "[time-zones]\n\"Europe/Berlin\" = 50\n\"Asia/Shanghai\" = 50\n").unwrap();
    let demo = homing_app::demo::manifest("development").unwrap();
    let tokens = dir.path().join("tokens.tsv");
    let config = CrowdConfig {
        devices: DEVICES,
        profile: Profile::read(&profile, &demo).unwrap(),
        clock: Clock::default(),
        link: (endpoints.device_link.host.clone(), endpoints.device_link.port),
        ca_pem: std::fs::read(&endpoints.ca_pem).unwrap(),
        enrolment_key: endpoints.enrolment_key.clone().unwrap(),
        identities: None,
        tokens: Some(tokens.clone()),
    };
    let before = in_use();
    let crowd = Crowd::start(config).unwrap();
    until(&crowd, "a token for each", |counts| counts.tokens == DEVICES).await;
    let each = |after: i64| (after - before) / DEVICES as i64;
    let connected = each(in_use()) - tls;
    let provider = TestProvider::connect(endpoints, Environment::Development).await.unwrap();
    let tokens = std::fs::read_to_string(&tokens).unwrap();
    for round in 1..=NOTIFICATIONS {
        send_to_all(&provider, &tokens).await;
        let all = round as u64 * DEVICES;
        until(&crowd, "a receipt of each", |counts| counts.receipts_taken == all).await;
    }
    drop(provider);
    let after = each(in_use()) - tls;
    println!("bytes: TLS {tls}; a device beside it {connected}, after {NOTIFICATIONS} notifications {after}");
    assert!(after <= MOST, "a device takes {after} bytes beside its TLS connection, which takes {tls}");
}
