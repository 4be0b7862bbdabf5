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
/// What stands behind the percent sign of what was escaped once more.
const ESCAPED_AGAIN: &[u8] = b"25";

/// The text with a blot in place of each JWT, and of what follows the word `bearer`; borrowed if there is none.
pub(crate) fn without_tokens(text: &str) -> Cow<'_, str> {
    shown(text, &mut Run::default())
}

fn shown<'a>(text: &'a str, run: &mut Run) -> Cow<'a, str> {
    let bytes = text.as_bytes();
    let mut shown = String::new();
    let (mut copied, mut at, mut looked_at) = (0, 0, 0);
    while at < bytes.len() {
        let hidden = match can_begin(bytes[at]) && is_beginning(bytes, at) {
            true => after_scheme(text, at).or_else(|| jwt(bytes, at, run, &mut looked_at)),
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

/// Base64 in either alphabet, also where a URL has escaped it.
const fn is_of_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=' | b'%')
}

/// The scheme, or a JSON object in base64: a brace, or white space before one.
const fn can_begin(byte: u8) -> bool {
    matches!(byte, b'b' | b'B' | b'e' | b'I' | b'C' | b'D')
}

/// Whether a token can begin here: at the start, after anything but a letter or a digit, after what a URL has escaped, be it
/// again and again.
fn is_beginning(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    let is_escaped = || {
        let mut escape = before.get(..at.saturating_sub(2)).unwrap_or_default();
        while let Some(once_more) = escape.strip_suffix(ESCAPED_AGAIN) {
            escape = once_more;
        }
        at > 2 && escape.ends_with(b"%")
    };
    before.last().is_none_or(|last| !last.is_ascii_alphanumeric()) || is_escaped()
}

/// The byte that a URL has escaped here, be it again and again, and how long that is.
fn escaped(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut code = bytes.strip_prefix(b"%")?;
    while let Some(once_less) = code.strip_prefix(ESCAPED_AGAIN).filter(|rest| is_code(rest)) {
        code = once_less;
    }
    let digit = |at: usize| char::from(*code.get(at)?).to_digit(16);
    let byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    Some((byte, bytes.len() - code.len() + 2))
}

fn is_code(bytes: &[u8]) -> bool {
    matches!(bytes, [one, other, ..] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit())
}

/// How long the dot is that stands here; 0 when it is something else.
fn dot(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(b'.') => 1,
        Some(b'%') => escaped(bytes).filter(|(byte, _)| *byte == b'.').map_or(0, |(_, len)| len),
        Some(_) | None => 0,
    }
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

/// Bytes of one segment, and where the token ends whose first one it would be. All beginnings within it share that, so each
/// byte is looked at three times at most.
#[derive(Default)]
struct Run {
    end: usize,
    token_end: Option<usize>,
    #[cfg(test)]
    steps: usize,
}

impl Run {
    fn look(&mut self, bytes: &[u8], at: usize) {
        if at < self.end {
            return;
        }
        self.end = self.segment(bytes, at);
        let mut end = Some(self.end);
        for _ in 0..2 {
            end = end.and_then(|end| {
                let from = end + dot(&bytes[end..]);
                let next = self.segment(bytes, from);
                (from > end && next > from).then_some(next)
            });
        }
        self.token_end = end;
    }

    /// Where the segment ends that begins here.
    fn segment(&mut self, bytes: &[u8], from: usize) -> usize {
        let rest = &bytes[from..];
        let is_of_it = |at: &usize| is_of_segment(rest[*at]) && dot(&rest[*at..]) == 0;
        let len = (0..rest.len()).take_while(is_of_it).count();
        #[cfg(test)]
        {
            self.steps += len + 1;
        }
        from + len
    }
}

/// Three segments, of which the first is a JSON object.
fn jwt(bytes: &[u8], at: usize, run: &mut Run, looked_at: &mut usize) -> Option<(usize, usize)> {
    if matches!(bytes[at], b'b' | b'B') {
        return None;
    }
    run.look(bytes, at);
    let end = run.token_end?;
    *looked_at += 1;
    is_object(&bytes[at..run.end]).then_some((at, end))
}

fn is_object(segment: &[u8]) -> bool {
    let (mut text, mut rest) = (Vec::with_capacity(segment.len()), segment);
    while let Some(first) = rest.first() {
        let (byte, len) = escaped(rest).unwrap_or((*first, 1));
        text.push(byte);
        rest = &rest[len..];
    }
    let is_standard = text.iter().any(|byte| matches!(byte, b'+' | b'/'));
    let engine = if is_standard { &STANDARD_NO_PAD_INDIFFERENT } else { &URL_SAFE_NO_PAD_INDIFFERENT };
    let decoded = engine.decode(&text);
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
            (format!("?a={}", TOKEN.replace('.', "%2E")), "?a=…".to_owned()),
            (TOKEN.replace('.', "%2e"), "…".to_owned()),
            (TOKEN.replace('.', "%252E"), "…".to_owned()),
            (format!("token_{TOKEN}"), "token_…".to_owned()),
            (format!("token-{TOKEN}"), "token-…".to_owned()),
            (format!("?a=%2522{TOKEN}%2522&x=1"), "?a=%2522…&x=1".to_owned()),
            (format!("?a=%252522{TOKEN}"), "?a=%252522…".to_owned()),
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

    #[test]
    fn each_byte_is_looked_at_a_few_times_only() {
        for piece in ["e/", "e+", "e_", "e.", "e%25", "e%2E", "%25e", "%2525", "e"] {
            let text = piece.repeat(8_000);
            let mut run = Run::default();
            shown(&text, &mut run);
            assert!(run.steps <= 4 * text.len(), "{piece}: {} steps of {}", run.steps, text.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_brings_it_down_and_no_signature_gets_through(
            before in "([a-zA-Z0-9%./+_=é道 -]|%25|%2E|eyJ|bearer){0,40}",
            between in "[ &,;\"'?{(é道]",
            after in "([a-zA-Z0-9%./+_=é道 -]|%25|%2E|eyJ|bearer){0,40}",
        ) {
            let _ = without_tokens(&format!("{before}{after}"));
            let text = format!("{before}{between}{TOKEN}{between}{after}");
            let shown = without_tokens(&text);
            proptest::prop_assert!(!shown.contains("c2lnbmF0dXJlLXNlY3JldA"), "{text}: {shown}");
        }
    }
}
