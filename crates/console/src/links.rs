//! The one-time links by which a person signs in: made for who holds the link key, spent once, good for ten minutes of
//! real time. Only their digests are kept.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use homing_http_api::Key;

/// How long a link can be used.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(10 * 60);

/// Links that can be open at once; one more closes the oldest.
const MOST_OPEN: usize = 32;

/// Links that were made and neither spent nor outlived, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Links {
    open: VecDeque<(Key, Instant)>,
}

impl Links {
    /// The code of a new link.
    pub(crate) fn make(&mut self, now: Instant) -> String {
        self.forget_old(now);
        if self.open.len() == MOST_OPEN {
            self.open.pop_front();
        }
        let code = random_text();
        self.open.push_back((Key::new(&code), now));
        code
    }

    /// Whether `code` opens: it doesn't a second time.
    pub(crate) fn spend(&mut self, code: &str, now: Instant) -> bool {
        self.forget_old(now);
        let found = self.open.iter().position(|(key, _)| key.opens(code));
        found.is_some_and(|found| self.open.remove(found).is_some())
    }

    fn forget_old(&mut self, now: Instant) {
        self.open.retain(|(_, made)| now.saturating_duration_since(*made) < GOOD_FOR);
    }
}

/// 32 random bytes as text that fits into a URL and a cookie.
pub(crate) fn random_text() -> String {
    let mut random = [0; 32];
    // Linux gives them as soon as it has started, and from then on always.
    getrandom::fill(&mut random).expect("the system gives random bytes");
    BASE64_URL_SAFE_NO_PAD.encode(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once() {
        let (mut links, now) = (Links::default(), Instant::now());
        let (code, other) = (links.make(now), links.make(now));
        assert!(!links.spend("", now) && !links.spend(&code[1..], now));
        assert!(links.spend(&code, now));
        assert!(!links.spend(&code, now));
        assert!(links.spend(&other, now));
    }

    #[test]
    fn a_link_opens_for_ten_minutes() {
        let (mut links, now) = (Links::default(), Instant::now());
        let (early, late) = (links.make(now), links.make(now));
        assert!(links.spend(&early, now + Duration::from_millis(599_999)));
        assert!(!links.spend(&late, now + Duration::from_secs(600)));
        assert!(links.open.is_empty());
    }

    #[test]
    fn the_oldest_link_gives_way_to_one_too_many() {
        let (mut links, now) = (Links::default(), Instant::now());
        let codes: Vec<String> = (0..33).map(|_| links.make(now)).collect();
        assert!(!links.spend(&codes[0], now));
        assert!(codes[1..].iter().all(|code| links.spend(code, now)));
    }
}
