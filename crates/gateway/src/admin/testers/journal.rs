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

/// Entries that are looked up at a time, and bytes after which no other is added to what is handed over.
const AT_A_TIME: usize = 1_000;
const CHUNK: usize = 1 << 20;

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
        (status = 429, description = "too many read it already")
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
    let place = Arc::clone(&testers.readers).try_acquire_owned().map_err(|_| {
        let detail = "too many read the journal already: close one of them".to_owned();
        Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "Too many watchers", detail)
    })?;
    let reading = Reading {
        written: testers.journal.written(),
        testers: Arc::clone(testers),
        clock: context.store.clock().clone(),
        filter,
        after: asked.after.unwrap_or_default(),
        left: asked.limit.unwrap_or(usize::MAX),
        stop: context.stop.clone(),
        follows: asked.follow,
        _place: place,
        is_over: false,
    };
    let lines = unfold(reading, |mut reading| async move {
        let lines = reading.next().await?;
        Some((Ok::<_, std::convert::Infallible>(lines), reading))
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// As many as make a chunk, and of how many entries they are: at least one.
fn lines_of(entries: &[Arc<Entry>]) -> (Bytes, usize) {
    let mut lines = Vec::new();
    let mut told = 0;
    for entry in entries {
        // What was written down is text and numbers.
        if serde_json::to_writer(&mut lines, &**entry).is_ok() {
            lines.push(b'\n');
        }
        told += 1;
        if lines.len() >= CHUNK {
            break;
        }
    }
    (lines.into(), told)
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
    /// Whether to go on with what comes.
    follows: bool,
    _place: OwnedSemaphorePermit,
    is_over: bool,
}

impl Reading {
    /// The next lines; `None` when there are no more, or the push service stops.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over {
            self.written.mark_unchanged();
            let (now, most) = (self.clock.now(), self.left.min(AT_A_TIME));
            let (entries, looked) = self.testers.journal.after(self.after, now, &self.filter, most);
            let (lines, told) = lines_of(&entries);
            let is_all = told == entries.len();
            self.after = if is_all { looked } else { entries[told - 1].no };
            self.left -= told;
            self.is_over = self.left == 0 || (!self.follows && is_all && told < most);
            if told > 0 {
                return Some(lines);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testers::{Asked, Noted};

    #[tokio::test]
    async fn what_is_handed_over_at_a_time_is_bounded_and_all_of_it_comes() {
        let testers = Arc::<Testers>::default();
        let clock = Clock::default();
        for _ in 0..600 {
            // Six characters of JSON each.
            let asked = Asked { payload: vec![1; 5_000].into(), ..Asked::default() };
            testers.journal.write(*Noted::new(asked, clock.now()), Some("TEAM"), None, None);
        }
        let place = Arc::clone(&testers.readers).try_acquire_owned().expect("nobody reads");
        let mut reading = Reading {
            written: testers.journal.written(),
            testers,
            clock,
            filter: Filter::default(),
            after: 0,
            left: usize::MAX,
            stop: watch::channel(false).1,
            follows: false,
            _place: place,
            is_over: false,
        };
        let mut lines = 0;
        while let Some(chunk) = reading.next().await {
            assert!(chunk.len() < CHUNK + 40_000, "{}", chunk.len());
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
        }
        assert_eq!(lines, 600);
    }
}
