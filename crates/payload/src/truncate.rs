//! Shortens a notification's body so that the payload fits its limit, without cutting a character in two.

use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use crate::whole::Payload;

/// What stands for the text that was cut off.
const ELLIPSIS: &str = "…";

/// The payload can't be made to fit by shortening `alert.body`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the payload has {len} bytes and its limit is {limit}: even with the shortest body it needs {shortest}, so \
     shorten other keys"
)]
pub struct CannotTruncate {
    /// Bytes of the whole payload as compact JSON.
    pub len: usize,
    pub limit: usize,
    /// Bytes it would still have with nothing but an ellipsis as body (or its bytes, when it has no body).
    pub shortest: usize,
}

impl Payload {
    /// The same payload, made to have at most `limit` bytes as compact JSON: if need be the alert's body is cut
    /// between two characters as a reader sees them (UAX #29) and ends in `…`. Everything else stays as it is.
    ///
    /// # Errors
    /// If the rest alone is too large, or there is no body to shorten.
    pub fn truncated(&self, limit: usize) -> Result<Self, CannotTruncate> {
        let mut map = self.to_map();
        let len = json_len(&map);
        if len <= limit {
            return Ok(self.clone());
        }
        let Some(body) = body_mut(&mut map).map(std::mem::take) else {
            return Err(CannotTruncate { len, limit, shortest: len });
        };
        let shortest = json_len(&map) + ELLIPSIS.len();
        let Some(room) = limit.checked_sub(shortest) else {
            return Err(CannotTruncate { len, limit, shortest });
        };
        let cut = fitting(&body, room);
        if let Some(place) = body_mut(&mut map) {
            *place = format!("{}{ELLIPSIS}", body[..cut].trim_end());
        }
        Ok(Self::from_map(map).0)
    }
}

/// The bytes of `body`, up to a boundary between graphemes, that take at most `room` bytes in JSON.
fn fitting(body: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, grapheme) in body.grapheme_indices(true) {
        used += escaped_len(grapheme);
        if used > room {
            return at;
        }
    }
    body.len()
}

/// The bytes of a text inside a JSON string, as serde_json writes it.
fn escaped_len(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            c => c.len_utf8(),
        })
        .sum()
}

fn json_len(map: &Map<String, Value>) -> usize {
    serde_json::to_vec(map).map_or(usize::MAX, |bytes| bytes.len())
}

fn body_mut(map: &mut Map<String, Value>) -> Option<&mut String> {
    let alert = map.get_mut("aps")?.as_object_mut()?.get_mut("alert")?;
    let body = if alert.is_object() { alert.as_object_mut()?.get_mut("body")? } else { alert };
    match body {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(body: &str) -> Payload {
        let bytes =
            serde_json::json!({"aps": {"alert": {"title": "T", "body": body}}, "url": "x"}).to_string();
        Payload::parse(bytes.as_bytes()).unwrap().0
    }

    fn body(payload: &Payload) -> String {
        payload.aps.as_ref().unwrap().alert.as_ref().unwrap().body.clone().unwrap()
    }

    #[test]
    fn what_fits_is_left_alone_to_the_byte() {
        let payload = payload("hello");
        let len = payload.to_bytes().len();
        assert_eq!(body(&payload.truncated(len).unwrap()), "hello");
        assert_eq!(body(&payload.truncated(len - 1).unwrap()), "h…");
    }

    #[test]
    fn a_family_and_a_flag_are_never_cut_in_two() {
        let payload = payload("ab👨‍👩‍👧‍👦🇨🇳éé");
        let whole = payload.to_bytes().len();
        let mut seen = std::collections::BTreeSet::new();
        for limit in (whole - 30)..whole {
            seen.insert(body(&payload.truncated(limit).unwrap()));
        }
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(seen, ["ab…", "ab👨‍👩‍👧‍👦…", "ab👨‍👩‍👧‍👦🇨🇳…"]);
    }

    #[test]
    fn a_string_alert_is_a_body_too_and_the_rest_stays() {
        let text = format!(r#"{{"x":1.0,"aps":{{"alert":"{}","odd":true}}}}"#, "\\n".repeat(50));
        let payload = Payload::parse(text.as_bytes()).unwrap().0.truncated(60).unwrap();
        let value = payload.to_value();
        assert_eq!(value["aps"]["odd"], true);
        assert!(value["aps"]["alert"].as_str().unwrap().ends_with('…'));
        assert!(payload.to_bytes().len() <= 60);
    }

    #[test]
    fn too_large_a_rest_says_by_how_much() {
        let payload = payload("hello");
        let error = payload.truncated(10).unwrap_err();
        assert_eq!(error.shortest, payload.to_bytes().len() - 5 + 3);
        let no_body = Payload::parse(br#"{"aps":{"badge":1}}"#).unwrap().0;
        assert_eq!(no_body.truncated(3), Err(CannotTruncate { len: 19, limit: 3, shortest: 19 }));
    }
}
