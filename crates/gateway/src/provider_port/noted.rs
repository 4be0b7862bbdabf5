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
    /// `None` for what is about no one topic.
    topic_no: Option<u32>,
    tally: Arc<Tally>,
    seen: Leniencies,
}

/// A request that made use of leniencies.
pub(super) struct Lenient<'a> {
    pub(super) team: &'a str,
    /// With its number; `None` for a stream of receipts.
    pub(super) topic: Option<(&'a Topic, u32)>,
    pub(super) used: Leniencies,
    /// What its client calls itself.
    pub(super) client: Option<&'a str>,
    pub(super) at: UnixMillis,
}

impl Noted {
    pub(super) fn note(&mut self, lenient: &Lenient<'_>, directory: &Directory, advice: &Advice) {
        let Lenient { team, topic, used, client, at } = *lenient;
        if used.is_empty() {
            return;
        }
        let topic_no = topic.map(|(_, no)| no);
        let place = match self.topics.iter().position(|noted| noted.topic_no == topic_no) {
            Some(place) => place,
            None => {
                let tally = match topic {
                    Some((topic, _)) => directory
                        .topic(topic.as_str())
                        .and_then(|entry| advice.tally(&entry.team, Some(&entry.bundle_id))),
                    None => advice.tally(team, None),
                };
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
                let topic = topic.map_or("receipts", |(topic, _)| topic.as_str());
                tracing::info!(
                    topic,
                    client,
                    leniency = leniency.as_str(),
                    "a client is taken by leniency: {}",
                    leniency.advice()
                );
            }
            self.logged = self.logged.and(new);
        }
        noted.tally.note(used, at);
    }
}
