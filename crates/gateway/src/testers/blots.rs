//! Provider tokens that stand where none belongs: in another header, in a path. They are blotted out before anything is
//! written down. Which fields are left out altogether is the entry's.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD_INDIFFERENT, URL_SAFE_NO_PAD_INDIFFERENT};

/// Stands for what isn't shown.
const BLOT: &str = "…";
/// Beginnings of tokens that are looked at in one text; in one with more, nothing is shown.
const MOST_LOOKED_AT: usize = 32;
const SCHEME: &str = "bearer";

/// The text with a blot in place of each JWT, and of what follows the word `bearer`; borrowed if there is none.
pub(super) fn without_tokens(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut shown = String::new();
    let (mut copied, mut at, mut looked_at) = (0, 0, 0);
    while at < bytes.len() {
        let hidden = match is_beginning(bytes, at) {
            true => after_scheme(text, at).or_else(|| jwt(bytes, at, &mut looked_at)),
            false => None,
        };
        if looked_at > MOST_LOOKED_AT {
            return Cow::Owned(BLOT.to_owned());
        }
        match hidden {
            Some((from, to)) => {
                shown.push_str(&text[copied..from]);
                shown.push_str(BLOT);
                (copied, at) = (to, to);
            }
            None => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

pub(super) fn blotted(text: String) -> String {
    let shown = match without_tokens(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(shown) => Some(shown),
    };
    shown.unwrap_or(text)
}

const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Base64 in either alphabet, also where a URL has escaped it.
const fn is_of_segment(byte: u8) -> bool {
    is_of_word(byte) || matches!(byte, b'+' | b'/' | b'=' | b'%')
}

/// Whether a word can begin here: at the start, after anything that is no part of one, after what a URL has escaped.
fn is_beginning(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    let is_escaped = before.len() >= 3 && before[before.len() - 3] == b'%';
    before.last().is_none_or(|last| !is_of_word(*last)) || is_escaped
}

/// What follows the scheme, up to what can't belong to it.
fn after_scheme(text: &str, at: usize) -> Option<(usize, usize)> {
    let after = at + SCHEME.len();
    if !text.as_bytes().get(at..after)?.eq_ignore_ascii_case(SCHEME.as_bytes()) {
        return None;
    }
    let rest = &text[after..];
    let value = rest.trim_start_matches([' ', '\t', '+', ':', '=']);
    let value = value.strip_prefix("%20").unwrap_or(value);
    let from = text.len() - value.len();
    let len = value.find([' ', '\t', ',', ';', '&']).unwrap_or(value.len());
    (from > after && len > 0).then_some((from, from + len))
}

/// Three segments, of which the first is a JSON object.
fn jwt(bytes: &[u8], at: usize, looked_at: &mut usize) -> Option<(usize, usize)> {
    let segment = |from: usize| {
        let len = bytes[from..].iter().take_while(|byte| is_of_segment(**byte)).count();
        (len > 0).then_some(from + len)
    };
    let next = |end: usize| (bytes.get(end) == Some(&b'.')).then(|| segment(end + 1)).flatten();
    // A brace, or white space before one, begins with one of these.
    if !matches!(bytes[at], b'e' | b'I' | b'C' | b'D') {
        return None;
    }
    let head = segment(at)?;
    let end = next(next(head)?)?;
    *looked_at += 1;
    is_object(&bytes[at..head]).then_some((at, end))
}

fn is_object(segment: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(segment) else { return false };
    let text = text.replace("%2B", "+").replace("%2b", "+").replace("%2F", "/").replace("%2f", "/");
    let text = text.replace("%3D", "=").replace("%3d", "=");
    let is_standard = text.contains(['+', '/']);
    let engine = if is_standard { &STANDARD_NO_PAD_INDIFFERENT } else { &URL_SAFE_NO_PAD_INDIFFERENT };
    let decoded = engine.decode(text.as_bytes());
    decoded.is_ok_and(|decoded| {
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&decoded).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str =
        "eyJhbGciOiJFUzI1NiIsImtpZCI6IksifQ.eyJpc3MiOiJUIiwiaWF0IjoxfQ.c2lnbmF0dXJlLXNlY3JldA";

    #[test]
    fn a_token_is_blotted_out_wherever_it_stands() {
        let escaped = format!("{TOKEN}%3D");
        for (text, shown) in [
            (TOKEN.to_owned(), "…".to_owned()),
            (format!("token={TOKEN}; a=b"), "token=…; a=b".to_owned()),
            (format!("/3/device/{TOKEN}"), "/3/device/…".to_owned()),
            (format!("/3/device/ab?jwt={TOKEN}&x=1"), "/3/device/ab?jwt=…&x=1".to_owned()),
            (format!("?a=bearer%20{escaped}&x=1"), "?a=bearer%20…&x=1".to_owned()),
            (format!("?a=%22{escaped}%22"), "?a=%22…".to_owned()),
            (format!("{TOKEN}, {TOKEN}"), "…, …".to_owned()),
            (format!("{TOKEN}."), "….".to_owned()),
            ("Bearer s3cret, basic x".to_owned(), "Bearer …, basic x".to_owned()),
            ("x=bearer:s3cret".to_owned(), "x=bearer:…".to_owned()),
            // `{"alg":"ES256"}` behind white space, in standard base64 with padding.
            (format!("IHsiYWxnIjoiRVMyNTYifQ==.{TOKEN}"), "….c2lnbmF0dXJlLXNlY3JldA".to_owned()),
        ] {
            assert_eq!(without_tokens(&text), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_shown_as_it_is() {
        for text in [
            "",
            "com.example.news",
            "ewok.example.news",
            "example.com.app.voip",
            "1.2.3",
            "bearer",
            "bearers of news",
            "/3/device/00ff?x=1",
            "道.道.道",
            "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9",
        ] {
            assert_eq!(without_tokens(text), text);
        }
    }

    #[test]
    fn a_text_with_too_much_to_look_at_is_not_shown() {
        let text = format!("{}.a.b", "eyJ/".repeat(2_000));
        assert_eq!(without_tokens(&text), BLOT);
    }
}
