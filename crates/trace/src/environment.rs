//! The two worlds a device token can belong to. What a port or a certificate allows is decided elsewhere.

use serde::{Deserialize, Serialize};

/// Apple's two environments. A token of one is unknown in the other (*Sending notification requests to APNs*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Apple's sandbox.
    Development,
    Production,
}

/// The text names neither environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown environment {0:?}: write `development` or `production`")]
pub struct UnknownEnvironment(pub String);

impl Environment {
    pub const ALL: [Self; 2] = [Self::Development, Self::Production];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            other => Err(UnknownEnvironment(other.to_owned())),
        }
    }
}
