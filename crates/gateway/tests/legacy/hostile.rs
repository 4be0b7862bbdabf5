//! Peers that are slow, rude or mad: they are dropped within a bound, and others are served meanwhile.

use std::time::Duration;

use homing_apns::legacy::Command;
use homing_trace::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::{BUNDLE, House, IDENTIFIER, frame, named, packet};

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    let house = House::start().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &[0xff; 5000],
    ] {
        let mut client = house.connect().await;
        // It may be closed before all is written.
        let _ = client.stream.write_all(garbage).await;
        assert_eq!(client.hears().await, packet(128, [0; 4]));
    }
    house.stop().await;
}

#[tokio::test]
async fn an_oversized_frame_is_refused_at_its_length() {
    let house = House::start().await;
    let mut client = house.connect().await;
    client.send(&[2, 0xff, 0xff, 0xff, 0xff]).await;
    assert_eq!(client.hears().await, packet(128, [0; 4]));
    let mut client = house.connect().await;
    client.send(&[&[1][..], &IDENTIFIER, &[0, 0, 0, 0, 0xff, 0xff]].concat()).await;
    assert_eq!(client.hears().await, packet(5, IDENTIFIER));
    house.stop().await;
}

#[tokio::test]
async fn the_word_reaches_a_client_that_goes_on_writing() {
    let house = House::start().await;
    let mut client = house.connect().await;
    client.send(&named(IDENTIFIER, &[7; 32])).await;
    let more = named([9; 4], &[7; 32]).repeat(100);
    for _ in 0..200 {
        // 1.5 MB, far more than the buffers between us.
        if client.stream.write_all(&more).await.is_err() {
            break;
        }
    }
    assert_eq!(client.hears().await, packet(8, IDENTIFIER));
    house.stop().await;
}

#[tokio::test]
async fn half_open_and_silent_peers_keep_nobody_waiting() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        // TCP alone, half a hello, half a frame.
        held.push(TcpStream::connect(house.legacy()).await.expect("it is taken"));
        let mut hello = TcpStream::connect(house.legacy()).await.expect("it is taken");
        hello.write_all(&[22, 3, 1, 2, 0, 1, 0]).await.expect("it is open");
        held.push(hello);
        let mut plain = TcpStream::connect(house.feedback()).await.expect("it is taken");
        plain.write_all(b"hello?").await.expect("it is open");
        held.push(plain);
    }
    let mut half = Vec::new();
    for _ in 0..20 {
        let mut client = house.connect().await;
        client.send(&frame(Command::Enhanced, &token)[..20]).await;
        half.push(client);
    }
    let mut client = house.connect().await;
    client.send(&frame(Command::Enhanced, &token)).await;
    house.wait_for(&token, Stage::Accepted, 1).await;
    drop((held, half));
    house.stop().await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_up() {
    let house = House::start().await;
    let mut tcp = TcpStream::connect(house.legacy()).await.expect("it is taken");
    tcp.write_all(&[22, 3, 1]).await.expect("it is open");
    let ended = timeout(Duration::from_secs(30), tcp.read(&mut [0; 16])).await.expect("there is a deadline");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_resets_loses_nothing_that_had_arrived() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    for round in 1..=5 {
        let mut client = house.connect().await;
        client.send(&frame(Command::Simple, &token).repeat(100)).await;
        // A reset instead of an orderly end, once all has left this side.
        let tcp = client.stream.get_ref().0;
        socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO)).expect("it is a socket");
        while house.steps(&token).await.len() < 100 {}
        drop(client);
        house.wait_for(&token, Stage::Accepted, 100 * round).await;
    }
    house.stop().await;
}
