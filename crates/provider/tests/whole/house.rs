//! A push service and a provider of the test's own, with one app, and phones to send to.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use homing_clock::Clock;
use homing_gateway::authority::ProviderCertificate;
use homing_gateway::centre::{CertificateKind, CertificateSpec, EnrolmentKeySpec};
use homing_gateway::{Gateway, GatewayConfig};
use homing_link::{RegistrationName, Version};
use homing_provider::engine::{
    AppChanges, Created, Credential, Engine, EngineConfig, Policy, Push, PushDetail, PushService, PushState,
    Registration, Teller,
};
use homing_testkit::device::{Connection, Link, Notification, TestDevice};
use homing_testkit::endpoints::HostPort;
use homing_trace::{Environment, Reason, Receipt, Stage};
use serde_json::{Value, json};

pub(crate) const BUNDLE: &str = "com.example.news";
pub(crate) const NEWS: RegistrationName<'static> =
    RegistrationName { environment: Environment::Development, topic: BUNDLE, instance: None };

const ENROLMENT_KEY: &str = "enrol-the-devices-of-the-tests";
const TEAM: &str = "TEAM000001";
/// How long anything may take that must come.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) credential: Credential,
    link: Link,
    dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let clock = Clock::default();
        let gateway = start_gateway(dir.path().join("gateway"), &clock).await;
        let centre = gateway.centre();
        centre.create_team(TEAM, "Example").await.expect("a new team");
        centre.create_app(TEAM, BUNDLE).await.expect("a new app");
        let spec = EnrolmentKeySpec {
            team: TEAM.to_owned(),
            apps: vec![BUNDLE.to_owned()],
            environments: vec![Environment::Development],
            quota: 100,
            per_minute: 100,
            expires_at: None,
        };
        centre.put_enrolment_key(ENROLMENT_KEY, spec).await.expect("its team's own app");
        let key = centre.create_provider_key(TEAM, None).await.expect("a new key");
        let engine = start_engine(dir.path().join("provider"), &clock).await;
        let link = link(&gateway);
        let credential = Credential::Key { key_id: key.key_id, team_id: TEAM.to_owned(), p8: key.p8_pem };
        let house = Self { gateway, engine, clock, credential, link, dir };
        house.tell_where().await;
        house
    }

    /// Tells the provider where the push service is.
    pub(crate) async fn tell_where(&self) {
        self.tell(BUNDLE, self.gateway.addresses().apns[0].1[0].port()).await;
    }

    /// Tells the provider that the app's push service is where nobody listens.
    pub(crate) async fn tell_nowhere(&self, bundle_id: &str) {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        self.tell(bundle_id, closed.expect("loopback").port()).await;
    }

    async fn tell(&self, bundle_id: &str, port: u16) {
        let ca_pem = Some(self.gateway.authority().ca_pem().to_owned());
        let service = PushService { host: "localhost".to_owned(), port, ca_pem };
        let changes = AppChanges {
            push_services: Some([(Environment::Development, service)].into()),
            ..AppChanges::default()
        };
        self.engine.put_app(bundle_id, changes).await.expect("a sound app");
        // A push service that moves drops it.
        let put = self.engine.put_credential(bundle_id, Environment::Development, self.credential.clone());
        put.await.expect("the push service's own key");
    }

    /// Stops the push service and starts it again on the same data, at another port.
    pub(crate) async fn restart_gateway(mut self) -> Self {
        self.gateway.shutdown().await;
        self.gateway = start_gateway(self.dir.path().join("gateway"), &self.clock).await;
        self.link = link(&self.gateway);
        self.tell_where().await;
        self
    }

    /// Stops the provider and starts it again on the same data.
    pub(crate) async fn restart_provider(mut self) -> Self {
        self.engine.shutdown().await;
        self.engine = self.another_engine().await;
        self
    }

    /// A provider on the data of the one before, which must have ended.
    pub(crate) async fn another_engine(&self) -> Engine {
        start_engine(self.dir.path().join("provider"), &self.clock).await
    }

    pub(crate) async fn stop(self) {
        self.engine.shutdown().await;
        self.gateway.shutdown().await;
    }

    /// A client certificate for the app in development; its PKCS#12 opens with `secret`.
    pub(crate) async fn certificate(&self) -> ProviderCertificate {
        let spec = CertificateSpec {
            bundle_id: BUNDLE.to_owned(),
            kind: CertificateKind::Development,
            expires_at: None,
            p12_password: "secret".to_owned().into(),
        };
        let made = self.gateway.centre().create_certificate(self.gateway.authority(), spec).await;
        made.expect("its own team's app").files
    }

    /// A phone that is connected and has registered.
    pub(crate) async fn phone(&self) -> Phone {
        let device = TestDevice::enrol(&self.link, ENROLMENT_KEY).await.expect("the key admits devices");
        let mut connection = device.connect(Version::V5).await.expect("enrolled");
        let token = connection.subscribe(&NEWS).await.expect("its own app");
        Phone { device, connection, token }
    }

    /// The phone at the push service's new address.
    pub(crate) async fn back(&self, phone: Phone) -> Phone {
        let device = phone.device.at(&self.link);
        let mut connection = device.connect(Version::V5).await.expect("enrolled");
        let token = connection.subscribe(&NEWS).await.expect("registered before");
        Phone { device, connection, token }
    }

    pub(crate) async fn log_in(&self, phone: &Phone, user: &str) {
        self.engine
            .register(BUNDLE, &phone.token, registration(Some(user), None), Teller::App(user.to_owned()))
            .await
            .expect("a sound login");
    }

    pub(crate) async fn log_out(&self, phone: &Phone, user: &str) {
        self.engine.log_out(BUNDLE, &phone.token, user, None).await.expect("a sound logout");
    }

    pub(crate) async fn policy(&self, policy: Policy) {
        let changes = AppChanges { policy: Some(policy), ..AppChanges::default() };
        self.engine.put_app(BUNDLE, changes).await.expect("a sound app");
    }

    /// Asks for a push to this audience.
    pub(crate) async fn push(&self, audience: Value) -> Created {
        let push =
            json!({ "environment": "development", "audience": audience, "content": { "body": "道可道" } });
        let push = serde_json::from_value(push).expect("a sound push");
        self.engine.create_push(BUNDLE, push, None).await.expect("it is planned")
    }

    /// The push once `wanted` holds of it.
    pub(crate) async fn until(&self, push_id: &str, wanted: impl Fn(&Push) -> bool) -> Push {
        let mut changes = self.engine.watch(BUNDLE, Some(push_id)).await.expect("the push is there");
        let waiting = async {
            loop {
                let push = self.engine.push(BUNDLE, push_id).await.expect("the push is there");
                if wanted(&push) {
                    return push;
                }
                changes.next().await.expect("the engine runs");
            }
        };
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(push) => push,
            Err(_) => panic!("it never came to that: {:?}", self.engine.push(BUNDLE, push_id).await),
        }
    }

    pub(crate) async fn finished(&self, push_id: &str) -> Push {
        self.until(push_id, |push| push.state == PushState::Finished).await
    }

    pub(crate) async fn detail(&self, push_id: &str) -> PushDetail {
        self.engine.push_detail(BUNDLE, push_id, 1_000, 0).await.expect("the push is there")
    }
}

pub(crate) fn registration(user: Option<&str>, epoch: Option<u64>) -> Registration {
    Registration {
        environment: Environment::Development,
        user: user.map(str::to_owned),
        epoch,
        locale: None,
        time_zone: None,
        app_version: None,
        tags: None,
    }
}

pub(crate) struct Phone {
    pub(crate) device: TestDevice,
    pub(crate) connection: Connection,
    pub(crate) token: String,
}

impl Phone {
    /// The next notification, acknowledged.
    pub(crate) async fn next(&mut self) -> Notification {
        let notification = self.connection.next_notification().await.expect("one is delivered");
        self.connection.ack(notification.packet_id).await.expect("still open");
        notification
    }

    /// Says what became of a notification.
    pub(crate) async fn says(
        &mut self,
        of: &Notification,
        event: Stage,
        reason: Option<Reason>,
        clock: &Clock,
    ) {
        let receipt = Receipt { seq: of.seq, apns_id: of.apns_id.clone(), event, reason, at: clock.now() };
        self.connection.receipt(&NEWS, &receipt).await.expect("it was sent to it");
    }
}

pub(crate) fn payload(notification: &Notification) -> Value {
    serde_json::from_slice(&notification.payload).expect("a payload is JSON")
}

async fn start_engine(data_dir: PathBuf, clock: &Clock) -> Engine {
    let config = EngineConfig { data_dir, clock: clock.clone(), root_key: "root".to_owned().into() };
    Engine::start(config).await.expect("a folder of its own")
}

fn link(gateway: &Gateway) -> Link {
    let port = gateway.addresses().device_link[0].port();
    let at = HostPort { host: "localhost".to_owned(), port };
    Link::new(at, gateway.authority().ca_pem_path()).expect("the root certificate is on disk")
}

async fn start_gateway(data_dir: PathBuf, clock: &Clock) -> Gateway {
    let any = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let config = GatewayConfig {
        data_dir,
        clock: clock.clone(),
        cores: 1,
        apns: vec![(Environment::Development, any.clone())],
        legacy: Vec::new(),
        feedback: Vec::new(),
        rules: homing_gateway::ProviderRules::default(),
        strict_legacy: false,
        device_link: any.clone(),
        admin: any,
        admin_key: "admin".to_owned(),
        for_testers: false,
    };
    Gateway::start(config).await.expect("loopback and a new folder")
}
