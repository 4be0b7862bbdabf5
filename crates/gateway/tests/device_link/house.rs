//! A push service of the test's own, with one team's app, and a sender for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use homing_apns::{DeliveryOptions, DeviceTokenHex, Expiration, PushType, Topic};
use homing_apns_client::{Client, ClientConfig, Credential, ProviderKey, Request, Roots, SendError};
use homing_clock::Clock;
use homing_gateway::centre::EnrolmentKeySpec;
use homing_gateway::store::TraceQuery;
use homing_gateway::{Gateway, GatewayConfig};
use homing_link::RegistrationName;
use homing_testkit::device::{Link, TestDevice};
use homing_testkit::endpoints::HostPort;
use homing_trace::{Environment, Stage, Trace};

pub(crate) const BUNDLE: &str = "com.example.news";
pub(crate) const OTHER_BUNDLE: &str = "org.example.rival";
pub(crate) const ENROLMENT_KEY: &str = "enrol-the-devices-of-the-tests";
pub(crate) const NEWS: RegistrationName<'static> =
    RegistrationName { environment: Environment::Development, topic: BUNDLE, instance: None };

const TEAM: &str = "TEAM000001";

pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) link: Link,
    pub(crate) clock: Clock,
    pub(crate) sender: Client,
    dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn start(cores: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let clock = Clock::default();
        let gateway = start_gateway(&dir, cores, &clock).await;
        let centre = gateway.centre();
        centre.create_team(TEAM, "Example").await.expect("a new team");
        centre.create_team("TEAM000002", "Rival").await.expect("a new team");
        centre.create_app(TEAM, BUNDLE).await.expect("a new app");
        centre.create_app("TEAM000002", OTHER_BUNDLE).await.expect("a new app");
        let (sender, link) = (sender(&gateway).await, link(&gateway));
        let house = Self { gateway, link, clock, sender, dir };
        house.list_apps(&[BUNDLE]).await;
        house
    }

    /// The enrolment key lists these apps from now on.
    pub(crate) async fn list_apps(&self, apps: &[&str]) {
        self.admit(apps, 100).await;
    }

    /// ... and admits so many devices.
    pub(crate) async fn admit(&self, apps: &[&str], quota: u32) {
        let spec = EnrolmentKeySpec {
            team: TEAM.to_owned(),
            apps: apps.iter().map(ToString::to_string).collect(),
            environments: vec![Environment::Development],
            quota,
            per_minute: quota,
            expires_at: None,
        };
        self.gateway.centre().put_enrolment_key(ENROLMENT_KEY, spec).await.expect("its team's own apps");
    }

    /// Stops the push service and starts it again on the same data.
    pub(crate) async fn restart(self) -> Self {
        let Self { gateway, clock, dir, .. } = self;
        gateway.shutdown().await;
        let gateway = start_gateway(&dir, 2, &clock).await;
        let (sender, link) = (sender(&gateway).await, link(&gateway));
        Self { gateway, link, clock, sender, dir }
    }

    pub(crate) async fn enrol(&self) -> TestDevice {
        TestDevice::enrol(&self.link, ENROLMENT_KEY).await.expect("the key admits devices")
    }

    /// Sends a notification and gives back its label, or what was said against it.
    pub(crate) async fn send(
        &self,
        token: &str,
        expiration: Expiration,
        payload: &str,
    ) -> Result<String, SendError> {
        self.send_with(token, DeliveryOptions { expiration, ..alert() }, payload).await
    }

    /// The same with these options; the label is made here.
    pub(crate) async fn send_with(
        &self,
        token: &str,
        options: DeliveryOptions,
        payload: &str,
    ) -> Result<String, SendError> {
        let apns_id = homing_testkit::provider::new_apns_id().expect("random");
        let label = apns_id.as_str().to_owned();
        let options = DeliveryOptions { apns_id: Some(apns_id), ..options };
        let token = DeviceTokenHex::parse(token.as_bytes()).expect("a token is hex");
        let request = Request { token, options, payload: payload.to_owned().into() };
        self.sender.send(request).await.map(|_| label)
    }

    pub(crate) async fn trace(&self, apns_id: &str) -> Trace {
        let query = TraceQuery::ApnsId(apns_id.to_owned());
        let mut traces = self.gateway.store().trace(query, 10).await.expect("the store answers");
        assert_eq!(traces.len(), 1, "{traces:?}");
        traces.remove(0)
    }

    pub(crate) async fn stages(&self, apns_id: &str) -> Vec<Stage> {
        self.trace(apns_id).await.events.iter().map(|event| event.stage).collect()
    }

    /// What it came to, and why.
    pub(crate) async fn end(&self, apns_id: &str) -> (Stage, Option<String>) {
        let trace = self.trace(apns_id).await;
        let last = trace.events.last().expect("it was accepted");
        (last.stage, last.reason.as_ref().map(ToString::to_string))
    }

    pub(crate) async fn stop(self) {
        self.gateway.shutdown().await;
    }
}

/// An alert for the app, with everything else left out.
pub(crate) fn alert() -> DeliveryOptions {
    DeliveryOptions {
        topic: Topic::parse(BUNDLE.as_bytes()).ok(),
        push_type: Some(PushType::Alert),
        ..DeliveryOptions::default()
    }
}

/// Says DISCONNECT and waits until the push service has closed: then it knows that the device is away.
pub(crate) async fn leave(mut connection: homing_testkit::device::Connection) {
    let disconnect = homing_link::Disconnect::with(homing_link::ReasonCode::Success);
    connection.send(&homing_link::Packet::Disconnect(disconnect)).await.expect("still open");
    // What was on its way comes first.
    while connection.notification().await.is_ok() {}
}

pub(crate) fn link_address(gateway: &Gateway) -> SocketAddr {
    gateway.addresses().device_link[0]
}

fn link(gateway: &Gateway) -> Link {
    let at = HostPort { host: "localhost".to_owned(), port: link_address(gateway).port() };
    Link::new(at, gateway.authority().ca_pem_path()).expect("the root certificate is on disk")
}

async fn sender(gateway: &Gateway) -> Client {
    let key = gateway.centre().create_provider_key(TEAM, None).await.expect("a new key");
    let key = ProviderKey::from_p8(&key.p8_pem, &key.key_id, TEAM).expect("our own key");
    let port = gateway.addresses().apns[0].1[0].port();
    let roots = Roots::Pem(gateway.authority().ca_pem().as_bytes().to_vec());
    let config =
        ClientConfig { roots, ..ClientConfig::new("localhost", port, Credential::Key(Arc::new(key))) };
    Client::connect(config).await.expect("the provider port is open")
}

async fn start_gateway(dir: &tempfile::TempDir, cores: usize, clock: &Clock) -> Gateway {
    let any = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let config = GatewayConfig {
        data_dir: dir.path().to_owned(),
        clock: clock.clone(),
        cores,
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
