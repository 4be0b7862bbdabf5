//! The journal: what providers sent and what they were answered, in memory, for whoever tests them. It is bounded by number,
//! size and age; the oldest entries go first. Requests that nobody vouches for stand in a ring of their own, so that they
//! push out no others. What an entry says, and what is left out of it, is `entry`'s.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use homing_trace::UnixMillis;
use tokio::sync::watch;

use super::blots::without_tokens;
use super::entry::{Answer, Asked, Entry, Unanswered};
use crate::notification::lock;

/// Entries that are kept, and their bytes together; those of strangers apart.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 16 << 20;
const MOST_OF_STRANGERS: usize = 1_000;
const BYTES_OF_STRANGERS: usize = 1 << 20;
/// How old an entry gets.
const AGE_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) asked: Asked,
    pub(crate) at: UnixMillis,
    pub(crate) since: Instant,
    pub(crate) injected: Option<homing_trace::Reason>,
    pub(crate) unanswered: Option<Unanswered>,
}

impl Noted {
    pub(crate) fn new(asked: Asked, at: UnixMillis) -> Box<Self> {
        Box::new(Self { asked, at, since: Instant::now(), injected: None, unanswered: None })
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// The names of an app's topics.
    pub(crate) topics: Option<Vec<Arc<str>>>,
    pub(crate) token: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) strangers: bool,
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        let is_of_app = self.topics.as_ref().is_none_or(|topics| {
            entry.topic.as_ref().is_some_and(|topic| topics.iter().any(|of| **of == **topic))
        });
        let is_of_token = self
            .token
            .as_ref()
            .is_none_or(|token| entry.asked.token.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(token)));
        let status = entry
            .answer
            .as_ref()
            .and_then(|answer| answer.status.or_else(|| answer.legacy_status.map(u16::from)));
        is_of_app && is_of_token && self.status.is_none_or(|wanted| status == Some(wanted))
    }
}

/// The last requests.
#[derive(Debug)]
pub(crate) struct Journal {
    rings: Mutex<Rings>,
    /// The last number.
    written: watch::Sender<u64>,
    connections: std::sync::atomic::AtomicU64,
}

#[derive(Debug, Default)]
struct Rings {
    last: u64,
    known: Ring,
    strangers: Ring,
}

#[derive(Debug, Default)]
struct Ring {
    /// Shared with who reads them, so that nothing is copied while others wait to write.
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

impl Ring {
    fn put(&mut self, entry: Entry, most: usize, most_bytes: usize) {
        let now = entry.at;
        self.bytes += entry.bytes();
        self.entries.push_back(Arc::new(entry));
        self.let_go_while(|ring, first| {
            ring.entries.len() > most || ring.bytes > most_bytes || is_old(first, now)
        });
    }

    fn let_go_while(&mut self, is_too_much: impl Fn(&Self, &Entry) -> bool) {
        while self.entries.front().is_some_and(|first| is_too_much(self, first)) {
            let Some(gone) = self.entries.pop_front() else { break };
            self.bytes -= gone.bytes();
        }
    }
}

fn is_old(entry: &Entry, now: UnixMillis) -> bool {
    entry.at < now.plus_millis(-AGE_MILLIS)
}

impl Default for Journal {
    fn default() -> Self {
        Self { rings: Mutex::default(), written: watch::Sender::new(0), connections: 0.into() }
    }
}

impl Journal {
    /// A number for a connection.
    pub(crate) fn connection(&self) -> u64 {
        self.connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1
    }

    /// Writes a request down with what became of it. Of strangers' requests the payload is left out.
    pub(crate) fn write(
        &self,
        noted: Noted,
        team_id: Option<&str>,
        topic: Option<&str>,
        answer: Option<Answer>,
    ) {
        let Noted { mut asked, at, since, injected, unanswered } = noted;
        if team_id.is_none() {
            asked.payload = Bytes::new();
        }
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let injected = injected.map(|word| word.as_str().to_owned());
        let (team_id, topic) =
            (team_id.map(str::to_owned), topic.map(|topic| without_tokens(topic).into_owned()));
        let answer = answer.map(Answer::without_tokens);
        let mut rings = lock(&self.rings);
        rings.last += 1;
        let last = rings.last;
        let entry = Entry { no: last, at, micros, team_id, topic, asked, answer, unanswered, injected };
        if entry.team_id.is_some() {
            rings.known.put(entry, MOST, MOST_BYTES);
        } else {
            rings.strangers.put(entry, MOST_OF_STRANGERS, BYTES_OF_STRANGERS);
        }
        drop(rings);
        self.written.send_replace(last);
    }

    /// The first `most` entries after number `after` that are wanted, and the number up to which has been looked. What is too
    /// old at `now` goes.
    pub(crate) fn after(
        &self,
        after: u64,
        now: UnixMillis,
        filter: &Filter,
        most: usize,
    ) -> (Vec<Arc<Entry>>, u64) {
        let mut rings = lock(&self.rings);
        let last = rings.last;
        rings.known.let_go_while(|_, first| is_old(first, now));
        rings.strangers.let_go_while(|_, first| is_old(first, now));
        let ring = if filter.strangers { &rings.strangers } else { &rings.known };
        let begin = ring.entries.partition_point(|entry| entry.no <= after);
        // Answers come in another order than requests.
        let wanted = ring.entries.range(begin..).filter(|entry| filter.wants(entry) && !is_old(entry, now));
        let entries: Vec<_> = wanted.take(most).cloned().collect();
        let looked = match entries.last() {
            Some(found) if entries.len() == most => found.no,
            Some(_) | None => last,
        };
        (entries, looked)
    }

    /// Hears of each entry.
    pub(crate) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Credential;
    use super::*;

    fn noted(at: i64, payload: usize) -> Noted {
        let asked =
            Asked { token: Some("AB".to_owned()), payload: vec![b'x'; payload].into(), ..Asked::default() };
        *Noted::new(asked, UnixMillis(at))
    }

    fn numbers_at(journal: &Journal, now: i64, filter: &Filter) -> Vec<u64> {
        journal.after(0, UnixMillis(now), filter, usize::MAX).0.iter().map(|entry| entry.no).collect()
    }

    fn numbers(journal: &Journal, filter: &Filter) -> Vec<u64> {
        numbers_at(journal, 0, filter)
    }

    #[test]
    fn it_is_bounded_by_number_size_and_age() {
        let journal = Journal::default();
        for at in 0..MOST as i64 + 5 {
            journal.write(noted(at, 0), Some("TEAM"), None, None);
        }
        assert_eq!(numbers(&journal, &Filter::default()).len(), MOST);
        for at in 0..MOST as i64 {
            journal.write(noted(at, 5_000), Some("TEAM"), None, None);
        }
        assert!(lock(&journal.rings).known.bytes <= MOST_BYTES);
        journal.write(noted(AGE_MILLIS + MOST as i64, 0), Some("TEAM"), None, None);
        assert_eq!(numbers(&journal, &Filter::default()).len(), 1);
        assert!(lock(&journal.rings).known.bytes < 1_000);
    }

    #[test]
    fn what_is_too_old_is_gone_though_nothing_new_comes() {
        let journal = Journal::default();
        for at in [5, 1, 9] {
            journal.write(noted(at, 0), Some("TEAM"), None, None);
            journal.write(noted(at, 0), None, None, None);
        }
        let strangers = Filter { strangers: true, ..Filter::default() };
        assert_eq!(
            numbers_at(&journal, AGE_MILLIS + 5, &Filter::default()),
            [1, 5],
            "2 and 4 are strangers'"
        );
        assert_eq!(numbers_at(&journal, AGE_MILLIS + 9, &strangers), [6]);
        assert!(numbers_at(&journal, AGE_MILLIS + 10, &Filter::default()).is_empty());
        let rings = lock(&journal.rings);
        assert_eq!((rings.known.entries.len(), rings.known.bytes), (0, 0));
        assert_eq!((rings.strangers.entries.len(), rings.strangers.bytes), (0, 0));
    }

    #[test]
    fn all_that_a_client_can_make_long_counts() {
        let long = || Some("x".repeat(5_000));
        let one = |entry: Noted, topic: Option<&str>, answer: Option<Answer>| {
            let journal = Journal::default();
            journal.write(entry, Some("TEAM"), topic, answer);
            lock(&journal.rings).known.bytes
        };
        let with = |asked: Asked| one(*Noted::new(asked, UnixMillis(1)), None, None);
        let credential =
            Some(Credential::Key { key_id: "x".repeat(2_500), team_id: "x".repeat(2_500), issued_at: 1 });
        for (what, bytes) in [
            ("method", with(Asked { method: long(), ..Asked::default() })),
            ("path", with(Asked { path: long(), ..Asked::default() })),
            ("token", with(Asked { token: long(), ..Asked::default() })),
            ("credential", with(Asked { credential, ..Asked::default() })),
            ("topic", one(noted(1, 0), long().as_deref(), None)),
            ("reason", one(noted(1, 0), None, Some(Answer { reason: long(), ..Answer::default() }))),
            ("apns-id", one(noted(1, 0), None, Some(Answer { apns_id: long(), ..Answer::default() }))),
            (
                "apns-unique-id",
                one(noted(1, 0), None, Some(Answer { apns_unique_id: long(), ..Answer::default() })),
            ),
            (
                "apns-request-id",
                one(noted(1, 0), None, Some(Answer { apns_request_id: long(), ..Answer::default() })),
            ),
        ] {
            assert!((5_000..7_000).contains(&bytes), "{what}: {bytes}");
        }
    }

    #[test]
    fn strangers_push_nobody_out_and_their_payloads_are_not_kept() {
        let journal = Journal::default();
        journal.write(noted(1, 3), Some("TEAM"), None, None);
        for _ in 0..5_000 {
            journal.write(noted(1, 5_000), None, None, None);
        }
        assert_eq!(numbers(&journal, &Filter::default()), [1]);
        let (strangers, _) =
            journal.after(0, UnixMillis(0), &Filter { strangers: true, ..Filter::default() }, usize::MAX);
        assert_eq!(strangers.len(), MOST_OF_STRANGERS);
        assert!(strangers.iter().all(|entry| entry.asked.payload.is_empty()));
    }

    #[test]
    fn entries_are_asked_for_by_app_token_status_and_number() {
        let journal = Journal::default();
        let answer = |status| Some(Answer { status: Some(status), ..Answer::default() });
        journal.write(noted(1, 1), Some("TEAM"), Some("com.example.news"), answer(200));
        journal.write(noted(1, 1), Some("TEAM"), Some("com.example.news.voip"), answer(410));
        let legacy = Answer { legacy_status: Some(8), ..Answer::default() };
        journal.write(noted(1, 1), Some("TEAM"), None, Some(legacy));
        let topics = Some(vec!["com.example.news".into(), "com.example.news.voip".into()]);
        assert_eq!(numbers(&journal, &Filter { topics, ..Filter::default() }), [1, 2]);
        assert_eq!(numbers(&journal, &Filter { status: Some(410), ..Filter::default() }), [2]);
        assert_eq!(numbers(&journal, &Filter { status: Some(8), ..Filter::default() }), [3]);
        let token = |text: &str| Filter { token: Some(text.to_owned()), ..Filter::default() };
        assert_eq!(numbers(&journal, &token("ab")).len(), 3);
        assert_eq!(numbers(&journal, &token("cd")).len(), 0);
        let (entries, looked) = journal.after(0, UnixMillis(0), &Filter::default(), 1);
        assert_eq!((entries.len(), looked), (1, 1));
        let (entries, looked) = journal.after(looked, UnixMillis(0), &Filter::default(), 5);
        assert_eq!((entries.len(), looked), (2, 3));
    }

    #[test]
    fn who_reads_holds_the_entries_themselves() {
        let journal = Journal::default();
        journal.write(noted(1, 5_000), Some("TEAM"), None, None);
        let read = || journal.after(0, UnixMillis(0), &Filter::default(), 1).0.remove(0);
        assert!(Arc::ptr_eq(&read(), &read()));
    }
}
