//! What a client hears when the push service stops: the last notification that was taken, so that it knows what to resend.

use homing_apns::legacy::Command;
use homing_gateway::centre::{CertificateKind, CertificateSpec};
use homing_trace::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{BUNDLE, House, frame, named, packet};

#[tokio::test]
async fn at_a_stop_the_last_good_identifier_is_said() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let (mut sender, silent, mut simple) =
        (house.connect().await, house.connect().await, house.connect().await);
    let mut amid = house.connect().await;
    sender.send(&[named([0, 0, 0, 1], &token), named([0, 0, 0, 2], &token)].concat()).await;
    amid.send(&named([0, 0, 0, 3], &token)).await;
    amid.send(&named([0, 0, 0, 4], &token)[..40]).await;
    simple.send(&frame(Command::Simple, &token)).await;
    house.wait_for(&token, Stage::Accepted, 4).await;
    let stopping = tokio::spawn(house.stop());
    assert_eq!(sender.hears().await, packet(10, [0, 0, 0, 2]));
    assert_eq!(amid.hears().await, packet(10, [0, 0, 0, 3]), "half a notification isn't sent");
    assert!(simple.hears().await.is_empty(), "who only speaks command 0 is told nothing");
    assert!(silent.hears().await.is_empty(), "nor who has said nothing");
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn who_never_stops_writing_is_told_too() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let client = house.connect().await;
    let frames = named([0, 0, 0, 5], &token).repeat(50);
    let (mut reading, mut writing) = tokio::io::split(client.stream);
    let writing = tokio::spawn(async move { while writing.write_all(&frames).await.is_ok() {} });
    while house.steps(&token).await.is_empty() {}
    let stopping = tokio::spawn(house.stop());
    let mut heard = [0; 6];
    reading.read_exact(&mut heard).await.expect("it is told");
    assert_eq!(heard[..], packet(10, [0, 0, 0, 5]));
    stopping.await.expect("it stops");
    writing.abort();
}

#[tokio::test]
async fn what_had_arrived_when_it_stopped_is_still_taken() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let mut client = house.connect().await;
    client.send(&[named([0, 0, 0, 7], &token).repeat(300), named([0, 0, 0, 8], &token)].concat()).await;
    let stopping = tokio::spawn(house.stop());
    assert_eq!(client.hears().await, packet(10, [0, 0, 0, 8]));
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn a_revoked_certificate_closes_its_connections_and_the_last_good_identifier_is_said() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let spec = CertificateSpec {
        bundle_id: BUNDLE.to_owned(),
        kind: CertificateKind::Development,
        expires_at: None,
        p12_password: "secret".to_owned().into(),
    };
    let (centre, authority) = (house.gateway.centre(), house.gateway.authority());
    let made = centre.create_certificate(authority, spec).await.expect("it is issued");
    let config = house.tls(Some(&made.files.pem), &[&rustls::version::TLS12]);
    let connect = async || house.try_connect(house.legacy(), "localhost", &config).await;
    let (mut sender, silent) = (connect().await.expect("TLS works"), connect().await.expect("TLS works"));
    sender.send(&named([0, 0, 0, 9], &token)).await;
    house.wait_for(&token, Stage::Accepted, 1).await;
    centre.revoke_certificate(&made.about.id).await.expect("it was there");
    assert_eq!(sender.hears().await, packet(10, [0, 0, 0, 9]));
    assert!(silent.hears().await.is_empty());
    assert!(connect().await.is_err(), "it opens nothing any more");
    house.stop().await;
}
