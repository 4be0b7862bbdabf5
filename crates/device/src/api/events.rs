//! The event streams (server-sent events): everything worth watching, as it happens. A watcher that is too slow is
//! told how many events it missed.

use std::convert::Infallible;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::Api;
use super::problem::Problem;
use crate::host::Handle;

type Events =
    Sse<axum::response::sse::KeepAliveStream<stream::BoxStream<'static, Result<Event, Infallible>>>>;

/// What happens on one device, from now on: `event` is the kind, `data` a Happening; `missed` says how many were lost
#[utoipa::path(get, path = "/v1/devices/{device}/events", tag = "events", params(("device" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = crate::happening::Happening)))]
pub(super) async fn of_device(State(api): State<Api>, Path(device): Path<String>) -> Result<Events, Problem> {
    let device = api.device(&device).await?;
    watch(&api, vec![device])
}

/// What happens on all devices, from now on
#[utoipa::path(get, path = "/v1/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = crate::happening::Happening)))]
pub(super) async fn of_all(State(api): State<Api>) -> Result<Events, Problem> {
    watch(&api, api.devices.iter().collect())
}

fn watch(api: &Api, devices: Vec<&Handle>) -> Result<Events, Problem> {
    let permit = api.watchers.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{} event streams are open already: close one", super::MAX_WATCHERS);
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many watchers", detail)
    })?;
    let mut stopped = api.stopped.clone();
    let until = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let streams = devices.into_iter().map(|device| BroadcastStream::new(device.watch()).map(event));
    let events = guarded(stream::select_all(streams), permit).take_until(Box::pin(until)).boxed();
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// The stream holds its permit as long as it lives.
fn guarded<S: Stream>(events: S, permit: OwnedSemaphorePermit) -> impl Stream<Item = S::Item> {
    events.map(move |event| {
        let _held = &permit;
        event
    })
}

fn event(
    received: Result<std::sync::Arc<crate::happening::Happening>, BroadcastStreamRecvError>,
) -> Result<Event, Infallible> {
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
    Ok(written.unwrap_or_else(|error| Event::default().comment(error.to_string())))
}
