//! The broadcast channels that apps follow, and the last message of each, in the device's file.

use homing_link::ChannelName;
use homing_trace::{Environment, UnixMillis};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Store, StoreError};

/// A channel that an app follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Channel {
    pub(crate) environment: Environment,
    pub(crate) bundle: String,
    /// In base64url without padding, as it stands in its topic.
    pub(crate) id: String,
}

impl Channel {
    pub(crate) fn name(&self) -> ChannelName<'_> {
        ChannelName { environment: self.environment, bundle_id: &self.bundle, id: &self.id }
    }

    pub(crate) fn of(name: &ChannelName<'_>) -> Self {
        Self { environment: name.environment, bundle: name.bundle_id.to_owned(), id: name.id.to_owned() }
    }
}

/// What has come on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) messages: u64,
    pub(crate) last: Option<LastMessage>,
}

/// The last message of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LastMessage {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: UnixMillis,
    pub(crate) seq: Option<u64>,
    /// The `apns-request-id`: `homing trace` knows it.
    pub(crate) apns_request_id: Option<String>,
    /// `null` if it is no JSON, or nests more than 64 levels.
    #[schema(value_type = Object)]
    pub(crate) payload: serde_json::Value,
}

impl Store {
    pub(crate) fn followed(&self) -> Result<Vec<(Channel, Heard)>, StoreError> {
        let unreadable = |why: String| StoreError::Unreadable { what: "a channel", why };
        let mut query = self.db.prepare("SELECT environment, bundle_id, id, heard FROM channel")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })?;
        rows.map(|row| {
            let (environment, bundle, id, heard) = row?;
            let environment = environment.parse().map_err(|_| unreadable(environment.clone()))?;
            let heard = serde_json::from_str(&heard).map_err(|error| unreadable(error.to_string()))?;
            Ok((Channel { environment, bundle, id }, heard))
        })
        .collect()
    }

    pub(crate) fn save_followed(&self, channel: &Channel, heard: &Heard) -> Result<(), StoreError> {
        let Channel { environment, bundle, id } = channel;
        let heard = serde_json::to_string(heard)
            .map_err(|error| StoreError::Unreadable { what: "a channel", why: error.to_string() })?;
        self.db.execute(
            "INSERT OR REPLACE INTO channel (environment, bundle_id, id, heard) VALUES (?1, ?2, ?3, ?4)",
            params![environment.as_str(), bundle, id, heard],
        )?;
        Ok(())
    }

    pub(crate) fn remove_followed(&self, channel: &Channel) -> Result<(), StoreError> {
        let Channel { environment, bundle, id } = channel;
        self.db.execute(
            "DELETE FROM channel WHERE environment = ?1 AND bundle_id = ?2 AND id = ?3",
            params![environment.as_str(), bundle, id],
        )?;
        Ok(())
    }
}
