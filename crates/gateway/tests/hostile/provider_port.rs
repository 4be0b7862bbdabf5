//! What is done to the provider port.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, frame, indexed_field,
    preface, request,
};
use crate::{ATTACK, Ended, Good, flood, is_closed, memory, tls};

/// Attackers at a time.
const MANY: usize = 4;

/// Each attacker sends the preface with these SETTINGS, then what `next` gives for its turn, counted from 0.
async fn attack(
    good: &mut Good,
    what: &str,
    settings: &[(u16, u32)],
    next: fn(u32) -> Vec<u8>,
) -> Vec<Ended> {
    let mut attackers = JoinSet::new();
    for _ in 0..MANY {
        let mut stream = tls(&good.house.gateway, good.provider_port(), b"h2").await;
        stream.write_all(&preface(settings)).await.expect("still open");
        let mut turn = 0;
        attackers.spawn(flood(stream, ATTACK, move || {
            turn += 1;
            next(turn - 1)
        }));
    }
    good.under(what, attackers).await
}

#[tokio::test]
async fn a_frame_that_is_right_is_answered() {
    let good = Good::start().await;
    let mut stream = tls(&good.house.gateway, good.provider_port(), b"h2").await;
    let asked = [preface(&[]), frame(HEADERS, END_HEADERS | END_STREAM, 1, &request())].concat();
    stream.write_all(&asked).await.expect("still open");
    hears(&mut stream, b"MissingProviderToken").await;
    good.house.stop().await;
}

/// Reads until these bytes have come.
async fn hears(stream: &mut TlsStream<TcpStream>, wanted: &[u8]) {
    let mut heard = Vec::new();
    let reading = async {
        while !heard.windows(wanted.len()).any(|word| word == wanted) {
            assert_ne!(stream.read_buf(&mut heard).await.expect("still open"), 0, "closed");
        }
    };
    timeout(Duration::from_secs(60), reading).await.expect("it is said in time");
}

fn repeated(one: impl Fn(u32) -> Vec<u8>, turn: u32) -> Vec<u8> {
    (turn * 100..(turn + 1) * 100).flat_map(one).collect()
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_at_once_cost_others_nothing() {
    let mut good = Good::start().await;
    attack(&mut good, "rapid reset", &[], |turn| {
        let one = |number| {
            let stream = 2 * number + 1;
            let open = frame(HEADERS, END_HEADERS, stream, &request());
            [open, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
        };
        repeated(one, turn)
    })
    .await;
    good.house.stop().await;
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    let mut good = Good::start().await;
    let ends = attack(&mut good, "CONTINUATION flood", &[], |turn| match turn {
        0 => frame(HEADERS, 0, 1, &request()),
        _ => frame(CONTINUATION, 0, 1, &indexed_field(16_000)),
    })
    .await;
    assert_eq!(ends, [Ended::Closed; MANY]);
    let ends = attack(&mut good, "empty CONTINUATION flood", &[], |turn| match turn {
        0 => frame(HEADERS, 0, 1, &request()),
        _ => repeated(|_| frame(CONTINUATION, 0, 1, &[]), turn),
    })
    .await;
    assert_eq!(ends, [Ended::Closed; MANY]);
    good.house.stop().await;
}

#[tokio::test]
async fn a_header_block_that_unfolds_to_megabytes_fills_no_memory() {
    let mut good = Good::start().await;
    attack(&mut good, "HPACK bomb", &[], |turn| {
        // The first entry of the dynamic table, again and again: 3.9 KB for each byte.
        let block = [request(), indexed_field(3_900), vec![0xbe; 12_000]].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, 2 * turn + 1, &block)
    })
    .await;
    good.house.stop().await;
}

#[tokio::test]
async fn bodies_in_the_smallest_frames_hold_up_nobody() {
    let mut good = Good::start().await;
    for (what, payload) in [("tiny DATA", &[b'x'][..]), ("empty DATA", &[])] {
        let next: fn(u32) -> Vec<u8> = match payload {
            [] => |turn| match turn {
                0 => frame(HEADERS, END_HEADERS, 1, &request()),
                _ => repeated(|_| frame(DATA, 0, 1, &[]), turn),
            },
            _ => |turn| match turn {
                0 => frame(HEADERS, END_HEADERS, 1, &request()),
                _ => repeated(|_| frame(DATA, 0, 1, b"x"), turn),
            },
        };
        attack(&mut good, what, &[], next).await;
    }
    good.house.stop().await;
}

#[tokio::test]
async fn questions_whose_answers_nobody_reads_pile_up_nowhere() {
    let mut good = Good::start().await;
    let settings: fn(u32) -> Vec<u8> = |turn| repeated(|_| frame(SETTINGS, 0, 0, &[]), turn);
    let pings: fn(u32) -> Vec<u8> = |turn| repeated(|_| frame(PING, 0, 0, &[7; 8]), turn);
    for (what, next) in [("SETTINGS flood", settings), ("PING flood", pings)] {
        attack(&mut good, what, &[], next).await;
    }
    good.house.stop().await;
}

#[tokio::test]
async fn a_reader_whose_window_is_closed_keeps_a_bounded_number_of_answers() {
    let mut good = Good::start().await;
    // SETTINGS_INITIAL_WINDOW_SIZE 0: no answer's body may be sent.
    attack(&mut good, "closed window", &[(4, 0)], |turn| {
        repeated(|number| frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &request()), turn)
    })
    .await;
    good.house.stop().await;
}

#[tokio::test]
async fn what_never_comes_to_its_end_is_given_up_and_others_are_served() {
    let mut good = Good::start().await;
    let mut held = Vec::new();
    for _ in 0..100 {
        // TCP alone, half a hello.
        held.push(TcpStream::connect(good.provider_port()).await.expect("it is taken"));
        let mut hello = TcpStream::connect(good.provider_port()).await.expect("it is taken");
        hello.write_all(&[22, 3, 1, 2, 0, 1, 0]).await.expect("it is open");
        held.push(hello);
    }
    let mut silent = Vec::new();
    for half in [&[][..], b"PRI * HTTP/2.0\r\n"] {
        let mut stream = tls(&good.house.gateway, good.provider_port(), b"h2").await;
        stream.write_all(half).await.expect("still open");
        silent.push(stream);
    }
    let mut slow = Vec::new();
    for _ in 0..50 {
        // Half of SETTINGS, half a request, and a request whose body doesn't come: no more than a connection that is idle.
        let begun = |flags| [preface(&[]), frame(HEADERS, flags, 1, &request())].concat();
        for half in [&preface(&[])[..30], &begun(0), &begun(END_HEADERS)] {
            let mut stream = tls(&good.house.gateway, good.provider_port(), b"h2").await;
            stream.write_all(half).await.expect("still open");
            slow.push(stream);
        }
    }
    good.is_served().await;
    for stream in silent {
        is_closed(stream).await;
    }
    // The last has waited for its body as long as the others for their beginning.
    hears(slow.last_mut().expect("there are some"), b"IdleTimeout").await;
    good.is_served().await;
    drop((held, slow));
    good.house.stop().await;
}

#[tokio::test]
async fn two_thousand_silent_connections_are_kept_and_the_next_one_is_served() {
    const CONNECTIONS: u64 = 2_000;
    let mut good = Good::start().await;
    let before = memory();
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = tls(&good.house.gateway, good.provider_port(), b"h2").await;
        stream.write_all(&preface(&[])).await.expect("still open");
        held.push(stream);
    }
    good.is_served().await;
    let each = memory().saturating_sub(before) / CONNECTIONS;
    eprintln!("{CONNECTIONS} connections: {each} bytes each, both ends");
    // Both ends, each with a TLS session and its buffers.
    assert!(each < 200 << 10, "{each} bytes for each");
    drop(held);
    good.house.stop().await;
}
