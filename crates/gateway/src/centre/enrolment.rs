//! Enrolment keys: what lets devices in, for which apps and environments, and how many. Only a digest of a key's text is kept.

use homing_trace::{Environment, UnixMillis};
use rusqlite::{OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::{Centre, CentreError, Changed, rows, shown};
use crate::store::{Scope, StoreError, digest, hex, random};

const MIN_TEXT: usize = 16;
/// Enrolment keys a team may have, revoked ones included.
const PER_TEAM: usize = 1_000;

/// What an enrolment key lets its holder do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentKeySpec {
    pub team: String,
    /// Bundle ids of the team.
    pub apps: Vec<String>,
    pub environments: Vec<Environment>,
    /// Devices it may admit at a time.
    pub quota: u32,
    /// Devices it may admit in a minute.
    pub per_minute: u32,
    pub expires_at: Option<UnixMillis>,
}

/// An enrolment key that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentKey {
    pub id: u32,
    pub allows: EnrolmentKeySpec,
    /// Devices that are enrolled with it.
    pub admitted: u32,
}

impl Centre {
    /// A new enrolment key's text.
    pub fn new_enrolment_key() -> Result<Zeroizing<String>, CentreError> {
        Ok(Zeroizing::new(hex(&random::<24>()?)))
    }

    /// Makes an enrolment key known by its text, of which only a digest is kept; what it allowed before is replaced.
    /// Answers its id.
    pub async fn put_enrolment_key(&self, text: &str, spec: EnrolmentKeySpec) -> Result<u32, CentreError> {
        if text.len() < MIN_TEXT {
            // Its value stays unsaid.
            return Err(CentreError::Malformed {
                what: "an enrolment key",
                value: format!("of {} characters", text.len()),
                wanted: "at least 16 characters long",
            });
        }
        let hash = digest(text);
        self.change(move |scope| put(scope, hash, &spec)).await?;
        let find = "SELECT id FROM enrolment_keys WHERE hash = ?1";
        let id =
            self.0.store.call(move |scope| Ok(scope.connection.query_row(find, [hash], |row| row.get(0))?));
        Ok(id.await?)
    }

    /// All enrolment keys, oldest first.
    pub async fn enrolment_keys(&self) -> Result<Vec<EnrolmentKey>, CentreError> {
        let keys = self.0.store.call(|scope| {
            let mut query = scope.connection.prepare(
                "SELECT id, team, apps, environments, quota, per_minute, expires_at, admitted FROM enrolment_keys \
                 ORDER BY id",
            )?;
            let mut rows = query.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                let damaged = |error: serde_json::Error| StoreError::Invalid(error.to_string());
                let allows = EnrolmentKeySpec {
                    team: row.get(1)?,
                    apps: serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or_default()).map_err(damaged)?,
                    environments: serde_json::from_str(row.get_ref(3)?.as_str().unwrap_or_default())
                        .map_err(damaged)?,
                    quota: row.get(4)?,
                    per_minute: row.get(5)?,
                    expires_at: row.get::<_, Option<i64>>(6)?.map(UnixMillis),
                };
                keys.push(EnrolmentKey { id: row.get(0)?, allows, admitted: row.get(7)? });
            }
            Ok(keys)
        });
        Ok(keys.await?)
    }

    /// Revokes the key: it admits nobody any more. Devices that are enrolled stay so.
    pub async fn revoke_enrolment_key(&self, id: u32) -> Result<(), CentreError> {
        self.change(move |scope| {
            let revoke =
                "UPDATE enrolment_keys SET expires_at = min(ifnull(expires_at, ?2), ?2) WHERE id = ?1";
            let found = scope.connection.execute(revoke, params![id, scope.now.0])? > 0;
            if found { Ok(Ok(())) } else { rows::missing("enrolment key", &id.to_string()) }
        })
        .await
    }
}

fn put(scope: &Scope<'_>, hash: [u8; 32], spec: &EnrolmentKeySpec) -> Changed {
    let connection = scope.connection;
    if !rows::exists(connection, "SELECT 1 FROM teams WHERE id = ?1", &spec.team)? {
        return rows::missing("team", &spec.team);
    }
    for app in &spec.apps {
        let owner: Option<String> = connection
            .query_row("SELECT team FROM apps WHERE bundle_id = ?1", [app], |row| row.get(0))
            .optional()?;
        match owner {
            Some(owner) if owner == spec.team => {}
            Some(_) => return Ok(Err(CentreError::Taken { what: "the app", value: shown(app) })),
            None => return rows::missing("app", app),
        }
    }
    let count = "SELECT count(*) FROM enrolment_keys WHERE team = ?1 AND hash <> ?2";
    let count: u32 = connection.query_row(count, params![spec.team, hash], |row| row.get(0))?;
    if count as usize >= PER_TEAM {
        return Ok(Err(CentreError::Full { whose: "the team", what: "enrolment keys", limit: PER_TEAM }));
    }
    let unwritable = |error: serde_json::Error| StoreError::Invalid(error.to_string());
    let apps = serde_json::to_string(&spec.apps).map_err(unwritable)?;
    let environments = serde_json::to_string(&spec.environments).map_err(unwritable)?;
    let expires_at = spec.expires_at.map(|at| at.0);
    // Only its own team may change what a key allows.
    let written = connection.execute(
        "INSERT INTO enrolment_keys(hash, team, apps, environments, quota, per_minute, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT(hash) DO UPDATE SET apps = ?3, environments = ?4, quota = ?5, per_minute = ?6, expires_at = ?7 \
         WHERE team = ?2",
        params![hash, spec.team, apps, environments, spec.quota, spec.per_minute, expires_at],
    )?;
    if written == 0 {
        return Ok(Err(CentreError::Taken { what: "the enrolment key of team", value: shown(&spec.team) }));
    }
    Ok(Ok(()))
}
