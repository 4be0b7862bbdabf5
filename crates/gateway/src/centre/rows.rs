//! The developer centre's rows: each change looks first whether it is one, and refuses what belongs to another team.

use std::sync::Arc;

use homing_apns::PushType;
use homing_apns::jwt::VerifyingKey;
use homing_trace::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::directory::{App, Directory, ProviderKey, Team, TopicEntry};
use super::{CentreError, EnrolmentKeySpec};
use crate::store::{CallError, StoreError};
use crate::token::TOPIC_LIMIT;

type Changed = Result<Result<(), CentreError>, CallError>;

/// Reads everything; a change is rare and the whole is small.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Directory> {
    let mut directory = Directory {
        revision: connection
            .query_row("SELECT value FROM meta WHERE key = 'centre_revision'", [], |row| row.get::<_, i64>(0))
            .optional()?
            .map_or(0, i64::cast_unsigned),
        ..Directory::default()
    };
    let mut query = connection.prepare("SELECT id, name FROM teams")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let id: Arc<str> = row.get(0)?;
        directory.teams.insert(Arc::clone(&id), Team { id, name: row.get(1)? });
    }
    let mut query = connection.prepare(
        "SELECT t.no, t.name, a.bundle_id, a.team FROM topics t JOIN apps a ON a.bundle_id = t.bundle_id ORDER BY t.no",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (bundle_id, team): (Arc<str>, Arc<str>) = (row.get(2)?, row.get(3)?);
        let entry = TopicEntry { topic_no: row.get(0)?, name: row.get(1)?, bundle_id, team };
        let app = directory.apps.entry(Arc::clone(&entry.bundle_id)).or_insert_with(|| App {
            bundle_id: Arc::clone(&entry.bundle_id),
            team: Arc::clone(&entry.team),
            topics: Vec::new(),
        });
        app.topics.push(Arc::clone(&entry.name));
        directory.names.insert(entry.topic_no, Arc::clone(&entry.name));
        directory.topics.insert(Arc::clone(&entry.name), entry);
    }
    let mut query = connection.prepare("SELECT key_id, team, public_key FROM provider_keys")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key_id: Box<str> = row.get(0)?;
        match VerifyingKey::from_sec1(row.get_ref(2)?.as_blob()?) {
            Ok(verifying) => {
                let key = ProviderKey { key_id: key_id.clone(), team: row.get(1)?, verifying };
                directory.provider_keys.insert(key_id, key);
            }
            Err(error) => {
                tracing::error!(%error, key_id, "a provider key in the store is damaged and opens nothing")
            }
        }
    }
    Ok(directory)
}

fn changed(connection: &Connection) -> Changed {
    connection.execute(
        "INSERT INTO meta VALUES ('centre_revision', 1) ON CONFLICT(key) DO UPDATE SET value = value + 1",
        [],
    )?;
    Ok(Ok(()))
}

fn exists(connection: &Connection, query: &str, value: &str) -> rusqlite::Result<bool> {
    connection.prepare(query)?.exists([value])
}

fn missing(what: &'static str, value: &str) -> Changed {
    Ok(Err(CentreError::Missing { what, value: value.to_owned() }))
}

pub(super) fn put_team(connection: &Connection, id: &str, name: &str) -> Changed {
    let known: Option<String> =
        connection.query_row("SELECT name FROM teams WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    if known.as_deref() == Some(name) {
        return Ok(Ok(()));
    }
    connection.execute(
        "INSERT INTO teams VALUES (?1, ?2) ON CONFLICT(id) DO UPDATE SET name = ?2",
        params![id, name],
    )?;
    changed(connection)
}

pub(super) fn put_app(connection: &Connection, team: &str, bundle_id: &str) -> Changed {
    if !exists(connection, "SELECT 1 FROM teams WHERE id = ?1", team)? {
        return missing("team", team);
    }
    let owner: Option<String> = connection
        .query_row("SELECT team FROM apps WHERE bundle_id = ?1", [bundle_id], |row| row.get(0))
        .optional()?;
    if owner.is_some_and(|owner| owner != team) {
        return Ok(Err(CentreError::Taken { what: "the app", value: bundle_id.to_owned() }));
    }
    connection.execute("INSERT OR IGNORE INTO apps VALUES (?1, ?2)", params![bundle_id, team])?;
    let mut is_change = connection.changes() > 0;
    let mut suffixes: Vec<&str> = PushType::ALL.iter().map(|push_type| push_type.topic_suffix()).collect();
    suffixes.sort_unstable();
    suffixes.dedup();
    for suffix in suffixes {
        let name = format!("{bundle_id}{suffix}");
        let of: Option<String> = connection
            .query_row("SELECT bundle_id FROM topics WHERE name = ?1", [&name], |row| row.get(0))
            .optional()?;
        match of {
            Some(of) if of == bundle_id => {}
            // `com.example` and `com.example.voip` can't both be apps: their topics would be one.
            Some(_) => return Err(StoreError::Invalid(format!("the topic {name:?} is another app's")).into()),
            None => {
                connection.execute(
                    "INSERT INTO topics(name, bundle_id) VALUES (?1, ?2)",
                    params![name, bundle_id],
                )?;
                if connection.last_insert_rowid() >= i64::from(TOPIC_LIMIT) {
                    let limit = u64::from(TOPIC_LIMIT);
                    return Err(StoreError::Limit { what: "the number of topics", limit }.into());
                }
                is_change = true;
            }
        }
    }
    if is_change { changed(connection) } else { Ok(Ok(())) }
}

pub(super) fn put_provider_key(
    connection: &Connection,
    team: &str,
    key_id: &str,
    public_key: &[u8],
    now: UnixMillis,
) -> Changed {
    if !exists(connection, "SELECT 1 FROM teams WHERE id = ?1", team)? {
        return missing("team", team);
    }
    let known: Option<(String, Vec<u8>)> = connection
        .query_row("SELECT team, public_key FROM provider_keys WHERE key_id = ?1", [key_id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match known {
        Some((owner, _)) if owner != team => {
            Ok(Err(CentreError::Taken { what: "the provider key", value: key_id.to_owned() }))
        }
        Some((_, known)) if known == public_key => Ok(Ok(())),
        Some(_) => Ok(Err(CentreError::AnotherKey(key_id.to_owned()))),
        None => {
            connection.execute(
                "INSERT INTO provider_keys VALUES (?1, ?2, ?3, ?4)",
                params![key_id, team, public_key, now.0],
            )?;
            changed(connection)
        }
    }
}

pub(super) fn put_enrolment_key(connection: &Connection, hash: [u8; 32], spec: &EnrolmentKeySpec) -> Changed {
    if !exists(connection, "SELECT 1 FROM teams WHERE id = ?1", &spec.team)? {
        return missing("team", &spec.team);
    }
    for app in &spec.apps {
        let owner: Option<String> = connection
            .query_row("SELECT team FROM apps WHERE bundle_id = ?1", [app], |row| row.get(0))
            .optional()?;
        match owner {
            Some(owner) if owner == spec.team => {}
            Some(_) => return Ok(Err(CentreError::Taken { what: "the app", value: app.clone() })),
            None => return missing("app", app),
        }
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
        return Ok(Err(CentreError::Taken { what: "the enrolment key of team", value: spec.team.clone() }));
    }
    Ok(Ok(()))
}
