//! Which leniencies one connection has made use of: each is said once in the log, and counted for the app it was used for.

use std::sync::Arc;

use homing_apns::{Leniencies, Topic};
use homing_trace::UnixMillis;

use crate::advice::{Advice, Tally};
use crate::centre::Directory;

/// Topics of one connection that are counted for.
const MOST_TOPICS: usize = 64;

#[derive(Default)]
pub(super) struct Noted {
    topics: Vec<OfTopic>,
    logged: Leniencies,
}

struct OfTopic {
    topic_no: u32,
    tally: Arc<Tally>,
    seen: Leniencies,
}

/// A request that made use of leniencies.
pub(super) struct Lenient<'a> {
    pub(super) topic: &'a Topic,
    pub(super) topic_no: u32,
    pub(super) used: Leniencies,
    /// What its client calls itself.
    pub(super) client: Option<&'a str>,
    pub(super) at: UnixMillis,
}

impl Noted {
    pub(super) fn note(&mut self, lenient: &Lenient<'_>, directory: &Directory, advice: &Advice) {
        let Lenient { topic, topic_no, used, client, at } = *lenient;
        if used.is_empty() {
            return;
        }
        let place = match self.topics.iter().position(|noted| noted.topic_no == topic_no) {
            Some(place) => place,
            None => {
                let entry = directory.topic(topic.as_str());
                let tally = entry.and_then(|entry| advice.tally(&entry.team, &entry.bundle_id));
                let Some(tally) = tally.filter(|_| self.topics.len() < MOST_TOPICS) else { return };
                self.topics.push(OfTopic { topic_no, tally, seen: Leniencies::NONE });
                self.topics.len() - 1
            }
        };
        let noted = &mut self.topics[place];
        let new = used.without(noted.seen);
        if !new.is_empty() {
            noted.seen = noted.seen.and(new);
            noted.tally.note_connection(new, client, at);
            for leniency in new.without(self.logged).iter() {
                let client = client.unwrap_or("unnamed");
                tracing::info!(%topic, client, leniency = leniency.as_str(), "a client is taken by leniency: {}", leniency.advice());
            }
            self.logged = self.logged.and(new);
        }
        noted.tally.note(used, at);
    }
}
