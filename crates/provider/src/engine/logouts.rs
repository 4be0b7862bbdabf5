//! Logouts of tokens that nobody has told yet. Each is remembered until the token is told, so that a login which is older
//! and arrives later comes to nothing.

use homing_apns::DeviceTokenHex;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::Scope;

/// Logouts of one user: anybody can log out of tokens that don't exist. The oldest go first.
const MAX_OF_USER: usize = 100;

/// The greatest epoch of a token counts.
pub(super) fn remember(
    scope: &Scope<'_>,
    app_no: i64,
    token: &DeviceTokenHex,
    (user, epoch): (&str, u64),
) -> rusqlite::Result<()> {
    scope
        .connection
        .prepare_cached(
            "INSERT INTO logouts (app_no, token, user, epoch, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET user = ?3, epoch = max(epoch, ?4), at = ?5",
        )?
        .execute(params![app_no, token.as_bytes(), user, epoch, scope.now.0])?;
    scope
        .connection
        .prepare_cached(
            "DELETE FROM logouts WHERE (app_no, token) IN
                 (SELECT app_no, token FROM logouts WHERE app_no = ?1 AND user = ?2
                  ORDER BY at DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![app_no, user, MAX_OF_USER])
        .map(drop)
}

/// What is remembered of the token, which has got a record of its own now.
pub(super) fn take(
    connection: &Connection,
    app_no: i64,
    token: &DeviceTokenHex,
) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("DELETE FROM logouts WHERE app_no = ?1 AND token = ?2 RETURNING epoch")?
        .query_row(params![app_no, token.as_bytes()], |row| row.get(0))
        .optional()
}
