//! The stream by which a provider hears what became of its notifications after they were accepted: `GET /v1/receipts` on
//! the port that takes them, answered by server-sent events (*HTML Living Standard*, 9.2). Apple has nothing like it. Here
//! stand the path, the cursor's form and the events, written and read; which events there are, and what a cursor means, is
//! the push service's.

mod decoder;
#[cfg(test)]
mod tests;

use homing_trace::{Environment, Reason, Stage, UnixMillis};
use serde::{Deserialize, Serialize};

pub use decoder::{Decoder, StreamError};

/// Where the stream is read.
pub const PATH: &str = "/v1/receipts";
/// The answer's `content-type`.
pub const CONTENT_TYPE: &str = "text/event-stream";
/// Said first, so that the reader knows that the stream stands.
pub const HELLO: &[u8] = b": ok\n\n";
/// Said when there has been nothing to say for [`KEEP_ALIVE_SECONDS`].
pub const KEEP_ALIVE: &[u8] = b":\n\n";
/// Longest silence of a stream that lives.
pub const KEEP_ALIVE_SECONDS: u64 = 15;
/// Longest cursor, in bytes.
pub const MAX_CURSOR: usize = 64;
/// Longest line, in bytes: an event has some 250.
pub const MAX_LINE: usize = 4096;

const AFTER: &str = "after=";

/// One step in the life of an accepted notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptEvent {
    pub seq: u64,
    /// The notification's label, letter by letter as its answer gave it.
    pub apns_id: String,
    pub topic: String,
    pub environment: Environment,
    pub stage: Stage,
    pub reason: Option<Reason>,
    /// On the clock of whoever says the stage: the push service, or the device.
    pub at: UnixMillis,
}

/// Whether a stage is told: every one that follows acceptance and is news to its provider.
pub const fn is_told(stage: Stage) -> bool {
    match stage {
        Stage::Replaced
        | Stage::Expired
        | Stage::Discarded
        | Stage::Acknowledged
        | Stage::Displayed
        | Stage::Suppressed
        | Stage::Opened
        | Stage::Dismissed
        | Stage::Action => true,
        Stage::Accepted | Stage::Refused | Stage::Stored | Stage::Sent | Stage::Injected => false,
    }
}

/// Whether the text has a cursor's form: 1 to 64 letters, digits, `-`, `.`, `_` and `~` of ASCII, which stand in a URL as
/// they are.
pub fn is_cursor(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (1..=MAX_CURSOR).contains(&text.len()) && text.bytes().all(allowed)
}

/// Path and query by which everything after a cursor is asked for; without one, everything that is kept. `None` if the
/// text is no cursor.
pub fn path_after(cursor: Option<&str>) -> Option<String> {
    match cursor {
        None => Some(PATH.to_owned()),
        Some(cursor) => is_cursor(cursor).then(|| format!("{PATH}?{AFTER}{cursor}")),
    }
}

/// The cursor that a request's query names. A query that says anything else is [`crate::Reason::BadRequestParams`]: a
/// misspelt `after` would mean all that is kept.
pub fn cursor_in_query(query: Option<&str>) -> Result<Option<&str>, crate::Reason> {
    match query {
        None | Some("") => Ok(None),
        Some(query) => match query.strip_prefix(AFTER).filter(|cursor| is_cursor(cursor)) {
            Some(cursor) => Ok(Some(cursor)),
            None => Err(crate::Reason::BadRequestParams),
        },
    }
}

/// Writes an event under the cursor after which the stream goes on.
pub fn encode(cursor: &str, event: &ReceiptEvent, into: &mut Vec<u8>) {
    into.extend_from_slice(b"id: ");
    into.extend_from_slice(cursor.as_bytes());
    into.extend_from_slice(b"\ndata: ");
    // JSON of such an event has no line breaks, and writing to a vector doesn't fail.
    let _ = serde_json::to_writer(&mut *into, event);
    into.extend_from_slice(b"\n\n");
}
