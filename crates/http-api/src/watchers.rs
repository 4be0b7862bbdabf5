//! Event streams (server-sent events): a bounded number at a time, each kept alive, all ended when the API stops.

use std::convert::Infallible;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use futures_util::stream::{BoxStream, Stream, StreamExt as _};
use tokio::sync::{Semaphore, watch};

use crate::Problem;

/// An answer that goes on.
pub type Events = Sse<KeepAliveStream<BoxStream<'static, Result<Event, Infallible>>>>;

/// Who may watch an API at the same time.
#[derive(Clone, Debug)]
pub struct Watchers {
    most: usize,
    places: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Watchers {
    /// `most` streams at a time, all until `stopped` is true or its sender is gone.
    pub fn new(most: usize, stopped: watch::Receiver<bool>) -> Self {
        Self { most, places: Arc::new(Semaphore::new(most)), stopped }
    }

    /// Streams `events` as an answer; 429 when there are too many watchers.
    pub fn stream(&self, events: impl Stream<Item = Event> + Send + 'static) -> Result<Events, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = format!("{} event streams are open already: close one", self.most);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many watchers", detail)
        })?;
        let mut stopped = self.stopped.clone();
        let until = Box::pin(async move {
            // The sender being gone is a stop as well.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        });
        let events = events.take_until(until).map(move |event| {
            // The stream holds its place as long as it lives.
            let _held = &place;
            Ok(event)
        });
        Ok(Sse::new(events.boxed()).keep_alive(KeepAlive::default()))
    }
}
