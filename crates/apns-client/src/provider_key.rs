//! A provider's signing key and the token it signs: when a token is made anew. Its form is `homing_apns::jwt`'s.

use std::sync::Mutex;

use homing_apns::jwt::{KeyError, SigningKey};
use http::HeaderValue;

/// A token is replaced after this many seconds: Apple wants it older than 20 minutes and younger than an hour.
const REFRESH_SECONDS: i64 = 50 * 60;

/// Signs provider tokens (*Establishing a token-based connection to APNs*). Until it is replaced, a token is the same
/// to the byte, for every request and in every process with this key: Apple answers 429 to those that change it often.
pub struct ProviderKey {
    key: SigningKey,
    key_id: String,
    team_id: String,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    token: Option<(i64, HeaderValue)>,
    /// The service found a token too old, so its clock differs from ours: tokens are dated exactly from now on.
    exact: bool,
}

impl ProviderKey {
    /// Reads the text of Apple's `AuthKey_<key id>.p8` file. `key_id` and `team_id` have 10 characters each.
    ///
    /// # Errors
    /// If the text isn't a P-256 key in PKCS#8 PEM.
    pub fn from_p8(
        p8: &str,
        key_id: impl Into<String>,
        team_id: impl Into<String>,
    ) -> Result<Self, KeyError> {
        let key = SigningKey::from_p8(p8)?;
        Ok(Self { key, key_id: key_id.into(), team_id: team_id.into(), current: Mutex::default() })
    }

    /// The `authorization` header at `now`, in seconds since the epoch.
    pub(crate) fn authorization(&self, now: i64) -> HeaderValue {
        let mut current = self.lock();
        if let Some((issued_at, header)) = &current.token
            && (0..REFRESH_SECONDS).contains(&now.saturating_sub(*issued_at))
        {
            return header.clone();
        }
        // Rounded, so that processes which start at different times still send the same token.
        let issued_at = if current.exact { now } else { now - now.rem_euclid(REFRESH_SECONDS) };
        let token = format!("bearer {}", self.key.sign(&self.key_id, &self.team_id, issued_at));
        // Base64url and dots are always a header's value.
        let header = HeaderValue::from_str(&token).unwrap_or_else(|_| HeaderValue::from_static("bearer"));
        current.token = Some((issued_at, header.clone()));
        header
    }

    /// The service answered `ExpiredProviderToken` to `sent`: the next token is dated exactly. Answers to older
    /// tokens than the current one change nothing.
    pub(crate) fn expired(&self, sent: &HeaderValue) {
        let mut current = self.lock();
        if current.token.as_ref().is_some_and(|(_, token)| token == sent) {
            *current = Current { token: None, exact: true };
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        // A panic elsewhere leaves the token whole: it is replaced in one assignment.
        self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderKey")
            .field("key_id", &self.key_id)
            .field("team_id", &self.team_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use homing_apns::jwt::ProviderToken;

    use super::*;

    fn key() -> ProviderKey {
        let p8 = SigningKey::from_scalar(&[7; 32]).unwrap().to_p8().unwrap();
        ProviderKey::from_p8(&p8, "KEY4567890", "TEAM567890").unwrap()
    }

    fn issued_at(header: &HeaderValue) -> i64 {
        ProviderToken::parse(header.as_bytes()).unwrap().issued_at()
    }

    #[test]
    fn a_token_stays_the_same_to_the_byte_for_fifty_minutes_and_in_every_process() {
        let (one, other) = (key(), key());
        let start = 1_795_300_000 - 1_795_300_000 % REFRESH_SECONDS;
        let first = one.authorization(start);
        assert_eq!(one.authorization(start + REFRESH_SECONDS - 1), first);
        assert_eq!(other.authorization(start + 1234), first);
        let next = one.authorization(start + REFRESH_SECONDS);
        assert_ne!(next, first);
        assert_eq!(issued_at(&next), start + REFRESH_SECONDS);
        assert!(next.to_str().unwrap().starts_with("bearer "));
    }

    #[test]
    fn a_token_found_too_old_is_followed_by_one_dated_exactly() {
        let key = key();
        let now = 1_795_300_777;
        let old = key.authorization(now);
        key.expired(&old);
        let fresh = key.authorization(now);
        assert_eq!(issued_at(&fresh), now);
        // The answer to another request with the old one comes late.
        key.expired(&old);
        assert_eq!(key.authorization(now + 60), fresh);
    }

    #[test]
    fn a_clock_set_back_makes_a_new_token_instead_of_one_from_the_future() {
        let key = key();
        let later = key.authorization(1_795_300_000);
        let earlier = key.authorization(1_795_200_000);
        assert!(issued_at(&earlier) <= 1_795_200_000 && issued_at(&later) > issued_at(&earlier));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", key());
        assert_eq!(shown, "ProviderKey { key_id: \"KEY4567890\", team_id: \"TEAM567890\", .. }");
    }
}
