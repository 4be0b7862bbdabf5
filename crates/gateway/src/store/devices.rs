//! Devices and the enrolment keys that admit them: quota, rate and expiry are judged here, in one transaction with the
//! admission itself. Which codes a device port says is decided there.

use std::collections::HashMap;
use std::sync::Arc;

use homing_trace::{Environment, UnixMillis};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::error::{EnrolError, StoreError};
use super::hot::{DeviceRights, Enrolled};
use super::registrations;
use super::row::{signed, unsigned};
use super::writer::{CallError, Scope};

const MINUTE_MILLIS: i64 = 60_000;

/// How many devices each key admitted in its current minute.
#[derive(Debug, Default)]
pub(crate) struct Rates(HashMap<i64, (UnixMillis, u32)>);

impl Rates {
    /// Takes one place in the minute, or says how long to wait, in milliseconds.
    fn take(&mut self, key: i64, per_minute: u32, now: UnixMillis) -> Result<(), i64> {
        let (since, admitted) = self.0.entry(key).or_insert((now, 0));
        let passed = now.millis_since(*since);
        if !(0..MINUTE_MILLIS).contains(&passed) {
            (*since, *admitted) = (now, 0);
        }
        if *admitted >= per_minute {
            return Err(MINUTE_MILLIS - now.millis_since(*since));
        }
        *admitted += 1;
        Ok(())
    }
}

/// SHA-256, as secrets are kept.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// `None` if the operating system has no randomness to give.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Invalid(format!("the system gave no random bytes: {error}")))?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct KeyRow {
    id: i64,
    quota: u32,
    per_minute: u32,
    expires_at: Option<i64>,
    admitted: u32,
}

/// A new device and its secret.
pub(crate) fn enrol(
    scope: &mut Scope<'_>,
    key_text: &str,
) -> Result<Result<Enrolled, EnrolError>, CallError> {
    let secret = Zeroizing::new(hex(&random::<32>()?));
    Ok(admit(scope, key_text, &digest(&secret))?.map(|device| Enrolled { device, secret }))
}

/// A new device without a secret: it has a certificate.
pub(crate) fn enrol_certified(
    scope: &mut Scope<'_>,
    key_text: &str,
) -> Result<Result<u64, EnrolError>, CallError> {
    // No digest is empty, so that no secret is ever right.
    admit(scope, key_text, &[])
}

fn admit(
    scope: &mut Scope<'_>,
    key_text: &str,
    secret_hash: &[u8],
) -> Result<Result<u64, EnrolError>, CallError> {
    let key = scope
        .connection
        .prepare_cached(
            "SELECT id, quota, per_minute, expires_at, admitted FROM enrolment_keys WHERE hash = ?1",
        )?
        .query_row([digest(key_text)], |row| {
            Ok(KeyRow {
                id: row.get(0)?,
                quota: row.get(1)?,
                per_minute: row.get(2)?,
                expires_at: row.get(3)?,
                admitted: row.get(4)?,
            })
        })
        .optional()?;
    let Some(key) = key else { return Ok(Err(EnrolError::BadKey)) };
    if key.expires_at.is_some_and(|expires_at| expires_at <= scope.now.0) {
        return Ok(Err(EnrolError::BadKey));
    }
    if key.admitted >= key.quota {
        return Ok(Err(EnrolError::QuotaReached { quota: key.quota }));
    }
    if let Err(millis) = scope.rates.take(key.id, key.per_minute, scope.now) {
        let retry_after_secs = u32::try_from((millis + 999) / 1000).unwrap_or(1).max(1);
        return Ok(Err(EnrolError::TooFast { retry_after_secs }));
    }
    scope.connection.execute("UPDATE enrolment_keys SET admitted = admitted + 1 WHERE id = ?1", [key.id])?;
    insert(scope, secret_hash, key.id).map(Ok)
}

/// A new device that nobody enrolled and nobody can be: no key has this number, and no digest is empty.
pub(crate) fn put_absent(scope: &mut Scope<'_>) -> Result<u64, CallError> {
    insert(scope, &[], 0)
}

fn insert(scope: &mut Scope<'_>, secret_hash: &[u8], enrolment_key: i64) -> Result<u64, CallError> {
    loop {
        let device = u64::from_le_bytes(random()?);
        let inserted = scope
            .connection
            .prepare_cached("INSERT OR IGNORE INTO devices VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![signed(device), secret_hash, enrolment_key, scope.now.0])?;
        // An id that ever held a registration is never given again, since its tokens would open for it.
        let used = scope
            .connection
            .prepare_cached("SELECT 1 FROM registrations WHERE device = ?1")?
            .exists([signed(device)])?;
        if inserted == 1 && !used {
            return Ok(device);
        }
        if inserted == 1 {
            scope.connection.execute("DELETE FROM devices WHERE id = ?1", [signed(device)])?;
        }
    }
}

/// What the device may do, if this is its secret; for one that has shown its certificate there is none to compare.
pub(crate) fn authenticate(
    connection: &Connection,
    device: u64,
    secret: Option<&str>,
) -> Result<Option<DeviceRights>, CallError> {
    type Row = (Vec<u8>, String, String, String);
    let row: Option<Row> = connection
        .prepare_cached(
            "SELECT d.secret_hash, k.team, k.apps, k.environments FROM devices d \
             JOIN enrolment_keys k ON k.id = d.enrolment_key WHERE d.id = ?1",
        )?
        .query_row([signed(device)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((secret_hash, team, apps, environments)) = row else { return Ok(None) };
    if secret.is_some_and(|secret| !bool::from(digest(secret).ct_eq(&secret_hash))) {
        return Ok(None);
    }
    Ok(Some(DeviceRights {
        device,
        team: team.into(),
        apps: read_list::<Box<str>>(&apps)?,
        environments: read_list::<Environment>(&environments)?,
    }))
}

fn read_list<T: serde::de::DeserializeOwned>(json: &str) -> Result<Arc<[T]>, StoreError> {
    let list: Vec<T> = serde_json::from_str(json)
        .map_err(|error| StoreError::Invalid(format!("an enrolment key's list can't be read: {error}")))?;
    Ok(list.into())
}

/// Ends the device and everything it held.
pub(crate) fn remove(scope: &mut Scope<'_>, device: u64) -> Result<bool, CallError> {
    scope.connection.execute(
        "UPDATE enrolment_keys SET admitted = max(admitted - 1, 0) \
         WHERE id = (SELECT enrolment_key FROM devices WHERE id = ?1)",
        [signed(device)],
    )?;
    if scope.connection.execute("DELETE FROM devices WHERE id = ?1", [signed(device)])? == 0 {
        return Ok(false);
    }
    registrations::end_all_of(scope, device)?;
    Ok(true)
}

/// The ids of all devices, for lists.
pub(crate) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM devices", [], |row| row.get::<_, i64>(0)).map(unsigned)
}
