//! Keys that are sent as `Authorization: Bearer`: read from a request, and compared so that a wrong guess tells nothing.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::hosts::only;

/// A key, as its digest, so that comparing it tells nothing, not even its length.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    pub fn new(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Whether it is the one offered. Takes the same time whatever is wrong with it.
    pub fn opens(&self, offered: &str) -> bool {
        Self::new(offered).0.ct_eq(&self.0).into()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What a request shows as `Authorization: Bearer`, if it shows one thing.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, shown) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| shown.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_opens_for_itself_and_is_not_shown() {
        let key = Key::new("k");
        assert!(key.opens("k") && !key.opens("K") && !key.opens("") && !key.opens("kk"));
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    #[test]
    fn only_one_bearer_value_is_read() {
        let mut headers = HeaderMap::new();
        for (value, read) in [
            ("Bearer k", Some("k")),
            ("bearer  k ", Some("k")),
            ("Basic k", None),
            ("k", None),
            ("Bearer", None),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), read, "{value}");
        }
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer k"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer k"));
        assert_eq!(bearer(&headers), None);
    }
}
