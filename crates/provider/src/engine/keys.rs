//! Server keys: made, listed, deleted, and found by their secret. They are few and asked for with every request, so they
//! are held in memory; the file holds their digests.

use std::sync::{Arc, PoisonError, RwLock};

use homing_trace::UnixMillis;
use rusqlite::{Connection, Row, params};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Engine;
use super::apps::{Answer, check_text};
use super::error::EngineError;
use super::names::{digest, hex};
use super::server_key::{CreatedKey, NewServerKey, Scope, ServerKey};
use crate::store::StoreError;

/// Keys of one provider: each request looks at all of them.
const MAX_KEYS: usize = 1_000;
/// Apps one key may be limited to.
const MAX_APPS: usize = 1_000;
/// What a key begins with, so that it is known for one where it is found.
const PREFIX: &str = "hk_";

/// The keys in memory.
#[derive(Clone)]
pub(super) struct KeyRing(Arc<RwLock<Vec<Held>>>);

struct Held {
    digest: [u8; 32],
    key: Arc<ServerKey>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    /// What is kept, and the root key.
    pub(super) fn load(connection: &Connection, root: &str, now: UnixMillis) -> Result<Self, StoreError> {
        let root = Held {
            digest: digest(root),
            key: Arc::new(ServerKey {
                id: "root".to_owned(),
                name: "the provider's own".to_owned(),
                scopes: Scope::ALL.to_vec(),
                apps: None,
                created_at: now,
            }),
        };
        let mut select = connection
            .prepare("SELECT digest, id, name, scopes, apps, created_at FROM server_keys ORDER BY key_no")?;
        let kept = select.query_map([], held)?.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self(Arc::new(RwLock::new([root].into_iter().chain(kept).collect()))))
    }

    /// Looks at every key, in the same time whichever it is.
    fn find(&self, secret: &str) -> Option<Arc<ServerKey>> {
        let wanted = digest(secret);
        let mut found = None;
        for held in self.read().iter() {
            if bool::from(held.digest.ct_eq(&wanted)) {
                found = Some(Arc::clone(&held.key));
            }
        }
        found
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<Held>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Held>)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Engine {
    pub async fn create_key(&self, wish: NewServerKey) -> Answer<CreatedKey> {
        check(&wish)?;
        if self.key_ring().read().len() > MAX_KEYS {
            return Err(EngineError::Conflict(format!(
                "there are {MAX_KEYS} keys already: delete one first"
            )));
        }
        let secret = Zeroizing::new(format!("{PREFIX}{}", hex(&super::random::<32>())));
        let (digest, id, ring) = (digest(&secret), hex(&super::random::<8>()), self.key_ring().clone());
        let key = self
            .store()
            .write(move |scope| {
                let NewServerKey { name, scopes, apps } = wish;
                let key = ServerKey { id, name, scopes, apps, created_at: scope.now };
                scope.connection.execute(
                    "INSERT INTO server_keys (digest, id, name, scopes, apps, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![digest, key.id, key.name, json(&key.scopes), key.apps.as_ref().map(json), scope.now.0],
                )?;
                let held = Held { digest, key: Arc::new(key.clone()) };
                scope.afterwards(move || ring.change(|keys| keys.push(held)));
                Ok::<_, EngineError>(key)
            })
            .await?;
        Ok(CreatedKey { key, secret })
    }

    /// All but the root key, oldest first.
    pub fn keys(&self) -> Vec<ServerKey> {
        self.key_ring().read().iter().skip(1).map(|held| held.key.as_ref().clone()).collect()
    }

    /// After the answer the key opens nothing.
    pub async fn delete_key(&self, id: &str) -> Answer<()> {
        let (id, ring) = (id.to_owned(), self.key_ring().clone());
        self.store()
            .write(move |scope| {
                let deleted = scope.connection.execute("DELETE FROM server_keys WHERE id = ?1", [&id])?;
                if deleted == 0 {
                    return Err(EngineError::NotFound {
                        what: "server key",
                        name: id,
                        mend: "GET /v1/keys lists those that are",
                    });
                }
                scope.afterwards(move || ring.change(|keys| keys.retain(|held| held.key.id != id)));
                Ok(())
            })
            .await
    }

    /// The key whose secret this is. Never waits.
    pub fn key_of(&self, secret: &str) -> Option<Arc<ServerKey>> {
        self.key_ring().find(secret)
    }
}

fn check(wish: &NewServerKey) -> Answer<()> {
    check_text("name", &wish.name)?;
    if wish.scopes.is_empty() {
        return Err(EngineError::invalid("scopes", "name at least one of admin, push, installations, read"));
    }
    if wish.apps.as_ref().is_some_and(|apps| apps.is_empty() || apps.len() > MAX_APPS) {
        return Err(EngineError::invalid(
            "apps",
            format!("name 1 to {MAX_APPS} bundle IDs, or leave it out for all"),
        ));
    }
    wish.apps.iter().flatten().try_for_each(|app| check_text("apps", app))
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn held(row: &Row<'_>) -> rusqlite::Result<Held> {
    let (scopes, apps): (String, Option<String>) = (row.get(3)?, row.get(4)?);
    let key = ServerKey {
        id: row.get(1)?,
        name: row.get(2)?,
        // We wrote it; a scope this version doesn't know would give none.
        scopes: serde_json::from_str(&scopes).unwrap_or_default(),
        // What can't be read must not become "every app".
        apps: apps.map(|apps| serde_json::from_str(&apps).unwrap_or_default()),
        created_at: UnixMillis(row.get(5)?),
    };
    Ok(Held { digest: row.get(0)?, key: Arc::new(key) })
}
