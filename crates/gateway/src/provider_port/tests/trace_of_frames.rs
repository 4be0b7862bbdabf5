//! A whole conversation as it stands on the wire, frame by frame: SETTINGS, WINDOW_UPDATE, a notification that is taken, one that
//! is refused, PING, and the GOAWAY of a stop. The snapshot is the contract with clients that read frames.

use homing_trace::Environment;

use super::ALERT;
use super::raw::{
    ACK, DATA, END_STREAM, Frame, GO_AWAY, HEADERS, PING, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE,
};
use super::raw::{frame, head};
use super::world::{APP, Credential, PREFACE, World};

const FIRST: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10";
const SECOND: &str = "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f11";

/// One frame as a line.
fn line((kind, flags, stream, payload): &Frame) -> String {
    let word = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let end = if *flags & END_STREAM != 0 { " END_STREAM" } else { "" };
    match *kind {
        SETTINGS if flags & ACK != 0 => "SETTINGS ACK".to_owned(),
        SETTINGS => payload.chunks_exact(6).fold("SETTINGS".to_owned(), |line, setting| {
            let name = match setting[1] {
                1 => "HEADER_TABLE_SIZE",
                3 => "MAX_CONCURRENT_STREAMS",
                4 => "INITIAL_WINDOW_SIZE",
                5 => "MAX_FRAME_SIZE",
                6 => "MAX_HEADER_LIST_SIZE",
                other => panic!("nobody announces setting {other}"),
            };
            format!("{line} {name}={}", word(&setting[2..]))
        }),
        WINDOW_UPDATE => format!("WINDOW_UPDATE({stream}) +{}", word(payload)),
        PING if flags & ACK != 0 => format!("PING ACK {}", String::from_utf8_lossy(payload)),
        PING => "PING of the server's own".to_owned(),
        HEADERS => format!("HEADERS({stream}) flags={flags:#04x}{end} {}", fields(payload)),
        DATA => format!("DATA({stream}){end} {}", String::from_utf8_lossy(payload)),
        GO_AWAY => {
            let why = String::from_utf8_lossy(&payload[8..]);
            format!("GOAWAY last={} code={} {why}", word(payload) & 0x7fff_ffff, word(&payload[4..]))
        }
        RST_STREAM => format!("RST_STREAM({stream}) code={}", word(payload)),
        other => panic!("nobody sends frames of kind {other}"),
    }
}

/// A block of header fields in hex, with what its first byte says of the status.
fn fields(block: &[u8]) -> String {
    let hex: String = block.iter().map(|byte| format!("{byte:02x}")).collect();
    match block[0] {
        0x88 => format!(":status=200 {hex}"),
        0x8c => format!(":status=400 {hex}"),
        _ => hex,
    }
}

#[tokio::test]
async fn a_conversation_from_settings_to_goaway_is_the_golden_one() {
    let world = World::start(Environment::Production).await;
    let certificate = world.certificate(APP, &[Environment::Production]).await;
    let token = world.register(Environment::Production, APP).await;
    let mut raw = Raw::connect(&world, Credential::Certificate(&certificate)).await;
    raw.send(&[PREFACE, &frame(SETTINGS, ACK, 0, b"")].concat()).await;
    let has =
        |kind: u8, stream: u32| move |said: &[Frame]| said.iter().any(|it| (it.0, it.2) == (kind, stream));
    raw.hear(|said| has(WINDOW_UPDATE, 0)(said) && said.iter().any(|it| (it.0, it.1) == (SETTINGS, ACK)))
        .await;

    raw.send(&[head(1, &token, &[("apns-id", FIRST)]), frame(DATA, END_STREAM, 1, ALERT)].concat()).await;
    raw.hear(has(HEADERS, 1)).await;
    let wrong = [("apns-id", SECOND), ("apns-priority", "7")];
    raw.send(&[head(3, &token, &wrong), frame(DATA, END_STREAM, 3, ALERT)].concat()).await;
    raw.hear(has(DATA, 3)).await;
    raw.send(&frame(PING, 0, 0, b"12345678")).await;
    raw.hear(has(PING, 0)).await;
    world.stop();
    raw.hear_all().await;

    let trace: Vec<String> = raw.heard().iter().map(line).collect();
    insta::assert_snapshot!(trace.join("\n"));
}
