//! The event streams (server-sent events): everything worth watching, as it happens. Each event has a number, its `id`, so
//! that a watcher can ask for what came after one it knows (`after`, or `Last-Event-ID`): nothing is lost between an action
//! and the look at what came of it. A watcher that is too slow is told that it missed some.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event;
use futures_util::stream::{StreamExt as _, iter};
use homing_http_api::{Events, Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::happening::{Told, Watching};

/// From where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    /// The number of an event; 0 is the oldest that is kept.
    after: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Mark {
    /// The number of the newest event.
    mark: u64,
}

/// What happens on one device, from now on or after the event of a number: `event` is the kind, `data` a Told, `id` its
/// number; `missed` says that some were lost. The newest 1,024 of all devices are kept
#[utoipa::path(get, path = "/v1/devices/{device}/events", tag = "events",
    params(("device" = String, Path), ("after" = Option<u64>, Query)),
    responses((status = 200, content_type = "text/event-stream", body = crate::happening::ToldSchema)))]
pub(super) async fn of_device(
    State(api): State<Api>,
    Path(device): Path<String>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Events, Problem> {
    let device = api.device(&device).await?;
    watch(&api, device.watch_after(from.number(&headers)))
}

/// What happens on all devices, from now on or after the event of a number
#[utoipa::path(get, path = "/v1/events", tag = "events", params(("after" = Option<u64>, Query)),
    responses((status = 200, content_type = "text/event-stream", body = crate::happening::ToldSchema)))]
pub(super) async fn of_all(
    State(api): State<Api>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Events, Problem> {
    let watching = api.fleet.record().watch(from.number(&headers));
    watch(&api, watching)
}

/// The number of the newest event, to be given as `after` later
#[utoipa::path(get, path = "/v1/events/mark", tag = "events", responses((status = 200, body = Mark)))]
pub(super) async fn mark(State(api): State<Api>) -> Json<Mark> {
    Json(Mark { mark: api.fleet.record().mark() })
}

impl From {
    fn number(&self, headers: &HeaderMap) -> Option<u64> {
        self.after.or_else(|| headers.get("last-event-id")?.to_str().ok()?.parse().ok())
    }
}

fn watch(api: &Api, watching: Watching) -> Result<Events, Problem> {
    let Watching { missed, kept, coming } = watching;
    let missed = iter(missed.then(|| missed_event(None)));
    let kept = iter(kept.into_iter().map(|told| event(&told)));
    let coming = BroadcastStream::new(coming).map(|received| match received {
        Ok(told) => event(&told),
        Err(BroadcastStreamRecvError::Lagged(missed)) => missed_event(Some(missed)),
    });
    api.watchers.stream(missed.chain(kept).chain(coming))
}

fn event(told: &Told) -> Event {
    let kind = serde_json::to_value(told.kind).unwrap_or_default();
    let event = Event::default().event(kind.as_str().unwrap_or("unknown")).id(told.no.to_string());
    // Our own structures are always JSON; a comment keeps the stream alive should one not be.
    event.json_data(told).unwrap_or_else(|error| Event::default().comment(error.to_string()))
}

/// How many is known only while the stream is open.
fn missed_event(missed: Option<u64>) -> Event {
    let event = Event::default().event("missed").json_data(json!({"missed": missed}));
    event.unwrap_or_else(|error| Event::default().comment(error.to_string()))
}
