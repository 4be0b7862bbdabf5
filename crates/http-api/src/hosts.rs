//! Which machine a request means and which web page speaks: what keeps a browser that was led astray (another page's
//! script, a name that its DNS server points at this machine) from speaking for its user.
//!
//! No foreign DNS server answers for `localhost` and for IP addresses; other names are served only when configured.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};

use crate::Problem;

/// The names an API answers to: `localhost`, IP addresses, and those configured.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    further: Vec<String>,
}

/// Who speaks, once the request is known to mean this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// No `Origin`: a program, or a page that only reads what is its own or can't read the answer.
    NoOrigin,
    /// A page of this very host and port.
    OwnPage,
}

/// Why a request is not for this API, or not from its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// No host, several, or one that isn't served here. What was named.
    Host(String),
    /// A page of another origin. Which.
    Origin(String),
}

impl Hosts {
    /// `further`: what `Host` may be besides `localhost` and IP addresses; a name for any port, or with its port.
    pub const fn new(further: Vec<String>) -> Self {
        Self { further }
    }

    /// Whether a request means this API and comes from no foreign page.
    pub fn judge(&self, headers: &HeaderMap, uri: &Uri) -> Result<Speaker, Stranger> {
        let host = named_host(headers, uri)?;
        if !self.is_served(host) {
            return Err(Stranger::Host(host.to_owned()));
        }
        if !headers.contains_key(ORIGIN) {
            return Ok(Speaker::NoOrigin);
        }
        let origin = only(headers, &ORIGIN).unwrap_or_default();
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            Ok(Speaker::OwnPage)
        } else {
            Err(Stranger::Origin(origin.to_owned()))
        }
    }

    fn is_served(&self, host: &str) -> bool {
        let Some(name) = host_name(host) else { return false };
        let is_address = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => name.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()),
        };
        let is_configured =
            |known: &String| name.eq_ignore_ascii_case(known) || host.eq_ignore_ascii_case(known);
        is_address || name.eq_ignore_ascii_case("localhost") || self.further.iter().any(is_configured)
    }
}

impl From<Stranger> for Problem {
    fn from(stranger: Stranger) -> Self {
        match stranger {
            Stranger::Host(host) => Self::new(
                StatusCode::MISDIRECTED_REQUEST,
                "This host is not served",
                format!(
                    "the Host {host:?} is not served here: call by localhost, by an IP address or by a configured host name"
                ),
            ),
            Stranger::Origin(origin) => Self::new(
                StatusCode::FORBIDDEN,
                "This origin may not call",
                format!(
                    "the Origin {origin:?} isn't this API's own: call it from a program, not from another web page"
                ),
            ),
        }
    }
}

/// Host and port as the request names them, in its `Host` or in its target. Two that differ are none.
fn named_host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Result<&'a str, Stranger> {
    let in_target = uri.authority().map(axum::http::uri::Authority::as_str);
    if !headers.contains_key(HOST) {
        return in_target.ok_or_else(|| Stranger::Host(String::new()));
    }
    let host = only(headers, &HOST).unwrap_or_default();
    match in_target {
        Some(target) if !target.eq_ignore_ascii_case(host) => {
            Err(Stranger::Host(format!("{host}, {target}")))
        }
        Some(_) | None => Ok(host),
    }
}

/// The value of a header that is there once.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(value) }
}

/// Without the port; the brackets of an IPv6 address stay. `None` for what is no host.
fn host_name(host: &str) -> Option<&str> {
    let at = match host.find(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(at);
    let is_port =
        |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).expect("it is a value"));
        }
        headers
    }

    fn judge(pairs: &[(HeaderName, &str)], target: &'static str) -> Result<Speaker, Stranger> {
        let hosts = Hosts::new(vec!["push.example.org".to_owned(), "api.example.org:8443".to_owned()]);
        hosts.judge(&headers(pairs), &Uri::from_static(target))
    }

    #[test]
    fn only_names_that_cannot_be_rebound_and_configured_ones_are_served() {
        for good in [
            "localhost",
            "LOCALHOST:8482",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8482",
            "192.168.1.4",
            "push.example.org",
            "Push.Example.Org:1234",
            "api.example.org:8443",
        ] {
            assert_eq!(judge(&[(HOST, good)], "/"), Ok(Speaker::NoOrigin), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example:8482",
            "127.0.0.1.nip.io",
            "localhost.",
            "[::1",
            "::1",
            "[127.0.0.1]",
            "[::1]x",
            "localhost:x",
            "localhost:99999",
            "localhost:+80",
            "user@localhost",
            "api.example.org",
            "api.example.org:1",
        ] {
            assert_eq!(judge(&[(HOST, bad)], "/"), Err(Stranger::Host(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn the_host_is_named_once_in_the_head_or_in_the_target() {
        assert!(judge(&[], "/").is_err());
        assert!(judge(&[(HOST, "localhost"), (HOST, "localhost")], "/").is_err());
        assert!(judge(&[], "http://localhost:8481/v1").is_ok());
        assert!(judge(&[(HOST, "localhost:8481")], "http://localhost:8481/v1").is_ok());
        assert!(judge(&[(HOST, "localhost:8481")], "http://evil.example/v1").is_err());
        assert!(judge(&[(HOST, "evil.example")], "http://localhost:8481/v1").is_err());
    }

    #[test]
    fn a_page_may_speak_to_its_own_host_and_port_only() {
        for own in ["http://localhost:8481", "https://localhost:8481", "http://LOCALHOST:8481"] {
            let judged = judge(&[(HOST, "localhost:8481"), (ORIGIN, own)], "/");
            assert_eq!(judged, Ok(Speaker::OwnPage), "{own}");
        }
        for foreign in [
            "null",
            "",
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:8481",
            "http://evil.example",
            "localhost:8481",
            "ftp://localhost:8481",
        ] {
            let judged = judge(&[(HOST, "localhost:8481"), (ORIGIN, foreign)], "/");
            assert_eq!(judged, Err(Stranger::Origin(foreign.to_owned())), "{foreign}");
        }
        let twice = [(HOST, "localhost"), (ORIGIN, "http://localhost"), (ORIGIN, "http://localhost")];
        assert!(judge(&twice, "/").is_err());
    }
}
