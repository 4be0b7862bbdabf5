//! The page: the files that were built into the binary, and which of them answers a path. Any path that a browser wants to
//! show as a document is the page itself, whose script reads the rest of the path. What the page does is decided in `web/`.

use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse as _, Response};
use homing_http_api::Problem;

/// Path and content of every file, in order of the paths.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Told where the binary was built without the page.
const UNBUILT: &[u8] = include_bytes!("unbuilt.html");

const INDEX: &str = "/index.html";

/// Names in this folder have their content's digest in them.
const HASHED: &str = "/assets/";

pub(crate) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Problem::method(format!("{path} is part of the page: GET it")));
    }
    let path = if path == "/" { INDEX } else { path };
    if let Some(content) = file(path) {
        return Ok(served(path, content));
    }
    let is_document = path == INDEX || !path.starts_with(HASHED) && accepts_html(headers);
    if !is_document {
        return Err(Problem::not_found(format!("the page has no file {path}: reload it")));
    }
    Ok(served(INDEX, file(INDEX).unwrap_or(UNBUILT)))
}

fn file(path: &str) -> Option<&'static [u8]> {
    let found = FILES.binary_search_by_key(&path, |(path, _)| path).ok()?;
    FILES.get(found).map(|(_, content)| *content)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepted.flat_map(|accept| accept.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

fn served(path: &str, content: &'static [u8]) -> Response {
    let kept = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else if path == INDEX {
        "no-store"
    } else {
        "no-cache"
    };
    let mut response = content.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind(path)));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    response
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn get(path: &str, accept: &'static str) -> Result<Response, StatusCode> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        answer(&Method::GET, path, &headers).map_err(|problem| problem.status())
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(FILES.is_sorted_by_key(|(path, _)| path));
    }

    #[test]
    fn every_document_is_the_page_and_is_never_kept() {
        for path in ["/", "/index.html", "/sign-in", "/devices/iphone/anything"] {
            let page = get(path, "text/html,application/xhtml+xml,*/*;q=0.8").expect("it is the page");
            assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
            assert_eq!(page.headers()[CACHE_CONTROL], "no-store", "{path}");
        }
        assert!(get("/", "*/*").is_ok());
    }

    #[test]
    fn what_is_missing_and_no_document_is_not_found() {
        for (path, accept) in [
            ("/assets/gone-1234.js", "*/*"),
            ("/assets/gone-1234.js", "text/html"),
            ("/favicon.ico", "image/*"),
            ("/openapi.json", "application/json"),
        ] {
            assert_eq!(get(path, accept).map(|_| ()), Err(StatusCode::NOT_FOUND), "{path}");
        }
        let posted = answer(&Method::POST, "/", &HeaderMap::new()).map_err(|problem| problem.status());
        assert_eq!(posted.map(|_| ()), Err(StatusCode::METHOD_NOT_ALLOWED));
    }

    #[test]
    fn built_files_have_their_kind_and_only_hashed_ones_are_kept() {
        for (path, content) in FILES {
            let file = get(path, "*/*").expect("it is there");
            let kept = file.headers()[CACHE_CONTROL].to_str().expect("it is text");
            assert_eq!(path.starts_with("/assets/"), kept.ends_with("immutable"), "{path}");
            assert_ne!(file.headers()[CONTENT_TYPE], "application/octet-stream", "{path}: add its kind");
            assert!(!content.is_empty(), "{path}");
        }
    }

    #[test]
    fn without_the_page_both_languages_say_how_to_build_it() {
        let text = std::str::from_utf8(UNBUILT).expect("it is text");
        assert_eq!(text.matches("cargo xtask up").count(), 2);
        assert!(!text.contains("<script") && !text.contains("style"));
    }
}
