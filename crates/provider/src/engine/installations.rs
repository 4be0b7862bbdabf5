//! What can be asked and changed of installations and users. Whose a token may become is decided in `binding`, what
//! that means for notifications under way in `standings`.

use std::collections::BTreeSet;

use homing_apns::{DeviceTokenHex, Reason};
use homing_trace::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Engine;
use super::apps::{self, Answer, check_text};
use super::binding::{Binding, Login, Stale};
use super::error::EngineError;
use super::installation::{Installation, InstallationState, Page, Registration, Teller, TokenRefusal, User};
use super::logouts;
use super::names::{hex, user_tag};
use super::standings::{Standing, Standings};
use crate::store::Scope;

/// Longest user id, in bytes.
const MAX_USER: usize = 255;
/// Longest tag, in bytes.
const MAX_TAG: usize = 64;
/// Most tags of an installation.
const MAX_TAGS: usize = 100;
/// Most rows of a page.
pub(crate) const MAX_PAGE: usize = 1_000;
/// Live tokens that one user may have told with identity tokens.
pub(super) const MAX_MADE: usize = 1_000;

/// A `token` is hex in either case.
impl Engine {
    /// Tells a token, makes it live, and with a user logs the user in; `true` if the token is new.
    ///
    /// # Errors
    /// `StaleEpoch` if a later login or logout is known; `TooMany` if the app's user has told too many tokens.
    pub async fn register(
        &self,
        bundle_id: &str,
        token: &str,
        registration: Registration,
        teller: Teller,
    ) -> Answer<(Installation, bool)> {
        let token = parse_token(token)?;
        check(&registration)?;
        let (bundle_id, standings) = (bundle_id.to_owned(), self.standings().clone());
        self.store()
            .write(move |scope| {
                let app_no = apps::app_no(scope.connection, &bundle_id)?;
                let (installation_no, new) = tell(scope, app_no, &token, &registration)?;
                if new && let Teller::App(maker) = &teller {
                    note_maker(scope.connection, (app_no, installation_no), maker)?;
                }
                if let Some(tags) = &registration.tags {
                    set_tags(scope.connection, (app_no, installation_no), tags)?;
                }
                if let Some(user) = &registration.user {
                    log_in(scope, (app_no, installation_no), user, registration.epoch, &teller)?;
                }
                follow(scope, installation_no, &standings)?;
                let installation = read(scope.connection, app_no, &bundle_id, &token)?;
                Ok((installation.ok_or_else(|| unknown(&token))?, new))
            })
            .await
    }

    /// Logs the user out. After the answer no send to this user on this token begins. Fine if the user isn't bound. Of a
    /// token that nobody has told yet the epoch is remembered: the login before may still be on its way.
    ///
    /// # Errors
    /// `StaleEpoch` if a later login is known; `NotFound` if the token isn't, and there is no epoch.
    pub async fn log_out(&self, bundle_id: &str, token: &str, user: &str, epoch: Option<u64>) -> Answer<()> {
        let token = parse_token(token)?;
        check_user("user", user)?;
        check_epoch(epoch)?;
        let (bundle_id, user, standings) = (bundle_id.to_owned(), user.to_owned(), self.standings().clone());
        self.store()
            .write(move |scope| {
                let app_no = apps::app_no(scope.connection, &bundle_id)?;
                let Some(number) = number(scope.connection, app_no, &token)? else {
                    let epoch = epoch.ok_or_else(|| unknown(&token))?;
                    return Ok(logouts::remember(scope, app_no, &token, (&user, epoch))?);
                };
                let binding = binding(scope.connection, number)?;
                let after = binding.log_out(&user, epoch).map_err(|stale| told(stale, epoch))?;
                if after != binding {
                    set_binding(scope.connection, number, &after)?;
                    follow(scope, number, &standings)?;
                }
                Ok(())
            })
            .await
    }

    pub async fn installation(&self, bundle_id: &str, token: &str) -> Answer<Installation> {
        let (token, bundle_id) = (parse_token(token)?, bundle_id.to_owned());
        self.store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                read(connection, app_no, &bundle_id, &token)?.ok_or_else(|| unknown(&token))
            })
            .await
    }

    /// Removes the record of a token. After the answer no send to it begins.
    pub async fn forget(&self, bundle_id: &str, token: &str) -> Answer<()> {
        let (token, bundle_id, standings) =
            (parse_token(token)?, bundle_id.to_owned(), self.standings().clone());
        self.store()
            .write(move |scope| {
                let app_no = apps::app_no(scope.connection, &bundle_id)?;
                let number = number(scope.connection, app_no, &token)?.ok_or_else(|| unknown(&token))?;
                scope
                    .connection
                    .prepare_cached("DELETE FROM installations WHERE installation_no = ?1")?
                    .execute([number])?;
                scope.afterwards(move || standings.change(number, None));
                Ok(())
            })
            .await
    }

    /// In the order of their first registration; `after` is a page's `next`.
    pub async fn installations(
        &self,
        bundle_id: &str,
        user: Option<&str>,
        limit: usize,
        after: Option<&str>,
    ) -> Answer<Page<Installation>> {
        let after: i64 = match after {
            None => 0,
            Some(text) => text.parse().map_err(|_| cursor("after"))?,
        };
        let (bundle_id, user) = (bundle_id.to_owned(), user.map(str::to_owned));
        self.store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                page(connection, (app_no, &bundle_id), user.as_deref(), limit.clamp(1, MAX_PAGE), after)
            })
            .await
    }

    /// By name; `after` is a page's `next`.
    pub async fn users(&self, bundle_id: &str, limit: usize, after: Option<&str>) -> Answer<Page<User>> {
        let (bundle_id, after) = (bundle_id.to_owned(), after.unwrap_or_default().to_owned());
        let limit = limit.clamp(1, MAX_PAGE);
        self.store()
            .read(move |connection| {
                let app_no = apps::app_no(connection, &bundle_id)?;
                let mut select = connection.prepare_cached(
                    "SELECT user, last_login_at, (SELECT count(*) FROM installations AS i
                         WHERE i.app_no = u.app_no AND i.user = u.user AND retired_reason IS NULL)
                     FROM users AS u WHERE app_no = ?1 AND user > ?2 ORDER BY user LIMIT ?3",
                )?;
                let users = select.query_map(params![app_no, after, limit + 1], |row| {
                    let last_login_at = UnixMillis(row.get(1)?);
                    Ok(User { user: row.get(0)?, installations: row.get(2)?, last_login_at })
                })?;
                let users = users.collect::<rusqlite::Result<Vec<_>>>()?;
                Ok(cut(users, limit, |user: &User| user.user.clone()))
            })
            .await
    }
}

/// The first `limit` of them, and where the next part begins.
pub(super) fn cut<T>(mut items: Vec<T>, limit: usize, name: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(name);
    Page { items, next }
}

pub(super) fn cursor(field: &str) -> EngineError {
    EngineError::invalid(field, "give the `next` of the part before, unchanged")
}

pub(super) fn parse_token(token: &str) -> Answer<DeviceTokenHex> {
    token.parse().map_err(|_: Reason| {
        EngineError::invalid(
            "token",
            "a device token is 2 to 200 hex digits, as the device gave it to its app",
        )
    })
}

fn unknown(token: &DeviceTokenHex) -> EngineError {
    EngineError::NotFound {
        what: "installation",
        name: token.to_string(),
        mend: "tell the token with PUT /v1/apps/{bundle}/installations/{token}",
    }
}

pub(super) fn check_user(field: &str, user: &str) -> Answer<()> {
    if user.is_empty() || user.len() > MAX_USER || user.chars().any(char::is_control) {
        return Err(EngineError::invalid(
            field,
            format!("a user's id has 1 to {MAX_USER} bytes and no control characters"),
        ));
    }
    Ok(())
}

pub(super) fn check_tag(field: &str, tag: &str) -> Answer<()> {
    if tag.is_empty() || tag.len() > MAX_TAG || tag.chars().any(char::is_control) {
        return Err(EngineError::invalid(
            field,
            format!("a tag has 1 to {MAX_TAG} bytes and no control characters"),
        ));
    }
    Ok(())
}

fn check(registration: &Registration) -> Answer<()> {
    if let Some(user) = &registration.user {
        check_user("user", user)?;
    }
    check_epoch(registration.epoch)?;
    if let Some(tags) = &registration.tags {
        if tags.len() > MAX_TAGS {
            return Err(EngineError::invalid("tags", format!("an installation has at most {MAX_TAGS} tags")));
        }
        tags.iter().try_for_each(|tag| check_tag("tags", tag))?;
    }
    let texts = [
        ("locale", &registration.locale),
        ("time_zone", &registration.time_zone),
        ("app_version", &registration.app_version),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            check_text(field, text)?;
        }
    }
    Ok(())
}

fn check_epoch(epoch: Option<u64>) -> Answer<()> {
    match epoch {
        Some(epoch) if i64::try_from(epoch).is_err() => {
            Err(EngineError::invalid("epoch", format!("it is at most {}", i64::MAX)))
        }
        Some(_) | None => Ok(()),
    }
}

fn told(stale: Stale, given: Option<u64>) -> EngineError {
    EngineError::StaleEpoch { given: given.unwrap_or_default(), known: stale.0 }
}

fn number(connection: &Connection, app_no: i64, token: &DeviceTokenHex) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT installation_no FROM installations WHERE app_no = ?1 AND token = ?2")?
        .query_row(params![app_no, token.as_bytes()], |row| row.get(0))
        .optional()
}

/// Makes or renews the record: the token is live, and newer than what the push service said of it.
fn tell(scope: &Scope<'_>, app_no: i64, token: &DeviceTokenHex, told: &Registration) -> Answer<(i64, bool)> {
    let known = number(scope.connection, app_no, token)?;
    let logout_epoch = match known {
        None => logouts::take(scope.connection, app_no, token)?,
        Some(_) => None,
    };
    scope
        .connection
        .prepare_cached(
            "INSERT INTO installations
                 (app_no, token, environment, registered_at, locale, time_zone, app_version, logout_epoch)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (app_no, token) DO UPDATE SET environment = ?3, registered_at = ?4,
                 locale = coalesce(?5, locale), time_zone = coalesce(?6, time_zone),
                 app_version = coalesce(?7, app_version),
                 retired_reason = NULL, refused_reason = NULL, refused_at = NULL",
        )?
        .execute(params![
            app_no,
            token.as_bytes(),
            told.environment.as_str(),
            scope.now.0,
            told.locale,
            told.time_zone,
            told.app_version,
            logout_epoch
        ])?;
    Ok((known.unwrap_or_else(|| scope.connection.last_insert_rowid()), known.is_none()))
}

fn set_tags(
    connection: &Connection,
    (app_no, number): (i64, i64),
    tags: &BTreeSet<String>,
) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM tags WHERE installation_no = ?1")?.execute([number])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO tags (installation_no, tag, app_no) VALUES (?1, ?2, ?3)")?;
    for tag in tags {
        insert.execute(params![number, tag, app_no])?;
    }
    Ok(())
}

fn log_in(
    scope: &Scope<'_>,
    (app_no, number): (i64, i64),
    user: &str,
    epoch: Option<u64>,
    teller: &Teller,
) -> Answer<()> {
    let before = binding(scope.connection, number)?;
    let by_app = matches!(teller, Teller::App(_));
    // Once the app has told it, it knows the user, whatever a server tells of the same one later.
    let stays = before.user.as_deref() == Some(user);
    scope
        .connection
        .prepare_cached("UPDATE installations SET tagged = ?2 OR (?3 AND tagged) WHERE installation_no = ?1")?
        .execute(params![number, by_app, stays])?;
    let Login::New(after) = before.log_in(user, epoch).map_err(|stale| told(stale, epoch))? else {
        return Ok(());
    };
    set_binding(scope.connection, number, &after)?;
    let newest: i64 = scope
        .connection
        .prepare_cached(
            "SELECT coalesce(max(login_no), 0) FROM installations WHERE app_no = ?1 AND user = ?2",
        )?
        .query_row(params![app_no, user], |row| row.get(0))?;
    scope
        .connection
        .prepare_cached("UPDATE installations SET bound_at = ?2, login_no = ?3 WHERE installation_no = ?1")?
        .execute(params![number, scope.now.0, newest + 1])?;
    scope
        .connection
        .prepare_cached(
            "INSERT INTO users (app_no, user, last_login_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET last_login_at = ?3",
        )?
        .execute(params![app_no, user, scope.now.0])?;
    Ok(())
}

/// Notes whose identity token told the token first, so that nobody makes records without end.
fn note_maker(connection: &Connection, (app_no, number): (i64, i64), maker: &str) -> Answer<()> {
    let made: usize = connection
        .prepare_cached(
            "SELECT count(*) FROM installations WHERE app_no = ?1 AND made_by = ?2 AND retired_reason IS NULL",
        )?
        .query_row(params![app_no, maker], |row| row.get(0))?;
    if made >= MAX_MADE {
        return Err(EngineError::TooMany(format!(
            "the user {maker:?} has told {MAX_MADE} tokens that are in use: forget some with DELETE \
             /v1/apps/{{bundle}}/installations/{{token}}, or tell this one with a server key"
        )));
    }
    connection
        .prepare_cached("UPDATE installations SET made_by = ?2 WHERE installation_no = ?1")?
        .execute(params![number, maker])?;
    Ok(())
}

/// Once this is committed, hand-overs see it.
pub(super) fn follow(scope: &mut Scope<'_>, number: i64, standings: &Standings) -> Answer<()> {
    let (standing, standings) = (standing(scope.connection, number)?, standings.clone());
    scope.afterwards(move || standings.change(number, standing));
    Ok(())
}

pub(super) fn standing(connection: &Connection, number: i64) -> rusqlite::Result<Option<Standing>> {
    connection
        .prepare_cached(
            "SELECT user, retired_reason IS NULL, environment, registered_at > 0 FROM installations WHERE installation_no = ?1",
        )?
        .query_row([number], |row| {
            let told: bool = row.get(3)?;
            let environment = told.then(|| apps::environment(row, 2)).transpose()?;
            Ok(Standing { user: row.get(0)?, live: row.get(1)?, environment })
        })
        .optional()
}

fn binding(connection: &Connection, number: i64) -> rusqlite::Result<Binding> {
    connection
        .prepare_cached("SELECT user, epoch, logout_epoch FROM installations WHERE installation_no = ?1")?
        .query_row([number], |row| {
            Ok(Binding { user: row.get(0)?, epoch: row.get(1)?, logout_epoch: row.get(2)? })
        })
}

fn set_binding(connection: &Connection, number: i64, binding: &Binding) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE installations SET user = ?2, epoch = ?3, logout_epoch = ?4,
                 bound_at = iif(?2 IS NULL, NULL, bound_at), login_no = iif(?2 IS NULL, NULL, login_no)
             WHERE installation_no = ?1",
        )?
        .execute(params![number, binding.user, binding.epoch, binding.logout_epoch])
        .map(drop)
}

const COLUMNS: &str =
    "token, environment, user, epoch, logout_epoch, bound_at, registered_at, locale, time_zone,
    app_version, retired_reason, refused_reason, refused_at, installation_no, tagged,
    (SELECT json_group_array(tag) FROM (SELECT tag FROM tags
        WHERE tags.installation_no = installations.installation_no ORDER BY tag))";

fn read(
    connection: &Connection,
    app_no: i64,
    bundle_id: &str,
    token: &DeviceTokenHex,
) -> rusqlite::Result<Option<Installation>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM installations WHERE app_no = ?1 AND token = ?2"))?
        .query_row(params![app_no, token.as_bytes()], |row| view(row, bundle_id))
        .optional()
}

fn page(
    connection: &Connection,
    (app_no, bundle_id): (i64, &str),
    user: Option<&str>,
    limit: usize,
    after: i64,
) -> Answer<Page<Installation>> {
    let of_user = if user.is_some() { "user = ?2" } else { "?2 IS NULL" };
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM installations WHERE app_no = ?1 AND {of_user} AND installation_no > ?3
         ORDER BY installation_no LIMIT ?4"
    ))?;
    let rows = select.query_map(params![app_no, user, after, limit + 1], |row| {
        Ok((row.get::<_, i64>(13)?, view(row, bundle_id)?))
    })?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let Page { items, next } = cut(rows, limit, |(number, _)| number.to_string());
    Ok(Page { items: items.into_iter().map(|(_, installation)| installation).collect(), next })
}

fn view(row: &Row<'_>, bundle_id: &str) -> rusqlite::Result<Installation> {
    let user: Option<String> = row.get(2)?;
    let binding = Binding { user: user.clone(), epoch: row.get(3)?, logout_epoch: row.get(4)? };
    let (retired_reason, tagged): (Option<String>, bool) = (row.get(10)?, row.get(14)?);
    let state = if retired_reason.is_some() { InstallationState::Retired } else { InstallationState::Live };
    let refused: Option<String> = row.get(11)?;
    let at: Option<i64> = row.get(12)?;
    let last_refusal = refused.zip(at).map(|(reason, at)| {
        let advice = Reason::from_word(&reason).advice().to_owned();
        TokenRefusal { reason, advice, at: UnixMillis(at) }
    });
    Ok(Installation {
        token: hex(row.get_ref(0)?.as_blob()?),
        environment: apps::environment(row, 1)?,
        user_tag: user.as_deref().filter(|_| tagged).map(|user| user_tag(bundle_id, user)),
        user,
        epoch: binding.known(),
        bound_at: row.get::<_, Option<i64>>(5)?.map(UnixMillis),
        registered_at: UnixMillis(row.get(6)?),
        locale: row.get(7)?,
        time_zone: row.get(8)?,
        app_version: row.get(9)?,
        tags: serde_json::from_str(row.get_ref(15)?.as_str()?).unwrap_or_default(),
        state,
        retired_reason,
        last_refusal,
    })
}
