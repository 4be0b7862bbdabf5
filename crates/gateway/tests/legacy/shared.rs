//! The ports of the legacy interface have the numbers of Apple's channel management: HTTP/2 is served there, too, to whoever
//! says so within the handshake.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use homing_apns::DeviceTokenHex;
use homing_apns::legacy::Command;
use homing_trace::{Environment, Stage};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::house::{BUNDLE, House, PAYLOAD, frame};

const MANAGE: &str = "api-manage-broadcast.sandbox.push.apple.com";
const MANAGE_PRODUCTION: &str = "api-manage-broadcast.push.apple.com";

/// What a notification by HTTP/2 is answered at this address, under this server name.
async fn by_http_2(house: &House, at: SocketAddr, name: &'static str, alpn: &[&str], token: &[u8]) -> u16 {
    let pem = house.certificate(BUNDLE, &[], &Environment::ALL).await;
    let mut config = house.tls(Some(&pem), rustls::ALL_VERSIONS);
    Arc::make_mut(&mut config).alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let tcp = TcpStream::connect(at).await.expect("it listens");
    let name = ServerName::try_from(name).expect("it is a name");
    let stream = tokio_rustls::TlsConnector::from(config).connect(name, tcp).await;
    let (requests, connection) =
        h2::client::handshake(stream.expect("TLS works")).await.expect("HTTP/2 begins");
    let driven = tokio::spawn(connection);
    let token = DeviceTokenHex::parse(
        &token.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<_>>(),
    );
    let path = token.expect("it is one").path();
    let request = http::Request::post(format!("https://localhost{path}"));
    let request = request.body(()).expect("it is a request");
    let (answer, mut body) =
        requests.ready().await.expect("there is room").send_request(request, false).expect("it is sent");
    body.send_data(Bytes::from_static(PAYLOAD), true).expect("the stream is open");
    let status = answer.await.expect("it is answered").status().as_u16();
    driven.abort();
    status
}

#[tokio::test]
async fn who_offers_http_2_or_names_a_host_that_speaks_it_is_served_it_on_both_ports() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let production = house.register_in(Environment::Production, BUNDLE).await;
    for at in [house.legacy(), house.feedback()] {
        assert_eq!(by_http_2(&house, at, "localhost", &["h2"], &token).await, 200, "the port's environment");
        assert_eq!(by_http_2(&house, at, MANAGE, &["h2"], &token).await, 200);
        assert_eq!(by_http_2(&house, at, MANAGE, &[], &token).await, 200, "the name is enough");
        assert_eq!(by_http_2(&house, at, MANAGE_PRODUCTION, &["h2"], &production).await, 200);
        assert_eq!(by_http_2(&house, at, MANAGE_PRODUCTION, &["h2"], &token).await, 400, "the name counts");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_name_of_the_legacy_interface_and_no_name_at_all_are_served_that() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    for (count, name) in ["gateway.sandbox.push.apple.com", "localhost"].into_iter().enumerate() {
        let mut client = house.connect_to(name).await;
        client.send(&frame(Command::Enhanced, &token)).await;
        house.wait_for(&token, Stage::Accepted, count + 1).await;
    }
    house.stop().await;
}
