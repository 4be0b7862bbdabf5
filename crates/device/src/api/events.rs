//! The event streams (server-sent events): everything worth watching, as it happens. A watcher that is too slow is
//! told how many events it missed.

use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::Event;
use futures_util::stream::StreamExt as _;
use homing_http_api::{Events, Path};
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::Api;
use super::problem::Problem;
use crate::happening::Happening;

/// What happens on one device, from now on: `event` is the kind, `data` a Happening; `missed` says how many were lost
#[utoipa::path(get, path = "/v1/devices/{device}/events", tag = "events", params(("device" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = crate::happening::Happening)))]
pub(super) async fn of_device(State(api): State<Api>, Path(device): Path<String>) -> Result<Events, Problem> {
    let device = api.device(&device).await?;
    watch(&api, device.watch())
}

/// What happens on all devices, from now on
#[utoipa::path(get, path = "/v1/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = crate::happening::Happening)))]
pub(super) async fn of_all(State(api): State<Api>) -> Result<Events, Problem> {
    watch(&api, api.fleet.watch())
}

fn watch(api: &Api, happenings: Receiver<Arc<Happening>>) -> Result<Events, Problem> {
    api.watchers.stream(BroadcastStream::new(happenings).map(event))
}

fn event(received: Result<Arc<Happening>, BroadcastStreamRecvError>) -> Event {
    let written = match received {
        Ok(happening) => {
            let kind = serde_json::to_value(happening.kind).unwrap_or_default();
            Event::default().event(kind.as_str().unwrap_or("unknown")).json_data(&*happening)
        }
        Err(BroadcastStreamRecvError::Lagged(missed)) => {
            Event::default().event("missed").json_data(json!({"missed": missed}))
        }
    };
    // Our own structures are always JSON; a comment keeps the stream alive should one not be.
    written.unwrap_or_else(|error| Event::default().comment(error.to_string()))
}
