//! The listener and framing rules: ALPN, prefaces, SETTINGS, GOAWAY, certificates.

use homing_trace::Environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::ALERT;
use super::raw::{self, Frame, Raw};
use super::world::{APP, Client, Credential, PREFACE, World, frames};

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// What the server says to these bytes until it closes, or until `enough` of its frames have come.
async fn exchange(world: &World, alpn: &[&str], sent: &[u8], enough: usize) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut stream = world.tls(world.tls_config(Credential::None, alpn)).await.expect("TLS works");
    stream.write_all(sent).await.expect("it is sent");
    let mut said = Vec::new();
    loop {
        let mut chunk = [0; 1024];
        let len = stream.read(&mut chunk).await.unwrap_or(0);
        said.extend_from_slice(&chunk[..len]);
        if len == 0 || frames(&said).len() >= enough {
            return frames(&said);
        }
    }
}

#[tokio::test]
async fn the_first_settings_are_apples_and_the_connections_window_is_large_at_once() {
    let world = World::start(Environment::Production).await;
    let said = exchange(&world, &["h2"], PREFACE, 3).await;
    let settings: Vec<(u8, u32)> = said[0]
        .3
        .chunks_exact(6)
        .map(|setting| (setting[1], u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]])))
        .collect();
    assert_eq!((said[0].0, said[0].1), (SETTINGS, 0));
    assert_eq!(settings, [(1, 4096), (3, 1000), (4, 65_535), (5, 16_384), (6, 8000)]);
    let update = said.iter().find(|frame| frame.0 == WINDOW_UPDATE).expect("the window grows");
    let by = u32::from_be_bytes([update.3[0], update.3[1], update.3[2], update.3[3]]);
    assert_eq!((update.2, by), (0, (4 << 20) - 65_535));
}

#[tokio::test]
async fn a_ping_is_answered() {
    let world = World::start(Environment::Production).await;
    let sent = [PREFACE, b"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"].concat();
    let said = exchange(&world, &["h2"], &sent, 4).await;
    assert!(said.contains(&(PING, 1, 0, b"12345678".to_vec())), "{said:?}");
}

#[tokio::test]
async fn a_client_without_alpn_that_knows_http_2_is_served() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let stream = world.tls(world.tls_config(Credential::None, &[])).await.expect("TLS works");
    let mut client = Client::over(stream).await;
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
}

#[tokio::test]
async fn a_request_with_host_instead_of_authority_is_served() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let mut client = world.client(Credential::None).await;
    // The client's library omits `:authority` for a request that was HTTP/1.1 before.
    let request = world.request(&token).uri(format!("/3/device/{token}")).version(http::Version::HTTP_11);
    assert_eq!(client.send(request.header("host", "localhost"), ALERT).await.status, 200);
}

#[tokio::test]
async fn a_client_of_http_1_1_only_is_told_by_a_tls_alert() {
    let world = World::start(Environment::Production).await;
    let error = world
        .tls(world.tls_config(Credential::None, &["http/1.1"]))
        .await
        .expect_err("no protocol in common");
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[tokio::test]
async fn http_1_1_without_alpn_and_garbage_get_settings_and_a_goaway_that_says_why() {
    let world = World::start(Environment::Production).await;
    let post =
        b"POST /3/device/00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0 HTTP/1.1\r\n\r\n";
    for (sent, dump) in
        [(&post[..], "504f5354202f332f6465766963652f303066633133616466"), (b"\x01\x02\x03", "010203")]
    {
        let said = exchange(&world, &[], sent, usize::MAX).await;
        assert_eq!((said.len(), said[0].0, said[1].0), (2, SETTINGS, GO_AWAY));
        let why = String::from_utf8_lossy(&said[1].3[8..]);
        assert!(why.contains("client preface string missing or corrupt") && why.ends_with(dump), "{why}");
        assert_eq!(said[1].3[..8], [0, 0, 0, 0, 0, 0, 0, 1], "no stream, PROTOCOL_ERROR");
    }
}

#[tokio::test]
async fn a_certificate_of_the_other_environment_is_sent_away_with_apples_goaway() {
    let world = World::start(Environment::Production).await;
    let development = world.certificate(APP, &[Environment::Development]).await;
    assert_eq!(world.sent_away(&development).await, r#"{"reason":"BadCertificateEnvironment"}"#);
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_refused_by_tls() {
    let world = World::start(Environment::Production).await;
    let stranger = World::start(Environment::Production).await;
    let foreign = stranger.certificate(APP, &Environment::ALL).await;
    let mut stream = match world.tls(world.tls_config(Credential::Certificate(&foreign), &["h2"])).await {
        Ok(stream) => stream,
        Err(_) => return,
    };
    // With TLS 1.3 the client learns of it when it first reads.
    stream.read_to_end(&mut Vec::new()).await.expect_err("an alert comes");
}

#[tokio::test]
async fn the_server_name_decides_the_environment_against_the_port() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Development, APP).await;
    let config = world.tls_config(Credential::None, &["h2"]);
    let stream = world
        .tls_to("api.sandbox.push.apple.com", config)
        .await
        .expect("the certificate covers Apple's names");
    let answer = Client::over(stream).await.send(world.request(&token), ALERT).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("apns-unique-id").is_some());
}

#[tokio::test]
async fn head_is_answered_405_by_headers_alone_and_the_connection_goes_on() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let certificate = world.certificate(APP, &[Environment::Production]).await;
    let mut raw = Raw::connect(&world, Credential::Certificate(&certificate)).await;
    let label = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
    let paths = [format!("/3/device/{token}"), homing_apns::receipts::PATH.to_owned(), "/".to_owned()];
    raw.send(PREFACE).await;
    for (stream, path) in [1, 3, 5].into_iter().zip(&paths) {
        let fields = [
            (":method", "HEAD"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("apns-id", label),
        ];
        raw.send(&raw::frame(raw::HEADERS, raw::END_HEADERS | raw::END_STREAM, stream, &raw::block(&fields)))
            .await;
        raw.hear(|said: &[Frame]| said.iter().any(|it| (it.0, it.2) == (raw::HEADERS, stream))).await;
    }
    let last = [raw::head(7, &token, &[]), raw::frame(raw::DATA, raw::END_STREAM, 7, ALERT)].concat();
    raw.send(&last).await;
    raw.hear(|said: &[Frame]| said.iter().any(|it| (it.0, it.2) == (raw::HEADERS, 7))).await;
    let heard = raw.heard();
    for stream in [1, 3, 5] {
        let (_, flags, _, block) =
            heard.iter().find(|it| (it.0, it.2) == (raw::HEADERS, stream)).expect("it came");
        assert_ne!(flags & raw::END_STREAM, 0, "no body follows");
        if stream == 1 {
            // `:status` with a literal of its own, in Huffman's code: 405.
            assert_eq!(block[..5], [0x48, 0x83, 0x68, 0x0d, 0xff], "{block:02x?}");
        }
    }
    assert!(heard.iter().all(|it| it.0 != raw::DATA), "{heard:?}");
}

#[tokio::test]
async fn header_fields_beyond_the_announced_limit_are_refused_in_apples_form_and_the_connection_goes_on() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let mut client = world.client(Credential::None).await;
    let large = "x".repeat(8_100);
    let label = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
    let request = world.request(&token).header("apns-id", label).header("x-large", &large);
    let answer = client.send(request, ALERT).await;
    assert_eq!(answer.reason(), (431, "RequestHeaderFieldsTooLarge".to_owned()));
    assert_eq!(answer.header("apns-id"), Some(label));
    let list = homing_apns::channel::path::all_channels(APP);
    let request =
        world.channel_request("GET", &list).header("apns-request-id", label).header("x-large", large);
    let answer = client.ask(request).await;
    assert_eq!((answer.status, answer.header("apns-request-id")), (431, Some(label)));
    assert_eq!(answer.body, br#"{"reason":"RequestHeaderFieldsTooLarge"}"#);
    assert_eq!(client.send(world.request(&token), ALERT).await.status, 200);
}

#[tokio::test]
async fn header_fields_beyond_what_is_read_are_answered_431_without_a_body_and_the_connection_goes_on() {
    let world = World::start(Environment::Production).await;
    let token = world.register(Environment::Production, APP).await;
    let certificate = world.certificate(APP, &[Environment::Production]).await;
    let mut raw = Raw::connect(&world, Credential::Certificate(&certificate)).await;
    // Fields count 32 more than they take, so that they fit into one frame.
    let large = "x".repeat(15_500);
    raw.send(
        &[PREFACE, &raw::head(1, &token, &[&[("x-large", large.as_str())][..], &[("x", ""); 30]].concat())]
            .concat(),
    )
    .await;
    let has =
        |stream: u32| move |said: &[Frame]| said.iter().any(|it| (it.0, it.2) == (raw::HEADERS, stream));
    raw.hear(has(1)).await;
    let heard = raw.heard();
    let (_, flags, _, block) = heard.iter().find(|it| it.0 == raw::HEADERS).expect("it came");
    assert_ne!(flags & raw::END_STREAM, 0, "no body follows");
    // `:status` with a literal of its own, in Huffman's code: 431.
    assert_eq!(block, &[0x48, 0x83, 0x69, 0x90, 0xff], "{block:02x?}");
    raw.send(&[raw::head(3, &token, &[]), raw::frame(raw::DATA, raw::END_STREAM, 3, ALERT)].concat()).await;
    raw.hear(has(3)).await;
    let heard = raw.heard();
    let (_, _, _, block) = heard.iter().find(|it| (it.0, it.2) == (raw::HEADERS, 3)).expect("it came");
    assert_eq!(block[0], 0x88, ":status 200");
}
