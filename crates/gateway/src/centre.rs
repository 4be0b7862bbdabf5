//! The developer centre: teams, their apps with the topics' numbers, their provider keys and enrolment keys. It is durable
//! in the store and read by the ports from a snapshot in memory; what a request may do with it is the ports' decision.

mod directory;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::{Arc, RwLock};

use homing_apns::jwt::{SigningKey, VerifyingKey};
use homing_trace::{Environment, UnixMillis};
use zeroize::Zeroizing;

pub use directory::{App, Directory, ProviderKey, Team, TopicEntry};

use crate::store::{Store, StoreError, hex, random};

/// A change that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    #[error("{what} {value:?} is not {wanted}")]
    Malformed { what: &'static str, value: String, wanted: &'static str },
    #[error("{what} {value:?} belongs to another team")]
    Taken { what: &'static str, value: String },
    #[error("there is no {what} {value:?}: create it first")]
    Missing { what: &'static str, value: String },
    #[error("the provider key {0:?} exists with another public half: choose another key id")]
    AnotherKey(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A provider key that was just made. Its private half is said once and kept by nobody here.
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

/// The developer centre; clones share it.
#[derive(Clone)]
pub struct Centre(Arc<Inner>);

struct Inner {
    store: Store,
    directory: RwLock<Arc<Directory>>,
}

impl std::fmt::Debug for Centre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Centre").field("directory", &self.directory()).finish()
    }
}

impl Centre {
    /// Reads what the store holds.
    pub async fn open(store: Store) -> Result<Self, CentreError> {
        let directory = store.call(|scope| Ok(rows::read(scope.connection)?)).await?;
        Ok(Self(Arc::new(Inner { store, directory: RwLock::new(Arc::new(directory)) })))
    }

    /// The snapshot of now. It never changes; ask again for a newer one.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0.directory.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// A team with this id (ten capital letters or digits), made if missing.
    pub async fn create_team(&self, id: &str, name: &str) -> Result<(), CentreError> {
        check_id("team id", id)?;
        let (id, name) = (id.to_owned(), name.to_owned());
        self.change(move |scope| rows::put_team(scope.connection, &id, &name)).await
    }

    /// An app of the team with all its topics, made if missing.
    pub async fn create_app(&self, team: &str, bundle_id: &str) -> Result<(), CentreError> {
        check_bundle_id(bundle_id)?;
        let (team, bundle_id) = (team.to_owned(), bundle_id.to_owned());
        self.change(move |scope| rows::put_app(scope.connection, &team, &bundle_id)).await
    }

    /// A new key of the team, under this id or one of our choice.
    pub async fn create_provider_key(
        &self,
        team: &str,
        key_id: Option<&str>,
    ) -> Result<NewProviderKey, CentreError> {
        let key_id = match key_id {
            Some(key_id) => key_id.to_owned(),
            None => random_id()?,
        };
        let key = random_key()?;
        let p8_pem = key.to_p8().map_err(|error| StoreError::Invalid(error.to_string()))?;
        self.put_provider_key(team, &key_id, &key.verifying_key()).await?;
        Ok(NewProviderKey { key_id, p8_pem })
    }

    /// Makes the public half of a key known, under an id of ten capital letters or digits. The same again is no change.
    pub async fn put_provider_key(
        &self,
        team: &str,
        key_id: &str,
        key: &VerifyingKey,
    ) -> Result<(), CentreError> {
        check_id("key id", key_id)?;
        let (team, key_id, public_key) = (team.to_owned(), key_id.to_owned(), key.to_sec1());
        self.change(move |scope| {
            rows::put_provider_key(scope.connection, &team, &key_id, &public_key, scope.now)
        })
        .await
    }

    /// Makes an enrolment key known by its text, of which only a digest is kept; what it allowed before is replaced.
    pub async fn put_enrolment_key(&self, text: &str, spec: EnrolmentKeySpec) -> Result<(), CentreError> {
        if text.len() < MIN_ENROLMENT_KEY {
            // Its value stays unsaid.
            return Err(CentreError::Malformed {
                what: "an enrolment key",
                value: format!("of {} characters", text.len()),
                wanted: "at least 16 characters long",
            });
        }
        let hash = crate::store::digest(text);
        self.change(move |scope| rows::put_enrolment_key(scope.connection, hash, &spec)).await
    }

    /// A new enrolment key's text.
    pub fn new_enrolment_key() -> Result<Zeroizing<String>, CentreError> {
        Ok(Zeroizing::new(hex(&random::<24>()?)))
    }

    /// Commits the change, then shows it: nobody sees what a crash could take back.
    async fn change<F>(&self, work: F) -> Result<(), CentreError>
    where
        F: FnOnce(&mut crate::store::Scope<'_>) -> Result<Result<(), CentreError>, crate::store::CallError>
            + Send
            + 'static,
    {
        let directory = self
            .0
            .store
            .call(move |scope| match work(scope)? {
                Ok(()) => Ok(Ok(rows::read(scope.connection)?)),
                Err(error) => Ok(Err(error)),
            })
            .await??;
        let mut shown = self.0.directory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if shown.revision() < directory.revision() {
            *shown = Arc::new(directory);
        }
        Ok(())
    }
}

const MIN_ENROLMENT_KEY: usize = 16;
const ID_LEN: usize = 10;
/// Leaves room for the longest suffix in an MQTT topic and in `apns-topic`.
const BUNDLE_ID_LEN: usize = 155;

fn check_id(what: &'static str, value: &str) -> Result<(), CentreError> {
    let is_id =
        value.len() == ID_LEN && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let wanted = "ten capital letters or digits";
    if is_id { Ok(()) } else { Err(CentreError::Malformed { what, value: value.to_owned(), wanted }) }
}

fn check_bundle_id(value: &str) -> Result<(), CentreError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_bundle_id = !value.is_empty()
        && value.len() <= BUNDLE_ID_LEN
        && value.bytes().all(is_allowed)
        && value.split('.').all(|part| !part.is_empty());
    let wanted = "a bundle id: parts of letters, digits, `-` and `_`, joined by dots";
    if is_bundle_id {
        Ok(())
    } else {
        Err(CentreError::Malformed { what: "bundle id", value: value.to_owned(), wanted })
    }
}

/// Ten characters as Apple's ids have.
fn random_id() -> Result<String, CentreError> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    Ok(random::<ID_LEN>()?.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

fn random_key() -> Result<SigningKey, CentreError> {
    loop {
        // All but one in 2^32 numbers are keys.
        if let Ok(key) = SigningKey::from_scalar(&Zeroizing::new(random::<32>()?)) {
            return Ok(key);
        }
    }
}
