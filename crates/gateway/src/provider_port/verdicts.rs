//! What is known about provider tokens: a signature is verified once for each token, not for each request. Whose key it is,
//! the developer centre says; how long a token holds is checked each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use homing_apns::jwt::{self, ProviderToken};
use homing_apns::{Leniencies, Reason};
use sha2::{Digest as _, Sha256};

use crate::centre::{Directory, ProviderKey};
use crate::notification::lock;

/// Most tokens remembered: a provider refreshes its token at most every 20 minutes.
const REMEMBERED: usize = 4096;

/// A provider token that its team's key has signed.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) key: Arc<ProviderKey>,
    /// What the token departs in from the documented form, its scheme aside.
    pub(super) leniencies: Leniencies,
    /// The token's hash.
    pub(super) token: [u8; 32],
    issued_at: i64,
}

impl Verdict {
    /// Whether the token holds at `now`, in seconds since the epoch on real time.
    pub(super) const fn check_age(&self, now: i64) -> Result<(), Reason> {
        jwt::check_age(self.issued_at, now)
    }

    /// Whether the key is still there, and the same.
    fn stands_in(&self, directory: &Directory) -> bool {
        directory.provider_key(&self.key.key_id) == Some(&self.key)
    }
}

/// The verdicts of all ports of a process.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    by_hash: Mutex<HashMap<[u8; 32], Arc<Verdict>>>,
}

impl Verdicts {
    /// Judges an `authorization` value: Apple's reason when it isn't a provider token signed by a key of the team it
    /// names. Its age isn't looked at.
    pub(super) fn judge(&self, authorization: &[u8], directory: &Directory) -> Result<Arc<Verdict>, Reason> {
        let token = jwt::bearer(authorization)?;
        let hash: [u8; 32] = Sha256::digest(token).into();
        let known = lock(&self.by_hash).get(&hash).cloned();
        if let Some(verdict) = known.filter(|verdict| verdict.stands_in(directory)) {
            return Ok(verdict);
        }
        let token = ProviderToken::parse(authorization)?;
        let key = directory.provider_key(token.key_id()).ok_or(Reason::InvalidProviderToken)?;
        if *key.team != *token.team_id() {
            return Err(Reason::InvalidProviderToken);
        }
        token.verify(&key.verifying)?;
        let leniencies = token.leniencies().without(jwt::scheme_leniencies(authorization));
        let issued_at = token.issued_at();
        let verdict = Arc::new(Verdict { key: Arc::clone(key), leniencies, token: hash, issued_at });
        let mut by_hash = lock(&self.by_hash);
        if by_hash.len() >= REMEMBERED {
            by_hash.clear();
        }
        by_hash.insert(hash, Arc::clone(&verdict));
        Ok(verdict)
    }
}
