//! What one device of a fleet takes, besides its TLS connection: counted at the allocator, so that it is the same on every
//! machine. The push service is a process of its own, and not counted.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that isn't as it should be")]
#![expect(unsafe_code, reason = "only an allocator sees every byte, and the language wants `unsafe` for one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use homing_apns::{CollapseId, DeliveryOptions, Priority, PushType, Topic};
use homing_clock::Clock;
use homing_device::{Crowd, CrowdConfig, FleetCounts, Profile};
use homing_testkit::api::Api;
use homing_testkit::endpoints::Endpoints;
use homing_testkit::ports::free_block;
use homing_testkit::process::Homing;
use homing_testkit::provider::{Answered, TestProvider, new_apns_id};
use homing_trace::Environment;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const BINARY: &str = env!("CARGO_BIN_EXE_homing");
const DEVICES: u64 = 250;
/// Notifications that each device gets before it is measured.
const NOTIFICATIONS: usize = 64;
/// Requests of the sender that are under way at once.
const AT_ONCE: usize = 16;
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

/// What is in use once nothing is under way any more.
async fn at_rest() -> i64 {
    let mut look = tokio::time::interval(Duration::from_millis(200));
    let resting = async {
        let (mut before, mut equal) = (in_use(), 0);
        while equal < 3 {
            look.tick().await;
            equal = if in_use() == before { equal + 1 } else { 0 };
            before = in_use();
        }
        before
    };
    tokio::time::timeout(Duration::from_secs(60), resting).await.unwrap()
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

/// What is sent, and to what kind of fleet.
struct Load {
    name: &'static str,
    /// The apps that each device has.
    apps: usize,
    profile: &'static str,
    /// The payload of the nth notification, and whether it is silent.
    payload: fn(usize) -> (String, bool),
}

/// As people send: a page of text.
fn usual(_: usize) -> (String, bool) {
    let body = "All trains between the two stations are late today. ".repeat(4);
    let alert = json!({"title": "News", "body": body});
    let aps = json!({"alert": alert, "sound": "default", "badge": 1});
    (json!({"aps": aps, "url": "https://news.example/1"}).to_string(), false)
}

/// As large as it may be, in each way that a device could keep.
fn large(nth: usize) -> (String, bool) {
    let long = |len: usize| format!("{nth:04}").repeat(len / 4);
    let mut keys = json!({});
    for key in 0..350 {
        keys[format!("k{key}")] = json!(key);
    }
    let silent = nth % 6 == 5;
    let payload = match nth % 6 {
        0 => json!({"aps": {"alert": {"title": long(1_000), "subtitle": long(900), "body": long(1_900)}}}),
        1 => json!({"aps": {"alert": "News"}, "keys": keys}),
        2 => {
            json!({"aps": {"alert": "News", "thread-id": long(1_200), "category": long(1_200), "target-content-id": long(1_200)}})
        }
        3 => {
            json!({"aps": {"alert": {"loc-key": "NEWS", "loc-args": vec![long(600); 6]}, "interruption-level": "passive"}})
        }
        4 => {
            json!({"aps": {"alert": {"title": "News", "launch-image": long(1_200), "summary-arg": long(1_200)},
            "sound": long(800), "filter-criteria": long(700), "badge": nth}})
        }
        _ => json!({"aps": {"content-available": 1}, "keys": keys}),
    };
    let payload = payload.to_string();
    assert!((3_500..=4_096).contains(&payload.len()), "the {nth}th has {} bytes", payload.len());
    (payload, silent)
}

const LOADS: [Load; 2] = [
    Load { name: "one app, pages of text", apps: 1, profile: "", payload: usual },
    Load {
        name: "three apps, large payloads",
        apps: 3,
        profile: "[focus]\nshare = 20\n[on-notification]\nopens = 20\ndismisses = 30\nafter = \"12h\"",
        payload: large,
    },
];

/// A push service with apps, whose devices are measured.
struct Measured {
    dir: tempfile::TempDir,
    gateway: Homing,
    tls: i64,
    enrolment_key: String,
}

impl Measured {
    fn bundle(app: usize) -> String {
        format!("com.example.app{app}")
    }

    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (data, ports) = (dir.path().join("data"), free_block(211).unwrap());
        let gateway = Homing::gateway(Path::new(BINARY), &data, ports).await.unwrap();
        let admin = Api::admin(gateway.endpoints());
        let team = &gateway.endpoints().demo().unwrap().team_id;
        let apps = LOADS.iter().map(|load| load.apps).max().unwrap();
        let bundles: Vec<_> = (0..apps).map(Self::bundle).collect();
        for bundle in &bundles {
            admin.post("/v1/apps", json!({"bundle_id": bundle, "team_id": team})).await.unwrap();
        }
        let wish = json!({"team_id": team, "apps": bundles, "quota": 1_000, "per_minute": 10_000});
        let made = admin.post("/v1/enrolment-keys", wish).await.unwrap();
        let enrolment_key = made["enrolment_key"].as_str().unwrap().to_owned();
        let tls = bare_tls(gateway.endpoints()).await;
        Self { dir, gateway, tls, enrolment_key }
    }

    fn config(&self, load: &Load) -> CrowdConfig {
        let demo = homing_app::demo::manifest("development").unwrap();
        let mut profile = String::from("[time-zones]\n\"Europe/Berlin\" = 50\n\"Asia/Shanghai\" = 50\n");
        profile += load.profile;
        for app in 0..load.apps {
            let name = format!("app{app}.json");
            let mut manifest: Value = serde_json::to_value(&demo).unwrap();
            manifest["bundle_id"] = json!(Self::bundle(app));
            std::fs::write(self.dir.path().join(&name), manifest.to_string()).unwrap();
            profile += &format!("\n[[app]]\nmanifest = \"{name}\"\n");
        }
        let path = self.dir.path().join("profile.toml");
        std::fs::write(&path, profile).unwrap();
        let endpoints = self.gateway.endpoints();
        CrowdConfig {
            devices: DEVICES,
            profile: Profile::read(&path, &demo).unwrap(),
            clock: Clock::default(),
            link: (endpoints.device_link.host.clone(), endpoints.device_link.port),
            ca_pem: std::fs::read(&endpoints.ca_pem).unwrap(),
            enrolment_key: self.enrolment_key.clone(),
            identities: None,
            tokens: Some(self.dir.path().join("tokens.tsv")),
        }
    }

    /// One notification to each device, for one of its apps.
    async fn send(&self, provider: &Arc<TestProvider>, app: usize, (payload, silent): (String, bool)) {
        let bundle = Self::bundle(app);
        let tokens = std::fs::read_to_string(self.dir.path().join("tokens.tsv")).unwrap();
        let mut sending = JoinSet::new();
        for line in tokens.lines().filter(|line| line.split('\t').nth(1) == Some(&bundle)) {
            if sending.len() == AT_ONCE {
                assert_eq!(sending.join_next().await.unwrap().unwrap(), Answered::Accepted);
            }
            let apns_id = new_apns_id().unwrap();
            let options = DeliveryOptions {
                apns_id: Some(apns_id),
                topic: Some(Topic::parse(bundle.as_bytes()).unwrap()),
                push_type: Some(if silent { PushType::Background } else { PushType::Alert }),
                priority: Some(if silent { Priority::Five } else { Priority::Ten }),
                // The longest that there is, and none equal to another.
                collapse_id: Some(CollapseId::parse(format!("{apns_id:_>64}").as_bytes()).unwrap()),
                ..DeliveryOptions::default()
            };
            let token = line.split('\t').next().unwrap().to_owned();
            let (provider, payload) = (Arc::clone(provider), payload.clone());
            sending.spawn(async move { provider.send_with(&token, options, payload).await.unwrap() });
        }
        for answered in sending.join_all().await {
            assert_eq!(answered, Answered::Accepted);
        }
    }

    /// Bytes that each device takes beside its TLS connection: connected, and after all notifications.
    async fn measure(&self, load: &Load) -> (i64, i64) {
        let before = at_rest().await;
        let crowd = Crowd::start(self.config(load)).unwrap();
        let each = async || (at_rest().await - before) / DEVICES as i64 - self.tls;
        let tokens = DEVICES * load.apps as u64;
        until(&crowd, "a token for each", |counts| counts.tokens == tokens).await;
        let connected = each().await;
        let provider = Arc::new(
            TestProvider::connect(self.gateway.endpoints(), Environment::Development).await.unwrap(),
        );
        for nth in 0..NOTIFICATIONS {
            self.send(&provider, nth % load.apps, (load.payload)(nth)).await;
            let all = (nth + 1) as u64 * DEVICES;
            until(&crowd, "all of it", |counts| counts.received == all).await;
        }
        let said = |counts: &FleetCounts| counts.displayed + counts.suppressed.values().sum::<u64>();
        until(&crowd, "a receipt of each", |counts| counts.receipts_taken >= said(counts)).await;
        drop(provider);
        let after = each().await;
        crowd.shutdown().await;
        (connected, after)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_a_fleet_takes_at_most_20_kb_besides_its_tls_connection() {
    let measured = Measured::new().await;
    let tls = measured.tls;
    let mut worst = 0;
    for load in LOADS {
        let (connected, after) = measured.measure(&load).await;
        let name = load.name;
        println!(
            "{name}: TLS {tls}; a device beside it {connected}, after {NOTIFICATIONS} notifications {after}"
        );
        worst = worst.max(after);
    }
    assert!(worst <= MOST, "a device takes {worst} bytes beside its TLS connection of {tls}");
}
