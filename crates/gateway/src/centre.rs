//! The developer centre: teams, their apps with the topics' numbers, and what opens doors to them: provider keys, provider
//! certificates, enrolment keys. It is durable in the store and read by the ports from a snapshot in memory; what a request
//! may do with it is the ports' decision.

mod certificates;
mod directory;
mod enrolment;
mod keys;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use homing_apns::PushType;
use tokio::sync::watch;

pub use certificates::{Certificate, CertificateKind, CertificateSpec, NewCertificate, fingerprint};
pub use directory::{App, Directory, Team, TopicEntry};
pub use enrolment::{EnrolmentKey, EnrolmentKeySpec};
pub use keys::{NewProviderKey, ProviderKey, ProviderKeySpec};

use crate::authority::AuthorityError;
use crate::store::{CallError, Scope, Store, StoreError, random};

/// A change that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    #[error("{what} {value:?} is not {wanted}")]
    Malformed { what: &'static str, value: String, wanted: &'static str },
    #[error("{what} {value:?} belongs to another team or app: choose another name")]
    Taken { what: &'static str, value: String },
    #[error("there is no {what} {value:?}: create it first")]
    Missing { what: &'static str, value: String },
    #[error("{what} {value:?} exists: choose another, or use the one there is")]
    Exists { what: &'static str, value: String },
    #[error("the provider key {0:?} exists with another public half: choose another key id")]
    AnotherKey(String),
    /// Of a provider key: what stands in the way, and which of its parts is wrong.
    #[error("the key can't be made so: {why}")]
    Scope { field: &'static str, why: &'static str },
    #[error("{whose} has {limit} {what}: revoke one first")]
    Full { whose: &'static str, what: &'static str, limit: usize },
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The developer centre; clones share it.
#[derive(Clone)]
pub struct Centre(Arc<Inner>);

struct Inner {
    store: Store,
    directory: watch::Sender<Arc<Directory>>,
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
        Ok(Self(Arc::new(Inner { store, directory: watch::Sender::new(Arc::new(directory)) })))
    }

    /// The snapshot of now. It never changes; ask again for a newer one.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0.directory.borrow())
    }

    /// Hears of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Directory>> {
        self.0.directory.subscribe()
    }

    /// A team with this id (ten capital letters or digits), made if missing.
    pub async fn create_team(&self, id: &str, name: &str) -> Result<(), CentreError> {
        check_id("the team id", id)?;
        if name.is_empty() || name.len() > NAME_LEN {
            let wanted = "a name of 1 to 200 bytes";
            return Err(CentreError::Malformed { what: "the team's name", value: name.to_owned(), wanted });
        }
        let (id, name) = (id.to_owned(), name.to_owned());
        self.change(move |scope| rows::put_team(scope.connection, &id, &name)).await
    }

    /// An app of the team with all its topics, made if missing.
    pub async fn create_app(&self, team: &str, bundle_id: &str) -> Result<(), CentreError> {
        check_bundle_id(bundle_id)?;
        let (team, bundle_id) = (team.to_owned(), bundle_id.to_owned());
        self.change(move |scope| rows::put_app(scope.connection, &team, &bundle_id)).await
    }

    /// Removes the app with its certificates, ends every registration for its topics, and strikes it from the lists of keys
    /// and enrolment keys; those for no other app are revoked. An app that is made again under this name is another: no token,
    /// key or enrolment of this one is for it.
    pub async fn remove_app(&self, bundle_id: &str) -> Result<(), CentreError> {
        let bundle_id = bundle_id.to_owned();
        self.change(move |scope| rows::remove_app(scope, &bundle_id)).await
    }

    /// Whether the app may have broadcast channels: it may not until it is said. To end it deletes them all.
    pub async fn set_broadcast(&self, bundle_id: &str, is_enabled: bool) -> Result<(), CentreError> {
        let bundle_id = bundle_id.to_owned();
        self.change(move |scope| rows::set_broadcast(scope, &bundle_id, is_enabled)).await
    }

    /// Ten characters as Apple's ids have.
    pub fn random_id() -> Result<String, StoreError> {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        Ok(random::<ID_LEN>()?.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
    }

    /// Commits the change, then shows it: nobody sees what a crash could take back.
    async fn change<F>(&self, work: F) -> Result<(), CentreError>
    where
        F: FnOnce(&mut Scope<'_>) -> Changed + Send + 'static,
    {
        let directory = self
            .0
            .store
            .call(move |scope| match work(scope)? {
                Ok(()) => Ok(Ok(rows::read(scope.connection)?)),
                Err(error) => Ok(Err(error)),
            })
            .await??;
        self.0.directory.send_if_modified(|shown| {
            let is_newer = shown.revision() < directory.revision();
            if is_newer {
                *shown = Arc::new(directory);
            }
            is_newer
        });
        Ok(())
    }
}

/// Whether something was changed, or why not. A change whose end is an error must not have written anything.
type Changed = Result<Result<(), CentreError>, CallError>;

const ID_LEN: usize = 10;
const NAME_LEN: usize = 200;
/// Leaves room for the longest suffix in an MQTT topic and in `apns-topic`.
const BUNDLE_ID_LEN: usize = 155;

fn check_id(what: &'static str, value: &str) -> Result<(), CentreError> {
    let is_id =
        value.len() == ID_LEN && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let wanted = "ten capital letters or digits";
    if is_id { Ok(()) } else { Err(CentreError::Malformed { what, value: shown(value), wanted }) }
}

fn check_bundle_id(value: &str) -> Result<(), CentreError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_bundle_id = !value.is_empty()
        && value.len() <= BUNDLE_ID_LEN
        && value.bytes().all(is_allowed)
        && value.split('.').all(|part| !part.is_empty());
    // Its topics would be read as those of another app's push types.
    let is_of_app = PushType::of_topic(value).is_none();
    let wanted = match (is_bundle_id, is_of_app) {
        (true, true) => return Ok(()),
        (true, false) => {
            "one that can be used: it ends in the suffix of a push type, whose topics are another app's"
        }
        (false, _) => "a bundle id: parts of letters, digits, `-` and `_`, joined by dots",
    };
    Err(CentreError::Malformed { what: "the bundle id", value: shown(value), wanted })
}

/// As much of a value as an error repeats.
fn shown(value: &str) -> String {
    value.chars().take(NAME_LEN).collect()
}
