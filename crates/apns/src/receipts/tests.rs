//! The stream as it is written and as it is read, whole and in pieces.

use homing_trace::{Environment, Reason, Stage, UnixMillis};
use proptest::prelude::*;

use super::*;

fn event(seq: u64, stage: Stage) -> ReceiptEvent {
    ReceiptEvent {
        seq,
        apns_id: "9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10".to_owned(),
        topic: "com.example.news".to_owned(),
        environment: Environment::Development,
        stage,
        reason: None,
        at: UnixMillis(1_795_313_045_067),
    }
}

/// Everything in the text, given in pieces that end at these places.
fn read(text: &[u8], ends: &[usize]) -> Result<Vec<(String, ReceiptEvent)>, StreamError> {
    let (mut decoder, mut events, mut from) = (Decoder::default(), Vec::new(), 0);
    for end in ends.iter().copied().chain([text.len()]) {
        let mut piece = &text[from..end];
        from = end;
        while let Some(event) = decoder.read(&mut piece)? {
            events.push(event);
        }
        assert!(piece.is_empty());
    }
    Ok(events)
}

#[test]
fn an_event_is_two_lines_and_a_blank_one() {
    let mut text = Vec::new();
    encode("184-12", &event(7, Stage::Acknowledged), &mut text);
    assert_eq!(
        String::from_utf8(text).expect("it is text"),
        "id: 184-12\ndata: {\"seq\":7,\"apns_id\":\"9b4a0a6e-2f5e-4a5f-9d76-0f5d1e9f5f10\",\
         \"topic\":\"com.example.news\",\"environment\":\"development\",\"stage\":\"acknowledged\",\
         \"reason\":null,\"at\":\"2026-11-22T02:04:05.067Z\"}\n\n"
    );
}

#[test]
fn a_cursor_stands_in_a_url_as_it_is_and_a_query_holds_nothing_else() {
    assert_eq!(path_after(None).as_deref(), Some("/v1/receipts"));
    assert_eq!(path_after(Some("184-12")).as_deref(), Some("/v1/receipts?after=184-12"));
    assert_eq!(path_after(Some("184&12")), None);
    assert_eq!(cursor_in_query(None), Ok(None));
    assert_eq!(cursor_in_query(Some("after=184-12")), Ok(Some("184-12")));
    let long = format!("after={}", "1".repeat(MAX_CURSOR + 1));
    for query in ["after=", "after", "before=1", "after=1&after=2", "after=%31", "After=1", &long] {
        assert_eq!(cursor_in_query(Some(query)), Err(crate::Reason::BadRequestParams), "{query}");
    }
}

#[test]
fn stages_before_the_answer_are_not_told() {
    let told = homing_trace::stage::TABLE.iter().filter(|row| is_told(row.0)).count();
    assert_eq!(told, 9);
    assert!(!is_told(Stage::Accepted) && !is_told(Stage::Sent) && is_told(Stage::Expired));
}

#[test]
fn other_line_ends_fields_kinds_and_stages_are_no_stumbling_blocks() {
    let json = serde_json::to_string(&event(7, Stage::Opened)).expect("it is JSON");
    let later = json.replace("opened", "read-aloud");
    let split = json.replacen(',', ",\ndata: ", 1);
    let text = format!(
        "retry: 10\r\n:\r\n\r\nid: 1\r\ndata:{json}\r\n\r\nid: 2\ndata: {later}\n\nid: 3\revent: weather\rdata: rain\r\r\
         id: 4\ndata: {split}\n\ndata\n"
    );
    let found = read(text.as_bytes(), &[]).expect("it is a stream");
    assert_eq!(found.iter().map(|(cursor, _)| cursor.as_str()).collect::<Vec<_>>(), ["1", "4"]);
    assert!(found.iter().all(|(_, found)| *found == event(7, Stage::Opened)));
}

#[test]
fn what_is_no_stream_of_receipts_is_told_and_never_gathered_without_end() {
    assert!(matches!(read(b"id: 1\ndata: {}\n\n", &[]), Err(StreamError::Event(_))));
    let json = serde_json::to_string(&event(7, Stage::Opened)).expect("it is JSON");
    for id in ["", "id: a b\n", "id\n"] {
        let text = format!("{id}data: {json}\n\n");
        assert!(matches!(read(text.as_bytes(), &[]), Err(StreamError::NoCursor)), "{id:?}");
    }
    assert!(matches!(read(&[b'x'; MAX_LINE + 1], &[]), Err(StreamError::TooLong)));
    let many = "data: 0123456789\n".repeat(MAX_LINE);
    assert!(matches!(read(many.as_bytes(), &[]), Err(StreamError::TooLong)));
}

fn events() -> impl Strategy<Value = Vec<(String, ReceiptEvent)>> {
    let stage = (0..homing_trace::stage::TABLE.len()).prop_map(|row| homing_trace::stage::TABLE[row].0);
    let reason = proptest::option::of("[a-z\"\\\\é-]{1,30}")
        .prop_map(|word| word.map(|word| Reason::from_peer(&word)));
    let one = ("[0-9a-zA-Z._~-]{1,64}", any::<u64>(), "[ -~\n\r道]{0,40}", stage, reason).prop_map(
        |(cursor, seq, apns_id, stage, reason)| {
            (cursor, ReceiptEvent { apns_id, reason, ..event(seq, stage) })
        },
    );
    proptest::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn what_is_written_is_read_whatever_the_pieces(events in events()) {
        let mut text = HELLO.to_vec();
        for (cursor, event) in &events {
            encode(cursor, event, &mut text);
            text.extend_from_slice(KEEP_ALIVE);
        }
        let bytes: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(&read(&text, &bytes).expect("we wrote it"), &events);
        for split in 0..text.len() {
            prop_assert_eq!(&read(&text, &[split]).expect("we wrote it"), &events);
        }
    }

    #[test]
    fn no_bytes_bring_it_down(bytes: Vec<u8>) {
        let _ = read(&bytes, &[]);
    }
}
