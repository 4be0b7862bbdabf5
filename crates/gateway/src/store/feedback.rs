//! What the feedback service has to tell: the registrations of a topic that have ended and that nobody has read yet. A
//! registration comes onto the list when it ends, and again when something is sent to it by the interface that isn't told
//! of that; it leaves the list when a provider has read it. Who reads which topic is the legacy port's.

use homing_trace::{Environment, UnixMillis};
use rusqlite::{Connection, params};

use super::registrations::{self, Standing};
use super::row::{environment_number, signed, unsigned};
use super::writer::CallError;
use crate::notification::RegistrationKey;

/// Entries taken from the list in one transaction.
const STEP: u32 = 1_000;

/// One entry of the list. `no` rises with every entry, so that what was read can be told from what came meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) no: u64,
    pub(crate) registration: RegistrationKey,
    pub(crate) since: UnixMillis,
}

/// Puts a registration that has just ended onto the list.
pub(crate) fn put(connection: &Connection, registration_no: u32) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO feedback(registration_no, environment, topic_no) \
             SELECT no, environment, topic_no FROM registrations WHERE no = ?1",
        )?
        .execute([registration_no])?;
    Ok(())
}

/// Whether each registration lives; one that doesn't comes onto the list again, since somebody still sends to it.
pub(crate) fn stand(connection: &Connection, keys: &[RegistrationKey]) -> Result<Vec<Standing>, CallError> {
    let mut standings = Vec::with_capacity(keys.len());
    for key in keys {
        let standing = registrations::standing(connection, key)?;
        match standing {
            Standing::Ended(_) => put_key(connection, key)?,
            Standing::Lives(_) | Standing::Never => {}
        }
        standings.push(standing);
    }
    Ok(standings)
}

fn put_key(connection: &Connection, key: &RegistrationKey) -> rusqlite::Result<()> {
    // One that is on the list already stays where it is.
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO feedback(registration_no, environment, topic_no) \
             SELECT no, environment, topic_no FROM registrations \
             WHERE device = ?1 AND environment = ?2 AND topic_no = ?3 AND generation = ?4",
        )?
        .execute(params![
            signed(key.device),
            environment_number(key.environment),
            key.topic_no,
            key.generation
        ])?;
    Ok(())
}

/// The entries of a topic that come after number `after`, the oldest first, at most so many.
pub(crate) fn page(
    connection: &Connection,
    environment: Environment,
    topic_no: u32,
    after: u64,
    limit: u32,
) -> Result<Vec<Gone>, CallError> {
    let mut query = connection.prepare_cached(
        "SELECT f.no, r.device, r.generation, r.ended_at FROM feedback f JOIN registrations r ON r.no = f.registration_no \
         WHERE f.environment = ?1 AND f.topic_no = ?2 AND f.no > ?3 ORDER BY f.no LIMIT ?4",
    )?;
    let rows =
        query.query_map(params![environment_number(environment), topic_no, signed(after), limit], |row| {
            let registration = RegistrationKey {
                device: unsigned(row.get(1)?),
                environment,
                topic_no,
                generation: row.get(2)?,
            };
            Ok(Gone { no: unsigned(row.get(0)?), registration, since: UnixMillis(row.get(3)?) })
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes what has been read, up to number `up_to`, from the list, as much as one step may; whether that was all.
pub(crate) fn clear(
    connection: &Connection,
    environment: Environment,
    topic_no: u32,
    up_to: u64,
) -> Result<bool, CallError> {
    let cleared = connection
        .prepare_cached(
            "DELETE FROM feedback WHERE no IN (SELECT no FROM feedback \
             WHERE environment = ?1 AND topic_no = ?2 AND no <= ?3 ORDER BY no LIMIT ?4)",
        )?
        .execute(params![environment_number(environment), topic_no, signed(up_to), STEP])?;
    Ok(cleared < STEP as usize)
}
