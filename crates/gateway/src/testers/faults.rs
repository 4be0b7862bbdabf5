//! Faults on request: which of the requests for an app go wrong, and how. A rule ends by itself, when its count is used up
//! or its time is over. What a fault does to a connection is the ports'.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use homing_apns::Reason;
use homing_apns::legacy::Status;
use homing_trace::{Environment, UnixMillis};

use crate::notification::{RegistrationKey, lock};
use crate::store::ChannelsOf;

/// Rules at a time.
const MOST: usize = 100;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Refused with this answer.
    Refuse { status: u16, reason: Reason, retry_after: Option<u32> },
    /// Taken, and answered so much later.
    Delay(Duration),
    /// Never answered.
    Silence,
    /// RST_STREAM with this code of RFC 9113 §7.
    Reset(u32),
    /// The connection is sent away with this reason.
    GoAway(Reason),
    /// The connection is cut without a word.
    Drop,
    /// SETTINGS announces one concurrent stream from now on; the request itself is taken.
    OneStream,
    /// The legacy interface's error packet.
    LegacyStatus(Status),
    /// The legacy connection is closed without a word.
    LegacyClose,
}

/// Which protocol a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    Http2,
    Legacy,
}

impl Effect {
    /// The word in traces and in the journal.
    pub(crate) const fn word(&self) -> homing_trace::Reason {
        use homing_trace::Reason as Word;
        match self {
            Self::Refuse { .. } => Word::FAULT_REFUSE,
            Self::Delay(_) => Word::FAULT_DELAY,
            Self::Silence => Word::FAULT_SILENCE,
            Self::Reset(_) => Word::FAULT_RESET,
            Self::GoAway(_) => Word::FAULT_GO_AWAY,
            Self::Drop => Word::FAULT_DROP,
            Self::OneStream => Word::FAULT_ONE_STREAM,
            Self::LegacyStatus(_) => Word::FAULT_LEGACY_STATUS,
            Self::LegacyClose => Word::FAULT_LEGACY_CLOSE,
        }
    }

    const fn interface(&self) -> Interface {
        match self {
            Self::Refuse { .. }
            | Self::Delay(_)
            | Self::Silence
            | Self::Reset(_)
            | Self::GoAway(_)
            | Self::Drop
            | Self::OneStream => Interface::Http2,
            Self::LegacyStatus(_) | Self::LegacyClose => Interface::Legacy,
        }
    }
}

/// Whose requests a rule is about: always those of one app, and so of one team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) app: Arc<str>,
    /// The numbers of the app's topics.
    pub(crate) topics: Vec<u32>,
    /// One device token alone, and its text.
    pub(crate) token: Option<(RegistrationKey, Box<str>)>,
    pub(crate) environment: Option<Environment>,
}

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Registration(&'a RegistrationKey),
    /// The broadcast channels of an app: rules about one device token don't concern them.
    Channels(ChannelsOf),
}

impl Scope {
    fn holds(&self, target: Target<'_>) -> bool {
        let (topic_no, environment, key) = match target {
            Target::Registration(key) => (key.topic_no, key.environment, Some(key)),
            Target::Channels(of) => (of.topic_no, of.environment, None),
        };
        self.topics.contains(&topic_no)
            && self.token.as_ref().is_none_or(|(token, _)| Some(token) == key)
            && self.environment.is_none_or(|wanted| wanted == environment)
    }
}

/// A rule that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) scope: Scope,
    pub(crate) effect: Effect,
    /// 1 to 100: the share of the requests in its scope, by a sequence that the seed decides.
    pub(crate) percent: u8,
    pub(crate) seed: u64,
    /// How many requests it hits at most.
    pub(crate) count: Option<u32>,
    pub(crate) ends_at: UnixMillis,
}

/// A rule that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) wish: Wish,
    /// Requests in its scope so far.
    pub(crate) seen: u64,
    pub(crate) hits: u64,
}

impl Rule {
    fn has_ended(&self, now: UnixMillis) -> bool {
        self.wish.ends_at <= now || self.wish.count.is_some_and(|count| self.hits >= u64::from(count))
    }

    /// Counts one request of its scope, and tells whether it goes wrong.
    fn draw(&mut self) -> bool {
        let drawn = mixed(self.wish.seed, self.seen) % 100;
        self.seen += 1;
        let hits = drawn < u64::from(self.wish.percent);
        self.hits += u64::from(hits);
        hits
    }
}

/// The `place`th number of a sequence (SplitMix64).
const fn mixed(seed: u64, place: u64) -> u64 {
    let mut number = seed.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A request that a rule makes go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) rule: u64,
    pub(crate) effect: Effect,
}

/// No rule can be made beside those there are.
#[derive(Debug, thiserror::Error)]
#[error("there are {MOST} rules: remove one first")]
pub(crate) struct FaultsFull;

#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Whether there is any.
    any: AtomicBool,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    /// By id; the first one that hits counts.
    rules: Vec<Rule>,
}

impl Faults {
    pub(crate) fn add(&self, wish: Wish, now: UnixMillis) -> Result<Rule, FaultsFull> {
        let mut rules = self.standing(now);
        if rules.rules.len() >= MOST {
            return Err(FaultsFull);
        }
        rules.last_id += 1;
        let rule = Rule { id: rules.last_id, wish, seen: 0, hits: 0 };
        rules.rules.push(rule.clone());
        self.any.store(true, Ordering::Relaxed);
        Ok(rule)
    }

    pub(crate) fn all(&self, now: UnixMillis) -> Vec<Rule> {
        self.standing(now).rules.clone()
    }

    /// Whether there was one.
    pub(crate) fn remove(&self, id: u64, now: UnixMillis) -> bool {
        let mut rules = self.standing(now);
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.id != id);
        self.any.store(!rules.rules.is_empty(), Ordering::Relaxed);
        rules.rules.len() < before
    }

    pub(crate) fn remove_all(&self) {
        let mut rules = lock(&self.rules);
        rules.rules.clear();
        self.any.store(false, Ordering::Relaxed);
    }

    /// What goes wrong with a request. Costs a load when there are no rules.
    pub(crate) fn hit(&self, interface: Interface, target: Target<'_>, now: UnixMillis) -> Option<Hit> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let mut rules = self.standing(now);
        let mut asked = rules
            .rules
            .iter_mut()
            .filter(|rule| rule.wish.effect.interface() == interface && rule.wish.scope.holds(target));
        asked.find_map(|rule| {
            let (rule_id, effect) = (rule.id, rule.wish.effect.clone());
            rule.draw().then_some(Hit { rule: rule_id, effect })
        })
    }

    /// The rules that have not ended.
    fn standing(&self, now: UnixMillis) -> std::sync::MutexGuard<'_, Rules> {
        let mut rules = lock(&self.rules);
        rules.rules.retain(|rule| !rule.has_ended(now));
        self.any.store(!rules.rules.is_empty(), Ordering::Relaxed);
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: RegistrationKey =
        RegistrationKey { device: 1, environment: Environment::Development, topic_no: 7, generation: 1 };
    const ABOUT: Target<'_> = Target::Registration(&KEY);

    fn wish(effect: Effect) -> Wish {
        let scope = Scope { app: "com.example".into(), topics: vec![7, 8], token: None, environment: None };
        Wish { scope, effect, percent: 100, seed: 0, count: None, ends_at: UnixMillis(1_000) }
    }

    fn hits(faults: &Faults, asked: usize) -> Vec<bool> {
        (0..asked).map(|_| faults.hit(Interface::Http2, ABOUT, UnixMillis(1)).is_some()).collect()
    }

    #[test]
    fn a_rule_ends_by_its_count_and_by_its_time() {
        let faults = Faults::default();
        faults.add(Wish { count: Some(2), ..wish(Effect::Drop) }, UnixMillis(0)).expect("there is room");
        assert_eq!(hits(&faults, 3), [true, true, false]);
        assert!(!faults.any.load(Ordering::Relaxed), "it costs nothing any more");
        faults.add(wish(Effect::Drop), UnixMillis(0)).expect("there is room");
        assert_eq!(faults.hit(Interface::Http2, ABOUT, UnixMillis(1_000)), None);
        assert!(faults.all(UnixMillis(1_000)).is_empty());
    }

    #[test]
    fn it_hits_only_what_it_names() {
        let faults = Faults::default();
        let mut narrow = wish(Effect::Silence);
        narrow.scope.environment = Some(Environment::Production);
        faults.add(narrow, UnixMillis(0)).expect("there is room");
        let mut narrow = wish(Effect::Silence);
        narrow.scope.token = Some((RegistrationKey { device: 2, ..KEY }, "aa".into()));
        faults.add(narrow, UnixMillis(0)).expect("there is room");
        let mut narrow = wish(Effect::Silence);
        narrow.scope.topics = vec![9];
        faults.add(narrow, UnixMillis(0)).expect("there is room");
        faults.add(wish(Effect::LegacyClose), UnixMillis(0)).expect("there is room");
        assert_eq!(hits(&faults, 1), [false]);
        let hit = faults.hit(Interface::Legacy, ABOUT, UnixMillis(1)).expect("the last one");
        assert_eq!(hit, Hit { rule: 4, effect: Effect::LegacyClose });
        assert!(faults.remove(4, UnixMillis(1)) && !faults.remove(4, UnixMillis(1)));
        faults.remove_all();
        assert!(faults.all(UnixMillis(1)).is_empty());
    }

    #[test]
    fn requests_about_channels_are_hit_by_rules_for_their_app_alone() {
        let of = |topic_no| Target::Channels(ChannelsOf { topic_no, environment: Environment::Development });
        let faults = Faults::default();
        let mut narrow = wish(Effect::Silence);
        narrow.scope.token = Some((KEY, "aa".into()));
        faults.add(narrow, UnixMillis(0)).expect("there is room");
        let mut narrow = wish(Effect::Silence);
        narrow.scope.environment = Some(Environment::Production);
        faults.add(narrow, UnixMillis(0)).expect("there is room");
        assert_eq!(faults.hit(Interface::Http2, of(7), UnixMillis(1)), None);
        faults.add(wish(Effect::Drop), UnixMillis(0)).expect("there is room");
        let hit = faults.hit(Interface::Http2, of(7), UnixMillis(1));
        assert_eq!(hit, Some(Hit { rule: 3, effect: Effect::Drop }));
        assert_eq!(faults.hit(Interface::Http2, of(9), UnixMillis(1)), None, "another app's");
    }

    #[test]
    fn a_share_is_the_same_for_the_same_seed_and_about_as_large_as_was_said() {
        let drawn = |seed| {
            let faults = Faults::default();
            faults
                .add(Wish { percent: 30, seed, ..wish(Effect::Silence) }, UnixMillis(0))
                .expect("there is room");
            hits(&faults, 1_000)
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let count = drawn(3).into_iter().filter(|hit| *hit).count();
        assert!((250..350).contains(&count), "{count}");
    }

    #[test]
    fn there_is_a_limit_which_ended_rules_dont_use_up() {
        let faults = Faults::default();
        for _ in 0..MOST {
            faults.add(wish(Effect::Silence), UnixMillis(0)).expect("there is room");
        }
        faults.add(wish(Effect::Silence), UnixMillis(0)).expect_err("there is no more room");
        faults.add(wish(Effect::Silence), UnixMillis(1_000)).expect("all others have ended");
    }
}
