//! Streams of how pushes fare (server-sent events): each a whole push, read anew, so that a watcher who missed some
//! misses nothing. Told at most ten times a second, however much happens.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::Event;
use futures_util::stream::{self, Stream};
use homing_http_api::{Events, Path, Problem};
use tokio::time::Instant;

use super::Api;
use super::access::{Key, ToRead};
use crate::engine::{Engine, EngineError, Push, PushChange, PushChanges, ServerKey};

/// Time between two tellings.
const PACE: Duration = Duration::from_millis(100);
/// Pushes told of at once; when more change, the newest so many are told.
const MOST_AT_ONCE: usize = 100;
/// The id of the key that can't be removed.
const ROOT: &str = "root";

/// One push: as it stands, then after each change, ten times a second at most
#[utoipa::path(get, path = "/v1/apps/{bundle}/pushes/{push_id}/events", tag = "pushes",
    security(("server_key" = ["read"])),
    responses((status = 200, content_type = "text/event-stream", body = Push, description = "events `push`"),
        (status = 429, description = "too many watch")))]
pub(super) async fn one(
    key: Key<ToRead>,
    State(api): State<Api>,
    Path((bundle, push_id)): Path<(String, String)>,
) -> Result<Events, Problem> {
    // Watching before reading: a change in between is told once more rather than never.
    let changes = api.engine.watch(&bundle, Some(&push_id)).await?;
    let push = api.engine.push(&bundle, &push_id).await?;
    api.watchers.stream(Watch::new(&api, key, changes, bundle, Some(push)).told())
}

/// All pushes of an app, each after it changed, ten times a second at most
#[utoipa::path(get, path = "/v1/apps/{bundle}/events", tag = "pushes", security(("server_key" = ["read"])),
    responses((status = 200, content_type = "text/event-stream", body = Push, description = "events `push`"),
        (status = 429, description = "too many watch")))]
pub(super) async fn all(
    key: Key<ToRead>,
    State(api): State<Api>,
    Path(bundle): Path<String>,
) -> Result<Events, Problem> {
    let changes = api.engine.watch(&bundle, None).await?;
    api.watchers.stream(Watch::new(&api, key, changes, bundle, None).told())
}

/// One watcher.
struct Watch {
    engine: Engine,
    key: Arc<ServerKey>,
    bundle: String,
    /// The only push that is watched.
    only: Option<String>,
    changes: PushChanges,
    /// Read and not told yet.
    waiting: VecDeque<Push>,
    /// When the next reading may be.
    due: Instant,
}

impl Watch {
    fn new(api: &Api, key: Key<ToRead>, changes: PushChanges, bundle: String, only: Option<Push>) -> Self {
        Self {
            engine: api.engine.clone(),
            key: key.0,
            bundle,
            only: only.as_ref().map(|push| push.push_id.clone()),
            changes,
            waiting: only.into_iter().collect(),
            due: Instant::now(),
        }
    }

    fn told(self) -> impl Stream<Item = Event> + Send {
        stream::unfold(self, async |mut watch| {
            let push = watch.next().await?;
            // Our own structures are always JSON; a comment keeps the stream alive should one not be.
            let event = Event::default().event("push").json_data(&push);
            Some((event.unwrap_or_else(|error| Event::default().comment(error.to_string())), watch))
        })
    }

    /// The next push to tell of; `None` when the engine stops, the app is gone, or the key no longer opens.
    async fn next(&mut self) -> Option<Push> {
        loop {
            if let Some(push) = self.waiting.pop_front() {
                return Some(push);
            }
            let changed = self.changed().await?;
            if !is_still_there(&self.engine, &self.key) {
                return None;
            }
            self.read(changed).await.ok()?;
        }
    }

    /// Waits for a change, and gathers until it is due. `None` for more than can be gathered.
    async fn changed(&mut self) -> Option<Option<BTreeSet<String>>> {
        let mut gathered = Some(BTreeSet::new());
        gather(&mut gathered, self.changes.next().await?);
        self.due = self.due.max(Instant::now());
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.due) => break,
                change = self.changes.next() => gather(&mut gathered, change?),
            }
        }
        self.due = Instant::now() + PACE;
        Some(gathered)
    }

    async fn read(&mut self, changed: Option<BTreeSet<String>>) -> Result<(), EngineError> {
        if let Some(push_id) = &self.only {
            self.waiting.push_back(self.engine.push(&self.bundle, push_id).await?);
            return Ok(());
        }
        let Some(changed) = changed else {
            self.waiting.extend(self.engine.pushes(&self.bundle, MOST_AT_ONCE, None).await?.items);
            return Ok(());
        };
        for push_id in changed {
            match self.engine.push(&self.bundle, &push_id).await {
                Ok(push) => self.waiting.push_back(push),
                // It was old, and was removed in between.
                Err(EngineError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether the key that was shown when the stream began still opens.
fn is_still_there(engine: &Engine, key: &ServerKey) -> bool {
    key.id == ROOT || engine.keys().iter().any(|known| known.id == key.id)
}

fn gather(gathered: &mut Option<BTreeSet<String>>, change: PushChange) {
    match change {
        PushChange::Changed(push_id) => {
            if let Some(some) = gathered {
                some.insert(push_id);
                if some.len() > MOST_AT_ONCE {
                    *gathered = None;
                }
            }
        }
        PushChange::Many => *gathered = None,
    }
}
