//! What the first provider token that was in order binds a connection to (*Establishing a token-based connection to APNs*): its
//! team and key, the topics there were, and how often a connection may bring another token.

use std::sync::Arc;

use homing_apns::Reason;

use super::rules::ProviderRules;
use super::verdicts::Verdict;
use crate::centre::ProviderKey;

/// Apple asks providers not to make a new token more often than every 20 minutes, in seconds.
const REFRESH: i64 = 20 * 60;

/// What a connection is bound to.
pub(super) struct Binding {
    key: Arc<ProviderKey>,
    /// Topics that were made later are for later connections.
    newest_topic_no: u32,
    /// The other keys that were used: related ones, or the team's.
    others: Vec<Arc<ProviderKey>>,
    /// The tokens of the last 20 minutes, and when they first came.
    tokens: Vec<([u8; 32], i64)>,
}

impl Binding {
    pub(super) fn new(key: &Arc<ProviderKey>, newest_topic_no: u32) -> Self {
        Self { key: Arc::clone(key), newest_topic_no, others: Vec::new(), tokens: Vec::new() }
    }

    /// All keys that were used.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<ProviderKey>> {
        std::iter::once(&self.key).chain(&self.others)
    }

    /// Whether the topic was there when the connection was bound.
    pub(super) const fn knew(&self, topic_no: u32) -> bool {
        topic_no <= self.newest_topic_no
    }

    /// Whether a key may be used here.
    pub(super) fn check_key(&self, key: &ProviderKey) -> Result<(), Reason> {
        if self.key.team != key.team {
            return Err(Reason::InvalidProviderToken);
        }
        if self.key.is_related_to(key) { Ok(()) } else { Err(Reason::UnrelatedKeyIdInToken) }
    }

    /// Takes a token that is in order; one too many new ones within 20 minutes is [`Reason::TooManyProviderTokenUpdates`],
    /// and those before it are taken on. `now` is in seconds, on real time.
    pub(super) fn take(&mut self, verdict: &Verdict, rules: &ProviderRules, now: i64) -> Result<(), Reason> {
        if !self.tokens.iter().any(|(token, _)| *token == verdict.token) {
            self.tokens.retain(|(_, since)| now.saturating_sub(*since) < REFRESH);
            let most = rules.token_updates.min(ProviderRules::MOST_TOKEN_UPDATES);
            if self.tokens.len() > usize::from(most) {
                return Err(Reason::TooManyProviderTokenUpdates);
            }
            self.tokens.push((verdict.token, now));
        }
        let key = &verdict.key;
        if !self.keys().any(|used| used.key_id == key.key_id) {
            self.others.push(Arc::clone(key));
        }
        Ok(())
    }
}
