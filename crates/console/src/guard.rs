//! Who may ask for what, before anything is looked at: which machine is meant and which page speaks, as every API here
//! judges it, and stricter for what a session opens. Also the headers that every answer carries, so that a browser lets no
//! other page embed, read or script the console.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use homing_http_api::{Hosts, Problem, Speaker};

/// Nothing but the page's own files and its own server; no inline script or style, no form, no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const ON_EVERY_ANSWER: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// For `axum::middleware::from_fn_with_state`.
pub(crate) async fn guard(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let admitted = admit(&hosts, request.method(), request.uri(), request.headers());
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in ON_EVERY_ANSWER {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn admit(hosts: &Hosts, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if uri.authority().is_some() {
        return Err(Problem::invalid("the console is no proxy for other hosts: ask for a path".to_owned()));
    }
    let speaker = hosts.judge(headers, uri)?;
    let path = uri.path();
    let sites: Vec<&[u8]> = headers.get_all("sec-fetch-site").iter().map(HeaderValue::as_bytes).collect();
    if path == "/session" || path == "/links" || path.starts_with("/api/") {
        if sites.iter().any(|site| *site != b"same-origin") {
            return Err(foreign("only the console's own page may ask for this"));
        }
        // The link key speaks for itself; everything else that changes something must come from the page.
        let only_reads = matches!(*method, Method::GET | Method::HEAD);
        if path != "/links" && !only_reads && speaker != Speaker::OwnPage {
            return Err(foreign("send `Origin`: only the console's own page may ask for this"));
        }
        return Ok(());
    }
    // A link from anywhere may open the page, which shows nothing without a session; nothing else may be had from it.
    let from_elsewhere = sites.iter().any(|site| *site != b"same-origin" && *site != b"none");
    let opens_it = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    if from_elsewhere && !(opens_it("sec-fetch-mode", "navigate") && opens_it("sec-fetch-dest", "document")) {
        return Err(foreign("another page may only open the console, not load parts of it"));
    }
    Ok(())
}

fn foreign(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "This page may not call", detail.to_owned())
}
