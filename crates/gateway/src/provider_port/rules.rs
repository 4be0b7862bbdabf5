//! How the provider ports answer where Apple's service leaves a choice, and how long they are patient.

use std::time::Duration;

/// What an operator may choose about the provider ports. The defaults are lenient as Apple's service is, and no honest client
/// meets their bounds.
#[derive(Clone, Debug)]
pub struct ProviderRules {
    /// Whether what Apple doesn't document is refused, see `docs/leniencies.md`.
    pub strict: bool,
    /// Whether a key for the other environment is `BadEnvironmentKeyIdInToken`, as Apple's page spells it, instead of
    /// `BadEnvironmentKeyInToken`, as its service does.
    pub documented_spelling: bool,
    /// Streams that a connection without a certificate is announced until a provider token was in order; then 1,000. Apple's
    /// service begins with 1.
    pub first_streams: u16,
    /// New provider tokens that a connection may bring within 20 minutes beside its first.
    pub token_updates: u16,
    /// Notifications that one device token may be sent within a minute.
    pub requests_per_token: u32,
    /// How long a connection may be silent. Apple lets providers keep theirs for hours.
    pub idle: Duration,
    /// How long a connection may last; some last up to a tenth less, so that not all come again at once.
    pub age: Duration,
    /// How long a request's body may take.
    pub body: Duration,
}

impl ProviderRules {
    /// Most that `token_updates` may be: they are remembered.
    pub const MOST_TOKEN_UPDATES: u16 = 1_000;
}

impl Default for ProviderRules {
    fn default() -> Self {
        Self {
            strict: false,
            documented_spelling: false,
            first_streams: 1_000,
            // Seen in the field: a new token for each request begins to fail after about five.
            token_updates: 5,
            // More than the core that holds a registration's queue can take.
            requests_per_token: 12_000_000,
            idle: Duration::from_secs(2 * 60 * 60),
            age: Duration::from_secs(24 * 60 * 60),
            body: Duration::from_secs(30),
        }
    }
}
