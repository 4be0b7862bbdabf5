//! A push service of the test's own with a legacy port, a device's tokens, and a client that writes what it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use homing_apns::Expiration;
use homing_apns::legacy::{Command, ErrorPacket, Identifier, LegacyNotification};
use homing_clock::Clock;
use homing_gateway::authority::{CertificateTopic, ProviderCertificateRequest};
use homing_gateway::centre::{Centre, Certificate, CertificateKind, EnrolmentKeySpec, fingerprint};
use homing_gateway::store::TraceQuery;
use homing_gateway::token::TokenSealer;
use homing_gateway::{Gateway, GatewayConfig};
use homing_link::RegistrationName;
use homing_testkit::device::{Link, TestDevice};
use homing_testkit::endpoints::HostPort;
use homing_trace::{Environment, Stage, Trace};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

pub(crate) const TEAM: &str = "TEAM000001";
pub(crate) const BUNDLE: &str = "com.example.news";
pub(crate) const VOIP: &str = "com.example.news.voip";
pub(crate) const RIVAL: &str = "org.example.rival";
pub(crate) const ENROLMENT_KEY: &str = "enrol-the-devices-of-the-tests";
pub(crate) const NEWS: RegistrationName<'static> =
    RegistrationName { environment: Environment::Development, topic: BUNDLE, instance: None };
pub(crate) const PAYLOAD: &[u8] = br#"{"aps":{"alert":"Hi"}}"#;
pub(crate) const IDENTIFIER: Identifier = [0xca, 0xfe, 0, 7];
/// Far beyond what anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) sealer: TokenSealer,
    _dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::start_with(false).await
    }

    pub(crate) async fn start_with(strict_legacy: bool) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let any = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let config = GatewayConfig {
            data_dir: dir.path().to_owned(),
            clock: Clock::default(),
            cores: 2,
            apns: vec![(Environment::Development, any.clone())],
            legacy: vec![(Environment::Development, any.clone())],
            feedback: vec![(Environment::Development, any.clone())],
            rules: homing_gateway::ProviderRules::default(),
            strict_legacy,
            device_link: any.clone(),
            admin: any,
            admin_key: "admin".to_owned(),
            for_testers: true,
        };
        let gateway = Gateway::start(config).await.expect("loopback and a new folder");
        let centre = gateway.centre();
        for (team, app) in [(TEAM, BUNDLE), ("TEAM000002", RIVAL)] {
            centre.create_team(team, "Example").await.expect("a new team");
            centre.create_app(team, app).await.expect("a new app");
        }
        let spec = EnrolmentKeySpec {
            team: TEAM.to_owned(),
            apps: vec![BUNDLE.to_owned()],
            environments: Environment::ALL.to_vec(),
            quota: 10_000,
            per_minute: 10_000,
            expires_at: None,
        };
        centre.put_enrolment_key(ENROLMENT_KEY, spec).await.expect("its team's own app");
        let sealer = TokenSealer::load(gateway.store()).await.expect("there is a key");
        Self { gateway, sealer, _dir: dir }
    }

    /// A new device registers for the topic and stays away; its token.
    pub(crate) async fn register(&self, topic: &str) -> Vec<u8> {
        self.register_in(Environment::Development, topic).await
    }

    pub(crate) async fn register_in(&self, environment: Environment, topic: &str) -> Vec<u8> {
        self.register_device(environment, topic).await.1
    }

    /// The device, too.
    pub(crate) async fn register_device(&self, environment: Environment, topic: &str) -> (u64, Vec<u8>) {
        let store = self.gateway.store();
        let device = store.enrol(ENROLMENT_KEY).await.expect("the key admits devices").device;
        let subscribed = store.subscribe(device, environment, self.topic_no(topic), None).await;
        (device, self.sealer.seal(&subscribed.expect("it registers").registration).to_vec())
    }

    /// The app is removed.
    pub(crate) async fn unregister(&self, device: u64, topic: &str) -> i64 {
        let topic_no = self.topic_no(topic);
        let ended = self.gateway.store().unsubscribe(device, Environment::Development, topic_no, None).await;
        ended.expect("the store answers").expect("it was registered").secs()
    }

    pub(crate) fn topic_no(&self, topic: &str) -> u32 {
        self.gateway.centre().directory().topic(topic).expect("an app has this topic").topic_no
    }

    pub(crate) async fn enrol(&self) -> TestDevice {
        let port = self.gateway.addresses().device_link[0].port();
        let at = HostPort { host: "localhost".to_owned(), port };
        let link = Link::new(at, self.gateway.authority().ca_pem_path()).expect("the root is on disk");
        TestDevice::enrol(&link, ENROLMENT_KEY).await.expect("the key admits devices")
    }

    pub(crate) async fn traces(&self, token: &[u8]) -> Vec<Trace> {
        let text = token.iter().map(|byte| format!("{byte:02x}")).collect();
        let query = TraceQuery::Token { token: text, registration: self.sealer.open(token) };
        self.gateway.store().trace(query, 100_000).await.expect("the store answers")
    }

    /// Stage and reason of each step of the token's notifications.
    pub(crate) async fn steps(&self, token: &[u8]) -> Vec<(Stage, Option<String>)> {
        let traces = self.traces(token).await;
        let events = traces.iter().flat_map(|trace| &trace.events);
        events.map(|event| (event.stage, event.reason.as_ref().map(ToString::to_string))).collect()
    }

    /// Waits until so many of the token's notifications have reached the stage, and no more.
    pub(crate) async fn wait_for(&self, token: &[u8], stage: Stage, count: usize) {
        let reached = async {
            loop {
                let reached = self.steps(token).await.iter().filter(|step| step.0 == stage).count();
                assert!(reached <= count, "{reached} are {stage}, {count} were sent");
                if reached == count {
                    return;
                }
            }
        };
        timeout(DEADLINE, reached).await.expect("they arrive in time");
    }

    /// One that the developer centre would make none of; it counts when one of its topics is an app's.
    pub(crate) async fn certificate(
        &self,
        topic: &str,
        topics: &[&str],
        environments: &[Environment],
    ) -> String {
        let listed =
            |topic: &&str| CertificateTopic { topic: (*topic).to_owned(), kinds: vec!["app".to_owned()] };
        let request = ProviderCertificateRequest {
            topic: topic.to_owned(),
            common_name: format!("Apple Push Services: {topic}"),
            team: TEAM.to_owned(),
            environments: environments.to_vec(),
            topics: topics.iter().map(listed).collect(),
            voip_topics: Vec::new(),
            expires_at: None,
            p12_password: "secret".to_owned().into(),
        };
        let files = self.gateway.authority().issue_provider_certificate(&request).expect("it is issued");
        let directory = self.gateway.centre().directory();
        let named = [topic].into_iter().chain(topics.iter().copied());
        if let Some(entry) = named.filter_map(|topic| directory.topic(topic)).take(1).next() {
            let certificate = Certificate {
                id: Centre::random_id().expect("there are random bytes").into(),
                fingerprint: fingerprint(&files.der),
                team: entry.team.clone(),
                bundle_id: entry.bundle_id.clone(),
                kind: CertificateKind::Universal,
                expires_at: files.expires_at,
                created_at: self.gateway.store().clock().now(),
            };
            self.gateway.centre().record_certificate(certificate).await.expect("it counts");
        }
        files.pem.to_string()
    }

    pub(crate) fn legacy(&self) -> SocketAddr {
        self.gateway.addresses().legacy[0].1[0]
    }

    pub(crate) fn feedback(&self) -> SocketAddr {
        self.gateway.addresses().feedback[0].1[0]
    }

    /// With a certificate for the app, in both environments.
    pub(crate) async fn connect(&self) -> Client {
        self.connect_to("localhost").await
    }

    pub(crate) async fn connect_to(&self, name: &'static str) -> Client {
        let pem = self.certificate(BUNDLE, &[], &Environment::ALL).await;
        self.try_connect(self.legacy(), name, &self.tls(Some(&pem), rustls::ALL_VERSIONS))
            .await
            .expect("TLS works")
    }

    pub(crate) async fn connect_with(&self, version: &'static SupportedProtocolVersion) -> Client {
        let pem = self.certificate(BUNDLE, &[], &Environment::ALL).await;
        self.try_connect(self.legacy(), "localhost", &self.tls(Some(&pem), &[version]))
            .await
            .expect("TLS works")
    }

    pub(crate) async fn try_connect(
        &self,
        to: SocketAddr,
        name: &'static str,
        config: &Arc<ClientConfig>,
    ) -> std::io::Result<Client> {
        let name = ServerName::try_from(name).expect("it is a name");
        let tcp = TcpStream::connect(to).await?;
        tcp.set_nodelay(true)?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
        Ok(Client { stream: connector.connect(name, tcp).await? })
    }

    pub(crate) fn tls(
        &self,
        pem: Option<&str>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.gateway.authority().ca_pem().as_bytes()) {
            roots.add(root.expect("it is PEM")).expect("it is a certificate");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("the versions are known")
            .with_root_certificates(roots);
        Arc::new(match pem {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>();
                let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("the PEM has a key");
                builder.with_client_auth_cert(chain.expect("it is PEM"), key).expect("they belong together")
            }
        })
    }

    pub(crate) async fn stop(self) {
        self.gateway.shutdown().await;
    }
}

/// A provider that writes raw bytes.
pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the connection is open");
        self.stream.flush().await.expect("the connection is open");
    }

    /// Reads until the push service closes, and closes too.
    pub(crate) async fn hears(mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        timeout(DEADLINE, self.stream.read_to_end(&mut heard)).await.expect("it closes").expect("in order");
        heard
    }

    /// The push service keeps the connection, and has said nothing.
    pub(crate) async fn hears_nothing(mut self) {
        let heard = timeout(Duration::from_millis(100), self.stream.read_u8()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    /// Whether not a byte waits in the client's system.
    pub(crate) async fn has_nothing_to_read(&self) -> bool {
        let mut byte = [0];
        timeout(Duration::from_millis(100), self.stream.get_ref().0.peek(&mut byte)).await.is_err()
    }
}

pub(crate) fn notification(command: Command, token: &[u8]) -> LegacyNotification {
    LegacyNotification {
        command,
        identifier: command.is_answered().then_some(IDENTIFIER),
        token: token.try_into().expect("a token has 32 bytes"),
        payload: PAYLOAD.to_vec(),
        expiration: Expiration::Default,
        priority: None,
    }
}

pub(crate) fn encoded(notification: &LegacyNotification) -> Vec<u8> {
    let mut bytes = Vec::new();
    notification.encode(&mut bytes);
    bytes
}

/// A good one.
pub(crate) fn frame(command: Command, token: &[u8]) -> Vec<u8> {
    encoded(&notification(command, token))
}

/// The same under another identifier.
pub(crate) fn named(identifier: Identifier, token: &[u8]) -> Vec<u8> {
    encoded(&LegacyNotification { identifier: Some(identifier), ..notification(Command::Enhanced, token) })
}

pub(crate) fn packet(status: u8, identifier: Identifier) -> Vec<u8> {
    let status = homing_apns::legacy::Status::from_byte(status).expect("it is one of Apple's");
    ErrorPacket { status, identifier }.to_bytes().to_vec()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    digits.map(byte).collect()
}
