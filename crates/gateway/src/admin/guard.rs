//! Who may ask: a request must hold the admin key, name this machine as its host and not come from another web page.
//! The last two keep a browser that was led astray by DNS from speaking for its user.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;

use super::AdminContext;
use super::problem::Problem;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

pub(super) async fn guard(
    State(context): State<Arc<AdminContext>>,
    request: Request,
    next: Next,
) -> Response {
    let needs_key = request.uri().path() != "/openapi.json";
    match judge(&context, request.headers(), needs_key) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn judge(context: &AdminContext, headers: &HeaderMap, needs_key: bool) -> Result<(), Problem> {
    let host = only(headers, HOST).ok_or_else(Problem::foreign_host)?;
    let name = host_name(host);
    let is_known = LOOPBACK.iter().any(|known| name.eq_ignore_ascii_case(known))
        || context
            .hosts
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known) || host.eq_ignore_ascii_case(known));
    if !is_known {
        return Err(Problem::foreign_host());
    }
    if headers.contains_key(ORIGIN) {
        let origin = only(headers, ORIGIN).and_then(|origin| origin.split_once("://"));
        if !origin.is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)) {
            return Err(Problem::foreign_origin());
        }
    }
    if needs_key {
        let key = only(headers, AUTHORIZATION).and_then(|value| value.split_once(' '));
        let key = key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
        if !key.is_some_and(|key| bool::from(key.as_bytes().ct_eq(context.admin_key.as_bytes()))) {
            return Err(Problem::no_key());
        }
    }
    Ok(())
}

/// The value of a header that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(value) }
}

/// Without the port; the brackets of an IPv6 address stay.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_taken_without_its_port() {
        for (host, name) in [
            ("localhost:8483", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8483", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(host_name(host), name);
        }
    }
}
