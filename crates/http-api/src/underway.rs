//! What is asked on one HTTP connection and not answered yet: at a stop that is waited for, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt as _;

/// How long a connection on which nothing is asked is kept at a stop: for the last bytes of an answer, or of a question.
const LAST_BYTES: Duration = Duration::from_millis(100);

/// How many requests are under way on one connection.
#[derive(Debug)]
pub struct Underway(Arc<AtomicUsize>);

impl Underway {
    /// Counts the requests that `router` gets from now on.
    pub fn of(router: Router) -> (Self, Router) {
        let underway = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&underway);
        let router = router.layer(from_fn(move |request: Request, next: Next| {
            let one = OneMore::of(&counted);
            async move { next.run(request).await.map(|body| until_sent(body, one)) }
        }));
        (Self(underway), router)
    }

    /// The end of a conversation that was told to shut down gracefully. Half of a request's head isn't waited for: `None`, and
    /// the conversation is dropped.
    pub async fn last_of<T>(&self, conversation: impl Future<Output = T>) -> Option<T> {
        let mut conversation = std::pin::pin!(conversation);
        match tokio::time::timeout(LAST_BYTES, conversation.as_mut()).await {
            Ok(ended) => Some(ended),
            Err(_) if self.0.load(Ordering::Relaxed) == 0 => None,
            Err(_) => Some(conversation.await),
        }
    }
}

/// A request that is under way.
struct OneMore(Arc<AtomicUsize>);

impl OneMore {
    fn of(underway: &Arc<AtomicUsize>) -> Self {
        underway.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(underway))
    }
}

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, which keeps its request under way for as long as there is more of it.
fn until_sent(body: Body, request: OneMore) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(body.map_err(move |error| {
        let _until_dropped = &request;
        error
    }))
}
