//! The journal, read as lines of JSON, some at a time: what is there, and what comes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use homing_clock::Clock;
use homing_http_api::{Problem, Query};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::admin::AdminContext;
use crate::admin::refusal::unusable;
use crate::listen::stopped;
use crate::testers::{Entry, Filter, Testers};

/// Entries that are handed over at a time.
const AT_A_TIME: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct JournalAsked {
    app: Option<String>,
    token: Option<String>,
    status: Option<u16>,
    after: Option<u64>,
    limit: Option<usize>,
    #[serde(default)]
    follow: bool,
    #[serde(default)]
    strangers: bool,
}

/// What was sent and answered, as lines of JSON, the oldest first
///
/// In memory, and bounded: 10,000 requests, 16 MiB, a day; the oldest go first. Payloads stand in it, provider
/// tokens and other secrets don't. `no` rises by 1 with each request: a gap is what other filters want, or what is gone.
#[utoipa::path(get, path = "/v1/journal", operation_id = "read_journal", tag = "for testers",
    params(
        ("app" = Option<String>, Query, description = "requests for this app's topics, by its bundle ID"),
        ("token" = Option<String>, Query, description = "requests for this device token, in hex"),
        ("status" = Option<u16>, Query, description = "requests that were answered so; legacy statuses, too"),
        ("after" = Option<u64>, Query, description = "those with a greater `no`"),
        ("limit" = Option<usize>, Query, description = "at most so many, the oldest first; all when absent"),
        ("follow" = Option<bool>, Query, description = "go on with each that comes, until there were `limit`, or either side closes"),
        ("strangers" = Option<bool>, Query, description = "requests that nobody vouched for instead, 1,000 of them, without payloads")
    ),
    responses(
        (status = 200, body = Entry, content_type = "application/x-ndjson", description = "one line for each"),
        (status = 409, description = "no tools for testers here"),
        (status = 422, description = "no such app"),
        (status = 429, description = "too many follow already")
    ))]
pub(in crate::admin) async fn read(
    State(context): State<Arc<AdminContext>>,
    Query(asked): Query<JournalAsked>,
) -> Result<Response, Problem> {
    let testers = context.testers()?;
    let topics = match &asked.app {
        Some(bundle_id) => {
            let directory = context.centre.directory();
            let app = directory.app(bundle_id).ok_or_else(|| {
                unusable("app", format!("`app` {bundle_id:?} isn't here: GET /v1/apps lists those that are"))
            })?;
            Some(app.topics.clone())
        }
        None => None,
    };
    let filter = Filter { topics, token: asked.token, status: asked.status, strangers: asked.strangers };
    let place = match asked.follow {
        true => Some(Arc::clone(&testers.followers).try_acquire_owned().map_err(|_| {
            let detail = "too many follow the journal already: close one of them".to_owned();
            Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "Too many watchers", detail)
        })?),
        false => None,
    };
    let reading = Reading {
        written: testers.journal.written(),
        testers: Arc::clone(testers),
        clock: context.store.clock().clone(),
        filter,
        after: asked.after.unwrap_or_default(),
        left: asked.limit.unwrap_or(usize::MAX),
        stop: context.stop.clone(),
        following: place,
        is_over: false,
    };
    let lines = unfold(reading, |mut reading| async move {
        let lines = reading.next().await?;
        Some((Ok::<_, std::convert::Infallible>(lines), reading))
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

fn lines_of(entries: &[Arc<Entry>]) -> Bytes {
    let mut lines = Vec::new();
    for entry in entries {
        // What was written down is text and numbers.
        if serde_json::to_writer(&mut lines, &**entry).is_ok() {
            lines.push(b'\n');
        }
    }
    lines.into()
}

/// Somebody who reads.
struct Reading {
    testers: Arc<Testers>,
    clock: Clock,
    filter: Filter,
    after: u64,
    /// How many more are wanted.
    left: usize,
    written: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    /// The place of one who goes on with what comes.
    following: Option<OwnedSemaphorePermit>,
    is_over: bool,
}

impl Reading {
    /// The next lines; `None` when there are no more, or the push service stops.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over {
            self.written.mark_unchanged();
            let (now, most) = (self.clock.now(), self.left.min(AT_A_TIME));
            let (entries, looked) = self.testers.journal.after(self.after, now, &self.filter, most);
            self.after = looked;
            self.left -= entries.len();
            self.is_over = self.left == 0 || (self.following.is_none() && entries.len() < most);
            if !entries.is_empty() {
                return Some(lines_of(&entries));
            }
            if self.is_over {
                break;
            }
            tokio::select! {
                () = stopped(&mut self.stop) => break,
                changed = self.written.changed() => changed.ok()?,
            }
        }
        None
    }
}
