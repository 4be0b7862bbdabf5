//! Every status that can be provoked, by its six bytes; and what a failed notification does to its neighbours.

use homing_apns::Priority;
use homing_apns::legacy::{Command, LegacyNotification};
use homing_gateway::notification::RegistrationKey;
use homing_trace::{Environment, Stage};

use crate::house::{self, BUNDLE, House, IDENTIFIER, PAYLOAD, RIVAL, VOIP, frame, named, packet};

/// A framed notification of these items.
fn framed(items: &[(u8, &[u8])]) -> Vec<u8> {
    let mut data = Vec::new();
    for (id, value) in items {
        data.push(*id);
        data.extend((value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    }
    [&[2][..], &(data.len() as u32).to_be_bytes(), &data].concat()
}

#[tokio::test]
async fn every_status_of_a_frame_is_said_with_the_identifier_and_then_the_connection_ends() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let production = house.register_in(Environment::Production, BUNDLE).await;
    let voip = house.register(VOIP).await;
    let topic_no = house.topic_no(BUNDLE);
    let never = RegistrationKey { device: 7, environment: Environment::Development, topic_no, generation: 1 };
    let never = house.sealer.seal(&never);
    let long = [b' '; 2049];
    let silent = br#"{"aps":{"content-available":1}}"#;
    let id = (3, &IDENTIFIER[..]);
    for (what, frame, status) in [
        ("no token", framed(&[id, (2, PAYLOAD)]), 2),
        ("no payload", framed(&[id, (1, &token)]), 4),
        ("a short token", framed(&[id, (1, &token[1..]), (2, PAYLOAD)]), 5),
        ("a long payload, its identifier behind it", framed(&[(1, &token), (2, &long), id]), 7),
        ("a token of nobody", framed(&[id, (1, &[7; 32]), (2, PAYLOAD)]), 8),
        ("the other environment's token", framed(&[id, (1, &production), (2, PAYLOAD)]), 8),
        ("another topic's token", framed(&[id, (1, &voip), (2, PAYLOAD)]), 8),
        ("a token that was never given", framed(&[id, (1, &never), (2, PAYLOAD)]), 8),
        ("a priority of 7", framed(&[id, (1, &token), (2, PAYLOAD), (5, &[7])]), 128),
        ("10 for a silent one", framed(&[id, (1, &token), (2, silent), (5, &[10])]), 128),
        ("a zero byte in the payload", framed(&[id, (1, &token), (2, b"{}\0")]), 128),
        ("an unknown item", framed(&[id, (1, &token), (2, PAYLOAD), (9, b"x")]), 128),
    ] {
        let mut client = house.connect().await;
        client.send(&frame).await;
        assert_eq!(client.hears().await, packet(status, IDENTIFIER), "{what}");
    }
    for (token, reasons) in [
        (&[7; 32][..], &["BadDeviceToken"][..]),
        (&production, &["BadDeviceToken"]),
        (&voip, &["DeviceTokenNotForTopic"]),
        (&never, &["BadDeviceToken"]),
        // Without a payload, with a long one; two priorities; a zero byte, an unknown item.
        (
            &token,
            &[
                "PayloadEmpty",
                "PayloadTooLarge",
                "BadPriority",
                "BadPriority",
                "ProtocolError",
                "ProtocolError",
            ],
        ),
    ] {
        let refused = reasons.iter().map(|reason| (Stage::Refused, Some((*reason).to_owned())));
        assert_eq!(house.steps(token).await, refused.collect::<Vec<_>>(), "the trace knows");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_simple_notification_that_fails_ends_the_connection_without_a_word() {
    let house = House::start().await;
    for wrong in [frame(Command::Simple, &[7; 32]), vec![0, 0, 0], vec![0, 0, 31]] {
        let mut client = house.connect().await;
        client.send(&wrong).await;
        assert!(client.hears().await.is_empty(), "{wrong:?}");
    }
    house.stop().await;
}

#[tokio::test]
async fn no_identifier_is_answered_with_zeros() {
    let house = House::start().await;
    for wrong in [framed(&[(1, &[7; 32]), (2, PAYLOAD)]), framed(&[(2, PAYLOAD)])] {
        let mut client = house.connect().await;
        client.send(&wrong).await;
        assert_eq!(client.hears().await[2..], [0; 4]);
    }
    house.stop().await;
}

#[tokio::test]
async fn what_precedes_the_failed_one_is_taken_and_what_follows_it_is_discarded() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let good = |number: u8| named([0, 0, 0, number], &token);
    let topic_no = house.topic_no(BUNDLE);
    let never = RegistrationKey { device: 7, environment: Environment::Development, topic_no, generation: 1 };
    let mut taken = 0;
    // Seen by the frame, by the token, by the store.
    for wrong in [
        vec![1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 31],
        named([0, 0, 0, 9], &[7; 32]),
        named([0, 0, 0, 9], &house.sealer.seal(&never)),
    ] {
        let mut client = house.connect().await;
        client.send(&[good(1), good(2), wrong, good(3), good(4)].concat()).await;
        assert_eq!(client.hears().await[2..], [0, 0, 0, 9]);
        taken += 2;
        house.wait_for(&token, Stage::Accepted, taken).await;
    }
    house.stop().await;
}

#[tokio::test]
async fn a_token_whose_app_is_gone_is_no_failure() {
    let house = House::start().await;
    let (device, gone) = house.register_device(Environment::Development, BUNDLE).await;
    let token = house.register(BUNDLE).await;
    house.unregister(device, BUNDLE).await;
    let mut client = house.connect().await;
    client.send(&[frame(Command::Framed, &gone), frame(Command::Framed, &token)].concat()).await;
    house.wait_for(&token, Stage::Accepted, 1).await;
    assert_eq!(house.steps(&gone).await, [(Stage::Refused, Some("Unregistered".to_owned()))]);
    client.hears_nothing().await;
    house.stop().await;
}

#[tokio::test]
async fn a_certificate_without_a_topic_of_its_own_gets_no_notification_in() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    // A certificate whose own topic isn't its team's any more, and that lists one that is.
    let pem = house.certificate("com.example.sold", &[BUNDLE], &Environment::ALL).await;
    let config = house.tls(Some(&pem), rustls::ALL_VERSIONS);
    let mut client =
        house.try_connect(house.legacy(), "localhost", &config).await.expect("its team is known");
    client.send(&frame(Command::Framed, &token)).await;
    assert_eq!(client.hears().await, packet(3, IDENTIFIER));
    house.stop().await;
}

#[tokio::test]
async fn a_universal_certificate_sends_to_its_own_topic() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let pem = house.certificate(BUNDLE, &[BUNDLE, VOIP], &Environment::ALL).await;
    let config = house.tls(Some(&pem), rustls::ALL_VERSIONS);
    let mut client = house.try_connect(house.legacy(), "localhost", &config).await.expect("TLS works");
    client.send(&frame(Command::Framed, &token)).await;
    house.wait_for(&token, Stage::Accepted, 1).await;
    house.stop().await;
}

#[tokio::test]
async fn a_store_that_has_failed_is_a_processing_error() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let mut client = house.connect().await;
    let store = house.gateway.store().clone();
    tokio::task::spawn_blocking(move || store.close()).await.expect("it closes");
    client.send(&frame(Command::Framed, &token)).await;
    assert_eq!(client.hears().await, packet(1, IDENTIFIER));
    house.stop().await;
}

#[tokio::test]
async fn the_documented_256_bytes_are_kept_to_only_when_strict() {
    for (strict, len, is_taken) in
        [(false, 2048, true), (false, 2049, false), (true, 256, true), (true, 257, false)]
    {
        let house = House::start_with(strict).await;
        let token = house.register(BUNDLE).await;
        let mut client = house.connect().await;
        let sent =
            LegacyNotification { payload: vec![b' '; len], ..house::notification(Command::Enhanced, &token) };
        client.send(&house::encoded(&sent)).await;
        if is_taken {
            house.wait_for(&token, Stage::Accepted, 1).await;
        } else {
            assert_eq!(client.hears().await, packet(7, IDENTIFIER), "{len}");
        }
        house.stop().await;
    }
}

#[tokio::test]
async fn priority_five_is_taken_and_a_silent_one_needs_no_priority() {
    let house = House::start().await;
    let token = house.register(BUNDLE).await;
    let mut client = house.connect().await;
    let silent = LegacyNotification {
        payload: br#"{"aps":{"content-available":1}}"#.to_vec(),
        ..house::notification(Command::Enhanced, &token)
    };
    let five =
        LegacyNotification { priority: Some(Priority::Five), ..house::notification(Command::Framed, &token) };
    client.send(&[house::encoded(&silent), house::encoded(&five)].concat()).await;
    house.wait_for(&token, Stage::Accepted, 2).await;
    house.stop().await;
}

#[tokio::test]
async fn only_a_certificate_of_a_known_app_and_this_environment_comes_in() {
    let house = House::start().await;
    let stranger = rcgen::generate_simple_self_signed(["stranger".to_owned()]).expect("it is made");
    let stranger = [stranger.cert.pem(), stranger.signing_key.serialize_pem()].concat();
    let wrong = [
        ("none", None),
        ("one of another issuer", Some(stranger)),
        ("the other environment's", Some(house.certificate(BUNDLE, &[], &[Environment::Production]).await)),
        (
            "one of an unknown app",
            Some(house.certificate("com.example.unknown", &[], &Environment::ALL).await),
        ),
    ];
    for (what, pem) in &wrong {
        for address in [house.legacy(), house.feedback()] {
            // TLS 1.2 tells within the handshake, 1.3 with the first read.
            let config = house.tls(pem.as_deref(), &[&rustls::version::TLS12]);
            assert!(house.try_connect(address, "localhost", &config).await.is_err(), "{what}");
            let config = house.tls(pem.as_deref(), &[&rustls::version::TLS13]);
            if let Ok(mut client) = house.try_connect(address, "localhost", &config).await {
                let heard = tokio::io::AsyncReadExt::read_u8(&mut client.stream).await;
                let error = heard.expect_err("nothing is said").to_string();
                assert!(error.contains("alert"), "{what}: {error}");
            }
        }
    }
    let rival = house.certificate(RIVAL, &[], &Environment::ALL).await;
    let token = house.register(BUNDLE).await;
    let config = house.tls(Some(&rival), rustls::ALL_VERSIONS);
    let mut client = house.try_connect(house.legacy(), "localhost", &config).await.expect("it is an app's");
    client.send(&frame(Command::Framed, &token)).await;
    assert_eq!(client.hears().await, packet(8, IDENTIFIER), "another team's token");
    house.stop().await;
}
