//! A push service without its device side, and a client that shows each frame.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use homing_apns::jwt::SigningKey;
use homing_apns_client::Client as Provider;
use homing_clock::Clock;
use homing_trace::{Environment, UnixMillis};
use http::request::Builder;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::client::TlsStream;

use super::super::{ProviderPort, ProviderPortConfig, ProviderRules};
use crate::advice::Advice;
use crate::authority::{Authority, ProviderCertificateRequest};
use crate::centre::{Centre, Certificate, CertificateKind, CertificateSpec, EnrolmentKeySpec, fingerprint};
use crate::hub::{BUDGET, Hub, Inboxes};
use crate::legacy_port::{Deadlines, LegacyPort, Service};
use crate::store::{Store, StoreConfig};
use crate::testers::Testers;
use crate::token::TokenSealer;

pub(super) const TEAM: &str = "TEAM123456";
pub(super) const OTHER_TEAM: &str = "OTHER12345";
pub(super) const APP: &str = "com.example.news";
pub(super) const OTHER_APP: &str = "com.other.app";
pub(super) const KEY_ID: &str = "KEY1234567";
pub(super) const OTHER_KEY_ID: &str = "KEY7654321";
const ENROLMENT: &str = "an enrolment key for tests";

/// What begins a connection: the preface and empty SETTINGS.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

pub(super) struct World {
    pub(super) address: SocketAddr,
    pub(super) store: Store,
    pub(super) centre: Centre,
    pub(super) sealer: TokenSealer,
    pub(super) advice: Arc<Advice>,
    pub(super) port: Arc<ProviderPort>,
    pub(super) testers: Arc<Testers>,
    authority: Authority,
    pub(super) key: SigningKey,
    pub(super) other_key: SigningKey,
    stop: watch::Sender<bool>,
    dir: tempfile::TempDir,
}

pub(super) enum Credential<'a> {
    None,
    /// Certificates and key in PEM.
    Certificate(&'a str),
}

pub(super) fn real_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs() as i64
}

impl World {
    pub(super) async fn start(environment: Environment) -> Self {
        Self::start_with(environment, ProviderRules::default()).await
    }

    pub(super) async fn start_with(environment: Environment, rules: ProviderRules) -> Self {
        let advice = Arc::new(Advice::default());
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Clock::default();
        let inboxes = Inboxes::new(1);
        let config = StoreConfig { dir: dir.path().join("store"), clock: clock.clone() };
        let store = Store::open(config, inboxes.sinks()).expect("the store opens");
        let centre = Centre::open(store.clone()).await.expect("the centre opens");
        let (key, other_key) = teams(&centre).await;
        let sealer = TokenSealer::load(&store).await.expect("there is a key");
        let authority = Authority::open(dir.path()).expect("the authority opens");
        let hub = Arc::new(Hub::new(store.clone(), clock, inboxes, BUDGET));
        let testers = Arc::<Testers>::default();
        let port = ProviderPort::new(ProviderPortConfig {
            hub: Arc::clone(&hub),
            store: store.clone(),
            centre: centre.clone(),
            sealer: sealer.clone(),
            testers: Some(Arc::clone(&testers)),
            chain: authority.server_chain(),
            key: authority.server_key(),
            client_roots: authority.provider_roots(),
            rules,
            advice: Arc::clone(&advice),
        });
        let port = Arc::new(port.expect("the port is ready"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stops) = watch::channel(false);
        let serving = Arc::clone(&port);
        tokio::spawn(async move { hub.serve(0).await });
        tokio::spawn(async move {
            while let Ok((tcp, peer)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(0, environment, tcp, peer, stops.clone()));
            }
        });
        Self { address, store, centre, sealer, advice, port, testers, authority, key, other_key, stop, dir }
    }

    /// A connection to the legacy interface, served beside the provider port.
    pub(super) async fn legacy(
        &self,
        environment: Environment,
        pem: &str,
        deadlines: Deadlines,
    ) -> TlsStream<TcpStream> {
        let legacy = LegacyPort::new(Arc::clone(&self.port), &self.authority, false);
        let mut legacy = legacy.expect("the port is ready");
        legacy.deadlines = deadlines;
        let legacy = Arc::new(legacy);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let stops = self.stop.subscribe();
        tokio::spawn(async move {
            let (tcp, peer) = listener.accept().await.expect("somebody comes");
            legacy.serve(0, (environment, Service::Notifications), tcp, peer, stops).await;
        });
        let tls =
            tokio_rustls::TlsConnector::from(Arc::new(self.tls_config(Credential::Certificate(pem), &[])));
        let tcp = TcpStream::connect(address).await.expect("it listens");
        tls.connect(ServerName::try_from("localhost").expect("a name"), tcp).await.expect("TLS works")
    }

    /// A device registers for the topic; its token.
    pub(super) async fn register(&self, environment: Environment, topic: &str) -> String {
        let device = self.store.enrol(ENROLMENT).await.expect("the key admits devices").device;
        self.register_device(device, environment, topic).await
    }

    pub(super) async fn register_device(&self, device: u64, environment: Environment, topic: &str) -> String {
        let topic_no = self.topic_no(topic);
        let subscribed =
            self.store.subscribe(device, environment, topic_no, None).await.expect("it registers");
        hex(&self.sealer.seal(&subscribed.registration))
    }

    pub(super) fn topic_no(&self, topic: &str) -> u32 {
        self.centre.directory().topic(topic).expect("the app has this topic").topic_no
    }

    /// A certificate of one topic for any environments, which the developer centre makes none of.
    pub(super) async fn certificate(&self, topic: &str, environments: &[Environment]) -> String {
        let request = ProviderCertificateRequest {
            topic: topic.to_owned(),
            common_name: format!("Apple Push Services: {topic}"),
            team: TEAM.to_owned(),
            environments: environments.to_vec(),
            topics: Vec::new(),
            voip_topics: Vec::new(),
            expires_at: None,
            p12_password: "secret".to_owned().into(),
        };
        let files = self.authority.issue_provider_certificate(&request).expect("it is issued");
        let certificate = Certificate {
            id: Centre::random_id().expect("there are random bytes").into(),
            fingerprint: fingerprint(&files.der),
            team: TEAM.into(),
            bundle_id: APP.into(),
            kind: CertificateKind::Development,
            expires_at: files.expires_at,
            created_at: self.store.clock().now(),
        };
        self.centre.record_certificate(certificate).await.expect("it counts");
        files.pem.to_string()
    }

    /// A certificate of [`APP`] as the developer centre makes it, and its id.
    pub(super) async fn issued(
        &self,
        kind: CertificateKind,
        expires_at: Option<UnixMillis>,
    ) -> (Box<str>, String) {
        let p12_password = "secret".to_owned().into();
        let spec = CertificateSpec { bundle_id: APP.to_owned(), kind, expires_at, p12_password };
        let made = self.centre.create_certificate(&self.authority, spec).await.expect("it is issued");
        (made.about.id, made.files.pem.to_string())
    }

    /// A client of the kind that others use.
    pub(super) async fn provider(&self, credential: homing_apns_client::Credential) -> Provider {
        let mut config = homing_apns_client::ClientConfig::new("localhost", self.address.port(), credential);
        config.roots = homing_apns_client::Roots::Pem(self.authority.ca_pem().as_bytes().to_vec());
        Provider::connect(config).await.expect("it connects")
    }

    /// The team's key, as that kind of client takes it.
    pub(super) fn client_credential(&self) -> homing_apns_client::Credential {
        let p8 = self.key.to_p8().expect("it is a key");
        let key = homing_apns_client::ProviderKey::from_p8(&p8, KEY_ID, TEAM).expect("it is one");
        homing_apns_client::Credential::Key(Arc::new(key))
    }

    /// The file of kept notifications.
    pub(super) fn log_file(&self) -> std::path::PathBuf {
        self.dir.path().join("store/notifications.db")
    }

    /// A request with a good token for [`APP`].
    pub(super) fn request(&self, token: &str) -> Builder {
        let jwt = self.key.sign(KEY_ID, TEAM, real_seconds());
        self.bare_request(token).header("authorization", format!("bearer {jwt}")).header("apns-topic", APP)
    }

    /// A request about channels, with a good token.
    pub(super) fn channel_request(&self, method: &str, path: &str) -> Builder {
        let jwt = self.key.sign(KEY_ID, TEAM, real_seconds());
        let uri = format!("https://localhost{path}");
        http::Request::builder().method(method).uri(uri).header("authorization", format!("bearer {jwt}"))
    }

    pub(super) fn bare_request(&self, token: &str) -> Builder {
        http::Request::post(format!("https://localhost/3/device/{token}"))
    }

    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(super) fn tls_config(&self, credential: Credential<'_>, alpn: &[&str]) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.authority.ca_pem().as_bytes()) {
            roots.add(root.expect("it is PEM")).expect("it is a certificate");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the versions are known")
            .with_root_certificates(roots);
        let mut config = match credential {
            Credential::None => builder.with_no_client_auth(),
            Credential::Certificate(pem) => {
                let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>();
                let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("the PEM has a key");
                builder.with_client_auth_cert(chain.expect("it is PEM"), key).expect("they belong together")
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    pub(super) async fn tls(&self, config: rustls::ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        self.tls_to("localhost", config).await
    }

    pub(super) async fn tls_to(
        &self,
        name: &'static str,
        config: rustls::ClientConfig,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name).expect("it is a name");
        let tcp = TcpStream::connect(self.address).await?;
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await
    }

    /// What a connection with this certificate is told at once: the text of the GOAWAY that follows the SETTINGS.
    pub(super) async fn sent_away(&self, pem: &str) -> String {
        let config = self.tls_config(Credential::Certificate(pem), &["h2"]);
        let mut stream = self.tls(config).await.expect("TLS works");
        stream.write_all(PREFACE).await.expect("it is sent");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.expect("it is closed in good order");
        let said = frames(&said);
        assert_eq!(said.iter().map(|frame| frame.0).collect::<Vec<_>>(), [4, 7], "SETTINGS and GOAWAY");
        assert_eq!(said[1].3[..8], [0; 8], "before any stream, without error");
        String::from_utf8_lossy(&said[1].3[8..]).into_owned()
    }

    pub(super) async fn client(&self, credential: Credential<'_>) -> Client {
        Client::over(self.tls(self.tls_config(credential, &["h2"])).await.expect("TLS works")).await
    }
}

async fn teams(centre: &Centre) -> (SigningKey, SigningKey) {
    let mut keys = Vec::new();
    for (team, app, key_id) in [(TEAM, APP, KEY_ID), (OTHER_TEAM, OTHER_APP, OTHER_KEY_ID)] {
        centre.create_team(team, "A team").await.expect("the team is made");
        centre.create_app(team, app).await.expect("the app is made");
        let made = centre.create_provider_key(team, Some(key_id)).await.expect("the key is made");
        keys.push(SigningKey::from_p8(&made.p8_pem).expect("it is a key"));
    }
    let spec = EnrolmentKeySpec {
        team: TEAM.to_owned(),
        apps: vec![APP.to_owned()],
        environments: Environment::ALL.to_vec(),
        quota: 1000,
        per_minute: 1000,
        expires_at: None,
    };
    centre.put_enrolment_key(ENROLMENT, spec).await.expect("the enrolment key is made");
    let other = keys.pop().expect("two keys were made");
    (keys.pop().expect("two keys were made"), other)
}

/// Whole frames as (kind, flags, stream, payload).
pub(super) fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let len = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let Some((payload, rest)) = rest.split_at_checked(len) else { break };
        frames.push((head[3], head[4], stream, payload.to_vec()));
        bytes = rest;
    }
    frames
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
    pub(super) frames: usize,
    pub(super) ended_with_headers: bool,
    pub(super) ended_with_data: bool,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// Status and reason of a refusal whose form is in order.
    pub(super) fn reason(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert!(
            self.frames == 1 && self.ended_with_data,
            "a refusal is HEADERS and one DATA that ends it: {self:?}"
        );
        assert!(self.header("apns-id").is_some(), "{self:?}");
        let refusal = homing_apns::Refusal::from_body(&self.body).expect("the body is Apple's");
        assert_eq!(refusal.timestamp.is_some(), self.status == 410, "{self:?}");
        (self.status, refusal.reason.to_string())
    }
}

#[derive(Clone)]
pub(super) struct Client {
    requests: SendRequest<Bytes>,
    connection: Arc<tokio::sync::Mutex<tokio::task::JoinHandle<()>>>,
}

impl Client {
    pub(super) async fn over(stream: TlsStream<TcpStream>) -> Self {
        let (requests, connection) = h2::client::handshake(stream).await.expect("HTTP/2 begins");
        let connection = tokio::spawn(async move { connection.await.unwrap_or(()) });
        Self { requests, connection: Arc::new(tokio::sync::Mutex::new(connection)) }
    }

    /// A request without a body, and its answer.
    pub(super) async fn ask(&mut self, request: Builder) -> Answered {
        read(self.get(request).await).await
    }

    /// A request without a body; what comes of it isn't read.
    pub(super) async fn get(&mut self, request: Builder) -> ResponseFuture {
        let request = request.body(()).expect("the request is one");
        let mut ready = self.requests.clone().ready().await.expect("there is room");
        ready.send_request(request, true).expect("it is sent").0
    }

    pub(super) async fn begin(&mut self, request: Builder) -> (ResponseFuture, SendStream<Bytes>) {
        let request = request.body(()).expect("the request is one");
        let mut ready = self.requests.clone().ready().await.expect("there is room");
        ready.send_request(request, false).expect("it is sent")
    }

    pub(super) async fn send(&mut self, request: Builder, body: &[u8]) -> Answered {
        self.send_chunks(request, vec![Bytes::copy_from_slice(body)]).await
    }

    pub(super) async fn send_chunks(&mut self, request: Builder, chunks: Vec<Bytes>) -> Answered {
        let (answer, mut stream) = self.begin(request).await;
        let last = chunks.len() - 1;
        for (at, chunk) in chunks.into_iter().enumerate() {
            stream.send_data(chunk, at == last).expect("the stream is open");
        }
        read(answer).await
    }

    /// Streams that the server allows at a time.
    pub(super) fn streams(&self) -> usize {
        self.requests.current_max_send_streams()
    }

    /// Waits until the server has closed the connection.
    pub(super) async fn closed(&self) {
        (&mut *self.connection.lock().await).await.expect("the connection ends");
    }
}

pub(super) async fn read(answer: ResponseFuture) -> Answered {
    let (head, mut body) = answer.await.expect("it is answered").into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("our headers are text").to_owned()));
    let mut answered = Answered {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: Vec::new(),
        frames: 0,
        ended_with_headers: body.is_end_stream(),
        ended_with_data: false,
    };
    while let Some(chunk) = body.data().await {
        let chunk = chunk.expect("the body comes");
        answered.frames += 1;
        let _ = body.flow_control().release_capacity(chunk.len());
        answered.ended_with_data = body.is_end_stream();
        answered.body.extend_from_slice(&chunk);
    }
    answered
}
