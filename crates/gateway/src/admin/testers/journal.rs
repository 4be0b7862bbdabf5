//! The journal, read as lines of JSON: what is there, and what comes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, unfold};
use homing_http_api::{Problem, Query};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::admin::AdminContext;
use crate::admin::refusal::unusable;
use crate::listen::stopped;
use crate::testers::{Entry, Filter, Testers};

/// Entries in one answer, and at a time to who follows.
const MOST: usize = 1_000;

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
/// In memory, and bounded: 10,000 requests, 16 MiB, a day; the oldest go first. Payloads stand in it. `no` rises by 1 with
/// each request that was answered: a gap is what other filters want, or what is gone.
#[utoipa::path(get, path = "/v1/journal", operation_id = "read_journal", tag = "for testers",
    params(
        ("app" = Option<String>, Query, description = "requests for this app's topics, by its bundle ID"),
        ("token" = Option<String>, Query, description = "requests for this device token, in hex"),
        ("status" = Option<u16>, Query, description = "requests that were answered so; legacy statuses, too"),
        ("after" = Option<u64>, Query, description = "those with a greater `no`"),
        ("limit" = Option<usize>, Query, description = "at most so many, 1000 by default and at most"),
        ("follow" = Option<bool>, Query, description = "go on with each that comes, until either side closes"),
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
                unusable(format!("`app` {bundle_id:?} isn't here: GET /v1/apps lists those that are"))
            })?;
            Some(app.topics.clone())
        }
        None => None,
    };
    let filter = Filter { topics, token: asked.token, status: asked.status, strangers: asked.strangers };
    let after = asked.after.unwrap_or_default();
    let body = if asked.follow {
        let place = Arc::clone(&testers.followers).try_acquire_owned().map_err(|_| {
            let detail = "too many follow the journal already: close one of them".to_owned();
            Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "Too many watchers", detail)
        })?;
        let following = Following {
            written: testers.journal.written(),
            testers: Arc::clone(testers),
            filter,
            after,
            stop: context.stop.clone(),
            _place: place,
        };
        let lines = unfold(following, |mut following| async move {
            let lines = following.next().await?;
            Some((lines, following))
        });
        Body::from_stream(lines.map(Ok::<_, std::convert::Infallible>))
    } else {
        let most = asked.limit.unwrap_or(MOST).min(MOST);
        Body::from(lines_of(&testers.journal.after(after, &filter, most).0))
    };
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn lines_of(entries: &[Entry]) -> Bytes {
    let mut lines = Vec::new();
    for entry in entries {
        // What was written down is text and numbers.
        if serde_json::to_writer(&mut lines, entry).is_ok() {
            lines.push(b'\n');
        }
    }
    lines.into()
}

/// Somebody who follows.
struct Following {
    testers: Arc<Testers>,
    filter: Filter,
    after: u64,
    written: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// The next lines; `None` when the push service stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.written.mark_unchanged();
            let (entries, looked) = self.testers.journal.after(self.after, &self.filter, MOST);
            self.after = looked;
            if !entries.is_empty() {
                return Some(lines_of(&entries));
            }
            tokio::select! {
                () = stopped(&mut self.stop) => return None,
                changed = self.written.changed() => changed.ok()?,
            }
        }
    }
}
