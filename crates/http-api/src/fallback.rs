//! What an API answers where nothing is, and how long a body may be.

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::{Extension, Router};

use crate::Problem;
use crate::read::Longest;

/// Adds to an API what every one has: problem documents for unknown paths and methods, and bodies of at most `longest` bytes.
pub fn with_manners<S: Clone + Send + Sync + 'static>(router: Router<S>, longest: usize) -> Router<S> {
    let router = router.fallback(nothing_here).method_not_allowed_fallback(another_method);
    router.layer(bodies_up_to(longest))
}

/// A layer: bodies of at most `longest` bytes, for a part of an API that differs from the rest.
pub fn bodies_up_to(longest: usize) -> (DefaultBodyLimit, Extension<Longest>) {
    (DefaultBodyLimit::max(longest), Extension(Longest(longest)))
}

async fn nothing_here(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is at {}: GET /openapi.json lists what there is", uri.path()))
}

async fn another_method(method: Method, uri: Uri) -> Problem {
    Problem::method(format!("{} can't be used with {method}: GET /openapi.json lists what can", uri.path()))
}
