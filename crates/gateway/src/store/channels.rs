//! Broadcast channels in the log's file: made, found, deleted, counted. Who may do so is decided by the provider port.
//!
//! Nothing of them is held in memory: each question is answered from the file, within the writer's order.

use homing_apns::{ChannelId, StoragePolicy};
use homing_trace::Environment;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Store;
use super::broadcasts;
use super::error::StoreError;
use super::row::{environment_number, unsigned};
use super::writer::{CallError, Scope};

/// Channels an app may have in one environment (*Setting up broadcast push notifications*).
pub(crate) const PER_APP: u64 = 10_000;

/// Whose channels: an app, by the number of its plain topic, in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelsOf {
    pub(crate) topic_no: u32,
    pub(crate) environment: Environment,
}

/// A channel that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    /// Never given to another channel.
    pub(crate) no: u32,
    pub(crate) policy: StoragePolicy,
}

pub(super) fn find(
    connection: &Connection,
    of: ChannelsOf,
    id: &ChannelId,
) -> rusqlite::Result<Option<Channel>> {
    connection
        .prepare_cached(
            "SELECT no, policy FROM channels WHERE topic_no = ?1 AND environment = ?2 AND id = ?3",
        )?
        .query_row(params![of.topic_no, environment_number(of.environment), id.as_bytes()], |row| {
            // The table holds no other number than those we wrote.
            let policy = StoragePolicy::from_number(row.get(1).map(unsigned)?);
            Ok(Channel { no: row.get(0)?, policy: policy.unwrap_or(StoragePolicy::Nothing) })
        })
        .optional()
}

fn create(
    scope: &Scope<'_>,
    of: ChannelsOf,
    id: &ChannelId,
    policy: StoragePolicy,
) -> Result<bool, CallError> {
    let environment = environment_number(of.environment);
    let held: i64 = scope
        .connection
        .prepare_cached("SELECT count(*) FROM channels WHERE topic_no = ?1 AND environment = ?2")?
        .query_row(params![of.topic_no, environment], |row| row.get(0))?;
    if unsigned(held) >= PER_APP {
        return Ok(false);
    }
    scope
        .connection
        .prepare_cached(
            "INSERT INTO channels(id, topic_no, environment, policy, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id.as_bytes(), of.topic_no, environment, policy.number(), scope.now.0])?;
    if u32::try_from(scope.connection.last_insert_rowid()).is_err() {
        let limit = u64::from(u32::MAX);
        return Err(StoreError::Limit { what: "the number of channels", limit }.into());
    }
    Ok(true)
}

fn delete(scope: &Scope<'_>, of: ChannelsOf, id: &ChannelId) -> Result<bool, CallError> {
    let Some(channel) = find(scope.connection, of, id)? else { return Ok(false) };
    broadcasts::end_stored(scope.connection, channel.no, scope.now)?;
    scope.connection.prepare_cached("DELETE FROM channels WHERE no = ?1")?.execute([channel.no])?;
    Ok(true)
}

/// Deletes all channels of a topic, in both environments.
pub(crate) fn delete_all_of(scope: &Scope<'_>, topic_no: u32) -> rusqlite::Result<()> {
    let nos: Vec<u32> = scope
        .connection
        .prepare("DELETE FROM channels WHERE topic_no = ?1 RETURNING no")?
        .query_map([topic_no], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    nos.into_iter().try_for_each(|no| broadcasts::end_stored(scope.connection, no, scope.now))
}

fn all(connection: &Connection, of: ChannelsOf) -> rusqlite::Result<Vec<ChannelId>> {
    connection
        .prepare_cached("SELECT id FROM channels WHERE topic_no = ?1 AND environment = ?2 ORDER BY no")?
        .query_map(params![of.topic_no, environment_number(of.environment)], |row| {
            Ok(ChannelId::from_bytes(row.get_ref(0)?.as_blob()?))
        })?
        .collect()
}

impl Store {
    /// Makes the channel; `false` when the app has all it may have.
    pub(crate) async fn create_channel(
        &self,
        of: ChannelsOf,
        id: ChannelId,
        policy: StoragePolicy,
    ) -> Result<bool, StoreError> {
        self.call(move |scope| create(scope, of, &id, policy)).await
    }

    pub(crate) async fn channel(&self, of: ChannelsOf, id: ChannelId) -> Result<Option<Channel>, StoreError> {
        self.call(move |scope| Ok(find(scope.connection, of, &id)?)).await
    }

    /// Deletes the channel with what is stored for it; `false` when there is none.
    pub(crate) async fn delete_channel(&self, of: ChannelsOf, id: ChannelId) -> Result<bool, StoreError> {
        self.call(move |scope| delete(scope, of, &id)).await
    }

    /// All channels, the first made first.
    pub(crate) async fn channels(&self, of: ChannelsOf) -> Result<Vec<ChannelId>, StoreError> {
        self.call(move |scope| Ok(all(scope.connection, of)?)).await
    }

    /// Fills the app up to `count` channels, for a test of the limit.
    #[cfg(test)]
    pub(crate) async fn fill_channels(&self, of: ChannelsOf, count: u64) -> Result<(), StoreError> {
        self.call(move |scope| {
            let mut insert = scope.connection.prepare_cached(
                "INSERT INTO channels(id, topic_no, environment, policy, created_at) VALUES (?1, ?2, ?3, 0, 0)",
            )?;
            for no in 0..count {
                insert.execute(params![no.to_be_bytes(), of.topic_no, environment_number(of.environment)])?;
            }
            Ok(())
        })
        .await
    }
}
