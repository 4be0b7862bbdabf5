//! Who may use the API: who has the key, and no page that a browser was tricked into (DNS rebinding): the Host must be
//! an address or `localhost`, and an Origin, if there is one, this very API.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Api;
use super::problem::Problem;

/// The API's key, as its digest, so that comparing it tells nothing, not even its length.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    pub(super) fn new(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    fn opens(&self, offered: &str) -> bool {
        Self::new(offered).0.ct_eq(&self.0).into()
    }
}

pub(super) async fn check(State(api): State<Api>, request: Request, next: Next) -> Response {
    // What the API looks like is no secret; everything else is behind the key.
    let key = (request.uri().path() != "/openapi.json").then_some(&api.key);
    match admit(key, request.headers(), request.uri().host()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn admit(key: Option<&Key>, headers: &HeaderMap, target_host: Option<&str>) -> Result<(), Problem> {
    let host = text(headers, header::HOST).or(target_host).unwrap_or_default();
    if !is_local_name(host) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "This host is not served",
            format!("the Host {host:?} is neither localhost nor an IP address: call the API by one of these"),
        ));
    }
    if headers.contains_key(header::ORIGIN) {
        let origin = text(headers, header::ORIGIN).unwrap_or_default();
        if origin.strip_prefix("http://") != Some(host) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "This origin may not call",
                format!(
                    "the Origin {origin:?} isn't this API's own: call it from a program, not from a web page"
                ),
            ));
        }
    }
    let Some(key) = key else { return Ok(()) };
    let offered = text(headers, header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    match offered {
        Some(offered) if key.opens(offered) => Ok(()),
        Some(_) => Err(unauthorised("the key isn't this API's: endpoints.json has it as device_api_key")),
        None => Err(unauthorised(
            "the key is missing: send `Authorization: Bearer <key>`; endpoints.json has it as device_api_key",
        )),
    }
}

fn unauthorised(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "The key is wanted", detail.to_owned())
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `localhost` or an IP address, with or without a port: names that no foreign DNS server answers for.
fn is_local_name(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<std::net::Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port));
    }
    let (name, port) = host.find(':').map_or((host, ""), |at| host.split_at(at));
    let known = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
    known && (port.is_empty() || is_port(port))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_cannot_be_rebound_are_hosts() {
        for good in ["localhost", "LOCALHOST:8482", "127.0.0.1:1", "[::1]", "[::1]:8482", "192.168.1.4"] {
            assert!(is_local_name(good), "{good}");
        }
        for bad in
            ["", "evil.example", "localhost.evil.example:8482", "127.0.0.1.nip.io", "[::1", "localhost:x"]
        {
            assert!(!is_local_name(bad), "{bad}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", Key::new("k")), "Key(…)");
        assert!(Key::new("k").opens("k") && !Key::new("k").opens("K"));
    }
}
