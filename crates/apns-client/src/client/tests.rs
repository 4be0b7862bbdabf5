//! The client against a push service that the test scripts: answers, refusals, and every way a connection can end.

mod server;

use std::sync::Arc;

use homing_apns::jwt::{ProviderToken, SigningKey};
use homing_apns::{Expiration, Priority, PushType};
use server::{Act, Authority, Server, listen};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::{ClientCertificate, ProviderKey, ReceiptsError, Roots};

const PAYLOAD: &str = r#"{"aps":{"alert":"Hi"}}"#;

fn key() -> Credential {
    let p8 = SigningKey::from_scalar(&[7; 32]).unwrap().to_p8().unwrap();
    Credential::Key(Arc::new(ProviderKey::from_p8(&p8, "KEY4567890", "TEAM567890").unwrap()))
}

fn config(authority: &Authority, port: u16, credential: Credential) -> ClientConfig {
    let mut config = ClientConfig::new("localhost", port, credential);
    config.roots = Roots::Pem(authority.pem());
    config
}

fn request() -> Request {
    Request {
        token: "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse().unwrap(),
        options: DeliveryOptions {
            topic: Some("com.example.news".parse().unwrap()),
            push_type: Some(PushType::Alert),
            priority: Some(Priority::Five),
            expiration: Expiration::Once,
            ..DeliveryOptions::default()
        },
        payload: PAYLOAD.into(),
    }
}

async fn client(authority: &Authority, server: &Server) -> Client {
    Client::connect(config(authority, server.address.port(), key())).await.unwrap()
}

#[tokio::test]
async fn a_notification_arrives_as_it_was_given_and_its_labels_come_back() {
    let authority = Authority::new();
    let mut server = Server::start(&authority, |_| Act::Answer(200, "")).await;
    let client = client(&authority, &server).await;
    let response = client.send(request()).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.apns_id.as_deref(), Some("9B4A0A6E-2F5E-4A5F-9D76-0F5D1E9F5F10"));
    assert_eq!(response.apns_unique_id.as_deref(), Some("2F5E4A5F-0000-0000-0000-0F5D1E9F5F10"));

    let arrived = server.arrived.recv().await.unwrap();
    assert_eq!(arrived.method, "POST");
    assert_eq!(arrived.path, format!("/3/device/{}", request().token));
    assert_eq!(arrived.authority, Some(format!("localhost:{}", server.address.port())));
    assert_eq!(arrived.body, PAYLOAD.as_bytes());
    assert_eq!(DeliveryOptions::from_headers(&arrived.headers).unwrap(), request().options);
    let token = ProviderToken::parse(arrived.headers["authorization"].as_bytes()).unwrap();
    assert_eq!((token.key_id(), token.team_id()), ("KEY4567890", "TEAM567890"));
    token.verify(&SigningKey::from_scalar(&[7; 32]).unwrap().verifying_key()).unwrap();
    client.close().await;
}

#[tokio::test]
async fn a_gate_that_is_shut_at_hand_over_keeps_the_request_back() {
    let authority = Authority::new();
    let mut server = Server::start(&authority, |_| Act::Answer(200, "")).await;
    let client = client(&authority, &server).await;
    let shut = client.send_if(request(), || Err::<(), _>("shut")).await;
    assert_eq!(shut.unwrap_err(), "shut");
    let other = Request { payload: "{}".into(), ..request() };
    client.send_if(other, || Ok::<_, ()>(())).await.unwrap().unwrap();
    assert_eq!(&server.arrived.recv().await.unwrap().body[..], b"{}");
    assert!(client.concurrency() > 1);
}

#[tokio::test]
async fn a_client_certificate_is_shown_instead_of_a_token() {
    let authority = Authority::new();
    let mut server = Server::start(&authority, |_| Act::Answer(200, "")).await;
    let (certificate, key) = authority.issue("provider");
    let certificate = ClientCertificate::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    let leaf = certificate.leaf().to_vec();
    let credential = Credential::Certificate(Arc::new(certificate));
    let client = Client::connect(config(&authority, server.address.port(), credential)).await.unwrap();
    client.send(request()).await.unwrap();
    let arrived = server.arrived.recv().await.unwrap();
    assert_eq!(arrived.client[0].as_ref(), leaf);
    assert!(!arrived.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_foreign_client_certificate_is_told_as_such() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Server::start(&authority, |_| Act::Answer(200, "")).await;
    let (certificate, key) = stranger.issue("provider");
    let certificate = ClientCertificate::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    let credential = Credential::Certificate(Arc::new(certificate));
    // In TLS 1.3 the client may be told at once or with its first request.
    let error = match Client::connect(config(&authority, server.address.port(), credential)).await {
        Ok(client) => client.send(request()).await.unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("rejected the client certificate") || error.contains("reset"), "{error}");
}

#[tokio::test]
async fn refusals_keep_their_status_reason_and_time_also_unknown_ones() {
    let authority = Authority::new();
    let server = Server::start(&authority, |number| match number {
        0 => Act::Answer(410, r#"{"reason":"Unregistered","timestamp":1508249865488}"#),
        1 => Act::Answer(400, r#"{"reason":"MoonInWrongPhase"}"#),
        _ => Act::Answer(502, "<html>no</html>"),
    })
    .await;
    let client = client(&authority, &server).await;
    let Err(SendError::Refused { status, refusal, apns_id }) = client.send(request()).await else { panic!() };
    assert_eq!((status, refusal.reason), (410, Reason::Unregistered));
    assert_eq!(refusal.timestamp.map(|at| at.0), Some(1_508_249_865_488));
    assert!(apns_id.is_some());
    let error = client.send(request()).await.unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::Unknown("MoonInWrongPhase".to_owned())));
    assert!(!error.may_be_accepted());
    let error = client.send(request()).await.unwrap_err();
    assert!(matches!(&error, SendError::NotApple { status: 502, body } if body.contains("html")), "{error}");
}

#[tokio::test]
async fn one_token_serves_all_requests_until_it_is_found_too_old() {
    let authority = Authority::new();
    let mut server = Server::start(&authority, |number| match number {
        2 => Act::Answer(403, r#"{"reason":"ExpiredProviderToken"}"#),
        _ => Act::Answer(200, ""),
    })
    .await;
    let client = client(&authority, &server).await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        let _ = client.send(request()).await;
        tokens.push(server.arrived.recv().await.unwrap().headers["authorization"].clone());
    }
    assert!(tokens[0] == tokens[1] && tokens[1] == tokens[2]);
    assert!(tokens[2] != tokens[3] && tokens[3] == tokens[4]);
}

#[tokio::test]
async fn a_refused_stream_was_certainly_not_accepted_and_the_next_one_goes_on() {
    let authority = Authority::new();
    let server =
        Server::start(&authority, |number| if number == 0 { Act::Refuse } else { Act::Answer(200, "") })
            .await;
    let client = client(&authority, &server).await;
    let error = client.send(request()).await.unwrap_err();
    assert!(matches!(error, SendError::NotTaken { .. }) && !error.may_be_accepted(), "{error}");
    client.send(request()).await.unwrap();
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_a_hang_up_at_once() {
    let authority = Authority::new();
    let server = Server::start(&authority, |number| if number == 0 { Act::Silence } else { Act::Hang }).await;
    let mut config = config(&authority, server.address.port(), key());
    config.request_deadline = Duration::from_millis(200);
    let client = Client::connect(config.clone()).await.unwrap();
    let error = client.send(request()).await.unwrap_err();
    assert!(matches!(error, SendError::Deadline { .. }) && error.may_be_accepted(), "{error}");
    config.request_deadline = Duration::from_secs(20);
    let error = client.send(request()).await.unwrap_err();
    assert!(matches!(error, SendError::Broken { .. }) && error.may_be_accepted(), "{error}");
    let error = client.send(request()).await.unwrap_err();
    assert!(!error.may_be_accepted(), "{error}");
}

/// Answers the first bytes of a client with these frames and then closes.
async fn raw_server(authority: &Authority, alpn: &[&[u8]], frames: Vec<u8>) -> u16 {
    let (tls, listener, address) = listen(authority, alpn).await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut tls) = tls.accept(stream).await else { return };
        let mut first = [0; 24];
        tls.read_exact(&mut first).await.unwrap();
        tls.write_all(&frames).await.unwrap();
        // Reading on until the client leaves keeps a reset from overtaking the frames.
        let _ = tls.shutdown().await;
        let mut rest = [0; 1024];
        while tls.read(&mut rest).await.is_ok_and(|len| len > 0) {}
    });
    address.port()
}

#[tokio::test]
async fn the_reason_of_a_goaway_is_told_to_the_request() {
    let authority = Authority::new();
    let debug_data = br#"{"reason":"BadCertificateEnvironment"}"#;
    let len = u8::try_from(8 + debug_data.len()).unwrap();
    // SETTINGS, then Apple's GOAWAY of the field: last stream 0, NO_ERROR.
    let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    frames.extend_from_slice(&[0, 0, len, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    frames.extend_from_slice(debug_data);
    for with_alpn in [true, false] {
        let alpn: &[&[u8]] = if with_alpn { &[b"h2"] } else { &[] };
        let port = raw_server(&authority, alpn, frames.clone()).await;
        let client = Client::connect(config(&authority, port, key())).await.unwrap();
        let error = client.send(request()).await.unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::BadCertificateEnvironment), "{error}");
        assert!(!error.may_be_accepted());
    }
}

#[tokio::test]
async fn what_keeps_from_connecting_is_said() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Server::start(&authority, |_| Act::Answer(200, "")).await;
    let port = server.address.port();
    let error = |config| async { Client::connect(config).await.unwrap_err() };

    let untrusted = error(config(&stranger, port, key())).await;
    assert!(untrusted.to_string().contains("name the root certificate"), "{untrusted}");
    let mut wrong_name = config(&authority, port, key());
    wrong_name.host = "127.0.0.1".to_owned();
    let wrong_name = error(wrong_name).await;
    assert!(wrong_name.to_string().contains("another name"), "{wrong_name}");
    let http1 = raw_server(&authority, &[b"http/1.1"], Vec::new()).await;
    let http1 = error(config(&authority, http1, key())).await;
    assert!(http1.to_string().contains("doesn't speak HTTP/2"), "{http1}");

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let closed = error(config(&authority, closed, key())).await;
    assert!(matches!(closed, ConnectError::Reach { .. }), "{closed}");
    let mut nowhere = config(&authority, port, key());
    nowhere.host = "a b".to_owned();
    assert!(matches!(error(nowhere).await, ConnectError::Host(_)));
    let mut nobody = config(&authority, port, key());
    nobody.roots = Roots::Pem(b"no certificate".to_vec());
    assert!(matches!(error(nobody).await, ConnectError::Roots(_)));
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_meets_the_deadline() {
    let authority = Authority::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&authority, listener.local_addr().unwrap().port(), key());
    config.connect_deadline = Duration::from_secs(2);
    let error = Client::connect(config).await.unwrap_err();
    assert!(matches!(error, ConnectError::Deadline { doing: "shaking hands by TLS", .. }), "{error}");
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let authority = Authority::new();
    let mut server = Server::start(&authority, |_| Act::Answer(200, "")).await;
    let client = Arc::new(client(&authority, &server).await);
    let sending: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(request()).await })
        })
        .collect();
    for sending in sending {
        sending.await.unwrap().unwrap();
    }
    for _ in 0..50 {
        server.arrived.recv().await.unwrap();
    }
}

#[tokio::test]
async fn receipts_are_read_as_they_come_until_the_stream_ends() {
    let authority = Authority::new();
    let mut server = Server::start(&authority, |number| match number {
        0 => Act::Stream(&[
            ": ok\n\nid: 1-1\nda",
            "ta: {\"seq\":7,\"apns_id\":\"A\",\"topic\":\"com.example.news\",\"environment\":\"production\",",
            "\"stage\":\"acknowledged\",\"reason\":null,\"at\":\"2026-11-22T02:04:05.067Z\"}\n\n:\n",
        ]),
        1 => Act::Stream(&["id: 1\ndata: {}\n\n"]),
        2 => Act::Answer(400, r#"{"reason":"BadRequestParams"}"#),
        _ => Act::Answer(200, "{}"),
    })
    .await;
    let client = client(&authority, &server).await;
    let mut receipts = client.receipts(Some("0-9")).await.unwrap();
    let (cursor, receipt) = receipts.next().await.unwrap().unwrap();
    assert_eq!((cursor.as_str(), receipt.seq, receipt.topic.as_str()), ("1-1", 7, "com.example.news"));
    assert!(receipts.next().await.is_none());
    let arrived = server.arrived.recv().await.unwrap();
    assert_eq!((arrived.method.as_str(), arrived.path.as_str()), ("GET", "/v1/receipts?after=0-9"));
    assert!(arrived.headers.contains_key("authorization"));

    let mut nonsense = client.receipts(None).await.unwrap();
    assert!(matches!(nonsense.next().await, Some(Err(ReceiptsError::Stream(_)))));
    assert!(nonsense.next().await.is_none());
    let refused = client.receipts(None).await.unwrap_err();
    assert_eq!(refused.reason(), Some(&Reason::BadRequestParams), "{refused}");
    let none = client.receipts(None).await.unwrap_err();
    assert!(matches!(none, ReceiptsError::NoStream { status: 200 }), "{none}");
    assert!(matches!(client.receipts(Some("a b")).await, Err(ReceiptsError::Cursor)));
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_to_whoever_reads_receipts() {
    let authority = Authority::new();
    let server = Server::start(&authority, |number| match number {
        0 => Act::Stream(&[": ok\n\n", ""]),
        _ => Act::Hang,
    })
    .await;
    let client = client(&authority, &server).await;
    let mut receipts = client.receipts(None).await.unwrap();
    let _ = client.send(request()).await.unwrap_err();
    assert!(matches!(receipts.next().await, Some(Err(ReceiptsError::Broken { .. }))));
}
