//! Server keys: who may ask the provider for what. Only their digests are kept; whether a request needs a scope is said
//! by the API.

use homing_trace::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Apps, credentials, identity keys and keys.
    Admin,
    /// Creating pushes.
    Push,
    /// Binding, unbinding, forgetting, reporting.
    Installations,
    /// Reading everything.
    Read,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Admin, Self::Push, Self::Installations, Self::Read];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Push => "push",
            Self::Installations => "installations",
            Self::Read => "read",
        }
    }
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServerKey {
    /// `root` for the one the provider was started with.
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Bundle IDs; absent: every app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apps: Option<Vec<String>>,
    #[schema(value_type = String)]
    pub created_at: UnixMillis,
}

impl ServerKey {
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    pub fn allows_app(&self, bundle_id: &str) -> bool {
        self.apps.as_ref().is_none_or(|apps| apps.iter().any(|app| app == bundle_id))
    }
}

/// The wish for a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewServerKey {
    pub name: String,
    pub scopes: Vec<Scope>,
    #[serde(default)]
    pub apps: Option<Vec<String>>,
}

/// A new key, with its secret for the only time.
#[derive(Clone)]
pub struct CreatedKey {
    pub key: ServerKey,
    /// What is sent as `Authorization: Bearer`.
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey").field("key", &self.key).finish_non_exhaustive()
    }
}
