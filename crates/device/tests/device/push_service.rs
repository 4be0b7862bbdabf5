//! A small push service: enrols, registers, publishes and takes receipts, as `docs/device-link.md` says, and does what a test
//! wants to go wrong. It decides nothing by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use homing_link::{
    Ack, BroadcastHead, ChannelName, ConnAck, ConnAckProperties, Delivery, EncodedPublish, NotificationHead,
    Opaque, Packet, PacketId, Publish, PublishProperties, ReasonCode, RegistrationName, SubAck, UnsubAck,
    Version, decode, encode,
};
use homing_trace::{Environment, Receipt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The id of a channel that isn't there.
pub(crate) const UNKNOWN_CHANNEL: &str = "bm9ib2R5";

/// What a test tells every open connection.
#[derive(Clone, Debug)]
enum Act {
    Send(Vec<u8>),
    Drop,
}

/// What has been seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) enrolments: u32,
    pub(crate) refused_enrolments: u32,
    pub(crate) connections: u32,
    pub(crate) connected: bool,
    /// Each filter of each SUBSCRIBE, taken or not.
    pub(crate) asked: Vec<String>,
    pub(crate) subscribed: Vec<String>,
    pub(crate) unsubscribed: Vec<String>,
    /// Codes of PUBACKs by packet id, in order.
    pub(crate) acknowledged: Vec<(u16, u8)>,
    pub(crate) receipts: Vec<Receipt>,
    /// What it said of its power, and how many subscriptions there had been.
    pub(crate) low_power: Vec<(bool, usize)>,
    /// How often each registration was ended: its token says so.
    pub(crate) generations: BTreeMap<String, u32>,
    /// Devices that took leave, by their ids.
    pub(crate) left: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct PushService {
    pub(crate) port: u16,
    pub(crate) ca_pem: Vec<u8>,
    seen: watch::Sender<Seen>,
    acts: broadcast::Sender<Act>,
    takes_receipts: Arc<Mutex<bool>>,
    takes_leave: Arc<Mutex<bool>>,
    /// From when on devices are enrolled, of a service that first wants to be spared; before it they hear 429.
    enrols_from: Arc<Mutex<Option<tokio::time::Instant>>>,
    spares: Arc<Mutex<bool>>,
}

/// A notification to be published.
pub(crate) struct Sent<'a> {
    pub(crate) seq: u64,
    pub(crate) apns_id: &'a str,
    pub(crate) push_type: &'a str,
    pub(crate) payload: &'a str,
}

impl PushService {
    pub(crate) async fn start() -> Self {
        let (acceptor, ca_pem) = tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let service = Self {
            port: listener.local_addr().expect("it is bound").port(),
            ca_pem,
            seen: watch::Sender::new(Seen::default()),
            acts: broadcast::Sender::new(4096),
            takes_receipts: Arc::new(Mutex::new(true)),
            takes_leave: Arc::new(Mutex::new(true)),
            enrols_from: Arc::new(Mutex::new(None)),
            spares: Arc::new(Mutex::new(false)),
        };
        let serving = service.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, serving) = (acceptor.clone(), serving.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serving.serve(stream).await;
                    }
                });
            }
        });
        service
    }

    /// Waits until `what` holds of everything seen.
    pub(crate) async fn until(&self, why: &str, what: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.subscribe();
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), seen.wait_for(what));
        let result = waiting.await.map(|held| held.expect("the service lives").clone());
        result.unwrap_or_else(|_| panic!("{why}: {:?}", self.seen.borrow()))
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Publishes a notification for the demo app of the development environment.
    pub(crate) fn publish(&self, packet_id: u16, sent: &Sent<'_>) {
        self.publish_for(homing_app::demo::BUNDLE_ID, packet_id, sent);
    }

    pub(crate) fn publish_for(&self, topic: &str, packet_id: u16, sent: &Sent<'_>) {
        let registration = RegistrationName { environment: Environment::Development, topic, instance: None };
        self.publish_to(&registration, packet_id, sent);
    }

    pub(crate) fn publish_to(&self, registration: &RegistrationName<'_>, packet_id: u16, sent: &Sent<'_>) {
        let head = NotificationHead {
            seq: sent.seq,
            apns_id: sent.apns_id,
            push_type: Some(sent.push_type),
            priority: Some(10),
            collapse_id: None,
        };
        let mut out = Vec::new();
        head.with_user_properties(|pairs| {
            let packet_id = PacketId::new(packet_id).expect("it is not 0");
            let publish = Packet::Publish(Publish {
                topic: &format!("{registration}/notification"),
                delivery: Delivery::AtLeastOnce { packet_id, dup: false },
                retain: false,
                properties: PublishProperties {
                    message_expiry: Some(3600),
                    user: homing_link::UserProperties::new(pairs),
                    ..PublishProperties::default()
                },
                payload: Opaque::from(sent.payload),
            });
            encode(&publish, Version::V5, &mut out).expect("it can be written");
        });
        let _ = self.acts.send(Act::Send(out));
    }

    pub(crate) fn drop_connections(&self) {
        let _ = self.acts.send(Act::Drop);
    }

    pub(crate) fn take_receipts(&self, take: bool) {
        *self.takes_receipts.lock().expect("nobody panicked") = take;
    }

    /// Whether a device that takes leave is answered; else it hears 503.
    pub(crate) fn take_leave(&self, take: bool) {
        *self.takes_leave.lock().expect("nobody panicked") = take;
    }

    /// For a second from the first who wants to enrol, they are asked to come back in a second.
    pub(crate) fn spare(&self) {
        *self.spares.lock().expect("nobody panicked") = true;
    }

    fn is_spared(&self) -> bool {
        if !*self.spares.lock().expect("nobody panicked") {
            return false;
        }
        let now = tokio::time::Instant::now();
        let mut from = self.enrols_from.lock().expect("nobody panicked");
        now < *from.get_or_insert(now + std::time::Duration::from_secs(1))
    }

    pub(crate) fn token(&self, registration: &str) -> String {
        token_bytes(self.generation(registration)).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn generation(&self, registration: &str) -> u32 {
        self.seen.borrow().generations.get(registration).copied().unwrap_or_default()
    }

    async fn serve(&self, stream: TlsStream<TcpStream>) {
        match stream.get_ref().1.alpn_protocol() {
            Some(b"mqtt") => self.serve_mqtt(stream).await,
            _ => self.enrol(stream).await,
        }
    }

    async fn enrol(&self, mut stream: TlsStream<TcpStream>) {
        let mut read = Vec::new();
        let is_whole = |read: &[u8]| match read.starts_with(b"DELETE") {
            true => read.ends_with(b"\r\n\r\n"),
            false => read.ends_with(b"}"),
        };
        while !is_whole(&read) {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let request = String::from_utf8(read).expect("it is text");
        let (status, body) = if request.starts_with("POST ") && self.is_spared() {
            self.seen.send_modify(|seen| seen.refused_enrolments += 1);
            ("429 Too Many Requests\r\nretry-after: 1", r#"{"title":"too fast"}"#.to_owned())
        } else if request.starts_with("POST /devices HTTP/1.1")
            && request.contains(r#"{"enrolment_key":"good"}"#)
        {
            let mut device = 0xaa;
            self.seen.send_modify(|seen| {
                seen.enrolments += 1;
                device += seen.enrolments;
            });
            ("201 Created", format!(r#"{{"device_id":"{device:016x}","secret":"s3cret"}}"#))
        } else if let Some(id) = request.strip_prefix("DELETE /devices/").and_then(|rest| rest.get(..16)) {
            if *self.takes_leave.lock().expect("nobody panicked") {
                assert!(request.contains("authorization: Basic "), "{request}");
                self.seen.send_modify(|seen| seen.left.push(id.to_owned()));
                ("204 No Content", String::new())
            } else {
                ("503 Service Unavailable", r#"{"title":"busy"}"#.to_owned())
            }
        } else {
            ("401 Unauthorized", r#"{"title":"unknown"}"#.to_owned())
        };
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    async fn serve_mqtt(&self, mut stream: TlsStream<TcpStream>) {
        let mut acts = self.acts.subscribe();
        let mut read = Vec::new();
        loop {
            let mut out = Vec::new();
            tokio::select! {
                count = stream.read_buf(&mut read) => if count.unwrap_or(0) == 0 { break },
                act = acts.recv() => match act.expect("the service lives") {
                    Act::Send(bytes) => out = bytes,
                    Act::Drop => break,
                }
            }
            let mut from = 0;
            while let Some((packet, taken)) = decode(&read[from..], Version::V5, 1 << 20).expect("it is MQTT")
            {
                from += taken;
                self.answer(&packet, &mut out);
            }
            read.drain(..from);
            if stream.write_all(&out).await.is_err() || stream.flush().await.is_err() {
                break;
            }
        }
        self.seen.send_modify(|seen| seen.connected = false);
    }

    /// Takes the device's state or a receipt; `false` if it isn't to be acknowledged.
    fn hear(&self, topic: &str, payload: &[u8]) -> bool {
        if topic == "device/state" {
            let state: serde_json::Value = serde_json::from_slice(payload).expect("it is JSON");
            // What was said before a subscription counts for it.
            let said = (state["low_power"] == true, self.seen.borrow().subscribed.len());
            self.seen.send_modify(|seen| seen.low_power.push(said));
            return true;
        }
        let receipt = Receipt::from_json(payload).expect("it is a receipt");
        self.seen.send_modify(|seen| seen.receipts.push(receipt));
        *self.takes_receipts.lock().expect("nobody panicked")
    }

    /// Publishes a broadcast on a channel of the demo app.
    pub(crate) fn broadcast(&self, packet_id: u16, channel: &str, seq: u64, payload: &str) {
        let name = ChannelName::parse(channel).expect("it is a channel");
        let head = BroadcastHead { seq: Some(seq), request_id: Some("r"), ..BroadcastHead::default() };
        let encoded = EncodedPublish::broadcast(Version::V5, &name, &head, Some(60), payload.as_bytes());
        let mut out = Vec::new();
        let packet_id = PacketId::new(packet_id).expect("it is not 0");
        encoded.expect("it can be written").write_with_id(packet_id, false, &mut out);
        let _ = self.acts.send(Act::Send(out));
    }

    fn end(&self, filter: &str) {
        if ChannelName::is_meant(filter) {
            return self.seen.send_modify(|seen| seen.unsubscribed.push(filter.to_owned()));
        }
        let registration = RegistrationName::parse_filter(filter).expect("it is one of ours").to_string();
        self.seen.send_modify(|seen| {
            *seen.generations.entry(registration.clone()).or_default() += 1;
            seen.unsubscribed.push(registration);
        });
    }

    /// A registration is told its token; a channel has none.
    fn subscribed(&self, filter: String, out: &mut Vec<u8>) {
        if ChannelName::is_meant(&filter) {
            return self.seen.send_modify(|seen| seen.subscribed.push(filter));
        }
        let registration = RegistrationName::parse_filter(&filter).expect("it is one of ours");
        let token = token_bytes(self.generation(&registration.to_string()));
        let token = EncodedPublish::token(Version::V5, &registration, &token);
        let id = PacketId::new(60_000).expect("it is not 0");
        token.expect("it can be written").write_with_id(id, false, out);
        self.seen.send_modify(|seen| seen.subscribed.push(registration.to_string()));
    }

    fn answer(&self, packet: &Packet<'_>, out: &mut Vec<u8>) {
        let say = |packet: Packet<'_>, out: &mut Vec<u8>| {
            encode(&packet, Version::V5, out).expect("it can be written")
        };
        match packet {
            Packet::Connect(connect) => {
                let known = connect.username.is_some_and(|id| id.starts_with("00000000000000"))
                    && connect.password.is_some_and(|secret| &*secret == b"s3cret");
                let code = if known { ReasonCode::Success } else { ReasonCode::BadUserNameOrPassword };
                let properties = ConnAckProperties::default();
                say(Packet::ConnAck(ConnAck { session_present: false, code, properties }), out);
                self.seen.send_modify(|seen| {
                    seen.connections += 1;
                    seen.connected = true;
                });
            }
            Packet::Subscribe(subscribe) => {
                let filter = subscribe.filters.iter().next().expect("there is one").filter.to_owned();
                self.seen.send_modify(|seen| seen.asked.push(filter.clone()));
                let is_refused = filter.ends_with(UNKNOWN_CHANNEL);
                let codes = [if is_refused { ReasonCode::TopicFilterInvalid.as_u8() } else { 1 }];
                say(
                    Packet::SubAck(SubAck {
                        packet_id: subscribe.packet_id,
                        codes: &codes,
                        properties: Default::default(),
                    }),
                    out,
                );
                self.subscribed(filter, out);
            }
            Packet::Unsubscribe(unsubscribe) => {
                self.end(unsubscribe.filters.iter().next().expect("there is one"));
                let codes = [0];
                say(
                    Packet::UnsubAck(UnsubAck {
                        packet_id: unsubscribe.packet_id,
                        codes: &codes,
                        properties: Default::default(),
                    }),
                    out,
                );
            }
            Packet::Publish(publish) => {
                let Delivery::AtLeastOnce { packet_id, .. } = publish.delivery else {
                    panic!("receipts are at QoS 1")
                };
                if self.hear(publish.topic, &publish.payload) {
                    say(Packet::PubAck(Ack::success(packet_id)), out);
                }
            }
            Packet::PubAck(ack) => {
                self.seen.send_modify(|seen| seen.acknowledged.push((ack.packet_id.get(), ack.code.as_u8())))
            }
            Packet::PingReq => say(Packet::PingResp, out),
            Packet::Disconnect(_) => {}
            Packet::ConnAck(_)
            | Packet::PubRec(_)
            | Packet::PubRel(_)
            | Packet::PubComp(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp
            | Packet::Auth(_) => panic!("a device doesn't say {packet:?}"),
        }
    }
}

/// A token that tells how often its registration was ended.
fn token_bytes(generation: u32) -> [u8; 32] {
    let mut token = [0xab; 32];
    token[..4].copy_from_slice(&generation.to_be_bytes());
    token
}

fn tls() -> (TlsAcceptor, Vec<u8>) {
    let issuer_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&issuer_key).expect("a root");
    let issuer = rcgen::Issuer::from_params(&params, &issuer_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("they fit");
    config.alpn_protocols = vec![b"mqtt".to_vec(), b"http/1.1".to_vec()];
    (TlsAcceptor::from(Arc::new(config)), root.pem().into_bytes())
}
