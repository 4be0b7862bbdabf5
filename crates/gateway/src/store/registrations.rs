//! Registrations: who is registered for what, under which key, and since when not any more. An ended registration stays
//! for ever, so that 410 is said from the store.

use homing_trace::{Environment, Reason, Stage, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::StoreError;
use super::feedback;
use super::hot::Subscribed;
use super::log::Ending;
use super::row::{environment_number, environment_of, signed, unsigned};
use super::writer::{CallError, Scope};
use crate::notification::RegistrationKey;

/// Live registrations one device may hold.
const PER_DEVICE: u64 = 1_024;

/// Whether a registration lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Lives(u32),
    Ended(UnixMillis),
    Never,
}

pub(crate) fn standing(connection: &Connection, key: &RegistrationKey) -> rusqlite::Result<Standing> {
    let row: Option<(u32, Option<i64>)> = connection
        .prepare_cached(
            "SELECT no, ended_at FROM registrations \
             WHERE device = ?1 AND environment = ?2 AND topic_no = ?3 AND generation = ?4",
        )?
        .query_row(
            params![signed(key.device), environment_number(key.environment), key.topic_no, key.generation],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(match row {
        Some((registration_no, None)) => Standing::Lives(registration_no),
        Some((_, Some(since))) => Standing::Ended(UnixMillis(since)),
        None => Standing::Never,
    })
}

/// One topic of one device, as a subscribe names it.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) device: u64,
    pub(crate) environment: Environment,
    pub(crate) topic_no: u32,
    /// Empty for the topic's own registration.
    pub(crate) instance: String,
}

impl Subscription {
    fn find_live(&self, connection: &Connection) -> rusqlite::Result<Option<(u32, u32)>> {
        connection
            .prepare_cached(
                "SELECT no, generation FROM registrations \
                 WHERE device = ?1 AND environment = ?2 AND topic_no = ?3 AND instance = ?4 AND ended_at IS NULL",
            )?
            .query_row(
                params![signed(self.device), environment_number(self.environment), self.topic_no, self.instance],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
    }

    /// The registration that lives, if one does.
    pub(crate) fn find(&self, connection: &Connection) -> rusqlite::Result<Option<(RegistrationKey, u32)>> {
        let Self { device, environment, topic_no, .. } = *self;
        let found = self.find_live(connection)?;
        Ok(found.map(|(registration_no, generation)| {
            (RegistrationKey { device, environment, topic_no, generation }, registration_no)
        }))
    }

    /// The registration that lives, or a new one.
    pub(crate) fn subscribe(&self, scope: &mut Scope<'_>) -> Result<Subscribed, CallError> {
        let found = self.find_live(scope.connection)?;
        let is_new = found.is_none();
        let (registration_no, generation) = match found {
            Some(found) => found,
            None => self.register(scope)?,
        };
        let newest = scope.live.take_newest(scope.connection, registration_no, scope.now)?;
        let Self { device, environment, topic_no, .. } = *self;
        let registration = RegistrationKey { device, environment, topic_no, generation };
        Ok(Subscribed { registration, registration_no, is_new, newest })
    }

    fn register(&self, scope: &Scope<'_>) -> Result<(u32, u32), CallError> {
        // Its connection may outlive its enrolment for a moment; nobody would ever end what it registers then.
        let is_enrolled = scope
            .connection
            .prepare_cached("SELECT 1 FROM devices WHERE id = ?1")?
            .exists([signed(self.device)])?;
        if !is_enrolled {
            return Err(StoreError::NotEnrolled.into());
        }
        let held: u64 = scope
            .connection
            .prepare_cached("SELECT count(*) FROM registrations WHERE device = ?1 AND ended_at IS NULL")?
            .query_row([signed(self.device)], |row| row.get(0).map(unsigned))?;
        if held >= PER_DEVICE {
            return Err(StoreError::Limit {
                what: "the number of a device's registrations",
                limit: PER_DEVICE,
            }
            .into());
        }
        let last: Option<u32> = scope
            .connection
            .prepare_cached(
                "SELECT max(generation) FROM registrations WHERE device = ?1 AND environment = ?2 AND topic_no = ?3",
            )?
            .query_row(
                params![signed(self.device), environment_number(self.environment), self.topic_no],
                |row| row.get(0),
            )?;
        let now = u32::try_from(scope.now.secs()).unwrap_or(u32::MAX);
        let generation = last.map_or(now, |last| now.max(last.saturating_add(1)));
        scope
            .connection
            .prepare_cached(
                "INSERT INTO registrations(device, environment, topic_no, generation, instance, registered_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                signed(self.device),
                environment_number(self.environment),
                self.topic_no,
                generation,
                self.instance,
                scope.now.0
            ])?;
        let registration_no = u32::try_from(scope.connection.last_insert_rowid()).map_err(|_| {
            StoreError::Limit { what: "the number of registrations", limit: u64::from(u32::MAX) }
        })?;
        Ok((registration_no, generation))
    }

    /// Ends the registration and what is stored for it; `None` when there is none.
    pub(crate) fn unsubscribe(&self, scope: &mut Scope<'_>) -> Result<Option<UnixMillis>, CallError> {
        let Some((registration_no, _)) = self.find_live(scope.connection)? else { return Ok(None) };
        end(scope, registration_no)?;
        Ok(Some(scope.now))
    }
}

fn end(scope: &mut Scope<'_>, registration_no: u32) -> rusqlite::Result<()> {
    scope
        .connection
        .prepare_cached("UPDATE registrations SET ended_at = ?2 WHERE no = ?1")?
        .execute(params![registration_no, scope.now.0])?;
    feedback::put(scope.connection, registration_no)?;
    let ending = Ending::new(Stage::Discarded, Some(Reason::UNREGISTERED), scope.now);
    scope.live.end_all(scope.connection, registration_no, &ending)?;
    scope.live.end_registration(registration_no, scope.now);
    Ok(())
}

/// Ends everything the device held.
pub(crate) fn end_all_of(scope: &mut Scope<'_>, device: u64) -> Result<(), CallError> {
    let held: Vec<u32> = scope
        .connection
        .prepare_cached("SELECT no FROM registrations WHERE device = ?1 AND ended_at IS NULL")?
        .query_map([signed(device)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for registration_no in held {
        end(scope, registration_no)?;
    }
    Ok(())
}

/// Ends every device's registrations for a topic.
pub(crate) fn end_all_for(scope: &mut Scope<'_>, topic_no: u32) -> Result<(), CallError> {
    let held: Vec<u32> = scope
        .connection
        .prepare_cached("SELECT no FROM registrations WHERE topic_no = ?1 AND ended_at IS NULL")?
        .query_map([topic_no], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for registration_no in held {
        end(scope, registration_no)?;
    }
    Ok(())
}

/// The key of a registration, by its number.
pub(crate) fn key_of(
    connection: &Connection,
    registration_no: u32,
) -> rusqlite::Result<Option<RegistrationKey>> {
    let row: Option<(i64, u8, u32, u32)> = connection
        .prepare_cached("SELECT device, environment, topic_no, generation FROM registrations WHERE no = ?1")?
        .query_row([registration_no], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    Ok(row.and_then(|(device, environment, topic_no, generation)| {
        let device = unsigned(device);
        Some(RegistrationKey { device, environment: environment_of(environment)?, topic_no, generation })
    }))
}
