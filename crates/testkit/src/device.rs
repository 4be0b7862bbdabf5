//! A device of the test's own: enrols, connects, registers, takes notifications, says what became of them. It keeps
//! nothing and decides nothing; the test says when to acknowledge.

mod channels;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use homing_link::{
    ALPN_HTTP1, ALPN_MQTT, Ack, Connect, ConnectProperties, Delivery, DeviceId, DeviceState, Disconnect,
    Enrolment, EnrolmentRequest, NotificationHead, Opaque, Packet, PacketId, Publish, PublishProperties, Qos,
    ReasonCode, RegistrationName, Subscribe, SubscribeFilter, SubscribeFilters, SubscribeProperties,
    ToDevice, Unsubscribe, UnsubscribeFilters, UnsubscribeProperties, Version, decode, encode,
    topic::DEVICE_STATE,
};
use homing_trace::Receipt;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use channels::Broadcast;

use crate::endpoints::{Endpoints, HostPort};

/// How long any one step may take.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Longest packet taken from the push service.
const MAX_PACKET: usize = 1 << 20;

/// Where a device connects, and whom it trusts.
#[derive(Clone, Debug)]
pub struct Link {
    at: HostPort,
    roots: Arc<rustls::RootCertStore>,
}

impl Link {
    pub fn of(endpoints: &Endpoints) -> anyhow::Result<Self> {
        Self::new(endpoints.device_link.clone(), &endpoints.ca_pem)
    }

    pub fn new(at: HostPort, ca_pem: &Path) -> anyhow::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_pem)? {
            roots.add(certificate?)?;
        }
        Ok(Self { at, roots: Arc::new(roots) })
    }

    /// A bare TLS connection to it.
    pub async fn dial(&self, alpn: &[u8]) -> anyhow::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let tcp = TcpStream::connect((self.at.host.as_str(), self.at.port)).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(self.at.host.clone())?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, tcp).await?)
    }
}

/// An enrolled device.
#[derive(Clone, Debug)]
pub struct TestDevice {
    link: Link,
    enrolment: Enrolment,
}

impl TestDevice {
    /// `POST /devices` with a team's key.
    pub async fn enrol(link: &Link, enrolment_key: &str) -> anyhow::Result<Self> {
        let body = serde_json::to_string(&EnrolmentRequest { enrolment_key: enrolment_key.to_owned() })?;
        let request = format!(
            "POST /devices HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            link.at.host,
            body.len()
        );
        let exchange = async {
            let mut stream = link.dial(ALPN_HTTP1).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            // The answer is complete when its body is; some servers don't say goodbye to TLS.
            match stream.read_to_end(&mut answer).await {
                Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error.into()),
                Ok(_) | Err(_) => anyhow::Ok(answer),
            }
        };
        let answer = within(exchange).await.context("enrolling")?;
        let answer = String::from_utf8(answer).context("the enrolment's answer is no text")?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the enrolment's answer has no body")?;
        ensure!(
            head.starts_with("HTTP/1.1 201 "),
            "enrolment refused: {}",
            head.lines().next().unwrap_or_default()
        );
        let enrolment = serde_json::from_str(body).context("the enrolment's answer isn't a device's")?;
        Ok(Self { link: link.clone(), enrolment })
    }

    pub const fn id(&self) -> DeviceId {
        self.enrolment.device_id
    }

    /// The same device at another address, as after a restart of the push service.
    #[must_use]
    pub fn at(&self, link: &Link) -> Self {
        Self { link: link.clone(), enrolment: self.enrolment.clone() }
    }

    pub async fn connect(&self, version: Version) -> anyhow::Result<Connection> {
        self.connect_with(version, ConnectProperties::default()).await
    }

    async fn connect_with(
        &self,
        version: Version,
        properties: ConnectProperties<'_>,
    ) -> anyhow::Result<Connection> {
        let id = self.enrolment.device_id.to_string();
        let connect = Connect {
            version,
            clean_start: true,
            keep_alive: 300,
            client_id: &id,
            username: Some(&id),
            password: Some(Opaque(self.enrolment.secret.as_bytes())),
            will: None,
            properties,
        };
        let stream = within(self.link.dial(ALPN_MQTT)).await.context("reaching the device link")?;
        let mut connection = Connection {
            version,
            stream,
            received: Vec::new(),
            read: 0,
            last_id: 0,
            waiting: Vec::new(),
            broadcasts: Vec::new(),
        };
        connection.send(&Packet::Connect(connect)).await?;
        let code = connection
            .next_of(|packet| {
                let Packet::ConnAck(conn_ack) = packet else { return None };
                Some(conn_ack.code)
            })
            .await
            .context("waiting for CONNACK")?;
        ensure!(code == ReasonCode::Success, "the push service refused the connection: {code}");
        Ok(connection)
    }
}

/// A notification as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// `<environment>/<topic>[@<instance>]`
    pub registration: String,
    pub seq: u64,
    pub apns_id: String,
    pub packet_id: PacketId,
    pub payload: Vec<u8>,
    /// This and the collapse id: unknown in 3.1.1.
    pub priority: Option<u8>,
    pub collapse_id: Option<String>,
    /// Seconds that are left.
    pub message_expiry: Option<u32>,
}

/// A connection to the push service.
#[derive(Debug)]
pub struct Connection {
    version: Version,
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
    read: usize,
    last_id: u16,
    /// Notifications that came while something else was waited for.
    waiting: Vec<Notification>,
    /// Broadcasts that nobody has asked for yet.
    broadcasts: Vec<Broadcast>,
}

impl Connection {
    /// Registers and waits for the token: 64 hex digits.
    pub async fn subscribe(&mut self, registration: &RegistrationName<'_>) -> anyhow::Result<String> {
        let code = self.subscribe_to(&registration.filter(), Qos::AtLeastOnce).await?;
        ensure!(code == ReasonCode::GrantedQos1, "registration of {registration} refused: {code}");
        let wanted = ToDevice::token(*registration).to_string();
        let token = self
            .next_of(|packet| {
                let Packet::Publish(publish) = packet else { return None };
                let Delivery::AtLeastOnce { packet_id, .. } = publish.delivery else { return None };
                (publish.topic == wanted).then(|| (packet_id, publish.payload.to_vec()))
            })
            .await
            .context("waiting for the token")?;
        self.ack(token.0).await?;
        String::from_utf8(token.1).context("the token is no text")
    }

    /// Sends any SUBSCRIBE with one filter and gives back what it was granted.
    pub async fn subscribe_to(&mut self, filter: &str, qos: Qos) -> anyhow::Result<ReasonCode> {
        let packet_id = self.new_id();
        let wish = [SubscribeFilter::at(qos, filter)];
        let filters = SubscribeFilters::new(&wish);
        let properties = SubscribeProperties::default();
        self.send(&Packet::Subscribe(Subscribe { packet_id, filters, properties })).await?;
        self.next_of(|packet| {
            let Packet::SubAck(sub_ack) = packet else { return None };
            sub_ack.codes().next().filter(|_| sub_ack.packet_id == packet_id)
        })
        .await
        .context("waiting for SUBACK")
    }

    /// Ends the registration; returns when the push service has confirmed it.
    pub async fn unsubscribe(&mut self, registration: &RegistrationName<'_>) -> anyhow::Result<()> {
        let packet_id = self.new_id();
        let filter = registration.filter();
        let filters = [filter.as_str()];
        let filters = UnsubscribeFilters::new(&filters);
        let properties = UnsubscribeProperties::default();
        self.send(&Packet::Unsubscribe(Unsubscribe { packet_id, filters, properties })).await?;
        let answered = |packet: &Packet<'_>| {
            let Packet::UnsubAck(unsub_ack) = packet else { return None };
            (unsub_ack.packet_id == packet_id).then_some(())
        };
        self.next_of(answered).await.context("waiting for UNSUBACK")
    }

    /// The next notification, within [`DEADLINE`]. It isn't acknowledged yet.
    pub async fn next_notification(&mut self) -> anyhow::Result<Notification> {
        within(self.notification()).await.context("waiting for a notification")
    }

    /// The next notification, however long it takes.
    pub async fn notification(&mut self) -> anyhow::Result<Notification> {
        if !self.waiting.is_empty() {
            return Ok(self.waiting.remove(0));
        }
        loop {
            let taken = self.packet(notification).await?;
            if let Some(notification) = taken {
                return Ok(notification);
            }
        }
    }

    /// Says that the device has it safe.
    pub async fn ack(&mut self, packet_id: PacketId) -> anyhow::Result<()> {
        self.send(&Packet::PubAck(Ack::success(packet_id))).await
    }

    /// Says what became of a notification, and waits until the push service has taken that.
    pub async fn receipt(
        &mut self,
        registration: &RegistrationName<'_>,
        receipt: &Receipt,
    ) -> anyhow::Result<()> {
        self.publish(&registration.receipt_topic(), &receipt.to_json()).await.context("saying a receipt")
    }

    /// Says whether the device saves power, and waits until the push service has taken that.
    pub async fn saves_power(&mut self, low_power: bool) -> anyhow::Result<()> {
        let state = serde_json::to_vec(&DeviceState { low_power })?;
        self.publish(DEVICE_STATE, &state).await.context("saying the device's state")
    }

    async fn publish(&mut self, topic: &str, payload: &[u8]) -> anyhow::Result<()> {
        let packet_id = self.new_id();
        self.send(&Packet::Publish(Publish {
            topic,
            delivery: Delivery::AtLeastOnce { packet_id, dup: false },
            retain: false,
            properties: PublishProperties::default(),
            payload: Opaque(payload),
        }))
        .await?;
        let acknowledged = |packet: &Packet<'_>| {
            let Packet::PubAck(ack) = packet else { return None };
            (ack.packet_id == packet_id).then_some(ack.code)
        };
        let code = self.next_of(acknowledged).await.context("waiting for PUBACK")?;
        ensure!(!code.is_error(), "it was refused: {code}");
        Ok(())
    }

    pub async fn disconnect(mut self) -> anyhow::Result<()> {
        self.send(&Packet::Disconnect(Disconnect::with(ReasonCode::Success))).await?;
        Ok(self.stream.shutdown().await?)
    }

    /// Sends any packet.
    pub async fn send(&mut self, packet: &Packet<'_>) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        encode(packet, self.version, &mut bytes)?;
        self.send_bytes(&bytes).await
    }

    /// Sends any bytes, right or wrong.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let write = async {
            self.stream.write_all(bytes).await?;
            anyhow::Ok(self.stream.flush().await?)
        };
        within(write).await
    }

    /// The next packet for which `take` has an answer. Notifications that come before it are kept for later.
    pub async fn next_of<T>(&mut self, take: impl Fn(&Packet<'_>) -> Option<T>) -> anyhow::Result<T> {
        let search = async {
            loop {
                let (taken, other) = self.packet(|packet| (take(packet), notification(packet))).await?;
                match (taken, other) {
                    (Some(taken), _) => return anyhow::Ok(taken),
                    (None, other) => self.waiting.extend(other),
                }
            }
        };
        within(search).await
    }

    /// Lends the next packet to `look`.
    async fn packet<T>(&mut self, look: impl FnOnce(&Packet<'_>) -> T) -> anyhow::Result<T> {
        loop {
            if let Some((packet, len)) = decode(&self.received[self.read..], self.version, MAX_PACKET)? {
                if let Packet::Disconnect(disconnect) = &packet {
                    bail!("the push service closed the connection: {}", disconnect.code);
                }
                let seen = look(&packet);
                self.broadcasts.extend(channels::broadcast(&packet));
                self.read += len;
                return Ok(seen);
            }
            self.received.drain(..self.read);
            self.read = 0;
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the push service closed the connection");
            }
        }
    }

    fn new_id(&mut self) -> PacketId {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        PacketId::new(self.last_id).unwrap_or(PacketId::MIN)
    }
}

fn notification(packet: &Packet<'_>) -> Option<Notification> {
    let Packet::Publish(publish) = packet else { return None };
    let (registration, head) = NotificationHead::of(publish).ok()?;
    let Delivery::AtLeastOnce { packet_id, .. } = publish.delivery else { return None };
    Some(Notification {
        registration: registration.to_string(),
        seq: head.seq,
        apns_id: head.apns_id.to_owned(),
        packet_id,
        payload: publish.payload.to_vec(),
        priority: head.priority,
        collapse_id: head.collapse_id.map(str::to_owned),
        message_expiry: publish.properties.message_expiry,
    })
}

async fn within<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::time::timeout(DEADLINE, work).await.with_context(|| format!("nothing within {DEADLINE:?}"))?
}
