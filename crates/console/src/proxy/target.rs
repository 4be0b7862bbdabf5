//! Where a request goes on to: an upstream's address from its base URL, and a path below it that no trick leaves.

use axum::http::Uri;
use axum::http::uri::{PathAndQuery, Scheme};
use homing_http_api::Problem;

/// An upstream's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they are named in `Host`.
    pub(super) authority: String,
    /// Without the slash at its end.
    path: String,
}

impl Base {
    /// Reads `http://host[:port][/path]`. What is wrong with another, as the end of a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "isn't a URL")?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err("doesn't begin with http://");
        }
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if authority.contains('@') || uri.query().is_some() {
            return Err("has more than a host, a port and a path");
        }
        let host = uri.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err("names no host");
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        let port = uri.port_u16().unwrap_or(80);
        Ok(Self { host: bare.to_owned(), port, authority: authority.to_owned(), path })
    }

    /// `below` is what stands after the upstream's name: empty, or beginning with a slash, as the browser sent it.
    pub(super) fn target(&self, below: &str, query: Option<&str>) -> Result<Uri, Problem> {
        let below = if below.is_empty() { "/" } else { below };
        let segments = below.strip_prefix('/').ok_or_else(wrong_path)?;
        let mut segments = segments.split('/').peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            if !(is_plain(segment) && (is_last || !segment.is_empty())) {
                return Err(wrong_path());
            }
        }
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{below}{query}", self.path);
        PathAndQuery::try_from(target).map(Uri::from).map_err(|_| wrong_path())
    }
}

fn wrong_path() -> Problem {
    let detail =
        "the path has a segment that is empty, `.`, `..` or holds an encoded slash: write it out plainly";
    Problem::invalid(detail.to_owned())
}

/// Whether a segment means the same to every server: rightly encoded, no dots alone, no slash of any kind, no controls.
fn is_plain(segment: &str) -> bool {
    let Some(decoded) = decoded(segment) else { return false };
    decoded != b"."
        && decoded != b".."
        && !decoded.iter().any(|byte| matches!(byte, b'/' | b'\\') || byte.is_ascii_control())
}

fn decoded(segment: &str) -> Option<Vec<u8>> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let high = digit(bytes.next()?)?;
                high << 4 | digit(bytes.next()?)?
            }
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base: &str, below: &str, query: Option<&str>) -> Option<String> {
        let base = Base::parse(base).expect("it is a base");
        base.target(below, query).ok().map(|target| target.to_string())
    }

    #[test]
    fn a_path_goes_below_the_base() {
        for (base, below, query, wanted) in [
            ("http://localhost:8481", "", None, "/"),
            ("http://localhost:8481/", "/v1/apps", None, "/v1/apps"),
            (
                "http://localhost:8481",
                "/v1/apps/",
                Some("a=/../%2f&b=http://x"),
                "/v1/apps/?a=/../%2f&b=http://x",
            ),
            ("http://[::1]:8481/base/", "/v1/a%20b/...", None, "/base/v1/a%20b/..."),
            ("http://localhost", "/caf%C3%A9/%252e%252e", None, "/caf%C3%A9/%252e%252e"),
        ] {
            assert_eq!(target(base, below, query).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn no_path_leaves_the_base() {
        for below in [
            "/..",
            "/../secret",
            "/v1/../../secret",
            "/v1/.",
            "/v1/./apps",
            "/%2e%2e/secret",
            "/.%2E/secret",
            "/v1%2fapps",
            "/v1%2Fapps",
            "/v1%5capps",
            "/v1\\apps",
            "//evil.example/",
            "/v1//apps",
            "/%00",
            "/a%0d%0ab",
            "/%",
            "/%2",
            "/%zz",
            "/%+1",
            "http://evil.example/",
            "@evil.example/",
            ".evil.example/",
        ] {
            assert_eq!(target("http://localhost:8481/base", below, None), None, "{below}");
        }
    }

    #[test]
    fn a_base_is_plain_http_with_a_host() {
        let base = Base::parse("http://[::1]:8481/x/").expect("it is one");
        assert_eq!((base.host.as_str(), base.port, base.path.as_str()), ("::1", 8481, "/x"));
        for wrong in
            ["", "/v1", "https://localhost", "http://", "http://me@localhost", "http://localhost/?a", "x"]
        {
            assert!(Base::parse(wrong).is_err(), "{wrong}");
        }
    }
}
