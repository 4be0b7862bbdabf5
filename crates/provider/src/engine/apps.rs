//! What can be asked and changed of apps and their identity keys; the lanes are told. Credentials have their own file, and
//! so has what is set up at start; the rows of a deleted app are removed by `sweep`.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use homing_apns::Topic;
use homing_apns::jwt::VerifyingKey;
use homing_trace::Environment;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::app::{App, AppChanges, Policy, PushService};
use super::credentials::{self, credential_view};
use super::error::EngineError;
use super::{Engine, to_the_end};
use crate::identity_token::MAX_KID_LEN;
use crate::store::{Scope, StoreError};

/// Longest name, host or key id taken, in bytes.
const MAX_TEXT: usize = 255;
/// Longest PEM text or PKCS#12 file taken, in bytes.
pub(super) const MAX_SECRET: usize = 64 * 1024;
/// Identity keys of one app.
const MAX_IDENTITY_KEYS: u64 = 100;
/// Apps of one provider.
const MAX_APPS: u64 = 10_000;

pub(super) type Answer<T> = Result<T, EngineError>;

/// `bundle_id` of an app that isn't there is `NotFound`, here as everywhere.
impl Engine {
    /// By bundle ID.
    pub async fn apps(&self) -> Answer<Vec<App>> {
        self.store().read(all).await
    }

    pub async fn app(&self, bundle_id: &str) -> Answer<App> {
        let bundle_id = bundle_id.to_owned();
        self.store().read(move |connection| app(connection, &bundle_id)).await
    }

    /// Makes or changes an app; `true` if it is new. The credential of an environment whose push service becomes another
    /// is dropped: who may change an app need not be who may show its credential to anybody.
    pub async fn put_app(&self, bundle_id: &str, changes: AppChanges) -> Answer<(App, bool)> {
        check_bundle_id(bundle_id)?;
        check_changes(&changes)?;
        let bundle_id = bundle_id.to_owned();
        let engine = self.clone();
        to_the_end(async move {
            let (app, app_no, new, moved) = engine
                .store()
                .write(move |scope| {
                    let (app_no, new) = find_or_make(scope, &bundle_id)?;
                    let moved = change(scope.connection, app_no, &changes)?;
                    for environment in &moved {
                        credentials::remove(scope.connection, app_no, *environment)?;
                    }
                    Ok::<_, EngineError>((app(scope.connection, &bundle_id)?, app_no, new, moved))
                })
                .await?;
            if new || !moved.is_empty() {
                engine.reload_lanes(app_no).await?;
            }
            Ok((app, new))
        })
        .await
    }

    /// Removes the app. After the answer nothing of it is sent, and nothing is known of it; what was kept of it is removed
    /// in parts, soon.
    pub async fn delete_app(&self, bundle_id: &str) -> Answer<()> {
        let (name, engine) = (bundle_id.to_owned(), self.clone());
        to_the_end(async move {
            let wanted = name.clone();
            let app_no = engine.store().read(move |connection| app_no(connection, &wanted)).await?;
            let deleted = {
                // A lane that stands still can't be started again before the app is gone.
                let _turn = engine.reloading().lock().await;
                engine.stop_lanes(app_no).await;
                engine.store().write(move |scope| delete(scope.connection, &name, app_no)).await
            };
            match deleted {
                Ok(()) => engine.sweep_soon(),
                Err(_) => engine.reload_lanes(app_no).await?,
            }
            deleted
        })
        .await
    }

    /// `public_key_pem`: a P-256 key as SPKI.
    pub async fn put_identity_key(&self, bundle_id: &str, kid: &str, public_key_pem: &str) -> Answer<App> {
        check_identity_key(kid, public_key_pem)?;
        let (kid, pem) = (kid.to_owned(), public_key_pem.to_owned());
        self.change_app(bundle_id.to_owned(), move |connection, app_no| {
            insert_identity_key(connection, app_no, (&kid, &pem))
        })
        .await
        .map(|(app, _)| app)
    }

    /// Fine if there is none.
    pub async fn delete_identity_key(&self, bundle_id: &str, kid: &str) -> Answer<App> {
        let kid = kid.to_owned();
        self.change_app(bundle_id.to_owned(), move |connection, app_no| {
            connection
                .prepare_cached("DELETE FROM identity_keys WHERE app_no = ?1 AND kid = ?2")?
                .execute(params![app_no, kid])?;
            Ok(())
        })
        .await
        .map(|(app, _)| app)
    }

    /// The key to check an identity token with; `None` if app or key isn't there.
    pub async fn identity_key(&self, bundle_id: &str, kid: &str) -> Answer<Option<VerifyingKey>> {
        let (bundle_id, kid) = (bundle_id.to_owned(), kid.to_owned());
        let pem: Option<String> = self
            .store()
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT public_key_pem FROM identity_keys JOIN apps USING (app_no)
                         WHERE bundle_id = ?1 AND kid = ?2",
                    )?
                    .query_row([bundle_id, kid], |row| row.get(0))
                    .optional()
                    .map_err(StoreError::from)
            })
            .await?;
        Ok(pem.and_then(|pem| VerifyingKey::from_pem(&pem).ok()))
    }

    /// The app afterwards, and its number.
    pub(super) async fn change_app<F>(&self, bundle_id: String, work: F) -> Answer<(App, i64)>
    where
        F: FnOnce(&Connection, i64) -> Answer<()> + Send + 'static,
    {
        self.store()
            .write(move |scope| {
                let app_no = app_no(scope.connection, &bundle_id)?;
                work(scope.connection, app_no)?;
                Ok((app(scope.connection, &bundle_id)?, app_no))
            })
            .await
    }
}

/// The app's number, by which its rows know it.
pub(super) fn app_no(connection: &Connection, bundle_id: &str) -> Answer<i64> {
    find(connection, bundle_id)?.ok_or_else(|| unknown(bundle_id))
}

fn unknown(bundle_id: &str) -> EngineError {
    EngineError::NotFound {
        what: "app",
        name: bundle_id.to_owned(),
        mend: "make it with PUT /v1/apps/{bundle}, or check the bundle ID",
    }
}

pub(super) fn is_there(connection: &Connection, app_no: i64) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached("SELECT 1 FROM apps WHERE app_no = ?1")?.exists([app_no])?)
}

/// Every app's number.
pub(super) fn numbers(connection: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut select = connection.prepare_cached("SELECT app_no FROM apps")?;
    let numbers = select.query_map([], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

fn find(connection: &Connection, bundle_id: &str) -> Result<Option<i64>, StoreError> {
    let mut select = connection.prepare_cached("SELECT app_no FROM apps WHERE bundle_id = ?1")?;
    Ok(select.query_row([bundle_id], |row| row.get(0)).optional()?)
}

pub(super) fn find_or_make(scope: &Scope<'_>, bundle_id: &str) -> Answer<(i64, bool)> {
    match find(scope.connection, bundle_id)? {
        Some(app_no) => Ok((app_no, false)),
        None => Ok((make(scope, bundle_id)?, true)),
    }
}

fn make(scope: &Scope<'_>, bundle_id: &str) -> Answer<i64> {
    let apps: u64 = scope.connection.query_row("SELECT count(*) FROM apps", [], |row| row.get(0))?;
    if apps >= MAX_APPS {
        return Err(EngineError::Conflict(format!("there are {MAX_APPS} apps already: delete one first")));
    }
    scope
        .connection
        .prepare_cached("INSERT INTO apps (bundle_id, name, policy) VALUES (?1, ?1, ?2)")?
        .execute([bundle_id, Policy::default().as_str()])?;
    Ok(scope.connection.last_insert_rowid())
}

/// The environments whose push service is another one now.
pub(super) fn change(connection: &Connection, app_no: i64, changes: &AppChanges) -> Answer<Vec<Environment>> {
    if let Some(name) = &changes.name {
        connection
            .prepare_cached("UPDATE apps SET name = ?2 WHERE app_no = ?1")?
            .execute(params![app_no, name])?;
    }
    if let Some(policy) = changes.policy {
        connection
            .prepare_cached("UPDATE apps SET policy = ?2 WHERE app_no = ?1")?
            .execute(params![app_no, policy.as_str()])?;
    }
    let mut moved = Vec::new();
    if let Some(services) = &changes.push_services {
        let known = push_services(connection, app_no)?;
        moved.extend(Environment::ALL.into_iter().filter(|at| known.get(at) != services.get(at)));
        connection.prepare_cached("DELETE FROM push_services WHERE app_no = ?1")?.execute([app_no])?;
        for (environment, service) in services {
            connection
                .prepare_cached("INSERT INTO push_services VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![app_no, environment.as_str(), service.host, service.port, service.ca_pem])?;
        }
    }
    Ok(moved)
}

/// Whatever asks for an app finds none any more; `sweep` removes the rest, since it may be much.
fn delete(connection: &Connection, bundle_id: &str, known: i64) -> Answer<()> {
    // Meanwhile another may have removed it, or even made it again.
    let app_no = app_no(connection, bundle_id)?;
    if app_no != known {
        return Err(unknown(bundle_id));
    }
    for statement in [
        "DELETE FROM identity_keys WHERE app_no = ?1",
        "DELETE FROM credentials WHERE app_no = ?1",
        "DELETE FROM push_services WHERE app_no = ?1",
        "DELETE FROM apps WHERE app_no = ?1",
        "INSERT INTO deleted_apps (app_no) VALUES (?1)",
    ] {
        connection.execute(statement, [app_no])?;
    }
    Ok(())
}

pub(super) fn check_identity_key(kid: &str, public_key_pem: &str) -> Answer<()> {
    check_text("kid", kid)?;
    // It stands in a path, where these are steps.
    if kid.len() > MAX_KID_LEN || matches!(kid, "." | "..") {
        return Err(EngineError::invalid(
            "kid",
            format!("it has 1 to {MAX_KID_LEN} bytes and isn't `.` or `..`"),
        ));
    }
    VerifyingKey::from_pem(public_key_pem).map(drop).map_err(|error| {
        EngineError::invalid("public_key_pem", format!("{error}: send the P-256 key as SPKI PEM"))
    })
}

pub(super) fn insert_identity_key(
    connection: &Connection,
    app_no: i64,
    (kid, pem): (&str, &str),
) -> Answer<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO identity_keys (app_no, kid, public_key_pem) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![app_no, kid, pem.trim()])?;
    let kept: u64 = connection
        .prepare_cached("SELECT count(*) FROM identity_keys WHERE app_no = ?1")?
        .query_row([app_no], |row| row.get(0))?;
    if kept > MAX_IDENTITY_KEYS {
        return Err(EngineError::Conflict(format!(
            "an app has at most {MAX_IDENTITY_KEYS} identity keys: delete one that signs no more"
        )));
    }
    Ok(())
}

fn all(connection: &Connection) -> Answer<Vec<App>> {
    let mut select = connection.prepare_cached("SELECT bundle_id FROM apps ORDER BY bundle_id")?;
    let names = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    names.iter().map(|bundle_id| app(connection, bundle_id)).collect()
}

fn push_services(
    connection: &Connection,
    app_no: i64,
) -> rusqlite::Result<BTreeMap<Environment, PushService>> {
    connection
        .prepare_cached("SELECT host, port, ca_pem, environment FROM push_services WHERE app_no = ?1")?
        .query_map([app_no], |row| Ok((environment(row, 3)?, service(row)?)))?
        .collect()
}

fn app(connection: &Connection, bundle_id: &str) -> Answer<App> {
    let app_no = app_no(connection, bundle_id)?;
    let (name, policy) = connection
        .prepare_cached("SELECT name, policy FROM apps WHERE app_no = ?1")?
        .query_row([app_no], |row| Ok((row.get(0)?, policy(row, 1)?)))?;
    let push_services = push_services(connection, app_no)?;
    let credentials = connection
        .prepare_cached(
            "SELECT kind, key_id, team_id, expires_at, environment FROM credentials WHERE app_no = ?1",
        )?
        .query_map([app_no], |row| Ok((environment(row, 4)?, credential_view(row)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let identity_keys = connection
        .prepare_cached("SELECT kid FROM identity_keys WHERE app_no = ?1 ORDER BY kid")?
        .query_map([app_no], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(App { bundle_id: bundle_id.to_owned(), name, policy, push_services, credentials, identity_keys })
}

pub(super) fn policy(row: &Row<'_>, column: usize) -> rusqlite::Result<Policy> {
    let word: String = row.get(column)?;
    Ok(if word == Policy::LastDevice.as_str() { Policy::LastDevice } else { Policy::AllDevices })
}

pub(super) fn environment(row: &Row<'_>, column: usize) -> rusqlite::Result<Environment> {
    let word: String = row.get(column)?;
    word.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

pub(super) fn service(row: &Row<'_>) -> rusqlite::Result<PushService> {
    Ok(PushService { host: row.get(0)?, port: row.get(1)?, ca_pem: row.get(2)? })
}

/// Two parts at least, so that no bundle ID is a step of a path (`..`).
pub(super) fn check_bundle_id(bundle_id: &str) -> Answer<()> {
    let has_parts = bundle_id.contains('.') && bundle_id.split('.').all(|part| !part.is_empty());
    if has_parts && bundle_id.parse::<Topic>().is_ok() {
        return Ok(());
    }
    Err(EngineError::invalid(
        "bundle_id",
        "a bundle ID is like com.example.news: two parts or more of letters, digits, `-` and `_`, 255 bytes in all",
    ))
}

pub(super) fn check_changes(changes: &AppChanges) -> Answer<()> {
    if let Some(name) = &changes.name {
        check_text("name", name)?;
    }
    for (environment, service) in changes.push_services.iter().flatten() {
        let field = |part: &str| format!("push_services.{environment}.{part}");
        check_text(&field("host"), &service.host)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if !service.host.chars().all(is_plain) && service.host.parse::<Ipv6Addr>().is_err() {
            let mend = "name a host or an address alone, without scheme, port and path";
            return Err(EngineError::invalid(field("host"), mend));
        }
        if service.port == 0 {
            return Err(EngineError::invalid(field("port"), "0 is no port"));
        }
        if service.ca_pem.as_ref().is_some_and(|pem| pem.len() > MAX_SECRET) {
            return Err(EngineError::invalid(
                field("ca_pem"),
                format!("it has more than {MAX_SECRET} bytes"),
            ));
        }
    }
    Ok(())
}

pub(super) fn check_text(field: &str, text: &str) -> Answer<()> {
    if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(EngineError::invalid(
            field,
            format!("give it 1 to {MAX_TEXT} bytes of text without control characters"),
        ));
    }
    Ok(())
}
