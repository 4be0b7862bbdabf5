//! The guard of an API with one key: its hosts, its own page, and the key for everything but the API's description.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::{Hosts, Key, Problem, bearer};

/// What a guard knows.
#[derive(Clone, Debug)]
pub struct Guard {
    hosts: Hosts,
    key: Key,
    key_is_in: &'static str,
}

impl Guard {
    /// `key_is_in` ends the sentence "the key is missing; …" for who has none: where it is found.
    pub fn new(hosts: Hosts, key: &str, key_is_in: &'static str) -> Self {
        Self { hosts, key: Key::new(key), key_is_in }
    }

    fn admit(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        self.hosts.judge(headers, uri)?;
        // What the API looks like is no secret; everything else is behind the key.
        if uri.path() == "/openapi.json" {
            return Ok(());
        }
        let wrong = match bearer(headers) {
            Some(offered) if self.key.opens(offered) => return Ok(()),
            Some(_) => "the key isn't this API's",
            None => "the key is missing: send `Authorization: Bearer <key>`",
        };
        Err(Problem::no_key(format!("{wrong}; {}", self.key_is_in)))
    }
}

/// For `axum::middleware::from_fn_with_state`.
pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.admit(request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
