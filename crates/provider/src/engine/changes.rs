//! Tells those who watch which pushes changed. Who is slow misses the single changes and hears that there were many.

use std::sync::Arc;

use rusqlite::OptionalExtension as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::apps::{self, Answer};
use super::push::PushChange;
use super::pushes;
use super::{Engine, told_to_stop};
use crate::store::Scope;

/// Changes that a watcher may be behind.
const BEHIND: usize = 1_024;

/// Where changes are told.
#[derive(Clone, Debug)]
pub(super) struct Changes(broadcast::Sender<Changed>);

#[derive(Clone, Debug)]
struct Changed {
    bundle_id: Arc<str>,
    push_id: Arc<str>,
}

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Changes {
    pub(super) fn tell(&self, bundle_id: &str, push_id: &str) {
        // Nobody may be watching.
        let _ = self.0.send(Changed { bundle_id: bundle_id.into(), push_id: push_id.into() });
    }

    /// Tells of the pushes once what was written is committed.
    pub(super) fn tell_after(&self, scope: &mut Scope<'_>, pushes: Vec<i64>) -> rusqlite::Result<()> {
        let mut changed = Vec::with_capacity(pushes.len());
        for push_no in pushes {
            let named = scope
                .connection
                .prepare_cached(
                    "SELECT bundle_id, push_id FROM pushes JOIN apps USING (app_no) WHERE push_no = ?1",
                )?
                .query_row([push_no], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
                .optional()?;
            changed.extend(named);
        }
        let changes = self.clone();
        scope.afterwards(move || {
            for (bundle_id, push_id) in changed {
                changes.tell(&bundle_id, &push_id);
            }
        });
        Ok(())
    }
}

impl Engine {
    /// Tells of changes from now on: of one push, or of all the app's. Ends with the engine.
    pub async fn watch(&self, bundle_id: &str, push_id: Option<&str>) -> Answer<PushChanges> {
        // Before the look-up, so that nothing falls between it and the first change.
        let receiver = self.changes().0.subscribe();
        let (app, push) = (bundle_id.to_owned(), push_id.map(str::to_owned));
        self.store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &app)?;
                push.map_or(Ok(0), |push| pushes::push_no(connection, app_no, &push)).map(drop)
            })
            .await?;
        let push_id = push_id.map(Into::into);
        Ok(PushChanges { receiver, stopped: self.stopped(), bundle_id: bundle_id.into(), push_id })
    }
}

/// Changes of pushes, as they happen.
#[derive(Debug)]
pub struct PushChanges {
    receiver: broadcast::Receiver<Changed>,
    stopped: watch::Receiver<bool>,
    bundle_id: Arc<str>,
    push_id: Option<Arc<str>>,
}

impl PushChanges {
    /// The next change; `None` when the engine stops. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<PushChange> {
        loop {
            let received = tokio::select! {
                biased;
                () = told_to_stop(&mut self.stopped) => return None,
                received = self.receiver.recv() => received,
            };
            match received {
                Ok(changed) if changed.bundle_id != self.bundle_id => {}
                Ok(changed) if self.push_id.as_ref().is_some_and(|wanted| *wanted != changed.push_id) => {}
                Ok(changed) => return Some(PushChange::Changed(changed.push_id.as_ref().to_owned())),
                Err(RecvError::Lagged(_)) => return Some(PushChange::Many),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
