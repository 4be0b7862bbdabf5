//! The journal: what providers sent and what they were answered, in memory, for whoever tests them. It is bounded by number,
//! size and age; the oldest entries go first. Requests that nobody vouches for stand in a ring of their own, so that they
//! push out no others. Secrets are left out before anything is written: of an `authorization` header only whom it names.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Instant;

use bytes::Bytes;
use homing_apns::RequestHeaders;
use homing_apns::jwt::ProviderToken;
use homing_trace::{Environment, UnixMillis};
use http::HeaderMap;
use serde::Serialize;
use tokio::sync::watch;

use crate::notification::lock;

/// Entries that are kept, and their bytes together; those of strangers apart.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 16 << 20;
const MOST_OF_STRANGERS: usize = 1_000;
const BYTES_OF_STRANGERS: usize = 1 << 20;
/// How old an entry gets.
const AGE_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// What an entry takes beside its texts, roughly.
const FIXED: usize = 512;
/// Headers that can open doors, in lower case. They aren't written down.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// Who spoke for a request, without what proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Credential {
    /// A provider token, as far as it says whose it is; whether it was in order, the answer says.
    Key { key_id: String, team_id: String, issued_at: i64 },
    /// A client certificate.
    Certificate { certificate_id: String },
}

impl Credential {
    /// Whom a request's provider token names.
    pub(crate) fn in_headers(headers: &RequestHeaders<'_>) -> Option<Self> {
        let token = ProviderToken::parse(headers.authorization?.as_bytes()).ok()?;
        Some(Self::Key {
            key_id: token.key_id().to_owned(),
            team_id: token.team_id().to_owned(),
            issued_at: token.issued_at(),
        })
    }
}

/// What a request said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Asked {
    /// `http2` or `legacy`.
    pub(crate) interface: &'static str,
    /// A number for its connection, new at each start.
    pub(crate) connection: u64,
    #[schema(value_type = Option<String>, example = "development")]
    pub(crate) environment: Option<Environment>,
    pub(crate) credential: Option<Credential>,
    /// HTTP/2 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Names in lower case; the values of one that came several times are joined by `, `. Of `authorization` only the
    /// credential is told.
    pub(crate) headers: BTreeMap<String, String>,
    /// The legacy interface only: command, identifier, expiry and priority.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) frame: BTreeMap<&'static str, u32>,
    /// The device token in hex, as it was sent.
    pub(crate) token: Option<String>,
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub(crate) payload: Bytes,
}

impl Asked {
    /// What the headers of an HTTP/2 request say, without secrets.
    pub(crate) fn take_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            if SECRET_HEADERS.contains(&name.as_str()) {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            match self.headers.get_mut(name.as_str()) {
                Some(values) => {
                    values.push_str(", ");
                    values.push_str(&value);
                }
                None => {
                    self.headers.insert(name.as_str().to_owned(), value.into_owned());
                }
            }
        }
    }
}

/// What it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Answer {
    /// Of an HTTP/2 answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Of a legacy error packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) legacy_status: Option<u8>,
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub(crate) timestamp: Option<i64>,
    /// The label in traces, where the answer has it; of a request about channels only if the request had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_id: Option<String>,
    /// Of a request about channels: the label in traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_request_id: Option<String>,
    /// Of a channel that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apns_channel_id: Option<String>,
}

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Entry {
    /// Rises with each answer.
    pub(crate) no: u64,
    /// When the request was there as a whole, on the push service's clock.
    #[schema(value_type = String, format = "date-time")]
    pub(crate) at: UnixMillis,
    /// Until it was answered, or let go of.
    pub(crate) micros: u64,
    /// Null when nobody vouches for the request.
    pub(crate) team_id: Option<String>,
    pub(crate) topic: Option<String>,
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// Null when it got none.
    pub(crate) answer: Option<Answer>,
    /// What a tester's rule or mark did to it.
    pub(crate) injected: Option<String>,
}

impl Entry {
    fn bytes(&self) -> usize {
        let asked = &self.asked;
        let headers: usize = asked.headers.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        FIXED + headers + asked.payload.len() + asked.path.as_ref().map_or(0, String::len)
    }
}

/// Payloads that aren't UTF-8 are shown with marks where they aren't.
fn as_text<S: serde::Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(payload))
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) asked: Asked,
    pub(crate) at: UnixMillis,
    pub(crate) since: Instant,
    pub(crate) injected: Option<homing_trace::Reason>,
}

impl Noted {
    pub(crate) fn new(asked: Asked, at: UnixMillis) -> Box<Self> {
        Box::new(Self { asked, at, since: Instant::now(), injected: None })
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// The names of an app's topics.
    pub(crate) topics: Option<Vec<std::sync::Arc<str>>>,
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
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Ring {
    fn put(&mut self, entry: Entry, most: usize, most_bytes: usize) {
        let oldest = entry.at.plus_millis(-AGE_MILLIS);
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > most
            || self.bytes > most_bytes
            || self.entries.front().is_some_and(|first| first.at < oldest)
        {
            let Some(gone) = self.entries.pop_front() else { break };
            self.bytes -= gone.bytes();
        }
    }
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
        let Noted { mut asked, at, since, injected } = noted;
        if team_id.is_none() {
            asked.payload = Bytes::new();
        }
        let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let injected = injected.map(|word| word.as_str().to_owned());
        let (team_id, topic) = (team_id.map(str::to_owned), topic.map(str::to_owned));
        let mut rings = lock(&self.rings);
        rings.last += 1;
        let last = rings.last;
        let entry = Entry { no: last, at, micros, team_id, topic, asked, answer, injected };
        if entry.team_id.is_some() {
            rings.known.put(entry, MOST, MOST_BYTES);
        } else {
            rings.strangers.put(entry, MOST_OF_STRANGERS, BYTES_OF_STRANGERS);
        }
        drop(rings);
        self.written.send_replace(last);
    }

    /// The first `most` entries after number `after` that are wanted, and the number up to which has been looked.
    pub(crate) fn after(&self, after: u64, filter: &Filter, most: usize) -> (Vec<Entry>, u64) {
        let rings = lock(&self.rings);
        let ring = if filter.strangers { &rings.strangers } else { &rings.known };
        let begin = ring.entries.partition_point(|entry| entry.no <= after);
        let wanted = ring.entries.range(begin..).filter(|entry| filter.wants(entry));
        let entries: Vec<Entry> = wanted.take(most).cloned().collect();
        let looked = match entries.last() {
            Some(last) if entries.len() == most => last.no,
            Some(_) | None => rings.last,
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
    use super::*;

    fn noted(at: i64, payload: usize) -> Noted {
        let asked =
            Asked { token: Some("AB".to_owned()), payload: vec![b'x'; payload].into(), ..Asked::default() };
        *Noted::new(asked, UnixMillis(at))
    }

    fn numbers(journal: &Journal, filter: &Filter) -> Vec<u64> {
        journal.after(0, filter, usize::MAX).0.into_iter().map(|entry| entry.no).collect()
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
        assert_eq!(lock(&journal.rings).known.bytes, FIXED);
    }

    #[test]
    fn strangers_push_nobody_out_and_their_payloads_are_not_kept() {
        let journal = Journal::default();
        journal.write(noted(1, 3), Some("TEAM"), None, None);
        for _ in 0..5_000 {
            journal.write(noted(1, 5_000), None, None, None);
        }
        assert_eq!(numbers(&journal, &Filter::default()), [1]);
        let (strangers, _) = journal.after(0, &Filter { strangers: true, ..Filter::default() }, usize::MAX);
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
        let (entries, looked) = journal.after(0, &Filter::default(), 1);
        assert_eq!((entries.len(), looked), (1, 1));
        let (entries, looked) = journal.after(looked, &Filter::default(), 5);
        assert_eq!((entries.len(), looked), (2, 3));
    }

    #[test]
    fn secrets_are_left_out() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "bearer secret"),
            ("cookie", "secret"),
            ("x-api-key", "secret"),
            ("apns-topic", "com.example"),
            ("x-two", "a"),
        ] {
            headers.append(name, value.parse().expect("a header value"));
        }
        headers.append("x-two", "b".parse().expect("a header value"));
        let mut asked = Asked::default();
        asked.take_headers(&headers);
        let journal = Journal::default();
        journal.write(*Noted::new(asked, UnixMillis(1)), Some("TEAM"), None, None);
        let (entries, _) = journal.after(0, &Filter::default(), 1);
        let text = serde_json::to_string(&entries[0]).expect("it is JSON");
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains(r#""apns-topic":"com.example","x-two":"a, b""#), "{text}");
    }
}
