//! One port, three protocols: enrolment over HTTPS, MQTT over WebSocket, and telling them apart.

use futures_util::{SinkExt as _, StreamExt as _};
use homing_apns::Expiration;
use homing_link::{Packet, ReasonCode, Version, decode, encode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::house::{ENROLMENT_KEY, House, NEWS};
use crate::raw::{Raw, connect, dial};

/// One request over HTTP/1.1, without ALPN; the whole answer.
pub(crate) async fn ask(house: &House, method_and_path: &str, headers: &str, body: &str) -> String {
    ask_on(dial(&house.gateway, None).await, method_and_path, headers, body).await
}

/// The same on this connection.
pub(crate) async fn ask_on<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    method_and_path: &str,
    headers: &str,
    body: &str,
) -> String {
    let request = format!(
        "{method_and_path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("still open");
    let mut answer = Vec::new();
    // A server may close without a word of TLS.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("authorization: Basic {encoded}\r\n")
}

#[tokio::test]
async fn enrolment_refuses_in_problem_json() {
    let house = House::start(1).await;
    for (request, body, status) in [
        ("POST /devices", r#"{"enrolment_key":"unknown"}"#.to_owned(), 401),
        ("POST /devices", "no JSON".to_owned(), 400),
        ("POST /devices", r#"{"key":1}"#.to_owned(), 400),
        ("POST /devices", format!(r#"{{"enrolment_key":"{}"}}"#, "x".repeat(20_000)), 413),
        ("GET /devices", String::new(), 405),
        ("GET /elsewhere", String::new(), 404),
        ("GET /mqtt", String::new(), 426),
        ("DELETE /devices/0000000000000000", String::new(), 401),
    ] {
        let answer = ask(&house, request, "", &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_deleted_device_is_gone_with_all_it_held() {
    let house = House::start(1).await;
    let body = format!(r#"{{"enrolment_key":"{ENROLMENT_KEY}"}}"#);
    let answer = ask(&house, "POST /devices", "content-type: application/json\r\n", &body).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let enrolment: homing_link::Enrolment = serde_json::from_str(body).expect("an enrolment");
    let id = enrolment.device_id.to_string();
    let mut connection = Raw::new(dial(&house.gateway, None).await, Version::V5);
    connection.say(&Packet::Connect(connect(Version::V5, &id, &id, &enrolment.secret))).await;
    assert!(connection.hear_text().await.starts_with("ConnAck"));
    let path = format!("DELETE /devices/{id}");
    assert!(ask(&house, &path, &basic(&id, "wrong"), "").await.starts_with("HTTP/1.1 401 "));
    assert!(ask(&house, &path, &basic(&id, &enrolment.secret), "").await.starts_with("HTTP/1.1 204 "));
    let said = connection
        .hear(|packet| if let Packet::Disconnect(said) = packet { Some(said.code) } else { None })
        .await;
    assert_eq!(said, Some(Some(ReasonCode::AdministrativeAction)));
    let mut again = Raw::new(dial(&house.gateway, None).await, Version::V5);
    again.say(&Packet::Connect(connect(Version::V5, &id, &id, &enrolment.secret))).await;
    let code =
        again.hear(|packet| if let Packet::ConnAck(ack) = packet { Some(ack.code) } else { None }).await;
    assert_eq!(code, Some(Some(ReasonCode::BadUserNameOrPassword)));
    house.stop().await;
}

#[tokio::test]
async fn a_connection_that_outlives_its_enrolment_registers_nothing() {
    let house = House::start(1).await;
    let device = house.enrol().await;
    let mut connection = device.connect(Version::V5).await.expect("enrolled");
    // As when the enrolment is deleted between the look at its secret and CONNACK.
    assert!(house.gateway.store().remove_device(device.id().0).await.expect("it is written"));
    let error = connection.subscribe(&NEWS).await.expect_err("nobody's device");
    assert!(format!("{error:#}").contains("administrative action"), "{error}");
    house.stop().await;
}

#[tokio::test]
async fn enrolment_is_spoken_over_http_2_too() {
    let house = House::start(1).await;
    let stream = dial(&house.gateway, Some(b"h2")).await;
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driving = tokio::spawn(connection);
    let request = http::Request::post("https://localhost/devices").body(()).expect("a request");
    let (answer, mut body) = client.send_request(request, false).expect("a stream");
    let json = format!(r#"{{"enrolment_key":"{ENROLMENT_KEY}"}}"#);
    body.send_data(json.into(), true).expect("a body");
    assert_eq!(answer.await.expect("an answer").status(), 201);
    driving.abort();
    house.stop().await;
}

#[tokio::test]
async fn a_device_over_websocket_is_like_any_other() {
    let house = House::start(2).await;
    let body = format!(r#"{{"enrolment_key":"{ENROLMENT_KEY}"}}"#);
    let answer = ask(&house, "POST /devices", "", &body).await;
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let enrolment: homing_link::Enrolment = serde_json::from_str(body).expect("an enrolment");
    let id = enrolment.device_id.to_string();

    let mut stream = dial(&house.gateway, Some(b"http/1.1")).await;
    let upgrade = "GET /mqtt HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: mqtt\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("still open");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    let head = String::from_utf8(head).expect("text");
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    assert!(head.contains("sec-websocket-protocol: mqtt"), "{head}");
    let mut socket = tokio_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Client, None).await;

    let mut bytes = Vec::new();
    let hello = connect(Version::V5, &id, &id, &enrolment.secret);
    encode(&Packet::Connect(hello), Version::V5, &mut bytes).expect("a packet of ours");
    let filter = NEWS.filter();
    let filters = [homing_link::SubscribeFilter::at(homing_link::Qos::AtLeastOnce, &filter)];
    let subscribe = homing_link::Subscribe {
        packet_id: homing_link::PacketId::MIN,
        filters: homing_link::SubscribeFilters::new(&filters),
        properties: homing_link::SubscribeProperties::default(),
    };
    encode(&Packet::Subscribe(subscribe), Version::V5, &mut bytes).expect("a packet of ours");
    // Frames end where they like: here after each seventh byte.
    for piece in bytes.chunks(7) {
        socket.send(Message::Binary(piece.to_vec().into())).await.expect("still open");
    }
    let mut received = Vec::new();
    let mut sent = false;
    loop {
        if let Some((packet, len)) = decode(&received, Version::V5, 1 << 16).expect("MQTT") {
            if let Packet::Publish(publish) = packet {
                if sent {
                    assert_eq!(publish.payload.0, b"{}");
                    break;
                }
                let token = String::from_utf8_lossy(publish.payload.0).into_owned();
                house.send(&token, Expiration::Once, "{}").await.expect("accepted");
                sent = true;
            }
            received.drain(..len);
            continue;
        }
        match socket.next().await.expect("still open").expect("a frame") {
            Message::Binary(bytes) => received.extend_from_slice(&bytes),
            other @ (Message::Text(_)
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Close(_)
            | Message::Frame(_)) => {
                panic!("{other:?}")
            }
        }
    }
    house.stop().await;
}
