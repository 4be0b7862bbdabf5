//! Provider keys: whose they are and what they may send. Apple's scopes (*Establishing a token-based connection to APNs*): a
//! team's key for both environments, as keys used to be; a team's key for one; a key for some of its apps in one. The private
//! half of a key is said once and kept by nobody here.

use std::collections::BTreeSet;
use std::sync::Arc;

use homing_apns::jwt::{SigningKey, VerifyingKey};
use homing_trace::{Environment, UnixMillis};
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::directory::{Directory, TopicEntry};
use super::{Centre, CentreError, Changed, check_id, rows, shown};
use crate::store::{Scope, StoreError, random};

/// Apps one key may list.
const APPS_PER_KEY: usize = 400;
/// Keys for some apps that a team may have in one environment.
const APP_KEYS: usize = 200;
/// Keys for the whole team that it may have in one environment, and in both.
const TEAM_KEYS: usize = 2;
/// Keys for both environments: Apple publishes no number.
const OLD_TEAM_KEYS: usize = 100;

/// The public half of a provider's key, and what it may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderKey {
    pub key_id: Box<str>,
    pub team: Arc<str>,
    pub verifying: VerifyingKey,
    /// One, or both.
    pub environments: Vec<Environment>,
    /// Bundle ids of the apps it is for, in order; `None`: all of the team, also those to come.
    pub apps: Option<Vec<Box<str>>>,
    /// The key it may take turns with on one connection; the other names it or not.
    pub related_to: Option<Box<str>>,
    pub created_at: UnixMillis,
}

impl ProviderKey {
    pub fn serves(&self, environment: Environment) -> bool {
        self.environments.contains(&environment)
    }

    /// Whether the topic is its team's and among its apps'.
    pub fn allows(&self, topic: &TopicEntry) -> bool {
        let among =
            |apps: &Vec<Box<str>>| apps.binary_search_by(|app| (**app).cmp(&*topic.bundle_id)).is_ok();
        topic.team == self.team && self.apps.as_ref().is_none_or(among)
    }

    /// Whether both are one key, be it that it is for fewer apps now.
    pub fn is_same_key(&self, other: &Self) -> bool {
        (&self.key_id, &self.team, &self.verifying, self.created_at)
            == (&other.key_id, &other.team, &other.verifying, other.created_at)
    }

    /// Whether both may be used on one connection, after one another in any order.
    pub fn is_related_to(&self, other: &Self) -> bool {
        let names = |one: &Self, another: &Self| one.related_to.as_deref() == Some(&*another.key_id);
        self.team == other.team
            && match (&self.apps, &other.apps) {
                (None, None) => true,
                (Some(_), Some(_)) => self.key_id == other.key_id || names(self, other) || names(other, self),
                (Some(_), None) | (None, Some(_)) => false,
            }
    }
}

/// What a key shall be.
#[derive(Clone, Debug, Default)]
pub struct ProviderKeySpec {
    pub team: String,
    /// Ten capital letters or digits; chosen here when absent.
    pub key_id: Option<String>,
    /// Both when empty.
    pub environments: Vec<Environment>,
    /// Bundle ids of the team; `None`: all.
    pub apps: Option<Vec<String>>,
    pub related_to: Option<String>,
}

/// A provider key that was just made.
#[derive(Clone)]
pub struct NewProviderKey {
    pub key_id: String,
    /// PKCS#8 in PEM, as Apple hands it out in a `.p8` file.
    pub p8_pem: Zeroizing<String>,
}

impl std::fmt::Debug for NewProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProviderKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Centre {
    /// A new key of the team for all of its apps in both environments, under this id or one of our choice.
    pub async fn create_provider_key(
        &self,
        team: &str,
        key_id: Option<&str>,
    ) -> Result<NewProviderKey, CentreError> {
        let key_id = key_id.map(str::to_owned);
        self.create_key(ProviderKeySpec { team: team.to_owned(), key_id, ..ProviderKeySpec::default() }).await
    }

    /// Makes the public half of a team's key for all of its apps in both environments known. The same again is no change.
    pub async fn put_provider_key(
        &self,
        team: &str,
        key_id: &str,
        key: &VerifyingKey,
    ) -> Result<(), CentreError> {
        let key_id = Some(key_id.to_owned());
        let spec = ProviderKeySpec { team: team.to_owned(), key_id, ..ProviderKeySpec::default() };
        self.register_key(spec, key).await.map(|_| ())
    }

    /// A new key.
    pub async fn create_key(&self, spec: ProviderKeySpec) -> Result<NewProviderKey, CentreError> {
        let key = random_key()?;
        let p8_pem = key.to_p8().map_err(|error| StoreError::Invalid(error.to_string()))?;
        let key_id = self.register_key(spec, &key.verifying_key()).await?;
        Ok(NewProviderKey { key_id, p8_pem })
    }

    /// Makes a key known by its public half; answers its id. The same again is no change.
    pub async fn register_key(
        &self,
        spec: ProviderKeySpec,
        key: &VerifyingKey,
    ) -> Result<String, CentreError> {
        let key_id = match spec.key_id {
            Some(ref key_id) => key_id.clone(),
            None => Self::random_id()?,
        };
        check_id("the key id", &key_id)?;
        let mut environments = spec.environments;
        if environments.is_empty() {
            environments = Environment::ALL.to_vec();
        }
        environments.sort_unstable();
        environments.dedup();
        let apps = spec.apps.map(|apps| BTreeSet::from_iter(apps.into_iter().map(String::into_boxed_str)));
        let key = ProviderKey {
            key_id: key_id.clone().into(),
            team: spec.team.into(),
            verifying: *key,
            environments,
            apps: apps.map(|apps| apps.into_iter().collect()),
            related_to: spec.related_to.map(String::into_boxed_str),
            created_at: self.0.store.clock().now(),
        };
        check_shape(&key)?;
        self.change(move |scope| put(scope, &key)).await?;
        Ok(key_id)
    }

    /// Revokes the key: its connections end, and nothing it signed is taken any more.
    pub async fn revoke_key(&self, key_id: &str) -> Result<(), CentreError> {
        let key_id = key_id.to_owned();
        self.change(move |scope| {
            let gone =
                scope.connection.execute("DELETE FROM provider_keys WHERE key_id = ?1", [&key_id])? > 0;
            if gone { rows::changed(scope.connection) } else { rows::missing("provider key", &key_id) }
        })
        .await
    }
}

/// What can be said without looking at others.
fn check_shape(key: &ProviderKey) -> Result<(), CentreError> {
    match &key.apps {
        Some(_) if key.environments.len() != 1 => Err(CentreError::Scope {
            field: "environments",
            why: "a key for some of the apps serves one environment: choose development or production",
        }),
        Some(apps) if apps.is_empty() => Err(CentreError::Scope {
            field: "apps",
            why: "name at least one app, or none of them at all for the whole team",
        }),
        Some(apps) if apps.len() > APPS_PER_KEY => {
            Err(CentreError::Scope { field: "apps", why: "a key lists at most 400 apps" })
        }
        None if key.related_to.is_some() => Err(CentreError::Scope {
            field: "related_to",
            why: "only a key for some of the apps can be related to another",
        }),
        Some(_) | None => Ok(()),
    }
}

fn put(scope: &Scope<'_>, key: &ProviderKey) -> Changed {
    let directory = rows::read(scope.connection)?;
    match directory.provider_key(&key.key_id) {
        Some(known) if known.team != key.team => {
            return Ok(Err(CentreError::Taken { what: "the provider key", value: key.key_id.to_string() }));
        }
        Some(known) if known.verifying != key.verifying => {
            return Ok(Err(CentreError::AnotherKey(key.key_id.to_string())));
        }
        Some(known) if **known == (ProviderKey { created_at: known.created_at, ..key.clone() }) => {
            return Ok(Ok(()));
        }
        Some(_) => {
            return Ok(Err(CentreError::Exists { what: "the provider key", value: key.key_id.to_string() }));
        }
        None => {}
    }
    if let Err(error) = check_place(&directory, key) {
        return Ok(Err(error));
    }
    let unwritable = |error: serde_json::Error| StoreError::Invalid(error.to_string());
    let environments = serde_json::to_string(&key.environments).map_err(unwritable)?;
    let apps = key.apps.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?;
    scope.connection.execute(
        "INSERT INTO provider_keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key.key_id,
            key.team,
            key.verifying.to_sec1(),
            environments,
            apps,
            key.related_to,
            key.created_at.0
        ],
    )?;
    rows::changed(scope.connection)
}

/// Whether the team has the apps, and room for another key of this kind.
fn check_place(directory: &Directory, key: &ProviderKey) -> Result<(), CentreError> {
    if directory.team(&key.team).is_none() {
        return Err(CentreError::Missing { what: "team", value: shown(&key.team) });
    }
    for bundle_id in key.apps.iter().flatten() {
        match directory.app(bundle_id) {
            Some(app) if app.team == key.team => {}
            Some(_) => return Err(CentreError::Taken { what: "the app", value: shown(bundle_id) }),
            None => return Err(CentreError::Missing { what: "app", value: shown(bundle_id) }),
        }
    }
    let of_kind = directory.provider_keys().filter(|known| {
        known.team == key.team
            && known.environments == key.environments
            && known.apps.is_some() == key.apps.is_some()
    });
    let (what, limit) = match (&key.apps, key.environments.len()) {
        (Some(_), _) => ("keys for some of its apps in this environment", APP_KEYS),
        (None, 1) => ("keys for all of its apps in this environment alone", TEAM_KEYS),
        (None, _) => ("keys for all of its apps in both environments", OLD_TEAM_KEYS),
    };
    if of_kind.count() >= limit {
        return Err(CentreError::Full { whose: "the team", what, limit });
    }
    match &key.related_to {
        Some(related_to) => check_relation(directory, key, related_to),
        None => Ok(()),
    }
}

fn check_relation(directory: &Directory, key: &ProviderKey, related_to: &str) -> Result<(), CentreError> {
    let Some(other) = directory.provider_key(related_to).filter(|other| other.team == key.team) else {
        return Err(CentreError::Missing { what: "provider key of the team", value: shown(related_to) });
    };
    if other.apps.is_none() || other.environments != key.environments {
        return Err(CentreError::Scope {
            field: "related_to",
            why: "a related key is for some of the apps, too, and in the same environment",
        });
    }
    let living = other.related_to.as_deref().is_some_and(|id| directory.provider_key(id).is_some());
    let named = directory.provider_keys().any(|known| known.related_to.as_deref() == Some(related_to));
    if living || named {
        return Err(CentreError::Scope {
            field: "related_to",
            why: "that key is related to another one already: a key has at most one",
        });
    }
    Ok(())
}

/// Adds all keys to the directory.
pub(super) fn read(connection: &Connection, directory: &mut Directory) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT key_id, team, public_key, environments, apps, related_to, created_at FROM provider_keys",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key_id: Box<str> = row.get(0)?;
        let lists = (
            VerifyingKey::from_sec1(row.get_ref(2)?.as_blob()?),
            serde_json::from_str(row.get_ref(3)?.as_str()?),
            row.get_ref(4)?.as_str_or_null()?.map(serde_json::from_str).transpose(),
        );
        let (Ok(verifying), Ok(environments), Ok(apps)) = lists else {
            tracing::error!(key_id, "a provider key in the store is damaged and opens nothing");
            continue;
        };
        let key = ProviderKey {
            key_id: key_id.clone(),
            team: row.get(1)?,
            verifying,
            environments,
            apps,
            related_to: row.get(5)?,
            created_at: UnixMillis(row.get(6)?),
        };
        directory.provider_keys.insert(key_id, Arc::new(key));
    }
    Ok(())
}

fn random_key() -> Result<SigningKey, CentreError> {
    loop {
        // All but one in 2^32 numbers are keys.
        if let Ok(key) = SigningKey::from_scalar(&Zeroizing::new(random::<32>()?)) {
            return Ok(key);
        }
    }
}
