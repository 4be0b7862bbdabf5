//! The developer centre's rows of teams and apps: each change looks first whether it is one, and refuses what belongs to
//! another team.

use std::sync::Arc;

use homing_apns::{PushType, push_type_of_topic};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::directory::{App, Directory, Team, TopicEntry};
use super::{CentreError, Changed, certificates, keys, shown};
use crate::store::{Scope, StoreError, delete_channels_of, end_registrations_for};
use crate::token::TOPIC_LIMIT;

/// Most teams.
const TEAMS: usize = 1_000;

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
        "SELECT t.no, t.name, a.bundle_id, a.team, a.broadcast FROM topics t JOIN apps a ON a.bundle_id = t.bundle_id \
         WHERE t.is_removed = 0 ORDER BY t.no",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (bundle_id, team): (Arc<str>, Arc<str>) = (row.get(2)?, row.get(3)?);
        let may_broadcast = row.get(4)?;
        let entry = TopicEntry { topic_no: row.get(0)?, name: row.get(1)?, bundle_id, team };
        let app = directory.apps.entry(Arc::clone(&entry.bundle_id)).or_insert_with(|| App {
            bundle_id: Arc::clone(&entry.bundle_id),
            team: Arc::clone(&entry.team),
            topics: Vec::new(),
            may_broadcast,
        });
        app.topics.push(Arc::clone(&entry.name));
        directory.newest_topic_no = entry.topic_no;
        directory.names.insert(entry.topic_no, Arc::clone(&entry.name));
        directory.topics.insert(Arc::clone(&entry.name), entry);
    }
    keys::read(connection, &mut directory)?;
    certificates::read(connection, &mut directory)?;
    Ok(directory)
}

pub(super) fn changed(connection: &Connection) -> Changed {
    connection.execute(
        "INSERT INTO meta VALUES ('centre_revision', 1) ON CONFLICT(key) DO UPDATE SET value = value + 1",
        [],
    )?;
    Ok(Ok(()))
}

pub(super) fn exists(connection: &Connection, query: &str, value: &str) -> rusqlite::Result<bool> {
    connection.prepare(query)?.exists([value])
}

pub(super) fn missing(what: &'static str, value: &str) -> Changed {
    Ok(Err(CentreError::Missing { what, value: shown(value) }))
}

pub(super) fn put_team(connection: &Connection, id: &str, name: &str) -> Changed {
    let known: Option<String> =
        connection.query_row("SELECT name FROM teams WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    if known.as_deref() == Some(name) {
        return Ok(Ok(()));
    }
    let count: u32 = connection.query_row("SELECT count(*) FROM teams", [], |row| row.get(0))?;
    if known.is_none() && count as usize >= TEAMS {
        return Err(StoreError::Limit { what: "the number of teams", limit: TEAMS as u64 }.into());
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
    let mut new = Vec::new();
    for suffix in suffixes(bundle_id) {
        let name = format!("{bundle_id}{suffix}");
        let of: Option<String> = connection
            .query_row("SELECT bundle_id FROM topics WHERE name = ?1 AND is_removed = 0", [&name], |row| {
                row.get(0)
            })
            .optional()?;
        match of {
            Some(of) if of == bundle_id => {}
            // `com.example` and `com.example.voip` can't both be apps: their topics would be one.
            Some(_) => return Ok(Err(CentreError::Taken { what: "the topic", value: name })),
            None => new.push(name),
        }
    }
    connection
        .execute("INSERT OR IGNORE INTO apps(bundle_id, team) VALUES (?1, ?2)", params![bundle_id, team])?;
    let is_change = connection.changes() > 0 || !new.is_empty();
    for name in new {
        connection
            .execute("INSERT INTO topics(name, bundle_id) VALUES (?1, ?2)", params![name, bundle_id])?;
        if connection.last_insert_rowid() >= i64::from(TOPIC_LIMIT) {
            let limit = u64::from(TOPIC_LIMIT);
            return Err(StoreError::Limit { what: "the number of topics", limit }.into());
        }
    }
    if is_change { changed(connection) } else { Ok(Ok(())) }
}

/// What the app's topics end in. What is for device management has none but its own.
fn suffixes(bundle_id: &str) -> Vec<&'static str> {
    if bundle_id.parse().is_ok_and(|topic| push_type_of_topic(&topic) == Some(PushType::Mdm)) {
        return vec![""];
    }
    let mut suffixes: Vec<&str> = PushType::ALL.iter().map(|push_type| push_type.topic_suffix()).collect();
    suffixes.sort_unstable();
    suffixes.dedup();
    suffixes
}

/// The topics' rows stay: their numbers are never given again, and traces go on naming them.
pub(super) fn remove_app(scope: &mut Scope<'_>, bundle_id: &str) -> Changed {
    let connection = scope.connection;
    if connection.execute("DELETE FROM apps WHERE bundle_id = ?1", [bundle_id])? == 0 {
        return missing("app", bundle_id);
    }
    connection.execute("DELETE FROM provider_certificates WHERE bundle_id = ?1", [bundle_id])?;
    strike_from_lists(scope, bundle_id)?;
    let topics: Vec<u32> = connection
        .prepare("UPDATE topics SET is_removed = 1 WHERE bundle_id = ?1 AND is_removed = 0 RETURNING no")?
        .query_map([bundle_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for topic_no in topics {
        end_registrations_for(scope, topic_no)?;
        delete_channels_of(scope, topic_no)?;
    }
    changed(scope.connection)
}

/// What was for the app and no other is revoked.
fn strike_from_lists(scope: &Scope<'_>, bundle_id: &str) -> rusqlite::Result<()> {
    let strike = |table: &str| {
        // In the order of bytes, which is how keys are searched.
        format!(
            "UPDATE {table} SET apps = (SELECT json_group_array(value ORDER BY value) FROM json_each(apps) WHERE value <> ?1) \
             WHERE json_valid(apps) AND ?1 IN (SELECT value FROM json_each(iif(json_valid(apps), apps, '[]')))"
        )
    };
    scope.connection.execute("DELETE FROM provider_keys WHERE apps = json_array(?1)", [bundle_id])?;
    scope.connection.execute(&strike("provider_keys"), [bundle_id])?;
    scope.connection.execute(
        "UPDATE enrolment_keys SET expires_at = min(ifnull(expires_at, ?2), ?2) WHERE apps = json_array(?1)",
        params![bundle_id, scope.now.0],
    )?;
    scope.connection.execute(&strike("enrolment_keys"), [bundle_id])?;
    Ok(())
}

/// Apple deletes every channel of an app that may broadcast no more.
pub(super) fn set_broadcast(scope: &mut Scope<'_>, bundle_id: &str, is_enabled: bool) -> Changed {
    let connection = scope.connection;
    let known: Option<bool> = connection
        .query_row("SELECT broadcast FROM apps WHERE bundle_id = ?1", [bundle_id], |row| row.get(0))
        .optional()?;
    match known {
        None => return missing("app", bundle_id),
        Some(known) if known == is_enabled => return Ok(Ok(())),
        Some(_) => {}
    }
    connection
        .execute("UPDATE apps SET broadcast = ?2 WHERE bundle_id = ?1", params![bundle_id, is_enabled])?;
    if !is_enabled {
        let topic_no: u32 = connection.query_row(
            "SELECT no FROM topics WHERE name = ?1 AND is_removed = 0",
            [bundle_id],
            |row| row.get(0),
        )?;
        delete_channels_of(scope, topic_no)?;
    }
    changed(scope.connection)
}
