//! An app as the provider knows it: its policy, where its notifications are sent and as whom. What these lead to is
//! decided by planning and sending.

use std::collections::BTreeMap;

use homing_trace::{Environment, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Which of a user's installations a push to the user reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The one where the user logged in last.
    #[default]
    LastDevice,
    AllDevices,
}

impl Policy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LastDevice => "last-device",
            Self::AllDevices => "all-devices",
        }
    }
}

/// Where an app's notifications are sent, if not to Apple.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushService {
    /// A name its certificate is for.
    pub host: String,
    pub port: u16,
    /// The root certificates its chain must end in; the machine's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
}

/// An app. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct App {
    pub bundle_id: String,
    pub name: String,
    pub policy: Policy,
    /// An environment that isn't here is sent to Apple.
    #[schema(value_type = BTreeMap<String, PushService>)]
    pub push_services: BTreeMap<Environment, PushService>,
    #[schema(value_type = BTreeMap<String, CredentialView>)]
    pub credentials: BTreeMap<Environment, CredentialView>,
    /// The `kid` of each key by which the business signs identity tokens.
    pub identity_keys: Vec<String>,
}

/// A credential without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum CredentialView {
    Key {
        key_id: String,
        team_id: String,
    },
    Certificate {
        #[schema(value_type = String)]
        expires_at: UnixMillis,
    },
}

/// What makes or changes an app. What is absent stays as it is, or gets its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppChanges {
    /// The bundle ID when never said.
    pub name: Option<String>,
    /// `last-device` when never said.
    pub policy: Option<Policy>,
    /// All of them: an environment that isn't here is sent to Apple from now on. Where host, port or root certificates
    /// change, the credential of the environment is dropped: give it again.
    #[schema(value_type = Option<BTreeMap<String, PushService>>)]
    pub push_services: Option<BTreeMap<Environment, PushService>>,
}

/// What the provider shows the push service of itself.
#[derive(Clone)]
pub enum Credential {
    /// Apple's `AuthKey_<key id>.p8`.
    Key {
        key_id: String,
        team_id: String,
        p8: Zeroizing<String>,
    },
    /// Certificate and key in one PEM text.
    Certificate {
        pem: Zeroizing<String>,
    },
    Pkcs12 {
        p12: Zeroizing<Vec<u8>>,
        password: Zeroizing<String>,
    },
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key { key_id, team_id, .. } => f
                .debug_struct("Key")
                .field("key_id", key_id)
                .field("team_id", team_id)
                .finish_non_exhaustive(),
            Self::Certificate { .. } => f.debug_struct("Certificate").finish_non_exhaustive(),
            Self::Pkcs12 { .. } => f.debug_struct("Pkcs12").finish_non_exhaustive(),
        }
    }
}
