//! Devices with a certificate instead of a secret: enrolment with a certificate request, and MQTT over mutual TLS.

use std::process::Command;

use futures_util::{SinkExt as _, StreamExt as _};
use homing_apns::Expiration;
use homing_gateway::centre::{CertificateKind, CertificateSpec};
use homing_link::{
    CertifiedEnrolment, Connect, Packet, PacketId, Qos, ReasonCode, Subscribe, SubscribeFilter,
    SubscribeFilters, SubscribeProperties, Version, decode, encode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::doors::{ask, ask_on};
use crate::house::{BUNDLE, ENROLMENT_KEY, House, NEWS};
use crate::raw::{Raw, connect, dial, dial_as};

/// A key and a request for it, as a user makes them.
fn key_and_csr() -> (String, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new("openssl")
        .current_dir(dir.path())
        .args(
            "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout key.pem -subj /CN=kiosk"
                .split(' '),
        )
        .output()
        .expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let key = std::fs::read_to_string(dir.path().join("key.pem")).expect("openssl wrote it");
    (key, String::from_utf8(output.stdout).expect("PEM is text"))
}

fn wish(csr: &str) -> String {
    serde_json::json!({ "enrolment_key": ENROLMENT_KEY, "csr": csr }).to_string()
}

/// A device with a certificate.
struct Certified {
    id: String,
    chain: String,
    key: String,
}

impl Certified {
    async fn enrol(house: &House) -> Self {
        let (key, csr) = key_and_csr();
        let answer = ask(house, "POST /devices", "", &wish(&csr)).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("HTTP/1.1 201 "), "{answer}");
        assert!(!body.contains("secret"), "{body}");
        let enrolment: CertifiedEnrolment = serde_json::from_str(body).expect("an enrolment");
        Self { id: enrolment.device_id.to_string(), chain: enrolment.certificate, key }
    }

    async fn dial(&self, house: &House, alpn: Option<&[u8]>) -> TlsStream<TcpStream> {
        dial_as(&house.gateway, alpn, Some((&self.chain, &self.key))).await
    }

    async fn connect(
        &self,
        house: &House,
        version: Version,
        client_id: &str,
        username: Option<&str>,
    ) -> (Raw<TlsStream<TcpStream>>, ReasonCode, Option<String>) {
        let mut raw = Raw::new(self.dial(house, Some(b"mqtt")).await, version);
        let hello = connect(version, client_id, "", "");
        raw.say(&Packet::Connect(Connect { username, password: None, ..hello })).await;
        let (code, assigned) = raw
            .hear(|packet| {
                let Packet::ConnAck(ack) = packet else { panic!("{packet:?}") };
                (ack.code, ack.properties.assigned_client_id.map(str::to_owned))
            })
            .await
            .expect("an answer");
        (raw, code, assigned)
    }
}

#[tokio::test]
async fn a_certificate_is_a_devices_name_and_its_secret() {
    let house = House::start(2).await;
    let device = Certified::enrol(&house).await;
    let id = device.id.as_str();
    for (version, client_id, username, code) in [
        (Version::V5, "", None, ReasonCode::Success),
        (Version::V5, id, None, ReasonCode::Success),
        (Version::V5, id, Some(id), ReasonCode::Success),
        (Version::V311, "", None, ReasonCode::Success),
        (Version::V311, id, Some(id), ReasonCode::Success),
        (Version::V5, "0000000000000000", None, ReasonCode::ClientIdNotValid),
        (Version::V5, id, Some("0000000000000000"), ReasonCode::BadUserNameOrPassword),
        (Version::V5, id, Some("kiosk"), ReasonCode::BadUserNameOrPassword),
    ] {
        let (_, said, assigned) = device.connect(&house, version, client_id, username).await;
        assert_eq!(said, code, "{version:?} {client_id} {username:?}");
        let expected = (client_id.is_empty() && version == Version::V5).then_some(id);
        assert_eq!(assigned.as_deref(), expected);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_certified_device_receives_until_it_is_deleted_with_its_certificate() {
    let house = House::start(2).await;
    let device = Certified::enrol(&house).await;
    let (mut raw, code, _) = device.connect(&house, Version::V5, "", None).await;
    assert_eq!(code, ReasonCode::Success);
    let own = NEWS.filter();
    let filters = [SubscribeFilter::at(Qos::AtLeastOnce, &own)];
    raw.say(&Packet::Subscribe(Subscribe {
        packet_id: PacketId::MIN,
        filters: SubscribeFilters::new(&filters),
        properties: SubscribeProperties::default(),
    }))
    .await;
    raw.hear(|packet| assert!(matches!(packet, Packet::SubAck(_)), "{packet:?}")).await;
    let token = raw.hear(|packet| {
        let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
        String::from_utf8_lossy(publish.payload.0).into_owned()
    });
    let token = token.await.expect("a token");
    house.send(&token, Expiration::Once, "{}").await.expect("accepted");
    raw.hear(|packet| assert!(matches!(packet, Packet::Publish(_)), "{packet:?}")).await;

    // Without its certificate nothing says who it is: it has no secret, not even an empty one.
    let mut stranger = Raw::new(dial(&house.gateway, Some(b"mqtt")).await, Version::V5);
    stranger.say(&Packet::Connect(connect(Version::V5, &device.id, &device.id, ""))).await;
    assert!(stranger.hear_text().await.contains("BadUserNameOrPassword"));

    let other = Certified::enrol(&house).await;
    let path = format!("DELETE /devices/{}", device.id);
    let answer = ask_on(other.dial(&house, Some(b"http/1.1")).await, &path, "", "").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let answer = ask_on(device.dial(&house, Some(b"http/1.1")).await, &path, "", "").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let (_, code, _) = device.connect(&house, Version::V5, "", None).await;
    assert_eq!(code, ReasonCode::BadUserNameOrPassword);
    house.stop().await;
}

#[tokio::test]
async fn a_web_page_gets_nothing_by_its_users_certificate() {
    let house = House::start(1).await;
    let device = Certified::enrol(&house).await;
    for (origin, code) in
        [("", ReasonCode::Success), ("origin: https://example.org\r\n", ReasonCode::BadUserNameOrPassword)]
    {
        let mut stream = device.dial(&house, Some(b"http/1.1")).await;
        let upgrade = format!(
            "GET /mqtt HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\n{origin}\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: mqtt\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await.expect("still open");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let mut bytes = Vec::new();
        let hello = Connect { username: None, password: None, ..connect(Version::V5, "", "", "") };
        encode(&Packet::Connect(hello), Version::V5, &mut bytes).expect("a packet of ours");
        socket.send(Message::Binary(bytes.into())).await.expect("still open");
        let answer = socket.next().await.expect("still open").expect("a frame").into_data();
        let Ok(Some((Packet::ConnAck(ack), _))) = decode(&answer, Version::V5, 1 << 16) else {
            panic!("{answer:?}")
        };
        assert_eq!(ack.code, code, "{origin}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_device_link_trusts_the_device_issuer_only() {
    let house = House::start(1).await;
    let spec = CertificateSpec {
        bundle_id: BUNDLE.to_owned(),
        kind: CertificateKind::Development,
        expires_at: None,
        p12_password: "homing".to_owned().into(),
    };
    let (centre, authority) = (house.gateway.centre(), house.gateway.authority());
    let provider = centre.create_certificate(authority, spec).await.expect("it is signed").files;
    let mut stream = dial_as(&house.gateway, Some(b"mqtt"), Some((&provider.pem, &provider.pem))).await;
    // In TLS 1.3 the client hears of it after its own part of the handshake.
    let error = stream.read_u8().await.expect_err("an alert");
    assert!(error.to_string().contains("UnknownCA"), "{error}");
    house.stop().await;
}

#[tokio::test]
async fn a_useless_certificate_request_takes_nobodys_place() {
    let house = House::start(1).await;
    let before = house.gateway.store().device_count().await.expect("it is read");
    let (_, csr) = key_and_csr();
    // One letter of its signature is another one.
    let at = csr.rfind("\n-----END").expect("PEM") - 8;
    let letter = if csr.as_bytes()[at] == b'A' { "B" } else { "A" };
    let forged = format!("{}{letter}{}", &csr[..at], &csr[at + 1..]);
    for csr in ["", "no PEM", &forged] {
        let answer = ask(&house, "POST /devices", "", &wish(csr)).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("csr"), "{answer}");
    }
    let body = serde_json::json!({ "enrolment_key": "unknown", "csr": csr }).to_string();
    let answer = ask(&house, "POST /devices", "", &body).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(house.gateway.store().device_count().await.expect("it is read"), before);
    house.stop().await;
}
